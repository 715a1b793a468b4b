/* The end of a server: nobody who was promised an answer goes without. */
#include <memory>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <weft/report.h>

#include "tests/net/http_service.h"

static int begun, released;

static int wait_until_released(weft_request *rq)
{
	begun++;
	int rc = 0;
	while (rc == 0 && released == 0) rc = weft_sleep_ms(1);
	return rc ? rc : weft_reply_text(rq, 200, "done");
}

static int hello(weft_request *rq)
{
	return weft_reply_text(rq, 200, "hello");
}

struct HttpDrain : OnBackend {
	Service service;

	void SetUp() override
	{
		begun = released = 0;
		service.routes = { route("GET", "/", hello), route("GET", "/wait", wait_until_released) };
	}
	static void until(const std::function<bool()> &condition)
	{
		while (!condition()) ASSERT_EQ(0, weft_sleep_ms(1));
	}
	/* `before` runs while it serves, `after` while it drains. */
	void drain(
		const std::function<void(const std::string &)> &before, const std::function<void()> &after)
	{
		EXPECT_EQ(0, run([&] {
			weft_group *outer = weft_group_open();
			weft_group *serving = weft_group_open();
			spawn(serving, [&] { return service.serve(); });
			until([&] { return !service.address.empty(); });
			before(service.address);
			spawn(outer, [&] {
				after();
				return 0;
			});
			EXPECT_EQ(0, weft_group_drain(serving, 5000));
			EXPECT_EQ(0, weft_group_join(serving, 0));
			return weft_group_join(outer, 0);
		}));
		EXPECT_EQ(0, service.result) << weft_error_name(service.result);
	}
};

TEST_P(HttpDrain, AnswersWhatIsInFlightAndCloses)
{
	std::unique_ptr<Client> busy;
	drain(
		[&](const std::string &address) {
			busy = std::make_unique<Client>(address);
			busy->get("/wait");
			until([] { return begun == 1; });
		},
		[&] {
			EXPECT_EQ(0, weft_sleep_ms(5));
			released = 1;
			Response r = busy->response();
			EXPECT_EQ("done", r.body);
			EXPECT_EQ("close", r.header("connection"));
			EXPECT_TRUE(busy->ended());
			busy.reset();
		});
}

TEST_P(HttpDrain, ClosesConnectionsThatRestAtOnce)
{
	std::unique_ptr<Client> idle, busy;
	drain(
		[&](const std::string &address) {
			idle = std::make_unique<Client>(address);
			busy = std::make_unique<Client>(address);
			idle->get("/");
			EXPECT_EQ("hello", idle->response().body);
			busy->get("/wait");
			until([] { return begun == 1; });
		},
		[&] {
			EXPECT_TRUE(idle->ended());
			EXPECT_EQ(0, released);
			idle.reset();
			released = 1;
			EXPECT_EQ(200, busy->response().status);
			busy.reset();
		});
}

TEST_P(HttpDrain, AnswersWhoConnectedBeforeAndSpeaksAfter)
{
	std::unique_ptr<Client> fresh;
	drain([&](const std::string &address) { fresh = std::make_unique<Client>(address); },
		[&] {
			fresh->get("/");
			Response r = fresh->response();
			EXPECT_EQ("hello", r.body);
			EXPECT_EQ("close", r.header("connection"));
			fresh.reset();
		});
}

TEST_P(HttpDrain, CancelsWhatOutstaysIt)
{
	service.options.drain_ms = 30;
	std::unique_ptr<Client> busy;
	drain(
		[&](const std::string &address) {
			busy = std::make_unique<Client>(address);
			busy->get("/wait");
			until([] { return begun == 1; });
		},
		[&] {
			EXPECT_EQ(503, busy->response().status);
			EXPECT_TRUE(busy->ended());
			busy.reset();
		});
}

/* A part of a head is no reason to stay when the time is up. */
TEST_P(HttpDrain, ClosesWhoHasBegunAnotherHeadWhenItsTimeIsUp)
{
	service.options.drain_ms = 30;
	service.options.header_timeout_ms = 100;
	service.routes.push_back(route("GET", "/stubborn", [](weft_request *rq) {
		int rc = weft_reply_begin(rq, 200);
		begun++;
		if (rc == 0) rc = weft_sleep_ms(10000);
		EXPECT_EQ(WEFT_ECANCELED, rc);
		weft_scope *shield = weft_scope_open(.shield_ms = 1000);
		EXPECT_EQ(0, weft_sleep_ms(5));
		rc = weft_reply_write(rq, "said", 4);
		return weft_scope_close(shield, rc);
	}));
	std::unique_ptr<Client> busy;
	drain(
		[&](const std::string &address) {
			busy = std::make_unique<Client>(address);
			busy->send("GET /stubborn HTTP/1.1\r\nHost: t\r\n\r\nGET / HT");
			until([] { return begun == 1; });
		},
		[&] {
			EXPECT_EQ("said", busy->response().body);
			EXPECT_TRUE(busy->ended()) << busy->got;
			busy.reset();
		});
}

TEST_P(HttpDrain, WaitsForTheBackground)
{
	static bool done;
	done = false;
	service.routes.push_back(route("GET", "/later", [](weft_request *rq) {
		spawn(weft_request_background(rq), [] {
			EXPECT_EQ(0, weft_drain_wait());
			EXPECT_EQ(0, weft_sleep_ms(5));
			done = true;
			return 0;
		});
		return weft_reply_text(rq, 202, "later");
	}));
	drain(
		[&](const std::string &address) {
			Client client(address);
			client.get("/later");
			EXPECT_EQ("later", client.response().body);
			EXPECT_FALSE(done);
		},
		[] {});
	EXPECT_TRUE(done);
}

TEST_P(HttpDrain, KeepsTheBackgroundsFailuresFromTheServer)
{
	service.routes.push_back(route("GET", "/fail", [](weft_request *rq) {
		spawn(weft_request_background(rq), [] { return int{ WEFT_ENOENT }; });
		return weft_reply_text(rq, 202, "later");
	}));
	drain(
		[&](const std::string &address) {
			Client client(address);
			client.get("/fail");
			EXPECT_EQ("later", client.response().body);
			client.get("/");
			EXPECT_EQ("hello", client.response().body);
		},
		[] {});
}

TEST_P(HttpDrain, RefusesOptionsAndRoutesThatAreWrong)
{
	auto result = [&](const std::function<void()> &spoil) {
		SetUp();
		service.options = { .size = sizeof service.options, .listen = "127.0.0.1:0" };
		spoil();
		EXPECT_EQ(0, run([&] { return service.serve(); }));
		return service.result;
	};
	EXPECT_EQ(WEFT_EINVAL, result([&] { service.options.header_bytes = -1; }));
	EXPECT_EQ(WEFT_EINVAL, result([&] { service.options.timeout_ms = -2; }));
	EXPECT_EQ(WEFT_EINVAL, result([&] { service.options.listen = "nonsense"; }));
	EXPECT_EQ(WEFT_EINVAL, result([&] { service.routes[0].path = "{"; }));
	EXPECT_EQ(WEFT_EINVAL, result([&] { service.routes[0].timeout_ms = -7; }));
	EXPECT_EQ(WEFT_EEXIST, result([&] { service.routes[1].path = "/"; }));
	EXPECT_EQ(WEFT_EADDRINUSE, result([&] {
		static char taken[64];
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		struct sockaddr_in at = {};
		socklen_t size = sizeof at;
		at.sin_family = AF_INET;
		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		EXPECT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&at), size));
		EXPECT_EQ(0, getsockname(fd, reinterpret_cast<sockaddr *>(&at), &size));
		snprintf(taken, sizeof taken, "127.0.0.1:%d", ntohs(at.sin_port));
		service.options.listen = taken;
	}));
}

ON_EACH_BACKEND(HttpDrain);
