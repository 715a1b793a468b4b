#include <gtest/gtest.h>

#include <weft/context.h>
#include <weft/group.h>
#include <weft/post.h>
#include <weft/scope.h>
#include <weft/timer.h>

#include <functional>
#include <string>
#include <vector>

#include "runtime/scope.h"
#include "tests/runtime/support.h"

namespace
{

TEST(ScopeTree, HandsALevelToEverythingBelow)
{
	wf_scope root, child, grandchild, sibling;
	wf_scope_init(&root, nullptr, nullptr);
	wf_scope_init(&child, &root, nullptr);
	wf_scope_init(&sibling, &root, nullptr);
	wf_scope_init(&grandchild, &child, nullptr);
	wf_scope_raise(&child, WF_LEVEL_CANCEL, WEFT_REASON_EXPLICIT, "here");
	EXPECT_EQ(WF_LEVEL_NONE, root.level);
	EXPECT_EQ(WF_LEVEL_NONE, sibling.level);
	EXPECT_EQ(WF_LEVEL_CANCEL, grandchild.level);
	EXPECT_EQ(WEFT_REASON_EXPLICIT, grandchild.reason);
	EXPECT_STREQ("here", grandchild.site);
	wf_scope_fini(&grandchild);
	wf_scope_fini(&sibling);
	wf_scope_fini(&child);
	wf_scope_fini(&root);
}

TEST(ScopeTree, ShieldHoldsACancelBackButNotADrain)
{
	wf_scope root, shielded, inner;
	wf_scope_init(&root, nullptr, nullptr);
	wf_scope_init(&shielded, &root, nullptr);
	wf_scope_shield(&shielded);
	wf_scope_init(&inner, &shielded, nullptr);
	wf_scope_raise(&root, WF_LEVEL_CANCEL, WEFT_REASON_SHUTDOWN, "root");
	EXPECT_EQ(WF_LEVEL_DRAIN, shielded.level);
	EXPECT_EQ(WF_LEVEL_DRAIN, inner.level);
	wf_scope_unshield(&shielded);
	EXPECT_EQ(WF_LEVEL_CANCEL, inner.level);
	EXPECT_EQ(WEFT_REASON_SHUTDOWN, inner.reason);
	wf_scope_fini(&inner);
	wf_scope_fini(&shielded);
	wf_scope_fini(&root);
}

TEST(ScopeTree, WalksADeepTreeWithoutRecursion)
{
	std::vector<wf_scope> chain(200000);
	wf_scope_init(&chain[0], nullptr, nullptr);
	for (size_t i = 1; i < chain.size(); i++) wf_scope_init(&chain[i], &chain[i - 1], nullptr);
	wf_scope_raise(&chain[0], WF_LEVEL_CANCEL, WEFT_REASON_EXPLICIT, nullptr);
	EXPECT_EQ(WF_LEVEL_CANCEL, chain.back().level);
	for (size_t i = chain.size(); i-- > 0;) wf_scope_fini(&chain[i]);
}

TEST(Scope, DeadlineEndsAWaitAndBelongsToTheScope)
{
	EXPECT_EQ(0, run_task([] {
		weft_scope *scope = weft_scope_open(.timeout_ms = 5);
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, weft_sleep_ms(60000)));
		EXPECT_EQ(0, weft_sleep_ms(1));
		return 0;
	}));
}

TEST(Scope, AbsorbsOnlyItsOwnDeadline)
{
	EXPECT_EQ(0, run_task([] {
		weft_scope *outer = weft_scope_open(.timeout_ms = 5);
		weft_scope *middle = weft_scope_open(.timeout_ms = 60000);
		weft_scope *inner = weft_scope_open(.timeout_ms = 70000);
		int rc = weft_scope_close(inner, weft_sleep_ms(50000));
		EXPECT_EQ(WEFT_ECANCELED, rc);
		rc = weft_scope_close(middle, rc);
		EXPECT_EQ(WEFT_ECANCELED, rc);
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(outer, rc));
		return 0;
	}));
}

TEST(Scope, CancelIsALevel)
{
	EXPECT_EQ(0, run_task([] {
		weft_scope *scope = weft_scope_open();
		weft_scope_cancel(scope);
		for (int i = 0; i < 3; i++) EXPECT_EQ(WEFT_ECANCELED, weft_sleep_ms(1));
		EXPECT_EQ(WEFT_ECANCELED, weft_yield());
		EXPECT_EQ(WEFT_ECANCELED, weft_scope_close(scope, WEFT_ECANCELED));
		EXPECT_EQ(0, weft_yield());
		return 0;
	}));
}

TEST(Scope, ShieldLetsCleanUpSuspendUntilItsTimeIsUp)
{
	EXPECT_EQ(0, run_task([] {
		weft_scope *scope = weft_scope_open();
		weft_scope_cancel(scope);
		weft_scope *shield = weft_scope_open(.shield_ms = 60000);
		EXPECT_EQ(0, weft_sleep_ms(2));
		EXPECT_EQ(0, weft_scope_close(shield, 0));
		shield = weft_scope_open(.shield_ms = 5);
		EXPECT_EQ(WEFT_ECANCELED, weft_sleep_ms(60000));
		EXPECT_EQ(0, weft_scope_close(shield, 0));
		return weft_scope_close(scope, 0);
	}));
}

std::vector<int> order;

TEST(Scope, DeferredCallsRunLatestFirstAndMaySuspendAfterACancel)
{
	order.clear();
	EXPECT_EQ(0, run_task([] {
		weft_scope *scope = weft_scope_open();
		int rc = weft_scope_defer([](void *) { order.push_back(1); }, nullptr);
		EXPECT_EQ(0, rc);
		rc = weft_scope_defer(
			[](void *) {
				EXPECT_EQ(0, weft_sleep_ms(1));
				order.push_back(2);
			},
			nullptr);
		EXPECT_EQ(0, rc);
		weft_scope_cancel(scope);
		EXPECT_EQ(-5, weft_scope_close(scope, -5));
		EXPECT_EQ((std::vector<int>{ 2, 1 }), order);
		return 0;
	}));
}

TEST(Scope, DeferredCallsOfATaskRunWhenItEnds)
{
	order.clear();
	EXPECT_EQ(-7, run_task([] {
		int rc = weft_scope_defer([](void *) { order.push_back(1); }, nullptr);
		EXPECT_EQ(0, rc);
		return -7;
	}));
	EXPECT_EQ((std::vector<int>{ 1 }), order);
}

const weft_key colour = { .name = "colour" };

TEST(Scope, SetIsUndoneAtItsEndAndFlowsIntoChildren)
{
	static int red, green;
	EXPECT_EQ(0, run_task([] {
		EXPECT_EQ(0, weft_scope_set(&colour, &red));
		weft_scope *scope = weft_scope_open();
		EXPECT_EQ(0, weft_scope_set(&colour, &green));
		weft_group *group = weft_group_open();
		weft_spawn(
			group,
			[](void *) {
				EXPECT_EQ(&green, weft_context_get(&colour));
				return weft_scope_set(&colour, &red);
			},
			nullptr);
		EXPECT_EQ(0, weft_group_join(group, 0));
		EXPECT_EQ(&green, weft_context_get(&colour));
		int rc = weft_scope_close(scope, 0);
		EXPECT_EQ(&red, weft_context_get(&colour));
		return rc;
	}));
	weft_context_counts counts;
	weft_context_stats(&counts);
	EXPECT_EQ(0u, counts.live);
}

TEST(Scope, WithoutMemoryEveryCheckpointFailsUntilItIsClosed)
{
	EXPECT_EQ(0, run_task([] {
		fail_allocations(true);
		weft_scope *scope = weft_scope_open(.timeout_ms = 100);
		fail_allocations(false);
		EXPECT_EQ(WEFT_ENOMEM, weft_yield());
		EXPECT_EQ(WEFT_ENOMEM, weft_scope_close(scope, 0));
		EXPECT_EQ(0, weft_yield());
		fail_allocations(true);
		bool ran = false;
		int rc = weft_scope_defer([](void *arg) { *static_cast<bool *>(arg) = true; }, &ran);
		fail_allocations(false);
		EXPECT_EQ(WEFT_ENOMEM, rc);
		EXPECT_TRUE(ran);
		return 0;
	}));
}

} // namespace
