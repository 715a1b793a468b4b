/* A WebSocket (RFC 6455): a straight line, or a set of handlers.
 *
 *     static int echo(weft_websocket *ws)                    WEFT_WEBSOCKET("/echo", echo)
 *     {
 *         const weft_message *m;
 *         int rc;
 *         while ((rc = weft_websocket_next(ws, &m)) > 0)
 *             if ((rc = weft_websocket_send(ws, m))) break;
 *         return rc;
 *     }
 *
 * The line keeps a task and its stack for as long as the peer stays. Where most peers are silent,
 * handlers (WEFT_WEBSOCKET_EVENTS) are cheaper: each event runs as a short task, in order and never
 * two at once for one socket; it may suspend, and the next event waits for it, and so does the
 * peer. Between events nothing is kept but the session itself.
 *
 * Nothing is read ahead but what arrived together with a message, and nothing is buffered on the
 * way out: send returns when the kernel has taken the message, so a peer that does not read stops
 * the sender. The session answers pings, and sends its own: a peer that has been silent for ping_ms
 * is asked, and given up when it stays silent as long again.
 *
 * The end. What a handler returns becomes the close code:
 *
 *     0                                 1000, normal
 *     1000 to 4999, where it may be sent   that code
 *     EPROTO                            1002    EILSEQ, EBADJSON         1007
 *     EACCES, EPERM, ENOCONTEXT         1008    EMSGSIZE                 1009
 *     EFULL, ENOMEM, EDEADLINE          1013    ECANCELED by a shutdown  1001
 *     anything else                     1011, and a report
 *
 * unless weft_websocket_finish said one before, or the peer closed first. A server that drains says
 * 1001 to whoever is between two messages, and to the others when their handler is through.
 *
 * Thread: the session's worker, unless a call says otherwise. The state of a session lives until
 * its function, or `closed`, has returned. */
#ifndef WEFT_WEBSOCKET_H
#define WEFT_WEBSOCKET_H
#include <weft/message.h>
#include <weft/request.h>
WEFT_BEGIN

typedef struct weft_websocket weft_websocket;

/* The straight line. Accepted before it is called, closed after it. Suspends. */
typedef int weft_websocket_fn(weft_websocket *ws);

/* Each may be NULL, and may suspend. Negative (or a code) closes. */
typedef struct weft_websocket_events {
	int (*open)(weft_websocket *ws) WEFT_DEFAULT;
	/* `m` is the session's until the handler returns; ref to keep it. */
	int (*message)(weft_websocket *ws, const weft_message *m) WEFT_DEFAULT;
	/* Once, after everything else, whatever `open` returned. Nothing can be sent any more. */
	void (*closed)(weft_websocket *ws) WEFT_DEFAULT;
} weft_websocket_events;

/* Limits and manners, for a route (.websocket_options). Zero is the default. */
typedef struct weft_websocket_options {
	int ping_ms WEFT_DEFAULT;  /* of silence until the peer is asked; 0: 30 000; -1: never */
	int close_ms WEFT_DEFAULT; /* for the peer to answer a close; 0: 5000 */
	int write_ms WEFT_DEFAULT; /* without the peer taking a byte; 0: 30 000; -1: no limit */
	/* Those the service speaks, NULL-ended; the first that the client names is taken. */
	const char *const *subprotocols WEFT_DEFAULT;
	/* Pages of any origin may connect; otherwise only those of the request's own host. Programs
	 * that are no browsers name no origin and are never refused for it. */
	bool any_origin WEFT_DEFAULT;
} weft_websocket_options;

/* The handler of every WebSocket route, which WEFT_WEBSOCKET and WEFT_WEBSOCKET_EVENTS put there:
 * it judges the handshake (section 4.2.1), refuses with 400, 403, 405 or 426 or answers 101, and
 * serves the session. Middleware runs before it. */
WEFT_API int weft_websocket_upgrade(weft_request *rq);

/* About it. */

/* What the server was given as `app`. */
WEFT_API void *weft_websocket_app(const weft_websocket *ws);
/* The parameter of the route's pattern, decoded; NULL when it has none of that name. Lives as long
 * as the session. */
WEFT_API const char *weft_websocket_param(const weft_websocket *ws, const char *name);
/* The request that asked for it: in a straight line always, for handlers until `open` has returned;
 * NULL afterwards. */
WEFT_API weft_request *weft_websocket_request(weft_websocket *ws);
/* The subprotocol that was agreed on, or NULL. */
WEFT_API const char *weft_websocket_subprotocol(const weft_websocket *ws);
/* Who is at the other end: "127.0.0.1:4000". Never NULL. */
WEFT_API const char *weft_websocket_peer(const weft_websocket *ws);
/* The application's own state for this session; NULL until it was kept. */
WEFT_API void weft_websocket_keep(weft_websocket *ws, void *state);
WEFT_API void *weft_websocket_kept(const weft_websocket *ws);
/* Memory that lives as long as the session, aligned for any type; NULL without memory. */
WEFT_API void *weft_websocket_alloc(weft_websocket *ws, size_t size);

/* What the peer closed with: 1005 when it gave no code, 1006 when the connection ended without a
 * close; 0 while it has not. */
WEFT_API int weft_websocket_close_code(const weft_websocket *ws);
/* And why; "" when it did not say. Never NULL. */
WEFT_API const char *weft_websocket_close_reason(const weft_websocket *ws);

typedef struct weft_websocket_stats {
	uint64_t received; /* messages */
	uint64_t sent;     /* messages the kernel has taken whole */
	uint64_t dropped;  /* of its subscriptions, by their policy */
	unsigned waiting;  /* frames on their way out */
} weft_websocket_stats;
WEFT_API void weft_websocket_get_stats(const weft_websocket *ws, weft_websocket_stats *out);

/* Receiving: the straight line only. */

/* The next message, which is the session's until the following call: 1. 0: the peer closed properly
 * (or answered our close). Negative: it did not. One task at a time. Suspends.
 * Errors: ECANCELED; EOF, ECONNRESET and what the kernel says: the connection ended without a
 * close; ETIMEDOUT: the peer is silent; EPROTO, EMSGSIZE, EILSEQ: it broke the protocol, sent too
 * much, or no UTF-8, and was told so; ENOMEM: there was no room for a message, which ends the
 * session with 1013; EBUSY. But for ECANCELED and EBUSY they stay. */
WEFT_API WEFT_MUST int weft_websocket_next(weft_websocket *ws, const weft_message **out);

/* Sending. */

/* Returns when the kernel has taken all of it. Any task of the session's worker may send; messages
 * go out in the order of the calls. Suspends.
 * Errors: ECANCELED: it is not sent, unless the kernel had taken a part of it already: then the
 * rest follows by itself; ECLOSED: a close was sent, or has come; ENOMEM; ETIMEDOUT: the peer took
 * nothing for write_ms; ECONNRESET, EPIPE and what the kernel says. */
WEFT_API WEFT_MUST int weft_websocket_send(weft_websocket *ws, const weft_message *m);
/* The same with a text, made as printf does. Errors: also EINVAL, EILSEQ, EMSGSIZE. */
WEFT_API WEFT_MUST int weft_websocket_print(weft_websocket *ws, const char *format, ...)
	WEFT_PRINTF(2, 3);
/* With a text as it is. */
WEFT_API WEFT_MUST int weft_websocket_text(weft_websocket *ws, const char *text);
/* With bytes. */
WEFT_API WEFT_MUST int weft_websocket_bytes(weft_websocket *ws, const void *data, size_t size);

/* Starts the close handshake, after everything that was sent before; returns at once. `code` is one
 * that may be sent (section 7.4), else 1011 goes out; `reason` may be NULL and is cut at 123 bytes.
 * A straight line may go on reading until next returns 0; handlers hear no more messages. The first
 * call counts. */
WEFT_API void weft_websocket_finish(weft_websocket *ws, int code, const char *reason);

WEFT_END
#endif
