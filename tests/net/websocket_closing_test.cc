/* The end of a session when something else is under way: a message half sent, a message half come,
 * more after the close (RFC 6455 sections 1.4, 5.4, 5.5 and 7). */
#include "tests/net/websocket_support.h"

using namespace frames;

namespace
{

/* More than the kernel takes of somebody who does not read. */
const std::string large(8 << 20, 'x');
const std::string whole = "BINARY(" + large + ")";

struct WebsocketClosing : OnEachPlace {
	Script script;
	int heard = 0, code = 0;

	/* Sends `large` in a task of its own, while the line does `meanwhile`. */
	void send_while(std::function<int(weft_websocket *)> meanwhile)
	{
		script.line = [=, this](weft_websocket *ws) {
			weft_group *group = weft_group_open();
			spawn(group, [ws] { return weft_websocket_bytes(ws, large.data(), large.size()); });
			EXPECT_EQ(0, weft_sleep_ms(5));
			int rc = meanwhile(ws);
			EXPECT_EQ(0, weft_group_join(group, 0));
			code = weft_websocket_close_code(ws);
			return rc;
		};
	}
	static int next(weft_websocket *ws)
	{
		const weft_message *m;
		return weft_websocket_next(ws, &m);
	}
	/* The large message first, whatever else was said while it was on its way. */
	static void expect_behind(Client &c, const std::string &wanted)
	{
		std::string all = whole + " " + wanted;
		while (c.said().size() < all.size() && c.read_more() == 0) {
		}
		EXPECT_TRUE(c.said() == all) << "it ends in " << c.said().substr(whole.size());
		c.take();
	}
};
ON_EACH_PLACE(WebsocketClosing);

TEST_P(WebsocketClosing, TakesNothingThatComesAfterAClose)
{
	script.message = [&](weft_websocket *, const weft_message *) {
		heard++;
		return 0;
	};
	run(script, [&](Client &c) {
		c.send(frame(FIN | TEXT, "before") + close_frame(4000) + frame(FIN | TEXT, "after") +
			   frame(FIN | PING, "?") + close_frame(1000) + "no frame at all");
		c.expect_end("CLOSE(4000,)");
	});
	EXPECT_EQ(1, heard);
}

TEST_P(WebsocketClosing, LetsAMessageThatHadBegunGo)
{
	script.message = [&](weft_websocket *, const weft_message *) {
		heard++;
		return 0;
	};
	script.closed = [&](weft_websocket *ws) { code = weft_websocket_close_code(ws); };
	run(script, [&](Client &c) {
		c.send(frame(TEXT, "half") + close_frame(1000, "no more"));
		c.expect_end("CLOSE(1000,)");
	});
	EXPECT_EQ(0, heard);
	EXPECT_EQ(1000, code);
}

TEST_P(WebsocketClosing, FinishesAMessageBeforeItAnswersAClose)
{
	send_while(next);
	run(script, [&](Client &c) {
		c.close(4001);
		let_others_run(20);
		expect_behind(c, "CLOSE(4001,)");
		c.expect_end("");
	});
	EXPECT_EQ(4001, code);
}

TEST_P(WebsocketClosing, FinishesAMessageBeforeItsOwnCloseAndSendsNothingAfterIt)
{
	send_while([](weft_websocket *ws) {
		weft_websocket_finish(ws, 4000, "enough");
		EXPECT_EQ(WEFT_ECLOSED, weft_websocket_text(ws, "more"));
		weft_websocket_finish(ws, 4002, "the first one counts");
		return next(ws);
	});
	run(script, [&](Client &c) {
		let_others_run(20);
		expect_behind(c, "CLOSE(4000,enough)");
		c.close(4000);
		c.expect_end("");
	});
	EXPECT_EQ(4000, code);
}

TEST_P(WebsocketClosing, AnswersAPingBehindTheMessageThatIsOnItsWay)
{
	send_while(next);
	run(script, [&](Client &c) {
		c.ping("still there?");
		let_others_run(20);
		expect_behind(c, "PONG(still there?)");
		c.close(1000);
		c.expect_end("CLOSE(1000,)");
	});
}

TEST_P(WebsocketClosing, TellsWhatWasWrongBehindTheMessageThatIsOnItsWay)
{
	send_while(next);
	run(script, [&](Client &c) {
		c.send(frame(FIN | TEXT, "not masked", false));
		let_others_run(20);
		expect_behind(c, "CLOSE(1002,a frame from a client is not masked)");
		c.expect_end("");
	});
	EXPECT_EQ(1006, code);
}

TEST_P(WebsocketClosing, HearsOnUntilThePeersCloseAndSaysNothingMore)
{
	script.line = [&](weft_websocket *ws) {
		const weft_message *m;
		weft_websocket_finish(ws, 1001, "");
		EXPECT_EQ(1, weft_websocket_next(ws, &m));
		EXPECT_STREQ("the end", weft_message_text(m));
		return next(ws);
	};
	run(script, [&](Client &c) {
		c.expect("CLOSE(1001,)");
		c.send(frame(TEXT, "the ") + frame(FIN | PING, "?") + frame(FIN | MORE, "end"));
		let_others_run(5);
		/* Section 5.5.2 would have a pong; who has heard our close does not wait for it. */
		c.close(1001);
		c.expect_end("");
	});
}

/* The reset makes a task for what may have come, and before that runs, what is to be sent finds
 * that nobody is there. */
TEST_P(WebsocketClosing, MayBeOverBeforeItsEventRunsAndNeedsNoHandlerForThat)
{
	static const weft_websocket_events quiet = {
		[](weft_websocket *ws) { return weft_websocket_subscribe(ws, "t"); },
		nullptr,
		nullptr,
	};
	EXPECT_EQ(0, OnBackend::run_with(std::get<0>(GetParam()), 1, [&] {
		weft_stream *a = nullptr, *b = nullptr;
		make_pair(std::get<1>(GetParam()), &a, &b);
		weft_group *group = weft_group_open();
		test_websocket t = {};
		t.stream = b;
		t.socket = is_socket();
		t.group = group;
		t.events = &quiet;
		spawn(group, [&] { return test_websocket_serve(&t); });
		EXPECT_EQ(0, write_text(a, frame(FIN | BINARY, std::string(9000, 'x'))));
		let_others_run(5);
		weft_stream_abort(a);
		EXPECT_EQ(0, weft_topic_print("t", "is anybody there?"));
		EXPECT_EQ(0, weft_group_join(group, 0));
		EXPECT_FALSE(t.orderly);
		return 0;
	}));
}

TEST_P(WebsocketClosing, RefusesAHugeLengthBeforeItHasTakenMemory)
{
	script.line = next;
	run(script, [&](Client &c) {
		c.send(std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10) + "keys");
		c.expect("CLOSE(1009,the message is too big)");
		c.expect_end("");
	});
}

} // namespace
