/* The identity of a call, as it comes in, is carried, and goes out: W3C Trace Context, level 2
 * (`traceparent`), and the request id. Where its bytes lie: wf_trace in context/context.h. */
#ifndef WF_CONTEXT_TRACE_H
#define WF_CONTEXT_TRACE_H

#include "context/context.h"
#include "context/random.h"
#include "context/tracestate.h"
#include <weft/trace.h>

WEFT_BEGIN

enum {
	WF_TRACE_SAMPLED = 1,
	WF_TRACE_RANDOM = 2, /* at least the low 56 bits of the trace id are random */
};

/* Reads the value of a traceparent header, without the blanks around it. Writes trace_id, flags,
 * and span_id (the sender's), and leaves the rest of `trace` alone. Of a version above 00 the first
 * four fields are read, and of its flags `sampled`. Errors: EINVAL; the trace starts anew. */
int wf_traceparent_parse(const char *text, size_t length, wf_trace *trace);

/* Writes 55 characters and a NUL. `trace` has a trace id. */
void wf_traceparent_format(const wf_trace *trace, char text[WEFT_TRACEPARENT_SIZE]);

static inline bool wf_trace_exists(const wf_trace *trace)
{
	uint64_t halves[2];
	__builtin_memcpy(halves, trace->trace_id, sizeof(halves));
	return (halves[0] | halves[1]) != 0;
}

/* A new trace with a first span; not sampled until somebody decides so. No request id.
 * `random` NULL: the shared generator. */
void wf_trace_new(wf_random *random, wf_trace *trace);

/* The next span of the same trace and request: what was the span becomes the parent. */
void wf_trace_child(wf_random *random, wf_trace *trace);

/* Gives it a request id of 16 characters, unique for all practical purposes. */
void wf_request_id_new(wf_random *random, wf_trace *trace);

/* Takes a peer's request id over if it is one: 1 to 39 visible ASCII characters out of letters,
 * digits and `-_.:=+/@`, so that no log or header can be fooled by it. */
bool wf_request_id_accept(wf_trace *trace, const char *text, size_t length);

/* What a request says about itself. All zero: nothing. */
typedef struct wf_trace_incoming {
	const char *traceparent; /* NULL: there was none */
	size_t traceparent_length;
	bool repeated;                   /* there were several: the trace starts anew */
	const wf_tracestate *tracestate; /* NULL: there was none */
	const char *request_id;          /* NULL: there was none */
	size_t request_id_length;
} wf_trace_incoming;

/* A context for the request: `base` with a fresh span, child of the sender's or first of a new
 * trace, with its request id. One allocation, three when a tracestate is carried.
 * Errors: ENOMEM, EFULL; nothing has happened then. */
WEFT_MUST int wf_trace_accept(
	weft_context *base, const wf_trace_incoming *incoming, wf_random *random, weft_context **out);

/* The same for one call after the other: `spare` is what this gave before for the same base, when
 * the caller is done with it, or NULL. It is used again if nobody else has kept it, and given up if
 * not, also on failure. */
WEFT_MUST int wf_trace_accept_again(weft_context *spare, weft_context *base,
	const wf_trace_incoming *incoming, wf_random *random, weft_context **out);

/* The tracestate of a context, a string; unset when there is none. */
extern const weft_key wf_tracestate_key;

WEFT_END
#endif
