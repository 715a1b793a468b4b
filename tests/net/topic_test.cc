/* Topics: who gets what, in which order, and what becomes of who is too slow. */
#include <atomic>
#include <memory>
#include <vector>

#include "tests/net/websocket_support.h"

using namespace frames;

namespace
{

struct Topic : OnBackend {
	/* Everything a subscription made is gone when the run is. */
	int run_and_check(Body body, int workers = 1)
	{
		int rc = run(std::move(body), workers);
		EXPECT_EQ(0u, test_topic_count());
		return rc;
	}
};
ON_EACH_BACKEND(Topic);

std::string next_text(weft_subscription *s)
{
	const weft_message *m;
	int rc = weft_subscription_next(s, &m);
	return rc > 0 ? weft_message_text(m) : weft_error_name(rc);
}

TEST_P(Topic, ReachesWhoHasSubscribedAndNobodyElse)
{
	EXPECT_EQ(0, run_and_check([] {
		weft_subscription *a, *b;
		EXPECT_EQ(0, weft_topic_print("t", "nobody hears"));
		EXPECT_EQ(0, weft_subscription_open("t", &a));
		EXPECT_EQ(0, weft_topic_print("t", "%d", 1));
		EXPECT_EQ(0, weft_subscription_open("t", &b));
		EXPECT_EQ(0, weft_topic_print("t", "%d", 2));
		EXPECT_EQ(0, weft_topic_print("other", "%d", 3));
		EXPECT_EQ("1", next_text(a));
		EXPECT_EQ("2", next_text(a));
		EXPECT_EQ("2", next_text(b));
		weft_subscription_close(a);
		EXPECT_EQ(0, weft_topic_print("t", "%d", 4));
		EXPECT_EQ("4", next_text(b));
		weft_topic_stats stats;
		EXPECT_EQ(0, weft_topic_get_stats("t", &stats));
		EXPECT_EQ(1u, stats.members);
		EXPECT_EQ(3u, stats.published);
		EXPECT_EQ(4u, stats.delivered);
		weft_subscription_close(b);
		EXPECT_EQ(0, weft_topic_get_stats("t", &stats));
		EXPECT_EQ(0u, stats.members + stats.published);
		return 0;
	}));
}

TEST_P(Topic, RefusesNamesThatAreNone)
{
	EXPECT_EQ(0, run_and_check([] {
		weft_subscription *s = nullptr;
		std::string longest(WEFT_TOPIC_NAME_MAX, 'x'), longer = longest + "x";
		EXPECT_EQ(WEFT_EINVAL, weft_topic_print("", "x"));
		EXPECT_EQ(WEFT_EINVAL, weft_topic_print(longer.c_str(), "x"));
		EXPECT_EQ(WEFT_EINVAL, weft_subscription_open("", &s));
		EXPECT_EQ(WEFT_EINVAL, weft_subscription_open(longer.c_str(), &s));
		EXPECT_EQ(WEFT_EINVAL, weft_subscription_open("t", &s, .queue = -1));
		EXPECT_EQ(WEFT_EINVAL, weft_subscription_open("t", &s, .queue = WEFT_TOPIC_QUEUE_MAX + 1));
		EXPECT_EQ(nullptr, s);
		EXPECT_EQ(0, weft_subscription_open(longest.c_str(), &s));
		weft_subscription_close(s);
		weft_subscription_close(nullptr);
		return 0;
	}));
}

TEST(TopicOutside, SaysThatThereIsNoRun)
{
	weft_message *m;
	ASSERT_EQ(0, weft_message_new("x", 1, false, &m));
	EXPECT_EQ(WEFT_ENORUN, weft_topic_publish("t", m));
	weft_message_unref(m);
}

TEST_P(Topic, DropsTheOldestOrTheNewestOfAFullQueue)
{
	EXPECT_EQ(0, run_and_check([] {
		weft_subscription *oldest, *newest;
		EXPECT_EQ(0, weft_subscription_open("t", &oldest, .queue = 3));
		EXPECT_EQ(
			0, weft_subscription_open("t", &newest, .queue = 3, .when_full = WEFT_DROP_NEWEST));
		for (int i = 0; i < 5; i++) EXPECT_EQ(0, weft_topic_print("t", "%d", i));
		for (const char *wanted : { "2", "3", "4" }) EXPECT_EQ(wanted, next_text(oldest));
		for (const char *wanted : { "0", "1", "2" }) EXPECT_EQ(wanted, next_text(newest));
		EXPECT_EQ(2u, weft_subscription_dropped(oldest));
		EXPECT_EQ(2u, weft_subscription_dropped(newest));
		weft_topic_stats stats;
		EXPECT_EQ(0, weft_topic_get_stats("t", &stats));
		EXPECT_EQ(4u, stats.dropped);
		weft_subscription_close(oldest);
		weft_subscription_close(newest);
		return 0;
	}));
}

TEST_P(Topic, DisconnectsWhoIsTooSlow)
{
	EXPECT_EQ(0, run_and_check([] {
		weft_subscription *s;
		EXPECT_EQ(0, weft_subscription_open("t", &s, .queue = 2, .when_full = WEFT_DISCONNECT));
		for (int i = 0; i < 5; i++) EXPECT_EQ(0, weft_topic_print("t", "%d", i));
		EXPECT_EQ("EFULL", next_text(s));
		EXPECT_EQ("EFULL", next_text(s));
		EXPECT_EQ(3u, weft_subscription_dropped(s));
		weft_subscription_close(s);
		return 0;
	}));
}

TEST_P(Topic, WakesAReaderAndEndsItWhenItDrains)
{
	EXPECT_EQ(0, run_and_check([] {
		std::string heard;
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			weft_subscription *s;
			int rc = weft_subscription_open("t", &s);
			EXPECT_EQ(0, rc);
			const weft_message *m;
			while ((rc = weft_subscription_next(s, &m)) > 0) heard += weft_message_text(m);
			weft_subscription_close(s);
			return rc;
		});
		let_others_run();
		for (int i = 0; i < 3; i++) EXPECT_EQ(0, weft_topic_print("t", "%d", i));
		int rc = weft_group_drain(group, 5000);
		EXPECT_EQ(0, weft_group_join(group, 0));
		EXPECT_EQ("012", heard);
		return rc;
	}));
}

/* Members on each of four workers, publishers on each as well. Everybody hears every publisher in
 * its order, completely, because all had subscribed before. */
TEST_P(Topic, KeepsTheOrderOfEachPublisherOnAllWorkers)
{
	enum { WORKERS = 4, MESSAGES = 200 };
	std::string heard[WORKERS];
	EXPECT_EQ(0, run_and_check(
					 [&] {
						 std::atomic<int> subscribed{ 0 };
						 weft_group *group = weft_group_open();
						 for (int w = 0; w < WORKERS; w++)
							 spawn(
								 group,
								 [&, w] {
									 weft_subscription *s;
									 EXPECT_EQ(0, weft_subscription_open("t", &s, .queue = 65536));
									 subscribed++;
									 while (subscribed < WORKERS) EXPECT_EQ(0, weft_sleep_ms(1));
									 for (int i = 0; i < MESSAGES; i++)
										 EXPECT_EQ(0, weft_topic_print("t", "%c%d ", 'a' + w, i));
									 for (int i = 0; i < WORKERS * MESSAGES; i++)
										 heard[w] += next_text(s);
									 EXPECT_EQ(0u, weft_subscription_dropped(s));
									 weft_subscription_close(s);
									 return 0;
								 },
								 w + 1);
						 return weft_group_join(group, 0);
					 },
					 WORKERS));
	for (const auto &all : heard) {
		for (char who = 'a'; who < 'a' + WORKERS; who++) {
			size_t at = 0;
			for (int i = 0; i < MESSAGES; i++) {
				at = all.find(who + std::to_string(i) + " ", at);
				ASSERT_NE(std::string::npos, at) << who << i;
			}
		}
	}
}

/* A room of WebSockets: some talk, one does not read, some come and go. */
struct Room {
	enum { QUEUE = 16 };
	Script script;
	std::vector<std::unique_ptr<test_websocket>> sessions;
	weft_group *group = nullptr;
	uint64_t dropped = 0;

	Room(weft_when_full when_full)
	{
		script.open = [this, when_full](weft_websocket *ws) {
			(void)this;
			return weft_websocket_subscribe(ws, "room", .queue = QUEUE, .when_full = when_full);
		};
		script.message = [](weft_websocket *, const weft_message *m) {
			return weft_topic_publish("room", m);
		};
		script.closed = [this](weft_websocket *ws) {
			weft_websocket_stats stats;
			weft_websocket_get_stats(ws, &stats);
			dropped += stats.dropped;
		};
	}
	std::unique_ptr<Client> join()
	{
		weft_stream *a, *b;
		make_pair(Kind::local, &a, &b);
		auto *t = new test_websocket{};
		sessions.emplace_back(t);
		t->stream = b;
		t->socket = true;
		t->group = group;
		t->events = &script_events;
		t->app = &script;
		t->options.close_ms = 50;
		spawn(group, [t] { return test_websocket_serve(t); });
		return std::make_unique<Client>(a);
	}
};

TEST_P(Topic, GoesToEverySocketOfTheRoomInOrder)
{
	EXPECT_EQ(0, run_and_check([] {
		Room room(WEFT_DROP_OLDEST);
		room.group = weft_group_open();
		std::vector<std::unique_ptr<Client>> clients;
		for (int i = 0; i < 10; i++) clients.push_back(room.join());
		clients[0]->text("hello");
		for (auto &c : clients) c->expect("TEXT(hello)");
		clients[3]->send(frame(FIN | TEXT, "1") + frame(FIN | TEXT, "2") + frame(FIN | TEXT, "3"));
		for (auto &c : clients) c->expect("TEXT(1) TEXT(2) TEXT(3)");
		clients[4]->close(1000);
		clients[4]->expect_end("CLOSE(1000,)");
		clients[5]->text("bye");
		for (int i = 0; i < 10; i++)
			if (i != 4) clients[i]->expect("TEXT(bye)");
		EXPECT_EQ("", clients[4]->take());
		for (auto &c : clients) c->vanish();
		EXPECT_EQ(0, weft_group_join(room.group, 0));
		EXPECT_EQ(0u, room.dropped);
		return 0;
	}));
}

TEST_P(Topic, HoldsNobodyUpForASocketThatDoesNotRead)
{
	for (auto policy : { WEFT_DROP_OLDEST, WEFT_DROP_NEWEST, WEFT_DISCONNECT }) {
		EXPECT_EQ(0, run_and_check([policy] {
			enum { MESSAGES = 400 };
			Room room(policy);
			room.group = weft_group_open();
			auto talker = room.join(), stalled = room.join();
			talker->text("go");
			talker->expect("TEXT(go)");
			std::string large(20000, 'x');
			for (int i = 0; i < MESSAGES; i++) {
				talker->text(large);
				talker->expect("TEXT(" + large + ")");
			}
			/* What it missed it missed; the rest is in order and whole. */
			if (policy != WEFT_DISCONNECT) stalled->ping("still");
			size_t got = 0;
			while (stalled->read_more() == 0) {
				std::string said = stalled->said();
				if (said.find("PONG(still)") != std::string::npos) break;
				if (said.find("CLOSE(1008,too slow)") != std::string::npos) break;
			}
			std::string said = stalled->take();
			for (size_t at = said.find("TEXT("); at != std::string::npos;
				 at = said.find("TEXT(", at + 1))
				got++;
			EXPECT_TRUE(got > 0 || policy == WEFT_DISCONNECT);
			EXPECT_LT(got, (size_t)MESSAGES);
			talker->vanish();
			stalled->vanish();
			EXPECT_EQ(0, weft_group_join(room.group, 0));
			EXPECT_GT(room.dropped, 0u);
			return 0;
		}));
	}
}

TEST_P(Topic, EndsWithTheSessionAndMayBeLeftBefore)
{
	EXPECT_EQ(0, run_and_check([] {
		Script script;
		int again = 0;
		script.open = [&](weft_websocket *ws) {
			EXPECT_EQ(0, weft_websocket_subscribe(ws, "a"));
			EXPECT_EQ(0, weft_websocket_subscribe(ws, "b"));
			again = weft_websocket_subscribe(ws, "a");
			return 0;
		};
		script.message = [](weft_websocket *ws, const weft_message *m) {
			weft_websocket_unsubscribe(ws, weft_message_text(m));
			weft_websocket_unsubscribe(ws, "never");
			weft_topic_print("a", "in a");
			return weft_topic_print("b", "in b");
		};
		script.closed = [](weft_websocket *ws) {
			EXPECT_EQ(WEFT_ECLOSED, weft_websocket_subscribe(ws, "c"));
		};
		weft_stream *a, *b;
		make_pair(Kind::tcp, &a, &b);
		weft_group *group = weft_group_open();
		serve(group, b, true, script);
		Client c(a);
		c.text("none");
		c.expect("TEXT(in a) TEXT(in b)");
		c.text("a");
		c.expect("TEXT(in b)");
		c.close(1000);
		c.expect_end("CLOSE(1000,)");
		EXPECT_EQ(WEFT_EEXIST, again);
		return weft_group_join(group, 0);
	}));
}

} // namespace
