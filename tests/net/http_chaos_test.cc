/* Clients that do everything a client may do, and all that it should not, while the server is
 * drained under them: every answer that comes is one that was due, and nothing is left behind. */
#include <weft/json.h>

#include "tests/net/http_inside.h"
#include "tests/net/http_service.h"
#include "tests/support/failing_allocator.h"

namespace
{

struct Random {
	uint32_t state;
	uint32_t operator()(uint32_t below)
	{
		state = state * 1664525 + 1013904223;
		return (state >> 8) % below;
	}
};

int echo_body(weft_request *rq)
{
	const char *data;
	size_t size;
	int rc = weft_request_body(rq, &data, &size);
	return rc ? rc : weft_reply_bytes(rq, 200, "text/plain", data, size);
}

int stream_slowly(weft_request *rq)
{
	std::string piece(3000, 's');
	int rc = weft_reply_begin(rq, 200);
	for (int i = 0; i < 20 && rc == 0; i++) {
		rc = weft_reply_write(rq, piece.data(), piece.size());
		if (rc == 0 && i % 5 == 0) rc = weft_sleep_ms(1);
	}
	return rc;
}

int with_children(weft_request *rq)
{
	for (int i = 0; i < 3; i++) spawn(weft_request_group(rq), [i] { return weft_sleep_ms(i); });
	return weft_reply_text(rq, 200, "children");
}

int large(weft_request *rq)
{
	std::string body(200000, 'l');
	return weft_reply_bytes(rq, 200, nullptr, body.data(), body.size());
}

int stubborn(weft_request *rq)
{
	weft_scope *shield = weft_scope_open(.shield_ms = 20);
	int rc = weft_scope_close(shield, weft_sleep_ms(3));
	weft_reply_text(rq, 200, "one");
	return rc ? rc : weft_reply_text(rq, 200, "two");
}

int begin_and_fail(weft_request *rq)
{
	int rc = weft_reply_begin(rq, 200);
	if (rc == 0) rc = weft_reply_write(rq, "half", 4);
	return rc ? rc : int{ WEFT_ENOENT };
}

const char *const targets[] = { "/", "/echo", "/slow", "/children", "/large", "/stubborn", "/fail",
	"/half", "/short", "/nowhere" };

std::string some_request(Random &random)
{
	std::string path = targets[random(sizeof targets / sizeof *targets)];
	std::string fields = "Host: t\r\n";
	if (random(8) == 0) fields += "Connection: close\r\n";
	if (random(12) == 0) fields += "Expect: 100-continue\r\n";
	switch (random(7)) {
	case 0:
		return "POST " + path + " HTTP/1.1\r\n" + fields + "Content-Length: 5\r\n\r\nhello";
	case 1:
		return "POST " + path + " HTTP/1.1\r\n" + fields +
			   "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx: y\r\n\r\n";
	case 2:
		return "HEAD " + path + " HTTP/1.1\r\n" + fields + "\r\n";
	case 3:
		return "POST /echo HTTP/1.1\r\n" + fields + "Content-Length: 90000\r\n\r\n" +
			   std::string(90000, 'b');
	case 4:
		return random(4) ? "GET " + path + " HTTP/1.0\r\n\r\n" : "NONSENSE\r\n\r\n";
	default:
		return "GET " + path + " HTTP/1.1\r\n" + fields + "\r\n";
	}
}

std::string some_conversation(Random &random)
{
	std::string all;
	for (uint32_t i = 0, n = 1 + random(5); i < n; i++) all += some_request(random);
	if (random(6) == 0) {
		all += std::string("GET ") + (random(2) ? "/inside" : "/give") +
			   " HTTP/1.1\r\nHost: t\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello";
	}
	if (random(3) == 0) all.resize(random(static_cast<uint32_t>(all.size())) + 1);
	return all;
}

/* Each call may fail: the server may be gone. */
void one_client(const std::string &address, uint32_t seed)
{
	Random random{ seed };
	weft_stream *s = nullptr;
	char buffer[5000];
	size_t got;
	if (weft_tcp_connect(address.c_str(), &s) != 0) return;
	std::string all = some_conversation(random);
	size_t step = random(2) ? all.size() : 1 + all.size() / (1 + random(6));
	int rc = 0;
	weft_scope *scope = weft_scope_open(.timeout_ms = static_cast<int>(1 + random(60)));
	for (size_t at = 0; at < all.size() && rc == 0; at += step) {
		rc = weft_stream_write(s, all.data() + at, std::min(step, all.size() - at));
		if (rc == 0 && random(3) == 0) rc = weft_sleep_ms(random(3));
	}
	if (rc == 0 && random(4) == 0) rc = weft_stream_shutdown(s);
	for (uint32_t reads = random(40); rc == 0 && reads > 0; reads--)
		rc = weft_stream_read(s, buffer, sizeof buffer, &got) > 0 ? 0 : -1;
	(void)!weft_scope_close(scope, 0);
	if (random(3) == 0)
		weft_stream_abort(s);
	else
		weft_stream_close(s);
}

struct HttpChaos : OnBackend {
	Service service;

	void SetUp() override
	{
		service.routes = { route(nullptr, "/", echo_body), route(nullptr, "/echo", echo_body),
			route(nullptr, "/slow", stream_slowly), route(nullptr, "/children", with_children),
			route(nullptr, "/large", large), route(nullptr, "/stubborn", stubborn),
			route(nullptr, "/fail", begin_and_fail), route(nullptr, "/half", stream_slowly),
			route(nullptr, "/short", stream_slowly), route("GET", "/inside", inside_echo),
			route("GET", "/give", give_echo) };
		service.routes[7].half_close = true;
		service.routes[8].timeout_ms = 2;
		service.options.drain_ms = 20;
		service.options.header_timeout_ms = 15;
		service.options.idle_timeout_ms = 15;
		service.options.write_timeout_ms = 15;
		service.options.connections = 20;
	}
};

TEST_P(HttpChaos, LeavesNothingBehind)
{
	failing_allocator_install();
	for (uint32_t seed = 1; seed <= 12; seed++) {
		long live = failing_allocator_live();
		EXPECT_EQ(0, run(
						 [&] {
							 weft_group *serving = weft_group_open();
							 weft_group *clients = weft_group_open();
							 service.address.clear();
							 spawn(serving, [&] { return service.serve(); });
							 while (service.address.empty()) EXPECT_EQ(0, weft_sleep_ms(1));
							 std::string address = service.address;
							 for (uint32_t i = 0; i < 60; i++) {
								 spawn(
									 clients,
									 [=] {
										 one_client(address, seed * 1000 + i);
										 return 0;
									 },
									 WEFT_ANYWHERE);
							 }
							 EXPECT_EQ(0, weft_sleep_ms(seed * 3));
							 EXPECT_EQ(0, weft_group_drain(serving, 5000));
							 EXPECT_EQ(0, weft_group_join(serving, 0));
							 return weft_group_join(clients, 0);
						 },
						 1 + static_cast<int>(seed % 2)));
		EXPECT_EQ(0, service.result) << weft_error_name(service.result);
		EXPECT_EQ(live, failing_allocator_live()) << "leaked with seed " << seed;
	}
	failing_allocator_remove();
}

int use_everything(weft_request *rq)
{
	const weft_json *body;
	int64_t id = 0;
	int rc = weft_request_json(rq, &body);
	if (rc == 0) rc = weft_json_i64(body, "id", &id);
	if (rc != 0) return rc;
	(void)weft_request_query(rq, "q");
	(void)weft_request_target(rq);
	(void)weft_request_trailer(rq, "x");
	std::string value(900, 'v');
	weft_reply_header(rq, "x-value", value.c_str());
	spawn(weft_request_group(rq), [] { return weft_sleep_ms(0); });
	return weft_reply_json(rq, 200, weft_i64("id", id), weft_text("value", value.c_str()));
}

/* One connection after the other that makes the server do all it can; any of it may fail. */
void ask_for_everything(const std::string &address)
{
	const std::string chunks = "8\r\n{\"id\":7}\r\n0\r\nx: y\r\n\r\n";
	const std::string conversations[] = {
		"POST /all/?q=a%20b HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks +
			"GET /slow HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
		"GET /large HTTP/1.1\r\nHost: t\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: t\r\n\r\n"
		"POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 50\r\n\r\nshort",
		"GET /give HTTP/1.1\r\nHost: t\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello",
		"GET / HTTP/1.1\r\nX: " + std::string(600, 'x'),
		"NONSENSE\r\n\r\n",
	};
	char buffer[5000];
	size_t got;
	for (const std::string &text : conversations) {
		weft_stream *s = nullptr;
		if (weft_tcp_connect(address.c_str(), &s) != 0) return;
		int rc = weft_stream_write(s, text.data(), text.size() / 2);
		if (rc == 0) rc = weft_sleep_ms(1);
		if (rc == 0)
			rc = weft_stream_write(s, text.data() + text.size() / 2, (text.size() + 1) / 2);
		if (rc == 0) rc = weft_stream_shutdown(s);
		while (rc == 0) rc = weft_stream_read(s, buffer, sizeof buffer, &got) > 0 ? 0 : -1;
		weft_stream_close(s);
	}
}

TEST_P(HttpChaos, LeavesNothingBehindWhereverMemoryEnds)
{
	service.routes.push_back(route("POST", "/all/{rest...}", use_everything));
	for (weft_route &r : service.routes) r.half_close = true;
	service.options.drain_ms = 1000;
	/* There it takes longer, and what is different are the operations, not their memory. */
	const long step = GetParam() == Backend::late ? 11 : 1;
	failing_allocator_install();
	for (failing_allocator_mode mode : { FAIL_ONCE, FAIL_STICKY }) {
		long failed = 1;
		for (long n = 0; failed > 0 && n < 3000; n += step) {
			long live = failing_allocator_live();
			EXPECT_EQ(0, run([&] {
				service.address.clear();
				service.result = 1;
				return service.with([&](const std::string &address) {
					failing_allocator_fail_at(n, mode);
					ask_for_everything(address);
					failed = failing_allocator_failures();
					failing_allocator_fail_at(-1, mode);
				});
			})) << "at "
				<< n;
			EXPECT_EQ(0, service.result) << "at " << n;
			EXPECT_EQ(live, failing_allocator_live()) << "leaked at " << n;
			if (HasFailure()) break;
		}
	}
	failing_allocator_remove();
}

ON_EACH_BACKEND(HttpChaos);

} // namespace
