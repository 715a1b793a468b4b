/* "[::]:8080", "unix:/path", "fd:3": one noun for all that accepts. */
#ifndef WEFT_LISTENER_H
#define WEFT_LISTENER_H
#include <weft/group.h>
#include <weft/stream.h>
WEFT_BEGIN
typedef struct weft_listener weft_listener;
typedef struct weft_listener_options {
	size_t size;
	WEFT_NAMED_ONLY;
	int backlog WEFT_DEFAULT;
	int connections WEFT_DEFAULT;
	bool per_worker WEFT_DEFAULT;
} weft_listener_options;
WEFT_API WEFT_MUST int weft_listener_open_with(
	const char *address, const weft_listener_options *options, weft_listener **out);
#define weft_listener_open(...) WEFT_LISTENER_OPEN_(__VA_ARGS__, )
#define WEFT_LISTENER_OPEN_(address, out, ...)                                                     \
	weft_listener_open_with(address, WEFT_OPTIONS(weft_listener_options, __VA_ARGS__), out)
/* Exactly one connection. Suspends. */
WEFT_API WEFT_MUST int weft_listener_accept(weft_listener *l, weft_stream **out);
/* 1 a connection, 0 draining or closed, negative. Suspends. */
WEFT_API WEFT_MUST int weft_listener_next(weft_listener *l, weft_stream **out);
/* Until drained: each connection gets fn in a task of `group`; the stream is closed after it. What
 * fn returns is counted and logged; one bad connection never fails the group. Suspends. */
typedef int weft_stream_fn(weft_stream *s);
WEFT_API WEFT_MUST int weft_listener_serve(
	weft_listener *l, weft_group *group, weft_stream_fn *fn, void *app);
WEFT_API void weft_listener_close(weft_listener *l);
WEFT_END
#endif
