#include "runtime/group.h"

#include <errno.h>
#include <string.h>
#include <weft/error.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "context/context.h"
#include "runtime/run.h"

/* Life. */

static void home_raised(wf_scope *scope)
{
	weft_group *group = wf_container_of(scope, weft_group, scope);
	if (group->shards != NULL) wf_shards_follow(group);
}

static void deadline_passed(wf_timer *timer)
{
	weft_group *group = wf_container_of(timer, weft_group, timer);
	if (group->scope.level < WF_LEVEL_CANCEL) group->expired = true;
	wf_scope_raise(&group->scope, WF_LEVEL_CANCEL, WEFT_REASON_DEADLINE, "group deadline");
}

void wf_group_init(weft_group *group, wf_worker *home, wf_scope *parent)
{
	memset(group, 0, sizeof *group);
	group->magic = WF_GROUP_MAGIC;
	group->home = home;
	group->ended_last = &group->ended_first;
	group->failures_last = &group->failures;
	group->timer.fire = deadline_passed;
	group->failure_away.deliver = wf_shard_on_failure;
	wf_list_init(&group->places);
	wf_list_init(&group->service_tasks);
	wf_scope_init(&group->scope, parent, home_raised);
}

static void free_failures(weft_group *group)
{
	while (group->failures != NULL) {
		wf_failure *failure = group->failures;
		group->failures = failure->next;
		wf_free(failure);
	}
	group->failures_last = &group->failures;
}

static void give_up_returned(weft_group *group)
{
	weft_task *returned = group->returned;
	group->returned = NULL;
	if (returned != NULL) wf_task_give_up(returned);
}

/* Of one that is over. */
static inline void finish(weft_group *group)
{
	give_up_returned(group);
	while (group->ended_first != NULL) {
		weft_task *task = group->ended_first;
		group->ended_first = task->next;
		wf_task_give_up(task);
	}
	group->ended_last = &group->ended_first;
	if (wf_unlikely(group->failures != NULL)) free_failures(group);
	if (wf_timer_armed(&group->timer)) wf_timer_cancel(&group->home->timers, &group->timer);
	if (group->shards != NULL) wf_shards_free(group);
	wf_scope_fini(&group->scope);
	group->magic = 0;
}

void wf_group_fini(weft_group *group)
{
	wf_assert(wf_group_is_over(group));
	finish(group);
}

/* Groups are made for every request and every gather: a worker keeps the structs, and each as it
 * was made, since most of it is again what it was once the group is over. */
static weft_group *take_group(wf_worker *worker, wf_scope *parent)
{
	weft_group *group = worker->free_groups;
	if (group == NULL) {
		group = wf_alloc(sizeof *group);
		if (group != NULL) wf_group_init(group, worker, parent);
		return group;
	}
	worker->free_groups = group->next_free;
	group->magic = WF_GROUP_MAGIC;
	wf_scope_init(&group->scope, parent, home_raised);
	return group;
}

/* Puts back what a group that is over, and was finished, is left with. */
static void give_group(wf_worker *worker, weft_group *group)
{
	wf_debug_assert(wf_list_empty(&group->places) && wf_list_empty(&group->service_tasks));
	wf_debug_assert(group->granted == 0);
	group->ended_count = 0;
	group->error = 0;
	group->failure_count = 0;
	group->failures_lost = 0;
	group->calls = NULL;
	group->deadline_ns = 0;
	group->joining = false;
	group->services_cancelled = false;
	group->expired = false;
	group->waiting = false;
	group->wants_end = false;
	group->keep_going = false;
	group->next_free = worker->free_groups;
	worker->free_groups = group;
}

void wf_group_free_spares(wf_worker *worker)
{
	while (worker->free_groups != NULL) {
		weft_group *group = worker->free_groups;
		worker->free_groups = group->next_free;
		wf_free(group);
	}
}

/* What stands for a group that could not be made: spawns fail, join says why. */
static weft_group no_memory = { .error = WEFT_ENOMEM };
static weft_group no_run = { .error = WEFT_ENORUN };
static weft_group no_task = { .error = WEFT_ENOTASK };

weft_group *weft_group_open_with(const weft_group_options *options)
{
	weft_task *task = wf_task_here();
	if (task == NULL) return wf_worker_here() ? &no_task : &no_run;
	wf_worker *worker = task->worker;
	weft_group *group = take_group(worker, task->scope);
	if (group == NULL) return &no_memory;
	group->opener = task;
	group->name = options->name;
	group->at_once = options->at_once > 0 ? (unsigned)options->at_once : 0;
	group->keep_going = options->keep_going;
	if (options->timeout_ms > 0) {
		group->deadline_ns = wf_now_ns() + (int64_t)options->timeout_ms * 1000000;
		if (wf_timer_arm(&worker->timers, &group->timer, group->deadline_ns) != 0) {
			wf_group_fini(group);
			give_group(worker, group);
			return &no_memory;
		}
	}
	task->open_groups++;
	return group;
}

void wf_group_check_stand_in(const weft_group *group)
{
	wf_assert(group->magic == WF_GROUP_MAGIC || group == &no_memory || group == &no_run ||
			  group == &no_task);
}

/* Over?. */

bool wf_group_is_over(const weft_group *group)
{
	return group->counted == 0 && group->loud == 0 && group->levels_out == 0 &&
		   atomic_load_explicit(&group->asks, memory_order_acquire) == 0;
}

static bool only_services_left(const weft_group *group)
{
	return group->counted == group->services && group->loud == 0 &&
		   atomic_load_explicit(&group->asks, memory_order_acquire) == 0;
}

static void cancel_services(weft_group *group)
{
	group->services_cancelled = true;
	wf_list_for_each(node, &group->service_tasks)
	{
		weft_task_cancel(wf_list_entry(node, weft_task, service_of));
	}
}

static void wake_opener(weft_group *group)
{
	group->waiting = false;
	wf_wait_end(group->opener, group->ticket, 0);
}

void wf_group_advance(weft_group *group)
{
	bool for_next = group->waiting && !group->wants_end;
	if (!group->waiting && group->over == NULL) return;
	if (for_next && group->ended_first != NULL) {
		wake_opener(group);
		return;
	}
	if (group->counted != group->services) return;
	if (group->loud > 0) wf_shards_ask(group);
	if (!only_services_left(group)) return;
	if (group->services > 0 && group->joining && !group->services_cancelled) cancel_services(group);
	bool over = wf_group_is_over(group);
	if (group->waiting) {
		if (over || for_next) wake_opener(group);
	} else if (over) {
		group->over(group);
	}
}

/* Failures. */

/* The name may lie on the child's stack or in its argument: it is copied. */
static void keep_failure(weft_group *group, const weft_task *task, int code)
{
	wf_failure *failure = NULL;
	if (group->failure_count < WF_ERRORS_MAX) failure = wf_zalloc(sizeof *failure);
	if (failure == NULL) {
		group->failures_lost++;
		if (group->error == 0) group->error = code;
		return;
	}
	failure->public.code = code;
	if (task != NULL) {
		failure->task = task->id;
		failure->public.site = task->site;
		failure->public.worker = task->worker ? task->worker->id : 0;
		if (task->name != NULL) {
			strncpy(failure->name, task->name, sizeof failure->name - 1);
			failure->public.name = failure->name;
		}
	}
	*group->failures_last = failure;
	group->failures_last = &failure->next;
	group->failure_count++;
}

void wf_group_fail(weft_group *group, const weft_task *task, int code)
{
	keep_failure(group, task, code);
	if (!group->keep_going)
		wf_scope_raise(&group->scope, WF_LEVEL_CANCEL, WEFT_REASON_SIBLING,
			task && task->site ? task->site : "spawn");
}

static void forget_failure(weft_group *group, const weft_task *task)
{
	for (wf_failure **at = &group->failures; *at != NULL; at = &(*at)->next) {
		wf_failure *failure = *at;
		if (failure->task != task->id) continue;
		*at = failure->next;
		if (*at == NULL) group->failures_last = at;
		group->failure_count--;
		wf_free(failure);
		return;
	}
}

size_t weft_group_failures(const weft_group *group, weft_failure *list, size_t room)
{
	size_t n = 0;
	for (const wf_failure *failure = group->failures; failure != NULL; failure = failure->next) {
		if (n < room) list[n] = failure->public;
		n++;
	}
	return n;
}

/* Children end. */

/* The cancel of its own scope, or of its group, is no failure of the child. */
static bool has_failed(const weft_task *task)
{
	if (task->result >= 0) return false;
	return task->result != WEFT_ECANCELED || task->root.level < WF_LEVEL_CANCEL;
}

void wf_group_child_ended(weft_task *task)
{
	task->failed = has_failed(task);
	if (task->shard == NULL) wf_group_count_down(task->group, task);
}

void wf_group_count_up(weft_group *group, weft_task *task)
{
	group->counted++;
	if (!task->service) return;
	group->services++;
	group->services_cancelled = false; /* not this one */
	wf_list_push_back(&group->service_tasks, &task->service_of);
}

void wf_group_count_down(weft_group *group, weft_task *task)
{
	wf_debug_assert(group->home == wf_worker_here() && group->counted > 0);
	group->counted--;
	if (task->service) {
		group->services--;
		wf_list_remove(&task->service_of);
	}
	if (task->failed) wf_group_fail(group, task, task->result);
	if (!task->forget) {
		task->next = NULL;
		*group->ended_last = task;
		group->ended_last = &task->next;
		group->ended_count++;
	}
	if (group->at_once != 0) wf_group_give_places(group);
	wf_group_advance(group);
}

/* Waiting. */

static int wait_opener(weft_group *group, unsigned flags, const char *what)
{
	group->ticket = wf_wait_open(flags, what, group);
	group->waiting = true;
	/* While somebody counts who will tell, there is nothing to find. */
	if (group->counted == group->services || !group->wants_end) wf_group_advance(group);
	int cause = wf_wait_park();
	group->waiting = false;
	return cause == WF_CAUSE_CANCEL ? WEFT_ECANCELED : 0;
}

static weft_task *take_ended(weft_group *group)
{
	weft_task *task = group->ended_first;
	if (task == NULL) return NULL;
	group->ended_first = task->next;
	if (group->ended_first == NULL) group->ended_last = &group->ended_first;
	group->ended_count--;
	return task;
}

int weft_group_next(weft_group *group, weft_task **out)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (!wf_group_is_real(group)) return group->error;
	wf_assert(group->opener == wf_task_here());
	give_up_returned(group);
	while (group->ended_first == NULL) {
		if (only_services_left(group)) return 0;
		rc = wait_opener(group, 0, "the next child of a group");
		if (rc != 0) return rc;
	}
	group->returned = take_ended(group);
	if (group->returned->failed) forget_failure(group, group->returned);
	*out = group->returned;
	return 1;
}

void weft_group_cancel(weft_group *group)
{
	if (!wf_group_is_real(group)) return;
	wf_assert(group->home == wf_worker_here());
	wf_scope_raise(&group->scope, WF_LEVEL_CANCEL, WEFT_REASON_EXPLICIT, "weft_group_cancel");
}

static void wait_until_over(weft_group *group)
{
	group->joining = true;
	group->wants_end = true;
	while (!wf_group_is_over(group))
		(void)!wait_opener(group, WF_WAIT_UNCANCELABLE, "the end of a group");
	group->wants_end = false;
}

/* The group has one timer: for its own deadline, or for that of a drain which comes before. */
static void arm_drain(weft_group *group, int64_t until_ns)
{
	bool sooner = wf_timer_armed(&group->timer) && group->timer.deadline_ns <= until_ns;
	if (sooner || wf_timer_arm(&group->home->timers, &group->timer, until_ns) == 0) return;
	/* Without memory there is no time to give. */
	deadline_passed(&group->timer);
}

static void disarm_drain(weft_group *group)
{
	wf_timers *timers = &group->home->timers;
	if (!wf_timer_armed(&group->timer)) return;
	if (group->deadline_ns == 0) {
		wf_timer_cancel(timers, &group->timer);
		return;
	}
	int rc = wf_timer_arm(timers, &group->timer, group->deadline_ns);
	wf_assert(rc == 0); /* it is armed: this moves it */
}

int weft_group_drain(weft_group *group, int drain_ms)
{
	int rc = wf_checkpoint_shielded();
	if (rc != 0) return rc;
	if (!wf_group_is_real(group)) return group->error;
	wf_assert(group->opener == wf_task_here());
	wf_scope_raise(&group->scope, WF_LEVEL_DRAIN, WEFT_REASON_NONE, "weft_group_drain");
	arm_drain(group, wf_now_ns() + (int64_t)drain_ms * 1000000);
	wait_until_over(group);
	group->joining = false;
	disarm_drain(group);
	return group->expired ? WEFT_EDEADLINE : 0;
}

/* The first failure that nobody has seen; the others are told to the operator. */
static int verdict(weft_group *group, int rc)
{
	int first = group->failures ? group->failures->public.code : group->error;
	const wf_failure *rest = group->failures;
	if (rest != NULL && rc >= 0) rest = rest->next;
	if (rest != NULL || group->failures_lost != 0) wf_run_report_failures(group, rest);
	if (rc < 0) first = rc;
	if (first == 0 && group->scope.level == WF_LEVEL_CANCEL && group->expired)
		return WEFT_EDEADLINE;
	return first < 0 ? first : rc;
}

int weft_group_join(weft_group *group, int rc)
{
	if (!wf_group_is_real(group)) return rc < 0 ? rc : group->error;
	weft_task *task = wf_task_here();
	wf_assert(task != NULL && group->opener == task);
	if (rc < 0)
		wf_scope_raise(&group->scope, WF_LEVEL_CANCEL, WEFT_REASON_SIBLING, "weft_group_join");
	wf_checkpoint_shielded();
	if (!wf_group_is_over(group)) wait_until_over(group);
	rc = verdict(group, rc);
	wf_worker *home = group->home;
	finish(group);
	give_group(home, group);
	task->open_groups--;
	return rc;
}

/* Members that are not tasks. */

void wf_group_enter(weft_group *group)
{
	wf_worker *here = wf_worker_here();
	if (here == group->home) {
		group->counted++;
		return;
	}
	wf_shard *shard = wf_shard_here(group, here);
	wf_assert(shard != NULL);
	shard->members++;
}

void wf_group_leave(weft_group *group)
{
	wf_worker *here = wf_worker_here();
	if (here != group->home) {
		wf_shard_leave(wf_shard_here(group, here));
		return;
	}
	group->counted--;
	if (group->at_once != 0) wf_group_give_places(group);
	wf_group_advance(group);
}

wf_scope *wf_group_scope_here(weft_group *group)
{
	wf_worker *here = wf_worker_here();
	if (here == group->home) return &group->scope;
	wf_shard *shard = wf_shard_here(group, here);
	wf_assert(shard != NULL);
	return &shard->scope;
}
