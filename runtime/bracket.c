/* A bracket is innermost from its opening to its closing, and brackets close in the reverse order:
 * a task has one stretch of work at a time. Opening without memory must not run the stretch without
 * its deadline or shield, so it hands out the one `no_memory` bracket and makes every checkpoint of
 * the task fail until that is closed again. */
#include "runtime/bracket.h"

#include <weft/error.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "context/context.h"
#include "runtime/worker.h"

static weft_scope no_memory;

static void bracket_raised(wf_scope *scope)
{
	weft_scope *bracket = wf_container_of(scope, weft_scope, scope);
	if (bracket->task->scope == scope) wf_task_follow_scope(bracket->task);
}

/* What came from outside first stays the outside's affair. */
static void expire(weft_scope *bracket)
{
	bracket->expired = bracket->scope.level < WF_LEVEL_CANCEL;
	wf_scope_raise(&bracket->scope, WF_LEVEL_CANCEL, WEFT_REASON_DEADLINE, "deadline");
}

static void deadline_passed(wf_timer *timer)
{
	weft_scope *bracket = wf_container_of(timer, weft_scope, deadline);
	expire(bracket);
}

static void shield_fell(wf_timer *timer)
{
	weft_scope *bracket = wf_container_of(timer, weft_scope, shield);
	wf_scope_unshield(&bracket->scope);
}

static int arm(wf_worker *worker, weft_scope *bracket, const weft_scope_options *options)
{
	if (options->timeout_ms == 0 && options->shield_ms == 0) return 0;
	int64_t now = wf_now_ns();
	bracket->deadline.fire = deadline_passed;
	bracket->shield.fire = shield_fell;
	if (options->timeout_ms > 0) {
		int rc = wf_timer_arm(
			&worker->timers, &bracket->deadline, now + (int64_t)options->timeout_ms * 1000000);
		if (rc != 0) return rc;
	}
	if (options->shield_ms > 0) {
		int rc = wf_timer_arm(
			&worker->timers, &bracket->shield, now + (int64_t)options->shield_ms * 1000000);
		if (rc != 0) wf_timer_cancel(&worker->timers, &bracket->deadline);
		return rc;
	}
	return 0;
}

static void enter(weft_scope *bracket, weft_task *task)
{
	bracket->task = task;
	bracket->outer = task->brackets;
	bracket->outer_scope = task->scope;
	bracket->inherited = wf_context_current();
	wf_scope_init(&bracket->scope, task->scope, bracket_raised);
}

static void make_innermost(weft_scope *bracket, weft_task *task)
{
	task->brackets = bracket;
	task->scope = &bracket->scope;
	wf_task_follow_scope(task);
}

void wf_bracket_init(weft_scope *bracket, weft_task *task)
{
	*bracket = (weft_scope){ .expired = false };
	enter(bracket, task);
	make_innermost(bracket, task);
}

static weft_scope *fail_open(weft_task *task)
{
	task->failed_scopes++;
	task->interrupted = true;
	return &no_memory;
}

weft_scope *weft_scope_open_with(const weft_scope_options *options)
{
	wf_worker *worker = wf_worker_here();
	weft_task *task = worker ? worker->task : NULL;
	if (task == NULL) return NULL;
	weft_scope *bracket = wf_zalloc(sizeof *bracket);
	if (bracket == NULL) return fail_open(task);
	if (arm(worker, bracket, options) != 0) {
		wf_free(bracket);
		return fail_open(task);
	}
	enter(bracket, task);
	if (options->shield_ms > 0) wf_scope_shield(&bracket->scope);
	if (options->timeout_ms < 0) expire(bracket);
	make_innermost(bracket, task);
	return bracket;
}

void weft_scope_cancel(weft_scope *bracket)
{
	if (bracket == NULL || bracket == &no_memory) return;
	wf_assert(bracket->task->worker == wf_worker_here());
	wf_scope_raise(&bracket->scope, WF_LEVEL_CANCEL, WEFT_REASON_EXPLICIT, "weft_scope_cancel");
}

weft_reason weft_cancel_reason(const char **site)
{
	weft_task *task = wf_task_here();
	const wf_scope *scope = task ? task->scope : NULL;
	bool cancelled = scope != NULL && scope->level == WF_LEVEL_CANCEL;
	if (site != NULL) *site = cancelled ? scope->site : NULL;
	return cancelled ? (weft_reason)scope->reason : WEFT_REASON_NONE;
}

/* Deferred calls clean up: they may suspend even though the stretch was cancelled, but not for
 * ever. */
static void run_deferred(wf_defer **list)
{
	weft_scope_options options = { .size = sizeof options, .shield_ms = WF_DEFER_SHIELD_MS };
	weft_scope *shield = weft_scope_open_with(&options);
	wf_defer_run(list);
	int ignored = weft_scope_close(shield, 0);
	(void)ignored;
}

static void restore_context(weft_context *inherited)
{
	weft_context *current = wf_context_attach(inherited);
	if (current != inherited) wf_context_unref(current);
}

static int close_failed(weft_task *task, int rc)
{
	wf_assert(task->failed_scopes > 0);
	task->failed_scopes--;
	wf_task_follow_scope(task);
	return rc < 0 && rc != WEFT_ENOMEM ? rc : WEFT_ENOMEM;
}

int wf_bracket_fini(weft_scope *bracket, int rc)
{
	weft_task *task = wf_task_here();
	wf_assert(bracket->task == task && task->brackets == bracket);
	if (bracket->deferred != NULL) run_deferred(&bracket->deferred);

	wf_worker *worker = task->worker;
	wf_timer_cancel(&worker->timers, &bracket->deadline);
	wf_timer_cancel(&worker->timers, &bracket->shield);
	bool expired = bracket->expired;
	restore_context(bracket->inherited);
	task->brackets = bracket->outer;
	task->scope = bracket->outer_scope;
	wf_scope_fini(&bracket->scope);
	wf_task_follow_scope(task);
	return rc == WEFT_ECANCELED && expired ? WEFT_EDEADLINE : rc;
}

int weft_scope_close(weft_scope *bracket, int rc)
{
	weft_task *task = wf_task_here();
	if (bracket == NULL) return rc < 0 ? rc : WEFT_ENORUN;
	wf_assert(task != NULL);
	if (bracket == &no_memory) return close_failed(task, rc);
	rc = wf_bracket_fini(bracket, rc);
	wf_free(bracket);
	return rc;
}

int weft_scope_set(const weft_key *key, void *value)
{
	weft_context *context;
	weft_task *task = wf_task_here();
	if (task == NULL) {
		if (value != NULL && key->unref != NULL) key->unref(value);
		return wf_worker_here() ? WEFT_ENOTASK : WEFT_ENORUN;
	}
	int rc = weft_context_with(NULL, key, value, &context);
	if (rc != 0) return rc;
	weft_context *inherited = task->brackets ? task->brackets->inherited : task->inherited;
	weft_context *former = wf_context_attach(context);
	if (former != inherited) wf_context_unref(former);
	return 0;
}

int weft_scope_defer(void (*fn)(void *arg), void *arg)
{
	weft_task *task = wf_task_here();
	if (task == NULL) {
		fn(arg);
		return wf_worker_here() ? WEFT_ENOTASK : WEFT_ENORUN;
	}
	wf_defer *call = wf_alloc(sizeof *call);
	if (call == NULL) {
		fn(arg);
		return WEFT_ENOMEM;
	}
	wf_defer **list = task->brackets ? &task->brackets->deferred : &task->deferred;
	*call = (wf_defer){ .older = *list, .fn = fn, .arg = arg };
	*list = call;
	return 0;
}

void wf_bracket_run_deferred(weft_task *task)
{
	run_deferred(&task->deferred);
}

void wf_bracket_restore_context(weft_task *task)
{
	restore_context(task->inherited);
}
