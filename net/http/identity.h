/* Who a request is: its trace and its id, out of the head it came with (W3C Trace Context, and
 * x-request-id). */
#ifndef WF_HTTP_IDENTITY_H
#define WF_HTTP_IDENTITY_H

#include "context/context.h"
#include "context/random.h"
#include "net/http/http_parse.h"

/* A context for the request, below `base`; `*out` is one reference. `data` as given to the parser,
 * `spare` as to wf_trace_accept_again. Thread: the owner of `random`. Errors: ENOMEM, EFULL. */
int wf_identity_accept(const wf_http_head *head, const char *data, weft_context *spare,
	weft_context *base, wf_random *random, weft_context **out);

#endif
