/* A group of tasks. A task exists only inside a group, and the end of the group joins them all,
 * whichever way it ends: nothing runs on behind the back of whoever opened it. Children may run on
 * any worker; the rules are the same everywhere.
 *
 * The first child that fails cancels the others, and join returns its error (keep_going: nobody is
 * cancelled). A child that ends with ECANCELED because it, or the group, was cancelled has not
 * failed. A cancel of the scope in which the group was opened reaches the children too. */
#ifndef WEFT_GROUP_H
#define WEFT_GROUP_H
#include <weft/task.h>
WEFT_BEGIN

typedef struct weft_group weft_group;

typedef struct weft_group_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *name WEFT_DEFAULT; /* for reports; must outlive the group */
	int at_once WEFT_DEFAULT;      /* a spawn beyond this many waits, in line; 0: unlimited */
	int timeout_ms WEFT_DEFAULT;   /* then the children are cancelled; 0: none */
	bool keep_going WEFT_DEFAULT;  /* a failing child does not cancel the others */
} weft_group_options;

/* Where a child runs; workers count from 1. */
enum {
	WEFT_HERE = 0,
	WEFT_ANYWHERE = -1, /* on the worker with the fewest tasks */
	WEFT_EACH = -2,     /* one child on every worker; not together with release */
};

typedef struct weft_spawn_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *site WEFT_DEFAULT; /* set by the macro */
	const char *name WEFT_DEFAULT; /* for reports; must outlive the task */
	int worker WEFT_DEFAULT;
	size_t stack WEFT_DEFAULT; /* bytes; 0: the run's */
	bool service WEFT_DEFAULT; /* cancelled at the join, when the last ordinary child has ended */
	bool forget WEFT_DEFAULT;  /* `next` does not show it; freed as soon as it has ended */
	/* The child runs at once, before weft_spawn returns and before all that is ready; the spawner
	 * goes on, as the next, when the child first waits, yields or has ended. For a child that often
	 * need not wait: it costs little more than a call. */
	bool direct WEFT_DEFAULT;
	/* Frees the argument, once: by join, by the `next` or join after the `next` that showed the
	 * child, or when it could not start. For a forgotten child: as its own last act. */
	void (*release)(void *arg) WEFT_DEFAULT;
} weft_spawn_options;

/* A child that failed, or a spawn that did. */
typedef struct weft_failure {
	int code;
	int worker;       /* where it ran; 0: it never started */
	const char *name; /* of the task; NULL when it had none */
	const char *site; /* file:line of the spawn; NULL when unknown */
} weft_failure;

/* Opens a group in the running task, which must join it. Never NULL: without memory, or outside a
 * task, every spawn fails and join says why. Thread: task. */
WEFT_API weft_group *weft_group_open_with(const weft_group_options *options);
#define weft_group_open(...) weft_group_open_with(WEFT_OPTIONS(weft_group_options, __VA_ARGS__))

/* Starts fn(arg) as a child: its context is the current one, its scope lies below the group's, and
 * it runs when its worker gets to it. 0: it will. On another worker than the group's a later
 * failure to start is the group's. The result may be ignored: the group remembers a failure, which
 * cancels the others and is returned by join.
 *
 * Whoever spawns is the opener, or a task of the group, or otherwise knows that the group is not
 * joined yet. What tasks spawn on other workers than the group's is forgotten as it ends; its
 * failures count.
 *
 * With `direct` it may have ended, even failed, when weft_spawn returns 0: that it has started is
 * all that this says, and a failure is the group's.
 * Thread: worker; task with `direct`. Suspends only where the group limits how many run at once,
 * and with `direct`.
 * Errors: ENOMEM, EFULL beyond the worker's tasks or 100 000 ended children nobody has asked for,
 * EINVAL for a worker that is not, or for `direct` on another one, ENOTSUP for at_once from another
 * worker, or for `direct` where no child of the group runs, or for a service on another worker than
 * the group's, ENOTASK for `direct` outside a task, ECANCELED while it waits for a place, ENORUN.
 */
WEFT_API int weft_spawn_with(
	weft_group *group, weft_task_fn *fn, void *arg, const weft_spawn_options *options);
#define weft_spawn(...) WEFT_SPAWN_(__VA_ARGS__, )
#define WEFT_SPAWN_(group, fn, arg, ...)                                                           \
	weft_spawn_with(                                                                               \
		group, fn, arg, WEFT_OPTIONS(weft_spawn_options, .site = WEFT_SITE, __VA_ARGS__))

/* The next child that ended, in the order of their ends: 1, and `*out` stays readable until the
 * following next or join. 0: no ordinary child is left. A failure that was shown here counts as
 * seen: join will not return it. Thread: the opener. Suspends. Errors: ECANCELED; ENOMEM and ENORUN
 * when the group could not be opened. */
WEFT_API WEFT_MUST int weft_group_next(weft_group *group, weft_task **out);

/* Copies up to `room` failures nobody has seen, the oldest first, and returns how many there are.
 * Names stay valid until the following next or join. Thread: the opener. */
WEFT_API size_t weft_group_failures(const weft_group *group, weft_failure *list, size_t room);

/* Cancels the children there are and those to come. Returns at once. Thread: the group's worker. */
WEFT_API void weft_group_cancel(weft_group *group);

/* Asks the children to finish (weft_draining), waits for them, cancels the rest after `drain_ms`
 * and waits for these too, whatever else is cancelled. Service children end with the last ordinary
 * one. The group stays open, but what was asked of it stays asked: children spawned later find
 * themselves draining, or cancelled. 0, or EDEADLINE when it had to cancel, which join returns then
 * as well. Thread: the opener. Suspends. Errors: ENOMEM and ENORUN when the group could not be
 * opened. */
WEFT_API int weft_group_drain(weft_group *group, int drain_ms);

/* Ends the group: waits for all children, whatever is cancelled, and frees it. `rc` is the opener's
 * own result so far: negative cancels the children first. Returns rc when it is negative, else the
 * first failure that nobody has seen, else EDEADLINE when the group's time, or that of its drain,
 * was up, else rc. Further failures go to the report hook. Thread: the opener. Suspends. */
WEFT_API WEFT_MUST int weft_group_join(weft_group *group, int rc);

/* Several calls at once, each in a task of its own on this worker. All or none of them start, and
 * all have ended when it returns. */
typedef struct weft_call {
	weft_task_fn *fn WEFT_DEFAULT;
	void *arg WEFT_DEFAULT;
} weft_call;

/* Waits for all: weft_gather({ produce, tx }, { consume, rx }). 0 when none has failed; else the
 * first failure, which cancels the others; what else fails is reported. `calls` ends with a zero
 * element. Thread: task. Suspends. Errors: ECANCELED when the cancel kept one from succeeding,
 * ENOMEM, EFULL, else theirs. */
WEFT_API WEFT_MUST int weft_gather_list(const weft_call *calls, const char *site);
#define weft_gather(...)  WEFT_GATHER_(__VA_ARGS__, )
#define WEFT_GATHER_(...) weft_gather_list(WEFT_LIST(weft_call, __VA_ARGS__), WEFT_SITE)

/* Waits for the first to succeed (0 or above), cancels the others and waits for them: its index.
 * When none does, the last failure. Thread: task. Suspends. Errors: EINVAL for no call at all,
 * ECANCELED, ENOMEM, EFULL, else theirs. */
WEFT_API WEFT_MUST int weft_race_list(const weft_call *calls, const char *site);
#define weft_race(...)  WEFT_RACE_(__VA_ARGS__, )
#define WEFT_RACE_(...) weft_race_list(WEFT_LIST(weft_call, __VA_ARGS__), WEFT_SITE)

typedef struct weft_each_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *site WEFT_DEFAULT;
	const char *name WEFT_DEFAULT; /* of the tasks */
	int at_once WEFT_DEFAULT;      /* so many run, the next starts when one has ended; 0: all */
	/* Race: the next starts when one has failed, or after this long; 0: at once. */
	int stagger_ms WEFT_DEFAULT;
	/* Race: two may succeed before the cancel gets there. Called for each that did and was not the
	 * first, in its task, where it may suspend for five seconds. */
	void (*undo)(void *element) WEFT_DEFAULT;
} weft_each_options;

/* The same function for each element of an array: fn(&array[i]). As weft_gather; with `.at_once`,
 * elements that have not begun when one fails never do. Thread: task. Suspends. */
WEFT_API WEFT_MUST int weft_gather_each_with(
	weft_task_fn *fn, void *array, size_t element, size_t n, const weft_each_options *options);
#define weft_gather_each(...) WEFT_GATHER_EACH_(__VA_ARGS__, )
#define WEFT_GATHER_EACH_(fn, array, n, ...)                                                       \
	weft_gather_each_with(fn, array, sizeof *(array), n,                                           \
		WEFT_OPTIONS(weft_each_options, .site = WEFT_SITE, __VA_ARGS__))

/* As weft_race. With `.at_once` or `.stagger_ms` one that cannot be started for want of memory
 * counts as failed and is the last; those that run may still win. Thread: task. Suspends. */
WEFT_API WEFT_MUST int weft_race_each_with(
	weft_task_fn *fn, void *array, size_t element, size_t n, const weft_each_options *options);
#define weft_race_each(...) WEFT_RACE_EACH_(__VA_ARGS__, )
#define WEFT_RACE_EACH_(fn, array, n, ...)                                                         \
	weft_race_each_with(fn, array, sizeof *(array), n,                                             \
		WEFT_OPTIONS(weft_each_options, .site = WEFT_SITE, __VA_ARGS__))

WEFT_END
#endif
