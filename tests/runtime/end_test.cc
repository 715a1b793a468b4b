/* The ends of things: what is still on its way when a group, a post list or a run is over. */
#include <gtest/gtest.h>

#include <weft/error.h>
#include <weft/group.h>
#include <weft/offload.h>
#include <weft/post.h>
#include <weft/scope.h>
#include <weft/timer.h>

#include <unistd.h>

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

/* What main left behind is bounded without any signal. */

std::atomic<bool> job_began, post_began;

int block_for_ever(void *arg)
{
	(void)arg;
	job_began = true;
	for (;;) pause();
}

int offload_for_ever(void *arg)
{
	return weft_offload(block_for_ever, arg);
}

int swallow_the_cancel(void *arg)
{
	(void)arg;
	weft_scope *shield = weft_scope_open(.shield_ms = 3600000);
	post_began = true;
	return weft_scope_close(shield, weft_sleep_ms(3600000));
}

/* Leaves a post that does not end on that worker. */
int leave_job(int worker)
{
	weft_handle *handle = weft_handle_current();
	int rc = weft_post(handle, offload_for_ever, nullptr, .name = "post", .worker = worker);
	weft_handle_unref(handle);
	while (rc == 0 && !job_began) rc = weft_yield();
	return rc;
}

int leave_post(int worker)
{
	weft_handle *handle = weft_handle_current();
	int rc = weft_post(handle, swallow_the_cancel, nullptr, .name = "post", .worker = worker);
	weft_handle_unref(handle);
	while (rc == 0 && !post_began) rc = weft_yield();
	return rc;
}

weft_run_options soon(weft_on_stuck on_stuck)
{
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = 2;
	options.drain_ms = 1;
	options.cancel_ms = 1;
	options.keep_signals = true;
	options.on_stuck = on_stuck;
	return options;
}

class AfterMainDeathTest : public testing::TestWithParam<int>
{
};
INSTANTIATE_TEST_SUITE_P(OnWorker, AfterMainDeathTest, testing::Values(1, 2));

TEST_P(AfterMainDeathTest, StuckJobOfAPostIsNamedAndMayBeLeft)
{
	static int worker;
	worker = GetParam();
	auto leave = [](void *) { return leave_job(worker); };
	auto returns = soon(WEFT_STUCK_RETURN);
	auto exits = soon(WEFT_STUCK_EXIT);
	EXPECT_EXIT(_exit(weft_run_with(leave, nullptr, &returns) == WEFT_ESTUCK ? 3 : 4),
		testing::ExitedWithCode(3), "a job has not ended.*end_test");
	EXPECT_EXIT((void)!weft_run_with(leave, nullptr, &exits), testing::ExitedWithCode(70),
		"a job has not ended.*end_test");
}

TEST_P(AfterMainDeathTest, StuckPostIsNamedAndMayBeLeft)
{
	static int worker;
	worker = GetParam();
	auto leave = [](void *) { return leave_post(worker); };
	auto returns = soon(WEFT_STUCK_RETURN);
	auto exits = soon(WEFT_STUCK_EXIT);
	EXPECT_EXIT(_exit(weft_run_with(leave, nullptr, &returns) == WEFT_ESTUCK ? 3 : 4),
		testing::ExitedWithCode(3), "tasks have not ended in time");
	EXPECT_EXIT((void)!weft_run_with(leave, nullptr, &exits), testing::ExitedWithCode(70),
		"tasks have not ended in time");
}

TEST(AfterMain, PostThatGoesOnIsAskedToDrainThenCancelled)
{
	std::atomic<int> drained{ 0 }, cancelled{ 0 };
	auto wait_for_drain = [](void *arg) {
		int rc = weft_drain_wait();
		static_cast<std::atomic<int> *>(arg)->fetch_add(rc == 0);
		return rc;
	};
	auto wait_for_cancel = [](void *arg) {
		int rc = weft_sleep_ms(3600000);
		static_cast<std::atomic<int> *>(arg)->fetch_add(rc == WEFT_ECANCELED);
		return rc;
	};
	weft_run_options options = soon(WEFT_STUCK_WAIT);
	options.drain_ms = 200;
	EXPECT_EQ(0, run_task_with(options, [&] {
		weft_handle *handle = weft_handle_current();
		int rc = 0;
		for (int worker : { 1, 2 }) {
			rc += weft_post(handle, wait_for_drain, &drained, .worker = worker);
			rc += weft_post(handle, wait_for_cancel, &cancelled, .worker = worker);
		}
		weft_handle_unref(handle);
		return rc;
	}));
	EXPECT_EQ(2, drained);
	EXPECT_EQ(2, cancelled);
}

} // namespace
