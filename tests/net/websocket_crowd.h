/* Many WebSocket clients on one thread of their own, over real sockets: not blocking, and made of
 * nothing of weft's, so that what they find wrong is the server's. */
#ifndef WF_TESTS_NET_WEBSOCKET_CROWD_H
#define WF_TESTS_NET_WEBSOCKET_CROWD_H

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace crowd
{

struct Peer {
	enum State { away, asking, open, ended };
	int fd = -1, index = 0;
	State state = away;
	bool reads = true;
	std::string in, out;
	int close_code = 0; /* of the server's close */

	/* What it does; each may be empty. */
	std::function<void(Peer &, std::string_view)> heard;
	std::function<void(Peer &)> over;
};

/* A frame as a client sends it; the key is all zero, which leaves the payload as it is. */
inline std::string frame(unsigned opcode, std::string_view payload)
{
	std::string out(1, static_cast<char>(0x80 | opcode));
	if (payload.size() < 126) {
		out += static_cast<char>(0x80 | payload.size());
	} else {
		out += static_cast<char>(0x80 | 126);
		out += static_cast<char>(payload.size() >> 8);
		out += static_cast<char>(payload.size());
	}
	return out.append(4, '\0').append(payload);
}

class Crowd
{
  public:
	Crowd() : epoll_(epoll_create1(EPOLL_CLOEXEC))
	{
	}
	~Crowd()
	{
		for (auto &peer : peers) leave(*peer);
		close(epoll_);
	}
	Crowd(const Crowd &) = delete;

	Peer &add()
	{
		peers.emplace_back(new Peer);
		peers.back()->index = static_cast<int>(peers.size()) - 1;
		return *peers.back();
	}

	/* Asks for a WebSocket at `path`. `receive`: bytes of the kernel's buffer; 0: its own idea. */
	void join(Peer &peer, int port, const std::string &path, int receive = 0)
	{
		sockaddr_in address = {};
		address.sin_family = AF_INET;
		address.sin_port = htons(static_cast<uint16_t>(port));
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		ASSERT_GE(peer.fd, 0);
		if (receive > 0) setsockopt(peer.fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
		int rc = connect(peer.fd, reinterpret_cast<sockaddr *>(&address), sizeof address);
		ASSERT_TRUE(rc == 0 || errno == EINPROGRESS) << strerror(errno);
		peer.state = Peer::asking;
		peer.close_code = 0;
		peer.in.clear();
		peer.out = "GET " + path +
				   " HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
				   "Sec-WebSocket-Version: 13\r\n\r\n";
		watch(peer, EPOLL_CTL_ADD);
	}

	/* Closes the connection as it is. */
	void leave(Peer &peer, bool reset = false)
	{
		if (peer.fd < 0) return;
		linger hard = { 1, 0 };
		if (reset) setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
		close(peer.fd);
		peer.fd = -1;
		peer.state = Peer::ended;
	}

	void say(Peer &peer, std::string_view text)
	{
		send(peer, frame(1, text));
	}

	void close_with(Peer &peer, int code)
	{
		const char payload[] = { static_cast<char>(code >> 8), static_cast<char>(code) };
		send(peer, frame(8, std::string_view(payload, 2)));
	}

	/* From now on what comes for it waits in the kernel. */
	void stall(Peer &peer)
	{
		peer.reads = false;
		watch(peer, EPOLL_CTL_MOD);
	}
	void go_on(Peer &peer)
	{
		peer.reads = true;
		watch(peer, EPOLL_CTL_MOD);
	}

	/* Goes on until `done`. False: a minute was not enough. */
	bool run(const std::function<bool()> &done)
	{
		auto end = std::chrono::steady_clock::now() + std::chrono::seconds(90);
		std::vector<epoll_event> events(256);
		while (!done()) {
			if (std::chrono::steady_clock::now() > end) return false;
			int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 10);
			for (int i = 0; i < n; i++) {
				Peer &peer = *peers[events[static_cast<size_t>(i)].data.u32];
				if (peer.fd >= 0) serve(peer, events[static_cast<size_t>(i)].events);
			}
		}
		return true;
	}

	std::vector<std::unique_ptr<Peer>> peers;

  private:
	void watch(Peer &peer, int what)
	{
		epoll_event event = {};
		if (peer.reads) event.events |= EPOLLIN;
		if (!peer.out.empty()) event.events |= EPOLLOUT;
		event.data.u32 = static_cast<uint32_t>(peer.index);
		ASSERT_EQ(0, epoll_ctl(epoll_, what, peer.fd, &event)) << strerror(errno);
	}

	void send(Peer &peer, const std::string &bytes)
	{
		bool waits = !peer.out.empty();
		peer.out += bytes;
		if (!waits) flush(peer);
	}

	void flush(Peer &peer)
	{
		ssize_t n = ::send(peer.fd, peer.out.data(), peer.out.size(), MSG_NOSIGNAL);
		if (n > 0) peer.out.erase(0, static_cast<size_t>(n));
		if (n < 0 && errno != EAGAIN && errno != ENOTCONN) return end(peer);
		watch(peer, EPOLL_CTL_MOD);
	}

	void end(Peer &peer)
	{
		leave(peer);
		if (peer.over) peer.over(peer);
	}

	void serve(Peer &peer, unsigned events)
	{
		if (events & EPOLLOUT && !peer.out.empty()) flush(peer);
		if (peer.fd >= 0 && peer.reads && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			read(peer);
		else if (peer.fd >= 0 && events & (EPOLLHUP | EPOLLERR))
			end(peer);
	}

	void read(Peer &peer)
	{
		char buffer[16384];
		ssize_t n = recv(peer.fd, buffer, sizeof buffer, 0);
		if (n < 0 && errno == EAGAIN) return;
		if (n <= 0) return end(peer);
		peer.in.append(buffer, static_cast<size_t>(n));
		if (peer.state == Peer::asking) take_answer(peer);
		if (peer.state == Peer::open) take_frames(peer);
	}

	void take_answer(Peer &peer)
	{
		size_t size = peer.in.find("\r\n\r\n");
		if (size == std::string::npos) return;
		EXPECT_EQ(0u, peer.in.find("HTTP/1.1 101 ")) << peer.in;
		peer.in.erase(0, size + 4);
		peer.state = Peer::open;
	}

	void take_frames(Peer &peer)
	{
		size_t at = 0;
		std::string in;
		in.swap(peer.in);
		while (peer.state == Peer::open && in.size() - at >= 2) {
			auto byte = [&](size_t i) { return static_cast<unsigned char>(in[at + i]); };
			size_t size = byte(1), header = 2;
			if (size == 126) header = 4;
			if (in.size() - at < header) break;
			if (size == 126) size = static_cast<size_t>(byte(2) << 8 | byte(3));
			ASSERT_LT(size, 65536u);
			if (in.size() - at < header + size) break;
			unsigned opcode = byte(0) & 15;
			EXPECT_EQ(0x80u, byte(0) & 0xf0u);
			std::string_view payload(in.data() + at + header, size);
			at += header + size;
			take(peer, opcode, payload);
		}
		if (peer.fd >= 0) peer.in.assign(in, at);
	}

	void take(Peer &peer, unsigned opcode, std::string_view payload)
	{
		EXPECT_EQ(0, peer.close_code) << "something after a close";
		if (opcode == 1 && peer.heard) peer.heard(peer, payload);
		if (opcode != 8) return;
		peer.close_code = 1005;
		if (payload.size() >= 2)
			peer.close_code = static_cast<unsigned char>(payload[0]) << 8 |
							  static_cast<unsigned char>(payload[1]);
		close_with(peer, peer.close_code);
	}

	int epoll_;
};

} // namespace crowd

#endif
