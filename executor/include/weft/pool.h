/* A pool: a bounded number of threads for work that blocks, with a bounded queue before them.
 *
 * Threads are started when there is work that no idle one can take, up to `threads`. When the queue
 * is full, submitting fails at once. A job runs under the context of whoever submitted it. Inside a
 * job any blocking call is fine; calls marked "task" are not. */
#ifndef WEFT_POOL_H
#define WEFT_POOL_H
#include <weft/future.h>
#include <weft/limiter.h>
WEFT_BEGIN

typedef struct weft_pool weft_pool;
typedef int weft_job_fn(void *arg);
typedef void weft_job_cancel_fn(void *arg);

#define WEFT_POOL_THREADS_MAX 1024
#define WEFT_POOL_QUEUE_MAX   1048576

typedef struct weft_pool_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *name WEFT_DEFAULT; /* of its threads too; copied, cut at 11 bytes; "pool" */
	int threads WEFT_DEFAULT;      /* 0: twice the CPUs, at least 8 */
	int queue WEFT_DEFAULT;        /* jobs that wait for a thread; 0: 1024 */
	int drain_ms WEFT_DEFAULT;     /* each half of weft_pool_free; 0: 5000 */
} weft_pool_options;

/* `*out` is the caller's, until weft_pool_free. Starts no thread yet. Thread: any. Errors: ENOMEM;
 * EINVAL for a negative number or one above the maxima. */
WEFT_API WEFT_MUST int weft_pool_new_with(const weft_pool_options *options, weft_pool **out);
#define weft_pool_new(...) WEFT_POOL_NEW_(__VA_ARGS__, )
#define WEFT_POOL_NEW_(out, ...)                                                                   \
	weft_pool_new_with(WEFT_OPTIONS(weft_pool_options, __VA_ARGS__), out)

/* Refuses new jobs, lets the accepted ones finish for drain_ms, then cancels those that still wait
 * or run, and waits for as long again. Each future is set. A job that does not end even then is
 * reported, and the pool's memory and threads are left to it for good, never freed under it.
 * Futures of the pool may be released later. Not from a job of the same pool. Accepts NULL. Thread:
 * any but a worker. Blocks the thread. */
WEFT_API void weft_pool_free(weft_pool *pool);

typedef struct weft_pool_submit_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *site WEFT_DEFAULT; /* set by the macro; must outlive the pool */
	/* Called with `arg` when the job is cancelled while it runs, once, on the thread that cancels:
	 * sqlite3_interrupt, say. It is over before the future is set, but may still run when `fn`
	 * returns, so `fn` must not free `arg`: `release` may. */
	weft_job_cancel_fn *on_cancel WEFT_DEFAULT;
	/* Called with `arg` once, on any thread, whatever becomes of the job, also when submitting
	 * fails; before the future is set. */
	void (*release)(void *arg) WEFT_DEFAULT;
	const char *name WEFT_DEFAULT; /* of the job, in reports; must outlive the pool */
} weft_pool_submit_options;

/* Runs fn(arg) on a thread of the pool, under the context that flows here. `*out` gets a reference
 * to a future: its status is fn's result, or ECANCELED when fn never began; its value is `arg`
 * (NULL when there is a `release`). `out` may be NULL: then only a failure is heard of, by its
 * report. weft_future_cancel is true when fn will never begin.
 * Thread: any. Errors: EFULL, ESHUTDOWN after weft_pool_free began, ENOMEM, EAGAIN when the system
 * has no thread left and the pool has none. */
WEFT_API WEFT_MUST int weft_pool_submit_with(weft_pool *pool, weft_job_fn *fn, void *arg,
	const weft_pool_submit_options *options, weft_future **out);
#define weft_pool_submit(...) WEFT_POOL_SUBMIT_(__VA_ARGS__, )
#define WEFT_POOL_SUBMIT_(pool, fn, arg, out, ...)                                                 \
	weft_pool_submit_with(pool, fn, arg,                                                           \
		WEFT_OPTIONS(weft_pool_submit_options, .site = WEFT_SITE, __VA_ARGS__), out)

/* Inside a job: was it asked to stop? False anywhere else. Thread: any. */
WEFT_API bool weft_job_cancelled(void);

typedef struct weft_pool_counts {
	size_t queued, running, threads; /* now */
	uint64_t done;                   /* ran to their end, since the pool was made */
	uint64_t rejected;               /* refused, for want of room, of a thread, or at the end */
	uint64_t cancelled;              /* accepted, but never begun */
	int64_t oldest_wait_ns;          /* of those queued; 0 when there is none */
} weft_pool_counts;

/* Each figure is right for itself; together they are a moment's only while nothing moves. Thread:
 * any. */
WEFT_API void weft_pool_stats(const weft_pool *pool, weft_pool_counts *counts);

WEFT_END
#endif
