/* A worker: one thread, one libuv loop, one set of tasks.
 *
 * The worker's thread alternates between its loop (inbox, timers, descriptors) and its tasks. Tasks
 * switch straight to one another while the turn lasts; when no task is ready, or the turn is used up,
 * the last one switches back to the loop. Everything here belongs to the worker's own thread, but
 * the inbox and a task's wait word and wake. */
#ifndef WF_RUNTIME_WORKER_H
#define WF_RUNTIME_WORKER_H

#include <uv.h>

#include "executor/inbox.h"
#include "runtime/task.h"
#include "runtime/timer.h"

typedef struct wf_run wf_run;
typedef struct wf_io_backend wf_io_backend;

enum {
	WF_TURN_TASKS = 128,      /* operations a task may do, or tasks a turn may run, before the loop is
								 looked at */
	WF_TURN_NS = 500000,      /* and how long a task may go on without being switched */
	WF_SCRATCH_SIZE = 65536,  /* the buffer every descriptor of the worker may read into */
	WF_TASKS_PER_SLAB = 64,
};

struct wf_worker {
	wf_inbox inbox; /* first: the thread-local that names the worker points here */
	wf_run *run;
	int id; /* from 1 */
	bool stopping;

	weft_task *task; /* the one that runs, NULL in the loop */
	weft_task *ready_first, **ready_last;
	unsigned ready_count;
	unsigned turn_left;   /* switches until the loop is looked at */
	unsigned budget_left; /* operations the running task has before it must yield */
	int64_t turn_began_ns;
	int64_t now_ns; /* read once a turn: for what may be a little late */
	wf_coro loop_coro;
	weft_task *ended; /* ran to its end a moment ago, still on its stack; cleaned up by the next */

	weft_task *free_tasks;
	wf_list slabs;
	unsigned live_tasks;
	wf_stack_pool stacks;
	wf_timers timers;
	wf_scope scope; /* parent of every shard's scope and of main's group */

	uv_loop_t loop;
	uv_async_t async;
	uv_timer_t timer;
	uv_idle_t busy;
	int64_t timer_armed_ns;
	wf_list open_io; /* descriptors, for the table and for shutdown */
	const wf_io_backend *io;
	void *io_state; /* the back end's */
	char *scratch;

	uint64_t switches, turns;
	uint64_t random[4];
};

/* The worker of this thread, or NULL. */
static inline wf_worker *wf_worker_here(void)
{
	return (wf_worker *)(void *)wf_inbox_here;
}

/* The running task, or NULL in a worker's loop and on any other thread. */
static inline weft_task *wf_task_here(void)
{
	wf_worker *worker = wf_worker_here();
	return worker ? worker->task : NULL;
}

/* Puts a task at the end of the ready list. Thread: its worker. */
void wf_worker_ready(wf_worker *worker, weft_task *task);
/* Leaves the running task, which is parked or in the ready list, for the next. Comes back when it
 * is resumed. */
void wf_worker_switch(wf_worker *worker);

int wf_worker_init(wf_worker *worker, wf_run *run, int id);
void wf_worker_loop(wf_worker *worker);
void wf_worker_fini(wf_worker *worker);

/* The door of every suspending call: ENORUN outside a run, ENOTASK in the loop, ECANCELED when the
 * scope is cancelled (or ENOMEM when a scope could not be opened), else 0. Counts the operation
 * and lets others run when the budget is used up. */
int wf_checkpoint(void);
/* The same without the cancel: for what must go on (close, join). */
int wf_checkpoint_shielded(void);

#endif
