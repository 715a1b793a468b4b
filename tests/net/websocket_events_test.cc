/* Handlers as their peer sees them: in order, one at a time, and the last one once. */
#include <weft/report.h>

#include "tests/net/websocket_support.h"

using namespace frames;

namespace
{

struct WebsocketEvents : OnEachPlace {
	Script script;
	std::string log;

	void record()
	{
		script.open = [&](weft_websocket *ws) {
			log += "open ";
			(void)ws;
			return 0;
		};
		script.message = [&](weft_websocket *ws, const weft_message *m) {
			log += std::string(weft_message_text(m)) + " ";
			return weft_websocket_send(ws, m);
		};
		script.closed = [&](weft_websocket *ws) {
			log += "closed " + std::to_string(weft_websocket_close_code(ws));
		};
	}
};
ON_EACH_PLACE(WebsocketEvents);

TEST_P(WebsocketEvents, AreCalledInOrderAndTheLastOnce)
{
	record();
	run(script, [&](Client &c) {
		c.text("one");
		c.expect("TEXT(one)");
		c.send(frame(FIN | TEXT, "two") + frame(FIN | TEXT, "three") + frame(FIN | PING, "p"));
		c.expect("TEXT(two) TEXT(three) PONG(p)");
		c.close(1001);
		c.expect_end("CLOSE(1001,)");
	});
	EXPECT_EQ("open one two three closed 1001", log);
}

TEST_P(WebsocketEvents, AreNeverTwoAtOnceThoughTheySuspend)
{
	int inside = 0, most = 0, heard = 0;
	script.message = [&](weft_websocket *, const weft_message *m) {
		most = std::max(most, ++inside);
		EXPECT_EQ(std::to_string(heard++), weft_message_text(m));
		EXPECT_EQ(0, weft_sleep_ms(1));
		inside--;
		return 0;
	};
	script.closed = [&](weft_websocket *) { EXPECT_EQ(0, inside); };
	run(script, [&](Client &c) {
		for (int i = 0; i < 20; i++) {
			c.text(std::to_string(i));
			if (i % 5 == 0) let_others_run(3);
		}
		c.close(1000);
		c.expect_end("CLOSE(1000,)");
	});
	EXPECT_EQ(1, most);
	EXPECT_EQ(20, heard);
}

TEST_P(WebsocketEvents, CloseWhenOpenRefuses)
{
	record();
	script.open = [&](weft_websocket *ws) {
		log += "open ";
		EXPECT_EQ(0, weft_websocket_text(ws, "no"));
		return 4403;
	};
	run(script, [&](Client &c) {
		c.expect("TEXT(no) CLOSE(4403,)");
		c.text("not heard");
		c.close(4403);
		c.expect_end("");
	});
	EXPECT_EQ("open closed 4403", log);
}

TEST_P(WebsocketEvents, CloseWhenAMessageFails)
{
	record();
	script.message = [&](weft_websocket *, const weft_message *) { return WEFT_EBADJSON; };
	run(script, [&](Client &c) {
		c.send(frame(FIN | TEXT, "a") + frame(FIN | TEXT, "b"));
		c.expect("CLOSE(1007,)");
		c.close(1007);
		c.expect_end("");
	});
	EXPECT_EQ("open closed 1007", log);
}

/* Handing up an error of one's own making is a mistake that somebody should hear of; that nothing
 * can be sent after a close is not. */
TEST_P(WebsocketEvents, ReportOnlyWhatTheOperatorShouldHear)
{
	static int reports;
	static const weft_log_sink hook = {
		[](const weft_log_record *, void *) { reports++; },
		nullptr,
	};
	reports = 0;
	weft_report_set(&hook);
	script.message = [&](weft_websocket *ws, const weft_message *m) -> int {
		if (weft_message_text(m)[0] == 'b') return WEFT_EINVAL;
		weft_websocket_finish(ws, 4000, "enough");
		int rc = weft_websocket_text(ws, "more");
		EXPECT_EQ(WEFT_ECLOSED, rc);
		return rc;
	};
	run(script, [&](Client &c) {
		c.text("enough");
		c.expect("CLOSE(4000,enough)");
		c.close(4000);
		c.expect_end("");
	});
	EXPECT_EQ(0, reports);
	run(script, [&](Client &c) {
		c.text("broken");
		c.expect("CLOSE(1011,)");
		c.close(1011);
		c.expect_end("");
	});
	EXPECT_EQ(1, reports);
	weft_report_set(nullptr);
}

TEST_P(WebsocketEvents, TellOfAPeerThatVanished)
{
	record();
	run(script, [&](Client &c) {
		c.text("one");
		c.expect("TEXT(one)");
		c.vanish();
	});
	EXPECT_EQ("open one closed 1006", log);
}

TEST_P(WebsocketEvents, TellOfAResetWhileAHandlerRuns)
{
	record();
	script.message = [&](weft_websocket *ws, const weft_message *) {
		EXPECT_EQ(0, weft_sleep_ms(20));
		(void)!weft_websocket_text(ws, "somebody there?");
		log += "end of message ";
		return 0;
	};
	run(script, [&](Client &c) {
		c.text("one");
		let_others_run(3);
		c.reset();
	});
	EXPECT_EQ("open end of message closed 1006", log);
}

TEST_P(WebsocketEvents, KeepTheStateUntilClosedHasReturned)
{
	script.open = [&](weft_websocket *ws) {
		auto *state = static_cast<int *>(weft_websocket_alloc(ws, sizeof(int)));
		*state = 40;
		weft_websocket_keep(ws, state);
		return 0;
	};
	script.message = [&](weft_websocket *ws, const weft_message *) {
		++*static_cast<int *>(weft_websocket_kept(ws));
		return 0;
	};
	script.closed = [&](weft_websocket *ws) {
		EXPECT_EQ(0, weft_sleep_ms(5));
		EXPECT_STREQ("lobby", weft_websocket_param(ws, "room"));
		EXPECT_EQ(nullptr, weft_websocket_param(ws, "other"));
		EXPECT_EQ(42, *static_cast<int *>(weft_websocket_kept(ws)));
		EXPECT_EQ(WEFT_ECLOSED, weft_websocket_text(ws, "x"));
	};
	script.setup.room = "lobby";
	run(script, [&](Client &c) {
		c.text("one");
		c.text("two");
		c.close(1000);
		c.expect_end("CLOSE(1000,)");
	});
}

TEST_P(WebsocketEvents, MakeThePeerWaitWhileOneRuns)
{
	size_t heard = 0;
	test_gate *gate = test_gate_new();
	script.message = [&](weft_websocket *, const weft_message *) {
		heard++;
		return test_gate_wait(gate);
	};
	run(script, [&](Client &c) {
		size_t sent = 0, done = 0;
		std::string one = frame(FIN | BINARY, std::string(100000, 'x'));
		int rc = 0;
		weft_group *group = weft_group_open();
		bool stop = false;
		spawn(group, [&] {
			while (!stop && sent < 1000) {
				struct iovec part = { one.data(), one.size() };
				rc = weft_stream_writev(c.stream(), &part, 1, &done);
				if (rc != 0) break;
				sent++;
			}
			return 0;
		});
		let_others_run(100);
		stop = true;
		EXPECT_LT(sent, 200u);
		EXPECT_EQ(1u, heard);
		test_gate_open(gate);
		EXPECT_EQ(0, weft_group_join(group, 0));
		c.close(1000);
		c.expect_end("CLOSE(1000,)");
		EXPECT_EQ(sent, heard);
	});
	test_gate_free(gate);
}

/* Draining. */

TEST_P(WebsocketEvents, SayThatTheServerGoesAway)
{
	record();
	drain_while_serving(
		GetParam(), script, 10000,
		[&](Client &c) {
			c.text("one");
			c.expect("TEXT(one)");
		},
		[&](Client &c) {
			c.expect("CLOSE(1001,)");
			c.close(1001);
			c.expect_end("");
		});
	EXPECT_EQ("open one closed 1001", log);
	EXPECT_TRUE(script.setup.orderly);
}

TEST_P(WebsocketEvents, FinishAHandlerBeforeTheyGoAway)
{
	record();
	script.message = [&](weft_websocket *ws, const weft_message *) {
		EXPECT_EQ(0, weft_drain_wait());
		EXPECT_EQ(0, weft_sleep_ms(10));
		return weft_websocket_text(ws, "done");
	};
	drain_while_serving(
		GetParam(), script, 10000,
		[&](Client &c) {
			c.text("work");
			let_others_run(5);
		},
		[&](Client &c) {
			c.expect("TEXT(done) CLOSE(1001,)");
			c.close(1001);
			c.expect_end("");
		});
	EXPECT_EQ("open closed 1001", log);
}

TEST_P(WebsocketEvents, EndAtTheCancelWhenThePeerDoesNotAnswer)
{
	record();
	drain_while_serving(
		GetParam(), script, 30,
		[&](Client &c) {
			c.text("one");
			c.expect("TEXT(one)");
		},
		[&](Client &c) {
			while (c.read_more() == 0) {
			}
			EXPECT_EQ("CLOSE(1001,)", c.take());
		});
	EXPECT_EQ("open one closed 1006", log);
	EXPECT_FALSE(script.setup.orderly);
}

} // namespace
