// Who is in which room.
#include "examples/chat/members.h"

#include <gtest/gtest.h>
#include <string.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace
{
chat_member person(int64_t room, int64_t author, const char *name, const char *ticket = "t")
{
	chat_member m = {};
	m.room = room;
	m.author = author;
	strcpy(m.name, name);
	strcpy(m.ticket, ticket);
	return m;
}

void keep(void *arg, const chat_member *m)
{
	static_cast<std::set<std::string> *>(arg)->insert(m->name);
}

class ChatMembers : public testing::Test
{
  protected:
	~ChatMembers() override
	{
		chat_members_free(members);
	}
	std::set<std::string> names(int64_t room)
	{
		std::set<std::string> found;
		chat_members_each(members, room, 1000, keep, &found, &change);
		return found;
	}
	chat_members *members = chat_members_new();
	chat_change change = {};
};

TEST_F(ChatMembers, CountsEveryChange)
{
	chat_member ada = person(1, 1, "Ada"), ben = person(1, 2, "Ben");
	ASSERT_EQ(chat_members_join(members, &ada, &change), 0);
	EXPECT_EQ(change.v, 1);
	EXPECT_TRUE(change.changed);
	EXPECT_FALSE(change.replaced);
	ASSERT_EQ(chat_members_join(members, &ben, &change), 0);
	EXPECT_EQ(change.v, 2);
	EXPECT_EQ(change.count, 2);
	EXPECT_EQ(names(1), (std::set<std::string>{ "Ada", "Ben" }));
	EXPECT_TRUE(chat_members_leave(members, &ada, &change));
	EXPECT_EQ(change.v, 3);
	EXPECT_EQ(change.count, 1);
	EXPECT_EQ(names(1), (std::set<std::string>{ "Ben" }));
}

TEST_F(ChatMembers, RefusesATakenName)
{
	chat_member ada = person(1, 1, "Ada"), other = person(1, 2, "ADA"), away = person(2, 2, "ada");
	ASSERT_EQ(chat_members_join(members, &ada, &change), 0);
	EXPECT_EQ(chat_members_join(members, &other, &change), WEFT_EEXIST);
	EXPECT_EQ(chat_members_join(members, &away, &change), 0) << "another room";
	EXPECT_TRUE(chat_members_leave(members, &ada, &change));
	EXPECT_EQ(chat_members_join(members, &other, &change), 0);
}

TEST_F(ChatMembers, LetsTheNewestConnectionOfAnAuthorBeTheMember)
{
	chat_member old = person(1, 1, "Ada", "old"), now = person(1, 1, "Ada", "new");
	ASSERT_EQ(chat_members_join(members, &old, &change), 0);
	EXPECT_TRUE(chat_members_see(members, &old, 7));
	ASSERT_EQ(chat_members_join(members, &now, &change), 0);
	EXPECT_TRUE(change.replaced);
	EXPECT_FALSE(change.changed);
	EXPECT_EQ(change.count, 1);
	EXPECT_EQ(now.seen, 7);
	EXPECT_FALSE(chat_members_current(members, &old));
	EXPECT_TRUE(chat_members_current(members, &now));
	EXPECT_FALSE(chat_members_see(members, &old, 9));
	EXPECT_FALSE(chat_members_leave(members, &old, &change));
	EXPECT_TRUE(chat_members_leave(members, &now, &change));
	EXPECT_EQ(chat_members_count(members, 1), 0);
}

TEST_F(ChatMembers, TellsANewNameOfTheSameAuthor)
{
	chat_member old = person(1, 1, "Ada", "old"), now = person(1, 1, "Countess", "new");
	ASSERT_EQ(chat_members_join(members, &old, &change), 0);
	ASSERT_EQ(chat_members_join(members, &now, &change), 0);
	EXPECT_TRUE(change.changed);
	EXPECT_EQ(change.v, 2);
	EXPECT_EQ(names(1), (std::set<std::string>{ "Countess" }));
}

TEST_F(ChatMembers, NotesOnlyWhatIsNewer)
{
	chat_member ada = person(1, 1, "Ada");
	ASSERT_EQ(chat_members_join(members, &ada, &change), 0);
	EXPECT_TRUE(chat_members_see(members, &ada, 5));
	EXPECT_FALSE(chat_members_see(members, &ada, 5));
	EXPECT_FALSE(chat_members_see(members, &ada, 4));
	EXPECT_TRUE(chat_members_see(members, &ada, 6));
}

TEST_F(ChatMembers, IsFullAtItsLimit)
{
	for (int i = 1; i <= CHAT_MEMBERS_MAX; i++) {
		chat_member m = person(1, i, ("n" + std::to_string(i)).c_str());
		ASSERT_EQ(chat_members_join(members, &m, &change), 0);
	}
	chat_member late = person(1, CHAT_MEMBERS_MAX + 1, "late");
	EXPECT_EQ(chat_members_join(members, &late, &change), WEFT_EFULL);
	EXPECT_EQ(chat_members_count(members, 1), CHAT_MEMBERS_MAX);
}

TEST_F(ChatMembers, KnowsNothingOfAnEmptyRoom)
{
	EXPECT_EQ(chat_members_count(members, 9), 0);
	EXPECT_TRUE(names(9).empty());
	EXPECT_EQ(change.v, 0);
	chat_member ghost = person(9, 1, "Ghost");
	EXPECT_FALSE(chat_members_leave(members, &ghost, &change));
	EXPECT_FALSE(chat_members_current(members, &ghost));
}

TEST_F(ChatMembers, StandsManyThreads)
{
	std::vector<std::thread> threads;
	for (int t = 1; t <= 4; t++) {
		threads.emplace_back([this, t] {
			for (int i = 0; i < 200; i++) {
				chat_member m = person(i % 3, t, ("n" + std::to_string(t)).c_str());
				chat_change c = {};
				EXPECT_EQ(chat_members_join(members, &m, &c), 0);
				EXPECT_TRUE(chat_members_see(members, &m, i + 1));
				EXPECT_TRUE(chat_members_leave(members, &m, &c));
			}
		});
	}
	for (auto &t : threads) t.join();
	for (int room = 0; room < 3; room++) EXPECT_EQ(chat_members_count(members, room), 0);
}
} // namespace
