/* However the bytes of a peer are cut, the same comes of them: the same messages and control
 * frames, the same error. The first byte chooses the rules, the second how the input is cut. */
#include <stdlib.h>
#include <string.h>

#include "net/websocket/websocket_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read, as a number: pieces of a message count as one, wherever they were cut. */
typedef struct digest {
	uint64_t hash;
	uint64_t message_bytes;
	bool in_message;
	int rc;
	wf_websocket_error error;
} digest;

static void mix(digest *d, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	for (size_t i = 0; i < size; i++) d->hash = (d->hash ^ bytes[i]) * UINT64_C(0x100000001B3);
}

static void mix_number(digest *d, uint64_t number)
{
	mix(d, &number, sizeof number);
}

static void take_event(digest *d, const wf_websocket_event *event, const wf_websocket_rules *rules)
{
	bool control = event->opcode >= WF_WEBSOCKET_CLOSE;
	if (control) {
		if (event->size > WF_WEBSOCKET_CONTROL_MAX) abort();
		/* Where in a message it came depends on nothing but the bytes before it. */
		mix_number(d, event->opcode + ((uint64_t)event->close_code << 8));
		mix(d, event->data, event->size);
		return;
	}
	if (event->begins == d->in_message) abort();
	if (event->size == 0 && !event->ends) abort();
	if (event->begins) d->message_bytes = 0;
	d->message_bytes += event->size;
	if (d->message_bytes > rules->message_max) abort();
	d->in_message = !event->ends;
	mix(d, event->data, event->size);
	if (event->ends) mix_number(d, event->opcode + ((uint64_t)event->compressed << 8));
}

static void feed(digest *d, wf_websocket_decoder *decoder, uint8_t *input, size_t size)
{
	for (size_t at = 0; at < size;) {
		wf_websocket_event event;
		size_t used;
		d->rc = wf_websocket_decode(decoder, input + at, size - at, &event, &used);
		if (d->rc < 0) {
			d->error = wf_websocket_decoder_error(decoder);
			if (!wf_websocket_code_may_be_sent((unsigned)wf_websocket_error_code(d->error)))
				abort();
			return;
		}
		if (used > size - at || (d->rc == 0 && used != size - at)) abort();
		if (d->rc == 1) take_event(d, &event, &decoder->rules);
		at += used;
	}
}

/* A copy of each piece, since it is unmasked in place; `piece` 0 is all at once. */
static digest read_in_pieces(
	const uint8_t *data, size_t size, size_t piece, const wf_websocket_rules *rules)
{
	digest d = { .hash = UINT64_C(0xCBF29CE484222325) };
	wf_websocket_decoder decoder;
	wf_websocket_decoder_init(&decoder, rules);
	for (size_t at = 0; at < size && d.rc >= 0;) {
		size_t n = piece != 0 && piece < size - at ? piece : size - at;
		uint8_t *copy = malloc(n);
		if (copy == NULL) abort();
		memcpy(copy, data + at, n);
		feed(&d, &decoder, copy, n);
		free(copy);
		at += n;
	}
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) return 0;
	wf_websocket_rules rules = {
		.from_client = data[0] & 1,
		.may_be_compressed = data[0] & 2,
		.message_max = (data[0] & 4) ? 200 : 70000,
		.frame_max = (data[0] & 8) ? 100 : 0,
	};
	digest whole = read_in_pieces(data + 2, size - 2, 0, &rules);
	digest bytes = read_in_pieces(data + 2, size - 2, 1, &rules);
	digest pieces = read_in_pieces(data + 2, size - 2, 2 + data[1], &rules);
	if (whole.error != bytes.error || whole.error != pieces.error) abort();
	/* Bytes before the one that is refused are told of only when they came before it. */
	if (whole.error == WF_WEBSOCKET_NO_ERROR &&
		(whole.hash != bytes.hash || whole.hash != pieces.hash))
		abort();
	return 0;
}
