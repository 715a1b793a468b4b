/* What a handler can do: stream, pass on, spawn, fail. */
#include <weft/context.h>
#include <weft/offload.h>
#include <weft/trace.h>

#include "tests/net/http_service.h"
#include "tests/support/failing_allocator.h"

struct HttpHandler : OnBackend {
	Service service;

	void serve(const std::function<void(const std::string &)> &body, int workers = 1)
	{
		EXPECT_EQ(0, run([&] { return service.with(body); }, workers));
		EXPECT_EQ(0, service.result) << weft_error_name(service.result);
	}
};

static int stream_numbers(weft_request *rq)
{
	int rc = weft_reply_begin(rq, 200);
	for (int i = 0; i < 100 && rc == 0; i++) {
		std::string text = std::to_string(i) + ",";
		rc = weft_reply_write(rq, text.data(), text.size());
		if (rc == 0 && i % 10 == 0) rc = weft_sleep_ms(1);
	}
	return rc;
}

static std::string numbers()
{
	std::string all;
	for (int i = 0; i < 100; i++) all += std::to_string(i) + ",";
	return all;
}

TEST_P(HttpHandler, StreamsChunks)
{
	service.routes = { route("GET", "/", stream_numbers) };
	serve([](const std::string &address) {
		Client client(address);
		client.get("/");
		Response r = client.response();
		EXPECT_EQ("chunked", r.header("transfer-encoding"));
		EXPECT_EQ(numbers(), r.body);
		client.send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n");
		EXPECT_EQ(200, client.response(true).status);
		client.get("/");
		EXPECT_EQ(numbers(), client.response().body);
	});
}

TEST_P(HttpHandler, StreamsToTheEndOfAnOldConnection)
{
	service.routes = { route("GET", "/", stream_numbers) };
	serve([](const std::string &address) {
		Client client(address);
		client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
		Response r = client.response();
		EXPECT_EQ("close", r.header("connection"));
		EXPECT_EQ(numbers(), r.body);
		EXPECT_TRUE(r.whole);
	});
}

TEST_P(HttpHandler, SendsWhatItSaidWhileItWaits)
{
	static bool seen;
	seen = false;
	service.routes = { route("GET", "/", [](weft_request *rq) {
		weft_reply_header(rq, "Content-Type", "text/event-stream");
		int rc = weft_reply_begin(rq, 200);
		if (rc == 0) rc = weft_reply_write(rq, "first", 5);
		while (rc == 0 && !seen) rc = weft_sleep_ms(1);
		return rc ? rc : weft_reply_write(rq, "second", 6);
	}) };
	serve([](const std::string &address) {
		Client client(address);
		client.get("/");
		while (client.got.find("first") == std::string::npos) ASSERT_TRUE(client.more());
		seen = true;
		Response r = client.response();
		EXPECT_EQ("firstsecond", r.body);
		EXPECT_EQ("text/event-stream", r.header("content-type"));
	});
}

TEST_P(HttpHandler, LetsTheClientTellAnAnswerThatIsCutOff)
{
	service.routes = {
		route("GET", "/chunked",
			[](weft_request *rq) {
				int rc = weft_reply_begin(rq, 200);
				if (rc == 0) rc = weft_reply_write(rq, "half", 4);
				return rc ? rc : int{ WEFT_ENOENT };
			}),
		route("GET", "/length",
			[](weft_request *rq) {
				weft_reply_header(rq, "content-length", "10");
				int rc = weft_reply_begin(rq, 200);
				return rc ? rc : weft_reply_write(rq, "half", 4);
			}),
		route("GET", "/more",
			[](weft_request *rq) {
				weft_reply_header(rq, "content-length", "2");
				int rc = weft_reply_begin(rq, 200);
				if (rc == 0) rc = weft_reply_write(rq, "half", 4);
				EXPECT_EQ(WEFT_EINVAL, rc);
				return rc;
			}),
	};
	serve([](const std::string &address) {
		for (const char *path : { "/chunked", "/length", "/more" }) {
			Client client(address);
			client.get(path);
			EXPECT_FALSE(client.response().whole) << path;
		}
	});
}

TEST_P(HttpHandler, SetsFieldsAndRefusesWhatWouldBreakTheHead)
{
	service.routes = {
		route("GET", "/",
			[](weft_request *rq) {
				weft_reply_header(rq, "Set-Cookie", "a=1");
				weft_reply_header(rq, "Set-Cookie", "b=2");
				weft_reply_header(rq, "Content-Type", "text/html");
				return weft_reply_text(rq, 201, "<p>");
			}),
		route("GET", "/inject",
			[](weft_request *rq) {
				EXPECT_EQ(WEFT_EINVAL, weft_reply_header(rq, "X-A", "b\r\nSet-Cookie: c"));
				return weft_reply_text(rq, 200, "never");
			}),
		route("GET", "/huge",
			[](weft_request *rq) {
				std::string value(8000, 'x');
				for (int i = 0; i < 3; i++) weft_reply_header(rq, "X-Huge", value.c_str());
				return weft_reply_text(rq, 200, "never");
			}),
	};
	serve([](const std::string &address) {
		Client client(address);
		client.get("/");
		Response r = client.response();
		EXPECT_EQ(201, r.status);
		EXPECT_EQ("text/html", r.header("content-type"));
		EXPECT_NE(std::string::npos, r.head.find("set-cookie: a=1\r\nset-cookie: b=2\r\n"));
		client.get("/inject");
		r = client.response();
		EXPECT_EQ(500, r.status);
		EXPECT_EQ(std::string::npos, r.head.find("set-cookie"));
		client.get("/huge");
		EXPECT_EQ(500, client.response().status);
	});
}

TEST_P(HttpHandler, FinishesAnAnswerThatASecondOneWasRefusedIn)
{
	service.routes = { route("GET", "/", [](weft_request *rq) {
		int rc = weft_reply_begin(rq, 200);
		if (rc == 0) rc = weft_reply_write(rq, "one", 3);
		EXPECT_EQ(WEFT_EALREADY, weft_reply_header(rq, "x-late", "1"));
		EXPECT_EQ(WEFT_EALREADY, weft_reply_text(rq, 200, "two"));
		EXPECT_EQ(WEFT_EALREADY, weft_reply_begin(rq, 200));
		return rc ? rc : weft_reply_write(rq, "!", 1);
	}) };
	serve([](const std::string &address) {
		Client client(address);
		for (int i = 0; i < 2; i++) {
			client.get("/");
			Response r = client.response();
			EXPECT_TRUE(r.whole);
			EXPECT_EQ("one!", r.body);
		}
	});
}

TEST_P(HttpHandler, SaysHowLongAnAnswerWouldBeToWhoAsksForItsHead)
{
	service.routes = { route("HEAD", "/",
						   [](weft_request *rq) {
							   weft_reply_header(rq, "content-length", "12345");
							   return weft_reply_bytes(rq, 200, nullptr, nullptr, 0);
						   }),
		route("GET", "/", [](weft_request *rq) {
			weft_reply_header(rq, "content-length", "12345");
			return weft_reply_text(rq, 200, "short");
		}) };
	serve([](const std::string &address) {
		Client client(address);
		client.send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n");
		EXPECT_EQ("12345", client.response(true).header("content-length"));
		/* What is sent says itself how long it is. */
		client.get("/");
		EXPECT_EQ("short", client.response().body);
	});
}

/* RFC 9110 section 7.8: who sends Upgrade names it in Connection. */
TEST_P(HttpHandler, NamesAnOfferToUpgradeInConnection)
{
	service.routes = { route("GET", "/", [](weft_request *rq) {
		weft_reply_header(rq, "Upgrade", "weft");
		return weft_reply_text(rq, 426, "upgrade");
	}) };
	serve([](const std::string &address) {
		Client client(address);
		client.get("/");
		Response r = client.response();
		EXPECT_EQ("weft", r.header("upgrade"));
		EXPECT_EQ("upgrade", r.header("connection"));
		client.get("/", "Connection: close\r\n");
		EXPECT_EQ("close, upgrade", client.response().header("connection"));
		EXPECT_TRUE(client.ended());
	});
}

TEST_P(HttpHandler, SendsFieldsThatFitTheHead)
{
	service.routes = { route("GET", "/long",
						   [](weft_request *rq) {
							   std::string value(12000, 'x');
							   EXPECT_EQ(0, weft_reply_header(rq, "x-long", value.c_str()));
							   return weft_reply_text(rq, 200, "here");
						   }),
		route("GET", "/longer", [](weft_request *rq) {
			std::string value(17000, 'x');
			EXPECT_EQ(WEFT_EMSGSIZE, weft_reply_header(rq, "x-long", value.c_str()));
			return weft_reply_text(rq, 200, "never");
		}) };
	serve([](const std::string &address) {
		Client client(address);
		client.get("/long");
		Response r = client.response();
		EXPECT_EQ("here", r.body);
		EXPECT_EQ(12000u, r.header("x-long").size());
		client.get("/longer");
		EXPECT_EQ(500, client.response().status);
	});
}

TEST_P(HttpHandler, PassesThroughMiddlewareInOrder)
{
	static std::string order;
	order.clear();
	static weft_handler_fn *const outer[] = {
		[](weft_request *rq) {
			order += "a(";
			int rc = weft_request_pass(rq);
			order += ")";
			return rc;
		},
		[](weft_request *rq) {
			order += "b";
			return weft_request_header(rq, "X-Stop") ? 403 : weft_request_pass(rq);
		},
		nullptr,
	};
	static weft_handler_fn *const inner[] = {
		[](weft_request *rq) {
			order += "c";
			return weft_request_pass(rq);
		},
		nullptr,
	};
	service.routes = { route("GET", "/", [](weft_request *rq) {
		order += "h";
		return weft_reply_text(rq, 200, "%s", weft_request_route(rq));
	}) };
	service.routes[0].through = inner;
	service.options.through = outer;
	serve([](const std::string &address) {
		Client client(address);
		client.get("/");
		EXPECT_EQ("/", client.response().body);
		EXPECT_EQ("a(bch)", order);
		order.clear();
		client.get("/", "X-Stop: 1\r\n");
		EXPECT_EQ(403, client.response().status);
		EXPECT_EQ("a(b)", order);
		order.clear();
		client.get("/nowhere");
		EXPECT_EQ(404, client.response().status);
		EXPECT_EQ("a(b)", order) << "also around what is not there";
	});
}

TEST_P(HttpHandler, ReadsWhatTheRequestSays)
{
	service.routes = { route("GET", "/a/{name}/{rest...}", [](weft_request *rq) {
		const char *name, *value;
		std::string all;
		for (size_t at = 0; weft_request_header_next(rq, &at, &name, &value);)
			all += std::string(name) + "=" + value + ";";
		const char *q = weft_request_query(rq, "q");
		return weft_reply_text(rq, 200, "%s|%s|%s|%s|%s|%s|%s|%s", weft_request_method(rq),
			weft_request_path(rq), weft_request_target(rq), weft_request_param(rq, "name"),
			weft_request_param(rq, "rest"), q ? q : "-", weft_request_host(rq), all.c_str());
	}) };
	serve([](const std::string &address) {
		Client client(address);
		client.get("/a/x%20y/./b/../c?p=1&q=two+words", "A: b\r\n");
		EXPECT_EQ("GET|/a/x%20y/c|/a/x%20y/./b/../c?p=1&q=two+words|x y|c|two words|test|"
				  "Host=test;A=b;",
			client.response().body);
		client.send("GET http://other:1/a/n/?q HTTP/1.1\r\nHost: test\r\n\r\n");
		EXPECT_EQ("GET|/a/n/|http://other:1/a/n/?q|n|||other:1|Host=test;", client.response().body);
		client.get("/a/../..");
		EXPECT_EQ(400, client.response().status);
	});
}

TEST_P(HttpHandler, JoinsTheChildrenOfARequest)
{
	static int ended;
	ended = 0;
	service.routes = {
		route("GET", "/",
			[](weft_request *rq) {
				for (int i = 0; i < 3; i++) {
					spawn(weft_request_group(rq), [] {
						int rc = weft_sleep_ms(3);
						ended++;
						return rc;
					});
				}
				return weft_reply_text(rq, 200, "children");
			}),
		route("GET", "/fail",
			[](weft_request *rq) {
				spawn(weft_request_group(rq), [] { return int{ WEFT_EFULL }; });
				return 0;
			}),
	};
	serve([](const std::string &address) {
		Client client(address);
		client.get("/", "Connection: close\r\n");
		EXPECT_EQ("children", client.response().body);
		EXPECT_TRUE(client.ended());
		EXPECT_EQ(3, ended);
		Client other(address);
		other.get("/fail");
		EXPECT_EQ(503, other.response().status);
	});
}

WEFT_KEY_STATIC(user, const char)

TEST_P(HttpHandler, KeepsItsContextThroughEveryHopAndLosesItAtTheEnd)
{
	service.routes = {
		route("GET", "/set",
			[](weft_request *rq) {
				EXPECT_EQ(nullptr, user_get());
				EXPECT_EQ(0, weft_scope_set(&user_key, const_cast<char *>("ann")));
				std::string ids[2];
				spawn(weft_request_group(rq), [&] {
					int rc = weft_sleep_ms(1);
					ids[0] = std::string(weft_request_id()) + user_get();
					return rc;
				});
				int rc = weft_offload(
					[](void *id) {
						*static_cast<std::string *>(id) =
							std::string(weft_request_id()) + user_get();
						return 0;
					},
					&ids[1]);
				while (rc == 0 && ids[0].empty()) rc = weft_sleep_ms(1);
				std::string mine = std::string(weft_request_id()) + "ann";
				EXPECT_EQ(mine, ids[0]);
				EXPECT_EQ(mine, ids[1]);
				return rc ? rc : weft_reply_text(rq, 200, "%s", weft_request_id());
			}),
	};
	serve(
		[](const std::string &address) {
			weft_group *group = weft_group_open();
			for (int c = 0; c < 4; c++) {
				spawn(group, [&] {
					Client client(address);
					for (int i = 0; i < 10; i++) {
						client.get("/set");
						Response r = client.response();
						EXPECT_EQ(200, r.status);
						EXPECT_EQ(r.header("x-request-id"), r.body);
					}
					return 0;
				});
			}
			EXPECT_EQ(0, weft_group_join(group, 0));
		},
		1);
}

TEST_P(HttpHandler, SurvivesTheEndOfMemory)
{
	service.routes = {
		route("GET", "/", [](weft_request *rq) { return weft_reply_text(rq, 200, "hello"); }),
		route("POST", "/body",
			[](weft_request *rq) {
				const char *data;
				size_t size;
				int rc = weft_request_body(rq, &data, &size);
				return rc ? rc : weft_reply_json(rq, 200, weft_text("body", data));
			}),
	};
	failing_allocator_install();
	for (failing_allocator_mode mode : { FAIL_ONCE, FAIL_STICKY }) {
		long failed = 1;
		for (long n = 0; failed > 0; n++) {
			long live = failing_allocator_live();
			int rc = run([&] {
				service.address.clear();
				service.result = 1;
				return service.with([&](const std::string &address) {
					weft_stream *s = nullptr;
					failing_allocator_fail_at(n, mode);
					for (int i = 0; i < 3; i++) {
						if (weft_tcp_connect(address.c_str(), &s) != 0) break;
						std::string text = "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
										   "POST /body HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
										   "Transfer-Encoding: chunked\r\n\r\n5\r\nhel";
						char buffer[512];
						size_t got;
						int step = write_text(s, text);
						if (step == 0) step = write_text(s, "lo\r\n0\r\n\r\n");
						while (step >= 0 &&
							   (step = weft_stream_read(s, buffer, sizeof buffer, &got)) > 0) {
						}
						weft_stream_close(s);
						s = nullptr;
					}
					weft_stream_close(s);
					failed = failing_allocator_failures();
					failing_allocator_fail_at(-1, mode);
				});
			});
			EXPECT_EQ(0, rc) << weft_error_name(rc) << " at " << n;
			EXPECT_EQ(live, failing_allocator_live()) << "leaked at " << n;
			if (HasFailure() || n > 3000) break;
		}
	}
	failing_allocator_remove();
}

ON_EACH_BACKEND(HttpHandler);
