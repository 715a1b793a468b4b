/* A session as its peer sees it: a straight line and handlers, over sockets and other streams, on
 * both back ends. */
#include "tests/net/websocket_support.h"

using namespace frames;

namespace
{

/* The straight line. */

struct WebsocketLine : OnEachPlace {
	Script script;
};
ON_EACH_PLACE(WebsocketLine);

TEST_P(WebsocketLine, EchoesTextAndBytes)
{
	script.line = echo;
	run(script, [&](Client &c) {
		c.text("hello");
		c.expect("TEXT(hello)");
		c.send(frame(FIN | BINARY, std::string("\0\xFF", 2)));
		c.expect(std::string("BINARY(\0\xFF)", 10));
		c.text("");
		c.expect("TEXT()");
		c.close(1000, "bye");
		c.expect_end("CLOSE(1000,)");
	});
}

TEST_P(WebsocketLine, EchoesWhatCameTogether)
{
	script.line = echo;
	run(script, [&](Client &c) {
		std::string all, wanted;
		for (int i = 0; i < 100; i++) {
			all += frame(FIN | TEXT, std::to_string(i));
			wanted += (i ? " TEXT(" : "TEXT(") + std::to_string(i) + ")";
		}
		c.send(all + close_frame(1000));
		c.expect_end(wanted + " CLOSE(1000,)");
	});
}

TEST_P(WebsocketLine, PutsFragmentsTogetherAndAnswersPingsBetweenThem)
{
	script.line = echo;
	run(script, [&](Client &c) {
		c.send(frame(TEXT, "Hel") + frame(FIN | PING, "?") + frame(MORE, "") +
			   frame(FIN | MORE, "lo"));
		c.expect("PONG(?) TEXT(Hello)");
		c.close(1000);
		c.expect_end("CLOSE(1000,)");
	});
}

TEST_P(WebsocketLine, CarriesLargeMessages)
{
	script.line = echo;
	script.setup.max_message = 4 << 20;
	std::string large = pattern(3 << 20);
	run(script, [&](Client &c) {
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			c.send(frame(FIN | BINARY, large));
			return 0;
		});
		std::string wanted = "BINARY(" + large + ")";
		while (c.said().size() < wanted.size() && c.read_more() == 0) {
		}
		EXPECT_TRUE(c.take() == wanted);
		EXPECT_EQ(0, weft_group_join(group, 0));
		c.close(1000);
		c.expect_end("CLOSE(1000,)");
	});
}

TEST_P(WebsocketLine, EndsWithTheCodeOfItsResult)
{
	struct {
		int result;
		const char *said;
	} const all[] = { { 0, "CLOSE(1000,)" }, { 4400, "CLOSE(4400,)" },
		{ WEFT_EFULL, "CLOSE(1013,)" }, { WEFT_EINVAL, "CLOSE(1011,)" },
		{ WEFT_EBADJSON, "CLOSE(1007,)" }, { 77, "CLOSE(1011,)" } };
	for (const auto &one : all) {
		Script s;
		s.line = [&](weft_websocket *) { return one.result; };
		run(s, [&](Client &c) {
			c.expect(one.said);
			c.close(1000);
			c.expect_end("");
		});
		EXPECT_TRUE(s.setup.orderly);
	}
}

TEST_P(WebsocketLine, TellsHowThePeerClosed)
{
	int code = 0, again = 1, sent = 0;
	std::string reason;
	script.line = [&](weft_websocket *ws) {
		const weft_message *m;
		EXPECT_EQ(0, weft_websocket_close_code(ws));
		EXPECT_EQ(0, weft_websocket_next(ws, &m));
		code = weft_websocket_close_code(ws);
		reason = weft_websocket_close_reason(ws);
		again = weft_websocket_next(ws, &m);
		sent = weft_websocket_text(ws, "too late");
		return 0;
	};
	run(script, [&](Client &c) {
		c.close(3999, "because");
		c.expect_end("CLOSE(3999,)");
	});
	EXPECT_EQ(3999, code);
	EXPECT_EQ("because", reason);
	EXPECT_EQ(0, again);
	EXPECT_EQ(WEFT_ECLOSED, sent);
}

TEST_P(WebsocketLine, AnswersACloseWithoutCodeByOneWithout)
{
	int code = 0;
	script.line = [&](weft_websocket *ws) {
		const weft_message *m;
		int rc = weft_websocket_next(ws, &m);
		code = weft_websocket_close_code(ws);
		return rc;
	};
	run(script, [&](Client &c) {
		c.send(frame(FIN | CLOSE, ""));
		c.expect_end("CLOSE(1005,)");
	});
	EXPECT_EQ(1005, code);
}

TEST_P(WebsocketLine, ReadsOnAfterItsOwnClose)
{
	std::string heard;
	script.line = [&](weft_websocket *ws) {
		const weft_message *m;
		int rc;
		weft_websocket_finish(ws, 4001, "enough");
		weft_websocket_finish(ws, 4002, "a second one does not count");
		EXPECT_EQ(WEFT_ECLOSED, weft_websocket_text(ws, "more"));
		while ((rc = weft_websocket_next(ws, &m)) > 0) heard += weft_message_text(m);
		return rc;
	};
	run(script, [&](Client &c) {
		c.expect("CLOSE(4001,enough)");
		c.text("last ");
		c.text("words");
		c.close(4001);
		c.expect_end("");
	});
	EXPECT_EQ("last words", heard);
}

TEST_P(WebsocketLine, ClosesWithAProperCodeWhateverIsAskedFor)
{
	for (int code : { 1005, 1006, 0, -1, 999, 5000, 1015 }) {
		Script s;
		s.line = [&](weft_websocket *ws) {
			weft_websocket_finish(ws, code, nullptr);
			return 0;
		};
		run(s, [&](Client &c) {
			c.expect("CLOSE(1011,)");
			c.close(1000);
			c.expect_end("");
		});
	}
}

TEST_P(WebsocketLine, HearsThatThePeerVanished)
{
	int rc = 0, code = 0;
	script.line = [&](weft_websocket *ws) {
		const weft_message *m;
		rc = weft_websocket_next(ws, &m);
		code = weft_websocket_close_code(ws);
		EXPECT_EQ(rc, weft_websocket_next(ws, &m));
		return rc;
	};
	run(script, [&](Client &c) { c.vanish(); });
	EXPECT_EQ(WEFT_EOF, rc);
	EXPECT_EQ(1006, code);
}

TEST_P(WebsocketLine, HearsAReset)
{
	int rc = 0;
	script.line = [&](weft_websocket *ws) {
		const weft_message *m;
		rc = weft_websocket_next(ws, &m);
		return rc;
	};
	run(script, [&](Client &c) { c.reset(); });
	EXPECT_EQ(WEFT_ECONNRESET, rc);
	EXPECT_FALSE(script.setup.orderly);
}

TEST_P(WebsocketLine, TellsThePeerWhatItDidWrong)
{
	struct {
		std::string bytes;
		const char *code;
		int rc;
	} const all[] = {
		{ frame(FIN | TEXT, "not masked", false), "1002", WEFT_EPROTO },
		{ frame(FIN | 3, ""), "1002", WEFT_EPROTO },
		{ frame(FIN | TEXT, "\xC0"), "1007", -EILSEQ },
		{ frame(FIN | TEXT, std::string(101, 'x')), "1009", WEFT_EMSGSIZE },
		{ frame(TEXT, std::string(60, 'x')) + frame(FIN | MORE, std::string(60, 'x')), "1009",
			WEFT_EMSGSIZE },
		{ frame(FIN | CLOSE, "\x03"), "1002", WEFT_EPROTO },
	};
	for (const auto &one : all) {
		int rc = 0;
		Script s;
		s.setup.max_message = 100;
		s.line = [&](weft_websocket *ws) {
			const weft_message *m;
			rc = weft_websocket_next(ws, &m);
			return rc;
		};
		run(s, [&](Client &c) {
			c.send(one.bytes);
			while (c.read_more() == 0) {
			}
			EXPECT_EQ(std::string("CLOSE(") + one.code, c.take().substr(0, 10));
		});
		EXPECT_EQ(one.rc, rc);
		EXPECT_TRUE(s.setup.orderly);
	}
}

TEST_P(WebsocketLine, SendsWhatPrintfMakes)
{
	script.line = [&](weft_websocket *ws) {
		std::string large(5000, 'x');
		EXPECT_EQ(0, weft_websocket_print(ws, "%d and %s", 42, "more"));
		EXPECT_EQ(0, weft_websocket_print(ws, "%s", large.c_str()));
		EXPECT_EQ(0, weft_websocket_text(ws, "100%"));
		EXPECT_EQ(0, weft_websocket_bytes(ws, "\0\1", 2));
		EXPECT_EQ(-EILSEQ, weft_websocket_print(ws, "%s", "\xFF"));
		EXPECT_EQ(-EILSEQ, weft_websocket_text(ws, "\xFF"));
		return 0;
	};
	run(script, [&](Client &c) {
		c.expect("TEXT(42 and more) TEXT(" + std::string(5000, 'x') + ") TEXT(100%) BINARY(" +
				 std::string("\0\1", 2) + ") CLOSE(1000,)");
		c.close(1000);
		c.expect_end("");
	});
}

TEST_P(WebsocketLine, TakesWhatCameWithTheHandshake)
{
	std::string bytes = frame(FIN | TEXT, "early") + frame(FIN | TEXT, "bird").substr(0, 3);
	script.line = echo;
	script.setup.input = bytes.data();
	script.setup.input_size = bytes.size();
	run(script, [&](Client &c) {
		c.expect("TEXT(early)");
		c.send(frame(FIN | TEXT, "bird").substr(3));
		c.expect("TEXT(bird)");
		c.close(1000);
		c.expect_end("CLOSE(1000,)");
	});
}

TEST_P(WebsocketLine, AsksASilentPeerAndGivesItUp)
{
	int rc = 0;
	/* So long that the peer has read the ping before it is given up. */
	script.setup.options.ping_ms = 300;
	script.line = [&](weft_websocket *ws) {
		const weft_message *m;
		rc = weft_websocket_next(ws, &m);
		return rc;
	};
	run(script, [&](Client &c) {
		c.expect("PING()");
		while (c.read_more() == 0) {
		}
		EXPECT_EQ("", c.take());
	});
	EXPECT_EQ(WEFT_ETIMEDOUT, rc);
	EXPECT_FALSE(script.setup.orderly);
}

TEST_P(WebsocketLine, KeepsAPeerThatAnswersPings)
{
	script.setup.options.ping_ms = 100;
	script.line = echo;
	run(script, [&](Client &c) {
		for (int i = 0; i < 3; i++) {
			c.expect("PING()");
			c.send(frame(FIN | PONG, ""));
		}
		c.text("still here");
		c.expect("TEXT(still here)");
		c.close(1000);
		c.expect_end("CLOSE(1000,)");
	});
}

TEST_P(WebsocketLine, DoesNotWaitForeverForTheAnswerToItsClose)
{
	script.setup.options.close_ms = 30;
	script.line = [](weft_websocket *) { return 0; };
	run(script, [&](Client &c) {
		c.expect("CLOSE(1000,)");
		while (c.read_more() == 0) {
		}
	});
	EXPECT_FALSE(script.setup.orderly);
}

TEST_P(WebsocketLine, StopsAtOnceWhenItsScopeIsCancelled)
{
	int rc = 0;
	script.line = [&](weft_websocket *ws) {
		const weft_message *m;
		weft_scope *scope = weft_scope_open(.timeout_ms = 10);
		rc = weft_scope_close(scope, weft_websocket_next(ws, &m));
		EXPECT_EQ(0, weft_websocket_text(ws, "nothing came"));
		EXPECT_EQ(1, weft_websocket_next(ws, &m));
		return 0;
	};
	run(script, [&](Client &c) {
		c.expect("TEXT(nothing came)");
		c.text("now");
		c.expect("CLOSE(1000,)");
		c.close(1000);
		c.expect_end("");
	});
	EXPECT_EQ(WEFT_EDEADLINE, rc);
}

/* So many others are at work that the message comes when the cancel has woken the task already, and
 * it has not run yet. */
TEST_P(WebsocketLine, LosesNoMessageToACancel)
{
	weft_scope *inner = nullptr;
	bool over = false;
	script.line = [&](weft_websocket *ws) {
		const weft_message *m;
		inner = weft_scope_open();
		int rc = weft_websocket_next(ws, &m);
		EXPECT_EQ(WEFT_ECANCELED, weft_scope_close(inner, rc));
		EXPECT_EQ(1, weft_websocket_next(ws, &m));
		EXPECT_STREQ("kept", weft_message_text(m));
		over = true;
		return 0;
	};
	run(script, [&](Client &c) {
		let_others_run();
		weft_group *group = weft_group_open();
		for (int i = 0; i < 3000; i++)
			spawn(group, [&] {
				int rc = 0;
				while (!over && rc == 0) rc = weft_yield();
				return rc;
			});
		EXPECT_EQ(0, weft_yield());
		weft_scope_cancel(inner);
		c.text("kept");
		c.expect("CLOSE(1000,)");
		EXPECT_EQ(0, weft_group_join(group, 0));
		c.close(1000);
		c.expect_end("");
	});
}

/* Backpressure. */

TEST_P(WebsocketLine, SuspendsItsSenderWhenThePeerDoesNotRead)
{
	int sent = 0, rc = 0;
	unsigned waiting = 0;
	script.setup.options.close_ms = 100;
	script.line = [&](weft_websocket *ws) {
		std::string data(100000, 'x');
		weft_scope *scope = weft_scope_open(.timeout_ms = 200);
		while ((rc = weft_websocket_bytes(ws, data.data(), data.size())) == 0) sent++;
		weft_websocket_stats stats;
		weft_websocket_get_stats(ws, &stats);
		waiting = stats.waiting;
		EXPECT_EQ((uint64_t)sent, stats.sent);
		rc = weft_scope_close(scope, rc);
		return rc;
	};
	run(script, [&](Client &) { let_others_run(500); });
	EXPECT_EQ(WEFT_EDEADLINE, rc);
	EXPECT_LT(sent, 200); /* what the kernel's buffers hold */
	EXPECT_LE(waiting, 1u);
}

TEST_P(WebsocketLine, GivesUpAPeerThatTakesNothing)
{
	int rc = 0;
	script.setup.options.write_ms = 50;
	script.line = [&](weft_websocket *ws) {
		std::string data(100000, 'x');
		while ((rc = weft_websocket_bytes(ws, data.data(), data.size())) == 0) {
		}
		return rc;
	};
	run(script, [&](Client &) { let_others_run(200); });
	EXPECT_EQ(WEFT_ETIMEDOUT, rc);
	EXPECT_FALSE(script.setup.orderly);
}

TEST_P(WebsocketLine, SendsTheRestOfAMessageWhoseSenderWasCancelled)
{
	std::string data(8 << 20, 'x');
	int rc = 0;
	script.line = [&](weft_websocket *ws) {
		weft_scope *scope = weft_scope_open(.timeout_ms = 20);
		rc = weft_scope_close(scope, weft_websocket_bytes(ws, data.data(), data.size()));
		EXPECT_EQ(0, weft_websocket_text(ws, "and this"));
		return 0;
	};
	run(script, [&](Client &c) {
		let_others_run(100);
		std::string wanted = "BINARY(" + data + ") TEXT(and this) CLOSE(1000,)";
		while (c.said().size() < wanted.size() && c.read_more() == 0) {
		}
		EXPECT_TRUE(c.take() == wanted);
		c.close(1000);
		c.expect_end("");
	});
	EXPECT_EQ(WEFT_EDEADLINE, rc);
}

TEST_P(WebsocketLine, KeepsTheOrderOfSeveralSenders)
{
	script.line = [&](weft_websocket *ws) {
		weft_group *group = weft_group_open();
		for (int i = 0; i < 8; i++)
			spawn(group, [ws, i] {
				int rc = 0;
				std::string data(100000, (char)('a' + i));
				for (int k = 0; k < 3 && rc == 0; k++) rc = weft_websocket_text(ws, data.c_str());
				return rc;
			});
		return weft_group_join(group, 0);
	};
	run(script, [&](Client &c) {
		while (c.said().find("CLOSE") == std::string::npos && c.read_more() == 0) {
		}
		std::string all = c.take();
		for (char who = 'a'; who < 'i'; who++) {
			std::string one = "TEXT(" + std::string(100000, who) + ")";
			size_t at = 0;
			for (int k = 0; k < 3; k++) {
				at = all.find(one, at);
				ASSERT_NE(std::string::npos, at);
				at += one.size();
			}
		}
		c.close(1000);
		c.expect_end("");
	});
}

TEST_P(WebsocketLine, AnswersNoMorePingsThanItCanQueue)
{
	test_gate *gate = test_gate_new();
	script.line = [&](weft_websocket *ws) {
		const weft_message *m;
		int rc = weft_websocket_next(ws, &m);
		EXPECT_EQ(1, rc);
		weft_websocket_stats stats;
		weft_websocket_get_stats(ws, &stats);
		EXPECT_LE(stats.waiting, 4u);
		return 0;
	};
	run(script, [&](Client &c) {
		std::string all;
		for (int i = 0; i < 50; i++) all += frame(FIN | PING, std::to_string(i));
		c.send(all + frame(FIN | TEXT, "go"));
		while (c.said().find("CLOSE") == std::string::npos && c.read_more() == 0) {
		}
		EXPECT_EQ("PONG(0) PONG(1)", c.take().substr(0, 15));
		c.close(1000);
		c.expect_end("");
	});
	test_gate_free(gate);
}

/* Draining. */

TEST_P(WebsocketLine, SaysThatTheServerGoesAway)
{
	script.line = echo;
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
	EXPECT_TRUE(script.setup.orderly);
}

TEST_P(WebsocketLine, AnswersBeforeItGoesAway)
{
	script.line = [&](weft_websocket *ws) {
		const weft_message *m;
		int rc = weft_websocket_next(ws, &m);
		EXPECT_EQ(1, rc);
		EXPECT_EQ(0, weft_drain_wait());
		EXPECT_EQ(0, weft_websocket_text(ws, "done"));
		return weft_websocket_next(ws, &m);
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
}

/* The table. */

TEST(WebsocketCode, OfEachResult)
{
	EXPECT_EQ(1000, test_websocket_code_of(0, WEFT_REASON_NONE));
	EXPECT_EQ(4999, test_websocket_code_of(4999, WEFT_REASON_NONE));
	EXPECT_EQ(-1011, test_websocket_code_of(5000, WEFT_REASON_NONE));
	EXPECT_EQ(-1011, test_websocket_code_of(1006, WEFT_REASON_NONE));
	EXPECT_EQ(-1011, test_websocket_code_of(-EIO, WEFT_REASON_NONE));
	EXPECT_EQ(1001, test_websocket_code_of(WEFT_ECANCELED, WEFT_REASON_SHUTDOWN));
	EXPECT_EQ(1013, test_websocket_code_of(WEFT_ECANCELED, WEFT_REASON_DEADLINE));
	EXPECT_EQ(1013, test_websocket_code_of(WEFT_EDEADLINE, WEFT_REASON_NONE));
	EXPECT_EQ(-1013, test_websocket_code_of(WEFT_ENOMEM, WEFT_REASON_NONE));
	EXPECT_EQ(1008, test_websocket_code_of(WEFT_EACCES, WEFT_REASON_NONE));
}

TEST(WebsocketMessage, IsCopiedCountedAndEndsInNul)
{
	weft_message *m;
	char text[] = "hello";
	ASSERT_EQ(0, weft_message_new(text, 5, false, &m));
	text[0] = 'j';
	EXPECT_STREQ("hello", weft_message_text(m));
	EXPECT_EQ(5u, weft_message_size(m));
	EXPECT_FALSE(weft_message_binary(m));
	weft_message *same = weft_message_ref(m);
	weft_message_unref(m);
	EXPECT_STREQ("hello", weft_message_text(same));
	weft_message_unref(same);
	weft_message_unref(nullptr);
	ASSERT_EQ(0, weft_message_new("\xFF", 1, true, &m));
	EXPECT_TRUE(weft_message_binary(m));
	weft_message_unref(m);
}

TEST(WebsocketMessage, RefusesWhatIsNoTextOrTooLarge)
{
	weft_message *m = nullptr;
	EXPECT_EQ(-EILSEQ, weft_message_new("\xFF", 1, false, &m));
	EXPECT_EQ(WEFT_EMSGSIZE, weft_message_new("", (size_t)WEFT_MESSAGE_MAX + 1, true, &m));
	EXPECT_EQ(-EILSEQ, weft_message_print(&m, "%s", "\xC3"));
	EXPECT_EQ(nullptr, m);
}

} // namespace
