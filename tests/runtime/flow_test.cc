#include "tests/runtime/flow.h"

#include <gtest/gtest.h>

#include <weft/context.h>
#include <weft/error.h>
#include <weft/group.h>
#include <weft/offload.h>
#include <weft/post.h>
#include <weft/scope.h>
#include <weft/timer.h>

#include "tests/runtime/support.h"

namespace
{

TEST(Flow, NoLineOfALogIsSomebodyElses)
{
	expect_no_line_to_be_somebody_elses(20000);
}

const weft_key policy = { .name = "policy", .flags = WEFT_KEY_REQUIRED };

int ask(void *)
{
	void *value;
	return weft_context_require(&policy, &value);
}

int ask_in_a_future(void *)
{
	weft_handle *run = weft_handle_current();
	weft_future *future;
	int rc = weft_post(run, ask, nullptr, .worker = 2, .future = &future);
	weft_handle_unref(run);
	if (rc != 0) return rc;
	rc = weft_await(future);
	weft_future_unref(future);
	return rc;
}

int ask_in_a_child(void *)
{
	weft_group *group = weft_group_open();
	weft_spawn(group, ask, nullptr, .worker = 2);
	return weft_group_join(group, 0);
}

int ask_in_a_job(void *)
{
	return weft_offload(ask, nullptr);
}

int ask_on_another_worker(void *)
{
	return weft_call_on(2, ask, nullptr);
}

int ask_in_a_race(void *)
{
	return weft_gather({ ask }, { ask });
}

/* A decision that depends on a value is refused wherever the value did not come along. */
TEST(Flow, ARequiredValueFailsClosedWhereItDidNotComeAlong)
{
	static int value;
	EXPECT_EQ(0, run_task([] {
		weft_task_fn *const ways[] = { ask_in_a_child, ask_in_a_future, ask_in_a_job,
			ask_on_another_worker, ask_in_a_race };
		for (weft_task_fn *way : ways) {
			EXPECT_EQ(WEFT_ENOCONTEXT, way(nullptr)) << "nobody set it";
			weft_scope *scope = weft_scope_open();
			EXPECT_EQ(0, weft_scope_set(&policy, &value));
			EXPECT_EQ(0, way(nullptr)) << "it comes along";
			weft_context_scope quiet;
			EXPECT_EQ(0, weft_context_suppress(&quiet));
			EXPECT_EQ(WEFT_ENOCONTEXT, way(nullptr)) << "its flow is suppressed";
			weft_context_restore(&quiet);
			EXPECT_EQ(0, weft_scope_close(scope, 0));
			EXPECT_EQ(WEFT_ENOCONTEXT, way(nullptr)) << "its scope is over";
		}
		return 0;
	}));
}

} // namespace
