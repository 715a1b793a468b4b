/* The opening handshake (RFC 6455 section 4.2) as a client sees it, on the server that serves pages
 * as well. */
#include "tests/net/http_service.h"
#include "tests/net/websocket_frame_log.h"

using namespace frames;

namespace
{

int echo(weft_websocket *ws, const weft_message *m)
{
	return weft_websocket_send(ws, m);
}

/* Says what was agreed on, and how it was asked for. */
int introduce(weft_websocket *ws)
{
	const char *subprotocol = weft_websocket_subprotocol(ws);
	const char *room = weft_websocket_param(ws, "room");
	weft_request *rq = weft_websocket_request(ws);
	if (room == nullptr) return 0;
	return weft_websocket_print(ws, "%s in %s of %s", subprotocol ? subprotocol : "nothing", room,
		weft_request_query(rq, "who"));
}

const char *const spoken[] = { "v2.chat", "v1.chat", nullptr };
const weft_websocket_events handlers = { introduce, echo, nullptr };
const weft_websocket_options manners = { .subprotocols = spoken };

struct Field {
	std::string name, value;
};

/* A handshake that is accepted, to be made worse. */
struct Ask {
	std::string line = "GET /ws HTTP/1.1", body;
	std::vector<Field> fields = { { "Host", "test" }, { "Upgrade", "websocket" },
		{ "Connection", "Upgrade" }, { "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==" },
		{ "Sec-WebSocket-Version", "13" } };

	static Ask with(const std::string &name, const std::string &value)
	{
		Ask ask;
		for (auto &field : ask.fields)
			if (field.name == name) field.value = value;
		return ask;
	}
	static Ask without(const std::string &name)
	{
		Ask ask;
		std::erase_if(ask.fields, [&](const Field &field) { return field.name == name; });
		return ask;
	}
	static Ask also(const std::string &name, const std::string &value)
	{
		Ask ask;
		ask.fields.push_back({ name, value });
		return ask;
	}
	static Ask of(const std::string &line)
	{
		Ask ask;
		ask.line = line;
		return ask;
	}
	std::string text() const
	{
		std::string all = line + "\r\n";
		for (auto &field : fields) all += field.name + ": " + field.value + "\r\n";
		return all + "\r\n" + body;
	}
};

struct WebsocketUpgrade : OnBackend {
	Service service;

	void SetUp() override
	{
		for (const char *path : { "/ws", "/rooms/{room}" }) {
			weft_route r = route("GET", path, weft_websocket_upgrade);
			r.events = &handlers;
			r.websocket_options = &manners;
			service.routes.push_back(r);
		}
		service.routes.push_back(
			route("GET", "/", [](weft_request *rq) { return weft_reply_text(rq, 200, "hello"); }));
	}
	void serve(const std::function<void(const std::string &)> &body)
	{
		EXPECT_EQ(0, run([&] { return service.with(body); }));
		EXPECT_EQ(0, service.result) << weft_error_name(service.result);
	}
	static Response ask(Client &client, const Ask &ask)
	{
		client.send(ask.text());
		return client.response();
	}
	static void hear(Client &client, const std::string &bytes)
	{
		while (client.got.size() < bytes.size()) ASSERT_TRUE(client.more());
		EXPECT_EQ(bytes, client.got.substr(0, bytes.size()));
		client.got.erase(0, bytes.size());
	}
	static void expect_echo(Client &client)
	{
		client.send(frame(FIN | TEXT, "Hello"));
		hear(client, frame(FIN | TEXT, "Hello", false));
	}
	/* What is wrong is said in the answer, and the connection is as good as before. */
	void expect_refused(
		const Ask &wrong, int status, const std::string &field = "", const std::string &value = "")
	{
		serve([&](const std::string &address) {
			Client client(address);
			Response r = ask(client, wrong);
			EXPECT_EQ(status, r.status) << wrong.text();
			EXPECT_TRUE(r.whole);
			EXPECT_EQ("", r.header("sec-websocket-accept"));
			if (!field.empty()) {
				EXPECT_EQ(value, r.header(field)) << wrong.text();
			}
			if (r.header("connection").find("close") != std::string::npos) return;
			client.get("/");
			EXPECT_EQ(200, client.response().status) << wrong.text();
			EXPECT_EQ(101, ask(client, Ask()).status);
			expect_echo(client);
		});
		service.address.clear();
		service.result = 1;
	}
};
ON_EACH_BACKEND(WebsocketUpgrade);

TEST_P(WebsocketUpgrade, AnswersTheExampleOfTheRfc)
{
	serve([](const std::string &address) {
		Client client(address);
		Response r = ask(client, Ask());
		EXPECT_EQ(101, r.status);
		EXPECT_EQ("websocket", r.header("upgrade"));
		EXPECT_EQ("upgrade", r.header("connection"));
		EXPECT_EQ("s3pplmbitxaq9kygzzhzrbk+xoo=", r.header("sec-websocket-accept"));
		for (const char *none : { "sec-websocket-protocol", "sec-websocket-extensions",
				 "content-length", "transfer-encoding" })
			EXPECT_EQ("", r.header(none)) << none;
		expect_echo(client);
	});
}

TEST_P(WebsocketUpgrade, TakesWhatIsSpelledOtherwiseOrComesInLists)
{
	for (const Ask &one : { Ask::with("Connection", "keep-alive, UPGRADE"),
			 Ask::with("Upgrade", "h2c, WebSocket"), Ask::also("Connection", "close"),
			 Ask::also("Upgrade", "irc/6.9"), Ask::also("Origin", "http://test"),
			 Ask::also("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
			 Ask::also("Cookie", "a=b"), Ask::of("GET /ws?after=7 HTTP/1.1"),
			 Ask::of("GET http://test/ws HTTP/1.1") }) {
		serve([&](const std::string &address) {
			Client client(address);
			Response r = ask(client, one);
			EXPECT_EQ(101, r.status) << one.text();
			EXPECT_EQ("", r.header("sec-websocket-extensions"));
			expect_echo(client);
		});
		service.address.clear();
		service.result = 1;
	}
}

TEST_P(WebsocketUpgrade, AgreesOnASubprotocolAndKeepsTheRequestUntilOpenIsThrough)
{
	serve([](const std::string &address) {
		const struct {
			const char *offered, *taken;
		} cases[] = { { "v1.chat, v2.chat", "v1.chat" }, { "soap, v2.chat", "v2.chat" },
			{ "V1.CHAT", "" }, { "soap", "" } };
		for (auto &c : cases) {
			Client client(address);
			Ask one = Ask::also("Sec-WebSocket-Protocol", c.offered);
			one.line = "GET /rooms/l%6Fbby?who=Ann HTTP/1.1";
			Response r = ask(client, one);
			EXPECT_EQ(101, r.status);
			EXPECT_EQ(c.taken, r.header("sec-websocket-protocol")) << c.offered;
			std::string agreed = c.taken[0] != '\0' ? c.taken : "nothing";
			hear(client, frame(FIN | TEXT, agreed + " in lobby of Ann", false));
		}
	});
}

TEST_P(WebsocketUpgrade, Says426AndTheVersionToOtherVersions)
{
	for (const char *version : { "8", "0", "14", "013", "13, 8", "8, 13", "" })
		expect_refused(
			Ask::with("Sec-WebSocket-Version", version), 426, "sec-websocket-version", "13");
	expect_refused(Ask::without("Sec-WebSocket-Version"), 426, "sec-websocket-version", "13");
}

TEST_P(WebsocketUpgrade, Says426ToWhoeverAsksForNoWebSocket)
{
	expect_refused(Ask::without("Upgrade"), 426, "upgrade", "websocket");
	expect_refused(Ask::with("Upgrade", "h2c"), 426, "upgrade", "websocket");
	expect_refused(Ask::with("Upgrade", "websockets"), 426, "upgrade", "websocket");
	expect_refused(Ask::of("GET /ws HTTP/1.0"), 426);
}

TEST_P(WebsocketUpgrade, Says400ToAHandshakeThatIsBroken)
{
	expect_refused(Ask::without("Connection"), 400);
	expect_refused(Ask::with("Connection", "keep-alive"), 400);
	expect_refused(Ask::without("Sec-WebSocket-Key"), 400);
	for (const char *key :
		{ "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZTE2",
			"dGhlIHNhbXBsZSBub25jZQ==, x", "dGhl IHNhbXBsZSBub25jQ==", "dGhlIHNhbXBsZSBub24_ZQ==" })
		expect_refused(Ask::with("Sec-WebSocket-Key", key), 400);
	expect_refused(Ask::also("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), 400);
	expect_refused(Ask::also("Sec-WebSocket-Version", "13"), 400);
	expect_refused(Ask::also("Sec-WebSocket-Protocol", "no token"), 400);
	expect_refused(Ask::also("Host", "other"), 400);
	expect_refused(Ask::without("Host"), 400);
}

TEST_P(WebsocketUpgrade, Says405And403WhereTheyFit)
{
	Ask post = Ask::of("POST /ws HTTP/1.1");
	post.fields.push_back({ "Content-Length", "0" });
	expect_refused(post, 405, "allow", "get, head, options");
	expect_refused(Ask::also("Origin", "http://elsewhere"), 403);
	expect_refused(Ask::also("Origin", "null"), 403);
}

/* Its bytes would be taken for frames, or the frames for its bytes. */
TEST_P(WebsocketUpgrade, RefusesAHandshakeWithABody)
{
	Ask one = Ask::also("Transfer-Encoding", "chunked");
	one.body = "3\r\n\x81\x80x\r\n0\r\n\r\n";
	expect_refused(one, 400);
	one = Ask::also("Content-Length", "5");
	one.body = "\x81\x80xxx";
	expect_refused(one, 400);
}

TEST_P(WebsocketUpgrade, ComesInItsTurnAmongRequestsSentTogether)
{
	serve([](const std::string &address) {
		Client client(address);
		client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n" + Ask().text() +
					frame(FIN | TEXT, "one") + frame(TEXT, "t"));
		EXPECT_EQ("hello", client.response().body);
		EXPECT_EQ(101, client.response().status);
		hear(client, frame(FIN | TEXT, "one", false));
		client.send(frame(FIN | MORE, "wo"));
		hear(client, frame(FIN | TEXT, "two", false));
		/* From here on it is no HTTP any more. */
		client.get("/");
		hear(client, std::string("\x88", 1));
	});
}

} // namespace
