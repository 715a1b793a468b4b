/* A proxy between plain sockets of other threads, which the run must not know: did everything
 * arrive, and in order, and with an orderly end? */
#ifndef WF_TESTS_NET_DELIVERY_H
#define WF_TESTS_NET_DELIVERY_H

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cmath>
#include <random>
#include <thread>

#include "tests/net/support.h"

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

inline int listen_plainly(std::string *address)
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

inline int connect_plainly(const std::string &address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {};
	to.sin_family = AF_INET;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
	EXPECT_EQ(0, connect(fd, reinterpret_cast<sockaddr *>(&to), sizeof to));
	return fd;
}

inline void send_plainly(const std::string &address, const std::string &text)
{
	Socket s(connect_plainly(address));
	for (size_t at = 0; at < text.size();) {
		ssize_t n = send(s.fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
		ASSERT_GT(n, 0);
		at += static_cast<size_t>(n);
	}
}

/* Reads in small bites. */
inline void receive_slowly_from(int fd, std::string *all, int *end)
{
	std::vector<char> bite(3000);
	for (;;) {
		ssize_t n = recv(fd, bite.data(), bite.size(), 0);
		*end = n < 0 ? -errno : 0;
		if (n <= 0) return;
		all->append(bite.data(), static_cast<size_t>(n));
		if (all->size() % 7 == 0) std::this_thread::yield();
	}
}

/* `say` is sent to the peer first, who never reads it. */
inline void receive_slowly(int listener, const std::string &say, std::string *all, int *end)
{
	Socket s(accept(listener, nullptr, nullptr));
	if (!say.empty()) {
		ASSERT_GT(send(s.fd, say.data(), say.size(), MSG_NOSIGNAL), 0);
	}
	receive_slowly_from(s.fd, all, end);
}

struct Path {
	std::string to;
	std::function<void(const char *)> listening;
};

inline int proxy(void *arg)
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

/* Log-uniform from 1 to `most`. */
inline size_t random_size(std::mt19937 &random, size_t most)
{
	double power = std::uniform_real_distribution<>(0, log2(static_cast<double>(most)))(random);
	return static_cast<size_t>(exp2(power));
}

enum : size_t { MEGABYTES = 1 << 20 };

/* Sizes up to `most`; `say` is what the destination sends back and nobody reads. */
inline void expect_all_delivered(Backend backend, const std::string &say, int rounds, size_t most)
{
	std::mt19937 random(7);
	for (int i = 0; i < rounds; i++) {
		std::string sent = pattern(random_size(random, most)), got;
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

#endif
