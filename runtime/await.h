/* A task's waiter at a future; also one case of a select. */
#ifndef WF_RUNTIME_AWAIT_H
#define WF_RUNTIME_AWAIT_H

#include "executor/future.h"
#include "runtime/wait.h"

typedef struct wf_await {
	wf_waiter waiter;
	weft_task *task;
	wf_ticket ticket;
	int cause;
} wf_await;

/* For a wait that was opened shared. */
void wf_await_init(wf_await *await, weft_task *task, wf_ticket ticket, int cause);
/* Waits until it is set. `flags` as wf_wait_open. Errors: ECANCELED. Suspends. */
int wf_await_set(weft_future *future, unsigned flags);

#endif
