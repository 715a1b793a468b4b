/* A bounded pool of threads for blocking work. */
#ifndef WEFT_POOL_H
#define WEFT_POOL_H
#include <weft/future.h>
#include <weft/limiter.h>
WEFT_BEGIN
typedef struct weft_pool weft_pool;
typedef struct weft_pool_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *name WEFT_DEFAULT;
	int threads WEFT_DEFAULT;
	int queue WEFT_DEFAULT;
} weft_pool_options;
WEFT_API WEFT_MUST int weft_pool_new_with(const weft_pool_options *options, weft_pool **out);
#define weft_pool_new(...) WEFT_POOL_NEW_(__VA_ARGS__, )
#define WEFT_POOL_NEW_(out, ...)                                                                   \
	weft_pool_new_with(WEFT_OPTIONS(weft_pool_options, __VA_ARGS__), out)
WEFT_API void weft_pool_free(weft_pool *pool);
/* From any thread; *out is set with fn's result. */
WEFT_API WEFT_MUST int weft_pool_submit(
	weft_pool *pool, int (*fn)(void *arg), void *arg, weft_future **out);
/* Inside a job: was it asked to stop? */
WEFT_API bool weft_job_cancelled(void);
WEFT_END
#endif
