/* The answer to a request.
 *
 * In one piece (text, json, bytes, problem), or as a stream: begin, write as often as wanted, and
 * the end of the handler ends it. One request gets one answer; a second one is EALREADY.
 *
 * A failed reply is remembered by the request, so results may be ignored, and may be returned from
 * the handler; EALREADY is not, because it does the first answer no harm. A write returns when the
 * kernel took the bytes, with one exception: short answers are gathered, up to 16 KiB, and leave
 * together when the task suspends or the batch of requests that was read together is done.
 *
 * Every answer carries Date, its framing, and `x-request-id` (weft_request_id), by which a client
 * can name the request in a complaint.
 *
 * Thread: the task that runs the handler, for all of it. Calls that send may fail with ECANCELED
 * and EPIPE, ECONNRESET and the like (the client went away), ETIMEDOUT (the client took nothing for
 * the server's write_timeout_ms); the call that begins an answer also with EMSGSIZE (its head does
 * not fit 16 KiB). */
#ifndef WEFT_REPLY_H
#define WEFT_REPLY_H
#include <weft/field.h>
#include <weft/request.h>
WEFT_BEGIN

/* Adds a field to the answer, before it begins. Both strings are copied. `content-type` replaces
 * what would be sent; `content-length` is for weft_reply_begin, and for an answer to HEAD in one
 * piece, where it may say more than the piece has; framing and Date are weft's own. Errors: EINVAL
 * (not a token, or a control byte in the value: nothing is added), EMSGSIZE (it alone is more than
 * a head's 16 KiB), EALREADY, ENOMEM. */
WEFT_API int weft_reply_header(weft_request *rq, const char *name, const char *value);

/* Formats as printf does: text/plain in UTF-8. Suspends. Errors: EALREADY, EINVAL, ENOMEM. */
WEFT_API int weft_reply_text(weft_request *rq, int status, const char *format, ...)
	WEFT_PRINTF(3, 4);

/* `type` NULL sends none. `data` is free again at return. Suspends. Errors: EALREADY, EINVAL (a
 * status outside 200 to 599). */
WEFT_API int weft_reply_bytes(
	weft_request *rq, int status, const char *type, const void *data, size_t size);

/* weft_reply_json(rq, 200, weft_text("name", name), weft_i64("id", id)): escaped and typed.
 * Suspends. Errors: EALREADY, EINVAL, ENOMEM. */
WEFT_API int weft_reply_json_list(weft_request *rq, int status, const weft_field *fields);
#define weft_reply_json(...) WEFT_REPLY_JSON_(__VA_ARGS__, )
#define WEFT_REPLY_JSON_(rq, status, ...)                                                          \
	weft_reply_json_list(rq, status, WEFT_LIST(weft_field, __VA_ARGS__))

/* An error as application/problem+json (RFC 9457): status, title, the formatted text as `detail`,
 * and the request's id as `instance`. 503 gets Retry-After. Suspends. Errors: EALREADY, EINVAL,
 * ENOMEM. */
WEFT_API int weft_reply_problem(weft_request *rq, int status, const char *format, ...)
	WEFT_PRINTF(3, 4);

/* Begins an answer whose content follows by write: chunked, unless `content-length` was added, in
 * which case exactly that much must be written; to a client of HTTP/1.0 it ends with the
 * connection. A handler that fails after this leaves an answer that the client can tell is cut off.
 * Suspends. Errors: EALREADY, EINVAL. */
WEFT_API WEFT_MUST int weft_reply_begin(weft_request *rq, int status);

/* `data` is free again at return. Suspends. Errors: EINVAL (not begun, or more than content-length
 * said). */
WEFT_API WEFT_MUST int weft_reply_write(weft_request *rq, const void *data, size_t size);

/* Whether an answer has begun: for middleware. */
WEFT_API bool weft_reply_begun(const weft_request *rq);
/* The status of the answer, 0 before it has begun. */
WEFT_API int weft_reply_status(const weft_request *rq);

WEFT_END
#endif
