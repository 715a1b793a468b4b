/* What the layers above need of futures: waiters, and futures inside other objects.
 *
 * A waiter is a node in its owner's memory (a parked task's stack, a blocked thread's). The one who
 * completes a future takes all waiters off and *claims* each under the future's lock; whoever wins
 * a claim gives back a wake, which is sent after the unlock. So a waiter is never touched after the
 * unlock, and its owner may go as soon as wf_future_unwatch has had the lock. The wake may be
 * touched later: it lives in something that lasts (the task). */
#ifndef WF_EXECUTOR_FUTURE_H
#define WF_EXECUTOR_FUTURE_H

#include "context/list.h"
#include "executor/inbox.h"
#include "executor/platform.h"

#include <weft/future.h>

WEFT_BEGIN

typedef struct wf_wake {
	wf_message message; /* `deliver` makes the task ready */
	wf_inbox *home;     /* NULL: `deliver` is called where the wake is sent */
	struct wf_wake *next;
} wf_wake;

typedef struct wf_waiter wf_waiter;

/* Decides the wait in favour of the caller, if nobody did: gives the wake to send, or NULL. Short,
 * takes no lock, touches neither future nor inbox: it is called under the future's lock. Thread:
 * any. */
typedef wf_wake *wf_claim_fn(wf_waiter *waiter);

struct wf_waiter {
	wf_list link;
	wf_claim_fn *claim;
};

static inline void wf_waiter_init(wf_waiter *waiter, wf_claim_fn *claim)
{
	wf_list_init(&waiter->link);
	waiter->claim = claim;
}

/* Wakes that were won, in order, to be sent once no lock is held. All zero but `last`: init. */
typedef struct wf_wake_chain {
	wf_wake *first, **last;
} wf_wake_chain;

static inline void wf_wake_chain_init(wf_wake_chain *chain)
{
	chain->first = NULL;
	chain->last = &chain->first;
}

/* Claims; true when it was won and the wake is in the chain. */
bool wf_wake_chain_claim(wf_wake_chain *chain, wf_waiter *waiter);
void wf_wake_chain_send(wf_wake_chain *chain);

/* Asks the maker to stop; true: it never began. Called at most once, before the result, by a
 * caller who holds a reference. */
typedef bool wf_future_cancel_fn(void *arg);
typedef void wf_future_free_fn(weft_future *future);

struct weft_future {
	uint32_t refs;
	wf_spin lock; /* guards all but refs, `flags` for reading, and what never changes */
	uint32_t flags;
	int status;
	int fd;
	void *value;
	wf_list waiters;
	/* Never change after init. */
	wf_future_cancel_fn *on_cancel;
	void *cancel_arg;
	wf_future_free_fn *free;
	const char *site;
};

/* In memory of the caller, who holds the one reference; the last unref calls `free`. */
void wf_future_init(weft_future *future, wf_future_free_fn *free, const char *site);

/* To be called before the future is handed out. */
void wf_future_on_cancel(weft_future *future, wf_future_cancel_fn *fn, void *arg);

/* Leaves the waiter with the future: true, and it will be claimed once at most. False: the result
 * is there, the waiter was not taken. Thread: any. */
WEFT_MUST bool wf_future_watch(weft_future *future, wf_waiter *waiter);

/* When this returns nobody touches the waiter any more, claimed or not. Fine when it was taken off
 * already, or never left. Thread: the one that watched. */
void wf_future_unwatch(weft_future *future, wf_waiter *waiter);

/* As weft_future_join, until `until_ns` of wf_now_ns; WF_FOREVER. */
WEFT_MUST int wf_future_join_until(weft_future *future, int64_t until_ns);

WEFT_END
#endif
