/* Limits: each has its answer, and reaching it harms nobody else. */
#include <weft/offload.h>
#include <weft/scope.h>
#include <weft/sync.h>

#include "tests/net/http_service.h"
#include "tests/support/failing_allocator.h"

static int hello(weft_request *rq)
{
	return weft_reply_text(rq, 200, "hello");
}

static int sleep_long(weft_request *)
{
	return weft_sleep_ms(60000);
}

/* Notes how it ended. */
struct Ending {
	int result = 1;
	weft_reason reason = WEFT_REASON_NONE;
	bool begun = false;
};
static Ending ending;

static int wait_for_end(weft_request *)
{
	ending.begun = true;
	ending.result = weft_sleep_ms(60000);
	ending.reason = weft_cancel_reason(nullptr);
	return ending.result;
}

static int send_without_end(weft_request *rq)
{
	std::string piece(60000, 'x');
	ending.begun = true;
	int rc = weft_reply_begin(rq, 200);
	while (rc == 0) rc = weft_reply_write(rq, piece.data(), piece.size());
	return ending.result = rc;
}

struct HttpLimits : OnBackend {
	Service service;

	void SetUp() override
	{
		ending = Ending();
		service.routes = { route("GET", "/", hello), route("GET", "/sleep", sleep_long),
			route("GET", "/wait", wait_for_end), route("GET", "/half", wait_for_end),
			route("GET", "/flood", send_without_end) };
		service.routes[1].timeout_ms = 10;
		service.routes[3].half_close = true;
		service.routes[3].timeout_ms = 50;
		service.routes[4].timeout_ms = WEFT_UNLIMITED;
	}
	void serve(const std::function<void(const std::string &)> &body)
	{
		EXPECT_EQ(0, run([&] { return service.with(body); }));
		EXPECT_EQ(0, service.result) << weft_error_name(service.result);
	}
	static void until(const bool &flag)
	{
		while (!flag) ASSERT_EQ(0, weft_sleep_ms(1));
	}
};

TEST_P(HttpLimits, AnswerAHeadThatIsTooLong)
{
	service.options.header_bytes = 1000;
	service.options.header_count = 10;
	service.options.uri_bytes = 200;
	serve([](const std::string &address) {
		std::string many;
		for (int i = 0; i < 10; i++) many += "X-" + std::to_string(i) + ": y\r\n";
		struct {
			std::string path, fields;
			int status;
		} cases[] = {
			{ "/", "", 200 },
			{ "/", "X: " + std::string(1000, 'x') + "\r\n", 431 },
			{ "/", many, 431 },
			{ "/" + std::string(200, 'x'), "", 414 },
		};
		for (const auto &c : cases) {
			Client client(address);
			client.get(c.path, c.fields);
			EXPECT_EQ(c.status, client.response().status) << c.status;
		}
	});
}

TEST_P(HttpLimits, AnswerAHeadThatNeverEnds)
{
	service.options.header_timeout_ms = 20;
	serve([](const std::string &address) {
		Client client(address);
		client.send("GET / HTTP/1.1\r\n");
		EXPECT_EQ(408, client.response().status);
		EXPECT_TRUE(client.ended());
	});
}

/* Whatever was asked last on another connection. */
TEST_P(HttpLimits, AnswerAHeadThatNeverEndsInFull)
{
	service.options.header_timeout_ms = 60;
	serve([](const std::string &address) {
		Client slow(address), quick(address);
		slow.send("GET / HTTP/1.1\r\n");
		EXPECT_EQ(0, weft_sleep_ms(20));
		quick.send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n");
		EXPECT_EQ(200, quick.response(true).status);
		Response r = slow.response();
		EXPECT_EQ(408, r.status);
		EXPECT_TRUE(r.whole);
	});
}

TEST_P(HttpLimits, CloseAConnectionThatSaysNothing)
{
	service.options.header_timeout_ms = 20;
	service.options.idle_timeout_ms = 20;
	serve([](const std::string &address) {
		Client silent(address);
		EXPECT_TRUE(silent.ended());
		Client idle(address);
		idle.get("/");
		EXPECT_EQ(200, idle.response().status);
		EXPECT_TRUE(idle.ended());
	});
}

TEST_P(HttpLimits, AnswerARequestThatTakesTooLong)
{
	serve([](const std::string &address) {
		Client client(address);
		client.get("/sleep");
		EXPECT_EQ(504, client.response().status);
		client.get("/");
		EXPECT_EQ("hello", client.response().body);
	});
}

TEST_P(HttpLimits, TimeEachRequestOfABatchByItself)
{
	serve([](const std::string &address) {
		std::string batch;
		for (const char *path : { "/", "/sleep", "/", "/sleep", "/" })
			batch += std::string("GET ") + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
		Client client(address);
		client.send(batch);
		for (int status : { 200, 504, 200, 504, 200 }) EXPECT_EQ(status, client.response().status);
	});
}

TEST_P(HttpLimits, CancelAHandlerWhoseClientWentAway)
{
	serve([](const std::string &address) {
		{
			Client client(address);
			client.get("/wait");
			until(ending.begun);
		}
		while (ending.result == 1) ASSERT_EQ(0, weft_sleep_ms(1));
		EXPECT_EQ(WEFT_ECANCELED, ending.result);
		EXPECT_EQ(WEFT_REASON_PEER, ending.reason);
	});
}

TEST_P(HttpLimits, CancelAHandlerWhoseClientWasReset)
{
	serve([](const std::string &address) {
		Client client(address);
		client.get("/wait");
		until(ending.begun);
		weft_stream_abort(client.stream);
		client.stream = nullptr;
		while (ending.result == 1) ASSERT_EQ(0, weft_sleep_ms(1));
		EXPECT_EQ(WEFT_REASON_PEER, ending.reason);
	});
}

TEST_P(HttpLimits, SpareAHandlerWhoseClientHasOnlyEndedItsHalf)
{
	serve([](const std::string &address) {
		Client client(address);
		client.get("/half");
		EXPECT_EQ(0, weft_stream_shutdown(client.stream));
		EXPECT_EQ(504, client.response().status);
		EXPECT_EQ(WEFT_REASON_DEADLINE, ending.reason);
	});
}

TEST_P(HttpLimits, ResetAClientThatTakesNothing)
{
	service.options.write_timeout_ms = 30;
	serve([](const std::string &address) {
		Client client(address);
		client.get("/flood");
		while (ending.result == 1) ASSERT_EQ(0, weft_sleep_ms(1));
		EXPECT_EQ(WEFT_ETIMEDOUT, ending.result);
		Response r = client.response();
		EXPECT_FALSE(r.whole);
	});
}

/* Short writes, which are gathered, end in the same way as long ones. */
TEST_P(HttpLimits, TellTheHandlerWhyAClientThatTakesNothingWasGivenUp)
{
	service.options.write_timeout_ms = 30;
	service.routes.push_back(route("GET", "/drops", [](weft_request *rq) {
		std::string piece(16000, 'x');
		ending.begun = true;
		int rc = weft_reply_begin(rq, 200);
		while (rc == 0) {
			rc = weft_reply_write(rq, piece.data(), piece.size());
			if (rc == 0) rc = weft_yield();
		}
		return ending.result = rc;
	}));
	serve([](const std::string &address) {
		Client client(address);
		client.get("/drops");
		while (ending.result == 1) ASSERT_EQ(0, weft_sleep_ms(1));
		EXPECT_EQ(WEFT_ETIMEDOUT, ending.result);
	});
}

TEST_P(HttpLimits, MakeRoomByClosingWhoHasNotFinishedItsHeadThenWhoRests)
{
	service.options.connections = 3;
	serve([](const std::string &address) {
		Client idle(address), slow(address), busy(address);
		idle.get("/");
		EXPECT_EQ(200, idle.response().status);
		busy.get("/wait");
		until(ending.begun);
		slow.send("GET / HTTP/1.1\r\n");
		/* Until the server has seen it, and waited for the rest of it for a while. */
		EXPECT_EQ(0, weft_sleep_ms(300));

		Client fourth(address);
		fourth.get("/");
		EXPECT_EQ(200, fourth.response().status);
		EXPECT_TRUE(slow.ended());
		Client fifth(address);
		fifth.get("/");
		EXPECT_EQ(200, fifth.response().status);
		EXPECT_TRUE(idle.ended());
		EXPECT_EQ(1, ending.result) << "who is at work is spared";
	});
}

/* Their answers are out; what is left of their requests is worth nothing. */
TEST_P(HttpLimits, MakeRoomByClosingWhoseContentNobodyWants)
{
	static bool released;
	service.options.connections = 2;
	service.options.header_timeout_ms = 600000;
	service.routes.push_back(route("POST", "/later", [](weft_request *rq) {
		until(released);
		return weft_reply_text(rq, 200, "later");
	}));
	serve([](const std::string &address) {
		/* Whether the next one comes when they are answered, or has come before. */
		for (bool before : { false, true }) {
			Client first(address), second(address);
			released = !before;
			for (Client *client : { &first, &second }) {
				client->send("POST /later HTTP/1.1\r\nHost: t\r\nContent-Length: 99\r\n\r\nslow");
				if (!before) {
					EXPECT_EQ(200, client->response().status);
				}
			}
			Client third(address);
			third.get("/");
			/* Until nobody who was let in is young any more. */
			EXPECT_EQ(0, weft_sleep_ms(before ? 250 : 1));
			released = true;
			weft_scope *scope = weft_scope_open(.timeout_ms = 5000);
			EXPECT_EQ(200, third.response().status);
			EXPECT_EQ(0, weft_scope_close(scope, 0));
		}
	});
}

TEST_P(HttpLimits, LetTheNextWaitWhenAllAreAtWork)
{
	service.options.connections = 1;
	service.routes[2].timeout_ms = 30;
	serve([](const std::string &address) {
		Client busy(address);
		busy.get("/wait", "Connection: close\r\n");
		until(ending.begun);
		Client next(address);
		next.get("/");
		EXPECT_EQ(200, next.response().status);
		EXPECT_EQ(504, busy.response().status);
	});
}

TEST_P(HttpLimits, GiveTheRoomOfWhoHasComeToRestToWhoWaits)
{
	static weft_event go;
	go = weft_event();
	service.options.connections = 1;
	service.routes.push_back(
		route("GET", "/until", [](weft_request *) { return weft_event_wait(&go) ? 500 : 404; }));
	serve([](const std::string &address) {
		Client kept(address);
		kept.get("/until");
		Client next(address);
		next.get("/");
		/* Until it has been accepted, and waits. */
		EXPECT_EQ(0, weft_sleep_ms(20));
		weft_event_set(&go);
		EXPECT_EQ(404, kept.response().status);
		EXPECT_EQ(200, next.response().status);
		EXPECT_TRUE(kept.ended());
	});
}

TEST_P(HttpLimits, AnswerEverybodyWhoAskedWhenThereIsRoomForFew)
{
	static weft_event go;
	go = weft_event();
	service.options.connections = 1;
	service.routes.push_back(
		route("GET", "/until", [](weft_request *) { return weft_event_wait(&go) ? 500 : 404; }));
	serve([](const std::string &address) {
		Client busy(address);
		busy.get("/until");
		weft_group *group = weft_group_open();
		int asked = 0;
		for (int i = 0; i < 40; i++)
			spawn(group, [&] {
				Client client(address);
				client.get("/");
				asked++;
				EXPECT_EQ(200, client.response().status);
				return 0;
			});
		while (asked < 40) EXPECT_EQ(0, weft_sleep_ms(1));
		weft_event_set(&go);
		EXPECT_EQ(0, weft_group_join(group, 0));
		EXPECT_EQ(404, busy.response().status);
	});
}

/* What one client can make the server hold: it asks for much without end, and reads nothing. */
TEST_P(HttpLimits, HoldLittleMemoryForAClientThatDoesNotRead)
{
	service.options.write_timeout_ms = 60;
	service.routes.push_back(route("GET", "/large", [](weft_request *rq) {
		static const std::string body(100 * 1024, 'x');
		return weft_reply_bytes(rq, 200, "text/plain", body.data(), body.size());
	}));
	failing_allocator_install();
	serve([](const std::string &address) {
		Client warm(address);
		warm.get("/");
		EXPECT_EQ(200, warm.response().status);
		long before = failing_allocator_live_bytes(), most = before;
		Client client(address);
		std::string ask;
		for (int i = 0; i < 100; i++) ask += "GET /large HTTP/1.1\r\nHost: t\r\n\r\n";
		int rc = 0;
		while (rc == 0) {
			size_t done = 0;
			weft_scope *scope = weft_scope_open(.timeout_ms = 5);
			rc = weft_stream_write_some(client.stream, ask.data(), ask.size(), &done);
			rc = weft_scope_close(scope, rc);
			if (rc == WEFT_EDEADLINE) rc = 0;
			most = std::max(most, failing_allocator_live_bytes());
		}
		EXPECT_LT(most - before, 256 * 1024);
	});
	failing_allocator_remove();
}

TEST_P(HttpLimits, HoldLittleOfWhatAClientDoesNotRead)
{
	service.options.write_timeout_ms = 50;
	static int started;
	started = 0;
	service.routes.push_back(route("GET", "/large", [](weft_request *rq) {
		std::string body(100 * 1024, 'x');
		started++;
		return weft_reply_bytes(rq, 200, "text/plain", body.data(), body.size());
	}));
	serve([](const std::string &address) {
		Client client(address);
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			/* Ends when the server has given up. */
			int rc = 0;
			while (rc == 0) rc = client.send("GET /large HTTP/1.1\r\nHost: t\r\n\r\n");
			EXPECT_LT(rc, 0);
			return 0;
		});
		EXPECT_EQ(0, weft_group_join(group, 0));
		/* As many as the kernel's buffers took, and one more. */
		EXPECT_LT(started, 200);
	});
}

ON_EACH_BACKEND(HttpLimits);
