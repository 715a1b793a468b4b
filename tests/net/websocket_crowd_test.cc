/* A thousand WebSockets on a server as it is deployed: HTTP, topics on several workers, a signal at
 * the end. One of them does not read, ten come and go all the time. */
#include <atomic>
#include <csignal>
#include <future>
#include <thread>

#include <weft/server.h>

#include "tests/net/support.h"
#include "tests/net/websocket_crowd.h"
#include "tests/net/websocket_shim.h"
#include "tests/support/failing_allocator.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SLOW 1
#endif
#endif
#ifndef SLOW
#define SLOW 0
#endif

namespace
{

/* Sanitizers see fewer messages, of as many people. */
enum {
	WORKERS = 4,
	STEADY = 989,
	FLAPPING = 10,
	TALKERS = 20,
	SAID_BY_EACH = SLOW ? 8 : 30, /* by each talker */
	SAID_IN_PASSING = 3,          /* by who comes and goes, each time */
	TIMES = SLOW ? 6 : 15,        /* that each of them comes */
	PLENTY = 4096,                /* queue of who reads: nothing is lost for want of it */
	FEW = 8,                      /* queue of who does not */
};

using crowd::Crowd;
using crowd::Peer;

/* What the server did. */
struct Room {
	int port = 0;
	std::promise<void> listening;
	weft_when_full policy = WEFT_DROP_OLDEST;
	std::atomic<uint64_t> published{ 0 }, opened{ 0 }, closed{ 0 }, lost{ 0 };
	/* Of the one that does not read. */
	std::atomic<uint64_t> dropped{ 0 }, sent{ 0 };
	std::atomic<unsigned> waiting_most{ 0 };
	std::atomic<int> ended_with{ 1 };
};

Room *room_of(const weft_websocket *ws)
{
	return static_cast<Room *>(weft_websocket_app(ws));
}

int come_in(weft_websocket *ws)
{
	room_of(ws)->opened++;
	int rc = weft_websocket_subscribe(ws, "room", .queue = PLENTY, .when_full = WEFT_DISCONNECT);
	return rc ? rc : weft_websocket_text(ws, "welcome");
}

int pass_on(weft_websocket *ws, const weft_message *m)
{
	room_of(ws)->published++;
	return weft_topic_publish("room", m);
}

void go_away(weft_websocket *ws)
{
	weft_websocket_stats stats;
	weft_websocket_get_stats(ws, &stats);
	room_of(ws)->lost += stats.dropped;
	room_of(ws)->closed++;
}

const weft_websocket_events everybody = { come_in, pass_on, go_away };

/* Looks how much is kept for a socket, as often as it can. */
int watch(void *arg)
{
	auto *ws = static_cast<weft_websocket *>(arg);
	Room *room = room_of(ws);
	int rc = 0;
	while (rc == 0) {
		weft_websocket_stats stats;
		weft_websocket_get_stats(ws, &stats);
		room->waiting_most = std::max(room->waiting_most.load(), stats.waiting);
		room->dropped = stats.dropped;
		room->sent = stats.sent;
		rc = weft_sleep_ms(1);
	}
	return rc == WEFT_ECANCELED ? 0 : rc;
}

/* The one that will not read: a straight line, so that somebody can look meanwhile. */
int hold_out(weft_websocket *ws)
{
	Room *room = room_of(ws);
	test_websocket_small_buffer(ws);
	int rc = weft_websocket_subscribe(ws, "room", .queue = FEW, .when_full = room->policy);
	if (rc == 0) rc = weft_websocket_text(ws, "welcome");
	if (rc != 0) return rc;
	weft_group *group = weft_group_open();
	weft_spawn(group, watch, ws, .service = true);
	const weft_message *m;
	room->ended_with = weft_websocket_next(ws, &m);
	return weft_group_join(group, 0);
}

const weft_websocket_options patient = { .ping_ms = -1, .close_ms = 60000 };
const weft_websocket_options impatient = { .ping_ms = -1, .close_ms = 200 };

int serve(void *arg)
{
	static const weft_route routes[] = {
		WEFT_WEBSOCKET_EVENTS("/room", &everybody, .websocket_options = &patient),
		WEFT_WEBSOCKET("/stalled", hold_out, .websocket_options = &patient),
		WEFT_WEBSOCKET("/dead", hold_out, .websocket_options = &impatient),
	};
	auto listening = [](void *app, const char *address) {
		auto *room = static_cast<Room *>(app);
		room->port = atoi(strrchr(address, ':') + 1);
		room->listening.set_value();
	};
	return weft_http_serve(
		routes, .listen = "127.0.0.1:0", .app = arg, .drain_ms = 30000, .listening = listening);
}

/* What one of the crowd has heard: of each sender all that was said since it came, in order. */
struct Ears {
	enum Rule {
		ALL,           /* it was there before the sender was */
		SINCE_IT_CAME, /* of some it missed the beginning */
		SOME           /* it was too slow for the rest */
	} rule = ALL;
	std::vector<int> next; /* by sender; -1: nothing yet */
	uint64_t heard = 0;
	bool welcome = false;

	void hear(std::string_view text)
	{
		if (text == "welcome") {
			welcome = true;
			return;
		}
		unsigned sender = 0;
		int number = 0;
		ASSERT_EQ(2, sscanf(std::string(text.substr(0, 24)).c_str(), "%u %d", &sender, &number));
		ASSERT_LT(sender, 100000u);
		if (next.size() <= sender) next.resize(sender + 1, -1);
		int wanted = next[sender];
		if (rule == SOME ? number > wanted : rule == SINCE_IT_CAME && wanted < 0) wanted = number;
		EXPECT_EQ(wanted < 0 ? 0 : wanted, number) << "from sender " << sender;
		next[sender] = number + 1;
		heard++;
	}
};

class Party
{
  public:
	explicit Party(Room &room) : room_(room)
	{
	}

	void come(const char *stalled_at)
	{
		for (unsigned i = 0; i < STEADY; i++) {
			Peer &peer = crowd_.add();
			steady_.emplace_back();
			peer.heard = [this, i](Peer &p, std::string_view text) { listen(i, p, text); };
			crowd_.join(peer, room_.port, "/room");
		}
		Peer &peer = crowd_.add();
		stalled_ = &peer;
		peer.heard = [this](Peer &p, std::string_view) { crowd_.stall(p); };
		crowd_.join(peer, room_.port, stalled_at, 4096);
		EXPECT_TRUE(crowd_.run([this] {
			for (auto &ears : steady_)
				if (!ears.welcome) return false;
			return !stalled_->reads;
		})) << "not everybody could come in";
		for (unsigned i = 0; i < FLAPPING; i++) flappers_.push_back(std::make_unique<Flapper>());
		for (auto &flapper : flappers_) {
			Peer &p = crowd_.add();
			flapper->peer = &p;
			p.heard = [this, f = flapper.get()](Peer &, std::string_view text) { flap(*f, text); };
		}
	}

	/* Until all has been said, and everybody who stayed has heard it. */
	void talk()
	{
		for (unsigned i = 0; i < TALKERS; i++) say(i, 0);
		bool heard = crowd_.run([this] {
			bool quiet = true;
			for (auto &flapper : flappers_) quiet = !come_again(*flapper) && quiet;
			for (unsigned i = 0; i < TALKERS; i++) quiet = quiet && said_[i] == SAID_BY_EACH;
			/* What somebody said who has left since may not have been read yet. */
			quiet = quiet && room_.closed == flaps_;
			return quiet && everybody_heard(room_.published);
		});
		EXPECT_TRUE(heard) << "published " << room_.published << ", the first heard "
						   << steady_[0].heard;
	}

	/* Until the server has closed everybody's. */
	void be_sent_home()
	{
		EXPECT_TRUE(crowd_.run([this] {
			for (unsigned i = 0; i < STEADY; i++)
				if (crowd_.peers[i]->fd >= 0) return false;
			return true;
		})) << "the server keeps connections";
		for (unsigned i = 0; i < STEADY; i++) EXPECT_EQ(1001, crowd_.peers[i]->close_code);
		/* Exactly once: what more would have come would have come before the close. */
		EXPECT_TRUE(everybody_heard(room_.published));
	}

	void wait_for(const std::function<bool()> &done)
	{
		EXPECT_TRUE(crowd_.run(done));
	}
	/* The one that stalled reads at last: with what code it is closed. */
	int wake_up()
	{
		Peer &peer = *stalled_;
		Ears ears;
		ears.rule = Ears::SOME;
		peer.heard = [&](Peer &, std::string_view text) { ears.hear(text); };
		crowd_.go_on(peer);
		wait_for([&] { return peer.fd < 0; });
		peer.heard = nullptr;
		EXPECT_TRUE(ears.heard > 0 || room_.policy == WEFT_DISCONNECT);
		return peer.close_code;
	}

  private:
	struct Flapper {
		Peer *peer = nullptr;
		Ears ears;
		unsigned sender = 0, times = 0;
	};

	bool everybody_heard(uint64_t messages)
	{
		for (auto &ears : steady_)
			if (ears.heard != messages) return false;
		return true;
	}

	/* A talker says the next thing when it has heard its last one. */
	void say(unsigned sender, int number)
	{
		std::string text = std::to_string(sender) + " " + std::to_string(number) + " ";
		crowd_.say(*crowd_.peers[sender], text.append(200, '.'));
	}

	void listen(unsigned who, Peer &, std::string_view text)
	{
		Ears &ears = steady_[who];
		ears.hear(text);
		if (who >= TALKERS || ears.next.size() <= who) return;
		int said = ears.next[who];
		if (said <= said_[who]) return;
		said_[who] = said;
		if (said < SAID_BY_EACH) say(who, said);
	}

	/* True while there is something to come from it. */
	bool come_again(Flapper &f)
	{
		if (f.peer->fd >= 0) return true;
		if (f.times == TIMES) return false;
		f.times++;
		f.ears = Ears();
		f.ears.rule = Ears::SINCE_IT_CAME;
		f.sender = TALKERS + static_cast<unsigned>(flaps_++);
		crowd_.join(*f.peer, room_.port, "/room");
		return true;
	}

	/* It hears all that is said from its welcome to its leave, and leaves in each of three ways. */
	void flap(Flapper &f, std::string_view text)
	{
		bool was_in = f.ears.welcome;
		f.ears.hear(text);
		if (!was_in && f.ears.welcome) {
			for (int i = 0; i < SAID_IN_PASSING; i++)
				crowd_.say(
					*f.peer, std::to_string(f.sender) + " " + std::to_string(i) + " passing");
			return;
		}
		if (f.ears.next.size() <= f.sender) return;
		if (f.sender % 3 == 0 && !closing(f))
			crowd_.close_with(*f.peer, 1000);
		else if (f.sender % 3 != 0)
			crowd_.leave(*f.peer, f.sender % 3 == 1);
	}
	/* It heard itself before: the close is on its way. */
	static bool closing(Flapper &f)
	{
		return f.ears.next[f.sender] > 1;
	}

	Room &room_;
	Crowd crowd_;
	std::vector<Ears> steady_;
	Peer *stalled_ = nullptr;
	std::vector<std::unique_ptr<Flapper>> flappers_;
	uint64_t flaps_ = 0;
	int said_[TALKERS] = {};
};

struct WebsocketCrowd : testing::TestWithParam<weft_when_full> {
	Room room;
	std::thread thread;
	int first_free = 0;

	void SetUp() override
	{
		room.policy = GetParam();
		failing_allocator_install();
		first_free = next_descriptor();
	}
	void TearDown() override
	{
		EXPECT_EQ(0, failing_allocator_live());
		EXPECT_EQ(0, failing_allocator_live_bytes());
		EXPECT_EQ(0u, test_topic_count());
		EXPECT_EQ(first_free, next_descriptor());
		failing_allocator_remove();
	}
	/* Serves on this thread, while `body` is the crowd on another. */
	void serve_to(const std::function<void()> &body)
	{
		thread = std::thread([&] {
			room.listening.get_future().wait();
			body();
		});
		int rc = weft_run(serve, &room, .workers = WORKERS, .drain_ms = 30000);
		EXPECT_EQ(0, rc) << weft_error_name(rc);
		thread.join();
	}
	void expect_the_limit_kept() const
	{
		/* Its queue, what is being sent, the close. */
		EXPECT_LE(room.waiting_most, FEW + 2u);
		EXPECT_GT(room.dropped, 0u);
		EXPECT_LE(room.sent + room.dropped, room.published + 1);
		EXPECT_EQ(0u, room.lost) << "of those who read";
	}
};

std::string name_of_policy(const testing::TestParamInfo<weft_when_full> &info)
{
	if (info.param == WEFT_DISCONNECT) return "Disconnect";
	return info.param == WEFT_DROP_OLDEST ? "DropOldest" : "DropNewest";
}

TEST_P(WebsocketCrowd, HearsEverythingOnceAndInOrderThoughOneStallsAndTenFlap)
{
	serve_to([&] {
		Party party(room);
		party.come("/dead");
		party.talk();
		/* Either way it is given up: who is to be disconnected now, the others when they answer no
		 * close. */
		auto given_up = [&] { return room.ended_with < 1; };
		if (room.policy == WEFT_DISCONNECT) party.wait_for(given_up);
		kill(getpid(), SIGTERM);
		party.be_sent_home();
		party.wait_for(given_up);
	});
	expect_the_limit_kept();
	EXPECT_EQ(room.opened, room.closed);
	EXPECT_EQ(room.opened, STEADY + (unsigned)FLAPPING * TIMES);
	EXPECT_EQ(WEFT_ETIMEDOUT, room.ended_with);
}

TEST_P(WebsocketCrowd, IsSentHomeWithTheOneThatStalledWhenItReadsAtLast)
{
	serve_to([&] {
		Party party(room);
		party.come("/stalled");
		party.talk();
		kill(getpid(), SIGTERM);
		EXPECT_EQ(room.policy == WEFT_DISCONNECT ? 1008 : 1001, party.wake_up());
		party.be_sent_home();
	});
	expect_the_limit_kept();
	EXPECT_EQ(0, room.ended_with);
}

INSTANTIATE_TEST_SUITE_P(When, WebsocketCrowd,
	testing::Values(WEFT_DROP_OLDEST, WEFT_DROP_NEWEST, WEFT_DISCONNECT), name_of_policy);

} // namespace
