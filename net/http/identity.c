#include "net/http/identity.h"

#include "context/trace.h"

#define NAME_TRACEPARENT "traceparent"
#define NAME_TRACESTATE  "tracestate"
#define NAME_REQUEST_ID  "x-request-id"
#define LENGTH(literal)  (sizeof(literal) - 1)

/* Several fields make one list; what does not parse makes it invalid, and then none of it goes on.
 */
static void collect_state(const wf_http_head *head, const char *data, wf_tracestate *state)
{
	wf_tracestate_init(state);
	const wf_http_field *field = wf_http_find(head, data, NAME_TRACESTATE, LENGTH(NAME_TRACESTATE));
	while (field != NULL) {
		if (wf_tracestate_add(state, data + field->value.at, field->value.size) != 0) return;
		field = wf_http_find_next(head, data, field, NAME_TRACESTATE, LENGTH(NAME_TRACESTATE));
	}
}

static void take_parent(const wf_http_head *head, const char *data, const wf_http_field *parent,
	wf_tracestate *state, wf_trace_incoming *incoming)
{
	collect_state(head, data, state);
	incoming->tracestate = state;
	incoming->traceparent = data + parent->value.at;
	incoming->traceparent_length = parent->value.size;
	incoming->repeated =
		wf_http_find_next(head, data, parent, NAME_TRACEPARENT, LENGTH(NAME_TRACEPARENT)) != NULL;
}

int wf_identity_accept(const wf_http_head *head, const char *data, weft_context *spare,
	weft_context *base, wf_random *random, weft_context **out)
{
	wf_trace_incoming incoming = { 0 };
	wf_tracestate state;
	const wf_http_field *id = wf_http_find(head, data, NAME_REQUEST_ID, LENGTH(NAME_REQUEST_ID));
	if (id != NULL) {
		incoming.request_id = data + id->value.at;
		incoming.request_id_length = id->value.size;
	}
	const wf_http_field *parent =
		wf_http_find(head, data, NAME_TRACEPARENT, LENGTH(NAME_TRACEPARENT));
	if (parent != NULL) take_parent(head, data, parent, &state, &incoming);
	return wf_trace_accept_again(spare, base, &incoming, random, out);
}
