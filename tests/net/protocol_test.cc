#include <weft/protocol.h>

#include <vector>

#include "tests/net/support.h"

namespace
{

/* What the handlers saw and what they shall do. */
struct App {
	std::vector<std::string> events;
	std::vector<weft_connection *> connections;
	std::string got;
	int closed_with = 1;
	int data_result = 0;
	bool slow = false;
	weft_event go = {};
};

App *app_of(weft_connection *c)
{
	return static_cast<App *>(weft_connection_app(c));
}

int on_connected(weft_connection *c)
{
	App *app = app_of(c);
	app->events.push_back("connected");
	app->connections.push_back(c);
	*static_cast<int *>(weft_connection_state(c)) += 1;
	return 0;
}

int on_data(weft_connection *c, const char *data, size_t size)
{
	App *app = app_of(c);
	EXPECT_EQ(1, *static_cast<int *>(weft_connection_state(c)));
	app->got.append(data, size);
	if (app->slow) {
		app->events.push_back("begin");
		int rc = weft_event_wait(&app->go);
		app->events.push_back("end");
		if (rc != 0) return rc;
	}
	return app->data_result;
}

int on_eof(weft_connection *c)
{
	app_of(c)->events.push_back("eof");
	return weft_connection_write(c, app_of(c)->got.data(), app_of(c)->got.size());
}

void on_closed(weft_connection *c, int rc)
{
	App *app = app_of(c);
	app->events.push_back("closed");
	app->closed_with = rc;
	EXPECT_EQ(WEFT_ECLOSED, weft_connection_post(c, "x", 1));
	EXPECT_EQ(WEFT_ECLOSED, weft_connection_write(c, "x", 1));
}

const weft_protocol echo_at_end = {
	.state = sizeof(int),
	.unsent = 100000,
	.connected = on_connected,
	.data = on_data,
	.eof = on_eof,
	.closed = on_closed,
};

struct Protocol : OnBackend {
	App app;
	weft_listener *l = nullptr;
	weft_group *group = nullptr;
	weft_stream *client = nullptr;

	/* Runs `body` with a client connected to a server; then drains that. */
	void with(const weft_protocol *protocol, Body body)
	{
		int rc = run([&] {
			EXPECT_EQ(0, weft_listener_open("127.0.0.1:0", &l));
			group = weft_group_open();
			spawn(group, [&] { return weft_protocol_serve(l, group, protocol, &app); });
			connect_to(weft_listener_address(l), &client);
			int result = body();
			weft_stream_close(client);
			weft_group_drain(group, 1000);
			int joined = weft_group_join(group, 0);
			EXPECT_EQ(0, joined) << weft_error_name(joined);
			weft_listener_close(l);
			return result;
		});
		EXPECT_EQ(0, rc) << weft_error_name(rc);
	}
	void wait_for_events(size_t n)
	{
		while (app.events.size() < n) ASSERT_EQ(0, weft_sleep_ms(1));
	}
};

ON_EACH_BACKEND(Protocol);

using Events = std::vector<std::string>;

TEST_P(Protocol, CallsItsHandlersInOrder)
{
	std::string text = pattern(100000);
	with(&echo_at_end, [&] {
		EXPECT_EQ(0, write_text(client, text));
		EXPECT_EQ(0, weft_stream_finish(client));
		EXPECT_TRUE(read_all(client) == text);
		wait_for_events(3);
		return 0;
	});
	EXPECT_EQ((Events{ "connected", "eof", "closed" }), app.events);
	EXPECT_EQ(0, app.closed_with);
}

TEST_P(Protocol, GivesTheNextEventOnlyWhenTheLastIsOver)
{
	app.slow = true;
	with(&echo_at_end, [&] {
		EXPECT_EQ(0, write_text(client, "1"));
		wait_for_events(2);
		EXPECT_EQ(0, write_text(client, "2"));
		EXPECT_EQ(0, weft_stream_shutdown(client));
		let_others_run();
		EXPECT_EQ((Events{ "connected", "begin" }), app.events);
		weft_event_set(&app.go);
		EXPECT_EQ("12", read_all(client));
		return 0;
	});
	EXPECT_EQ((Events{ "connected", "begin", "end", "begin", "end", "eof", "closed" }), app.events);
}

TEST_P(Protocol, EndsAConnectionWhoseHandlerFails)
{
	app.data_result = WEFT_EPROTO;
	with(&echo_at_end, [&] {
		EXPECT_EQ(0, write_text(client, "nonsense"));
		EXPECT_EQ("", read_all(client));
		return 0;
	});
	EXPECT_EQ((Events{ "connected", "closed" }), app.events);
	EXPECT_EQ(WEFT_EPROTO, app.closed_with);
}

TEST_P(Protocol, TellsOfAReset)
{
	with(&echo_at_end, [&] {
		wait_for_events(1);
		weft_stream_abort(client);
		client = nullptr;
		wait_for_events(2);
		return 0;
	});
	EXPECT_EQ(WEFT_ECONNRESET, app.closed_with);
}

TEST_P(Protocol, SendsWhatIsPostedInOrderAndRefusesTooMuch)
{
	std::string expected;
	with(&echo_at_end, [&] {
		wait_for_events(1);
		weft_connection *c = app.connections[0];
		for (int i = 0; i < 1000; i++) {
			std::string line = std::to_string(i) + "\n";
			EXPECT_EQ(0, weft_connection_post(c, line.data(), line.size()));
			expected += line;
			if (i % 100 == 0) {
				EXPECT_EQ(0, weft_yield());
			}
		}
		EXPECT_EQ(expected, read_n(client, expected.size()));
		int rc = 0, n = 0;
		std::string much(50000, 'm');
		while ((rc = weft_connection_post(c, much.data(), much.size())) == 0 && n++ < 10000)
			EXPECT_EQ(0, weft_yield());
		EXPECT_EQ(WEFT_EFULL, rc);
		weft_connection_abort(c);
		wait_for_events(2);
		return 0;
	});
	EXPECT_EQ(WEFT_ECLOSED, app.closed_with);
}

TEST_P(Protocol, SendsWhatWasPostedBeforeItCloses)
{
	with(&echo_at_end, [&] {
		wait_for_events(1);
		weft_connection *c = app.connections[0];
		EXPECT_EQ(0, weft_connection_post(c, "goodbye", 7));
		weft_connection_close(c);
		EXPECT_EQ(WEFT_ECLOSED, weft_connection_post(c, "more", 4));
		EXPECT_EQ("goodbye", read_all(client));
		return 0;
	});
	EXPECT_EQ((Events{ "connected", "closed" }), app.events);
	EXPECT_EQ(0, app.closed_with);
}

TEST_P(Protocol, EndsIdleConnectionsWhenItDrains)
{
	with(&echo_at_end, [&] {
		wait_for_events(1);
		weft_group_drain(group, 60000);
		EXPECT_EQ("", read_all(client));
		return 0;
	});
	EXPECT_EQ((Events{ "connected", "closed" }), app.events);
	EXPECT_EQ(0, app.closed_with);
}

TEST_P(Protocol, EndsBusyConnectionsWhenTheGroupIsCancelled)
{
	app.slow = true;
	with(&echo_at_end, [&] {
		EXPECT_EQ(0, write_text(client, "1"));
		wait_for_events(2);
		weft_group_cancel(group);
		EXPECT_EQ("", read_all(client));
		return 0;
	});
	EXPECT_EQ((Events{ "connected", "begin", "end", "closed" }), app.events);
	EXPECT_EQ(WEFT_ECANCELED, app.closed_with);
}

TEST_P(Protocol, NeedsADataHandler)
{
	weft_protocol none = {};
	EXPECT_EQ(0, run([&] {
		return weft_protocol_serve(nullptr, nullptr, &none, nullptr) == WEFT_EINVAL ? 0 : -1;
	}));
}

} // namespace
