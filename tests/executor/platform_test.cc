#include "context/clock.h"
#include "executor/platform.h"
#include "executor/pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <sched.h>
#include <thread>
#include <vector>
#include <weft/error.h>

namespace
{

class Parker : public testing::Test
{
  protected:
	void SetUp() override
	{
		ASSERT_EQ(0, wf_parker_init(&parker_));
	}

	void TearDown() override
	{
		wf_parker_fini(&parker_);
	}

	wf_parker parker_;
};

TEST_F(Parker, KeepsATokenThatComesFirst)
{
	wf_unpark(&parker_);
	EXPECT_TRUE(wf_park(&parker_, WF_FOREVER));
}

TEST_F(Parker, HoldsOneTokenAtMost)
{
	wf_unpark(&parker_);
	wf_unpark(&parker_);
	EXPECT_TRUE(wf_park(&parker_, 0));
	EXPECT_FALSE(wf_park(&parker_, 0));
}

TEST_F(Parker, GivesUpWhenItsTimeHasCome)
{
	EXPECT_FALSE(wf_park(&parker_, INT64_MIN));
	int64_t until_ns = wf_now_ns() + 1000000;
	EXPECT_FALSE(wf_park(&parker_, until_ns));
	EXPECT_GE(wf_now_ns(), until_ns);
}

TEST_F(Parker, ShowsWhatWasDoneBeforeTheUnpark)
{
	int plain = 0;
	std::thread other([&] {
		plain = 1;
		wf_unpark(&parker_);
	});
	EXPECT_TRUE(wf_park(&parker_, WF_FOREVER));
	EXPECT_EQ(1, plain);
	other.join();
}

TEST(Platform, CountsTheCpusItMayUse)
{
	cpu_set_t all, one;
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	EXPECT_EQ((unsigned)CPU_COUNT(&all), wf_cpus());
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	EXPECT_EQ(1u, wf_cpus());
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
}

TEST(Spin, LetsOneInAtATime)
{
	wf_spin spin = { 0 };
	int plain = 0;
	std::latch start{ 4 };
	std::vector<std::thread> threads;
	for (int i = 0; i < 4; i++) {
		threads.emplace_back([&] {
			start.arrive_and_wait();
			for (int j = 0; j < 10000; j++) {
				wf_spin_lock(&spin);
				plain++;
				wf_spin_unlock(&spin);
			}
		});
	}
	for (std::thread &thread : threads) thread.join();
	EXPECT_EQ(40000, plain);
}

/* A system that has so many threads left. */
std::atomic<int> threads_left;

int start_if_any_is_left(wf_thread *thread, unsigned flags)
{
	if (threads_left-- <= 0) return WEFT_EAGAIN;
	return wf_platform_posix.thread_start(thread, flags);
}

class ScarceThreads : public testing::Test
{
  protected:
	void SetUp() override
	{
		scarce_ = wf_platform_posix;
		scarce_.thread_start = start_if_any_is_left;
		wf_platform_set(&scarce_);
		ASSERT_EQ(0, weft_pool_new(&pool_, .threads = 4, .queue = 4));
	}

	void TearDown() override
	{
		weft_pool_free(pool_);
		wf_platform_set(nullptr);
	}

	wf_platform scarce_;
	weft_pool *pool_ = nullptr;
};

int arrive(void *arg)
{
	((std::latch *)arg)->count_down();
	return 0;
}

TEST_F(ScarceThreads, RefuseAJobThatNobodyCouldRun)
{
	std::latch never{ 1 };
	weft_future *future = nullptr;
	threads_left = 0;
	EXPECT_EQ(WEFT_EAGAIN, weft_pool_submit(pool_, arrive, &never, &future));
	EXPECT_EQ(nullptr, future);
	EXPECT_FALSE(never.try_wait());
	threads_left = 1;
	EXPECT_EQ(0, weft_pool_submit(pool_, arrive, &never, nullptr));
	never.wait();
}

TEST_F(ScarceThreads, LeaveTheWorkToThoseThereAre)
{
	std::latch all{ 4 };
	int accepted = 0;
	threads_left = 1;
	while (accepted < 4) accepted += weft_pool_submit(pool_, arrive, &all, nullptr) == 0;
	all.wait();
	weft_pool_counts counts;
	weft_pool_stats(pool_, &counts);
	EXPECT_EQ(1u, counts.threads);
}

} // namespace
