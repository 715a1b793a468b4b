/* Who the current call is: the trace it belongs to, and the request it serves.
 *
 * A server gives each request an identity and carries it in the context, so that log lines, spans
 * and outgoing requests agree on it. The identifiers are those of W3C Trace Context, level 2. */
#ifndef WEFT_TRACE_H
#define WEFT_TRACE_H
#include <weft/api.h>
#include <weft/context.h>
WEFT_BEGIN

enum {
	WEFT_TRACE_ID_SIZE = 33, /* 32 lower-case hexadecimal digits and a NUL */
	WEFT_SPAN_ID_SIZE = 17,
	WEFT_TRACEPARENT_SIZE = 56,
	WEFT_TRACESTATE_SIZE = 513, /* the longest that is carried on */
};

/* The request's id: printable ASCII, "" when there is none; the peer's own when it sent a usable
 * one. Valid as long as the current context stays current. Thread: any. */
WEFT_API const char *weft_request_id(void);

/* Writes the id, or "" and returns false where there is no trace. Thread: any. */
WEFT_API bool weft_trace_id(char text[WEFT_TRACE_ID_SIZE]);
WEFT_API bool weft_span_id(char text[WEFT_SPAN_ID_SIZE]);

/* Whether somebody upstream, or this process, decided to record the trace. Thread: any. */
WEFT_API bool weft_trace_sampled(void);

/* The value of a `traceparent` header that makes the receiver a child of the current span: for a
 * client that is not weft's, such as libcurl. Returns false, and "", where there is no trace or
 * spans are suppressed. Thread: any. */
WEFT_API bool weft_traceparent(char text[WEFT_TRACEPARENT_SIZE]);

/* The value of the `tracestate` header that belongs to it, "" when there is none. Valid as long as
 * the current context stays current. Thread: any. */
WEFT_API const char *weft_tracestate(void);

typedef struct weft_trace_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *traceparent WEFT_DEFAULT; /* as received; NULL or malformed: a new trace */
	const char *tracestate WEFT_DEFAULT;  /* ignored without a valid traceparent */
	const char *request_id WEFT_DEFAULT;  /* NULL or unusable: a new one */
} weft_trace_options;

/* A context for a call that came in by a way weft does not know, a message queue say: all of `base`
 * (NULL: the current one) in a fresh span of the trace received, or of a new one. `*out` is one
 * reference. Thread: any. Errors: ENOMEM; EFULL. */
WEFT_API WEFT_MUST int weft_trace_start_with(
	weft_context *base, weft_context **out, const weft_trace_options *options);
#define weft_trace_start(...) WEFT_TRACE_START_(__VA_ARGS__, )
#define WEFT_TRACE_START_(base, out, ...)                                                          \
	weft_trace_start_with(base, out, WEFT_OPTIONS(weft_trace_options, __VA_ARGS__))

WEFT_END
#endif
