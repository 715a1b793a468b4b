#include "runtime/wait.h"

#include "runtime/task.h"
#include "runtime/worker.h"

enum { CLOSED, OPEN, CLAIMED, STATE_BITS = 2 };

static uint64_t word(wf_ticket ticket, unsigned state)
{
	return ticket << STATE_BITS | state;
}

wf_ticket wf_wait_open(unsigned flags, const char *what, const void *object)
{
	weft_task *task = wf_task_here();
	uint64_t last = atomic_load_explicit(&task->wait, memory_order_relaxed);
	wf_debug_assert((last & 3) == CLOSED && !task->woken);
	wf_ticket ticket = (last >> STATE_BITS) + 1;
	task->wait_flags = (uint8_t)flags;
	task->wait_what = what;
	task->wait_object = object;
	task->cause = WF_CAUSE_NONE;
	/* Claimers on other threads find the ticket in a node that they reach through a lock or a
	 * queue, which orders this store before their look. */
	atomic_store_explicit(&task->wait, word(ticket, OPEN), memory_order_relaxed);
	return ticket;
}

bool wf_wait_claim_shared(weft_task *task, wf_ticket ticket, int cause)
{
	uint64_t open = word(ticket, OPEN);
	/* Acquire: the winner may look at what the task left. Release: pairs with the next claimer's
	 * failed look. The cause travels with the wake. */
	if (!atomic_compare_exchange_strong_explicit(
			&task->wait, &open, word(ticket, CLAIMED), memory_order_acq_rel, memory_order_relaxed))
		return false;
	task->cause = cause;
	return true;
}

bool wf_wait_claim(weft_task *task, wf_ticket ticket, int cause)
{
	if (task->wait_flags & WF_WAIT_SHARED) return wf_wait_claim_shared(task, ticket, cause);
	if (atomic_load_explicit(&task->wait, memory_order_relaxed) != word(ticket, OPEN)) return false;
	atomic_store_explicit(&task->wait, word(ticket, CLAIMED), memory_order_relaxed);
	task->cause = cause;
	return true;
}

void wf_wait_wake(weft_task *task)
{
	if (task->state == WF_TASK_PARKED)
		wf_worker_ready(task->worker, task);
	else
		task->woken = true;
}

bool wf_wait_end(weft_task *task, wf_ticket ticket, int cause)
{
	if (!wf_wait_claim(task, ticket, cause)) return false;
	wf_wait_wake(task);
	return true;
}

void wf_wait_send(weft_task *task)
{
	wf_inbox_send(&task->worker->inbox, &task->wake.message);
}

void wf_wait_interrupt(weft_task *task)
{
	uint64_t now = atomic_load_explicit(&task->wait, memory_order_relaxed);
	if ((now & 3) != OPEN) return;
	int cause = WF_CAUSE_NONE;
	if (task->interrupted && !(task->wait_flags & WF_WAIT_UNCANCELABLE))
		cause = WF_CAUSE_CANCEL;
	else if (task->scope->level >= WF_LEVEL_DRAIN && (task->wait_flags & WF_WAIT_DRAIN))
		cause = WF_CAUSE_DRAIN;
	if (cause == WF_CAUSE_NONE) return;
	wf_wait_end(task, now >> STATE_BITS, cause);
}

static void close_wait(weft_task *task)
{
	uint64_t now = atomic_load_explicit(&task->wait, memory_order_relaxed);
	atomic_store_explicit(&task->wait, now & ~(uint64_t)3, memory_order_relaxed);
	task->woken = false;
	task->wait_what = NULL;
}

int wf_wait_park(void)
{
	wf_worker *worker = wf_worker_here();
	weft_task *task = worker->task;
	if (wf_unlikely(task->interrupted || (task->wait_flags & WF_WAIT_DRAIN)))
		wf_wait_interrupt(task);
	if (!task->woken) {
		task->state = WF_TASK_PARKED;
		wf_worker_switch(worker);
	}
	close_wait(task);
	return task->cause;
}

bool wf_wait_close(void)
{
	weft_task *task = wf_task_here();
	uint64_t now = atomic_load_explicit(&task->wait, memory_order_relaxed);
	if (!(task->wait_flags & WF_WAIT_SHARED)) {
		close_wait(task);
		return (now & 3) == OPEN;
	}
	if ((now & 3) != OPEN) return false;
	if (!atomic_compare_exchange_strong_explicit(
			&task->wait, &now, now & ~(uint64_t)3, memory_order_acquire, memory_order_relaxed))
		return false;
	close_wait(task);
	return true;
}
