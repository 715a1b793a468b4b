/* Which handler answers what.
 *
 *     static const weft_route routes[] = {
 *         WEFT_GET("/users/{id}", get_user, .timeout_ms = 250),
 *         WEFT_POST("/users", post_user, .max_body = 4096),
 *         WEFT_GET("/files/{path...}", get_file),
 *     };
 *
 * A pattern is a path whose segments are text, `{name}` (one segment) or, at the end, `{name...}`
 * (the rest). Text goes before `{name}` and that before `{name...}`. HEAD is answered by GET,
 * OPTIONS by the methods there are; 404, and 405 with Allow, need no routes. Two routes that would
 * answer the same requests are refused when serving begins. */
#ifndef WEFT_ROUTE_H
#define WEFT_ROUTE_H
#include <weft/reply.h>
#include <weft/websocket.h>
WEFT_BEGIN

/* A handler answers, or returns
 *   0         it replied (if it did not: 500 and a report)
 *   400..599  reply with this status
 *   negative  the status that fits (if it replied already, the result is logged):
 *     EBADREQUEST, EBADJSON   400        EFULL, ESHUTDOWN       503 with Retry-After
 *     ENOCONTEXT              403        EDEADLINE, and ECANCELED by the request's own time  504
 *     an error of reading the body: 400, 408 or 413, as it says
 *     ECANCELED by a drain    503        anything else          500 and a report
 * Middleware has the same signature, and calls weft_request_pass for the rest. */
typedef int weft_handler_fn(weft_request *rq);

typedef struct weft_route {
	const char *method WEFT_DEFAULT; /* NULL or "*": any */
	const char *path WEFT_DEFAULT;
	weft_handler_fn *handler WEFT_DEFAULT;
	weft_websocket_fn *websocket WEFT_DEFAULT;
	const weft_websocket_events *events WEFT_DEFAULT;
	weft_handler_fn *const *through WEFT_DEFAULT; /* middleware, NULL-ended */
	int timeout_ms WEFT_DEFAULT;                  /* of handling; 0: the server's */
	int64_t max_body WEFT_DEFAULT;                /* 0: the server's */
	int64_t max_message WEFT_DEFAULT; /* bytes a WebSocket may receive at once; 0: 1 MiB; 1009 */
	const weft_websocket_options *websocket_options WEFT_DEFAULT;
	/* The client may end its half of the connection and still wait for the answer; otherwise its
	 * end cancels the handler. */
	bool half_close WEFT_DEFAULT;
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
#define WEFT_PUT(pattern, ...)                                                                     \
	{                                                                                              \
		.method = "PUT", .path = pattern, .handler = __VA_ARGS__                                   \
	}
#define WEFT_DELETE(pattern, ...)                                                                  \
	{                                                                                              \
		.method = "DELETE", .path = pattern, .handler = __VA_ARGS__                                \
	}
#define WEFT_WEBSOCKET_ROUTE_(pattern)                                                             \
	.method = "GET", .path = pattern, .handler = weft_websocket_upgrade
#define WEFT_WEBSOCKET(pattern, ...)                                                               \
	{                                                                                              \
		WEFT_WEBSOCKET_ROUTE_(pattern), .websocket = __VA_ARGS__                                   \
	}
#define WEFT_WEBSOCKET_EVENTS(pattern, ...)                                                        \
	{                                                                                              \
		WEFT_WEBSOCKET_ROUTE_(pattern), .events = __VA_ARGS__                                      \
	}

WEFT_END
#endif
