/* Requests and answers: what every client must get. */
#include <weft/trace.h>

#include "tests/net/http_service.h"

struct Http : OnBackend {
	Service service;

	void SetUp() override
	{
		service.routes = {
			route("GET", "/", [](weft_request *rq) { return weft_reply_text(rq, 200, "hello"); }),
			route("GET", "/users/{id}",
				[](weft_request *rq) {
					return weft_reply_text(rq, 200, "user %s", weft_request_param(rq, "id"));
				}),
			route("GET", "/twice",
				[](weft_request *rq) {
					weft_reply_text(rq, 200, "one");
					return weft_reply_text(rq, 200, "two");
				}),
			route("GET", "/silent", [](weft_request *) { return 0; }),
			route("GET", "/teapot", [](weft_request *) { return 418; }),
			route("GET", "/full", [](weft_request *) { return int{ WEFT_EFULL }; }),
			route("GET", "/broken", [](weft_request *) { return int{ WEFT_ENOENT }; }),
			route("GET", "/late",
				[](weft_request *rq) {
					int rc = weft_sleep_ms(5);
					return rc ? rc : weft_reply_text(rq, 200, "late");
				}),
			route("GET", "/id",
				[](weft_request *rq) { return weft_reply_text(rq, 200, "%s", weft_request_id()); }),
		};
	}
	void serve(const std::function<void(const std::string &)> &body, int workers = 1)
	{
		EXPECT_EQ(0, run([&] { return service.with(body); }, workers));
		EXPECT_EQ(0, service.result) << weft_error_name(service.result);
	}
};

TEST_P(Http, AnswersARequest)
{
	serve([](const std::string &address) {
		Client client(address);
		client.get("/");
		Response r = client.response();
		EXPECT_EQ(200, r.status);
		EXPECT_EQ("hello", r.body);
		EXPECT_EQ("5", r.header("content-length"));
		EXPECT_EQ("text/plain; charset=utf-8", r.header("content-type"));
		EXPECT_EQ(29u, r.header("date").size());
	});
}

TEST_P(Http, KeepsTheConnectionForTheNextRequest)
{
	serve([](const std::string &address) {
		Client client(address);
		for (int i = 0; i < 20; i++) {
			client.get("/users/" + std::to_string(i));
			EXPECT_EQ("user " + std::to_string(i), client.response().body);
		}
	});
}

TEST_P(Http, AnswersPipelinedRequestsInOrder)
{
	serve([](const std::string &address) {
		Client client(address);
		std::string all;
		for (int i = 0; i < 50; i++) {
			const char *path = i % 7 == 0 ? "/late" : "/users/x";
			all += std::string("GET ") + path + " HTTP/1.1\r\nHost: t\r\n\r\n";
		}
		EXPECT_EQ(0, client.send(all));
		for (int i = 0; i < 50; i++)
			EXPECT_EQ(i % 7 == 0 ? "late" : "user x", client.response().body);
	});
}

TEST_P(Http, ReadsAHeadThatComesByteByByte)
{
	serve([](const std::string &address) {
		Client client(address);
		for (char c : std::string("GET /users/7 HTTP/1.1\r\nHost: test\r\n\r\n"))
			client.send(std::string(1, c));
		EXPECT_EQ("user 7", client.response().body);
	});
}

TEST_P(Http, AnswersHeadWithoutContent)
{
	serve([](const std::string &address) {
		Client client(address);
		client.send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n");
		Response r = client.response(true);
		EXPECT_EQ(200, r.status);
		EXPECT_EQ("5", r.header("content-length"));
		client.get("/");
		EXPECT_EQ("hello", client.response().body);
	});
}

TEST_P(Http, SaysWhatIsNotThere)
{
	serve([](const std::string &address) {
		Client client(address);
		client.get("/nowhere");
		EXPECT_EQ(404, client.response().status);
		client.post("/", "");
		Response r = client.response();
		EXPECT_EQ(405, r.status);
		EXPECT_EQ("get, head, options", r.header("allow"));
		client.send("OPTIONS / HTTP/1.1\r\nHost: t\r\n\r\n");
		r = client.response();
		EXPECT_EQ(204, r.status);
		EXPECT_EQ("get, head, options", r.header("allow"));
		client.send("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n");
		EXPECT_EQ(204, client.response().status);
	});
}

TEST_P(Http, TurnsResultsIntoStatuses)
{
	serve([](const std::string &address) {
		Client client(address);
		client.get("/teapot");
		Response r = client.response();
		EXPECT_EQ(418, r.status);
		EXPECT_EQ("application/problem+json", r.header("content-type"));
		client.get("/full");
		r = client.response();
		EXPECT_EQ(503, r.status);
		EXPECT_EQ("1", r.header("retry-after"));
		for (const char *path : { "/silent", "/broken" }) {
			client.get(path);
			EXPECT_EQ(500, client.response().status) << path;
		}
		client.get("/twice");
		r = client.response();
		EXPECT_EQ(200, r.status);
		EXPECT_EQ("one", r.body);
		client.get("/");
		EXPECT_EQ("hello", client.response().body);
	});
}

TEST_P(Http, RefusesABrokenHeadAndCloses)
{
	serve([](const std::string &address) {
		Client client(address);
		client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\nNONSENSE\r\n\r\n");
		EXPECT_EQ(200, client.response().status);
		Response r = client.response();
		EXPECT_EQ(400, r.status);
		EXPECT_EQ("close", r.header("connection"));
		EXPECT_TRUE(client.ended());
	});
}

TEST_P(Http, ClosesWhenTheClientSaysSo)
{
	serve([](const std::string &address) {
		Client client(address);
		client.get("/", "Connection: close\r\n");
		Response r = client.response();
		EXPECT_EQ("close", r.header("connection"));
		EXPECT_TRUE(client.ended());

		Client old(address);
		old.send("GET / HTTP/1.0\r\n\r\n");
		EXPECT_EQ("hello", old.response().body);
		EXPECT_TRUE(old.ended());

		Client older(address);
		older.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
		EXPECT_EQ("keep-alive", older.response().header("connection"));
		older.send("GET / HTTP/1.0\r\n\r\n");
		EXPECT_EQ("hello", older.response().body);
	});
}

TEST_P(Http, GivesEachRequestAnIdAndTellsIt)
{
	serve([](const std::string &address) {
		Client client(address);
		client.get("/id");
		Response first = client.response();
		EXPECT_EQ(16u, first.body.size());
		EXPECT_EQ(first.body, first.header("x-request-id"));
		client.get("/id", "X-Request-Id: mine-7\r\n");
		EXPECT_EQ("mine-7", client.response().body);
		client.get("/id");
		EXPECT_EQ(16u, client.response().body.size());
	});
}

TEST_P(Http, ServesOnEveryWorker)
{
	serve(
		[](const std::string &address) {
			for (int i = 0; i < 20; i++) {
				Client client(address);
				client.get("/late");
				EXPECT_EQ("late", client.response().body);
			}
		},
		3);
}

ON_EACH_BACKEND(Http);
