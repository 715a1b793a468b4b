/* What a stranger may say about a trace: traceparent, tracestate and request id, one a line. What
 * is accepted must come out again as something that would be accepted. */
#include "context/trace.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t take_line(const char **text, size_t *left, const char **line)
{
	const char *end = *left ? memchr(*text, '\n', *left) : NULL;
	size_t length = end ? (size_t)(end - *text) : *left, taken = length + (end != NULL);
	*line = *text;
	*text += taken;
	*left -= taken;
	return length;
}

static void check_traceparent(const wf_trace_incoming *incoming)
{
	wf_trace trace = { .flags = 0 }, again = { .flags = 0 };
	char text[WEFT_TRACEPARENT_SIZE];
	if (wf_traceparent_parse(incoming->traceparent, incoming->traceparent_length, &trace) != 0)
		return;
	wf_traceparent_format(&trace, text);
	if (wf_traceparent_parse(text, strlen(text), &again) != 0) abort();
	if (memcmp(&trace, &again, sizeof(trace)) != 0) abort();
}

static void check_tracestate(const wf_tracestate *list)
{
	char text[WF_TRACESTATE_TEXT_MAX + 1], rewritten[WF_TRACESTATE_TEXT_MAX + 1];
	wf_tracestate again;
	size_t length = wf_tracestate_format(list, text);
	if (length > WF_TRACESTATE_TEXT_MAX || length != strlen(text)) abort();
	wf_tracestate_init(&again);
	if (wf_tracestate_add(&again, text, length) != 0) abort();
	wf_tracestate_format(&again, rewritten);
	if (strcmp(text, rewritten) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *line;
	wf_trace_incoming incoming = { .repeated = false };
	wf_tracestate list;
	weft_context *context;
	incoming.traceparent_length = take_line(&text, &size, &incoming.traceparent);
	incoming.request_id_length = take_line(&text, &size, &incoming.request_id);
	wf_tracestate_init(&list);
	while (size > 0) {
		size_t length = take_line(&text, &size, &line);
		(void)wf_tracestate_add(&list, line, length);
	}
	incoming.tracestate = &list;
	check_traceparent(&incoming);
	check_tracestate(&list);
	if (wf_trace_accept(wf_context_root(), &incoming, NULL, &context) != 0) abort();
	if (!wf_trace_exists(&context->trace) || context->trace.request_id[0] == '\0') abort();
	wf_context_unref(context);
	return 0;
}
