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

static inline bool is_real(const weft_group *group)
{
	if (wf_likely(group->magic == WF_GROUP_MAGIC)) return true;
	wf_assert(group->magic == WF_GROUP_MAGIC || group == &no_memory || group == &no_run ||
			  group == &no_task);
	return false;
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

static bool has_place(const weft_group *group)
{
	return group->counted + group->granted < group->at_once;
}

/* A place goes to who has waited longest, and is that one's from here on: whoever comes before it
 * runs finds none. */
static void give_places(weft_group *group)
{
	while (has_place(group)) {
		wf_list *node = wf_list_pop_front(&group->places);
		if (node == NULL) return;
		wf_place_waiter *waiter = wf_list_entry(node, wf_place_waiter, link);
		group->granted += wf_wait_end(waiter->task, waiter->ticket, 0);
	}
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
	if (group->at_once != 0) give_places(group);
	wf_group_advance(group);
}

/* Spawning. */

static int choose_worker(wf_worker *here, const weft_spawn_options *options)
{
	int wanted = options->worker;
	if (wanted == WEFT_HERE) return here->id;
	if (wanted == WEFT_ANYWHERE) return wf_run_least_loaded(here->run);
	if (wanted < 0 || wanted > here->run->worker_count) return WEFT_EINVAL;
	return wanted;
}

static weft_task *prepare(wf_worker *here, weft_group *group, weft_task_fn *fn, void *arg,
	const weft_spawn_options *options)
{
	weft_task *task = wf_task_new(here);
	if (task == NULL) return NULL;
	task->group = group;
	task->fn = fn;
	task->arg = arg;
	task->release = options->release;
	task->name = options->name;
	task->site = options->site;
	task->stack_size = options->stack;
	task->service = options->service;
	task->forget = options->forget || here != group->home;
	return task;
}

/* Undoes prepare; the argument is released by the caller. */
static void discard(weft_task *task)
{
	task->release = NULL;
	wf_task_release(task);
	wf_task_free(task);
}

/* Where one is started directly, it may be gone when these return 0. */
static int start_here(wf_worker *here, weft_group *group, weft_task *task, bool directly)
{
	int rc = wf_task_begin(task, here, &group->scope);
	if (rc != 0) return rc;
	wf_group_count_up(group, task);
	wf_worker_let_run(here, task, directly);
	return 0;
}

static int start_from_home(wf_worker *here, weft_group *group, weft_task *task, bool directly)
{
	if (task->target == here->id) return start_here(here, group, task, directly);
	if (!wf_shards_make(group)) return WEFT_ENOMEM;
	wf_group_count_up(group, task);
	wf_shard_post(group, task);
	return 0;
}

static int start_from_shard(wf_worker *here, weft_group *group, weft_task *task, bool directly)
{
	wf_shard *shard = wf_shard_here(group, here);
	if (shard != NULL && task->target == here->id && !task->service)
		return wf_shard_start(shard, task, directly);
	wf_shard_ask_home(group, task);
	return 0;
}

static int start_on(wf_worker *here, int target, weft_group *group, weft_task *task, bool directly)
{
	if (task == NULL) return WEFT_ENOMEM;
	task->target = target;
	int rc = here == group->home ? start_from_home(here, group, task, directly)
								 : start_from_shard(here, group, task, directly);
	if (rc != 0) discard(task);
	return rc;
}

/* Suspends until fewer than `at_once` run and nobody has waited longer. */
static int wait_for_place(weft_group *group)
{
	if (has_place(group) && wf_list_empty(&group->places)) return 0;
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	wf_place_waiter waiter = { .task = wf_task_here() };
	waiter.ticket = wf_wait_open(0, "a place in a group", group);
	wf_list_push_back(&group->places, &waiter.link);
	give_places(group); /* the checkpoint may have let others run */
	int cause = wf_wait_park();
	wf_list_remove(&waiter.link);
	if (cause == WF_CAUSE_CANCEL) return WEFT_ECANCELED;
	group->granted--;
	return 0;
}

__attribute__((noinline)) static int spawn_each(wf_worker *here, weft_group *group,
	weft_task_fn *fn, void *arg, const weft_spawn_options *options)
{
	if (options->release != NULL) return WEFT_EINVAL;
	weft_spawn_options one = *options;
	int rc = 0;
	for (int id = 1; id <= here->run->worker_count && rc == 0; id++) {
		one.worker = id;
		rc = wf_group_spawn(group, fn, arg, &one);
	}
	return rc;
}

/* To run it at once there must be somebody to come back to, on the worker where it is to run, and
 * no message to send first. */
__attribute__((noinline)) static int may_start_directly(
	wf_worker *here, weft_group *group, const weft_spawn_options *options)
{
	if (options->worker != WEFT_HERE && options->worker != here->id) return WEFT_EINVAL;
	int rc = wf_checkpoint_shielded();
	if (rc != 0 || here == group->home) return rc;
	return options->service || wf_shard_here(group, here) == NULL ? WEFT_ENOTSUP : 0;
}

int wf_group_spawn(
	weft_group *group, weft_task_fn *fn, void *arg, const weft_spawn_options *options)
{
	wf_worker *here = wf_worker_here();
	if (wf_unlikely(options->direct)) {
		int rc = may_start_directly(here, group, options);
		if (rc != 0) return rc;
	}
	if (wf_unlikely(options->worker == WEFT_EACH)) return spawn_each(here, group, fn, arg, options);
	int target = choose_worker(here, options);
	if (target < 0) return target;
	if (here == group->home && group->ended_count >= WF_ENDED_MAX) return WEFT_EFULL;
	if (group->at_once != 0) {
		if (here != group->home || here->task == NULL) return WEFT_ENOTSUP;
		int rc = wait_for_place(group);
		if (rc != 0) return rc;
	}
	weft_task *task = prepare(here, group, fn, arg, options);
	int rc = start_on(here, target, group, task, options->direct);
	/* The place that was waited for is the next one's. */
	if (rc != 0 && group->at_once != 0) give_places(group);
	return rc;
}

static void note_failed_spawn(wf_worker *here, weft_group *group, int rc)
{
	if (here == group->home) {
		wf_group_fail(group, NULL, rc);
		return;
	}
	wf_shard_note_failure(group, rc);
}

int weft_spawn_with(
	weft_group *group, weft_task_fn *fn, void *arg, const weft_spawn_options *options)
{
	wf_worker *here = wf_worker_here();
	int rc = here == NULL ? WEFT_ENORUN : is_real(group) ? 0 : group->error;
	if (rc == 0) {
		rc = wf_group_spawn(group, fn, arg, options);
		if (rc != 0) note_failed_spawn(here, group, rc);
	}
	if (rc != 0 && options->release != NULL) options->release(arg);
	return rc;
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
	if (!is_real(group)) return group->error;
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
	if (!is_real(group)) return;
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
	if (!is_real(group)) return group->error;
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
	if (!is_real(group)) return rc < 0 ? rc : group->error;
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
	if (group->at_once != 0) give_places(group);
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
