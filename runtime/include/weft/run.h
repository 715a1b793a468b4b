/* The one lifecycle. */
#ifndef WEFT_RUN_H
#define WEFT_RUN_H
#include <weft/error.h>
WEFT_BEGIN
typedef int weft_task_fn(void *arg);
typedef struct weft_run_options {
	size_t size;
	WEFT_NAMED_ONLY;
	int workers WEFT_DEFAULT;  /* 0: one per core */
	int drain_ms WEFT_DEFAULT; /* 0: 5000 */
	size_t stack WEFT_DEFAULT;
	bool keep_signals WEFT_DEFAULT;
} weft_run_options;
/* Runs fn(arg) as the main task; returns its result when nothing is left. Blocks the thread. */
WEFT_API WEFT_MUST int weft_run_with(weft_task_fn *fn, void *arg, const weft_run_options *options);
#define weft_run(...)           WEFT_RUN_(__VA_ARGS__, )
#define WEFT_RUN_(fn, arg, ...) weft_run_with(fn, arg, WEFT_OPTIONS(weft_run_options, __VA_ARGS__))
/* The same for `return weft_main(...)`: an error is printed to stderr; returns an exit status. */
WEFT_API int weft_main_with(weft_task_fn *fn, void *arg, const weft_run_options *options);
#define weft_main(...) WEFT_MAIN_(__VA_ARGS__, )
#define WEFT_MAIN_(fn, arg, ...)                                                                   \
	weft_main_with(fn, arg, WEFT_OPTIONS(weft_run_options, __VA_ARGS__))
/* Has the first signal, or a drain of the group this task is in, asked to finish up? */
WEFT_API bool weft_draining(void);
/* Suspends until then. */
WEFT_API WEFT_MUST int weft_drain_wait(void);
WEFT_END
#endif
