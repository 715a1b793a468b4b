#include "context/trace.h"
#include "context/alloc.h"
#include "context/hex.h"

#include <string.h>
#include <weft/error.h>

/* 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 */
enum {
	trace_id_at = 3,
	span_id_at = 36,
	flags_at = 53,
	traceparent_length = 55,
	known_flags = WF_TRACE_SAMPLED | WF_TRACE_RANDOM,
};

/* One in each of eight bytes. */
#define BYTES UINT64_C(0x0101010101010101)

const weft_key wf_tracestate_key = { .name = "tracestate", .unref = wf_free };

static bool all_zero(const uint8_t *bytes, size_t size)
{
	uint8_t any = 0;
	for (size_t i = 0; i < size; i++) any |= bytes[i];
	return any == 0;
}

/* The shape of all versions: dashes in their places, and nothing behind the fourth field that does
 * not begin with one. */
static bool dashes_are_valid(const char *text, size_t length)
{
	if (length < traceparent_length) return false;
	if (text[trace_id_at - 1] != '-' || text[span_id_at - 1] != '-' || text[flags_at - 1] != '-')
		return false;
	return length == traceparent_length || text[traceparent_length] == '-';
}

int wf_traceparent_parse(const char *text, size_t length, wf_trace *trace)
{
	uint8_t version, flags;
	wf_trace read;
	if (!dashes_are_valid(text, length)) return WEFT_EINVAL;
	if (!wf_hex_decode(text, 1, &version) || version == 0xff) return WEFT_EINVAL;
	if (version == 0 && length != traceparent_length) return WEFT_EINVAL;
	if (!wf_hex_decode(text + trace_id_at, sizeof(read.trace_id), read.trace_id) ||
		!wf_hex_decode(text + span_id_at, sizeof(read.span_id), read.span_id) ||
		!wf_hex_decode(text + flags_at, 1, &flags))
		return WEFT_EINVAL;
	if (all_zero(read.trace_id, sizeof(read.trace_id))) return WEFT_EINVAL;
	if (all_zero(read.span_id, sizeof(read.span_id))) return WEFT_EINVAL;
	memcpy(trace->trace_id, read.trace_id, sizeof(read.trace_id));
	memcpy(trace->span_id, read.span_id, sizeof(read.span_id));
	trace->flags = flags & (version == 0 ? known_flags : WF_TRACE_SAMPLED);
	return 0;
}

void wf_traceparent_format(const wf_trace *trace, char text[WEFT_TRACEPARENT_SIZE])
{
	memcpy(text, "00-", 3);
	wf_hex_encode(trace->trace_id, sizeof(trace->trace_id), text + trace_id_at);
	text[span_id_at - 1] = '-';
	wf_hex_encode(trace->span_id, sizeof(trace->span_id), text + span_id_at);
	text[flags_at - 1] = '-';
	wf_hex_encode(&trace->flags, 1, text + flags_at);
	text[traceparent_length] = '\0';
}

/* Zero is no id. */
static void set_span_id(wf_trace *trace, uint64_t number)
{
	number |= number == 0;
	memcpy(trace->span_id, &number, sizeof number);
}

void wf_trace_new(wf_random *random, wf_trace *trace)
{
	uint64_t numbers[3];
	wf_random_fill(random, numbers, WEFT_COUNT(numbers));
	memset(trace, 0, sizeof(*trace));
	numbers[0] |= (numbers[0] | numbers[1]) == 0;
	memcpy(trace->trace_id, numbers, sizeof(trace->trace_id));
	set_span_id(trace, numbers[2]);
	trace->flags = WF_TRACE_RANDOM;
}

void wf_trace_child(wf_random *random, wf_trace *trace)
{
	uint64_t number;
	wf_random_fill(random, &number, 1);
	memcpy(trace->parent_id, trace->span_id, sizeof(trace->parent_id));
	set_span_id(trace, number);
}

/* One in each byte that is at least `least`; the bytes are below 32. */
static uint64_t at_least(uint64_t bytes, uint64_t least)
{
	return (bytes + (128 - least) * BYTES) >> 7 & BYTES;
}

/* Crockford's base 32: no i, l, o or u, so that it can be read out aloud. Eight digits at once, of
 * five bits of each byte: behind 9 comes a, and one more is added at each letter left out. */
static void put_base32(char *text, uint64_t bits)
{
	uint64_t value = bits & 31 * BYTES;
	uint64_t digits = value + '0' * BYTES + ('a' - '9' - 1) * at_least(value, 10);
	digits += at_least(value, 18) + at_least(value, 20) + at_least(value, 22) + at_least(value, 27);
	memcpy(text, &digits, sizeof digits);
}

/* 80 random bits. */
void wf_request_id_new(wf_random *random, wf_trace *trace)
{
	uint64_t numbers[2];
	wf_random_fill(random, numbers, WEFT_COUNT(numbers));
	put_base32(trace->request_id, numbers[0]);
	put_base32(trace->request_id + 8, numbers[1]);
	trace->request_id[16] = '\0';
}

static bool in_request_id(char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
	return c != '\0' && strchr("-_.:=+/@", c) != NULL;
}

bool wf_request_id_accept(wf_trace *trace, const char *text, size_t length)
{
	if (length == 0 || length >= WF_REQUEST_ID_SIZE) return false;
	for (size_t i = 0; i < length; i++) {
		if (!in_request_id(text[i])) return false;
	}
	memcpy(trace->request_id, text, length);
	trace->request_id[length] = '\0';
	return true;
}

/* False: nothing came that can be continued. */
static bool continue_trace(const wf_trace_incoming *incoming, wf_random *random, wf_trace *trace)
{
	if (incoming->traceparent == NULL || incoming->repeated) return false;
	memset(trace, 0, sizeof(*trace));
	if (wf_traceparent_parse(incoming->traceparent, incoming->traceparent_length, trace) != 0)
		return false;
	wf_trace_child(random, trace);
	return true;
}

static int copy_tracestate(const wf_tracestate *list, char **out)
{
	char text[WF_TRACESTATE_TEXT_MAX + 1];
	*out = NULL;
	if (list == NULL || wf_tracestate_format(list, text) == 0) return 0;
	*out = wf_strdup(text);
	return *out ? 0 : WEFT_ENOMEM;
}

int wf_trace_accept_again(weft_context *spare, weft_context *base,
	const wf_trace_incoming *incoming, wf_random *random, weft_context **out)
{
	wf_trace trace;
	char *state = NULL;
	if (continue_trace(incoming, random, &trace)) {
		int rc = copy_tracestate(incoming->tracestate, &state);
		if (rc != 0) {
			wf_context_unref(spare);
			return rc;
		}
	} else {
		wf_trace_new(random, &trace);
	}
	if (incoming->request_id == NULL ||
		!wf_request_id_accept(&trace, incoming->request_id, incoming->request_id_length))
		wf_request_id_new(random, &trace);
	/* A new trace must not go on with the state of another. */
	wf_context_change change = { &wf_tracestate_key, state, state == NULL };
	bool changes = state || wf_context_find(base, &wf_tracestate_key);
	/* As many slots as the base, which has no tracestate: then it is without one too. */
	if (spare != NULL && !changes && spare->count == base->count && wf_context_is_sole(spare)) {
		wf_context_renew(spare, base, &trace);
		*out = spare;
		return 0;
	}
	wf_context_unref(spare);
	return wf_context_derive(base, &trace, &change, changes, out);
}

int wf_trace_accept(
	weft_context *base, const wf_trace_incoming *incoming, wf_random *random, weft_context **out)
{
	return wf_trace_accept_again(NULL, base, incoming, random, out);
}

const char *weft_request_id(void)
{
	return wf_context_trace()->request_id;
}

static bool write_id(const uint8_t *id, size_t size, char *text)
{
	bool exists = wf_trace_exists(wf_context_trace());
	if (exists) wf_hex_encode(id, size, text);
	text[exists ? 2 * size : 0] = '\0';
	return exists;
}

bool weft_trace_id(char text[WEFT_TRACE_ID_SIZE])
{
	return write_id(wf_context_trace()->trace_id, 16, text);
}

bool weft_span_id(char text[WEFT_SPAN_ID_SIZE])
{
	return write_id(wf_context_trace()->span_id, 8, text);
}

bool weft_trace_sampled(void)
{
	return wf_context_trace()->flags & WF_TRACE_SAMPLED;
}

bool weft_traceparent(char text[WEFT_TRACEPARENT_SIZE])
{
	text[0] = '\0';
	if (!wf_trace_exists(wf_context_trace()) || !wf_context_wants_spans()) return false;
	wf_traceparent_format(wf_context_trace(), text);
	return true;
}

const char *weft_tracestate(void)
{
	const char *text = wf_context_find(wf_context_current(), &wf_tracestate_key);
	return text ? text : "";
}

int weft_trace_start_with(weft_context *base, weft_context **out, const weft_trace_options *options)
{
	wf_tracestate list;
	wf_trace_incoming incoming = { .traceparent = options->traceparent,
		.tracestate = options->tracestate ? &list : NULL,
		.request_id = options->request_id };
	if (options->traceparent) incoming.traceparent_length = strlen(options->traceparent);
	if (options->request_id) incoming.request_id_length = strlen(options->request_id);
	if (options->tracestate) {
		wf_tracestate_init(&list);
		(void)wf_tracestate_add(&list, options->tracestate, strlen(options->tracestate));
	}
	if (base == NULL) base = wf_context_current();
	return wf_trace_accept(base, &incoming, NULL, out);
}
