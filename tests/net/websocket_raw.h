/* A WebSocket client that blocks, for a thread of its own: it takes no memory of weft's, and gives
 * up what does not come. */
#ifndef WF_TESTS_NET_WEBSOCKET_RAW_H
#define WF_TESTS_NET_WEBSOCKET_RAW_H

#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

class Raw
{
  public:
	/* `patience_ms`: how long it waits for what it wants to hear; 0: for ever. */
	explicit Raw(int port, int patience_ms = 0)
	{
		sockaddr_in address = {};
		address.sin_family = AF_INET;
		address.sin_port = htons(static_cast<uint16_t>(port));
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		timeval patience = { patience_ms / 1000, patience_ms % 1000 * 1000 };
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		if (connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) leave();
	}
	~Raw()
	{
		leave();
	}
	Raw(const Raw &) = delete;

	void leave()
	{
		if (fd >= 0) close(fd);
		fd = -1;
	}
	bool send(const std::string &bytes)
	{
		ssize_t n = fd < 0 ? -1 : ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
		if (n != static_cast<ssize_t>(bytes.size())) leave();
		return fd >= 0;
	}
	/* `rest` goes out with the request. */
	bool ask(const std::string &path, const std::string &rest = "")
	{
		return send("GET " + path +
					" HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
					"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
					"\r\n" +
					rest);
	}
	/* Reads until `text` has come, which is then taken with all before it. False: it will not. */
	bool hear(const std::string &text)
	{
		size_t at;
		while ((at = got.find(text)) == std::string::npos)
			if (!more()) return false;
		got.erase(0, at + text.size());
		return true;
	}
	bool more()
	{
		char buffer[16384];
		ssize_t n = fd < 0 ? -1 : recv(fd, buffer, sizeof buffer, 0);
		if (n <= 0) leave();
		if (n > 0) got.append(buffer, static_cast<size_t>(n));
		return n > 0;
	}

	int fd = -1;
	std::string got;
};

#endif
