#include "context/clock.h"
#include "tests/executor/waiter_shim.h"
#include "tests/support/failing_allocator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <latch>
#include <thread>
#include <vector>
#include <weft/error.h>

namespace
{

int64_t now_ns;

int64_t stopped_ns()
{
	return now_ns;
}

const wf_clock stopped = { stopped_ns, stopped_ns };

class Limiter : public testing::Test
{
  protected:
	void SetUp() override
	{
		now_ns = 1000;
		wf_clock_set(&stopped);
	}

	void TearDown() override
	{
		for (test_waiter *waiter : waiters_) waiter_free(waiter);
		weft_limiter_free(limiter_);
		wf_clock_set(nullptr);
	}

	void Make(int at_once, double per_second = 0, int burst = 0)
	{
		ASSERT_EQ(0, weft_limiter_new(
						 &limiter_, .at_once = at_once, .per_second = per_second, .burst = burst));
	}

	test_waiter *Waiter()
	{
		waiters_.push_back(waiter_new(nullptr));
		return waiters_.back();
	}

	weft_limiter_counts Counts()
	{
		weft_limiter_counts counts;
		weft_limiter_stats(limiter_, &counts);
		return counts;
	}

	weft_limiter *limiter_ = nullptr;
	std::vector<test_waiter *> waiters_;
};

TEST_F(Limiter, RefusesNonsense)
{
	EXPECT_EQ(WEFT_EINVAL, weft_limiter_new(&limiter_, .at_once = -1));
	EXPECT_EQ(WEFT_EINVAL, weft_limiter_new(&limiter_, .per_second = -0.5));
	EXPECT_EQ(WEFT_EINVAL, weft_limiter_new(&limiter_, .per_second = INFINITY));
	EXPECT_EQ(WEFT_EINVAL, weft_limiter_new(&limiter_, .per_second = NAN));
	EXPECT_EQ(WEFT_EINVAL, weft_limiter_new(&limiter_, .burst = 3));
	EXPECT_EQ(WEFT_EINVAL, weft_limiter_new(&limiter_, .per_second = 1, .burst = -3));
	EXPECT_EQ(nullptr, limiter_);
}

TEST_F(Limiter, BoundsHowManyAreOutAtOnce)
{
	Make(2);
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	EXPECT_EQ(WEFT_EAGAIN, weft_limiter_try(limiter_));
	EXPECT_EQ(2u, Counts().out);
	weft_limiter_give(limiter_);
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	EXPECT_EQ(3u, Counts().taken);
	EXPECT_EQ(1u, Counts().refused);
	weft_limiter_give(limiter_);
	weft_limiter_give(limiter_);
}

TEST_F(Limiter, BoundsHowOftenOneIsTaken)
{
	Make(0, 10, 2);
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	EXPECT_EQ(WEFT_EAGAIN, weft_limiter_try(limiter_));
	now_ns += 99999000;
	EXPECT_EQ(WEFT_EAGAIN, weft_limiter_try(limiter_));
	now_ns += 2000;
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	now_ns += 3600000000000; /* a quiet hour saves up a burst, no more */
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	EXPECT_EQ(WEFT_EAGAIN, weft_limiter_try(limiter_));
	for (int i = 0; i < 5; i++) weft_limiter_give(limiter_);
}

TEST_F(Limiter, LimitsNothingUnlessTold)
{
	Make(0);
	for (int i = 0; i < 1000; i++) EXPECT_EQ(0, weft_limiter_try(limiter_));
	for (int i = 0; i < 1000; i++) weft_limiter_give(limiter_);
}

TEST_F(Limiter, ServesInTheOrderOfArrival)
{
	Make(1);
	test_waiter *first = Waiter(), *second = Waiter(), *third = Waiter();
	EXPECT_EQ(LIMITER_GRANTED, waiter_take(first, limiter_));
	EXPECT_EQ(LIMITER_QUEUED, waiter_take(second, limiter_));
	EXPECT_EQ(LIMITER_QUEUED, waiter_take(third, limiter_));
	EXPECT_EQ(2u, Counts().waiting);
	weft_limiter_give(limiter_);
	EXPECT_EQ(1, waiter_wakes(second));
	EXPECT_EQ(0, waiter_wakes(third));
	EXPECT_EQ(LIMITER_GRANTED, waiter_state(second));
	EXPECT_EQ(WEFT_EAGAIN, weft_limiter_try(limiter_));
	weft_limiter_give(limiter_);
	EXPECT_EQ(LIMITER_GRANTED, waiter_state(third));
	weft_limiter_give(limiter_);
	EXPECT_EQ(0u, Counts().out);
}

TEST_F(Limiter, PassesOverThoseWhoGaveUp)
{
	Make(1);
	test_waiter *left = Waiter(), *lost = Waiter(), *last = Waiter();
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	EXPECT_EQ(LIMITER_QUEUED, waiter_take(left, limiter_));
	EXPECT_EQ(LIMITER_QUEUED, waiter_take(lost, limiter_));
	EXPECT_EQ(LIMITER_QUEUED, waiter_take(last, limiter_));
	EXPECT_TRUE(waiter_cancel(left));
	waiter_leave(left, limiter_);
	EXPECT_TRUE(waiter_cancel(lost)); /* has not come to leaving yet */
	weft_limiter_give(limiter_);
	EXPECT_EQ(LIMITER_GRANTED, waiter_state(last));
	waiter_leave(lost, limiter_);
	EXPECT_EQ(1u, Counts().out);
	EXPECT_EQ(0u, Counts().waiting);
	weft_limiter_give(limiter_);
}

TEST_F(Limiter, LetsOneAtATimeWaitForTheRate)
{
	Make(0, 10, 1);
	test_waiter *first = Waiter(), *second = Waiter(), *third = Waiter();
	EXPECT_EQ(LIMITER_GRANTED, waiter_take(first, limiter_));
	EXPECT_EQ(LIMITER_TURN, waiter_take(second, limiter_));
	EXPECT_EQ(LIMITER_QUEUED, waiter_take(third, limiter_));
	EXPECT_NEAR((double)(now_ns + 100000000), (double)waiter_due_ns(second), 2);
	EXPECT_EQ(LIMITER_TURN, waiter_turn(second, limiter_)); /* too early */
	now_ns = waiter_due_ns(second);
	EXPECT_EQ(LIMITER_GRANTED, waiter_turn(second, limiter_));
	EXPECT_EQ(1, waiter_wakes(third));
	EXPECT_EQ(LIMITER_TURN, waiter_state(third));
	EXPECT_EQ(WEFT_EAGAIN, weft_limiter_try(limiter_));
	now_ns = waiter_due_ns(third);
	EXPECT_EQ(LIMITER_GRANTED, waiter_turn(third, limiter_));
	for (int i = 0; i < 3; i++) weft_limiter_give(limiter_);
}

TEST_F(Limiter, LosesNoTokenOfTheRateToThoseWhoGaveUp)
{
	Make(0, 10, 1);
	test_waiter *waiters[100], *last = Waiter();
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	for (test_waiter *&waiter : waiters) {
		waiter = Waiter();
		EXPECT_NE(LIMITER_GRANTED, waiter_take(waiter, limiter_));
	}
	EXPECT_EQ(LIMITER_QUEUED, waiter_take(last, limiter_));
	for (test_waiter *waiter : waiters) waiter_leave(waiter, limiter_);
	EXPECT_EQ(LIMITER_TURN, waiter_state(last));
	EXPECT_NEAR((double)(now_ns + 100000000), (double)waiter_due_ns(last), 2);
	now_ns = waiter_due_ns(last);
	EXPECT_EQ(LIMITER_GRANTED, waiter_turn(last, limiter_));
	weft_limiter_give(limiter_);
	weft_limiter_give(limiter_);
}

TEST_F(Limiter, WaitsForAPlaceBeforeTheRate)
{
	Make(1, 10, 1);
	test_waiter *first = Waiter(), *second = Waiter();
	EXPECT_EQ(LIMITER_GRANTED, waiter_take(first, limiter_));
	EXPECT_EQ(LIMITER_QUEUED, waiter_take(second, limiter_));
	weft_limiter_give(limiter_);
	EXPECT_EQ(LIMITER_TURN, waiter_state(second));
	EXPECT_EQ(0u, Counts().out);
	EXPECT_EQ(1u, Counts().waiting);
	waiter_leave(second, limiter_);
	EXPECT_EQ(0u, Counts().waiting);
	now_ns += 100000001;
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	weft_limiter_give(limiter_);
}

TEST_F(Limiter, GivesBackWhatWasGrantedToOneWhoLeaves)
{
	Make(1);
	test_waiter *waiter = Waiter();
	EXPECT_EQ(0, weft_limiter_try(limiter_));
	EXPECT_EQ(LIMITER_QUEUED, waiter_take(waiter, limiter_));
	weft_limiter_give(limiter_);
	EXPECT_TRUE(waiter_won(waiter));
	waiter_leave(waiter, limiter_);
	EXPECT_EQ(0u, Counts().out);
}

TEST_F(Limiter, OutlivesItsEndUntilTheLastTokenIsBack)
{
	weft_limiter *limiter;
	failing_allocator_install();
	ASSERT_EQ(0, weft_limiter_new(&limiter, .at_once = 2));
	EXPECT_EQ(0, weft_limiter_try(limiter));
	weft_limiter_free(limiter);
	EXPECT_EQ(1, failing_allocator_live());
	weft_limiter_give(limiter);
	EXPECT_EQ(0, failing_allocator_live());
	failing_allocator_fail_at(0, FAIL_ONCE);
	EXPECT_EQ(WEFT_ENOMEM, weft_limiter_new(&limiter, .at_once = 2));
	failing_allocator_remove();
	weft_limiter_free(nullptr);
}

TEST(LimiterStorm, KeepsItsTokens)
{
	weft_limiter *limiter;
	std::atomic<int> inside{ 0 }, most{ 0 };
	ASSERT_EQ(0, weft_limiter_new(&limiter, .at_once = 2));
	std::latch start{ 4 };
	auto work = [&](int seed) {
		start.arrive_and_wait();
		for (int i = 0; i < 20000; i++) {
			test_waiter *waiter = waiter_new(nullptr);
			int state = waiter_take(waiter, limiter);
			bool mine = state == LIMITER_GRANTED;
			if (!mine && (i + seed) % 3 == 0 && waiter_cancel(waiter)) {
				waiter_leave(waiter, limiter);
				waiter_free(waiter);
				continue;
			}
			while (!mine && waiter_wakes(waiter) == 0) std::this_thread::yield();
			ASSERT_EQ(LIMITER_GRANTED, waiter_state(waiter));
			int now = ++inside;
			if (now > most) most = now;
			inside--;
			weft_limiter_give(limiter);
			waiter_free(waiter);
		}
	};
	std::vector<std::thread> threads;
	for (int i = 0; i < 4; i++) threads.emplace_back(work, i);
	for (std::thread &thread : threads) thread.join();
	EXPECT_LE(most, 2);
	weft_limiter_counts counts;
	weft_limiter_stats(limiter, &counts);
	EXPECT_EQ(0u, counts.out);
	EXPECT_EQ(0u, counts.waiting);
	weft_limiter_free(limiter);
}

} // namespace
