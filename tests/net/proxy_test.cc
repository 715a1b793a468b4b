/* The one-way proxy and its three classical bugs: no backpressure, reading ahead, closing too
 * early. Source and destination are plain sockets of other threads where the run must not know
 * them. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include <random>
#include <thread>

#include "tests/net/support.h"

namespace
{

struct Proxy : OnBackend {
};

ON_EACH_BACKEND(Proxy);

enum { BUFFER = 16384 };

int naive_proxy(weft_stream *in, weft_stream *out)
{
	char buffer[BUFFER];
	size_t got;
	int rc;
	while ((rc = weft_stream_read(in, buffer, sizeof buffer, &got)) > 0) {
		rc = weft_stream_write(out, buffer, got);
		if (rc < 0) return rc;
	}
	return rc;
}

TEST_P(Proxy, TakesNoMoreFromItsSourceThanItsDestinationTook)
{
	int rc = run([] {
		weft_stream *source, *in, *out, *destination;
		make_pair(Kind::tcp, &source, &in);
		make_pair(Kind::tcp, &out, &destination);
		weft_group *group = weft_group_open(.keep_going = true);
		spawn(group, [&] {
			std::string much(1 << 20, 'x');
			int result = 0;
			while (result == 0) result = write_text(source, much);
			return result;
		});
		spawn(group, [&] { return naive_proxy(in, out); });

		weft_stream_stats pushed = {}, taken = {}, given = {};
		uint64_t last = 1;
		/* Until everything stands still, and a while longer. */
		for (int still = 0; still < 50; still++) {
			EXPECT_EQ(0, weft_sleep_ms(1));
			weft_stream_get_stats(source, &pushed);
			weft_stream_get_stats(in, &taken);
			weft_stream_get_stats(out, &given);
			EXPECT_LE(taken.received - given.sent, static_cast<uint64_t>(BUFFER));
			if (pushed.sent + taken.received + given.sent != last) still = 0;
			last = pushed.sent + taken.received + given.sent;
		}
		EXPECT_GT(pushed.sent, 0u);
		EXPECT_LT(pushed.sent, 64u << 20);
		weft_group_cancel(group);
		int result = weft_group_join(group, 0);
		weft_stream_abort(source);
		weft_stream_abort(in);
		weft_stream_abort(out);
		weft_stream_abort(destination);
		return result;
	});
	EXPECT_EQ(0, rc) << weft_error_name(rc);
}

TEST_P(Proxy, LeavesInTheKernelWhatNobodyReads)
{
	int rc = run([] {
		weft_stream *source, *in;
		make_pair(Kind::tcp, &source, &in);
		EXPECT_EQ(0, write_text(source, std::string(50000, 'x')));
		EXPECT_EQ("xxx", read_n(in, 3));
		let_others_run();
		weft_stream_stats stats;
		weft_stream_get_stats(in, &stats);
		EXPECT_EQ(3u, stats.received);
		weft_stream_close(source);
		EXPECT_EQ(49997u, read_all(in).size());
		weft_stream_close(in);
		return 0;
	});
	EXPECT_EQ(0, rc) << weft_error_name(rc);
}

struct Socket {
	int fd = -1;

	explicit Socket(int descriptor = -1) : fd(descriptor)
	{
	}
	Socket(const Socket &) = delete;
	~Socket()
	{
		if (fd >= 0) close(fd);
	}
};

int listen_plainly(std::string *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {};
	to.sin_family = AF_INET;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t size = sizeof to;
	int small = 4096;
	EXPECT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small));
	EXPECT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&to), size));
	EXPECT_EQ(0, listen(fd, 5));
	EXPECT_EQ(0, getsockname(fd, reinterpret_cast<sockaddr *>(&to), &size));
	*address = "127.0.0.1:" + std::to_string(ntohs(to.sin_port));
	return fd;
}

int connect_plainly(const std::string &address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {};
	to.sin_family = AF_INET;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
	EXPECT_EQ(0, connect(fd, reinterpret_cast<sockaddr *>(&to), sizeof to));
	return fd;
}

void send_plainly(const std::string &address, const std::string &text)
{
	Socket s(connect_plainly(address));
	for (size_t at = 0; at < text.size();) {
		ssize_t n = send(s.fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
		ASSERT_GT(n, 0);
		at += static_cast<size_t>(n);
	}
}

/* Reads in small bites; `say` is sent to the peer first, who never reads it. */
void receive_slowly(int listener, const std::string &say, std::string *all, int *end)
{
	Socket s(accept(listener, nullptr, nullptr));
	if (!say.empty()) {
		ASSERT_GT(send(s.fd, say.data(), say.size(), MSG_NOSIGNAL), 0);
	}
	std::vector<char> bite(3000);
	for (;;) {
		ssize_t n = recv(s.fd, bite.data(), bite.size(), 0);
		*end = n < 0 ? -errno : 0;
		if (n <= 0) return;
		all->append(bite.data(), static_cast<size_t>(n));
		if (all->size() % 7 == 0) std::this_thread::yield();
	}
}

struct Path {
	std::string to;
	std::function<void(const char *)> listening;
};

int proxy(void *arg)
{
	auto *path = static_cast<Path *>(arg);
	weft_listener *l = nullptr;
	weft_stream *in = nullptr, *out = nullptr;

	int rc = weft_listener_open("127.0.0.1:0", &l);
	if (rc == 0) path->listening(weft_listener_address(l));
	if (rc == 0) rc = weft_listener_accept(l, &in);
	weft_listener_close(l);
	if (rc == 0) rc = weft_tcp_connect(path->to.c_str(), &out);
	if (rc == 0) rc = weft_stream_forward(in, out);
	weft_stream_close(out);
	weft_stream_close(in);
	return rc;
}

/* Log-uniform from 1 to 2^`bits`. */
size_t random_size(std::mt19937 &random, int bits)
{
	size_t most = size_t{ 1 } << std::uniform_int_distribution<>(0, bits)(random);
	return std::uniform_int_distribution<size_t>(1, most)(random);
}

void expect_all_delivered(Backend backend, const std::string &say, int rounds)
{
	std::mt19937 random(7);
	for (int i = 0; i < rounds; i++) {
		std::string sent = pattern(random_size(random, 22)), got;
		int end = -1;
		Path path;
		Socket listener(listen_plainly(&path.to));
		std::thread destination([&] { receive_slowly(listener.fd, say, &got, &end); });
		std::thread source;
		path.listening = [&](const char *address) {
			source =
				std::thread([&sent, where = std::string(address)] { send_plainly(where, sent); });
		};
		EXPECT_EQ(0, OnBackend::run_with(backend, 1, [&] { return proxy(&path); }));
		source.join();
		destination.join();
		EXPECT_EQ(0, end) << "an orderly end, no reset";
		EXPECT_TRUE(got == sent) << got.size() << " of " << sent.size();
	}
}

TEST_P(Proxy, DeliversEveryByteAndAnOrderlyEndThoughMainReturnsAtOnce)
{
	expect_all_delivered(GetParam(), "", 20);
}

TEST_P(Proxy, DeliversEveryByteThoughTheDestinationTalksBack)
{
	expect_all_delivered(GetParam(), "nobody reads this", 10);
}

TEST_P(Proxy, LeavesToTheKernelWhatWasWrittenBeforeAClose)
{
	for (int i = 0; i < 5; i++) {
		std::string sent = pattern(200000), got, address;
		int end = -1;
		Socket listener(listen_plainly(&address));
		std::thread destination(
			[&] { receive_slowly(listener.fd, i % 2 ? "hm" : "", &got, &end); });
		int rc = run([&] {
			weft_stream *s;
			connect_to(address, &s);
			int result = write_text(s, sent);
			weft_stream_close(s);
			return result;
		});
		EXPECT_EQ(0, rc);
		destination.join();
		EXPECT_EQ(0, end);
		EXPECT_TRUE(got == sent) << got.size() << " of " << sent.size();
	}
}

TEST_P(Proxy, SaysSoWhenNotEverythingWasDelivered)
{
	std::string address;
	Socket listener(listen_plainly(&address));
	std::thread destination([&] {
		Socket s(accept(listener.fd, nullptr, nullptr));
		char c;
		EXPECT_EQ(1, recv(s.fd, &c, 1, 0));
		struct linger reset = { 1, 0 };
		EXPECT_EQ(0, setsockopt(s.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
	});
	int rc = run([&] {
		weft_stream *s;
		connect_to(address, &s);
		int result = write_text(s, pattern(1 << 20));
		if (result == 0) result = weft_stream_finish(s);
		weft_stream_close(s);
		return result;
	});
	EXPECT_TRUE(rc == WEFT_ECONNRESET || rc == WEFT_EPIPE) << weft_error_name(rc);
	destination.join();
}

TEST_P(Proxy, TellsHowMuchIsStillOnItsWayWhenItIsInterrupted)
{
	std::string address;
	Socket listener(listen_plainly(&address));
	int rc = run([&] {
		weft_stream *s;
		connect_to(address, &s);
		std::string text = pattern(100000);
		weft_scope *scope = weft_scope_open(.timeout_ms = 20);
		int result = write_text(s, text);
		if (result == 0) result = weft_stream_finish(s);
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, result));
		weft_stream_stats stats;
		weft_stream_get_stats(s, &stats);
		EXPECT_EQ(text.size(), stats.sent);
		EXPECT_GT(stats.in_flight, 0u);
		EXPECT_LT(stats.in_flight, stats.sent + 1);
		/* It may be asked again. */
		std::thread destination([&] {
			std::string got;
			int end;
			receive_slowly(listener.fd, "", &got, &end);
			EXPECT_TRUE(got == text);
		});
		result = weft_stream_finish(s);
		weft_stream_close(s);
		destination.join();
		return result;
	});
	EXPECT_EQ(0, rc) << weft_error_name(rc);
}

} // namespace
