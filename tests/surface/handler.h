/* Something played inside a handler of a server, or in the session of a WebSocket. */
#ifndef WF_TESTS_SURFACE_HANDLER_H
#define WF_TESTS_SURFACE_HANDLER_H

#include "tests/surface/surface.h"

struct Scene {
	Stage *stage = nullptr;
	std::function<int(Stage &, weft_request *)> request;
	std::function<int(Stage &, weft_websocket *)> session;
	std::string address;
};

inline int play_request(weft_request *rq)
{
	auto *scene = static_cast<Scene *>(weft_request_app(rq));
	return scene->request(*scene->stage, rq);
}

inline int play_session(weft_websocket *ws)
{
	auto *scene = static_cast<Scene *>(weft_websocket_app(ws));
	return scene->session(*scene->stage, ws);
}

inline int serve_scene(void *arg, weft_handler_fn *const *through)
{
	const weft_route routes[] = {
		WEFT_POST("/play/{id}", play_request),
		WEFT_WEBSOCKET("/session/{id}", play_session),
	};
	return weft_http_serve(
		routes, .listen = "127.0.0.1:0", .app = arg, .through = through,
		.listening = [](void *app, const char *address) {
			static_cast<Scene *>(app)->address = address;
		});
}

/* Sends `text` to a server of the scene and reads until it has nothing more to say. */
inline void play_scene(Scene &scene, const std::string &text, weft_handler_fn *const *through)
{
	struct Serving {
		Scene *scene;
		weft_handler_fn *const *through;
	} serving = { &scene, through };
	weft_group *group = weft_group_open();
	weft_spawn(
		group,
		[](void *arg) {
			auto *it = static_cast<Serving *>(arg);
			return serve_scene(it->scene, it->through);
		},
		&serving);
	while (scene.address.empty()) ASSERT_EQ(0, weft_sleep_ms(1));
	weft_stream *s = nullptr;
	ASSERT_EQ(0, weft_tcp_connect(scene.address.c_str(), &s));
	EXPECT_EQ(0, weft_stream_write(s, text.data(), text.size()));
	char buffer[512];
	size_t got;
	int rc;
	while ((rc = weft_stream_read(s, buffer, sizeof buffer, &got)) > 0) continue;
	EXPECT_EQ(0, rc);
	weft_stream_close(s);
	EXPECT_EQ(0, weft_group_drain(group, 5000));
	EXPECT_EQ(0, weft_group_join(group, 0));
}

inline void play_in_a_handler(Stage &stage, std::function<int(Stage &, weft_request *)> play,
	weft_handler_fn *const *through = nullptr)
{
	Scene scene;
	scene.stage = &stage;
	scene.request = std::move(play);
	play_scene(scene,
		"POST /play/7?q=1 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
		"Content-Length: 2\r\n\r\n{}",
		through);
}

inline void play_in_a_session(Stage &stage, std::function<int(Stage &, weft_websocket *)> play)
{
	Scene scene;
	scene.stage = &stage;
	scene.session = std::move(play);
	/* The handshake, twenty times "x", a proper close; masked with zeroes. */
	std::string text = "GET /session/7 HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n"
					   "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
					   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
	for (int i = 0; i < 20; i++) text += std::string("\x81\x81\0\0\0\0x", 7);
	text += std::string("\x88\x82\0\0\0\0\x03\xe8", 8);
	play_scene(scene, text, nullptr);
}

#endif
