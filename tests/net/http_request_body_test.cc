/* Bodies: what a handler reads is what the client sent, and nothing else. */
#include <weft/json.h>
#include <weft/scope.h>

#include "tests/net/http_service.h"

static int echo(weft_request *rq)
{
	char buffer[100];
	size_t got;
	int rc = weft_request_length(rq) >= 0 ? 0 : weft_reply_begin(rq, 200);
	std::string all;
	while (rc >= 0 && (rc = weft_request_read(rq, buffer, sizeof buffer, &got)) > 0) {
		if (weft_reply_begun(rq))
			rc = weft_reply_write(rq, buffer, got);
		else
			all.append(buffer, got);
	}
	if (rc < 0 || weft_reply_begun(rq)) return rc;
	return weft_reply_bytes(rq, 200, "application/octet-stream", all.data(), all.size());
}

static int count_all(weft_request *rq)
{
	const char *data;
	size_t size;
	int rc = weft_request_body(rq, &data, &size);
	if (rc == 0) {
		EXPECT_EQ('\0', data[size]);
	}
	return rc ? rc : weft_reply_text(rq, 200, "%zu", size);
}

static int read_json(weft_request *rq)
{
	const weft_json *body;
	int64_t id = 0;
	int rc = weft_request_json(rq, &body);
	if (rc == 0) rc = weft_json_i64(body, "user.id", &id);
	return rc ? rc : weft_reply_json(rq, 200, weft_i64("id", id), weft_text("q", "a\"b"));
}

static int read_trailer(weft_request *rq)
{
	const char *data;
	size_t size;
	int rc = weft_request_body(rq, &data, &size);
	const char *sum = weft_request_trailer(rq, "X-Sum");
	return rc ? rc : weft_reply_text(rq, 200, "%s %s", data, sum ? sum : "none");
}

static int ignore_body(weft_request *rq)
{
	return weft_reply_text(rq, 200, "ignored");
}

struct HttpBody : OnBackend {
	Service service;

	void SetUp() override
	{
		service.routes = { route("POST", "/echo", echo), route("POST", "/count", count_all),
			route("POST", "/json", read_json), route("POST", "/trailer", read_trailer),
			route("POST", "/ignore", ignore_body), route("GET", "/ignore", ignore_body) };
		service.routes[1].max_body = 100;
	}
	void serve(const std::function<void(const std::string &)> &body)
	{
		EXPECT_EQ(0, run([&] { return service.with(body); }));
		EXPECT_EQ(0, service.result) << weft_error_name(service.result);
	}
};

static std::string chunked(const std::string &path, const std::string &chunks)
{
	return "POST " + path + " HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks;
}

TEST_P(HttpBody, EchoesWhatWasSent)
{
	serve([](const std::string &address) {
		Client client(address);
		for (size_t size : { 0, 1, 99, 100, 101, 5000 }) {
			client.post("/echo", pattern(size));
			EXPECT_EQ(pattern(size), client.response().body) << size;
		}
	});
}

TEST_P(HttpBody, CarriesMoreThanTheKernelHolds)
{
	service.options.max_body = 8 << 20;
	serve([](const std::string &address) {
		Client client(address);
		std::string body = pattern(4 << 20);
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			client.post("/echo", body);
			return 0;
		});
		Response r = client.response();
		EXPECT_EQ(body.size(), r.body.size());
		EXPECT_TRUE(body == r.body);
		EXPECT_EQ(0, weft_group_join(group, 0));
	});
}

TEST_P(HttpBody, AnswersChunksInChunks)
{
	serve([](const std::string &address) {
		Client client(address);
		client.send(chunked("/echo", "5\r\nhello\r\n1;x=y\r\n,\r\n6\r\n world\r\n0\r\n\r\n"));
		Response r = client.response();
		EXPECT_EQ("chunked", r.header("transfer-encoding"));
		EXPECT_EQ("hello, world", r.body);
		client.post("/echo", "next");
		EXPECT_EQ("next", client.response().body);
	});
}

TEST_P(HttpBody, ReadsChunksThatComeByteByByte)
{
	serve([](const std::string &address) {
		Client client(address);
		for (char c : chunked("/echo", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) client.send({ c });
		EXPECT_EQ("abcde", client.response().body);
	});
}

TEST_P(HttpBody, KeepsBodiesApartWhenPipelined)
{
	serve([](const std::string &address) {
		Client client(address);
		std::string all;
		for (int i = 0; i < 40; i++) {
			all += chunked("/echo", "2\r\nab\r\n0\r\n\r\n");
			all += "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\n" +
				   std::to_string(100 + i);
			all += "POST /ignore HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nwaste";
		}
		weft_group *group = weft_group_open();
		spawn(group, [&] { return client.send(all); });
		for (int i = 0; i < 40; i++) {
			EXPECT_EQ("ab", client.response().body);
			EXPECT_EQ(std::to_string(100 + i), client.response().body);
			EXPECT_EQ("ignored", client.response().body);
		}
		EXPECT_EQ(0, weft_group_join(group, 0));
	});
}

/* Where the batch has filled the input, the body is read into a place of its own: what was read
 * there behind its end is the next request all the same. */
TEST_P(HttpBody, LosesNothingBehindABodyAtTheEndOfALongBatch)
{
	serve([](const std::string &address) {
		Client client(address);
		std::string get =
			"GET /ignore HTTP/1.1\r\nHost: t\r\nX-Fill: " + std::string(400, 'x') + "\r\n\r\n";
		std::string batch, head = chunked("/echo", "");
		int gets = 0;
		for (; batch.size() + head.size() < 19000; gets++) batch += get;
		client.send(batch + head);
		for (int i = 0; i < gets; i++) EXPECT_EQ("ignored", client.response().body);
		client.send("5\r\nhello\r\n0\r\n\r\nPOST /echo HTTP/1.1\r\nHost: t\r\n"
					"Content-Length: 4\r\n\r\nnext");
		EXPECT_EQ("hello", client.response().body);
		Response r = client.response();
		EXPECT_EQ(200, r.status);
		EXPECT_EQ("next", r.body);
	});
}

TEST_P(HttpBody, RefusesTooMuch)
{
	serve([](const std::string &address) {
		Client client(address);
		client.post("/count", std::string(100, 'x'));
		EXPECT_EQ("100", client.response().body);
		client.post("/count", std::string(101, 'x'));
		Response r = client.response();
		EXPECT_EQ(413, r.status);
		EXPECT_EQ("close", r.header("connection"));
		EXPECT_TRUE(client.ended());

		Client other(address);
		other.send(chunked("/count", "40\r\n" + std::string(64, 'x') + "\r\n40\r\n"));
		EXPECT_EQ(413, other.response().status);
	});
}

TEST_P(HttpBody, RefusesBrokenChunks)
{
	serve([](const std::string &address) {
		Client client(address);
		client.send(chunked("/count", "2\r\nabXX"));
		EXPECT_EQ(400, client.response().status);
		EXPECT_TRUE(client.ended());
	});
}

TEST_P(HttpBody, SaysContinueWhenTheHandlerReads)
{
	serve([](const std::string &address) {
		Client client(address);
		client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n"
					"Expect: 100-continue\r\n\r\n");
		EXPECT_EQ(100, client.response().status);
		client.send("body");
		EXPECT_EQ("body", client.response().body);
	});
}

TEST_P(HttpBody, DoesNotSayContinueWhenNobodyReads)
{
	serve([](const std::string &address) {
		Client client(address);
		client.send("POST /ignore HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n"
					"Expect: 100-continue\r\n\r\n");
		Response r = client.response();
		EXPECT_EQ(200, r.status);
		EXPECT_EQ("close", r.header("connection"));
		EXPECT_TRUE(client.ended());
	});
}

TEST_P(HttpBody, LetsTheClientSeeAnEarlyAnswer)
{
	service.options.max_body = 8 << 20;
	serve([](const std::string &address) {
		Client client(address);
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			/* More than is thrown away; the server may stop taking it at any byte. */
			client.post("/ignore", std::string(2 << 20, 'x'));
			return 0;
		});
		Response r = client.response();
		EXPECT_EQ(200, r.status);
		EXPECT_EQ("ignored", r.body);
		EXPECT_EQ("close", r.header("connection"));
		EXPECT_EQ(0, weft_group_join(group, 0));
	});
}

TEST_P(HttpBody, ReadsJson)
{
	serve([](const std::string &address) {
		Client client(address);
		client.post("/json", R"({"user":{"id":7}})");
		EXPECT_EQ(R"({"id":7,"q":"a\"b"})", client.response().body);
		client.post("/json", R"({"user":{}})");
		Response r = client.response();
		EXPECT_EQ(400, r.status);
		EXPECT_NE(std::string::npos, r.body.find("user.id")) << r.body;
		client.post("/json", R"({"user":)");
		r = client.response();
		EXPECT_EQ(400, r.status);
		EXPECT_NE(std::string::npos, r.body.find("at byte")) << r.body;
	});
}

static void spin_ms(int64_t ms)
{
	int64_t until = weft_now_ms() + ms;
	while (weft_now_ms() < until) {
	}
}

/* The late back end gives up each operation late. */
struct HttpBodyOnPoll : HttpBody {
};
INSTANTIATE_TEST_SUITE_P(On, HttpBodyOnPoll, testing::Values(Backend::poll),
	[](const auto &info) { return name_of(info.param); });

/* A read that lets others run on its way into the kernel may find its time over when it comes back,
 * before there is anything to interrupt. Of 32 reads in a row one does so. */
TEST_P(HttpBodyOnPoll, GivesUpABodyThatStopsWhicheverReadItWas)
{
	service.options.header_timeout_ms = 30;
	service.options.timeout_ms = 10000;
	service.routes.push_back(route("POST", "/stops", [](weft_request *rq) {
		char byte;
		size_t got;
		while (weft_request_read(rq, &byte, 1, &got) > 0 && byte != '.') {
		}
		/* So many that the worker looks at its timers among them. */
		for (int i = 0; i < 100; i++)
			spawn(weft_request_group(rq), [i] {
				if (i == 0) spin_ms(40);
				return 0;
			});
		spin_ms(2);
		int rc = weft_request_read(rq, &byte, 1, &got);
		EXPECT_EQ(WEFT_REASON_NONE, weft_cancel_reason(nullptr)) << "not the request's own time";
		return rc;
	}));
	serve([](const std::string &address) {
		for (size_t i = 0; i < 32; i++) {
			Client client(address);
			client.send("POST /stops HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\n" +
						std::string(i, 'x') + ".");
			EXPECT_EQ(408, client.response().status);
		}
	});
}

TEST_P(HttpBody, HandsOutTrailers)
{
	serve([](const std::string &address) {
		Client client(address);
		client.send(chunked("/trailer", "2\r\nab\r\n0\r\nX-Sum: 42\r\n\r\n"));
		EXPECT_EQ("ab 42", client.response().body);
		client.send(chunked("/trailer", "2\r\nab\r\n0\r\n\r\n"));
		EXPECT_EQ("ab none", client.response().body);
	});
}

static std::string many_trailers(int n)
{
	std::string all = chunked("/two", "1\r\nx\r\n0\r\n");
	for (int i = 0; i < n; i++) all += "x-" + std::to_string(i) + ": " + std::to_string(i) + "\r\n";
	return all + "\r\n";
}

TEST_P(HttpBody, FindsEachOfManyTrailersEachTime)
{
	service.routes.push_back(route("POST", "/two", [](weft_request *rq) {
		const char *data;
		size_t size;
		int rc = weft_request_body(rq, &data, &size);
		const char *first = weft_request_trailer(rq, "x-0"),
				   *last = weft_request_trailer(rq, "x-99");
		std::string again = weft_request_trailer(rq, "x-0") ? "found" : "none";
		return rc ? rc
				  : weft_reply_text(rq, 200, "%s %s %s", first ? first : "none",
						last ? last : "none", again.c_str());
	}));
	serve([](const std::string &address) {
		Client client(address);
		client.send(many_trailers(100));
		EXPECT_EQ("0 99 found", client.response().body);
		client.send(chunked("/two", "0\r\nx-0: 1\r\ncontent-length: 7\r\nx-99: 2\r\n\r\n"));
		EXPECT_EQ("none none none", client.response().body) << "none of what is not allowed";
	});
}

TEST_P(HttpBody, KeepsABodyUntilTheHandlerReturns)
{
	static const char *first;
	first = nullptr;
	service.routes.push_back(route("POST", "/twice", [](weft_request *rq) {
		const char *again = nullptr;
		size_t size = 0, more = 1;
		int rc = weft_request_body(rq, &first, &size);
		if (rc == 0) rc = weft_request_body(rq, &again, &more);
		EXPECT_EQ(0, rc);
		EXPECT_EQ(0u, more);
		EXPECT_STREQ("", again);
		return weft_reply_bytes(rq, 200, nullptr, first, size);
	}));
	serve([](const std::string &address) {
		Client client(address);
		for (size_t size : { 0, 5, 5000 }) {
			client.post("/twice", pattern(size));
			EXPECT_EQ(pattern(size), client.response().body);
		}
	});
}

/* A read that is cancelled loses nothing of what came before. */
TEST_P(HttpBody, GoesOnWhereABodyWasInterrupted)
{
	service.routes.push_back(route("POST", "/patient", [](weft_request *rq) {
		const char *data;
		size_t size;
		weft_scope *scope = weft_scope_open(.timeout_ms = 20);
		int rc = weft_scope_close(scope, weft_request_body(rq, &data, &size));
		EXPECT_EQ(WEFT_EDEADLINE, rc);
		weft_reply_header(rq, "x-note", "patient");
		rc = weft_request_body(rq, &data, &size);
		return rc ? rc : weft_reply_bytes(rq, 200, nullptr, data, size);
	}));
	serve([](const std::string &address) {
		Client client(address);
		client.send(chunked("/patient", "3\r\nabc\r\n"));
		EXPECT_EQ(0, weft_sleep_ms(60));
		client.send("3\r\ndef\r\n0\r\n\r\n");
		EXPECT_EQ("abcdef", client.response().body);
	});
}

TEST_P(HttpBody, GivesUpABodyThatIsCutOff)
{
	serve([](const std::string &address) {
		Client client(address);
		client.send("POST /count HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nabc");
		EXPECT_EQ(0, weft_stream_shutdown(client.stream));
		EXPECT_EQ(400, client.response().status);
	});
}

TEST_P(HttpBody, GivesUpABodyThatIsTooSlow)
{
	service.options.header_timeout_ms = 30;
	serve([](const std::string &address) {
		Client client(address);
		client.send("POST /count HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nabc");
		Response r = client.response();
		EXPECT_EQ(408, r.status);
		EXPECT_TRUE(client.ended());
	});
}

ON_EACH_BACKEND(HttpBody);
