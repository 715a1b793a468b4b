#include "tests/executor/inbox_shim.h"

#include <gtest/gtest.h>

#include <vector>
#include <weft/error.h>

namespace
{

class Inbox : public testing::Test
{
  protected:
	void SetUp() override
	{
		box_ = box_new(0);
	}

	void TearDown() override
	{
		box_own(box_, false);
		box_drain(box_);
		box_free(box_);
	}

	void UseLimit(unsigned limit)
	{
		box_free(box_);
		box_ = box_new(limit);
	}

	std::vector<int> Delivered()
	{
		std::vector<int> numbers(1024);
		numbers.resize(box_take(box_, numbers.data(), numbers.size()));
		return numbers;
	}

	test_box *box_;
};

TEST_F(Inbox, DeliversInTheOrderOfArrival)
{
	EXPECT_EQ(0, box_post(box_, 1));
	box_push(box_, 2);
	EXPECT_EQ(0, box_post(box_, 3));
	EXPECT_TRUE(Delivered().empty());
	EXPECT_EQ(3u, box_drain(box_));
	EXPECT_EQ((std::vector<int>{ 1, 2, 3 }), Delivered());
	EXPECT_EQ(0u, box_drain(box_));
}

TEST_F(Inbox, LeavesWhatComesDuringADrainToTheNext)
{
	box_push_chain(box_, 1, 3);
	box_push(box_, 2);
	EXPECT_EQ(2u, box_drain(box_));
	EXPECT_EQ((std::vector<int>{ 1, 2 }), Delivered());
	EXPECT_EQ(1u, box_drain(box_));
	EXPECT_EQ((std::vector<int>{ 3 }), Delivered());
}

TEST_F(Inbox, RefusesPostsAtTheLimitButNotPushes)
{
	UseLimit(2);
	EXPECT_EQ(0, box_post(box_, 1));
	EXPECT_EQ(0, box_post(box_, 2));
	EXPECT_EQ(WEFT_EFULL, box_post(box_, 3));
	box_push(box_, 4);
	EXPECT_EQ(3u, box_drain(box_));
	EXPECT_EQ((std::vector<int>{ 1, 2, 4 }), Delivered());
	EXPECT_EQ(0, box_post(box_, 5));
}

TEST_F(Inbox, RefusesALimitItCannotCount)
{
	EXPECT_EQ(WEFT_EINVAL, box_init_with(0x80000000u, true));
	EXPECT_EQ(WEFT_EINVAL, box_init_with(1, false));
}

TEST_F(Inbox, DeliversAtOnceOnTheThreadOfItsOwner)
{
	box_own(box_, true);
	box_send(box_, 1);
	EXPECT_EQ((std::vector<int>{ 1 }), Delivered());
	box_own(box_, false);
	box_send(box_, 2);
	EXPECT_TRUE(Delivered().empty());
	EXPECT_EQ(1u, box_drain(box_));
}

TEST_F(Inbox, WakesASleeperOnce)
{
	box_push(box_, 1);
	EXPECT_EQ(0u, box_wakes(box_));
	EXPECT_FALSE(box_may_sleep(box_));
	box_drain(box_);
	EXPECT_TRUE(box_may_sleep(box_));
	box_push(box_, 2);
	box_push(box_, 3);
	EXPECT_EQ(1u, box_wakes(box_));
	box_awake(box_);
	box_push(box_, 4);
	EXPECT_EQ(1u, box_wakes(box_));
}

TEST_F(Inbox, DoesNotAskForAWakeWhenItMayNotSleep)
{
	box_push(box_, 1);
	EXPECT_FALSE(box_may_sleep(box_));
	box_push(box_, 2);
	EXPECT_EQ(0u, box_wakes(box_));
}

TEST_F(Inbox, StillDeliversAfterTheSealWhatItHadAccepted)
{
	EXPECT_EQ(0, box_post(box_, 1));
	box_seal(box_);
	EXPECT_EQ(WEFT_ESHUTDOWN, box_post(box_, 2));
	box_push(box_, 3);
	EXPECT_FALSE(box_settled(box_));
	EXPECT_EQ(2u, box_drain(box_));
	EXPECT_EQ((std::vector<int>{ 1, 3 }), Delivered());
	EXPECT_TRUE(box_settled(box_));
}

TEST_F(Inbox, NeverWakesAfterItsEnd)
{
	EXPECT_TRUE(box_may_sleep(box_));
	box_fini(box_);
	EXPECT_EQ(WEFT_ESHUTDOWN, box_post(box_, 1));
	box_push(box_, 2);
	EXPECT_EQ(0u, box_wakes(box_));
	EXPECT_FALSE(box_empty(box_));
}

TEST(InboxStorm, ExecutesWhatItAcceptedAndNothingAfterTheEnd)
{
	for (int round = 0; round < 40; round++) {
		box_counts counts = box_storm(8, round % 2 ? 0 : 32, 500);
		ASSERT_EQ(counts.accepted, counts.executed);
		ASSERT_GE(counts.refused, 8u);
		ASSERT_EQ(0u, counts.after_end);
	}
}

TEST(InboxStorm, LosesNoWake)
{
	EXPECT_EQ(20000u, box_ping(20000));
}

} // namespace
