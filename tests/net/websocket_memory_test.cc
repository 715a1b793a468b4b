/* Memory runs out at each place in turn, while WebSockets are asked for, talk, and subscribe: what
 * cannot be done is refused or ended, nothing is kept, and the server goes on. */
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <weft/report.h>
#include <weft/server.h>

#include "tests/net/support.h"
#include "tests/net/websocket_frame_log.h"
#include "tests/net/websocket_raw.h"
#include "tests/net/websocket_shim.h"
#include "tests/support/failing_allocator.h"

using namespace frames;

namespace
{

enum { PATIENCE_MS = 100, MANY = 2000 };

/* Everybody here, and a task that reads what is published. */
int come_in(weft_websocket *ws)
{
	weft_websocket_keep(ws, weft_websocket_alloc(ws, 100));
	if (weft_websocket_kept(ws) == nullptr) return WEFT_ENOMEM;
	return weft_websocket_subscribe(
		ws, weft_websocket_param(ws, "room"), .when_full = WEFT_DISCONNECT);
}

int pass_on(weft_websocket *ws, const weft_message *m)
{
	const char *room = weft_websocket_param(ws, "room");
	int rc = weft_topic_publish(room, m);
	if (rc == 0 && weft_message_size(m) > 4) rc = weft_topic_print(room, "%s", "large");
	weft_websocket_unsubscribe(ws, "elsewhere");
	if (rc == 0) rc = weft_websocket_subscribe(ws, "elsewhere");
	if (rc != 0) return rc == WEFT_EEXIST ? 0 : rc;
	weft_websocket_unsubscribe(ws, "elsewhere");
	return 0;
}

const weft_websocket_events room = { come_in, pass_on, nullptr };

/* A straight line that echoes through a topic. */
int line(weft_websocket *ws)
{
	weft_subscription *s;
	const weft_message *m;
	int rc = weft_subscription_open("line", &s, .when_full = WEFT_DISCONNECT);
	if (rc != 0) return rc;
	while ((rc = weft_websocket_next(ws, &m)) > 0) {
		rc = weft_topic_publish("line", m);
		if (rc == 0) rc = weft_subscription_next(s, &m);
		if (rc > 0) rc = weft_websocket_send(ws, m);
		if (rc != 0) break;
	}
	weft_subscription_close(s);
	return rc;
}

int hello(weft_request *rq)
{
	return weft_reply_text(rq, 200, "hello");
}

const weft_websocket_events quiet = { nullptr, nullptr, nullptr };

const weft_websocket_options manners = { .close_ms = PATIENCE_MS };

struct Server {
	std::atomic<int> port{ 0 };
	std::atomic<bool> done{ false };

	int serve()
	{
		static const weft_route routes[] = {
			WEFT_WEBSOCKET_EVENTS("/room/{room}", &room, .websocket_options = &manners),
			WEFT_WEBSOCKET("/line", line, .websocket_options = &manners),
			WEFT_WEBSOCKET_EVENTS("/quiet", &quiet),
			WEFT_GET("/", hello),
		};
		return weft_http_serve(
			routes, .listen = "127.0.0.1:0", .app = this, .drain_ms = 5000,
			.listening = [](void *app, const char *address) {
				static_cast<Server *>(app)->port = atoi(strrchr(address, ':') + 1);
			});
	}
	/* In a run's main task: until `done`. */
	int run()
	{
		int result = 1;
		weft_group *group = weft_group_open();
		spawn(group, [&] { return result = serve(); });
		while (!done) (void)!weft_sleep_ms(1);
		EXPECT_EQ(0, weft_group_drain(group, 5000));
		EXPECT_EQ(0, weft_group_join(group, 0));
		return result;
	}
};

std::string from_server(const std::string &text)
{
	return frame(FIN | TEXT, text, false);
}

/* Each step, as far as it gets; whether it got to its end. */
bool visit_room(int port)
{
	Raw a(port, PATIENCE_MS);
	std::string large(9000, 'x');
	if (!a.ask("/room/lobby", frame(FIN | TEXT, "come")) || !a.hear(from_server("come")))
		return false;
	Raw b(port, PATIENCE_MS);
	if (b.ask("/room/lobby") && b.hear("\r\n\r\n")) b.send(frame(FIN | TEXT, "both"));
	if (!a.hear(from_server("both"))) b.leave();
	a.send(frame(TEXT, large) + frame(FIN | PING, "?") + frame(FIN | MORE, "y"));
	if (!a.hear(from_server(large + "y")) || !a.hear(from_server("large"))) return false;
	a.send(close_frame(1000, "bye"));
	return a.hear(frame(FIN | CLOSE, "\x03\xe8", false));
}

bool visit_line(int port)
{
	Raw c(port, PATIENCE_MS);
	if (!c.ask("/line", frame(FIN | TEXT, "one") + frame(FIN | TEXT, "two"))) return false;
	if (!c.hear(from_server("one")) || !c.hear(from_server("two"))) return false;
	c.send(frame(FIN | PING, "") + close_frame(4000));
	return c.hear(frame(FIN | CLOSE, "\x0f\xa0", false));
}

struct WebsocketMemory : OnBackend {
	/* The n-th allocation fails while `visit` does; how many did, -1 when none did because the
	 * visitor lost its patience before. */
	long fail(long n, failing_allocator_mode mode, bool (*visit)(int port))
	{
		Server server;
		long failed = 0;
		long live = failing_allocator_live();
		std::thread visitor([&] {
			while (server.port == 0) usleep(200);
			failing_allocator_fail_at(n, mode);
			bool whole = visit(server.port);
			failed = failing_allocator_failures();
			if (failed == 0 && !whole) failed = -1;
			failing_allocator_fail_at(-1, mode);
			/* It serves as before. */
			Raw after(server.port, 5000);
			EXPECT_TRUE(after.ask("/line", frame(FIN | TEXT, "after"))) << n;
			EXPECT_TRUE(after.hear(from_server("after"))) << n << ": " << after.got;
			server.done = true;
		});
		EXPECT_EQ(0, run([&] { return server.run(); })) << n;
		visitor.join();
		EXPECT_EQ(live, failing_allocator_live()) << "leaked at " << n;
		EXPECT_EQ(0u, test_topic_count()) << n;
		return failed;
	}
	void sweep(bool (*visit)(int port))
	{
		/* Each refusal is reported: as it should be, and too often to be read. */
		static const weft_log_sink nobody = { [](const weft_log_record *, void *) {}, nullptr };
		weft_report_set(&nobody);
		failing_allocator_install();
		for (failing_allocator_mode mode : { FAIL_ONCE, FAIL_STICKY }) {
			long n = 0, failed = 1;
			for (int i = 0; failed != 0 && !HasFailure() && i < MANY; i++) {
				failed = fail(n, mode, visit);
				if (failed > 0) n++;
			}
			EXPECT_GT(n, 10);
		}
		failing_allocator_remove();
		weft_report_set(nullptr);
	}
};
ON_EACH_BACKEND(WebsocketMemory);

TEST_P(WebsocketMemory, MayRunOutAnywhereInARoom)
{
	sweep(visit_room);
}

TEST_P(WebsocketMemory, MayRunOutAnywhereInAStraightLine)
{
	sweep(visit_line);
}

/* On top of what its connection costs. More must be worth it for every silent peer there is. */
TEST(WebsocketIdle, HoldsLittleWhileNobodySpeaks)
{
	enum { SESSIONS = 500 };
	Server server;
	failing_allocator_install();
	std::thread visitor([&] {
		std::vector<std::unique_ptr<Raw>> all;
		while (server.port == 0) usleep(200);
		for (int i = 0; i < SESSIONS; i++) {
			all.push_back(std::make_unique<Raw>(server.port));
			EXPECT_TRUE(all.back()->send("GET / HTTP/1.1\r\nHost: test\r\n\r\n"));
			EXPECT_TRUE(all.back()->hear("\r\n\r\nhello"));
		}
		long connected = failing_allocator_live_bytes();
		for (auto &one : all) {
			EXPECT_TRUE(one->ask("/quiet"));
			EXPECT_TRUE(one->hear("\r\n\r\n"));
		}
		for (auto &one : all) {
			EXPECT_TRUE(one->send(frame(FIN | PING, "?")));
			EXPECT_TRUE(one->hear(frame(FIN | PONG, "?", false)));
		}
		long each = (failing_allocator_live_bytes() - connected) / SESSIONS;
		RecordProperty("bytes", static_cast<int>(each));
		/* The session, its place among the timers, the context that its events run under. */
		EXPECT_LE(each, 300 + 16 + 112);
		all.clear();
		server.done = true;
	});
	EXPECT_EQ(0, OnBackend::run_with(Backend::poll, 1, [&] { return server.run(); }));
	visitor.join();
	EXPECT_EQ(0, failing_allocator_live());
	failing_allocator_remove();
}

} // namespace
