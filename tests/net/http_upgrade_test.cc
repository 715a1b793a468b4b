/* Connections that leave HTTP, and what a server tells about those it has. */
#include "tests/net/http_inside.h"
#include "tests/net/http_service.h"

struct HttpUpgrade : OnBackend {
	Service service;

	void SetUp() override
	{
		service.routes = { route("GET", "/inside", inside_echo), route("GET", "/give", give_echo),
			route("GET", "/", [](weft_request *rq) { return weft_reply_text(rq, 200, "hello"); }),
			route("GET", "/census", [](weft_request *rq) {
				census_line lines[16];
				std::string all;
				size_t n = census_lines(rq, lines, 16);
				for (size_t i = 0; i < n; i++) all += std::string(lines[i].text) + "\n";
				return weft_reply_text(rq, 200, "%s", all.c_str());
			}) };
	}
	void serve(const std::function<void(const std::string &)> &body)
	{
		EXPECT_EQ(0, run([&] { return service.with(body); }));
		EXPECT_EQ(0, service.result) << weft_error_name(service.result);
	}
	static void upgrade(Client &client, const char *path, const std::string &rest)
	{
		client.send(std::string("GET ") + path +
					" HTTP/1.1\r\nHost: t\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n" + rest);
		Response r = client.response();
		EXPECT_EQ(101, r.status);
		EXPECT_EQ("upgrade", r.header("connection"));
		EXPECT_EQ("echo", r.header("upgrade"));
	}
	static void expect(Client &client, const std::string &text)
	{
		while (client.got.size() < text.size()) ASSERT_TRUE(client.more());
		EXPECT_EQ(text, client.got.substr(0, text.size()));
		client.got.erase(0, text.size());
	}
};

TEST_P(HttpUpgrade, GoesOnInsideTheHandler)
{
	serve([](const std::string &address) {
		Client client(address);
		upgrade(client, "/inside", "early");
		expect(client, "early");
		for (int i = 0; i < 5; i++) {
			client.send("again");
			expect(client, "again");
		}
		EXPECT_EQ(0, weft_stream_shutdown(client.stream));
		EXPECT_TRUE(client.ended());
	});
}

TEST_P(HttpUpgrade, GivesTheConnectionAway)
{
	serve([](const std::string &address) {
		Client client(address);
		upgrade(client, "/give", "early");
		expect(client, "early");
		for (int i = 0; i < 5; i++) {
			client.send("again");
			expect(client, "again");
		}
		Client other(address);
		other.get("/census");
		EXPECT_NE(std::string::npos, other.response().body.find("echo open 1\n"));
	});
}

TEST_P(HttpUpgrade, LeavesTheTimerToTheNewOwner)
{
	serve([](const std::string &address) {
		Client client(address);
		upgrade(client, "/give", "");
		expect(client, "late");
		EXPECT_TRUE(client.ended());
	});
}

TEST_P(HttpUpgrade, TellsTheNewOwnerOfTheDrain)
{
	std::unique_ptr<Client> client;
	EXPECT_EQ(0, run([&] {
		int rc = service.with([&](const std::string &address) {
			client = std::make_unique<Client>(address);
			upgrade(*client, "/give", "");
		});
		expect(*client, "bye");
		EXPECT_TRUE(client->ended());
		client.reset();
		return rc;
	}));
	EXPECT_EQ(0, service.result);
}

TEST_P(HttpUpgrade, RefusesARequestWithContent)
{
	serve([](const std::string &address) {
		const std::string head = "GET /inside HTTP/1.1\r\nHost: t\r\nConnection: upgrade\r\n"
								 "Upgrade: echo\r\n";
		for (const char *rest : { "Content-Length: 5\r\n\r\nhello",
				 "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" }) {
			Client client(address);
			client.send(head + rest);
			EXPECT_EQ(400, client.response().status);
			client.get("/");
			EXPECT_EQ("hello", client.response().body);
		}
	});
}

TEST_P(HttpUpgrade, CountsConnectionsAndTheLastRequests)
{
	serve([](const std::string &address) {
		Client first(address), second(address);
		first.get("/");
		std::string id = first.response().header("x-request-id");
		second.get("/census");
		EXPECT_EQ(
			"http/1.1 idle 1\nhttp/1.1 handling 0\n/ 200 " + id + "\n", second.response().body);
	});
}

ON_EACH_BACKEND(HttpUpgrade);
