/* The console: what it says of a server, and to whom. */
#include <arpa/inet.h>
#include <atomic>
#include <ifaddrs.h>
#include <net/if.h>
#include <set>
#include <weft/json.h>
#include <weft/pool.h>
#include <weft/post.h>

#include "tests/net/http_service.h"

namespace
{

/* A parsed state, and what is in it by path. */
struct State {
	weft_json *json = nullptr;

	explicit State(const std::string &text)
	{
		weft_json_error error = {};
		EXPECT_EQ(0, weft_json_parse(text.data(), text.size(), &json, &error))
			<< error.text << " at " << error.at << " of " << text;
	}
	~State()
	{
		weft_json_free(json);
	}
	State(const State &) = delete;
	State &operator=(const State &) = delete;

	int64_t number(const std::string &path) const
	{
		int64_t n = -1;
		EXPECT_EQ(0, weft_json_i64(json, path.c_str(), &n)) << weft_json_complaint(json);
		return n;
	}
	double real(const std::string &path) const
	{
		double n = -1;
		EXPECT_EQ(0, weft_json_real(json, path.c_str(), &n)) << weft_json_complaint(json);
		return n;
	}
	std::string text(const std::string &path) const
	{
		const char *t = "";
		EXPECT_EQ(0, weft_json_text(json, path.c_str(), &t)) << weft_json_complaint(json);
		return t;
	}
	size_t count(const std::string &path) const
	{
		size_t n = 0;
		EXPECT_EQ(0, weft_json_count(json, path.c_str(), &n)) << weft_json_complaint(json);
		return n;
	}
	bool has(const std::string &path) const
	{
		return weft_json_kind_of(json, path.c_str()) != WEFT_JSON_MISSING;
	}
};

Response ask(const std::string &address, const std::string &path, const std::string &fields = "",
	const std::string &host = "localhost")
{
	Client client(address);
	client.send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n");
	return client.response();
}

/* An address of this machine that is not a loopback's; "" when it has none. */
std::string own_address()
{
	std::string found;
	ifaddrs *all = nullptr;
	if (getifaddrs(&all) != 0) return found;
	for (ifaddrs *i = all; i != nullptr && found.empty(); i = i->ifa_next) {
		if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != AF_INET) continue;
		if (i->ifa_flags & IFF_LOOPBACK) continue;
		char text[INET_ADDRSTRLEN];
		const auto *in = reinterpret_cast<sockaddr_in *>(i->ifa_addr);
		found = inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
	}
	freeifaddrs(all);
	return found;
}

struct Console : OnBackend {
	Service service;

	void SetUp() override
	{
		service.options.console = true;
		service.routes = {
			route("GET", "/", [](weft_request *rq) { return weft_reply_text(rq, 200, "hello"); }),
			route("GET", "/broken", [](weft_request *) { return 500; }),
		};
	}
	void serve(const std::function<void(const std::string &)> &body, int workers = 1)
	{
		EXPECT_EQ(0, run([&] { return service.with(body); }, workers));
		EXPECT_EQ(0, service.result) << weft_error_name(service.result);
	}
};

TEST_P(Console, SendsItsPage)
{
	serve([](const std::string &address) {
		Response r = ask(address, "/weft/");
		EXPECT_EQ(200, r.status);
		EXPECT_EQ("text/html; charset=utf-8", r.header("content-type"));
		EXPECT_NE("", r.header("content-security-policy"));
		EXPECT_EQ(0u, r.body.find("<!doctype html>"));
		r = ask(address, "/weft");
		EXPECT_EQ(308, r.status);
		EXPECT_EQ("/weft/", r.header("location"));
	});
}

TEST_P(Console, IsNotThereUnlessAskedFor)
{
	service.options.console = false;
	serve([](const std::string &address) {
		EXPECT_EQ(404, ask(address, "/weft/").status);
		EXPECT_EQ(404, ask(address, "/weft/api/state").status);
	});
}

TEST_P(Console, TellsWhatItsPageReads)
{
	serve(
		[](const std::string &address) {
			ask(address, "/", "x-request-id: from-the-test\r\n");
			ask(address, "/broken?secret=1");
			Client idle(address);
			idle.get("/");
			EXPECT_EQ(200, idle.response().status);
			Response r = ask(address, "/weft/api/state");
			EXPECT_EQ(200, r.status);
			EXPECT_EQ("application/json", r.header("content-type"));
			EXPECT_EQ("no-store", r.header("cache-control"));
			State s(r.body);
			EXPECT_NE("", s.text("program"));
			EXPECT_NE("", s.text("version"));
			EXPECT_EQ(getpid(), s.number("pid"));
			EXPECT_GT(s.number("now"), 1600000000000);
			EXPECT_GE(s.real("uptime_s"), 0);
			EXPECT_EQ(3, s.number("requests_total"));
			EXPECT_EQ(1, s.number("errors_total"));
			EXPECT_GE(s.number("connections_total"), 2);
			EXPECT_EQ(2u, s.count("workers"));
			for (const char *name : { "id", "tasks", "ready", "inbox", "switches", "loop_lag_us" })
				EXPECT_GE(s.number(std::string("workers.1.") + name), 0) << name;
			EXPECT_EQ(1, s.number("workers.0.id"));
			EXPECT_GE(s.real("workers.0.busy_percent"), 0);
			EXPECT_FALSE(s.has("workers.0.stale"));
			EXPECT_EQ(3u, s.count("requests"));
			EXPECT_EQ("/broken", s.text("requests.1.path"));
			EXPECT_EQ(500, s.number("requests.1.status"));
			EXPECT_EQ("GET", s.text("requests.1.method"));
			EXPECT_EQ("from-the-test", s.text("requests.2.request_id"));
			EXPECT_EQ(32u, s.text("requests.2.trace_id").size());
			EXPECT_GE(s.number("requests.2.worker"), 1);
			EXPECT_GE(s.number("requests.2.duration_us"), 0);
			EXPECT_GT(s.number("requests.2.time"), 1600000000000);
			EXPECT_LE(s.number("requests.2.time"), s.number("now"));
			EXPECT_GE(s.count("connections"), 2u);
			std::set<std::string> states;
			for (size_t i = 0; i < s.count("connections"); i++) {
				std::string at = "connections." + std::to_string(i) + ".";
				states.insert(s.text(at + "state"));
				EXPECT_EQ("http/1.1", s.text(at + "protocol"));
				EXPECT_EQ(0u, s.text(at + "peer").find("127.0.0.1:"));
				EXPECT_GE(s.real(at + "age_s"), 0);
				EXPECT_GE(s.number(at + "requests"), 0);
				EXPECT_GE(s.number(at + "bytes_in") + s.number(at + "bytes_out"), 0);
			}
			EXPECT_TRUE(states.count("idle"));
			EXPECT_TRUE(states.count("handling"));
		},
		2);
}

TEST_P(Console, DoesNotShowItsOwnLooking)
{
	serve([](const std::string &address) {
		for (int i = 0; i < 3; i++) ask(address, "/weft/api/state");
		EXPECT_EQ(0u, State(ask(address, "/weft/api/state").body).count("requests"));
	});
}

TEST_P(Console, KeepsTheLastHundredOfManyRequests)
{
	serve(
		[](const std::string &address) {
			Client client(address);
			for (int i = 0; i < 150; i++) {
				client.get("/" + std::string(i % 3 ? "" : "%22%5C") + "?q");
				client.response();
			}
			State s(ask(address, "/weft/api/state").body);
			EXPECT_EQ(100u, s.count("requests"));
			EXPECT_GE(s.number("requests_total"), 150);
			for (int i = 1; i < 100; i++)
				EXPECT_GE(s.number("requests." + std::to_string(i - 1) + ".time"),
					s.number("requests." + std::to_string(i) + ".time"));
		},
		2);
}

TEST_P(Console, CountsAllConnectionsAndListsSome)
{
	serve([](const std::string &address) {
		std::vector<std::unique_ptr<Client>> clients;
		for (int i = 0; i < 230; i++) {
			clients.push_back(std::make_unique<Client>(address));
			clients.back()->get("/");
			EXPECT_EQ(200, clients.back()->response().status);
		}
		State s(ask(address, "/weft/api/state").body);
		EXPECT_EQ(231, s.number("connections_total"));
		EXPECT_EQ(200u, s.count("connections"));
	});
}

TEST_P(Console, ShowsThePoolsThereAre)
{
	weft_pool *pool = nullptr;
	ASSERT_EQ(0, weft_pool_new(&pool, .name = "sqlite", .threads = 3));
	weft_future *done = nullptr;
	auto job = [](void *) { return 0; };
	ASSERT_EQ(0, weft_pool_submit(pool, job, nullptr, &done));
	EXPECT_EQ(0, weft_future_join(done));
	weft_future_unref(done);
	auto find = [](const State &s, const std::string &name) {
		for (size_t i = 0; i < s.count("pools"); i++) {
			std::string at = "pools." + std::to_string(i);
			if (s.text(at + ".name") == name) return at;
		}
		return std::string();
	};
	serve([&](const std::string &address) {
		State s(ask(address, "/weft/api/state").body);
		std::string at = find(s, "sqlite");
		ASSERT_NE("", at);
		EXPECT_NE("", find(s, "default"));
		EXPECT_EQ(3, s.number(at + ".threads"));
		EXPECT_EQ(1, s.number(at + ".done"));
		EXPECT_EQ(0, s.number(at + ".queued"));
		EXPECT_EQ(0, s.number(at + ".rejected"));
		EXPECT_GE(s.number(at + ".running"), 0);
	});
	weft_pool_free(pool);
	service.address.clear();
	service.result = 1;
	serve([&](const std::string &address) {
		EXPECT_EQ("", find(State(ask(address, "/weft/api/state").body), "sqlite"));
	});
}

/* Worker 2 stands still until it is let go; the page is answered by the others, and says so. The
 * kernel chooses who gets a connection, so one of worker 1's is looked for before. */
TEST_P(Console, AnswersThoughAWorkerStandsStill)
{
	static std::atomic<bool> standing, let_go;
	standing = let_go = false;
	service.routes.push_back(route("GET", "/where",
		[](weft_request *rq) { return weft_reply_text(rq, 200, "%d", weft_worker_id()); }));
	auto stand = [] {
		standing = true;
		while (!let_go) usleep(1000);
		return 0;
	};
	auto ask_on = [](Client &client) {
		client.send("GET /weft/api/state HTTP/1.1\r\nHost: localhost\r\n\r\n");
		return client.response().body;
	};
	auto body = [&](const std::string &address) {
		std::unique_ptr<Client> client;
		std::string where;
		std::vector<std::unique_ptr<Client>> others;
		while (where != "1" || others.empty()) {
			auto one = std::make_unique<Client>(address);
			one->get("/where");
			std::string there = one->response().body;
			if (there != "1")
				others.push_back(std::move(one));
			else if (where = there, client == nullptr)
				client = std::move(one);
		}
		State before(ask_on(*client));
		EXPECT_FALSE(before.has("workers.1.stale"));
		weft_group *group = weft_group_open();
		spawn(group, stand, 2);
		while (!standing) EXPECT_EQ(0, weft_sleep_ms(1));
		State s(ask_on(*client));
		let_go = true;
		EXPECT_EQ(0, weft_group_join(group, 0));
		bool stale = false;
		EXPECT_EQ(0, weft_json_bool(s.json, "workers.1.stale", &stale));
		EXPECT_TRUE(stale);
		EXPECT_FALSE(s.has("workers.0.stale"));
		EXPECT_GE(s.number("workers.1.loop_lag_us"), 200000);
		EXPECT_GE(s.number("workers.1.tasks"), 1);
		/* Who is connected to it is known from before. */
		bool other = false;
		for (size_t i = 0; i < s.count("connections"); i++)
			other = other || s.has("connections." + std::to_string(i) + ".stale");
		EXPECT_TRUE(other);
		EXPECT_EQ(s.number("connections_total"), before.number("connections_total"));
		EXPECT_EQ(s.number("requests_total"), before.number("requests_total") + 1);
		EXPECT_FALSE(State(ask_on(*client)).has("workers.1.stale"));
	};
	serve(body, 2);
}

TEST_P(Console, AnswersUnderLoad)
{
	serve(
		[](const std::string &address) {
			weft_group *group = weft_group_open();
			bool over = false;
			int answered = 0;
			for (int i = 0; i < 8; i++)
				spawn(group, [&] {
					Client client(address);
					while (!over) {
						client.get("/");
						if (client.response().status != 200) return -1;
						answered++;
					}
					return 0;
				});
			int64_t before = 0;
			for (int i = 0; i < 20; i++) {
				State s(ask(address, "/weft/api/state").body);
				EXPECT_GE(s.number("requests_total"), before);
				before = s.number("requests_total");
			}
			over = true;
			EXPECT_EQ(0, weft_group_join(group, 0));
			EXPECT_GT(answered, 0);
		},
		2);
}

TEST_P(Console, AnswersOnlyThisMachine)
{
	serve([](const std::string &address) {
		for (const char *host :
			{ "localhost", "LOCALHOST:80", "127.0.0.1", "127.9.9.9:8080", "[::1]", "[::1]:8080" })
			EXPECT_EQ(200, ask(address, "/weft/", "", host).status) << host;
		for (const char *host : { "evil.example", "127.0.0.1.evil.example",
				 "localhost.evil.example", "[::2]:80", "10.0.0.1" }) {
			Response r = ask(address, "/weft/api/state", "", host);
			EXPECT_EQ(403, r.status) << host;
			EXPECT_NE(std::string::npos, r.body.find("localhost")) << r.body;
		}
		EXPECT_EQ(403, ask(address, "/weft/", "x-forwarded-for: 10.1.1.1\r\n").status);
		EXPECT_EQ(403, ask(address, "/weft/", "forwarded: for=10.1.1.1\r\n").status);
	});
}

TEST_P(Console, RefusesPeersFromElsewhere)
{
	std::string own = own_address();
	if (own.empty()) GTEST_SKIP() << "this machine has no address but its loopback's";
	service.options.listen = "0.0.0.0:0";
	serve([&](const std::string &address) {
		std::string there = own + address.substr(address.rfind(':'));
		for (const char *path : { "/weft/", "/weft/api/state" }) {
			Response r = ask(there, path);
			EXPECT_EQ(403, r.status);
			EXPECT_NE(std::string::npos, r.body.find(own)) << r.body;
		}
		EXPECT_EQ(200, ask(there, "/").status);
	});
}

ON_EACH_BACKEND(Console);

} // namespace
