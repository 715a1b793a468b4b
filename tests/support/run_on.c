#include "tests/support/run_on.h"

#include "runtime/io.h"
#include "runtime/io_late.h"
#include "runtime/run.h"

int test_run_on(bool late, uint64_t seed, int workers, weft_task_fn *fn, void *arg)
{
	weft_run_options options = {
		.size = sizeof options,
		.workers = workers,
		.stack = 256 << 10, /* GoogleTest prints failures from where they are seen */
		.keep_signals = true,
	};
	return test_run_with(late, seed, &options, fn, arg);
}

int test_run_with(
	bool late, uint64_t seed, const weft_run_options *options, weft_task_fn *fn, void *arg)
{
	wf_io_late_seed(seed);
	return wf_run_on(fn, arg, options, late ? &wf_io_late : NULL);
}
