/* A child comes to be: where it shall run, whether there is a place for it, and the way there.
 *
 *   from      to        how
 *   home      home      started
 *   home      away      counted, posted to the shard there
 *   away      here      a member of the shard here, if the group has one
 *   away      else      the home is asked, and goes on as above */
#include <errno.h>
#include <weft/error.h>

#include "runtime/group.h"
#include "runtime/run.h"

/* Places, where a group limits how many run at once. */

static bool has_place(const weft_group *group)
{
	return group->counted + group->granted < group->at_once;
}

/* A place goes to who has waited longest, and is that one's from here on: whoever comes before it
 * runs finds none. */
void wf_group_give_places(weft_group *group)
{
	while (has_place(group)) {
		wf_list *node = wf_list_pop_front(&group->places);
		if (node == NULL) return;
		wf_place_waiter *waiter = wf_list_entry(node, wf_place_waiter, link);
		group->granted += wf_wait_end(waiter->task, waiter->ticket, 0);
	}
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
	wf_group_give_places(group); /* the checkpoint may have let others run */
	int cause = wf_wait_park();
	wf_list_remove(&waiter.link);
	if (cause == WF_CAUSE_CANCEL) return WEFT_ECANCELED;
	group->granted--;
	return 0;
}

/* The way. */

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
	if (rc != 0 && group->at_once != 0) wf_group_give_places(group);
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
	int rc = here == NULL ? WEFT_ENORUN : wf_group_is_real(group) ? 0 : group->error;
	if (rc == 0) {
		rc = wf_group_spawn(group, fn, arg, options);
		if (rc != 0) note_failed_spawn(here, group, rc);
	}
	if (rc != 0 && options->release != NULL) options->release(arg);
	return rc;
}
