/* What the tests of net share: runs on both back ends, tasks from lambdas, connected streams. */
#ifndef WF_TESTS_NET_SUPPORT_H
#define WF_TESTS_NET_SUPPORT_H

#include <functional>
#include <string>

#include <fcntl.h>

#include <gtest/gtest.h>
#include <unistd.h>
#include <weft/group.h>
#include <weft/listener.h>
#include <weft/scope.h>
#include <weft/stream.h>
#include <weft/sync.h>
#include <weft/tcp.h>
#include <weft/timer.h>

#include "tests/support/run_on.h"

using Body = std::function<int()>;

inline int call_body(void *body)
{
	return (*static_cast<Body *>(body))();
}

/* A task of `group` that runs `body`, which the task owns. */
inline int spawn(weft_group *group, Body body, int worker = WEFT_HERE)
{
	auto *owned = new Body(std::move(body));
	return weft_spawn(
		group, call_body, owned, .worker = worker,
		.release = [](void *arg) { delete static_cast<Body *>(arg); });
}

/* Lets every other ready task of this worker run, and its descriptors be looked at. */
inline void let_others_run(int times = 10)
{
	for (int i = 0; i < times; i++) ASSERT_EQ(0, weft_sleep_ms(1));
}

enum class Backend { poll, late };

struct OnBackend : testing::TestWithParam<Backend> {
	static int run_with(Backend backend, int workers, Body body)
	{
		return test_run_on(backend == Backend::late, 42, workers, call_body, &body);
	}
	int run(Body body, int workers = 1)
	{
		return run_with(GetParam(), workers, std::move(body));
	}
};

inline std::string name_of(Backend backend)
{
	return backend == Backend::late ? "late" : "poll";
}

#define ON_EACH_BACKEND(Suite)                                                                     \
	INSTANTIATE_TEST_SUITE_P(On, Suite, testing::Values(Backend::poll, Backend::late),             \
		[](const auto &info) { return name_of(info.param); })

inline std::string read_all(weft_stream *s)
{
	std::string all;
	char buffer[4096];
	size_t got;
	int rc;
	while ((rc = weft_stream_read(s, buffer, sizeof buffer, &got)) > 0) all.append(buffer, got);
	EXPECT_EQ(0, rc) << weft_error_name(rc);
	return all;
}

inline std::string read_n(weft_stream *s, size_t size)
{
	std::string all(size, '?');
	size_t done = 0;
	int rc = weft_stream_read_exact(s, all.data(), size, &done);
	EXPECT_EQ(0, rc) << weft_error_name(rc);
	all.resize(done);
	return all;
}

inline int write_text(weft_stream *s, const std::string &text)
{
	return weft_stream_write(s, text.data(), text.size());
}

/* Bytes that tell where they stand. */
inline std::string pattern(size_t size)
{
	std::string text(size, 0);
	uint32_t x = 1;
	for (auto &c : text) {
		x = x * 1664525 + 1013904223;
		c = static_cast<char>(x >> 24);
	}
	return text;
}

inline void connect_to(const std::string &address, weft_stream **out)
{
	int rc = address.rfind("unix:", 0) == 0
				 ? weft_unix_connect(address.c_str() + strlen("unix:"), out)
				 : weft_tcp_connect(address.c_str(), out);
	ASSERT_EQ(0, rc) << weft_error_name(rc);
}

/* Both ends of a connection through a listener at `address`. */
inline void connect_pair(const char *address, weft_stream **a, weft_stream **b)
{
	weft_listener *l;
	ASSERT_EQ(0, weft_listener_open(address, &l));
	weft_group *group = weft_group_open();
	std::string where = weft_listener_address(l);
	spawn(group, [&] {
		connect_to(where, a);
		return 0;
	});
	EXPECT_EQ(0, weft_listener_accept(l, b));
	EXPECT_EQ(0, weft_group_join(group, 0));
	weft_listener_close(l);
}

enum class Kind { tcp, local, memory, pipe };

inline std::string abstract_name()
{
	static int n = 0;
	return "unix:@weft-test-" + std::to_string(getpid()) + "-" + std::to_string(n++);
}

inline void pipe_pair(weft_stream **a, weft_stream **b)
{
	int there[2], back[2];
	ASSERT_EQ(0, pipe2(there, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(back, O_CLOEXEC));
	ASSERT_EQ(0, weft_stream_pipe(back[0], there[1], a));
	ASSERT_EQ(0, weft_stream_pipe(there[0], back[1], b));
}

inline void make_pair(Kind kind, weft_stream **a, weft_stream **b)
{
	if (kind == Kind::pipe) {
		pipe_pair(a, b);
		return;
	}
	if (kind == Kind::memory) {
		ASSERT_EQ(0, weft_stream_pair(a, b));
	} else if (kind == Kind::tcp)
		connect_pair("127.0.0.1:0", a, b);
	else
		connect_pair(abstract_name().c_str(), a, b);
}

/* The lowest free descriptor: where the next one will be. */
inline int next_descriptor()
{
	int fd = dup(0);
	close(fd);
	return fd;
}

/* `rounds` connections that end in each of the ways there are; the highest descriptor stays. */
inline int come_and_go(int rounds)
{
	weft_listener *l;
	EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
	int highest = 0;
	for (int i = 0; i < rounds; i++) {
		weft_stream *client, *server;
		connect_to(weft_listener_address(l), &client);
		EXPECT_EQ(0, weft_listener_accept(l, &server));
		if (i % 3 == 0)
			weft_stream_abort(server);
		else
			weft_stream_close(server);
		if (i % 2 == 0 && i % 3 != 0) {
			EXPECT_EQ("", read_all(client));
		}
		weft_stream_close(client);
		if (i == 20) highest = next_descriptor();
		if (i > 20) {
			EXPECT_LE(next_descriptor(), highest + 8);
		}
	}
	weft_listener_close(l);
	return 0;
}

#endif
