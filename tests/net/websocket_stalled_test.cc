/* A peer that stops reading, on a real socket: what is sent to it stops as well, costs one message
 * and no more, and ends by a time that somebody set. */
#include <csignal>
#include <future>
#include <thread>

#include <poll.h>

#include <weft/server.h>

#include "tests/net/support.h"
#include "tests/net/websocket_raw.h"
#include "tests/net/websocket_shim.h"
#include "tests/support/failing_allocator.h"

namespace
{

enum { MESSAGE = 100000 };

struct Pour {
	std::promise<void> listening;
	int port = 0;
	/* What the one that sends saw. */
	size_t sent = 0, buffer = 0;
	long bytes = 0, bytes_most = 0;
	int rc = 1;
	weft_reason reason = WEFT_REASON_NONE;
};

int look_at_memory(void *arg)
{
	auto *pour = static_cast<Pour *>(arg);
	int rc = 0;
	while (rc == 0) {
		pour->bytes_most = std::max(pour->bytes_most, failing_allocator_live_bytes());
		rc = weft_sleep_ms(1);
	}
	return 0;
}

/* Sends as fast as it can until somebody says stop. */
int pour_out(weft_websocket *ws, Pour *pour)
{
	weft_message *m = nullptr;
	std::string text(MESSAGE, 'x');
	int rc = weft_message_new(text.data(), text.size(), false, &m);
	if (rc != 0) return rc;
	weft_group *group = weft_group_open();
	rc = weft_spawn(group, look_at_memory, pour, .service = true);
	pour->bytes = failing_allocator_live_bytes();
	while (rc == 0) {
		rc = weft_websocket_send(ws, m);
		if (rc == 0) pour->sent++;
	}
	pour->buffer = test_websocket_buffer(ws);
	pour->rc = rc;
	pour->reason = weft_cancel_reason(nullptr);
	weft_message_unref(m);
	return weft_group_join(group, 0);
}

/* Its time is up, */
int pour_for_a_while(weft_websocket *ws)
{
	auto *pour = static_cast<Pour *>(weft_websocket_app(ws));
	weft_scope *scope = weft_scope_open(.timeout_ms = 300);
	pour_out(ws, pour);
	return weft_scope_close(scope, pour->rc);
}

/* or the peer's. */
int pour_on(weft_websocket *ws)
{
	auto *pour = static_cast<Pour *>(weft_websocket_app(ws));
	pour_out(ws, pour);
	return pour->rc;
}

const weft_websocket_options long_write = { .close_ms = 50, .write_ms = -1 };
const weft_websocket_options short_write = { .close_ms = 50, .write_ms = 300 };

int serve(void *arg)
{
	static const weft_route routes[] = {
		WEFT_WEBSOCKET("/deadline", pour_for_a_while, .websocket_options = &long_write),
		WEFT_WEBSOCKET("/silence", pour_on, .websocket_options = &short_write),
	};
	auto listening = [](void *app, const char *address) {
		auto *pour = static_cast<Pour *>(app);
		pour->port = atoi(strrchr(address, ':') + 1);
		pour->listening.set_value();
	};
	return weft_http_serve(routes, .listen = "127.0.0.1:0", .app = arg, .listening = listening);
}

struct WebsocketStalled : testing::Test {
	Pour pour;
	int receive_buffer = 0;

	void SetUp() override
	{
		failing_allocator_install();
	}
	void TearDown() override
	{
		EXPECT_EQ(0, failing_allocator_live_bytes());
		failing_allocator_remove();
	}
	/* Until the server has given the connection up: reset, since not all of it was taken. */
	void wait_for_the_end(int fd)
	{
		pollfd hung = { fd, 0, 0 };
		socklen_t length = sizeof receive_buffer;
		EXPECT_EQ(1, poll(&hung, 1, 60000));
		EXPECT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, &length));
	}
	void serve_to(const std::string &path)
	{
		std::thread client([&] {
			pour.listening.get_future().wait();
			Raw client(pour.port);
			EXPECT_TRUE(client.ask(path));
			EXPECT_TRUE(client.hear("HTTP/1.1 101 "));
			wait_for_the_end(client.fd);
			kill(getpid(), SIGTERM);
		});
		EXPECT_EQ(0, weft_run(serve, &pour, .workers = 1));
		client.join();
	}
	/* The kernel's buffers, and the one message that waits. */
	void expect_that_it_stopped() const
	{
		size_t buffers = pour.buffer + static_cast<size_t>(receive_buffer);
		EXPECT_LE(pour.sent * MESSAGE, buffers + MESSAGE);
		EXPECT_GT(pour.sent, 0u);
		EXPECT_LE(pour.bytes_most, pour.bytes + 4096);
	}
};

TEST_F(WebsocketStalled, StopsItsSenderUntilADeadline)
{
	serve_to("/deadline");
	expect_that_it_stopped();
	EXPECT_EQ(WEFT_ECANCELED, pour.rc);
	EXPECT_EQ(WEFT_REASON_DEADLINE, pour.reason);
}

TEST_F(WebsocketStalled, IsGivenUpWhenItTakesNothingForTooLong)
{
	serve_to("/silence");
	expect_that_it_stopped();
	EXPECT_EQ(WEFT_ETIMEDOUT, pour.rc);
}

} // namespace
