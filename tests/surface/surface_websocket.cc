#include "tests/surface/handler.h"

#include <cstdarg>

namespace
{

WEFT_PRINTF(2, 3) int vprint(weft_message **out, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int rc = weft_message_vprint(out, format, list);
	va_end(list);
	return rc;
}

Entry of_message(const char *name, const std::function<int(weft_message *)> &call)
{
	return { name, [call](Stage &stage) {
				stage.check(Place::any, [call] {
					weft_message *m;
					int rc = weft_message_new("x", 1, false, &m);
					if (rc != 0) return rc;
					rc = call(m);
					weft_message_unref(m);
					return rc;
				});
			} };
}

Entry making(const char *name, int (*make)(weft_message **))
{
	return { name, [make](Stage &stage) {
				stage.check(Place::any, [make] {
					weft_message *m;
					int rc = make(&m);
					if (rc == 0) weft_message_unref(m);
					return rc;
				});
			} };
}

Entries messages()
{
	return {
		of_message("weft_message_new", [](weft_message *) { return 0; }),
		making("weft_message_print", [](weft_message **m) { return weft_message_print(m, "x"); }),
		making("weft_message_vprint", [](weft_message **m) { return vprint(m, "x"); }),
		of_message("weft_message_ref",
			[](weft_message *m) {
				weft_message_unref(weft_message_ref(m));
				return 0;
			}),
		of_message("weft_message_unref",
			[](weft_message *) {
				weft_message_unref(nullptr);
				return 0;
			}),
		of_message("weft_message_text", [](weft_message *m) { return *weft_message_text(m); }),
		of_message("weft_message_size",
			[](weft_message *m) { return static_cast<int>(weft_message_size(m)); }),
		of_message(
			"weft_message_binary", [](weft_message *m) { return weft_message_binary(m) ? -1 : 0; }),
	};
}

struct Subscribed {
	weft_subscription *s = nullptr;

	explicit Subscribed(int waiting)
	{
		EXPECT_EQ(0, weft_subscription_open("news", &s));
		for (int i = 0; i < waiting; i++) EXPECT_EQ(0, weft_topic_print("news", "x"));
	}
	~Subscribed()
	{
		weft_subscription_close(s);
	}
};

Entries topics()
{
	return {
		{ "weft_topic_publish",
			[](Stage &stage) {
				Subscribed subscribed(0);
				weft_message *m;
				ASSERT_EQ(0, weft_message_new("x", 1, false, &m));
				stage.check(Place::worker, [&] { return weft_topic_publish("news", m); });
				weft_message_unref(m);
			} },
		{ "weft_topic_print",
			[](Stage &stage) {
				Subscribed subscribed(0);
				stage.check(Place::worker, [] { return weft_topic_print("news", "x"); });
			} },
		{ "weft_topic_get_stats",
			[](Stage &stage) {
				stage.check(Place::worker, [] {
					weft_topic_stats stats;
					return weft_topic_get_stats("news", &stats);
				});
			} },
		{ "weft_subscription_open_with",
			[](Stage &stage) {
				stage.check(Place::worker, [] {
					weft_subscription *s;
					int rc = weft_subscription_open("news", &s);
					if (rc == 0) weft_subscription_close(s);
					return rc;
				});
			} },
		{ "weft_subscription_next",
			[](Stage &stage) {
				Subscribed subscribed(20);
				stage.check(Place::suspends, [&] {
					const weft_message *m;
					return weft_subscription_next(subscribed.s, &m);
				});
			} },
		{ "weft_subscription_dropped",
			[](Stage &stage) {
				Subscribed subscribed(0);
				stage.check(Place::owner,
					[&] { return static_cast<int>(weft_subscription_dropped(subscribed.s)); });
			} },
		{ "weft_subscription_close",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_subscription_close(nullptr);
					return 0;
				});
			} },
	};
}

Entry in_session(const char *name, Place place, const std::function<int(weft_websocket *)> &call)
{
	return { name, [place, call](Stage &stage) {
				play_in_a_session(stage, [place, call](Stage &inside, weft_websocket *ws) {
					inside.check(place, [&] { return call(ws); });
					return 0;
				});
			} };
}

Entry once(const char *name, const std::function<int(weft_websocket *)> &call)
{
	return { name, [call](Stage &stage) {
				play_in_a_session(stage, [call](Stage &inside, weft_websocket *ws) {
					inside.check_once([&] { return call(ws); });
					return 0;
				});
			} };
}

int present(const void *thing)
{
	return thing != nullptr ? 0 : -1;
}

Entries sessions()
{
	return {
		in_session("weft_websocket_app", Place::owner,
			[](weft_websocket *ws) { return present(weft_websocket_app(ws)); }),
		in_session("weft_websocket_param", Place::owner,
			[](weft_websocket *ws) { return present(weft_websocket_param(ws, "id")); }),
		in_session("weft_websocket_request", Place::owner,
			[](weft_websocket *ws) { return present(weft_websocket_request(ws)); }),
		in_session("weft_websocket_subprotocol", Place::owner,
			[](weft_websocket *ws) { return weft_websocket_subprotocol(ws) == nullptr ? 0 : -1; }),
		in_session("weft_websocket_peer", Place::owner,
			[](weft_websocket *ws) { return present(weft_websocket_peer(ws)); }),
		in_session("weft_websocket_keep", Place::owner,
			[](weft_websocket *ws) {
				weft_websocket_keep(ws, ws);
				return 0;
			}),
		in_session("weft_websocket_kept", Place::owner,
			[](weft_websocket *ws) { return weft_websocket_kept(ws) == nullptr ? 0 : -1; }),
		once("weft_websocket_alloc",
			[](weft_websocket *ws) { return present(weft_websocket_alloc(ws, 8)); }),
		in_session("weft_websocket_close_code", Place::owner,
			[](weft_websocket *ws) { return weft_websocket_close_code(ws); }),
		in_session("weft_websocket_close_reason", Place::owner,
			[](weft_websocket *ws) { return present(weft_websocket_close_reason(ws)); }),
		in_session("weft_websocket_get_stats", Place::owner,
			[](weft_websocket *ws) {
				weft_websocket_stats stats;
				weft_websocket_get_stats(ws, &stats);
				return static_cast<int>(stats.dropped);
			}),
		{ "weft_websocket_finish",
			[](Stage &stage) {
				play_in_a_session(stage, [](Stage &inside, weft_websocket *ws) {
					/* The peer's time to answer runs. */
					inside.check_begins({ .timers = 1 }, [&] {
						weft_websocket_finish(ws, 1000, nullptr);
						return 0;
					});
					return 0;
				});
			} },
		once("weft_websocket_subscribe_with",
			[](weft_websocket *ws) { return weft_websocket_subscribe(ws, "news"); }),
		in_session("weft_websocket_unsubscribe", Place::owner,
			[](weft_websocket *ws) {
				weft_websocket_unsubscribe(ws, "news");
				return 0;
			}),
		{ "weft_websocket_upgrade",
			[](Stage &stage) {
				play_in_a_handler(stage, [](Stage &inside, weft_request *rq) {
					int rc = 0;
					inside.check_once([&] {
						rc = weft_websocket_upgrade(rq);
						EXPECT_EQ(WEFT_EINVAL, rc) << "the route is none";
						return 0;
					});
					return weft_reply_text(rq, 200, "x");
				});
			} },
	};
}

Entries conversations()
{
	static weft_message *kept;
	return {
		{ "weft_websocket_next",
			[](Stage &stage) {
				stage.survives_without_memory = false;
				play_in_a_session(stage, [](Stage &inside, weft_websocket *ws) {
					inside.check(Place::suspends, [&] {
						const weft_message *m;
						return weft_websocket_next(ws, &m);
					});
					return 0;
				});
			} },
		in_session("weft_websocket_print", Place::suspends,
			[](weft_websocket *ws) { return weft_websocket_print(ws, "%d", 7); }),
		in_session("weft_websocket_text", Place::suspends,
			[](weft_websocket *ws) { return weft_websocket_text(ws, "x"); }),
		in_session("weft_websocket_bytes", Place::suspends,
			[](weft_websocket *ws) { return weft_websocket_bytes(ws, "x", 1); }),
		{ "weft_websocket_send",
			[](Stage &stage) {
				ASSERT_EQ(0, weft_message_new("x", 1, false, &kept));
				play_in_a_session(stage, [](Stage &inside, weft_websocket *ws) {
					inside.check(Place::suspends, [&] { return weft_websocket_send(ws, kept); });
					return 0;
				});
				weft_message_unref(kept);
			} },
	};
}

} // namespace

Entries websocket_entries()
{
	Entries all;
	for (auto part : { messages, topics, sessions, conversations })
		for (auto &entry : part()) all.push_back(entry);
	return all;
}
