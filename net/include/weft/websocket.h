/* A WebSocket session: a straight line, or a set of handlers. */
#ifndef WEFT_WEBSOCKET_H
#define WEFT_WEBSOCKET_H
#include <weft/request.h>
WEFT_BEGIN
typedef struct weft_websocket weft_websocket;
typedef struct weft_message weft_message;
/* A message belongs to whoever handed it over, until the next one; ref to keep it. Ends in NUL. */
WEFT_API const char *weft_message_text(const weft_message *m);
WEFT_API size_t weft_message_size(const weft_message *m);
WEFT_API bool weft_message_binary(const weft_message *m);

/* Accepted before it is called, closed after it: 0 says 1000, negative 1011. */
typedef int weft_websocket_fn(weft_websocket *ws);
/* Never two at once for one socket; each may suspend. Negative closes. */
typedef struct weft_websocket_events {
	int (*open)(weft_websocket *ws) WEFT_DEFAULT;
	int (*message)(weft_websocket *ws, const weft_message *m) WEFT_DEFAULT;
	void (*closed)(weft_websocket *ws) WEFT_DEFAULT;
} weft_websocket_events;
WEFT_API void *weft_websocket_app(const weft_websocket *ws);
WEFT_API const char *weft_websocket_param(const weft_websocket *ws, const char *name);
WEFT_API weft_request *weft_websocket_request(weft_websocket *ws);
WEFT_API void weft_websocket_keep(weft_websocket *ws, void *state);
WEFT_API void *weft_websocket_kept(const weft_websocket *ws);
WEFT_API void *weft_websocket_alloc(weft_websocket *ws, size_t size);
/* 1 a message, 0 the peer closed properly, negative. Suspends. */
WEFT_API WEFT_MUST int weft_websocket_next(weft_websocket *ws, const weft_message **out);
WEFT_API WEFT_MUST int weft_websocket_send(weft_websocket *ws, const weft_message *m);
WEFT_API WEFT_MUST int weft_websocket_print(weft_websocket *ws, const char *format, ...)
	WEFT_PRINTF(2, 3);
/* Starts the close handshake; the session still ends by returning. */
WEFT_API void weft_websocket_finish(weft_websocket *ws, int code, const char *reason);
WEFT_API WEFT_MUST int weft_websocket_connect(const char *url, weft_websocket **out);
WEFT_API void weft_websocket_close(weft_websocket *ws);
WEFT_END
#endif
