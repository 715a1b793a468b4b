#include "context/clock.h"
#include "tests/executor/waiter_shim.h"
#include "tests/support/failing_allocator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fcntl.h>
#include <latch>
#include <poll.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>
#include <weft/error.h>
#include <weft/report.h>

namespace
{

bool readable(int fd)
{
	pollfd wanted = { fd, POLLIN, 0 };
	return poll(&wanted, 1, 0) == 1 && (wanted.revents & POLLIN);
}

class Future : public testing::Test
{
  protected:
	void SetUp() override
	{
		ASSERT_EQ(0, weft_future_new(&future_));
	}

	void TearDown() override
	{
		weft_future_unref(future_);
	}

	weft_future *future_;
	int value_ = 0;
};

TEST_F(Future, CarriesAStatusAndAPointer)
{
	EXPECT_FALSE(weft_future_is_set(future_));
	EXPECT_EQ(WEFT_EAGAIN, weft_future_status(future_));
	EXPECT_EQ(nullptr, weft_future_value(future_));
	EXPECT_EQ(0, weft_future_set(future_, 3, &value_));
	EXPECT_TRUE(weft_future_is_set(future_));
	EXPECT_EQ(3, weft_future_status(future_));
	EXPECT_EQ(&value_, weft_future_value(future_));
}

TEST_F(Future, IsSetOnce)
{
	EXPECT_EQ(0, weft_future_set(future_, 1, &value_));
	EXPECT_EQ(WEFT_EALREADY, weft_future_set(future_, 2, nullptr));
	EXPECT_EQ(1, weft_future_status(future_));
	EXPECT_EQ(&value_, weft_future_value(future_));
}

TEST_F(Future, LivesAsLongAsAReference)
{
	weft_future *other = weft_future_ref(future_);
	EXPECT_EQ(future_, other);
	weft_future_unref(future_);
	EXPECT_EQ(0, weft_future_set(other, 0, nullptr));
	future_ = other;
	weft_future_unref(nullptr);
}

TEST_F(Future, WakesAThreadThatJoins)
{
	std::latch about_to_join{ 1 };
	std::thread joiner([&] {
		about_to_join.count_down();
		EXPECT_EQ(4, weft_future_join(future_));
		EXPECT_EQ(1, value_);
	});
	about_to_join.wait();
	value_ = 1;
	EXPECT_EQ(0, weft_future_set(future_, 4, nullptr));
	joiner.join();
}

TEST_F(Future, EndsATimedJoinInTime)
{
	EXPECT_EQ(WEFT_EDEADLINE, weft_future_join_ms(future_, 0));
	EXPECT_EQ(WEFT_EDEADLINE, weft_future_join_ms(future_, 1));
	EXPECT_EQ(0, weft_future_set(future_, 2, nullptr));
	EXPECT_EQ(2, weft_future_join_ms(future_, 0));
	EXPECT_EQ(2, weft_future_join_ms(future_, -1));
	EXPECT_EQ(2, weft_future_join_ms(future_, INT64_MAX));
}

TEST_F(Future, RefusesToBlockAWorker)
{
	test_box *box = box_new(0);
	EXPECT_EQ(0, weft_future_set(future_, 0, nullptr));
	box_own(box, true);
	EXPECT_EQ(WEFT_EDEADLK, weft_future_join(future_));
	box_own(box, false);
	EXPECT_EQ(0, weft_future_join(future_));
	box_free(box);
}

TEST_F(Future, MakesItsDescriptorReadableOnceItIsSet)
{
	int fd = weft_future_fd(future_);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_FALSE(readable(fd));
	EXPECT_EQ(0, weft_future_set(future_, 0, nullptr));
	EXPECT_TRUE(readable(fd));
	EXPECT_TRUE(readable(fd));
	EXPECT_EQ(fd, weft_future_fd(future_));
}

TEST_F(Future, GivesAReadableDescriptorAlsoAfterwards)
{
	EXPECT_EQ(0, weft_future_set(future_, 0, nullptr));
	int fd = weft_future_fd(future_);
	ASSERT_GE(fd, 0);
	EXPECT_TRUE(readable(fd));
	weft_future_unref(future_);
	EXPECT_EQ(-1, fcntl(fd, F_GETFD));
	ASSERT_EQ(0, weft_future_new(&future_));
}

TEST_F(Future, WakesEachWaiterOnce)
{
	test_box *home = box_new(0);
	test_waiter *near = waiter_new(nullptr), *far = waiter_new(home);
	EXPECT_TRUE(waiter_watch(near, future_));
	EXPECT_TRUE(waiter_watch(far, future_));
	EXPECT_EQ(0, weft_future_set(future_, 0, nullptr));
	EXPECT_EQ(1, waiter_wakes(near));
	EXPECT_EQ(0, waiter_wakes(far));
	EXPECT_EQ(1u, box_drain(home));
	EXPECT_EQ(1, waiter_wakes(far));
	waiter_unwatch(near, future_);
	waiter_unwatch(far, future_);
	waiter_free(near);
	waiter_free(far);
	box_free(home);
}

TEST_F(Future, DoesNotWakeAWaiterThatLostInterest)
{
	test_waiter *left = waiter_new(nullptr), *lost = waiter_new(nullptr);
	EXPECT_TRUE(waiter_watch(left, future_));
	EXPECT_TRUE(waiter_watch(lost, future_));
	waiter_unwatch(left, future_);
	EXPECT_TRUE(waiter_cancel(lost));
	EXPECT_EQ(0, weft_future_set(future_, 0, nullptr));
	EXPECT_EQ(0, waiter_wakes(left));
	EXPECT_EQ(0, waiter_wakes(lost));
	waiter_unwatch(lost, future_);
	waiter_unwatch(lost, future_);
	waiter_free(left);
	waiter_free(lost);
}

TEST_F(Future, TakesNoWaiterOnceItIsSet)
{
	test_waiter *late = waiter_new(nullptr);
	EXPECT_EQ(0, weft_future_set(future_, 0, nullptr));
	EXPECT_FALSE(waiter_watch(late, future_));
	EXPECT_FALSE(waiter_won(late));
	waiter_unwatch(late, future_);
	waiter_free(late);
}

TEST_F(Future, TellsItsMakerThatItWasCancelled)
{
	EXPECT_FALSE(weft_future_cancelled(future_));
	EXPECT_FALSE(weft_future_cancel(future_));
	EXPECT_TRUE(weft_future_cancelled(future_));
	EXPECT_FALSE(weft_future_is_set(future_));
	EXPECT_EQ(0, weft_future_set(future_, WEFT_ECANCELED, nullptr));
}

TEST_F(Future, IsNotCancelledOnceItIsSet)
{
	EXPECT_EQ(0, weft_future_set(future_, 0, nullptr));
	EXPECT_FALSE(weft_future_cancel(future_));
	EXPECT_FALSE(weft_future_cancelled(future_));
}

TEST(FutureCancel, AsksTheMakerOnce)
{
	static int asked;
	auto ask = [](void *arg) {
		asked++;
		EXPECT_EQ(0, weft_future_set(*(weft_future **)arg, WEFT_ECANCELED, nullptr));
		return true;
	};
	weft_future *future;
	ASSERT_EQ(0, weft_future_new(&future, .on_cancel = ask, .arg = &future));
	EXPECT_TRUE(weft_future_cancel(future));
	EXPECT_FALSE(weft_future_cancel(future));
	EXPECT_EQ(1, asked);
	EXPECT_EQ(WEFT_ECANCELED, weft_future_status(future));
	weft_future_unref(future);
}

TEST(FutureMemory, RunsOutWithoutATrace)
{
	failing_allocator_install();
	weft_future *future = nullptr;
	failing_allocator_fail_at(0, FAIL_ONCE);
	EXPECT_EQ(WEFT_ENOMEM, weft_future_new(&future));
	EXPECT_EQ(nullptr, future);
	failing_allocator_remove();
}

std::vector<std::string> reports;

void note_report(const weft_log_record *record, void *)
{
	reports.push_back(std::string(record->topic) + " " + record->site);
}

TEST(FutureReport, NamesAFailureThatNobodyRead)
{
	static const weft_log_sink hook = { note_report, nullptr };
	weft_future *future;
	reports.clear();
	weft_report_set(&hook);
	ASSERT_EQ(0, weft_future_new_with(WEFT_OPTIONS(weft_future_options, .site = "here"), &future));
	EXPECT_EQ(0, weft_future_set(future, WEFT_EPERM, nullptr));
	EXPECT_TRUE(reports.empty());
	weft_future_unref(future);
	weft_report_set(nullptr);
	EXPECT_EQ((std::vector<std::string>{ "unread here" }), reports);
}

TEST(FutureReport, IsSilentAboutWhatWasReadWantedOrWell)
{
	static const weft_log_sink hook = { note_report, nullptr };
	weft_future *read, *cancelled, *well, *never;
	reports.clear();
	weft_report_set(&hook);
	ASSERT_EQ(0, weft_future_new(&read));
	ASSERT_EQ(0, weft_future_new(&cancelled));
	ASSERT_EQ(0, weft_future_new(&well));
	ASSERT_EQ(0, weft_future_new(&never));
	EXPECT_EQ(0, weft_future_set(read, WEFT_EPERM, nullptr));
	EXPECT_EQ(WEFT_EPERM, weft_future_join(read));
	EXPECT_FALSE(weft_future_cancel(cancelled));
	EXPECT_EQ(0, weft_future_set(cancelled, WEFT_ECANCELED, nullptr));
	EXPECT_EQ(0, weft_future_set(well, 0, nullptr));
	for (weft_future *future : { read, cancelled, well, never }) weft_future_unref(future);
	weft_report_set(nullptr);
	EXPECT_TRUE(reports.empty());
}

/* All that can be done with a future at once, again and again: two set it, one joins, one joins for
 * a moment, one polls, one watches and loses interest, one cancels. */
struct Crowd {
	weft_future *future;
	std::atomic<int> sets{ 0 };
	int payload = 0; /* plain: written before the set, read after it */
};

void set_it(Crowd *crowd, int who)
{
	if (weft_future_set(crowd->future, who, crowd) == 0) crowd->sets++;
}

void poll_it(Crowd *crowd)
{
	pollfd wanted = { weft_future_fd(crowd->future), POLLIN, 0 };
	int found;
	do found = poll(&wanted, 1, -1);
	while (found < 0 && errno == EINTR);
	ASSERT_EQ(1, found);
	ASSERT_TRUE(weft_future_is_set(crowd->future));
	ASSERT_EQ(1, crowd->payload);
}

void watch_it(Crowd *crowd, int how)
{
	test_waiter *waiter = waiter_new(nullptr);
	if (waiter_watch(waiter, crowd->future)) {
		if (how % 2 != 0) waiter_cancel(waiter);
		waiter_unwatch(waiter, crowd->future);
	} else {
		ASSERT_EQ(1, crowd->payload);
	}
	waiter_free(waiter);
}

TEST(FutureStorm, TellsEverybodyTheSame)
{
	for (int round = 0; round < 300; round++) {
		Crowd crowd;
		std::vector<std::thread> threads;
		std::latch start{ 7 };
		ASSERT_EQ(0, weft_future_new(&crowd.future));
		auto run = [&](auto what) {
			weft_future_ref(crowd.future);
			threads.emplace_back([&, what] {
				start.arrive_and_wait();
				what();
				weft_future_unref(crowd.future);
			});
		};
		crowd.payload = 1;
		run([&] { set_it(&crowd, 1); });
		run([&] { set_it(&crowd, 2); });
		run([&] { EXPECT_GT(weft_future_join(crowd.future), 0); });
		run([&] { EXPECT_NE(0, weft_future_join_ms(crowd.future, 0)); });
		run([&] { poll_it(&crowd); });
		run([&] { watch_it(&crowd, round); });
		run([&] { weft_future_cancel(crowd.future); });
		for (std::thread &thread : threads) thread.join();
		EXPECT_EQ(1, crowd.sets);
		EXPECT_EQ(&crowd, weft_future_value(crowd.future));
		weft_future_unref(crowd.future);
	}
}

/* Waiters that leave while the result arrives: each is woken exactly when its claim was won. */
TEST(FutureStorm, LosesNoWaiterAndWakesNoneTwice)
{
	for (int round = 0; round < 200; round++) {
		weft_future *future;
		std::latch start{ 3 };
		ASSERT_EQ(0, weft_future_new(&future));
		auto watch = [&](int seed) {
			std::vector<test_waiter *> waiters;
			start.arrive_and_wait();
			for (int i = 0; i < 32; i++) {
				test_waiter *waiter = waiter_new(nullptr);
				bool watched = waiter_watch(waiter, future);
				if ((i + seed) % 3 == 0) {
					waiter_unwatch(waiter, future);
				} else if (watched) {
					waiters.push_back(waiter);
					continue;
				}
				EXPECT_TRUE(watched || !waiter_won(waiter));
				waiter_free(waiter);
			}
			(void)!weft_future_join(future);
			for (test_waiter *waiter : waiters) {
				waiter_unwatch(waiter, future);
				EXPECT_TRUE(waiter_won(waiter));
				waiter_free(waiter);
			}
		};
		std::thread one(watch, 0), two(watch, 1);
		start.arrive_and_wait();
		EXPECT_EQ(0, weft_future_set(future, 0, nullptr));
		one.join();
		two.join();
		weft_future_unref(future);
	}
}

} // namespace
