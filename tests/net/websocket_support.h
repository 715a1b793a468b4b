/* A WebSocket client made of frames, over a stream whose other end a session serves. */
#ifndef WF_TESTS_NET_WEBSOCKET_SUPPORT_H
#define WF_TESTS_NET_WEBSOCKET_SUPPORT_H

#include <tuple>

#include <sys/socket.h>

#include "tests/net/support.h"
#include "tests/net/websocket_frame_log.h"
#include "tests/net/websocket_shim.h"

/* What went wrong in a test must not keep the rest from ending. */
enum { PATIENCE_MS = 5000 };

class Client
{
  public:
	explicit Client(weft_stream *stream) : stream_(stream)
	{
	}
	Client(const Client &) = delete;
	~Client()
	{
		weft_stream_close(stream_);
	}

	void send(const std::string &bytes)
	{
		int rc = write_text(stream_, bytes);
		EXPECT_EQ(0, rc) << weft_error_name(rc);
	}
	void text(const std::string &payload)
	{
		send(frames::frame(frames::FIN | frames::TEXT, payload));
	}
	void ping(const std::string &payload = "")
	{
		send(frames::frame(frames::FIN | frames::PING, payload));
	}
	void close(unsigned code, const std::string &reason = "")
	{
		send(frames::close_frame(code, reason));
	}

	/* Reads until the server has said just this (since the last call), or has ended. */
	void expect(const std::string &wanted)
	{
		weft_scope *scope = weft_scope_open(.timeout_ms = PATIENCE_MS);
		int rc = 0;
		while (log_.text.size() < wanted.size() && rc == 0) rc = read_more();
		EXPECT_EQ(wanted, log_.text) << weft_error_name(rc);
		EXPECT_EQ(0, weft_scope_close(scope, rc < 0 ? rc : 0));
		log_.text.clear();
	}
	/* Nothing but this until the end of the connection: 0 a proper end, or the error. */
	void expect_end(const std::string &wanted, int how = 0)
	{
		weft_scope *scope = weft_scope_open(.timeout_ms = PATIENCE_MS);
		int rc = 0;
		while (rc == 0) rc = read_more();
		if (rc == WEFT_EOF) rc = 0;
		EXPECT_EQ(wanted, log_.text);
		EXPECT_EQ(how, rc) << weft_error_name(rc);
		int closed = weft_scope_close(scope, 0);
		EXPECT_EQ(0, closed);
		log_.text.clear();
	}
	std::string take()
	{
		std::string text;
		text.swap(log_.text);
		return text;
	}
	/* 0 some came, EOF, or an error. */
	int read_more()
	{
		char buffer[8192];
		size_t got = 0;
		int rc = weft_stream_read(stream_, buffer, sizeof buffer, &got);
		if (rc <= 0) return rc ? rc : WEFT_EOF;
		log_.feed(std::string_view(buffer, got));
		return 0;
	}
	weft_stream *stream()
	{
		return stream_;
	}
	/* Without the close that is due. */
	void vanish()
	{
		weft_stream_close(stream_);
		stream_ = nullptr;
	}
	void reset()
	{
		weft_stream_abort(stream_);
		stream_ = nullptr;
	}
	const std::string &said() const
	{
		return log_.text;
	}

  private:
	weft_stream *stream_;
	static constexpr wf_websocket_rules rules = { .message_max = 1 << 30 };
	frames::Log log_{ rules };
};

/* Handlers and straight lines from lambdas: `app` points to these. */
struct Script {
	std::function<int(weft_websocket *)> line;
	std::function<int(weft_websocket *)> open;
	std::function<int(weft_websocket *, const weft_message *)> message;
	std::function<void(weft_websocket *)> closed;
	test_websocket setup{};
	int served = 1;
};

inline Script *script_of(const weft_websocket *ws)
{
	return static_cast<Script *>(weft_websocket_app(ws));
}

inline int run_line(weft_websocket *ws)
{
	return script_of(ws)->line(ws);
}

inline int run_open(weft_websocket *ws)
{
	auto &open = script_of(ws)->open;
	return open ? open(ws) : 0;
}

inline int run_message(weft_websocket *ws, const weft_message *m)
{
	auto &message = script_of(ws)->message;
	return message ? message(ws, m) : 0;
}

inline void run_closed(weft_websocket *ws)
{
	auto &closed = script_of(ws)->closed;
	if (closed) closed(ws);
}

inline const weft_websocket_events script_events = { run_open, run_message, run_closed };

/* A task of `group` that serves `stream` by the script. */
inline void serve(weft_group *group, weft_stream *stream, bool socket, Script &script)
{
	script.setup.stream = stream;
	script.setup.socket = socket;
	script.setup.group = group;
	script.setup.app = &script;
	if (script.line)
		script.setup.fn = run_line;
	else
		script.setup.events = &script_events;
	spawn(group, [&script] {
		script.served = test_websocket_serve(&script.setup);
		return 0;
	});
}

/* Each test on both back ends, over a socket and over a stream that only tasks can read. */
using Place = std::tuple<Backend, Kind>;

struct OnEachPlace : testing::TestWithParam<Place> {
	bool is_socket() const
	{
		return std::get<1>(GetParam()) != Kind::memory;
	}
	/* Serves by `script`, and lets `body` be the client. */
	void run(Script &script, std::function<void(Client &)> body)
	{
		int rc = OnBackend::run_with(std::get<0>(GetParam()), 1, [&] {
			weft_stream *a = nullptr, *b = nullptr;
			make_pair(std::get<1>(GetParam()), &a, &b);
			weft_group *group = weft_group_open();
			serve(group, b, is_socket(), script);
			{
				Client client(a);
				body(client);
			}
			return weft_group_join(group, 0);
		});
		EXPECT_EQ(0, rc) << weft_error_name(rc);
		EXPECT_EQ(0, script.served);
	}
};

inline std::string name_of_place(const testing::TestParamInfo<Place> &info)
{
	static const char *const kinds[] = { "tcp", "local", "memory" };
	return name_of(std::get<0>(info.param)) + "_" +
		   kinds[static_cast<int>(std::get<1>(info.param))];
}

#define ON_EACH_PLACE(Suite)                                                                       \
	INSTANTIATE_TEST_SUITE_P(On, Suite,                                                            \
		testing::Combine(testing::Values(Backend::poll, Backend::late),                            \
			testing::Values(Kind::tcp, Kind::memory)),                                             \
		name_of_place)

/* Drains, and cancels `drain_ms` later, whatever serves. */
inline void drain_while_serving(const Place &place, Script &script, int drain_ms,
	std::function<void(Client &)> before, std::function<void(Client &)> after)
{
	int rc = OnBackend::run_with(std::get<0>(place), 1, [&] {
		weft_stream *a = nullptr, *b = nullptr;
		make_pair(std::get<1>(place), &a, &b);
		weft_group *group = weft_group_open();
		serve(group, b, std::get<1>(place) != Kind::memory, script);
		weft_group *clients = weft_group_open();
		test_gate *gate = test_gate_new();
		spawn(clients, [&] {
			Client client(a);
			before(client);
			test_gate_open(gate);
			after(client);
			return 0;
		});
		EXPECT_EQ(0, test_gate_wait(gate));
		int drained = weft_group_drain(group, drain_ms);
		int joined = weft_group_join(group, 0);
		EXPECT_EQ(0, weft_group_join(clients, 0));
		test_gate_free(gate);
		EXPECT_TRUE(joined == 0 || joined == WEFT_EDEADLINE) << weft_error_name(joined);
		return drained == WEFT_EDEADLINE ? 0 : drained;
	});
	EXPECT_EQ(0, rc) << weft_error_name(rc);
	EXPECT_EQ(0, script.served);
}

inline int echo(weft_websocket *ws)
{
	const weft_message *m;
	int rc;
	while ((rc = weft_websocket_next(ws, &m)) > 0) {
		rc = weft_websocket_send(ws, m);
		if (rc != 0) break;
	}
	return rc;
}

#endif
