/* Gather and race: a group whose children are the calls, all on the caller's worker.
 *
 * Every child runs `run_call`, which finds what the calls have in common through its group and its
 * own place through its argument, so that nothing is allocated for a call but its task, and nothing
 * of a call that has ended is kept. Since children do not run before the caller suspends, `go`
 * makes "all or none": it is set when the last one was spawned. Where starting takes time (at_once,
 * stagger) it is set from the beginning. */
#include <weft/error.h>
#include <weft/group.h>
#include <weft/scope.h>
#include <weft/select.h>
#include <weft/sync.h>

#include "context/clock.h"
#include "runtime/group.h"

enum { NS_PER_MS = 1000000 };

typedef struct calls {
	const weft_call *list; /* or, when NULL: */
	weft_task_fn *fn;
	char *array;
	size_t element;

	size_t n;
	const weft_each_options *options;
	weft_group *group;
	bool race;
	bool go;
	int winner;  /* race: index, or -1 */
	int failure; /* gather: the first; race: the last; 0: none */
	size_t failed;
	int running;
	weft_event news; /* a call has ended */
} calls;

static size_t index_of(const calls *all, const void *arg)
{
	if (all->list != NULL) return (size_t)((const weft_call *)arg - all->list);
	return (size_t)((const char *)arg - all->array) / all->element;
}

static void *arg_of(const calls *all, size_t i)
{
	/* A child's argument is not const; its call is not written to. */
	return all->list ? (void *)(uintptr_t)&all->list[i] : all->array + i * all->element;
}

/* Success after the first one: what it made goes back, shielded from the cancel that lost it. */
static void lose(const calls *all, void *element)
{
	/* Without memory it has been called at once. */
	if (all->options->undo != NULL) (void)!weft_scope_defer(all->options->undo, element);
}

static void end_race(calls *all, size_t index, int rc, void *element)
{
	if (rc >= 0 && all->winner >= 0) {
		lose(all, element);
	} else if (rc >= 0) {
		all->winner = (int)index;
		weft_group_cancel(all->group);
	} else {
		all->failure = rc;
		all->failed++;
	}
}

static int run_call(void *arg)
{
	weft_task *task = wf_task_here();
	calls *all = task->group->calls;
	if (!all->go) return 0;
	size_t index = index_of(all, arg);
	weft_task_fn *fn = all->list ? all->list[index].fn : all->fn;
	if (all->list != NULL) task->arg = all->list[index].arg;
	int rc = fn(task->arg);
	all->running--;
	if (all->race)
		end_race(all, index, rc, task->arg);
	else if (rc < 0 && all->failure == 0)
		all->failure = rc;
	weft_event_set(&all->news);
	return all->race ? 0 : rc;
}

/* Starting. */

static bool is_over(const calls *all)
{
	return all->race ? all->winner >= 0 : all->failure < 0;
}

/* Waits until the next call may start: fewer than at_once run, and the latest one had its time, or
 * one has failed. Or until none needs to. */
static int wait_turn(calls *all)
{
	int at_once = all->options->at_once;
	int64_t until_ns = wf_now_ns() + (int64_t)all->options->stagger_ms * NS_PER_MS;
	size_t failed = all->failed;
	int rc = 0;
	while (rc >= 0 && !is_over(all)) {
		bool full = at_once > 0 && all->running >= at_once;
		int64_t left_ns = all->failed == failed ? until_ns - wf_now_ns() : 0;
		if (!full && left_ns <= 0) break;
		weft_event_clear(&all->news);
		rc = full ? weft_event_wait(&all->news)
				  : weft_select(weft_on_event(&all->news),
						weft_on_ms((left_ns + NS_PER_MS - 1) / NS_PER_MS));
	}
	return rc < 0 ? rc : 0;
}

static int start(calls *all, size_t i)
{
	weft_spawn_options options = { .size = sizeof options,
		.site = all->options->site,
		.name = all->options->name,
		.forget = true };
	int rc = wf_group_spawn(all->group, run_call, arg_of(all, i), &options);
	if (rc == 0) all->running++;
	return rc;
}

static int start_all(calls *all)
{
	bool slowly = all->options->at_once > 0 || all->options->stagger_ms > 0;
	int rc = 0;
	all->go = slowly;
	for (size_t i = 0; i < all->n && rc == 0 && !is_over(all); i++) {
		if (i > 0 && slowly) rc = wait_turn(all);
		if (rc != 0 || is_over(all)) break;
		rc = start(all, i);
		if (rc == 0 || !all->race || !slowly) continue;
		/* The others may still win: an attempt failed, no more. */
		all->failure = rc;
		return 0;
	}
	all->go = all->go || rc == 0;
	return rc;
}

static int run_all(calls *all)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (all->n > INT32_MAX || (all->race && all->n == 0)) return WEFT_EINVAL;
	weft_group *group =
		weft_group_open(.name = all->race ? "race" : "gather", .keep_going = all->race);
	if (group->magic != WF_GROUP_MAGIC) return weft_group_join(group, 0);
	all->group = group;
	all->winner = -1;
	group->calls = all;
	rc = weft_group_join(group, start_all(all));
	if (all->winner >= 0) return all->winner;
	/* A cancel from outside is no failure of the group, but then the calls did not all succeed. */
	return rc < 0 ? rc : all->failure;
}

static int run_list(const weft_call *list, const char *site, bool race)
{
	weft_each_options options = { .size = sizeof options, .site = site };
	calls all = { .list = list, .options = &options, .race = race };
	while (list[all.n].fn != NULL) all.n++;
	return run_all(&all);
}

int weft_gather_list(const weft_call *list, const char *site)
{
	return run_list(list, site, false);
}

int weft_race_list(const weft_call *list, const char *site)
{
	return run_list(list, site, true);
}

int weft_gather_each_with(
	weft_task_fn *fn, void *array, size_t element, size_t n, const weft_each_options *options)
{
	calls all = { .fn = fn, .array = array, .element = element, .n = n, .options = options };
	return run_all(&all);
}

int weft_race_each_with(
	weft_task_fn *fn, void *array, size_t element, size_t n, const weft_each_options *options)
{
	calls all = {
		.fn = fn, .array = array, .element = element, .n = n, .options = options, .race = true
	};
	return run_all(&all);
}
