/* A byte protocol as a set of handlers, for many connections that are mostly idle.
 *
 * Each event runs as a short task of its own, in order, one at a time per connection; it may
 * suspend: then the next event waits, and so does the peer, because nothing is read meanwhile.
 * Between events a connection holds neither stack nor buffer.
 *
 *   connected   first
 *   data        bytes came; any number at a time, cut anywhere
 *   eof         the peer has nothing more to say
 *   closed      last, once, whenever connected was called; after it the connection is freed
 *
 * Everything here belongs to the listener's worker. */
#ifndef WEFT_PROTOCOL_H
#define WEFT_PROTOCOL_H
#include <weft/listener.h>
WEFT_BEGIN

typedef struct weft_connection weft_connection;

typedef struct weft_protocol {
	/* Bytes of state that each connection has, all zero at first: weft_connection_state. */
	size_t state WEFT_DEFAULT;
	/* Bytes that may be posted and not yet taken by the kernel. 0: 64 KiB. */
	size_t unsent WEFT_DEFAULT;
	/* Negative ends the connection. */
	int (*connected)(weft_connection *c) WEFT_DEFAULT;
	/* `data` is the handler's until it returns. Negative ends the connection. Required. */
	int (*data)(weft_connection *c, const char *data, size_t size) WEFT_DEFAULT;
	/* 1: stay open, there is more to say; weft_connection_close ends it then. 0, or no handler: end
	 * when what was posted is sent. */
	int (*eof)(weft_connection *c) WEFT_DEFAULT;
	/* The group was asked to drain: the same results as eof. Without a handler the connection ends.
	 */
	int (*draining)(weft_connection *c) WEFT_DEFAULT;
	/* `rc`: 0 after an orderly end, else what ended it: a handler's result, an error of the stream,
	 * ECANCELED (with the group). Writing fails with ECLOSED by now. */
	void (*closed)(weft_connection *c, int rc) WEFT_DEFAULT;
} weft_protocol;

/* Serves as weft_listener_serve does, with handlers; `protocol` must outlive the connections, which
 * are members of `group`. Thread: task of the listener's worker. Suspends. Errors: as
 * weft_listener_serve; EINVAL (no data handler). */
WEFT_API WEFT_MUST int weft_protocol_serve(
	weft_listener *l, weft_group *group, const weft_protocol *protocol, void *app);

WEFT_API void *weft_connection_app(const weft_connection *c);
WEFT_API void *weft_connection_state(weft_connection *c);
/* As weft_stream_peer. */
WEFT_API const char *weft_connection_peer(const weft_connection *c);

/* Writes all of it, after everything that was posted before. One task at a time. Thread: task.
 * Suspends. Errors: as weft_stream_write; EBUSY, ECLOSED. */
WEFT_API WEFT_MUST int weft_connection_write(weft_connection *c, const void *data, size_t size);
WEFT_API WEFT_MUST int weft_connection_print(weft_connection *c, const char *format, ...)
	WEFT_PRINTF(2, 3);

/* Has it written as soon as the peer takes it, in the order of the calls; all or nothing. For news
 * from elsewhere: from the handlers of other connections, say. Never suspends. Thread: the
 * worker's, task or not. Errors: EFULL (more than `unsent` bytes would wait), ECLOSED, ENOMEM. */
WEFT_API WEFT_MUST int weft_connection_post(weft_connection *c, const void *data, size_t size);

/* Ends the connection when the running event is over and what was posted is sent; no more events
 * but closed. Thread: the worker's. */
WEFT_API void weft_connection_close(weft_connection *c);
/* Ends it now, with a reset: for a peer that takes nothing. */
WEFT_API void weft_connection_abort(weft_connection *c);

WEFT_END
#endif
