/* A sleep below the public one. */
#ifndef WF_RUNTIME_SLEEP_H
#define WF_RUNTIME_SLEEP_H

#include <stdint.h>

/* Parks until `deadline_ns` of wf_now_ns, or what `flags` (of wf_wait_open) add; `*cause` says
 * which. No checkpoint. Thread: task. Suspends. Errors: ECANCELED, ENOMEM. */
int wf_sleep_until(int64_t deadline_ns, unsigned flags, int *cause);

#endif
