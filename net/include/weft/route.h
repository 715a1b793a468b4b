/* Which handler answers what. */
#ifndef WEFT_ROUTE_H
#define WEFT_ROUTE_H
#include <weft/reply.h>
#include <weft/websocket.h>
WEFT_BEGIN
/* A handler answers, or returns
 *   0         it replied (if it did not: 500 and a log line)
 *   400..599  reply with this status
 *   negative  weft's own complaint about the request: its 4xx; EFULL: 503; EDEADLINE: 504; else 500
 */
typedef int weft_handler_fn(weft_request *rq);
typedef struct weft_route {
	const char *method WEFT_DEFAULT;
	const char *path WEFT_DEFAULT;
	weft_handler_fn *handler WEFT_DEFAULT;
	weft_websocket_fn *websocket WEFT_DEFAULT;
	const weft_websocket_events *events WEFT_DEFAULT;
	weft_handler_fn *const *through WEFT_DEFAULT; /* middleware, NULL-ended */
	int timeout_ms WEFT_DEFAULT;
	int64_t max_body WEFT_DEFAULT;
	int64_t max_message WEFT_DEFAULT;
} weft_route;
#define WEFT_ROUTE(verb, pattern, ...)                                                             \
	{                                                                                              \
		.method = verb, .path = pattern, __VA_ARGS__                                               \
	}
#define WEFT_GET(pattern, ...)                                                                     \
	{                                                                                              \
		.method = "GET", .path = pattern, .handler = __VA_ARGS__                                   \
	}
#define WEFT_POST(pattern, ...)                                                                    \
	{                                                                                              \
		.method = "POST", .path = pattern, .handler = __VA_ARGS__                                  \
	}
#define WEFT_WEBSOCKET(pattern, ...)                                                               \
	{                                                                                              \
		.method = "GET", .path = pattern, .websocket = __VA_ARGS__                                 \
	}
#define WEFT_WEBSOCKET_EVENTS(pattern, ...)                                                        \
	{                                                                                              \
		.method = "GET", .path = pattern, .events = __VA_ARGS__                                    \
	}
WEFT_END
#endif
