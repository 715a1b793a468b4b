#include "runtime/task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft/error.h>
#include <weft/report.h>

#include "context/alloc.h"
#include "context/context.h"
#include "runtime/bracket.h"
#include "runtime/group.h"
#include "runtime/mutex.h"
#include "runtime/worker.h"

/* Slabs live until the run ends: a wake that comes late finds a task, perhaps a later one, whose
 * wait word refuses it. */
typedef struct wf_task_slab {
	weft_task tasks[WF_TASKS_PER_SLAB];
	struct wf_task_slab *older;
} wf_task_slab;

static void woken(wf_message *message)
{
	wf_wait_wake(wf_container_of(message, weft_task, wake.message));
}

bool wf_task_grow(wf_worker *worker)
{
	wf_task_slab *slab = wf_alloc_aligned(WF_CACHE_LINE, sizeof *slab);
	if (slab == NULL) return false;
	memset(slab, 0, sizeof *slab);
	slab->older = worker->slabs;
	worker->slabs = slab;
	for (int i = WF_TASKS_PER_SLAB - 1; i >= 0; i--) {
		weft_task *task = &slab->tasks[i];
		task->owner = worker;
		task->wake.message.deliver = woken;
		wf_list_init(&task->service_of);
		task->next = worker->free_tasks;
		worker->free_tasks = task;
	}
	return true;
}

void wf_task_free_slabs(wf_worker *worker)
{
	while (worker->slabs != NULL) {
		wf_task_slab *slab = worker->slabs;
		worker->slabs = slab->older;
		wf_free(slab);
	}
	worker->free_tasks = NULL;
}

static inline void let_go(weft_task *task)
{
	if (task->release != NULL) task->release(task->arg);
	task->release = NULL;
	wf_context_unref(task->inherited);
	task->inherited = NULL;
}

void wf_task_release(weft_task *task)
{
	let_go(task);
}

static void put_back(weft_task *task)
{
	if (task->inherited != NULL) let_go(task); /* of one that never started */
	task->state = WF_TASK_FREE;
	task->next = task->owner->free_tasks;
	task->owner->free_tasks = task;
}

static void came_home(wf_message *message)
{
	put_back(wf_container_of(message, weft_task, message));
}

void wf_task_free(weft_task *task)
{
	if (task->owner == wf_worker_here()) {
		put_back(task);
		return;
	}
	task->message.deliver = came_home;
	wf_inbox_push(&task->owner->inbox, &task->message);
}

void wf_task_give_up(weft_task *task)
{
	let_go(task);
	if (task->cancel_sent)
		task->dropped = true;
	else
		wf_task_free(task);
}

/* Running. */

static void root_raised(wf_scope *scope)
{
	weft_task *task = wf_container_of(scope, weft_task, root);
	if (task->scope == scope) wf_task_follow_scope(task);
}

weft_task *wf_task_of_scope(const wf_scope *scope)
{
	return scope->raised == root_raised ? wf_container_of(scope, weft_task, root) : NULL;
}

void wf_task_follow_scope(weft_task *task)
{
	task->interrupted = task->scope->level == WF_LEVEL_CANCEL || task->failed_scopes > 0;
	wf_wait_interrupt(task);
}

void wf_defer_run(wf_defer **list)
{
	while (*list != NULL) {
		wf_defer *call = *list;
		*list = call->older;
		call->fn(call->arg);
		wf_free(call);
	}
}

/* A function that returns with a scope or a group open broke its promise: what they refer to is on
 * a stack that is about to be reused. */
__attribute__((noinline, cold)) static void left_open(const weft_task *task)
{
	bool scope_open = task->brackets != NULL || task->failed_scopes > 0;
	weft_report("task", "a task returned with a group or a scope open",
		weft_log_text("name", task->name), weft_log_text("spawned", task->site),
		weft_log_uint("groups", task->open_groups), weft_log_bool("scope", scope_open));
	wf_assert(!scope_open && task->open_groups == 0);
}

static inline void check_left_open(const weft_task *task)
{
	if (wf_unlikely(task->brackets != NULL || task->failed_scopes > 0 || task->open_groups > 0))
		left_open(task);
}

static void finish(weft_task *task)
{
	wf_worker *worker = task->worker;
	check_left_open(task);
	if (wf_unlikely(task->deferred != NULL)) {
		wf_bracket_run_deferred(task);
		check_left_open(task);
	}
	if (wf_unlikely(task->held != NULL)) wf_mutex_abandon_all(task);
	if (task->forget && task->release != NULL) {
		task->release(task->arg);
		task->release = NULL;
	}
	if (wf_unlikely(wf_context_current() != task->inherited)) wf_bracket_restore_context(task);
	if (wf_unlikely(task->arena.block != NULL)) wf_arena_free(&task->arena);
	wf_scope_fini(&task->root);
	wf_context_attach(wf_context_root());
	if (task->forget) {
		wf_context_unref(task->inherited);
		task->inherited = NULL;
	}
	wf_count(&worker->live_tasks, -1);
	task->state = WF_TASK_ENDED;
	wf_group_child_ended(task);
}

static wf_coro *run_task(weft_task *task)
{
	wf_worker *worker = task->worker;
	wf_worker_arrive(worker);
	task->result = task->fn(task->arg);
	finish(task);
	return wf_worker_leave_task(worker);
}

#ifdef WF_CORO_ENDING
static void *task_main(void *arg)
{
	return run_task(arg)->sp;
}
#else
static void task_main(void *arg)
{
	weft_task *task = arg;
	wf_coro_switch_last(&task->coro, run_task(task));
}
#define wf_coro_init_ending wf_coro_init
#endif

int wf_task_begin(weft_task *task, wf_worker *worker, wf_scope *parent)
{
	unsigned live = atomic_load_explicit(&worker->live_tasks, memory_order_relaxed);
	if (live >= worker->tasks_max) return WEFT_EFULL;
	int rc = wf_ready_reserve(&worker->ready, live + 1);
	if (rc != 0) return rc;
	wf_stack *stack = wf_stack_take_size(&worker->stacks, task->stack_size);
	if (stack == NULL) return worker->stacks.error;
	wf_count(&worker->live_tasks, 1);
	stack->owner = task;
	task->stack = stack;
	task->worker = worker;
	task->wake.home = &worker->inbox;
	task->context = task->inherited;
	task->woken = false;
	wf_scope_init(&task->root, parent, root_raised);
	task->scope = &task->root;
	task->interrupted = task->root.level == WF_LEVEL_CANCEL;
	wf_coro_init_ending(&task->coro, stack->low, stack->size, task_main, task);
	return 0;
}

void wf_task_bury(weft_task *task)
{
	wf_worker *worker = wf_worker_here();
	wf_coro_fini(&task->coro);
	wf_stack_give(&worker->stacks, task->stack);
	if (wf_unlikely(!wf_timer_armed(&worker->trim))) wf_worker_trim_later(worker);
	task->stack = NULL;
	wf_group_bury_child(task);
}

/* Public. */

weft_task *weft_task_current(void)
{
	return wf_task_here();
}

const char *weft_task_name(const weft_task *task)
{
	if (task->name != NULL) return task->name;
	return task->site ? task->site : "?";
}

void *weft_task_arg(const weft_task *task)
{
	return task->arg;
}

int weft_task_result(const weft_task *task)
{
	return task->result;
}

uint64_t weft_task_id(const weft_task *task)
{
	return task->id;
}

int weft_yield(void)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	wf_worker *worker = wf_worker_here();
	wf_worker_yield(worker);
	/* What was asked of the scope meanwhile is seen by the next call: this one did happen. */
	return 0;
}

void *weft_alloc(size_t size)
{
	weft_task *task = wf_task_here();
	return task ? wf_arena_alloc(&task->arena, size) : NULL;
}

char *weft_format(const char *format, ...)
{
	weft_task *task = wf_task_here();
	if (task == NULL) return NULL;
	va_list list;
	va_start(list, format);
	char *text = wf_arena_format(&task->arena, format, list);
	va_end(list);
	return text;
}
