/* A run on the back end of the test's choice. */
#ifndef WF_TESTS_RUN_ON_H
#define WF_TESTS_RUN_ON_H

#include <weft/run.h>

WEFT_BEGIN

/* `late`: on the back end that does everything late, random from `seed`. Signals are left alone. */
int test_run_on(bool late, uint64_t seed, int workers, weft_task_fn *fn, void *arg);

/* The same, as the options say. */
int test_run_with(
	bool late, uint64_t seed, const weft_run_options *options, weft_task_fn *fn, void *arg);

WEFT_END
#endif
