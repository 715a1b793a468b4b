#include <gtest/gtest.h>

#include <weft/error.h>
#include <weft/fd.h>
#include <weft/future.h>
#include <weft/group.h>
#include <weft/offload.h>
#include <weft/post.h>
#include <weft/report.h>
#include <weft/run.h>
#include <weft/scope.h>
#include <weft/signal.h>
#include <weft/task.h>
#include <weft/timer.h>

#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/runtime/support.h"
#include "tests/runtime/tasks.h"

namespace
{

/* Promise: The run owns everything. */
TEST(Run, ReturnsWhatMainReturned)
{
	EXPECT_EQ(0, run_task([] { return 0; }));
	EXPECT_EQ(7, run_task([] { return 7; }));
	EXPECT_EQ(-9, run_task([] { return -9; }));
	EXPECT_EQ(7, run_task([] { return 7; }, 1));
}

TEST(Run, RefusesToNest)
{
	EXPECT_EQ(0, run_task([] {
		EXPECT_EQ(WEFT_EBUSY, weft_run([](void *) { return 0; }, nullptr));
		return 0;
	}));
}

TEST(Run, RefusesOptionsOutOfRange)
{
	auto nothing = [](void *) { return 0; };
	EXPECT_EQ(WEFT_EINVAL, weft_run(nothing, nullptr, .workers = -1));
	EXPECT_EQ(WEFT_EINVAL, weft_run(nothing, nullptr, .workers = 100000));
	EXPECT_EQ(WEFT_EINVAL, weft_run(nothing, nullptr, .tasks = -1));
	EXPECT_EQ(WEFT_EINVAL, weft_run(nothing, nullptr, .drain_ms = -2));
	EXPECT_EQ(WEFT_EINVAL, weft_run(nothing, nullptr, .cancel_ms = -1));
	EXPECT_EQ(WEFT_EINVAL, weft_run(nothing, nullptr, .spin_us = -2));
	EXPECT_EQ(WEFT_EINVAL, weft_run(nothing, nullptr, .spin_us = 1001));
}

size_t open_files()
{
	size_t n = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (readdir(dir) != nullptr) n++;
	closedir(dir);
	return n;
}

struct rlimit limit_files(rlim_t n)
{
	struct rlimit before, few;
	EXPECT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	few = before;
	few.rlim_cur = n;
	EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	return before;
}

/* Each descriptor that a run needs beside libuv's own is once the one that cannot be had. */
TEST(Run, CannotStartWithoutDescriptorsAndLeavesNone)
{
	run_task([] { return 0; });
	uv_loop_t loop;
	ASSERT_EQ(0, uv_loop_init(&loop));
	int least = uv_backend_fd(&loop) + 1;
	for (int fd = least; fcntl(fd, F_GETFD) != -1; fd++) least = fd + 1;
	ASSERT_EQ(0, uv_loop_close(&loop));
	size_t files = open_files();
	int rc = UV_EMFILE, refused = -1;
	for (int n = least; rc == UV_EMFILE && n < least + 64; n++, refused++) {
		struct rlimit before = limit_files(static_cast<rlim_t>(n));
		rc = run_task([] { return 0; }, 1);
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
		ASSERT_EQ(files, open_files()) << "with " << n;
	}
	EXPECT_EQ(0, rc);
	EXPECT_GT(refused, 0);
}

/* The next message is always there when the worker looks for it, so that it never has to sleep. */
TEST(Run, DescriptorsAndTimersHaveTheirTurnBetweenMessages)
{
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = 2;
	options.keep_signals = true;
	options.spin_us = 1000;
	int ends[2];
	ASSERT_EQ(0, pipe(ends));
	EXPECT_EQ(0, run_task_with(options, [&ends] {
		bool readable = false, slept = false;
		auto call = [] {
			EXPECT_EQ(0, weft_call_on(
							 2, [](void *) { return 0; }, nullptr));
		};
		Tasks tasks;
		tasks.Spawn([&] {
			EXPECT_EQ(WEFT_READABLE, weft_fd_wait(ends[0], WEFT_READABLE));
			readable = true;
		});
		tasks.Spawn([&] {
			EXPECT_EQ(0, weft_sleep_ms(1));
			slept = true;
		});
		EXPECT_EQ(0, weft_yield());
		for (int i = 0; i < 100; i++) call(); /* so that the worker has come to spin */
		EXPECT_EQ(1, write(ends[1], "x", 1));
		int calls = 0;
		while (!readable) {
			call();
			calls++;
		}
		EXPECT_LE(calls, 200) << "each takes a turn at least, of which 32 may go without a look";
		while (!slept) call();
		return tasks.Join();
	}));
	close(ends[0]);
	close(ends[1]);
}

TEST(Run, TwoAtOnceInTwoThreads)
{
	std::vector<std::thread> threads;
	std::atomic<int> sum{ 0 };
	for (int i = 1; i <= 2; i++) {
		threads.emplace_back([i, &sum] {
			std::function<int()> body = [i] {
				EXPECT_EQ(0, weft_sleep_ms(5));
				return i;
			};
			sum += weft_run(call_function, &body, .workers = 2, .keep_signals = true);
		});
	}
	for (auto &thread : threads) thread.join();
	EXPECT_EQ(3, sum);
}

TEST(Run, OnlyOneOwnsTheSignals)
{
	EXPECT_EQ(0, weft_run(
					 [](void *) {
						 int rc = 0;
						 std::thread([&rc] {
							 rc = weft_run([](void *) { return 0; }, nullptr, .workers = 1);
						 }).join();
						 EXPECT_EQ(WEFT_EBUSY, rc);
						 return 0;
					 },
					 nullptr, .workers = 1));
}

/* Promise: The run owns everything. The first signal drains, the second cancels; what was cancelled
 * is awaited. */
TEST(Run, FirstSignalDrainsSecondCancels)
{
	for (int signo : { SIGINT, SIGTERM }) {
		static int drained, cancelled, cleaned;
		drained = cancelled = cleaned = -1;
		static int raised;
		raised = signo;
		weft_run_options options{};
		options.size = sizeof options;
		options.workers = 2;
		EXPECT_EQ(WEFT_ECANCELED, run_task_with(options, [] {
			kill(getpid(), raised);
			drained = weft_drain_wait();
			EXPECT_TRUE(weft_draining());
			EXPECT_EQ(0, weft_sleep_ms(1)) << "a drain cancels nothing";
			kill(getpid(), raised);
			cancelled = weft_sleep_ms(3600000);
			EXPECT_EQ(WEFT_REASON_SHUTDOWN, weft_cancel_reason(nullptr));
			weft_scope *shield = weft_scope_open(.shield_ms = 1000);
			cleaned = weft_sleep_ms(1);
			return weft_scope_close(shield, cancelled);
		}));
		EXPECT_EQ(0, drained);
		EXPECT_EQ(WEFT_ECANCELED, cancelled);
		EXPECT_EQ(0, cleaned);
	}
}

TEST(Run, ThirdSignalEndsTheProcess)
{
	EXPECT_EXIT(
		{
			int rc = weft_run(
				[](void *) {
					weft_scope *shield = weft_scope_open(.shield_ms = 3600000);
					for (int i = 0; i < 3; i++) {
						kill(getpid(), SIGTERM);
						int slept = weft_sleep_ms(100);
						(void)slept;
					}
					int slept = weft_sleep_ms(3600000);
					return weft_scope_close(shield, slept);
				},
				nullptr, .workers = 1);
			_exit(rc ? 1 : 0);
		},
		::testing::KilledBySignal(SIGTERM), "");
}

TEST(Run, DrainEndsInACancelWhenItsTimeIsUp)
{
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = 2;
	options.drain_ms = 5;
	options.keep_signals = true;
	EXPECT_EQ(WEFT_ECANCELED, run_task_with(options, [] {
		EXPECT_EQ(0, weft_drain());
		return weft_sleep_ms(3600000);
	}));
}

TEST(Run, ATaskThatWaitsForASignalTakesItFromTheRun)
{
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = 2;
	EXPECT_EQ(0, run_task_with(options, [] {
		weft_group *group = weft_group_open();
		weft_spawn(
			group, [](void *) { return weft_signal_wait(SIGINT); }, nullptr, .worker = 2);
		weft_spawn(
			group, [](void *) { return weft_signal_wait(SIGINT); }, nullptr);
		EXPECT_EQ(0, weft_call_on(
						 2, [](void *) { return weft_yield(); }, nullptr));
		EXPECT_EQ(0, weft_yield());
		kill(getpid(), SIGINT);
		int rc = weft_group_join(group, 0);
		EXPECT_FALSE(weft_draining());
		return rc;
	}));
}

TEST(Run, StuckTaskIsNamedAndMayBeLeft)
{
	EXPECT_EXIT(
		{
			int rc = weft_run(
				[](void *) {
					weft_scope *shield = weft_scope_open(.shield_ms = 3600000);
					EXPECT_EQ(0, weft_drain());
					int slept = weft_sleep_ms(3600000);
					return weft_scope_close(shield, slept);
				},
				nullptr, .workers = 1, .drain_ms = 1, .cancel_ms = 1, .keep_signals = true,
				.on_stuck = WEFT_STUCK_RETURN);
			_exit(rc == WEFT_ESTUCK ? 3 : 4);
		},
		::testing::ExitedWithCode(3), "still alive.*main");
	EXPECT_EXIT(
		{
			(void)!weft_run(
				[](void *) {
					weft_scope *shield = weft_scope_open(.shield_ms = 3600000);
					EXPECT_EQ(0, weft_drain());
					int slept = weft_sleep_ms(3600000);
					return weft_scope_close(shield, slept);
				},
				nullptr, .workers = 2, .drain_ms = 1, .cancel_ms = 1, .keep_signals = true,
				.on_stuck = WEFT_STUCK_EXIT);
		},
		::testing::ExitedWithCode(70), "still alive.*main");
}

TEST(Run, MainEndsTheProcessOfAStuckTaskUnlessToldOtherwise)
{
	EXPECT_EXIT(
		{
			(void)!weft_main(
				[](void *) {
					weft_scope *shield = weft_scope_open(.shield_ms = 3600000);
					EXPECT_EQ(0, weft_drain());
					int slept = weft_sleep_ms(3600000);
					return weft_scope_close(shield, slept);
				},
				nullptr, .workers = 1, .drain_ms = 1, .cancel_ms = 1, .keep_signals = true);
		},
		::testing::ExitedWithCode(70), "still alive.*main");
}

__attribute__((noinline)) int recurse(int depth)
{
	volatile char frame[200];
	frame[depth % 200] = static_cast<char>(depth);
	int below = depth > 1000000000 ? 0 : recurse(depth + 1);
	return below + frame[depth % 200];
}

TEST(RunDeathTest, AnOverflowNamesTheTask)
{
	EXPECT_DEATH((void)!weft_run(
					 [](void *) {
						 weft_group *group = weft_group_open();
						 weft_spawn(
							 group, [](void *) { return recurse(0); }, nullptr, .name = "digger",
							 .worker = 2);
						 return weft_group_join(group, 0);
					 },
					 nullptr, .workers = 2, .keep_signals = true),
		"stack overflow in task digger .*run_test.cc:.*64 KiB are not enough");
}

/* Promise: A call knows its place. */
TEST(Run, CallsOutsideOneSayENORUN)
{
	weft_task *task;
	weft_future *future;
	ASSERT_EQ(0, weft_future_new(&future));
	EXPECT_EQ(WEFT_ENORUN, weft_yield());
	EXPECT_EQ(WEFT_ENORUN, weft_sleep_ms(1));
	EXPECT_EQ(WEFT_ENORUN, weft_await(future));
	EXPECT_EQ(WEFT_ENORUN, weft_drain());
	EXPECT_EQ(WEFT_ENORUN, weft_drain_wait());
	EXPECT_EQ(WEFT_ENORUN, weft_signal_wait(SIGUSR1));
	EXPECT_EQ(WEFT_ENORUN, weft_call_on(1, nullptr, nullptr));
	EXPECT_EQ(WEFT_ENORUN, weft_offload([](void *) { return 0; }, nullptr));
	weft_group *group = weft_group_open();
	EXPECT_EQ(WEFT_ENORUN, weft_spawn(
							   group, [](void *) { return 0; }, nullptr));
	EXPECT_EQ(WEFT_ENORUN, weft_group_next(group, &task));
	EXPECT_EQ(WEFT_ENORUN, weft_group_join(group, 0));
	EXPECT_EQ(nullptr, weft_task_current());
	EXPECT_EQ(nullptr, weft_handle_current());
	EXPECT_EQ(nullptr, weft_alloc(1));
	EXPECT_FALSE(weft_draining());
	EXPECT_EQ(0, weft_worker_id());
	EXPECT_EQ(WEFT_ENORUN, weft_scope_close(weft_scope_open(), 0));
	weft_future_cancel(future);
	weft_future_unref(future);
}

TEST(Run, ChildAfterForkHasNone)
{
	EXPECT_EQ(0, run_task([] {
		pid_t pid = fork();
		if (pid == 0) _exit(weft_yield() == WEFT_ENORUN ? 0 : 1);
		int status = -1;
		waitpid(pid, &status, 0);
		EXPECT_EQ(0, status);
		return 0;
	}));
}

TEST(Run, StartsOrUndoesEverythingWhenAllocationsFail)
{
	long failures = 1;
	int tried = 0;
	for (long n = 0; failures > 0 && n < 500; n++, tried++) {
		failing_allocator_install();
		failing_allocator_fail_at(n, FAIL_ONCE);
		int rc = weft_run(
			[](void *) { return weft_yield(); }, nullptr, .workers = 2, .keep_signals = true);
		failures = failing_allocator_failures();
		EXPECT_TRUE(rc == 0 || rc == WEFT_ENOMEM) << rc << " at " << n;
		EXPECT_EQ(0, failing_allocator_live()) << "at " << n;
		failing_allocator_remove();
	}
	EXPECT_GT(tried, 5);
}

/* Promise: A post runs exactly once or is refused. */
TEST(Post, RunsExactlyOnceOrIsRefusedWhileTheRunEnds)
{
	for (int round = 0; round < 2; round++) {
		std::atomic<weft_handle *> handle{ nullptr };
		std::atomic<bool> stop{ false };
		std::atomic<long> posted{ 0 }, executed{ 0 }, refused{ 0 };
		std::vector<std::thread> threads;
		static std::atomic<long> *count;
		count = &executed;
		for (int i = 0; i < 8; i++) {
			threads.emplace_back([&, i] {
				while (handle.load() == nullptr) std::this_thread::yield();
				weft_handle *mine = weft_handle_ref(handle);
				while (!stop) {
					int rc = weft_post(
						mine,
						[](void *) {
							count->fetch_add(1);
							return 0;
						},
						nullptr, .worker = i % 3);
					if (rc == 0)
						posted++;
					else
						refused++;
					if (rc == WEFT_ESHUTDOWN) break;
					EXPECT_TRUE(rc == 0 || rc == WEFT_EFULL || rc == WEFT_ESHUTDOWN) << rc;
					/* Always some on their way, and not so many that a sanitizer needs minutes. */
					while (posted - executed > 2000)
						std::this_thread::sleep_for(std::chrono::milliseconds(1));
				}
				weft_handle_unref(mine);
			});
		}
		std::function<int()> body = [&] {
			handle = weft_handle_current();
			while (executed < 100) EXPECT_EQ(0, weft_sleep_ms(1));
			return 0;
		};
		EXPECT_EQ(0, weft_run(call_function, &body, .workers = 2, .keep_signals = true));
		EXPECT_EQ(posted, executed) << "nothing runs after the return";
		stop = true;
		for (auto &thread : threads) thread.join();
		EXPECT_EQ(posted, executed);
		EXPECT_GT(refused, 0);
		weft_handle_unref(handle);
	}
}

TEST(Post, ReportsAFailureThatNobodyWaitsForAtOnce)
{
	static int reports;
	static const weft_log_sink hook = { [](const weft_log_record *record, void *) {
										   EXPECT_STREQ("what was posted failed", record->message);
										   reports++;
									   },
		nullptr };
	reports = 0;
	weft_report_set(&hook);
	EXPECT_EQ(0, run_task([] {
		weft_handle *handle = weft_handle_current();
		auto fail = [](void *) -> int { return WEFT_EPROTO; };
		EXPECT_EQ(0, weft_post(handle, fail, nullptr, .worker = 1));
		for (int i = 0; i < 1000 && reports == 0; i++) EXPECT_EQ(0, weft_sleep_ms(1));
		weft_handle_unref(handle);
		return 0;
	}));
	EXPECT_EQ(1, reports);
	weft_report_set(nullptr);
}

TEST(Post, GivesAFutureThatAThreadCanJoin)
{
	std::atomic<weft_handle *> handle{ nullptr };
	int result = 0;
	std::thread outside([&] {
		while (handle.load() == nullptr) std::this_thread::yield();
		weft_future *future;
		int rc = weft_post(
			handle, [](void *) { return weft_sleep_ms(1) ? -1 : 42; }, nullptr, .future = &future);
		EXPECT_EQ(0, rc);
		result = weft_future_join(future);
		weft_future_unref(future);
		EXPECT_EQ(0, weft_post(
						 handle, [](void *) { return weft_drain(); }, nullptr));
	});
	std::function<int()> body = [&] {
		handle = weft_handle_current();
		return weft_drain_wait();
	};
	EXPECT_EQ(0, weft_run(call_function, &body, .workers = 2, .keep_signals = true));
	outside.join();
	weft_handle_unref(handle);
	EXPECT_EQ(42, result);
}

TEST(Future, IsAwaitedByATaskAndSetByAThread)
{
	for (int i = 0; i < 50; i++) {
		weft_future *future;
		ASSERT_EQ(0, weft_future_new(&future));
		std::thread setter([&] { EXPECT_EQ(0, weft_future_set(future, 5, &future)); });
		EXPECT_EQ(5, run_task([&] { return weft_await(future); }));
		setter.join();
		EXPECT_EQ(&future, weft_future_value(future));
		weft_future_unref(future);
	}
}

TEST(Future, AwaitIsCancelledAndTheFutureIsNot)
{
	EXPECT_EQ(0, run_task([&] {
		weft_future *future;
		EXPECT_EQ(0, weft_future_new(&future));
		weft_scope *scope = weft_scope_open(.timeout_ms = 2);
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, weft_await(future)));
		EXPECT_EQ(0, weft_future_set(future, 3, nullptr));
		EXPECT_EQ(3, weft_await(future));
		weft_future_unref(future);
		return 0;
	}));
}

/* Promise: One future. Many tasks of both workers, a thread and a foreign loop wait for it. */
TEST(Future, WakesEveryKindOfWaiterOnce)
{
	static weft_future *future;
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, weft_future_new(&future));
		std::atomic<int> sum{ 0 };
		std::thread waiter([&] { sum += weft_future_join(future); });
		/* A foreign loop: it knows a descriptor and nothing of futures. */
		std::thread poller([&] {
			struct pollfd fd = { weft_future_fd(future), POLLIN, 0 };
			EXPECT_EQ(1, poll(&fd, 1, -1));
			sum += weft_future_status(future);
		});
		EXPECT_EQ(0, run_task([&] {
			weft_group *group = weft_group_open();
			static std::atomic<int> *total;
			total = &sum;
			for (int k = 0; k < 20; k++)
				weft_spawn(
					group,
					[](void *) {
						int rc = weft_await(future);
						total->fetch_add(rc);
						return rc < 0 ? rc : 0;
					},
					nullptr, .worker = 1 + k % 2);
			EXPECT_EQ(0, weft_yield());
			EXPECT_EQ(0, weft_future_set(future, 1, nullptr));
			EXPECT_EQ(WEFT_EALREADY, weft_future_set(future, 1, nullptr));
			return weft_group_join(group, 0);
		}));
		waiter.join();
		poller.join();
		EXPECT_EQ(22, sum);
		weft_future_unref(future);
	}
}

int blocking(void *arg)
{
	*static_cast<std::thread::id *>(arg) = std::this_thread::get_id();
	return 11;
}

TEST(Offload, RunsOnAnotherThreadAndReturnsItsResult)
{
	EXPECT_EQ(0, run_task([&] {
		std::thread::id id;
		EXPECT_EQ(11, weft_offload(blocking, &id));
		EXPECT_NE(std::this_thread::get_id(), id);
		return 0;
	}));
}

struct Blocked {
	std::atomic<bool> begun{ false }, go{ false };
	std::atomic<int> hooks{ 0 };
	weft_scope *scope = nullptr;
};

int block_until_told(void *arg)
{
	auto *blocked = static_cast<Blocked *>(arg);
	blocked->begun = true;
	while (!blocked->go) usleep(100);
	return weft_job_cancelled() ? -77 : 5;
}

int cancel_when_begun(void *arg)
{
	auto *blocked = static_cast<Blocked *>(arg);
	while (!blocked->begun) {
		int rc = weft_sleep_ms(1);
		if (rc != 0) return rc;
	}
	weft_scope_cancel(blocked->scope);
	return 0;
}

TEST(Offload, CancelCallsTheHookOnceAndWaitsForTheJob)
{
	EXPECT_EQ(0, run_task([&] {
		Blocked blocked;
		weft_group *group = weft_group_open();
		weft_scope *scope = weft_scope_open();
		blocked.scope = scope;
		weft_spawn(group, cancel_when_begun, &blocked);
		int rc = weft_offload(
			block_until_told, &blocked, .on_cancel = [](void *arg) {
				auto *told = static_cast<Blocked *>(arg);
				told->hooks++;
				told->go = true;
			});
		EXPECT_EQ(-77, rc);
		EXPECT_EQ(1, blocked.hooks);
		EXPECT_EQ(0, weft_scope_close(scope, 0));
		return weft_group_join(group, 0);
	}));
}

TEST(Offload, CancelTakesBackAJobThatHasNotBegun)
{
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = 1;
	options.pool_threads = 1;
	options.keep_signals = true;
	EXPECT_EQ(0, run_task_with(options, [&] {
		static Blocked first;
		first.go = false;
		weft_group *group = weft_group_open();
		weft_spawn(
			group, [](void *) { return weft_offload(block_until_told, &first) == 5 ? 0 : -1; },
			nullptr);
		EXPECT_EQ(0, weft_sleep_ms(2));
		weft_scope *scope = weft_scope_open(.timeout_ms = 5);
		std::thread::id id;
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, weft_offload(blocking, &id)));
		EXPECT_EQ(std::thread::id(), id) << "it never ran";
		first.go = true;
		return weft_group_join(group, 0);
	}));
}

TEST(Offload, FullPoolRefuses)
{
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = 1;
	options.pool_threads = 1;
	options.pool_queue = 1;
	options.keep_signals = true;
	EXPECT_EQ(0, run_task_with(options, [&] {
		static Blocked first;
		static std::atomic<int> full;
		first.go = false;
		full = 0;
		weft_group *group = weft_group_open();
		for (int i = 0; i < 6; i++)
			weft_spawn(
				group,
				[](void *) {
					int rc = weft_offload(block_until_told, &first);
					if (rc == WEFT_EFULL) full++;
					return 0;
				},
				nullptr);
		while (full < 3) EXPECT_EQ(0, weft_sleep_ms(1));
		first.go = true;
		return weft_group_join(group, 0);
	}));
}

/* Promise: A hundred thousand tasks. Here as few as every build can hold. */
TEST(Task, TenThousandSleepAtOnce)
{
	EXPECT_EQ(0, run_task([&] {
		weft_group *group = weft_group_open();
		int rc = 0;
		for (int i = 0; i < 10000 && rc == 0; i++)
			rc = weft_spawn(
				group, [](void *) { return weft_sleep_ms(3600000); }, nullptr);
		EXPECT_EQ(0, rc);
		EXPECT_EQ(0, weft_yield());
		weft_group_cancel(group);
		return weft_group_join(group, rc);
	}));
}

TEST(Task, BeyondTheLimitASpawnSaysFull)
{
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = 1;
	options.tasks = 10;
	options.keep_signals = true;
	EXPECT_EQ(0, run_task_with(options, [&] {
		weft_group *group = weft_group_open();
		int rc = 0, n = 0;
		while (rc == 0) {
			rc = weft_spawn(
				group, [](void *) { return weft_sleep_ms(3600000); }, nullptr);
			n++;
		}
		EXPECT_EQ(WEFT_EFULL, rc);
		EXPECT_EQ(10, n);
		EXPECT_EQ(WEFT_EFULL, weft_group_join(group, 0));
		return 0;
	}));
}

TEST(Ticker, BeatsWithoutDriftAndEndsWhenDraining)
{
	EXPECT_EQ(0, run_task([&] {
		weft_ticker *ticker;
		EXPECT_EQ(WEFT_EINVAL, weft_ticker_open(0, &ticker));
		EXPECT_EQ(0, weft_ticker_open(2, &ticker));
		for (int i = 0; i < 5; i++) EXPECT_EQ(1, weft_ticker_next(ticker));
		EXPECT_EQ(0, weft_drain());
		int rc;
		while ((rc = weft_ticker_next(ticker)) > 0) continue;
		weft_ticker_close(ticker);
		return rc;
	}));
}

} // namespace
