/* The waiting side of limiters, for whoever can suspend.
 *
 *     wf_limiter_wait wait;
 *     open the wait; wf_limiter_take(limiter, &wait, claim);
 *     QUEUED   park; afterwards the state is TURN or GRANTED, or the wait was ended by another
 *     TURN     first in line, with a place: sleep until wait.due_ns, then wf_limiter_turn
 *     GRANTED  the token is the caller's: weft_limiter_give when done
 * and wf_limiter_leave if it gives up while QUEUED or TURN. A wait that was claimed by the limiter
 * is won: give the token back rather than pretend.
 *
 * Only the one whose turn it is waits for the rate, so that a queue needs one timer; and since a
 * token of the rate is not set aside before its time, giving up loses none. */
#ifndef WF_EXECUTOR_LIMITER_H
#define WF_EXECUTOR_LIMITER_H

#include "executor/future.h"

#include <weft/limiter.h>

WEFT_BEGIN

typedef enum wf_limiter_state {
	WF_LIMITER_GRANTED,
	WF_LIMITER_QUEUED,
	WF_LIMITER_TURN,
} wf_limiter_state;

typedef struct wf_limiter_wait {
	wf_waiter waiter;
	wf_limiter_state state;
	int64_t due_ns; /* of wf_now_ns; set with TURN */
} wf_limiter_wait;

/* Takes, or gets in line; `claim` is called under the limiter's lock, with &wait->waiter, when it
 * is this one's turn. Thread: any. */
WEFT_MUST wf_limiter_state wf_limiter_take(
	weft_limiter *limiter, wf_limiter_wait *wait, wf_claim_fn *claim);

/* GRANTED, or TURN with a new due_ns when it is too early. Thread: the waiter's. */
WEFT_MUST wf_limiter_state wf_limiter_turn(weft_limiter *limiter, wf_limiter_wait *wait);

/* Gives up. Afterwards nobody touches the wait. When it was GRANTED meanwhile, gives the token
 * back. Thread: the waiter's. */
void wf_limiter_leave(weft_limiter *limiter, wf_limiter_wait *wait);

WEFT_END
#endif
