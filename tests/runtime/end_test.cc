/* The ends of things: what is still on its way when a group, a post list or a run is over. */
#include <gtest/gtest.h>

#include <weft/error.h>
#include <weft/group.h>
#include <weft/post.h>
#include <weft/scope.h>
#include <weft/timer.h>

#include <atomic>
#include <chrono>

#include "tests/runtime/support.h"

namespace
{

int sleep_long(void *arg)
{
	(void)arg;
	return weft_sleep_ms(3600000);
}

int count_after_a_yield(void *arg)
{
	int rc = weft_yield();
	static_cast<std::atomic<int> *>(arg)->fetch_add(1);
	return rc;
}

/* More than a worker starts in one turn, so that the end is asked for while some still wait. */
TEST(Post, ManyThatWaitWhenMainReturnsAllRun)
{
	enum { POSTS = 3000 };
	for (int round = 0; round < 10; round++) {
		std::atomic<int> count{ 0 };
		static std::atomic<bool> all_posted;
		all_posted = false;
		EXPECT_EQ(0, run_task([&] {
			weft_handle *handle = weft_handle_current();
			auto hold_the_worker = [](void *) {
				while (!all_posted) continue;
				return 0;
			};
			int rc = weft_post(handle, hold_the_worker, nullptr, .worker = 2);
			for (int i = 0; i < POSTS && rc == 0; i++)
				rc = weft_post(handle, count_after_a_yield, &count, .worker = 2);
			weft_handle_unref(handle);
			all_posted = true;
			return rc;
		}));
		EXPECT_EQ(POSTS, count);
	}
}

/* A post waits for a place among the tasks of its worker, and the end of the run for the post. */
TEST(Post, WaitsForAPlaceAmongTheTasks)
{
	std::atomic<int> count{ 0 };
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = 2;
	options.tasks = 3;
	options.keep_signals = true;
	EXPECT_EQ(0, run_task_with(options, [&] {
		weft_handle *handle = weft_handle_current();
		int rc = 0;
		for (int i = 0; i < 50 && rc == 0; i++)
			rc = weft_post(handle, count_after_a_yield, &count, .worker = 1 + i % 2);
		weft_handle_unref(handle);
		return rc;
	}));
	EXPECT_EQ(50, count);
}

/* One that still waits when the workers are sealed finds its part of the group there. */
TEST(Post, WaitsForAPlaceAfterTheSealToo)
{
	std::atomic<int> count{ 0 };
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = 2;
	options.tasks = 1;
	options.keep_signals = true;
	weft_handle *handle = nullptr;
	auto hold_until_sealed = [](void *arg) {
		auto *run = *static_cast<weft_handle **>(arg);
		auto nothing = [](void *) { return 0; };
		while (weft_post(run, nothing, nullptr, .worker = 1) != WEFT_ESHUTDOWN)
			EXPECT_EQ(0, weft_yield());
		weft_handle_unref(run);
		for (int i = 0; i < 1000; i++) EXPECT_EQ(0, weft_yield());
		return 0;
	};
	EXPECT_EQ(0, run_task_with(options, [&] {
		handle = weft_handle_current();
		int rc = weft_post(handle, hold_until_sealed, &handle, .worker = 2);
		for (int i = 0; i < 5 && rc == 0; i++)
			rc = weft_post(handle, count_after_a_yield, &count, .worker = 2);
		return rc;
	}));
	EXPECT_EQ(5, count);
}

/* The clock of the loop and the clock of the deadlines differ by what passes between two looks. */
TEST(Worker, DeadlineThatPassesBeforeThePollDoesNotBlockIt)
{
	using namespace std::chrono;
	for (int i = 0; i < 10; i++) {
		EXPECT_EQ(0, run_task(
						 [&] {
							 /* The first poll of a loop never blocks: some handle is always
							  * closing. */
							 EXPECT_EQ(0, weft_sleep_ms(1));
							 weft_group *group = weft_group_open();
							 weft_spawn(
								 group, [](void *) { return weft_sleep_ms(1); }, nullptr);
							 weft_spawn(
								 group,
								 [](void *) {
									 auto until = steady_clock::now() + milliseconds(3);
									 while (steady_clock::now() < until) continue;
									 return 0;
								 },
								 nullptr);
							 return weft_group_join(group, 0);
						 },
						 1));
	}
}

/* Services that come after the first were cancelled are cancelled too. */
TEST(Group, ServiceSpawnedAfterADrainEndsWithTheJoin)
{
	for (int worker : { 1, 2 }) {
		EXPECT_EQ(0, run_task([&] {
			weft_group *group = weft_group_open();
			weft_spawn(group, sleep_long, nullptr, .worker = worker, .service = true);
			EXPECT_EQ(0, weft_group_drain(group, 60000));
			weft_spawn(group, sleep_long, nullptr, .worker = worker, .service = true);
			return weft_group_join(group, 0);
		}));
	}
}

TEST(Group, ServiceThatAServiceSpawnsAsItEndsIsCancelledToo)
{
	static weft_group *group;
	for (int worker : { 1, 2 }) {
		EXPECT_EQ(0, run_task([&] {
			group = weft_group_open();
			weft_spawn(
				group,
				[](void *) {
					int rc = weft_sleep_ms(3600000);
					weft_spawn(
						group, sleep_long, nullptr, .worker = weft_worker_id(), .service = true);
					return rc;
				},
				nullptr, .worker = worker, .service = true);
			return weft_group_join(group, 0);
		}));
	}
}

/* The cancel of one child may be under way when the last has ended: the group waits for it. */
TEST(Group, OutlivesTheCancelOfAChildThatEndedByItself)
{
	EXPECT_EQ(0, run_task([&] {
		for (int i = 0; i < 100; i++) {
			weft_group *group = weft_group_open();
			static std::atomic<weft_task *> child;
			child = nullptr;
			weft_spawn(
				group,
				[](void *) {
					child = weft_task_current();
					return weft_yield();
				},
				nullptr, .worker = 2);
			while (child == nullptr) EXPECT_EQ(0, weft_yield());
			weft_task_cancel(child);
			int rc = weft_group_join(group, 0);
			if (rc != 0) return rc;
		}
		return 0;
	}));
}

/* The time of a drain is not the time of the group. */
TEST(Group, DrainLeavesTheGroupsOwnDeadlineInForce)
{
	EXPECT_EQ(WEFT_EDEADLINE, run_task([&] {
		weft_group *group = weft_group_open(.timeout_ms = 30);
		EXPECT_EQ(0, weft_group_drain(group, 5));
		weft_spawn(group, sleep_long, nullptr);
		return weft_group_join(group, 0);
	}));
}

TEST(CallOn, ReturnsTheResultOfWhatRanDespiteTheCancel)
{
	EXPECT_EQ(0, run_task([&] {
		weft_scope *scope = weft_scope_open(.timeout_ms = 2);
		int rc = weft_call_on(
			2,
			[](void *) {
				EXPECT_EQ(WEFT_ECANCELED, weft_sleep_ms(3600000));
				return 17;
			},
			nullptr);
		EXPECT_EQ(17, rc) << "it did happen";
		EXPECT_EQ(WEFT_ECANCELED, weft_yield());
		return weft_scope_close(scope, 0);
	}));
}

} // namespace
