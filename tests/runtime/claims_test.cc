/* Claims of the headers that need several parts at once: nested scopes, results that meet cancels,
 * clean-up, errors, misuse. */
#include <gtest/gtest.h>

#include <weft/error.h>
#include <weft/future.h>
#include <weft/group.h>
#include <weft/post.h>
#include <weft/scope.h>
#include <weft/timer.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/support.h"

namespace
{

enum { LONG_MS = 3600000 };

/* Promise: Only the scope that expired says so. Of three scopes exactly the one whose time is up
 * says so, and each inside it ECANCELED; a shield around the innermost part lets only what is
 * inside the shield expire at once. */
TEST(Scope, OnlyTheOneThatExpiredSaysSo)
{
	for (int expires = 0; expires < 3; expires++) {
		EXPECT_EQ(0, run_task([&] {
			std::array<weft_scope *, 3> scopes;
			for (int i = 0; i < 3; i++)
				scopes[i] = weft_scope_open(.timeout_ms = i == expires ? 2 : LONG_MS);
			int rc = weft_sleep_ms(LONG_MS);
			EXPECT_EQ(WEFT_ECANCELED, rc);
			EXPECT_EQ(WEFT_REASON_DEADLINE, weft_cancel_reason(nullptr));
			for (int i = 2; i >= 0; i--) {
				rc = weft_scope_close(scopes[i], rc);
				EXPECT_EQ(i > expires ? WEFT_ECANCELED : WEFT_EDEADLINE, rc) << i;
				EXPECT_EQ(i > expires, weft_cancel_reason(nullptr) != WEFT_REASON_NONE);
			}
			return 0;
		})) << "scope "
			<< expires << " expires";
	}
}

TEST(Scope, ShieldInsideAnExpiredOneGoesOnUntilItsOwnDeadline)
{
	EXPECT_EQ(0, run_task([] {
		weft_scope *outer = weft_scope_open(.timeout_ms = -1);
		weft_scope *shield = weft_scope_open(.timeout_ms = 2, .shield_ms = LONG_MS);
		EXPECT_EQ(WEFT_REASON_NONE, weft_cancel_reason(nullptr));
		EXPECT_EQ(0, weft_yield());
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(shield, weft_sleep_ms(LONG_MS)));
		EXPECT_EQ(WEFT_ECANCELED, weft_yield());
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(outer, WEFT_ECANCELED));
		return 0;
	}));
}

TEST(Scope, ThatHasExpiredAlreadyFailsItsFirstCheckpoint)
{
	EXPECT_EQ(0, run_task([] {
		weft_scope *scope = weft_scope_open(.timeout_ms = -1);
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, weft_yield()));
		return 0;
	}));
}

/* Promise: What happened wins over a cancel. On one worker: whichever comes first decides, and
 * nothing is lost by it. */
TEST(Future, ResultAndCancelInOneTurnHaveOneWinner)
{
	for (bool set_first : { true, false }) {
		EXPECT_EQ(0, run_task([&] {
			for (int i = 0; i < 1000; i++) {
				static weft_future *future;
				static int awaited, next;
				int rc = weft_future_new(&future);
				if (rc != 0) return rc;
				weft_group *group = weft_group_open();
				weft_spawn(
					group,
					[](void *) {
						awaited = weft_await(future);
						next = weft_yield();
						return 0;
					},
					nullptr);
				EXPECT_EQ(0, weft_yield());
				rc = set_first ? weft_future_set(future, 7, nullptr) : 0;
				weft_group_cancel(group);
				if (!set_first) rc = weft_future_set(future, 7, nullptr);
				EXPECT_EQ(0, weft_group_join(group, 0));
				EXPECT_EQ(set_first ? 7 : WEFT_ECANCELED, awaited);
				EXPECT_EQ(WEFT_ECANCELED, next) << "a cancel is seen at the next checkpoint";
				EXPECT_EQ(7, weft_future_status(future)) << "the result is there for the next one";
				weft_future_unref(future);
			}
			return 0;
		}));
	}
}

/* Promise: What happened wins over a cancel. Across workers: set and cancel race. */
TEST(Future, ResultThatRacesACancelIsNeverLost)
{
	EXPECT_EQ(0, run_task([] {
		int results = 0, cancels = 0;
		for (int i = 0; i < 10000; i++) {
			static weft_future *future;
			static int awaited;
			int rc = weft_future_new(&future);
			if (rc != 0) return rc;
			weft_group *group = weft_group_open();
			weft_spawn(
				group,
				[](void *) {
					awaited = weft_await(future);
					return 0;
				},
				nullptr);
			weft_spawn(
				group, [](void *) { return weft_future_set(future, 7, nullptr); }, nullptr,
				.worker = 2);
			rc = weft_yield();
			for (int k = 0; k < i % 50 && rc == 0; k++) rc = weft_yield();
			weft_group_cancel(group);
			EXPECT_EQ(0, weft_group_join(group, rc));
			EXPECT_EQ(7, weft_future_status(future));
			awaited == 7 ? results++ : cancels++;
			EXPECT_TRUE(awaited == 7 || awaited == WEFT_ECANCELED) << awaited;
			weft_future_unref(future);
		}
		EXPECT_EQ(10000, results + cancels);
		return 0;
	}));
}

std::string order;

void note(void *arg)
{
	order += static_cast<const char *>(arg);
}

/* Promise: Deferred clean-up runs. */
TEST(Scope, DeferredCallsRunOnEveryWayOut)
{
	for (int way = 0; way < 3; way++) {
		order.clear();
		EXPECT_EQ(0, run_task([&] {
			weft_scope *scope = weft_scope_open(.timeout_ms = way == 2 ? -1 : 0);
			int rc = 0;
			static char first[] = "1", second[] = "2", third[] = "3";
			for (char *text : { first, second, third })
				if (rc == 0) rc = weft_scope_defer(note, text);
			EXPECT_EQ(0, rc);
			rc = way == 1 ? -9 : weft_yield();
			rc = weft_scope_close(scope, rc);
			EXPECT_EQ(way == 0 ? 0 : way == 1 ? -9 : WEFT_EDEADLINE, rc);
			return 0;
		}));
		EXPECT_EQ("321", order);
	}
}

/* Promise: All errors are kept. */
TEST(Group, ThreeFailuresOfOneTurnAreAllKept)
{
	EXPECT_EQ(0, run_task([] {
		static int codes[] = { -61, -62, -63 };
		weft_group *group = weft_group_open();
		for (int &code : codes)
			weft_spawn(
				group, [](void *arg) { return *static_cast<int *>(arg); }, &code, .name = "bad");
		static int sibling;
		weft_spawn(
			group, [](void *) { return sibling = weft_sleep_ms(LONG_MS); }, nullptr);
		EXPECT_EQ(0, weft_yield());
		EXPECT_EQ(0, weft_yield());
		weft_failure list[8];
		EXPECT_EQ(3u, weft_group_failures(group, list, 2));
		EXPECT_EQ(3u, weft_group_failures(group, list, 8));
		for (int i = 0; i < 3; i++) EXPECT_EQ(codes[i], list[i].code);
		EXPECT_EQ(-61, weft_group_join(group, 0));
		EXPECT_EQ(WEFT_ECANCELED, sibling);
		return 0;
	}));
}

/* Promise: A value is let go once. */
TEST(Context, ValuesAreReleasedOnceBeforeTheRunReturns)
{
	static std::atomic<int> held, released;
	held = released = 0;
	static const weft_key key = {
		.name = "counted", .ref = [](void *) { held++; }, .unref = [](void *) { released++; }
	};
	static int value;
	EXPECT_EQ(0, run_task([] {
		int rc = weft_scope_set(&key, &value);
		weft_group *group = weft_group_open();
		for (int i = 0; i < 50; i++)
			weft_spawn(
				group,
				[](void *) {
					EXPECT_EQ(&value, weft_context_get(&key));
					return weft_yield();
				},
				nullptr, .worker = 1 + i % 2);
		return weft_group_join(group, rc);
	}));
	EXPECT_EQ(held + 1, released) << "set took over one reference";
}

/* Promise: Misuse is caught. */
TEST(MisuseDeathTest, ScopesCloseInReverseOrderInTheirTask)
{
	EXPECT_DEATH((void)run_task([] {
		weft_scope *outer = weft_scope_open();
		(void)weft_scope_open();
		return weft_scope_close(outer, 0);
	}),
		"task->brackets == bracket");
	EXPECT_DEATH((void)run_task([] {
		static weft_scope *scope;
		scope = weft_scope_open();
		weft_group *group = weft_group_open();
		weft_spawn(
			group, [](void *) { return weft_scope_close(scope, 0); }, nullptr);
		return weft_group_join(group, 0);
	}),
		"bracket->task == task");
}

TEST(MisuseDeathTest, ScopeDoesNotCloseAroundAnOpenGroup)
{
	EXPECT_DEATH((void)run_task([] {
		weft_scope *scope = weft_scope_open();
		(void)weft_group_open();
		return weft_scope_close(scope, 0);
	}),
		"children");
}

TEST(MisuseDeathTest, OnlyTheOpenerJoins)
{
	EXPECT_DEATH((void)run_task([] {
		static weft_group *group;
		group = weft_group_open();
		weft_spawn(
			group, [](void *) { return weft_group_join(group, 0); }, nullptr);
		return weft_group_join(group, 0);
	}),
		"opener == task");
}

TEST(MisuseDeathTest, SpawnAfterTheJoinIsCaught)
{
	EXPECT_DEATH((void)run_task([] {
		weft_group *group = weft_group_open();
		int rc = weft_group_join(group, 0);
		weft_spawn(
			group, [](void *) { return 0; }, nullptr);
		return rc;
	}),
		"magic");
}

TEST(MisuseDeathTest, ReturningWithAScopeOpenIsCaughtAlsoWithoutMemory)
{
	EXPECT_DEATH((void)run_task([] {
		(void)weft_scope_open();
		return 0;
	}),
		"scope_open");
	EXPECT_DEATH((void)run_task([] {
		fail_allocations(true);
		(void)weft_scope_open();
		fail_allocations(false);
		return 0;
	}),
		"scope_open");
}

} // namespace
