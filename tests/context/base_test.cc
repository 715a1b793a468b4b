#include "context/base.h"
#include "context/clock.h"
#include "context/list.h"

#include <gtest/gtest.h>

#include <string>

namespace
{

int64_t one_second()
{
	return 1000000000;
}

int64_t two_seconds()
{
	return 2000000000;
}

TEST(Clock, NeverGoesBack)
{
	int64_t last = wf_now_ns();
	for (int i = 0; i < 1000; i++) {
		int64_t now = wf_now_ns();
		ASSERT_GE(now, last);
		last = now;
	}
}

TEST(Clock, CanBeReplacedAndRestored)
{
	const wf_clock clock = { one_second, two_seconds };
	wf_clock_set(&clock);
	EXPECT_EQ(1000000000, wf_now_ns());
	EXPECT_EQ(2000000000, wf_wall_ns());
	wf_clock_set(nullptr);
	EXPECT_GT(wf_wall_ns(), INT64_C(1700000000000000000));
}

TEST(Assert, NamesTheBrokenPromiseAndAborts)
{
	GTEST_FLAG_SET(death_test_style, "threadsafe");
	wf_assert(1 + 1 == 2);
	EXPECT_DEATH(
		wf_assert(1 + 1 == 3), "weft: .*base_test.cc:[0-9]+: .*broken promise: 1 \\+ 1 == 3");
}

struct Item {
	char name;
	wf_list node;
};

std::string names(wf_list *list)
{
	std::string all;
	wf_list_for_each(node, list) all += wf_list_entry(node, Item, node)->name;
	return all;
}

class List : public testing::Test
{
  protected:
	void SetUp() override
	{
		wf_list_init(&list_);
		for (Item *item : { &a_, &b_, &c_ }) wf_list_init(&item->node);
	}

	wf_list list_;
	Item a_{ 'a', {} }, b_{ 'b', {} }, c_{ 'c', {} };
};

TEST_F(List, KeepsItsOrder)
{
	EXPECT_TRUE(wf_list_empty(&list_));
	EXPECT_EQ(nullptr, wf_list_pop_front(&list_));
	wf_list_push_back(&list_, &b_.node);
	wf_list_push_back(&list_, &c_.node);
	wf_list_push_front(&list_, &a_.node);
	EXPECT_EQ("abc", names(&list_));
	EXPECT_EQ(&a_, wf_list_first(&list_, Item, node));
	EXPECT_EQ(&a_.node, wf_list_pop_front(&list_));
	EXPECT_EQ("bc", names(&list_));
}

TEST_F(List, RemovesFromAnywhereAndTwice)
{
	for (Item *item : { &a_, &b_, &c_ }) wf_list_push_back(&list_, &item->node);
	wf_list_remove(&b_.node);
	wf_list_remove(&b_.node);
	EXPECT_EQ("ac", names(&list_));
	EXPECT_TRUE(wf_list_empty(&b_.node));
}

TEST_F(List, LetsTheLoopRemoveWhatItVisits)
{
	for (Item *item : { &a_, &b_, &c_ }) wf_list_push_back(&list_, &item->node);
	wf_list_for_each(node, &list_) wf_list_remove(node);
	EXPECT_TRUE(wf_list_empty(&list_));
}

TEST_F(List, TakesAnotherOver)
{
	wf_list other;
	wf_list_init(&other);
	wf_list_push_back(&list_, &a_.node);
	wf_list_append(&list_, &other);
	EXPECT_EQ("a", names(&list_));
	wf_list_push_back(&other, &b_.node);
	wf_list_push_back(&other, &c_.node);
	wf_list_append(&list_, &other);
	EXPECT_EQ("abc", names(&list_));
	EXPECT_TRUE(wf_list_empty(&other));
}

} // namespace
