/* A worker: one thread, one libuv loop, one set of tasks.
 *
 * The worker's thread alternates between its loop (inbox, timers, descriptors) and its tasks. Tasks
 * switch straight to one another while the turn lasts; when no task is ready, or the turn is used
 * up, the last one switches back to the loop. Everything here belongs to the worker's own thread,
 * but the inbox and a task's wait word and wake. */
#ifndef WF_RUNTIME_WORKER_H
#define WF_RUNTIME_WORKER_H

#include <uv.h>

#include "context/context.h"
#include "executor/inbox.h"
#include "runtime/ready.h"
#include "runtime/stack_watch.h"
#include "runtime/task.h"
#include "runtime/timer.h"

typedef struct wf_run wf_run;
typedef struct wf_io_backend wf_io_backend;

enum {
	WF_TASK_BUDGET = 128,    /* operations a task may do before others get their turn */
	WF_TURN_SWITCHES = 1024, /* switches from task to task before the loop is looked at */
	WF_TURN_NS = 500000,     /* and the time after which it is, looked at every so often */
	WF_EVENTS_A_TURN = 64,   /* tasks that the events of one poll make ready before they run */
	WF_CLOCK_EVERY = 32,     /* operations between two looks at the clock */
	WF_SWITCHES_A_LOOK = 64, /* switches between two looks at it */
	WF_SCRATCH_SIZE = 65536, /* the buffer every descriptor of the worker may read into */
	WF_TASKS_PER_SLAB = 64,
	WF_SPIN_US = 5, /* default of weft_run_options.spin_us */
	WF_SPIN_US_MAX = 1000,
	WF_LOOKS_A_CLOCK = 8,        /* into the inbox between two at the clock, while spinning */
	WF_SPIN_LOOKS_MAX = 1 << 17, /* into the inbox, should the clock stand still */
	WF_POLLS_SKIPPED_MAX = 32,   /* turns in a row without a look at the descriptors */
	WF_SPIN_BACKOFF_MAX = 64,    /* sleeps without spinning, when it was in vain again and again */
	WF_POSTS_PER_TURN = 256,
	WF_TRIM_MS = 1000, /* free stacks that were not used for so long give their pages back */
};

struct wf_worker {
	wf_inbox inbox; /* first: the thread-local that names the worker points here */
	wf_run *run;
	int id;        /* from 1 */
	bool made;     /* init has succeeded, fini has not been */
	bool finished; /* the loop is to end */
	bool polling;  /* inside a uv_run that may block */
	bool sealing;  /* its inbox takes no more posts, and is to settle */

	weft_task *task; /* the one that runs, NULL in the loop */
	/* Those that run before all others, linked by `next`: a child that its spawner starts directly,
	 * and the spawner as soon as that leaves. While a task runs, the first of them, if any, is its
	 * spawner. */
	weft_task *urgent;
	wf_ready ready;
	unsigned until_look;    /* switches until the clock is looked at */
	unsigned looks_left;    /* and how often it is until the turn is over */
	unsigned budget_left;   /* operations until the running task yields */
	int spin_ns;            /* how long it looks into the inbox before it sleeps; 0: not at all */
	bool woken_by_message;  /* the last sleep ended with one */
	uint8_t polls_skipped;  /* since the last look at the descriptors */
	uint8_t spin_backoff;   /* sleeps to let pass after a vain spin: doubles */
	uint8_t spins_withheld; /* of these, how many are left */
	int64_t turn_began_ns;
	int64_t now_ns;    /* read once a turn: for what may be a little late */
	int64_t polled_ns; /* the turn in which descriptors were last looked at */
	wf_coro loop_coro;
	weft_task
		*ended; /* ran to its end a moment ago, still on its stack: buried from the next one */

	weft_task *free_tasks;
	struct wf_task_slab *slabs;
	_Atomic(unsigned) live_tasks; /* written here, read by whoever looks for a place */
	_Atomic(unsigned) expected;   /* children posted to here that have not begun */
	unsigned tasks_max;
	uint64_t tasks_spawned;
	wf_stack_pool stacks;
	wf_timer trim;        /* of the stacks; armed while free ones may be warm */
	wf_stack_watch watch; /* names the task that overflows one of them */
	wf_timers timers;
	wf_scope scope; /* above every scope of the worker */
	weft_group *free_groups;
	struct wf_post *posts, **posts_last; /* came from outside, not yet tasks, oldest first */
	_Atomic(unsigned) posts_waiting;     /* how many; written here, read by those who post */

	uv_loop_t loop;
	uv_poll_t wake; /* on `wake_fd`, an eventfd */
	int wake_fd;
	uv_timer_t timer;
	int64_t timer_armed_ns; /* when the uv_timer fires; INT64_MAX: not started */
	wf_list open_io;        /* descriptors, for the table and for shutdown */
	const wf_io_backend *io;
	void *io_state; /* the back end's */
	char *scratch;

	uint64_t switches, turns;
	unsigned selects; /* so that each looks at another of its cases first */
};

/* Makes tasks of what was posted. Thread: the worker. */
void wf_posts_start(wf_worker *worker);

/* A count that only its worker writes and others may read. */
static inline void wf_count(_Atomic(unsigned) *count, int change)
{
	unsigned now = atomic_load_explicit(count, memory_order_relaxed);
	atomic_store_explicit(count, now + (unsigned)change, memory_order_relaxed);
}

/* Posts wait, and there is room for one as a task: where there is not, the end of a task makes it.
 */
static inline bool wf_posts_may_start(const wf_worker *worker)
{
	return wf_unlikely(worker->posts != NULL) &&
		   atomic_load_explicit(&worker->live_tasks, memory_order_relaxed) < worker->tasks_max;
}

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

/* Makes the worker's loop, inbox, pools. Errors: ENOMEM, EMFILE. */
int wf_worker_init(wf_worker *worker, wf_run *run, int id);
/* Serves until `finished`; this thread is the worker meanwhile. */
void wf_worker_loop(wf_worker *worker);
/* Closes what init made, if it did. No task is left. Thread: the one that ran the loop. */
void wf_worker_fini(wf_worker *worker);

/* Looks at the free stacks after a while. Thread: the worker. */
void wf_worker_trim_later(wf_worker *worker);
/* Puts a task at the end of the ready list. Thread: its worker. */
static inline void wf_worker_ready(wf_worker *worker, weft_task *task)
{
	wf_debug_assert(task->worker == worker && worker == wf_worker_here());
	/* libuv runs timers before it blocks: what one of them made ready must not wait for an event.
	 */
	if (wf_unlikely(worker->polling)) uv_stop(&worker->loop);
	task->state = WF_TASK_READY;
	wf_ready_put(&worker->ready, task);
}

/* A task from the worker's slab with the current context, no stack yet. NULL without memory. */
static inline weft_task *wf_task_new(wf_worker *worker)
{
	if (wf_unlikely(worker->free_tasks == NULL) && !wf_task_grow(worker)) return NULL;
	weft_task *task = worker->free_tasks;
	worker->free_tasks = task->next;
	wf_debug_assert(task->state == WF_TASK_FREE && task->owner == worker);
	task->state = WF_TASK_POSTED;
	task->counted = false;
	task->failed = false;
	task->cancel_sent = false;
	task->dropped = false;
	task->shard = NULL;
	task->result = 0;
	task->inherited = wf_context_capture();
	task->id = (uint64_t)worker->id << 48 | ++worker->tasks_spawned;
	return task;
}

/* Gives a task what it needs to run on `worker` and makes it ready. Errors: ENOMEM, EFULL. */
static inline int wf_task_start(weft_task *task, wf_worker *worker, wf_scope *parent)
{
	int rc = wf_task_begin(task, worker, parent);
	if (wf_likely(rc == 0)) wf_worker_ready(worker, task);
	return rc;
}

/* Leaves the running task for one that has begun and is in no list; comes back when that one leaves
 * for the first time, before all others. */
void wf_worker_run_now(wf_worker *worker, weft_task *child);
/* One that has begun: at once, or when it is its turn. */
static inline void wf_worker_let_run(wf_worker *worker, weft_task *task, bool directly)
{
	if (wf_unlikely(directly))
		wf_worker_run_now(worker, task);
	else
		wf_worker_ready(worker, task);
}
/* Runs what is ready before the poll's other events are told, unless a message or a timer waits. */
void wf_worker_run_early(wf_worker *worker);
/* At the end of an event of a descriptor. Many in a row are cheaper than one at a time, since each
 * walks the same way through the kernel; but the stacks and buffers of hundreds do not stay in the
 * processor's cache until their tasks run. */
static inline void wf_worker_event_told(wf_worker *worker)
{
	if (wf_unlikely(wf_ready_count(&worker->ready) >= WF_EVENTS_A_TURN))
		wf_worker_run_early(worker);
}
/* Leaves the running task, which is parked or in the ready list, for the next; comes back when it
 * is resumed. */
void wf_worker_switch(wf_worker *worker);
/* First thing on every stack that was switched to: the one before may have run to its end. */
static inline void wf_worker_arrive(wf_worker *worker)
{
	weft_task *ended = worker->ended;
	if (wf_likely(ended == NULL)) return;
	worker->ended = NULL;
	wf_task_bury(ended);
}

/* The last act of a task, on its own stack: who continues. */
wf_coro *wf_worker_leave_task(wf_worker *worker);
/* Lets every other ready task run first. */
void wf_worker_yield(wf_worker *worker);

/* The whole of the following, for when there is more to do than to count. */
int wf_checkpoint_slowly(void);
/* The door of every suspending call: ENORUN outside a run, ENOTASK in the loop, ECANCELED when the
 * scope is cancelled, ENOMEM when a scope could not be opened, else 0. Counts the operation and
 * lets others run when the budget is used up. A call that fails here yields. */
static inline int wf_checkpoint(void)
{
	wf_worker *worker = wf_worker_here();
	if (wf_unlikely(worker == NULL || worker->task == NULL || worker->task->interrupted ||
					worker->budget_left % WF_CLOCK_EVERY == 1))
		return wf_checkpoint_slowly();
	worker->budget_left--;
	return 0;
}
int wf_checkpoint_shielded_slowly(void);
/* The same without the cancel: for what must go on (close, join). */
static inline int wf_checkpoint_shielded(void)
{
	wf_worker *worker = wf_worker_here();
	if (wf_unlikely(
			worker == NULL || worker->task == NULL || worker->budget_left % WF_CLOCK_EVERY == 1))
		return wf_checkpoint_shielded_slowly();
	worker->budget_left--;
	return 0;
}

#endif
