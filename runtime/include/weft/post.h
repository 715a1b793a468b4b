/* Ways into a worker: from threads the run does not own, and from one worker to another. */
#ifndef WEFT_POST_H
#define WEFT_POST_H
#include <weft/future.h>
#include <weft/group.h>
WEFT_BEGIN

/* A run, held from outside: it may be posted to as long as the handle lives, also when the run is
 * over (every post then fails). */
typedef struct weft_handle weft_handle;

/* A handle to the run this is called in, or NULL outside one. Give it back with unref.
 * Thread: worker. */
WEFT_API weft_handle *weft_handle_current(void);
/* Thread: any. Returns its argument. */
WEFT_API weft_handle *weft_handle_ref(weft_handle *handle);
/* Accepts NULL. Thread: any. */
WEFT_API void weft_handle_unref(weft_handle *handle);

typedef struct weft_post_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *site WEFT_DEFAULT;
	const char *name WEFT_DEFAULT;     /* of the task; must outlive it */
	int worker WEFT_DEFAULT;           /* 0: any */
	weft_future **future WEFT_DEFAULT; /* gets a future of fn's result; the caller's reference */
} weft_post_options;

/* Runs fn(arg) as a task of the run's own group, under the context of this call. 0: it will run,
 * exactly once, before weft_run returns. On failure it never runs and `*future` is untouched.
 * A failure of `fn` itself is in the future, or, without one, reported at once.
 * Thread: any. Errors: ESHUTDOWN, EFULL beyond 65 536 waiting posts, ENOMEM, EINVAL. */
WEFT_API WEFT_MUST int weft_post_with(
	weft_handle *handle, weft_task_fn *fn, void *arg, const weft_post_options *options);
#define weft_post(...) WEFT_POST_(__VA_ARGS__, )
#define WEFT_POST_(handle, fn, arg, ...)                                                           \
	weft_post_with(handle, fn, arg, WEFT_OPTIONS(weft_post_options, .site = WEFT_SITE, __VA_ARGS__))

/* Runs fn(arg) as a child task on `worker` (from 1) and returns its result. A cancel of this scope
 * is passed on to it, and its end waited for: the result is fn's own even then. Thread: task.
 * Suspends. Errors: ECANCELED, EINVAL, ENOMEM, EFULL (it never ran); else fn's. */
WEFT_API WEFT_MUST int weft_call_on(int worker, weft_task_fn *fn, void *arg);

/* How many workers the run has, and which one this is (from 1); 0 outside a run. Thread: any. */
WEFT_API int weft_workers(void);
WEFT_API int weft_worker_id(void);

WEFT_END
#endif
