/* Blocking work off the loop: this task waits, the worker does not. */
#ifndef WEFT_OFFLOAD_H
#define WEFT_OFFLOAD_H
#include <weft/pool.h>
WEFT_BEGIN
typedef struct weft_offload_options {
	size_t size;
	WEFT_NAMED_ONLY;
	weft_pool *pool WEFT_DEFAULT; /* NULL: the run's own */
	weft_limiter *limiter WEFT_DEFAULT;
	void (*on_cancel)(void *arg) WEFT_DEFAULT; /* any thread; gets the job's arg */
} weft_offload_options;
/* fn's result, or EFULL, ECANCELED. `arg` is free again at return. Suspends. */
WEFT_API WEFT_MUST int weft_offload_with(
	int (*fn)(void *arg), void *arg, const weft_offload_options *options);
#define weft_offload(...) WEFT_OFFLOAD_(__VA_ARGS__, )
#define WEFT_OFFLOAD_(fn, arg, ...)                                                                \
	weft_offload_with(fn, arg, WEFT_OPTIONS(weft_offload_options, __VA_ARGS__))
WEFT_END
#endif
