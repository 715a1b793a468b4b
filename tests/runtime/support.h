/* Runs a C++ callable as the main task of a run, and proves that the run left nothing behind. */
#ifndef WF_TESTS_RUNTIME_SUPPORT_H
#define WF_TESTS_RUNTIME_SUPPORT_H

#include <gtest/gtest.h>

#include <weft/context.h>
#include <weft/run.h>

#include <functional>

#include "tests/support/failing_allocator.h"

inline int call_function(void *arg)
{
	return (*static_cast<std::function<int()> *>(arg))();
}

/* Two workers, no signals, unless the options say otherwise. */
inline int run_task_with(const weft_run_options &options, std::function<int()> fn)
{
	failing_allocator_install();
	int rc = weft_run_with(call_function, &fn, &options);
	EXPECT_EQ(0, failing_allocator_live());
	failing_allocator_remove();
	weft_context_counts counts;
	weft_context_stats(&counts);
	EXPECT_EQ(0u, counts.live);
	return rc;
}

inline int run_task(std::function<int()> fn, int workers = 2)
{
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = workers;
	options.keep_signals = true;
	return run_task_with(options, std::move(fn));
}

inline void fail_allocations(bool fail)
{
	failing_allocator_fail_at(fail ? 0 : -1, FAIL_STICKY);
}

#endif
