/* A wait of one task for a time, or for a word from its own worker: what retries use. */
#ifndef WF_NET_TRANSPORT_NAP_H
#define WF_NET_TRANSPORT_NAP_H

#include "runtime/timer.h"
#include "runtime/wait.h"

typedef struct wf_nap {
	weft_task *task;
	wf_ticket ticket;
	wf_timer timer;
} wf_nap;

enum { WF_NAP_FOREVER = -1 };

/* Sleeps in `*place`, which points to the nap meanwhile, for `ms` milliseconds. 0: the time is
 * over, or wf_nap_wake was called. `flags` are those of wf_wait_open. Thread: task. Suspends.
 * Errors: ECANCELED, ESHUTDOWN (drain, with WF_WAIT_DRAIN), ENOMEM. */
int wf_nap_ms(wf_nap **place, int ms, unsigned flags, const char *what);

/* The same for who waits although its scope is cancelled: fails with ECANCELED only when the cancel
 * comes during the wait, and with WF_WAIT_UNCANCELABLE not even then. */
int wf_nap_shielded(wf_nap **place, int ms, unsigned flags, const char *what);

/* Accepts NULL. Thread: the sleeper's worker. */
void wf_nap_wake(wf_nap *nap);

#endif
