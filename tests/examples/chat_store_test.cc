// The chat's store against real SQLite files.
#include "examples/chat/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace
{
namespace fs = std::filesystem;

struct Row {
	int64_t id;
	std::string key, name, text;
};

void keep(void *arg, const chat_row *row)
{
	static_cast<std::vector<Row> *>(arg)->push_back({ row->id, row->key, row->name, row->text });
}

class ChatStore : public testing::Test
{
  protected:
	void SetUp() override
	{
		std::string name = (fs::temp_directory_path() / "weft-chat-XXXXXX").string();
		ASSERT_NE(mkdtemp(name.data()), nullptr);
		folder = name;
		path = (folder / "chat.db").string();
	}
	void TearDown() override
	{
		chat_store_close(store);
		fs::remove_all(folder);
	}
	int open()
	{
		call = {};
		return chat_store_open(path.c_str(), &call, &store);
	}
	void reopen()
	{
		chat_store_close(store);
		store = nullptr;
		ASSERT_EQ(open(), 0) << call.why;
	}
	int join(const char *room, const char *session)
	{
		call = {};
		return chat_store_join(store, &call, room, session, &place);
	}
	int say(const char *key, const char *text = "hello")
	{
		chat_draft draft = { place.room, place.author, key, "Ann", text };
		call = {};
		return chat_store_add(store, &call, &draft, &saved);
	}
	int read(int64_t after, int64_t before, int most)
	{
		chat_range range = { place.room, after, before, most };
		rows.clear();
		call = {};
		return chat_store_read(store, &call, &range, keep, &rows, &more);
	}
	std::string why() const
	{
		return call.why;
	}

	fs::path folder;
	std::string path;
	chat_store *store = nullptr;
	chat_call call = {};
	chat_place place = {};
	chat_saved saved = {};
	std::vector<Row> rows;
	bool more = false;
};

TEST_F(ChatStore, MakesItsFileAndFindsItAgain)
{
	ASSERT_EQ(open(), 0) << why();
	ASSERT_EQ(join("lobby", "s1"), 0);
	const chat_place first = place;
	reopen();
	ASSERT_EQ(join("lobby", "s1"), 0);
	EXPECT_EQ(place.room, first.room);
	EXPECT_EQ(place.author, first.author);
	EXPECT_STREQ(place.archive, first.archive);
	EXPECT_EQ(strlen(place.archive), 16u);
}

TEST_F(ChatStore, GivesTwoFilesTwoArchiveNames)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	const std::string first = place.archive;
	path += "2";
	reopen();
	ASSERT_EQ(join("lobby", "s1"), 0);
	EXPECT_NE(first, place.archive);
}

TEST_F(ChatStore, SavesTheSameKeyOnce)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	ASSERT_EQ(say("k1", "hello"), 0) << why();
	const chat_saved first = saved;
	EXPECT_FALSE(first.again);
	ASSERT_EQ(say("k1", "hello"), 0);
	EXPECT_TRUE(saved.again);
	EXPECT_EQ(saved.id, first.id);
	EXPECT_EQ(saved.at_ms, first.at_ms);
	EXPECT_EQ(saved.previous, first.previous);
	ASSERT_EQ(read(0, 0, 10), 0);
	EXPECT_EQ(rows.size(), 1u);
}

TEST_F(ChatStore, KeepsTheKeysOfTwoAuthorsAndTwoRoomsApart)
{
	ASSERT_EQ(open(), 0);
	for (const char *room : { "lobby", "garden" }) {
		for (const char *session : { "s1", "s2" }) {
			ASSERT_EQ(join(room, session), 0);
			ASSERT_EQ(say("k1"), 0);
			EXPECT_FALSE(saved.again);
		}
	}
}

TEST_F(ChatStore, ChainsTheMessagesOfARoom)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("garden", "s1"), 0);
	ASSERT_EQ(say("other"), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	ASSERT_EQ(say("a"), 0);
	EXPECT_EQ(saved.previous, 0);
	const int64_t a = saved.id;
	ASSERT_EQ(join("garden", "s1"), 0);
	ASSERT_EQ(say("other2"), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	ASSERT_EQ(say("b"), 0);
	EXPECT_EQ(saved.previous, a);
	EXPECT_GT(saved.id, a + 1);
}

TEST_F(ChatStore, ReadsPagesInBothDirections)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	std::vector<int64_t> ids;
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(say(("k" + std::to_string(i)).c_str()), 0);
		ids.push_back(saved.id);
	}
	ASSERT_EQ(read(0, CHAT_LATEST, 4), 0);
	ASSERT_EQ(rows.size(), 4u);
	EXPECT_EQ(rows.front().id, ids[6]);
	EXPECT_EQ(rows.back().id, ids[9]);
	EXPECT_TRUE(more);
	ASSERT_EQ(read(0, ids[6], 6), 0);
	ASSERT_EQ(rows.size(), 6u);
	EXPECT_EQ(rows.front().id, ids[0]);
	EXPECT_FALSE(more);
	ASSERT_EQ(read(ids[2], 0, 3), 0);
	ASSERT_EQ(rows.size(), 3u);
	EXPECT_EQ(rows.front().id, ids[3]);
	EXPECT_TRUE(more);
	ASSERT_EQ(read(ids[6], 0, 3), 0);
	EXPECT_EQ(rows.size(), 3u);
	EXPECT_FALSE(more);
	ASSERT_EQ(read(ids[9], 0, 3), 0);
	EXPECT_TRUE(rows.empty());
	EXPECT_FALSE(more);
}

TEST_F(ChatStore, ListsTheRoomThatSpokeLastFirst)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("silent", "s1"), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	ASSERT_EQ(say("a"), 0);
	ASSERT_EQ(join("garden", "s1"), 0);
	ASSERT_EQ(say("b"), 0);
	std::vector<std::string> names;
	call = {};
	auto note = [](void *arg, const chat_room *room) {
		static_cast<std::vector<std::string> *>(arg)->push_back(room->name);
	};
	ASSERT_EQ(chat_store_rooms(store, &call, 10, note, &names), 0) << why();
	EXPECT_EQ(names, (std::vector<std::string>{ "garden", "lobby", "silent" }));
	names.clear();
	ASSERT_EQ(chat_store_rooms(store, &call, 1, note, &names), 0);
	EXPECT_EQ(names.size(), 1u);
}

TEST_F(ChatStore, KeepsQuotesNewlinesAndOtherAlphabets)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	const char *text = "'); DROP TABLE message; --\n\"ügy\" 日本 \xf0\x9f\xa7\xb5";
	ASSERT_EQ(say("k", text), 0);
	ASSERT_EQ(read(0, 0, 1), 0);
	EXPECT_EQ(rows.at(0).text, text);
}

TEST_F(ChatStore, RefusesAnUnknownRoom)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	place.room = 99;
	EXPECT_EQ(say("k"), WEFT_EINVAL);
	EXPECT_NE(why(), "");
	ASSERT_EQ(join("lobby", "s1"), 0);
	EXPECT_EQ(say("k"), 0) << "the failure left a transaction open: " << why();
}

TEST_F(ChatStore, SavesWhatManyThreadsSayInOneOrder)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	enum { talkers = 8, each = 25 };
	std::vector<std::thread> threads;
	std::atomic<int> failed{ 0 };
	for (int t = 0; t < talkers; t++) {
		threads.emplace_back([&, t] {
			for (int i = 0; i < each; i++) {
				const std::string key = std::to_string(t) + ":" + std::to_string(i);
				chat_draft draft = { place.room, place.author, key.c_str(), "Ann", "x" };
				chat_call mine = {};
				chat_saved got = {};
				if (chat_store_add(store, &mine, &draft, &got) != 0) failed++;
			}
		});
	}
	for (auto &t : threads) t.join();
	EXPECT_EQ(failed, 0);
	ASSERT_EQ(read(0, 0, talkers * each + 1), 0);
	ASSERT_EQ(rows.size(), size_t{ talkers * each });
	std::vector<int> next(talkers);
	for (const Row &row : rows) {
		const size_t talker = std::stoul(row.key);
		EXPECT_EQ(std::stoi(row.key.substr(row.key.find(':') + 1)), next[talker]++);
	}
}

// Everything the child was told is saved must be there after it was killed in mid-sentence.
TEST_F(ChatStore, LosesNothingItAcknowledgedWhenKilled)
{
	int told[2];
	ASSERT_EQ(pipe(told), 0);
	const pid_t child = fork();
	ASSERT_GE(child, 0);
	if (child == 0) {
		if (open() != 0 || join("lobby", "s1") != 0) _exit(1);
		for (int i = 0;; i++) {
			if (say(std::to_string(i).c_str()) != 0) _exit(2);
			if (write(told[1], &saved.id, sizeof saved.id) != sizeof saved.id) _exit(3);
		}
	}
	close(told[1]);
	int64_t id = 0, last = 0;
	for (int i = 0; i < 50; i++) ASSERT_EQ(::read(told[0], &id, sizeof id), ssize_t{ sizeof id });
	kill(child, SIGKILL);
	while (::read(told[0], &last, sizeof last) == sizeof last) id = last;
	close(told[0]);
	int status = 0;
	ASSERT_EQ(waitpid(child, &status, 0), child);
	ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);

	ASSERT_EQ(open(), 0) << why();
	ASSERT_EQ(join("lobby", "s1"), 0);
	ASSERT_EQ(read(0, CHAT_LATEST, 1000000), 0);
	ASSERT_FALSE(rows.empty());
	EXPECT_GE(rows.back().id, id);
	for (size_t i = 0; i < rows.size(); i++) EXPECT_EQ(rows[i].key, std::to_string(i));
}

TEST_F(ChatStore, SaysBusyWhenAnotherProgramHoldsTheLock)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	ASSERT_EQ(say("before"), 0);
	sqlite3 *other = nullptr;
	ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
	ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
	EXPECT_EQ(say("during"), -EBUSY);
	EXPECT_NE(why().find("another program holds its lock"), std::string::npos) << why();
	EXPECT_EQ(read(0, 0, 10), 0) << "readers are not held up";
	EXPECT_EQ(rows.size(), 1u);
	ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
	sqlite3_close(other);
	EXPECT_EQ(say("during"), 0) << why();
	EXPECT_FALSE(saved.again);
}

TEST_F(ChatStore, SaysBusyWhenItCannotOpenALockedFile)
{
	ASSERT_EQ(open(), 0);
	chat_store_close(store);
	store = nullptr;
	sqlite3 *other = nullptr;
	ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
	ASSERT_EQ(sqlite3_exec(other,
				  "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE t(x); COMMIT",
				  nullptr, nullptr, nullptr),
		SQLITE_OK);
	EXPECT_EQ(open(), -EBUSY) << why();
	EXPECT_EQ(store, nullptr);
	sqlite3_close(other);
}

TEST_F(ChatStore, SaysTheDirectoryIsMissing)
{
	path = (folder / "nowhere" / "chat.db").string();
	EXPECT_EQ(open(), -ENOENT);
	EXPECT_NE(why().find(path), std::string::npos) << why();
	EXPECT_NE(why().find("No such file or directory"), std::string::npos) << why();
	EXPECT_EQ(why().find('\n'), std::string::npos);
}

TEST_F(ChatStore, SaysThatAPathIsADirectory)
{
	path = folder.string();
	EXPECT_EQ(open(), -EISDIR) << why();
}

TEST_F(ChatStore, RefusesAFileThatIsNoDatabase)
{
	std::ofstream(path) << std::string(8192, 'x');
	EXPECT_EQ(open(), -EUCLEAN) << why();
	EXPECT_EQ(fs::file_size(path), 8192u);
}

TEST_F(ChatStore, RefusesADamagedFile)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	for (int i = 0; i < 200; i++) ASSERT_EQ(say(std::to_string(i).c_str(), "some words"), 0);
	chat_store_close(store);
	store = nullptr;
	const auto size = fs::file_size(path);
	std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
	file.seekp(4096);
	file << std::string(size - 4096, '\x5a');
	file.close();
	EXPECT_EQ(open(), -EUCLEAN) << why();
}

TEST_F(ChatStore, LeavesAnotherProgramsDatabaseAlone)
{
	sqlite3 *other = nullptr;
	ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
	ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE bookmarks(url)", nullptr, nullptr, nullptr), 0);
	sqlite3_close(other);
	const auto changed = fs::last_write_time(path);
	EXPECT_EQ(open(), -ENOTSUP);
	EXPECT_NE(why().find("belongs to another program"), std::string::npos) << why();
	EXPECT_EQ(fs::last_write_time(path), changed);
	EXPECT_FALSE(fs::exists(path + "-wal"));
}

TEST_F(ChatStore, RefusesAFileOfANewerVersion)
{
	ASSERT_EQ(open(), 0);
	chat_store_close(store);
	store = nullptr;
	sqlite3 *other = nullptr;
	ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
	ASSERT_EQ(sqlite3_exec(other, "PRAGMA user_version=1000", nullptr, nullptr, nullptr), 0);
	sqlite3_close(other);
	EXPECT_EQ(open(), -ENOTSUP);
	EXPECT_NE(why().find("newer version"), std::string::npos) << why();
}

TEST_F(ChatStore, RefusesToLiveInMemory)
{
	path = ":memory:";
	EXPECT_EQ(open(), -ENOTSUP) << why();
}

// Root may write anywhere, so a child gives up root first.
int open_as_nobody(const std::string &path)
{
	const pid_t child = fork();
	if (child == 0) {
		if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(99);
		chat_call call = {};
		chat_store *store = nullptr;
		const int rc = chat_store_open(path.c_str(), &call, &store);
		chat_store_close(store);
		_exit(-rc);
	}
	int status = 0;
	waitpid(child, &status, 0);
	return -WEXITSTATUS(status);
}

TEST_F(ChatStore, SaysThatADirectoryCannotBeWritten)
{
	ASSERT_EQ(chmod(folder.c_str(), 0555), 0);
	EXPECT_EQ(open_as_nobody(path), -EACCES);
	ASSERT_EQ(chmod(folder.c_str(), 0700), 0);
}

TEST_F(ChatStore, SaysThatAFileCannotBeReadOrWritten)
{
	ASSERT_EQ(open(), 0);
	chat_store_close(store);
	store = nullptr;
	ASSERT_EQ(chmod(folder.c_str(), 0777), 0);
	ASSERT_EQ(chmod(path.c_str(), 0000), 0);
	EXPECT_EQ(open_as_nobody(path), -EACCES);
	ASSERT_EQ(chmod(path.c_str(), 0444), 0);
	EXPECT_EQ(open_as_nobody(path), -EROFS);
	ASSERT_EQ(chmod(path.c_str(), 0600), 0);
}

TEST_F(ChatStore, GivesUpACallThatWasInterruptedBefore)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	chat_call early = {};
	chat_store_interrupt(store, &early);
	chat_range range = { place.room, 0, 0, 10 };
	EXPECT_EQ(chat_store_read(store, &early, &range, keep, &rows, &more), WEFT_ECANCELED);
	EXPECT_EQ(read(0, 0, 10), 0) << "the next call is not hurt";
}

struct Stopper {
	chat_store *store;
	chat_call call;
	int rows;
};

void stop_at_the_first(void *arg, const chat_row *)
{
	auto *s = static_cast<Stopper *>(arg);
	if (s->rows++ == 0) std::thread([s] { chat_store_interrupt(s->store, &s->call); }).join();
}

TEST_F(ChatStore, StopsAReadThatIsUnderWay)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	for (int i = 0; i < 50; i++) ASSERT_EQ(say(std::to_string(i).c_str()), 0);
	Stopper stopper = { store, {}, 0 };
	chat_range range = { place.room, 0, 0, 50 };
	EXPECT_EQ(chat_store_read(store, &stopper.call, &range, stop_at_the_first, &stopper, &more),
		WEFT_ECANCELED);
	EXPECT_LT(stopper.rows, 50);
	EXPECT_EQ(read(0, 0, 100), 0) << "the next call is not hurt";
	EXPECT_EQ(rows.size(), 50u);
}

struct Holder {
	chat_store *store;
	chat_call waiter;
	std::thread other;
	int result;
};

// While one call reads, a second waits for the reader; interrupting the second leaves the first.
TEST_F(ChatStore, StopsACallThatWaitsForTheReader)
{
	ASSERT_EQ(open(), 0);
	ASSERT_EQ(join("lobby", "s1"), 0);
	for (int i = 0; i < 5; i++) ASSERT_EQ(say(std::to_string(i).c_str()), 0);
	Holder holder = { store, {}, {}, 0 };
	auto while_reading = [](void *arg, const chat_row *) {
		auto *h = static_cast<Holder *>(arg);
		if (h->other.joinable()) return;
		h->other = std::thread([h] {
			chat_range range = { 1, 0, 0, 10 };
			std::vector<Row> none;
			bool more = false;
			h->result = chat_store_read(h->store, &h->waiter, &range, keep, &none, &more);
		});
		chat_store_interrupt(h->store, &h->waiter);
	};
	call = {};
	chat_range range = { place.room, 0, 0, 10 };
	EXPECT_EQ(chat_store_read(store, &call, &range, while_reading, &holder, &more), 0) << why();
	holder.other.join();
	EXPECT_EQ(holder.result, WEFT_ECANCELED);
}
} // namespace
