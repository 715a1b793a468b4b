/* A group of tasks: the end of the group joins them. */
#ifndef WEFT_GROUP_H
#define WEFT_GROUP_H
#include <weft/task.h>
WEFT_BEGIN
typedef struct weft_group weft_group;
typedef struct weft_group_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *name WEFT_DEFAULT;
	int at_once WEFT_DEFAULT; /* a spawn beyond this suspends; 0: unlimited */
	int timeout_ms WEFT_DEFAULT;
	bool keep_going WEFT_DEFAULT; /* a failing child does not cancel the others */
} weft_group_options;
enum { WEFT_HERE = 0, WEFT_ANYWHERE = -1, WEFT_EACH = -2 }; /* workers count from 1 */
typedef struct weft_spawn_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *site WEFT_DEFAULT;
	const char *name WEFT_DEFAULT;
	int worker WEFT_DEFAULT;
	void (*release)(void *arg) WEFT_DEFAULT; /* once, on the spawner's worker: after join, after its
												`next`, or when it never started */
} weft_spawn_options;

/* Never NULL: out of memory is remembered, every spawn fails and join reports it. */
WEFT_API weft_group *weft_group_open_with(const weft_group_options *options);
#define weft_group_open(...) weft_group_open_with(WEFT_OPTIONS(weft_group_options, __VA_ARGS__))
/* A failure is remembered by the group: it cancels the others and join returns it. */
WEFT_API int weft_spawn_with(
	weft_group *group, weft_task_fn *fn, void *arg, const weft_spawn_options *options);
#define weft_spawn(...) WEFT_SPAWN_(__VA_ARGS__, )
#define WEFT_SPAWN_(group, fn, arg, ...)                                                           \
	weft_spawn_with(                                                                               \
		group, fn, arg, WEFT_OPTIONS(weft_spawn_options, .site = WEFT_SITE, __VA_ARGS__))
/* The next child that ended (as completed); its error counts as seen. 1, 0 none left, negative.
 * Suspends. */
WEFT_API WEFT_MUST int weft_group_next(weft_group *group, weft_task **out);
WEFT_API void weft_group_cancel(weft_group *group);
/* Asks the children to finish, waits, cancels the rest. Suspends. */
WEFT_API int weft_group_drain(weft_group *group, int drain_ms);
/* Ends the group. `rc` is the body's own result: negative cancels the children first.
 * Waits for all, frees the group, returns rc or the first failure. Suspends. */
WEFT_API WEFT_MUST int weft_group_join(weft_group *group, int rc);

/* Several calls at once; all or none start, and all have ended when it returns. */
typedef struct weft_call {
	weft_task_fn *fn WEFT_DEFAULT;
	void *arg WEFT_DEFAULT;
} weft_call;
/* weft_gather({ produce, tx }, { consume, rx }) */
WEFT_API WEFT_MUST int weft_gather_list(const weft_call *calls);
#define weft_gather(...)  WEFT_GATHER_(__VA_ARGS__, )
#define WEFT_GATHER_(...) weft_gather_list(WEFT_LIST(weft_call, __VA_ARGS__))
/* Index of the first to succeed, or the last failure. */
WEFT_API WEFT_MUST int weft_race_list(const weft_call *calls);
#define weft_race(...)  WEFT_RACE_(__VA_ARGS__, )
#define WEFT_RACE_(...) weft_race_list(WEFT_LIST(weft_call, __VA_ARGS__))

/* The same function for each element of an array. */
typedef struct weft_each_options {
	size_t size;
	WEFT_NAMED_ONLY;
	int at_once WEFT_DEFAULT;
	int stagger_ms WEFT_DEFAULT; /* the next starts when one failed, or after this long */
	void (*undo)(void *element) WEFT_DEFAULT; /* race: for each that succeeded and did not win */
} weft_each_options;
WEFT_API WEFT_MUST int weft_gather_each_with(
	weft_task_fn *fn, void *array, size_t element, size_t n, const weft_each_options *options);
#define weft_gather_each(...) WEFT_GATHER_EACH_(__VA_ARGS__, )
#define WEFT_GATHER_EACH_(fn, array, n, ...)                                                       \
	weft_gather_each_with(                                                                         \
		fn, array, sizeof *(array), n, WEFT_OPTIONS(weft_each_options, __VA_ARGS__))
WEFT_API WEFT_MUST int weft_race_each_with(
	weft_task_fn *fn, void *array, size_t element, size_t n, const weft_each_options *options);
#define weft_race_each(...) WEFT_RACE_EACH_(__VA_ARGS__, )
#define WEFT_RACE_EACH_(fn, array, n, ...)                                                         \
	weft_race_each_with(fn, array, sizeof *(array), n, WEFT_OPTIONS(weft_each_options, __VA_ARGS__))
WEFT_END
#endif
