#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "runtime/timer.h"

namespace
{

struct Entry {
	wf_timer timer{};
	int64_t fired_at = -1;
	int fires = 0;
};

int64_t now;

void note(wf_timer *timer)
{
	auto *entry = reinterpret_cast<Entry *>(timer);
	entry->fired_at = now;
	entry->fires++;
}

class Timers : public ::testing::Test
{
  protected:
	void SetUp() override
	{
		wf_timers_init(&timers);
	}
	void TearDown() override
	{
		wf_timers_fini(&timers);
	}
	void Pass(int64_t to)
	{
		for (now++; now <= to; now++) wf_timers_fire(&timers, now);
		now = to;
	}
	wf_timers timers;
};

TEST_F(Timers, FireInTheOrderOfTheirDeadlines)
{
	std::mt19937 random(1);
	std::vector<Entry> entries(2000);
	now = 0;
	for (auto &entry : entries) {
		entry.timer.fire = note;
		ASSERT_EQ(0, wf_timer_arm(&timers, &entry.timer, 1 + random() % 500));
	}
	Pass(500);
	for (auto &entry : entries) {
		EXPECT_EQ(1, entry.fires);
		EXPECT_EQ(entry.timer.deadline_ns, entry.fired_at);
	}
}

TEST_F(Timers, FollowARandomHistoryOfArmsMovesAndCancels)
{
	std::mt19937 random(2);
	std::vector<Entry> entries(300);
	std::vector<int64_t> wanted(entries.size(), -1);
	now = 0;
	for (auto &entry : entries) entry.timer.fire = note;
	for (int step = 0; step < 50000; step++) {
		size_t i = random() % entries.size();
		Entry &entry = entries[i];
		switch (random() % 4) {
		case 0:
		case 1:
			wanted[i] = now + 1 + static_cast<int64_t>(random() % 200);
			ASSERT_EQ(0, wf_timer_arm(&timers, &entry.timer, wanted[i]));
			entry.fired_at = -1;
			break;
		case 2:
			wf_timer_cancel(&timers, &entry.timer);
			ASSERT_FALSE(wf_timer_armed(&entry.timer));
			wanted[i] = -1;
			break;
		default:
			now++;
			wf_timers_fire(&timers, now);
			for (size_t k = 0; k < entries.size(); k++) {
				if (wanted[k] < 0) continue;
				if (wanted[k] > now) {
					ASSERT_TRUE(wf_timer_armed(&entries[k].timer)) << k;
					continue;
				}
				ASSERT_EQ(wanted[k], entries[k].fired_at) << k;
				wanted[k] = -1;
			}
		}
		ASSERT_LE(wf_timers_next_ns(&timers), [&] {
			int64_t least = INT64_MAX;
			for (int64_t at : wanted)
				if (at >= 0) least = std::min(least, at);
			return least;
		}());
	}
	for (auto &entry : entries) wf_timer_cancel(&timers, &entry.timer);
}

TEST_F(Timers, MoveLaterIsAStoreThatTheHeapCatchesUpWith)
{
	Entry entry;
	entry.timer.fire = note;
	now = 0;
	ASSERT_EQ(0, wf_timer_arm(&timers, &entry.timer, 10));
	entry.timer.deadline_ns = 30;
	Pass(29);
	EXPECT_EQ(0, entry.fires);
	Pass(30);
	EXPECT_EQ(1, entry.fires);
}

TEST_F(Timers, KeepASlotForEachReservedTimer)
{
	std::vector<Entry> reserved(100), loose(100);
	for (auto &entry : reserved) {
		entry.timer.fire = note;
		ASSERT_EQ(0, wf_timer_reserve(&timers, &entry.timer));
	}
	for (auto &entry : loose) {
		entry.timer.fire = note;
		ASSERT_EQ(0, wf_timer_arm(&timers, &entry.timer, 5));
	}
	uint32_t room = timers.room;
	EXPECT_GE(room, timers.loose + timers.reserved);
	for (auto &entry : reserved) ASSERT_EQ(0, wf_timer_arm(&timers, &entry.timer, 5));
	EXPECT_EQ(room, timers.room);
	wf_timers_fire(&timers, 5);
	for (auto &entry : reserved) wf_timer_unreserve(&timers, &entry.timer);
	EXPECT_EQ(0u, timers.reserved);
	EXPECT_EQ(0u, timers.loose);
}

} // namespace
