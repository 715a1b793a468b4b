/* Blocking work off the loop: this task waits, the worker does not. */
#ifndef WEFT_OFFLOAD_H
#define WEFT_OFFLOAD_H
#include <weft/limiter.h>
#include <weft/pool.h>
WEFT_BEGIN

typedef struct weft_offload_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *site WEFT_DEFAULT;
	weft_pool *pool WEFT_DEFAULT; /* NULL: the run's own */
	/* A token of it is taken first, and given back when fn has returned or will never run. For
	 * several limiters take the narrower ones around this call: see weft/limiter.h. */
	weft_limiter *limiter WEFT_DEFAULT;
	/* Called once at most, when the scope is cancelled while fn runs, with fn's argument, to make
	 * it return soon (sqlite3_interrupt). On the worker's thread: must not block. It may come at
	 * the moment fn returns, and be over after that, but before weft_offload returns: so fn must
	 * not free what the hook uses. */
	void (*on_cancel)(void *arg) WEFT_DEFAULT;
} weft_offload_options;

/* Runs fn(arg) on a thread of the pool, under this call's context, and returns its result. `arg` is
 * free again at the return, whatever the result: a cancel takes back a job that has not begun
 * (ECANCELED: it never ran); one that runs is asked to stop (weft_job_cancelled, on_cancel) and
 * waited for, and its own result is returned. Thread: task. Suspends.
 * Errors: EFULL when the pool's queue is, ECANCELED, ENOMEM while it waits for the limiter,
 * ESHUTDOWN, EAGAIN when no thread can be started; else what fn returned. */
WEFT_API WEFT_MUST int weft_offload_with(
	int (*fn)(void *arg), void *arg, const weft_offload_options *options);
#define weft_offload(...) WEFT_OFFLOAD_(__VA_ARGS__, )
#define WEFT_OFFLOAD_(fn, arg, ...)                                                                \
	weft_offload_with(fn, arg, WEFT_OPTIONS(weft_offload_options, .site = WEFT_SITE, __VA_ARGS__))

WEFT_END
#endif
