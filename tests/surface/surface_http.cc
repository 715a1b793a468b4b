#include "tests/surface/surface.h"

#include <cstring>

#include "tests/surface/handler.h"

namespace
{

/* JSON is data: read and written anywhere. */
const char document[] = "{\"a\":[1,2.5,true,\"x\"]}";

Entry of_json(const char *name, const std::function<int(weft_json *)> &call)
{
	return { name, [call](Stage &stage) {
				stage.check(Place::any, [call] {
					weft_json *json;
					int rc = weft_json_parse(document, sizeof document - 1, &json, nullptr);
					if (rc != 0) return rc;
					rc = call(json);
					weft_json_free(json);
					return rc;
				});
			} };
}

Entries readings()
{
	return {
		of_json("weft_json_parse", [](weft_json *) { return 0; }),
		of_json("weft_json_kind_of",
			[](weft_json *json) { return static_cast<int>(weft_json_kind_of(json, "a")); }),
		of_json("weft_json_i64",
			[](weft_json *json) {
				int64_t n;
				return weft_json_i64(json, "a.0", &n);
			}),
		of_json("weft_json_real",
			[](weft_json *json) {
				double x;
				return weft_json_real(json, "a.1", &x);
			}),
		of_json("weft_json_bool",
			[](weft_json *json) {
				bool b;
				return weft_json_bool(json, "a.2", &b);
			}),
		of_json("weft_json_text",
			[](weft_json *json) {
				const char *text;
				return weft_json_text(json, "a.3", &text);
			}),
		of_json("weft_json_text_size",
			[](weft_json *json) {
				const char *text;
				size_t size;
				return weft_json_text_size(json, "a.3", &text, &size);
			}),
		of_json("weft_json_count",
			[](weft_json *json) {
				size_t n;
				return weft_json_count(json, "a", &n);
			}),
		of_json("weft_json_at",
			[](weft_json *json) {
				const weft_json *value;
				return weft_json_at(json, "a.0", &value);
			}),
		of_json("weft_json_member",
			[](weft_json *json) {
				const weft_json *value;
				return weft_json_member(json, "a", &value);
			}),
		of_json("weft_json_first",
			[](weft_json *json) { return weft_json_first(json) != nullptr ? 0 : -1; }),
		of_json("weft_json_next",
			[](weft_json *json) { return weft_json_next(weft_json_first(json)) ? -1 : 0; }),
		of_json("weft_json_name",
			[](weft_json *json) { return strcmp(weft_json_name(weft_json_first(json)), "a"); }),
		of_json("weft_json_complaint",
			[](weft_json *json) { return weft_json_complaint(json) != nullptr ? 0 : -1; }),
		of_json("weft_json_free",
			[](weft_json *) {
				weft_json_free(nullptr);
				return 0;
			}),
	};
}

Entry field(const char *name, weft_field (*make)())
{
	return { name, [make](Stage &stage) {
				stage.check(Place::any, [make] { return make().name != nullptr ? 0 : -1; });
			} };
}

Entries fields()
{
	return {
		field("weft_text", [] { return weft_text("k", "v"); }),
		field("weft_i64", [] { return weft_i64("k", 1); }),
		field("weft_real", [] { return weft_real("k", 1); }),
		field("weft_bool", [] { return weft_bool("k", true); }),
		field("weft_null", [] { return weft_null("k"); }),
		field("weft_object_list", [] { return weft_object_list("k", nullptr); }),
		field("weft_array_list", [] { return weft_array_list("k", nullptr); }),
	};
}

/* In a handler, any number of times. */
Entry about(const char *name, const std::function<int(weft_request *)> &call)
{
	return { name, [call](Stage &stage) {
				play_in_a_handler(stage, [call](Stage &inside, weft_request *rq) {
					inside.check(Place::owner, [&] { return call(rq); });
					return weft_reply_text(rq, 200, "x");
				});
			} };
}

/* In a handler, once. */
Entry once(const char *name, const std::function<int(weft_request *)> &call)
{
	return { name, [call](Stage &stage) {
				play_in_a_handler(stage, [call](Stage &inside, weft_request *rq) {
					inside.check_once([&] { return call(rq); });
					return weft_reply_begun(rq) ? 0 : weft_reply_text(rq, 200, "x");
				});
			} };
}

int present(const void *thing)
{
	return thing != nullptr ? 0 : -1;
}

Entries questions()
{
	return {
		about("weft_request_app", [](weft_request *rq) { return present(weft_request_app(rq)); }),
		about("weft_request_method",
			[](weft_request *rq) { return strcmp("POST", weft_request_method(rq)); }),
		about("weft_request_path",
			[](weft_request *rq) { return strcmp("/play/7", weft_request_path(rq)); }),
		once("weft_request_target",
			[](weft_request *rq) { return strcmp("/play/7?q=1", weft_request_target(rq)); }),
		about("weft_request_version",
			[](weft_request *rq) { return strcmp("HTTP/1.1", weft_request_version(rq)); }),
		about("weft_request_host", [](weft_request *rq) { return present(weft_request_host(rq)); }),
		about("weft_request_peer", [](weft_request *rq) { return present(weft_request_peer(rq)); }),
		about("weft_request_route",
			[](weft_request *rq) { return strcmp("/play/{id}", weft_request_route(rq)); }),
		about("weft_request_header",
			[](weft_request *rq) { return present(weft_request_header(rq, "host")); }),
		about("weft_request_header_next",
			[](weft_request *rq) {
				size_t at = 0;
				const char *name, *value;
				return weft_request_header_next(rq, &at, &name, &value) ? 0 : -1;
			}),
		once("weft_request_param",
			[](weft_request *rq) { return strcmp("7", weft_request_param(rq, "id")); }),
		once("weft_request_param_i64",
			[](weft_request *rq) {
				int64_t id;
				return weft_request_param_i64(rq, "id", &id);
			}),
		once("weft_request_query",
			[](weft_request *rq) { return strcmp("1", weft_request_query(rq, "q")); }),
		once("weft_request_alloc",
			[](weft_request *rq) { return present(weft_request_alloc(rq, 8)); }),
		about("weft_request_length",
			[](weft_request *rq) { return weft_request_length(rq) == 2 ? 0 : -1; }),
		once("weft_request_read",
			[](weft_request *rq) {
				char c;
				size_t got;
				return weft_request_read(rq, &c, 1, &got);
			}),
		once("weft_request_body",
			[](weft_request *rq) {
				const char *data;
				size_t size;
				return weft_request_body(rq, &data, &size);
			}),
		once("weft_request_json",
			[](weft_request *rq) {
				const weft_json *json;
				return weft_request_json(rq, &json);
			}),
		about("weft_request_trailer",
			[](weft_request *rq) { return weft_request_trailer(rq, "x") == nullptr ? 0 : -1; }),
		once(
			"weft_request_group", [](weft_request *rq) { return present(weft_request_group(rq)); }),
		about("weft_request_background",
			[](weft_request *rq) { return present(weft_request_background(rq)); }),
	};
}

Entries answers()
{
	return {
		once("weft_reply_header",
			[](weft_request *rq) { return weft_reply_header(rq, "x-a", "b"); }),
		once("weft_reply_text", [](weft_request *rq) { return weft_reply_text(rq, 200, "x"); }),
		once("weft_reply_bytes",
			[](weft_request *rq) { return weft_reply_bytes(rq, 200, nullptr, "x", 1); }),
		once("weft_reply_json_list",
			[](weft_request *rq) { return weft_reply_json(rq, 200, weft_i64("n", 1)); }),
		once("weft_reply_problem",
			[](weft_request *rq) { return weft_reply_problem(rq, 400, "no"); }),
		once("weft_reply_begin", [](weft_request *rq) { return weft_reply_begin(rq, 200); }),
		once("weft_reply_write",
			[](weft_request *rq) {
				int rc = weft_reply_begin(rq, 200);
				return rc < 0 ? rc : weft_reply_write(rq, "x", 1);
			}),
		about("weft_reply_begun", [](weft_request *rq) { return weft_reply_begun(rq) ? -1 : 0; }),
		about("weft_reply_status", [](weft_request *rq) { return weft_reply_status(rq); }),
		{ "weft_request_pass",
			[](Stage &stage) {
				static Stage *inside;
				inside = &stage;
				static weft_handler_fn *const through[] = { [](weft_request *rq) {
															   int rc = 0;
															   inside->check_once([&] {
																   rc = weft_request_pass(rq);
																   return rc;
															   });
															   return rc;
														   },
					nullptr };
				play_in_a_handler(
					stage, [](Stage &, weft_request *rq) { return weft_reply_text(rq, 200, "x"); },
					through);
			} },
	};
}

int serve_nothing()
{
	weft_route none[1] = { WEFT_GET("/", [](weft_request *) { return 204; }) };
	return weft_http_serve(none, .listen = "127.0.0.1:0");
}

Entries servers()
{
	return {
		{ "weft_http_serve_with",
			[](Stage &stage) {
				/* Asked to drain, it is over when it has begun. */
				drain_first();
				stage.check(Place::suspends, serve_nothing);
			} },
		{ "weft_http_main_with",
			[](Stage &stage) {
				stage.check_once([] {
					testing::internal::CaptureStderr();
					weft_route none[1] = { WEFT_GET("/", [](weft_request *) { return 204; }) };
					int status = weft_http_main(none, .listen = "127.0.0.1:0");
					EXPECT_EQ(1, status) << "a run inside a run";
					EXPECT_NE("", testing::internal::GetCapturedStderr());
					return 0;
				});
			} },
	};
}

} // namespace

Entries http_entries()
{
	Entries all;
	for (auto part : { readings, fields, questions, answers, servers })
		for (auto &entry : part()) all.push_back(entry);
	return all;
}
