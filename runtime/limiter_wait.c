/* The suspending side of limiters. Two waits may follow one another: in line, until it is the
 * task's turn, and, at a limited rate, until the bucket holds a token. A limiter may be used by all
 * workers and by plain threads, so the first is a shared one. */
#include "executor/limiter.h"

#include <weft/error.h>
#include <weft/sync.h>

#include "runtime/sleep.h"
#include "runtime/worker.h"

typedef struct in_line {
	wf_limiter_wait wait;
	weft_task *task;
	wf_ticket ticket;
} in_line;

static wf_wake *claim(wf_waiter *waiter)
{
	in_line *place = wf_container_of(waiter, in_line, wait.waiter);
	return wf_wait_claim_shared(place->task, place->ticket, 0) ? &place->task->wake : NULL;
}

/* Errors: ECANCELED; then it has left the line. */
static int wait_in_line(weft_limiter *limiter, in_line *place)
{
	place->ticket = wf_wait_open(WF_WAIT_SHARED, "a limiter", limiter);
	wf_limiter_state state = wf_limiter_take(limiter, &place->wait, claim);
	if (state != WF_LIMITER_QUEUED) {
		bool unclaimed = wf_wait_close();
		wf_assert(unclaimed); /* the limiter claims only those in line */
		return 0;
	}
	if (wf_wait_park() != WF_CAUSE_CANCEL) return 0;
	wf_limiter_leave(limiter, &place->wait);
	return WEFT_ECANCELED;
}

int weft_limiter_take(weft_limiter *limiter)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	in_line place = { .task = wf_task_here() };
	rc = wait_in_line(limiter, &place);
	while (rc == 0 && place.wait.state == WF_LIMITER_TURN) {
		int cause;
		rc = wf_sleep_until(place.wait.due_ns, 0, &cause);
		if (rc != 0)
			wf_limiter_leave(limiter, &place.wait);
		else
			(void)!wf_limiter_turn(limiter, &place.wait);
	}
	return rc;
}
