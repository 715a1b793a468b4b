/* What is left when a run is over: nothing, whichever way it ended or failed to begin. */
#include <gtest/gtest.h>

#include <weft/channel.h>
#include <weft/error.h>
#include <weft/fd.h>
#include <weft/future.h>
#include <weft/group.h>
#include <weft/offload.h>
#include <weft/post.h>
#include <weft/scope.h>
#include <weft/signal.h>
#include <weft/timer.h>

#include <csignal>
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "executor/platform.h"
#include "tests/runtime/support.h"

namespace
{

size_t entries(const char *folder)
{
	size_t n = 0;
	DIR *dir = opendir(folder);
	while (readdir(dir) != nullptr) n++;
	closedir(dir);
	return n;
}

size_t open_files()
{
	return entries("/proc/self/fd");
}

/* The kernel takes a thread out of this folder a moment after it was joined; one that stays makes
 * the test wait until its time is up. */
void expect_threads(size_t wanted)
{
	while (entries("/proc/self/task") > wanted) std::this_thread::yield();
}

/* Something of everything that a run can hold. */
int use_everything()
{
	weft_group *group = weft_group_open(.timeout_ms = 60000);
	weft_handle *handle = weft_handle_current();
	weft_future *posted = nullptr;
	int ends[2];
	int rc = pipe(ends) == 0 ? 0 : -errno;
	if (rc != 0) ends[0] = ends[1] = -1;
	weft_spawn(
		group, [](void *) { return weft_sleep_ms(1); }, nullptr, .worker = WEFT_EACH);
	weft_spawn(
		group, [](void *) { return weft_sleep_ms(3600000); }, nullptr, .worker = 2,
		.service = true);
	weft_spawn(
		group, [](void *) { return weft_signal_wait(SIGUSR2); }, nullptr, .service = true);
	if (rc == 0)
		rc = weft_post(
			handle, [](void *) { return 0; }, nullptr, .worker = 2, .future = &posted);
	if (rc == 0) rc = weft_await(posted);
	if (rc == 0) rc = weft_offload([](void *) { return 0; }, nullptr);
	if (rc == 0) rc = weft_fd_wait(ends[1], WEFT_WRITABLE);
	weft_future_unref(posted);
	weft_handle_unref(handle);
	close(ends[0]);
	close(ends[1]);
	return weft_group_join(group, rc < 0 ? rc : 0);
}

int use_little()
{
	weft_scope *scope = weft_scope_open(.timeout_ms = 60000);
	return weft_scope_close(scope, weft_yield());
}

/* run_task itself sees to the blocks of memory and the contexts; that every loop was closed with no
 * handle in it is asserted in the library. */
TEST(Left, NothingByAThousandRuns)
{
	EXPECT_EQ(0, run_task(use_everything));
	size_t files = open_files(), threads = entries("/proc/self/task");
	for (int i = 0; i < 1000; i++) {
		int rc = run_task(i % 10 == 0 ? use_everything : use_little);
		ASSERT_EQ(0, rc) << weft_error_name(rc);
	}
	EXPECT_EQ(files, open_files());
	expect_threads(threads);
}

TEST(Left, NothingByRunsThatFail)
{
	EXPECT_EQ(0, run_task(use_everything));
	size_t files = open_files(), threads = entries("/proc/self/task");
	for (int i = 0; i < 50; i++) {
		EXPECT_EQ(WEFT_EPROTO, run_task([] {
			weft_group *group = weft_group_open();
			weft_spawn(
				group, [](void *) { return weft_sleep_ms(3600000); }, nullptr, .worker = 2);
			return weft_group_join(group, use_everything() == 0 ? int{ WEFT_EPROTO } : 0);
		}));
	}
	EXPECT_EQ(files, open_files());
	expect_threads(threads);
}

/* Each start is a run that has so many descriptors left. */
TEST(Left, NothingByRunsThatLackDescriptors)
{
	EXPECT_EQ(0, run_task(use_everything));
	size_t files = open_files(), threads = entries("/proc/self/task");
	struct rlimit former;
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &former));
	int refused = 0;
	for (rlim_t more = 0, done = 0; !done; more++) {
		int next = dup(0);
		close(next);
		struct rlimit scarce = { static_cast<rlim_t>(next) + more, former.rlim_max };
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &scarce));
		int rc = run_task(use_everything);
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &former));
		EXPECT_TRUE(rc == 0 || rc == WEFT_ENOMEM || rc == -EMFILE) << weft_error_name(rc);
		if (rc == 0) done = 1;
		refused += rc != 0;
		ASSERT_EQ(files, open_files()) << more << " left";
		ASSERT_LT(more, 100u);
	}
	EXPECT_GT(refused, 5);
	expect_threads(threads);
}

std::atomic<int> threads_left;

int start_if_any_is_left(wf_thread *thread, unsigned flags)
{
	if (threads_left-- <= 0) return WEFT_EAGAIN;
	return wf_platform_posix.thread_start(thread, flags);
}

TEST(Left, NothingByRunsThatLackThreads)
{
	EXPECT_EQ(0, run_task(use_everything));
	size_t files = open_files(), threads = entries("/proc/self/task");
	wf_platform scarce = wf_platform_posix;
	scarce.thread_start = start_if_any_is_left;
	wf_platform_set(&scarce);
	int refused = 0;
	for (int left = 0, rc = -1; rc != 0; left++) {
		threads_left = left;
		rc = run_task(use_everything);
		EXPECT_TRUE(rc == 0 || rc == WEFT_EAGAIN) << weft_error_name(rc);
		refused += rc != 0;
		ASSERT_EQ(files, open_files()) << left << " left";
		ASSERT_LT(left, 20);
	}
	wf_platform_set(nullptr);
	EXPECT_GT(refused, 0);
	expect_threads(threads);
}

/* Promise: A value is let go once. Whoever holds a value last, it is let go once, under the root,
 * before the run returns. */
TEST(Left, NoContextValueWhicheverWayItWent)
{
	static std::atomic<int> made, gone, wrong;
	made = gone = wrong = 0;
	static const weft_key key = { .name = "owned", .unref = [](void *value) {
									 gone++;
									 if (weft_context_get(&key) != nullptr) wrong++;
									 delete static_cast<int *>(value);
								 } };
	for (int round = 0; round < 20; round++) {
		EXPECT_EQ(0, run_task([] {
			for (int i = 0; i < 10; i++) {
				weft_scope *scope = weft_scope_open();
				made++;
				int rc = weft_scope_set(&key, new int(i));
				weft_group *group = weft_group_open();
				auto holder = [](void *) {
					EXPECT_NE(nullptr, weft_context_get(&key));
					return weft_yield();
				};
				for (int worker : { 1, 2 })
					weft_spawn(group, holder, nullptr, .worker = worker, .forget = worker == 2);
				weft_handle *handle = weft_handle_current();
				auto read = [](void *) { return weft_context_get(&key) != nullptr ? 0 : -1; };
				if (rc == 0) rc = weft_post(handle, read, nullptr, .worker = 2);
				if (rc == 0) rc = weft_offload(read, nullptr);
				weft_handle_unref(handle);
				weft_group_cancel(group);
				rc = weft_group_join(group, rc);
				if (rc == 0) rc = weft_scope_close(scope, 0);
				if (rc != 0) return rc;
			}
			return 0;
		}));
		EXPECT_EQ(made, gone) << "when the run has returned";
	}
	EXPECT_EQ(200, made);
	EXPECT_EQ(0, wrong);
}

} // namespace
