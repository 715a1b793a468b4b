/* Waiting for a future in a task: the waiter lies on the task's stack, the wake in the task. */
#include <weft/task.h>

#include <weft/error.h>

#include "runtime/await.h"
#include "runtime/worker.h"

static wf_wake *claim(wf_waiter *waiter)
{
	wf_await *await = wf_container_of(waiter, wf_await, waiter);
	return wf_wait_claim_shared(await->task, await->ticket, await->cause) ? &await->task->wake
																		  : NULL;
}

void wf_await_init(wf_await *await, weft_task *task, wf_ticket ticket, int cause)
{
	wf_waiter_init(&await->waiter, claim);
	await->task = task;
	await->ticket = ticket;
	await->cause = cause;
}

int wf_await_set(weft_future *future, unsigned flags)
{
	weft_task *task = wf_task_here();
	wf_await await;
	wf_ticket ticket = wf_wait_open(WF_WAIT_SHARED | flags, "a future", future);
	wf_await_init(&await, task, ticket, 0);
	if (!wf_future_watch(future, &await.waiter) && wf_wait_close()) return 0;
	int cause = wf_wait_park();
	wf_future_unwatch(future, &await.waiter);
	return cause == WF_CAUSE_CANCEL ? WEFT_ECANCELED : 0;
}

int weft_await(weft_future *future)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	rc = wf_await_set(future, 0);
	return rc != 0 ? rc : weft_future_status(future);
}
