#include <arpa/inet.h>
#include <sys/socket.h>

#include "tests/net/support.h"

namespace
{

struct Tcp : OnBackend {
};

ON_EACH_BACKEND(Tcp);

std::string text_of(const weft_address &address)
{
	char text[WEFT_ADDRESS_TEXT];
	return weft_address_format(&address, text, sizeof text) ? "?" : text;
}

TEST_P(Tcp, ResolvesNumbersWithoutAskingAnybody)
{
	EXPECT_EQ(0, run([] {
		weft_address found[4];
		size_t n = 0;
		EXPECT_EQ(0, weft_resolve("127.0.0.1:80", found, 4, &n));
		EXPECT_EQ(1u, n);
		EXPECT_EQ("127.0.0.1:80", text_of(found[0]));
		EXPECT_EQ(WEFT_EINVAL, weft_resolve("127.0.0.1", found, 4, &n));
		EXPECT_EQ(WEFT_EINVAL, weft_resolve("localhost:port", found, 4, &n));
		EXPECT_EQ(WEFT_EINVAL, weft_resolve("127.0.0.1:80", found, 0, &n));
		EXPECT_EQ(1u, n);
		return 0;
	}));
}

TEST_P(Tcp, ResolvesNames)
{
	EXPECT_EQ(0, run([] {
		weft_address found[4];
		size_t n = 0;
		EXPECT_EQ(0, weft_resolve("localhost:80", found, 4, &n));
		EXPECT_GE(n, 1u);
		for (size_t i = 0; i < n; i++) {
			std::string text = text_of(found[i]);
			EXPECT_TRUE(text == "127.0.0.1:80" || text == "[::1]:80") << text;
		}
		int rc = weft_resolve("no-such-host.invalid:80", found, 4, &n);
		EXPECT_TRUE(rc == WEFT_ENOENT || rc == WEFT_EAGAIN) << weft_error_name(rc);
		return 0;
	}));
}

TEST_P(Tcp, AbandonsALookUpWhenItIsCancelled)
{
	EXPECT_EQ(0, run([] {
		weft_scope *scope = weft_scope_open();
		weft_scope_cancel(scope);
		weft_address found;
		size_t n = 0;
		EXPECT_EQ(WEFT_ECANCELED, weft_resolve("localhost:80", &found, 1, &n));
		(void)!weft_scope_close(scope, 0);

		weft_group *group = weft_group_open();
		for (int i = 0; i < 8; i++) {
			spawn(group, [] {
				weft_address one;
				size_t got;
				return weft_resolve("localhost:80", &one, 1, &got);
			});
		}
		EXPECT_EQ(0, weft_yield());
		weft_group_cancel(group);
		return weft_group_join(group, 0);
	}));
}

TEST_P(Tcp, ConnectsByName)
{
	EXPECT_EQ(0, run([] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open("localhost:0", &l));
		std::string address = weft_listener_address(l);
		weft_stream *client, *server;
		connect_to("localhost" + address.substr(address.rfind(':')), &client);
		EXPECT_EQ(0, weft_listener_accept(l, &server));
		EXPECT_EQ(address, weft_stream_peer(client));
		weft_stream_close(client);
		weft_stream_close(server);
		weft_listener_close(l);
		return 0;
	}));
}

TEST_P(Tcp, SaysWhenNobodyListens)
{
	EXPECT_EQ(0, run([] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
		std::string address = weft_listener_address(l);
		weft_listener_close(l);
		weft_stream *s = nullptr;
		EXPECT_EQ(WEFT_ECONNREFUSED, weft_tcp_connect(address.c_str(), &s));
		EXPECT_EQ(WEFT_ENOENT, weft_unix_connect("/no/such/path", &s));
		EXPECT_EQ(WEFT_EINVAL, weft_unix_connect("", &s));
		weft_address local;
		EXPECT_EQ(0, weft_address_parse("unix:/x", &local));
		EXPECT_EQ(WEFT_EINVAL, weft_tcp_connect_address(&local, &s));
		EXPECT_EQ(nullptr, s);
		return 0;
	}));
}

TEST_P(Tcp, GivesUpAConnectThatIsCancelled)
{
	/* A queue of one that is full: the kernel answers no further SYN. */
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in to = {};
	to.sin_family = AF_INET;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t size = sizeof to;
	ASSERT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&to), size));
	ASSERT_EQ(0, listen(fd, 0));
	ASSERT_EQ(0, getsockname(fd, reinterpret_cast<sockaddr *>(&to), &size));
	std::string address = "127.0.0.1:" + std::to_string(ntohs(to.sin_port));
	EXPECT_EQ(0, run([&] {
		std::vector<weft_stream *> queued;
		int rc = 0;
		while (rc == 0) {
			weft_stream *s = nullptr;
			weft_scope *scope = weft_scope_open(.timeout_ms = 50);
			rc = weft_tcp_connect(address.c_str(), &s);
			rc = weft_scope_close(scope, rc);
			if (rc == 0) queued.push_back(s);
		}
		EXPECT_EQ(WEFT_EDEADLINE, rc);
		for (auto s : queued) weft_stream_abort(s);
		return 0;
	}));
	close(fd);
}

TEST_P(Tcp, WaitsWhileALocalListenersQueueIsFull)
{
	EXPECT_EQ(0, run([] {
		weft_listener *l;
		EXPECT_EQ(0, weft_listener_open(abstract_name().c_str(), &l, .backlog = 1));
		std::string address = weft_listener_address(l);
		weft_group *group = weft_group_open();
		int connected = 0;
		for (int i = 0; i < 8; i++) {
			spawn(group, [&] {
				weft_stream *s;
				connect_to(address, &s);
				connected++;
				weft_stream_close(s);
				return 0;
			});
		}
		let_others_run();
		EXPECT_LT(connected, 8);
		for (int i = 0; i < 8; i++) {
			weft_stream *s;
			EXPECT_EQ(0, weft_listener_accept(l, &s));
			weft_stream_close(s);
		}
		EXPECT_EQ(0, weft_group_join(group, 0));
		EXPECT_EQ(8, connected);
		weft_listener_close(l);
		return 0;
	}));
}

} // namespace
