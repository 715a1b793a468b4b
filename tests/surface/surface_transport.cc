#include "tests/surface/surface.h"

#include <cstdarg>
#include <unistd.h>

namespace
{

struct Pair {
	weft_stream *a = nullptr, *b = nullptr;

	/* `text` waits to be read from a. */
	explicit Pair(const std::string &text = "")
	{
		EXPECT_EQ(0, weft_stream_pair(&a, &b));
		if (!text.empty()) {
			EXPECT_EQ(0, weft_stream_write(b, text.data(), text.size()));
		}
	}
	~Pair()
	{
		weft_stream_close(a);
		weft_stream_close(b);
	}
};

const std::string lines(2000, '\n');

/* On a pair of streams with enough to read. */
Entry on_pair(const char *name, Place place, const std::function<int(weft_stream *)> &call)
{
	return { name, [place, call](Stage &stage) {
				Pair pair(lines);
				stage.check(place, [&] { return call(pair.a); });
			} };
}

WEFT_PRINTF(2, 3) int vprint(weft_stream *s, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int rc = weft_stream_vprint(s, format, list);
	va_end(list);
	return rc;
}

Entries streams()
{
	static char buffer[8];
	static size_t got;
	return {
		on_pair("weft_stream_read", Place::suspends,
			[](weft_stream *s) { return weft_stream_read(s, buffer, 1, &got); }),
		on_pair("weft_stream_read_exact", Place::suspends,
			[](weft_stream *s) { return weft_stream_read_exact(s, buffer, 1, nullptr); }),
		on_pair("weft_stream_write", Place::suspends,
			[](weft_stream *s) { return weft_stream_write(s, "x", 1); }),
		on_pair("weft_stream_writev", Place::suspends,
			[](weft_stream *s) {
				struct iovec piece = { buffer, 1 };
				return weft_stream_writev(s, &piece, 1, nullptr);
			}),
		on_pair("weft_stream_write_some", Place::suspends,
			[](weft_stream *s) { return weft_stream_write_some(s, "x", 1, &got); }),
		on_pair("weft_stream_print", Place::suspends,
			[](weft_stream *s) { return weft_stream_print(s, "%d", 7); }),
		on_pair("weft_stream_vprint", Place::suspends,
			[](weft_stream *s) { return vprint(s, "%d", 7); }),
		on_pair("weft_stream_shutdown", Place::suspends, weft_stream_shutdown),
		on_pair("weft_stream_get_stats", Place::owner,
			[](weft_stream *s) {
				weft_stream_stats stats;
				weft_stream_get_stats(s, &stats);
				return static_cast<int>(stats.sent);
			}),
		on_pair("weft_stream_app", Place::owner,
			[](weft_stream *s) { return weft_stream_app(s) == nullptr ? 0 : -1; }),
		on_pair("weft_stream_peer", Place::owner,
			[](weft_stream *s) { return weft_stream_peer(s) != nullptr ? 0 : -1; }),
		{ "weft_stream_finish",
			[](Stage &stage) {
				/* The peer has read everything, so that it is delivered at once. */
				Pair pair;
				stage.check(Place::suspends, [&] { return weft_stream_finish(pair.a); });
			} },
	};
}

/* From a stream that has ended, to another. */
Entry copying(const char *name, int (*call)(weft_stream *, weft_stream *))
{
	return { name, [call](Stage &stage) {
				Pair from, to;
				EXPECT_EQ(0, weft_stream_shutdown(from.b));
				stage.check(Place::suspends, [&] { return call(from.a, to.a); });
			} };
}

const weft_stream_ops &silent_ops()
{
	static weft_stream_ops ops;
	ops.size = sizeof ops;
	ops.read = [](void *, void *, size_t, size_t *) { return 0; };
	ops.write = [](void *, const struct iovec *vector, int, size_t *done) {
		*done = vector->iov_len;
		return 0;
	};
	ops.shutdown = [](void *) { return 0; };
	ops.interrupt = [](void *) {};
	ops.free = [](void *, bool, bool) {};
	return ops;
}

Entries openers()
{
	return {
		copying("weft_stream_copy", weft_stream_copy),
		copying("weft_stream_copy_to",
			[](weft_stream *from, weft_stream *to) {
				return weft_stream_copy_to(from, to, nullptr);
			}),
		copying("weft_stream_forward", weft_stream_forward),
		{ "weft_stream_pair",
			[](Stage &stage) {
				stage.check(Place::worker, [] {
					weft_stream *a, *b;
					int rc = weft_stream_pair(&a, &b);
					if (rc != 0) return rc;
					weft_stream_close(a);
					weft_stream_close(b);
					return 0;
				});
			} },
		{ "weft_stream_pipe",
			[](Stage &stage) {
				stage.check(Place::worker, [] {
					int ends[2];
					if (pipe(ends) != 0) return -errno;
					weft_stream *s;
					int rc = weft_stream_pipe(ends[0], ends[1], &s);
					if (rc == 0) {
						weft_stream_close(s);
					} else {
						close(ends[0]);
						close(ends[1]);
					}
					return rc;
				});
			} },
		{ "weft_stream_new",
			[](Stage &stage) {
				stage.check(Place::worker, [] {
					weft_stream *s;
					int rc = weft_stream_new(&silent_ops(), nullptr, &s);
					if (rc == 0) weft_stream_close(s);
					return rc;
				});
			} },
		{ "weft_stream_close",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_stream_close(nullptr);
					return 0;
				});
			} },
		{ "weft_stream_abort",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_stream_abort(nullptr);
					return 0;
				});
				stage.check(Place::worker, [] {
					weft_stream *a, *b;
					int rc = weft_stream_pair(&a, &b);
					if (rc != 0) return rc;
					weft_stream_abort(a);
					weft_stream_abort(b);
					return 0;
				});
			} },
	};
}

Entry on_reader(const char *name, Place place, const std::function<int(weft_reader *)> &call)
{
	return { name, [place, call](Stage &stage) {
				Pair pair(lines);
				weft_reader *reader;
				ASSERT_EQ(0, weft_reader_open(pair.a, 16, &reader));
				stage.check(place, [&] { return call(reader); });
				weft_reader_close(reader);
			} };
}

Entries readers()
{
	static char buffer[8], *line;
	static size_t size;
	return {
		{ "weft_reader_open",
			[](Stage &stage) {
				Pair pair;
				stage.check(Place::owner, [&] {
					weft_reader *reader;
					int rc = weft_reader_open(pair.a, 16, &reader);
					if (rc == 0) weft_reader_close(reader);
					return rc;
				});
			} },
		on_reader("weft_reader_next_line", Place::suspends,
			[](weft_reader *r) { return weft_reader_next_line(r, &line); }),
		on_reader("weft_reader_next_until", Place::suspends,
			[](weft_reader *r) { return weft_reader_next_until(r, "\n", &line, &size); }),
		on_reader("weft_reader_read", Place::suspends,
			[](weft_reader *r) { return weft_reader_read(r, buffer, 1, &size); }),
		on_reader("weft_reader_read_exact", Place::suspends,
			[](weft_reader *r) { return weft_reader_read_exact(r, buffer, 1, nullptr); }),
		on_reader("weft_reader_left", Place::owner,
			[](weft_reader *r) {
				const void *left;
				weft_reader_left(r, &left, &size);
				return 0;
			}),
		on_reader("weft_reader_close", Place::any,
			[](weft_reader *) {
				weft_reader_close(nullptr);
				return 0;
			}),
	};
}

struct Listening {
	weft_listener *l = nullptr;
	std::string address;

	explicit Listening(const char *where = "127.0.0.1:0")
	{
		int rc = weft_listener_open(where, &l);
		EXPECT_EQ(0, rc) << weft_error_name(rc);
		address = weft_listener_address(l);
	}
	~Listening()
	{
		for (weft_stream *s : asking) weft_stream_abort(s);
		weft_listener_close(l);
	}
	/* Whoever asks is in the kernel's queue by the time this returns. */
	void ask()
	{
		weft_stream *s = nullptr;
		EXPECT_EQ(0, weft_tcp_connect(address.c_str(), &s));
		asking.push_back(s);
	}

	std::vector<weft_stream *> asking;
};

/* Connections wait, each call takes one. */
Entry accepting(const char *name, int (*accept)(weft_listener *, weft_stream **))
{
	return { name, [accept](Stage &stage) {
				Listening listening;
				for (int i = 0; i < 20; i++) listening.ask();
				stage.check(Place::suspends, [&] {
					weft_stream *s;
					int rc = accept(listening.l, &s);
					if (rc >= 0) weft_stream_abort(s);
					return rc;
				});
			} };
}

/* Serving ends at once, for this task is asked to drain and nobody waits. */
int serve_in_a_draining_group(bool handlers, weft_listener *l)
{
	static const weft_protocol silent = { .data = [](weft_connection *, const char *, size_t) {
		return 0;
	} };
	weft_group *group = weft_group_open();
	int rc = handlers ? weft_protocol_serve(l, group, &silent, nullptr)
					  : weft_listener_serve(
							l, group, [](weft_stream *) { return 0; }, nullptr);
	int joined = weft_group_join(group, 0);
	return rc < 0 ? rc : joined;
}

Entry serving(const char *name, bool handlers)
{
	return { name, [handlers](Stage &stage) {
				drain_first();
				Listening listening;
				stage.check(Place::suspends,
					[&] { return serve_in_a_draining_group(handlers, listening.l); });
			} };
}

Entries listeners()
{
	return {
		{ "weft_listener_open_with",
			[](Stage &stage) {
				stage.check(Place::suspends, [] {
					weft_listener *l;
					int rc = weft_listener_open("127.0.0.1:0", &l);
					if (rc == 0) weft_listener_close(l);
					return rc;
				});
			} },
		{ "weft_listener_address",
			[](Stage &stage) {
				Listening listening;
				stage.check(Place::any,
					[&] { return weft_listener_address(listening.l) != nullptr ? 0 : -1; });
			} },
		accepting("weft_listener_accept", weft_listener_accept),
		accepting("weft_listener_next", weft_listener_next),
		serving("weft_listener_serve", false),
		serving("weft_protocol_serve", true),
		{ "weft_listener_get_stats",
			[](Stage &stage) {
				Listening listening;
				stage.check(Place::owner, [&] {
					weft_listener_stats stats;
					weft_listener_get_stats(listening.l, &stats);
					return stats.open;
				});
			} },
		{ "weft_listener_close",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_listener_close(nullptr);
					return 0;
				});
			} },
	};
}

/* Connects, and has done with it. */
template <class Connect> int in_vain(Connect connect)
{
	weft_stream *s;
	int rc = connect(&s);
	if (rc == 0) weft_stream_abort(s);
	return rc;
}

Entries clients()
{
	auto resolve = [] {
		weft_address list[2];
		size_t n;
		return weft_resolve("127.0.0.1:80", list, 2, &n);
	};
	return {
		{ "weft_resolve", [resolve](Stage &stage) { stage.check(Place::suspends, resolve); } },
		{ "weft_tcp_connect",
			[](Stage &stage) {
				Listening listening;
				stage.check(Place::suspends, [&] {
					return in_vain([&](weft_stream **s) {
						return weft_tcp_connect(listening.address.c_str(), s);
					});
				});
			} },
		{ "weft_tcp_connect_address",
			[](Stage &stage) {
				Listening listening;
				weft_address address;
				EXPECT_EQ(0, weft_address_parse(listening.address.c_str(), &address));
				stage.check(Place::suspends, [&] {
					return in_vain(
						[&](weft_stream **s) { return weft_tcp_connect_address(&address, s); });
				});
			} },
		{ "weft_unix_connect",
			[](Stage &stage) {
				std::string name = "@weft-surface-" + std::to_string(getpid());
				Listening listening(("unix:" + name).c_str());
				stage.check(Place::suspends, [&] {
					return in_vain(
						[&](weft_stream **s) { return weft_unix_connect(name.c_str(), s); });
				});
			} },
	};
}

struct Socket {
	weft_udp *u = nullptr;
	weft_address here = {};

	Socket()
	{
		EXPECT_EQ(0, weft_udp_open("127.0.0.1:0", &u));
		EXPECT_EQ(0, weft_address_parse(weft_udp_address(u), &here));
	}
	~Socket()
	{
		weft_udp_close(u);
	}
};

Entries datagrams()
{
	return {
		{ "weft_udp_open",
			[](Stage &stage) {
				stage.check(Place::worker, [] {
					weft_udp *u;
					int rc = weft_udp_open("127.0.0.1:0", &u);
					if (rc == 0) weft_udp_close(u);
					return rc;
				});
			} },
		{ "weft_udp_address",
			[](Stage &stage) {
				Socket socket;
				stage.check(
					Place::owner, [&] { return weft_udp_address(socket.u) != nullptr ? 0 : -1; });
			} },
		{ "weft_udp_receive",
			[](Stage &stage) {
				Socket socket;
				for (int i = 0; i < 20; i++)
					EXPECT_EQ(0, weft_udp_send(socket.u, "x", 1, &socket.here));
				stage.check(Place::suspends, [&] {
					char c;
					size_t got;
					return weft_udp_receive(socket.u, &c, 1, &got, nullptr);
				});
			} },
		{ "weft_udp_send",
			[](Stage &stage) {
				Socket socket;
				stage.check(
					Place::suspends, [&] { return weft_udp_send(socket.u, "x", 1, &socket.here); });
			} },
		{ "weft_udp_close",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_udp_close(nullptr);
					return 0;
				});
			} },
		{ "weft_address_parse",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_address address;
					return weft_address_parse("127.0.0.1:80", &address);
				});
			} },
		{ "weft_address_format",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_address address;
					char text[WEFT_ADDRESS_TEXT];
					int rc = weft_address_parse("127.0.0.1:80", &address);
					return rc < 0 ? rc : weft_address_format(&address, text, sizeof text);
				});
			} },
		{ "weft_address_port",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_address address = {};
					return weft_address_port(&address);
				});
			} },
	};
}

/* Within an event of a connection. */
struct Event {
	Stage *stage;
	std::function<void(Stage &, weft_connection *)> play;
	bool played = false;
};

int played(weft_connection *c, const char *, size_t)
{
	auto *event = static_cast<Event *>(weft_connection_app(c));
	event->played = true;
	event->play(*event->stage, c);
	return weft_drain();
}

void play_in_an_event(Stage &stage, std::function<void(Stage &, weft_connection *)> play)
{
	static const weft_protocol protocol = { .data = played };
	Event event = { &stage, std::move(play) };
	Listening listening;
	weft_stream *client;
	ASSERT_EQ(0, weft_tcp_connect(listening.address.c_str(), &client));
	EXPECT_EQ(0, weft_stream_write(client, "x", 1));
	weft_group *group = weft_group_open();
	EXPECT_EQ(0, weft_protocol_serve(listening.l, group, &protocol, &event));
	weft_stream_close(client);
	EXPECT_EQ(0, weft_group_join(group, 0));
	EXPECT_TRUE(event.played);
}

Entry in_event(const char *name, Place place, int (*call)(weft_connection *))
{
	return { name, [place, call](Stage &stage) {
				play_in_an_event(stage, [place, call](Stage &inside, weft_connection *c) {
					inside.check(place, [&] { return call(c); });
				});
			} };
}

/* What it begins goes on when the event is over: a task that writes, a timer for the end. */
Entry beginning(const char *name, const Change &change, int (*call)(weft_connection *))
{
	return { name, [change, call](Stage &stage) {
				play_in_an_event(stage, [change, call](Stage &inside, weft_connection *c) {
					inside.check_begins(change, [&] { return call(c); });
				});
			} };
}

Entries connections()
{
	return {
		in_event("weft_connection_app", Place::owner,
			[](weft_connection *c) { return weft_connection_app(c) != nullptr ? 0 : -1; }),
		in_event("weft_connection_state", Place::owner,
			[](weft_connection *c) {
				(void)weft_connection_state(c);
				return 0;
			}),
		in_event("weft_connection_peer", Place::owner,
			[](weft_connection *c) { return weft_connection_peer(c) != nullptr ? 0 : -1; }),
		in_event("weft_connection_write", Place::suspends,
			[](weft_connection *c) { return weft_connection_write(c, "x", 1); }),
		in_event("weft_connection_print", Place::suspends,
			[](weft_connection *c) { return weft_connection_print(c, "%d", 7); }),
		beginning("weft_connection_post", { .tasks = 1 },
			[](weft_connection *c) { return weft_connection_post(c, "x", 1); }),
		beginning("weft_connection_close", { .timers = 1 },
			[](weft_connection *c) {
				weft_connection_close(c);
				return 0;
			}),
		beginning("weft_connection_abort", { .timers = 1, .descriptors = -1 },
			[](weft_connection *c) {
				weft_connection_abort(c);
				return 0;
			}),
	};
}

} // namespace

Entries transport_entries()
{
	Entries all;
	for (auto part : { streams, openers, readers, listeners, clients, datagrams, connections })
		for (auto &entry : part()) all.push_back(entry);
	return all;
}
