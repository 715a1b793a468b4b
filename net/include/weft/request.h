/* A request that arrived: what it asks, and its body.
 *
 * A handler is a function of one argument, the request; it answers by <weft/reply.h> or by what it
 * returns (<weft/route.h>). It runs as a task of its connection's worker, in a scope of its own,
 * under a context of its own (weft_request_id, weft_trace_id). That scope is cancelled when
 *   its time is up        the route's timeout_ms, or the server's
 *   the client went away  unless the route says half_close
 *   the server is drained and the time for that has passed
 * and every suspending call in it fails with ECANCELED from then on.
 *
 * Everything a request hands out lives until the handler has returned; strings end in NUL. Unless
 * it says otherwise, a call is made by the task that runs the handler, and does not suspend. */
#ifndef WEFT_REQUEST_H
#define WEFT_REQUEST_H
#include <weft/error.h>
#include <weft/group.h>
#include <weft/json.h>
WEFT_BEGIN

typedef struct weft_request weft_request;

/* What the server was given as `app`. */
WEFT_API void *weft_request_app(const weft_request *rq);

/* "GET"; methods know upper from lower case (RFC 9110 section 9.1). HEAD reaches a GET handler as
 * "HEAD"; what it writes as content is not sent. */
WEFT_API const char *weft_request_method(const weft_request *rq);

/* The path in its one spelling: unreserved escapes decoded, "." and ".." resolved, no query. Other
 * escapes are still escapes. "*" of an OPTIONS for the server as a whole. */
WEFT_API const char *weft_request_path(const weft_request *rq);

/* The target as it came, with its query. NULL without memory. */
WEFT_API const char *weft_request_target(const weft_request *rq);

/* "HTTP/1.1" or "HTTP/1.0". */
WEFT_API const char *weft_request_version(const weft_request *rq);

/* Of the target if that is absolute, else of the Host field: with its port, if it has one. "" when
 * a client of HTTP/1.0 named none. */
WEFT_API const char *weft_request_host(const weft_request *rq);

/* Who asks: "127.0.0.1:4000". Never NULL. */
WEFT_API const char *weft_request_peer(const weft_request *rq);

/* The pattern of the route that was found, "/users/{id}"; NULL when there is none (404, 405). */
WEFT_API const char *weft_request_route(const weft_request *rq);

/* The first field of that name, in any case of letters; NULL when there is none. */
WEFT_API const char *weft_request_header(const weft_request *rq, const char *name);

/* Each field in the order of arrival: `*at` begins at 0. False: there are no more, and nothing was
 * touched. */
WEFT_API bool weft_request_header_next(
	const weft_request *rq, size_t *at, const char **name, const char **value);

/* The parameter `{name}` of the route's pattern, decoded. NULL when the pattern has none of that
 * name, the client's escape is broken (or hides a NUL), or there is no memory. */
WEFT_API const char *weft_request_param(const weft_request *rq, const char *name);

/* The same as a decimal number. Errors: EBADREQUEST (no number, or out of range): as a handler's
 * result a 400. */
WEFT_API WEFT_MUST int weft_request_param_i64(
	const weft_request *rq, const char *name, int64_t *out);

/* The first `name` of the query, decoded as forms write it; NULL when there is none. */
WEFT_API const char *weft_request_query(const weft_request *rq, const char *name);

/* Memory that lives as long as the request. NULL without memory. */
WEFT_API void *weft_request_alloc(weft_request *rq, size_t size);

/* The body is read as it arrives: a handler that does not read it stops the client. A client that
 * waits for "100 Continue" is sent it by the first read. What a handler leaves unread is thrown
 * away if it is short; else the connection is closed after the reply. */

/* Content-Length; 0 without a body; -1 when the length is not known before the end. */
WEFT_API int64_t weft_request_length(const weft_request *rq);

/* 1 a piece of the body, at most `size` bytes; 0 its end (`*got` is 0); negative error, which
 * stays: the next read gives it again, and as the handler's result it becomes the right status.
 * Suspends. Errors: EMSGSIZE (more than the route's max_body: 413), EPROTO (malformed chunks: 400),
 * EOF (the client ended in the middle), ETIMEDOUT (slower than the server's body_rate: 408),
 * ECANCELED. */
WEFT_API WEFT_MUST int weft_request_read(weft_request *rq, void *buffer, size_t size, size_t *got);

/* All of it, from wherever reading stands to the end, followed by a NUL; nothing when it was given
 * before. After an error that does not stay (ECANCELED by a scope of the handler's own, ENOMEM) it
 * may be called again, and goes on. Suspends. Errors: as read; ENOMEM. */
WEFT_API WEFT_MUST int weft_request_body(weft_request *rq, const char **data, size_t *size);

/* The body as JSON. Suspends. Errors: as body; EBADJSON (as a handler's result a 400 that says
 * where). */
WEFT_API WEFT_MUST int weft_request_json(weft_request *rq, const weft_json **out);

/* A field of the trailers, once the body was read to its end; NULL when there is none, or one among
 * them that must not stand there (RFC 9110 section 6.5.1). More than 8 KiB of them are a 431. */
WEFT_API const char *weft_request_trailer(const weft_request *rq, const char *name);

/* The request's own group, opened on first use: its children are joined when the handler has
 * returned and before the reply is complete, and cancelled first if it failed. Do not join it. */
WEFT_API weft_group *weft_request_group(weft_request *rq);

/* For work that outlives the reply: the server's group, joined when the server has drained. A child
 * that fails is reported and harms no other. */
WEFT_API weft_group *weft_request_background(weft_request *rq);

/* Middleware: the rest of the chain, the handler at its end. Its result comes back. Suspends. */
WEFT_API WEFT_MUST int weft_request_pass(weft_request *rq);

WEFT_END
#endif
