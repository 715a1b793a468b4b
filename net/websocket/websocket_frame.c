/* Every rule is checked at the first byte that can break it: the first byte of a header alone
 * tells about reserved bits, opcodes and fragments, the second about masking and the length of
 * control frames. Nothing of a frame that breaks a rule is handed out.
 *
 * Between two calls one of these holds:
 *   at a header     !in_payload, header[0..header_got) are its bytes so far
 *   in a data frame  in_payload, frame_left > 0
 *   in a control frame  in_payload, control[0..control_got) still masked, frame_left > 0
 * message != 0 from the header of a message's first frame to the end of its last. A control frame
 * between fragments touches `frame`, `frame_left`, `key` and `phase`, which each header sets anew,
 * and nothing that belongs to the message. */
#include "net/websocket/websocket_frame.h"

#include <errno.h>
#include <string.h>

#include "net/websocket/websocket_mask.h"

enum {
	OPCODE = 0x0F,
	CONTROL = 0x08,
	RSV2_AND_3 = 0x30,
	MASKED = 0x80,
	LENGTH = 0x7F,
	LENGTH_16 = 126,
	LENGTH_64 = 127,
};

typedef struct error_row {
	int rc;
	uint16_t code;
	const char *text;
} error_row;

static const error_row error_rows[] = { { 0, 0, "no error" },
#define ROW(name, rc, code, text) { rc, code, text },
	WF_WEBSOCKET_ERRORS(ROW)
#undef ROW
};

int wf_websocket_error_code(wf_websocket_error error)
{
	wf_assert((size_t)error < sizeof error_rows / sizeof *error_rows);
	return error_rows[error].code;
}

const char *wf_websocket_error_text(wf_websocket_error error)
{
	wf_assert((size_t)error < sizeof error_rows / sizeof *error_rows);
	return error_rows[error].text;
}

bool wf_websocket_code_may_be_sent(unsigned code)
{
	if (code >= 3000) return code <= 4999;
	if (code >= WF_WEBSOCKET_INVALID_DATA) return code <= WF_WEBSOCKET_BAD_GATEWAY;
	return code >= WF_WEBSOCKET_NORMAL && code <= WF_WEBSOCKET_UNSUPPORTED_DATA;
}

void wf_websocket_decoder_init(wf_websocket_decoder *d, const wf_websocket_rules *rules)
{
	memset(d, 0, sizeof *d);
	if (rules != NULL)
		d->rules = *rules;
	else
		d->rules.from_client = true;
	if (d->rules.message_max == 0) d->rules.message_max = WF_WEBSOCKET_MESSAGE_MAX;
}

wf_websocket_error wf_websocket_decoder_error(const wf_websocket_decoder *d)
{
	return (wf_websocket_error)d->error;
}

bool wf_websocket_decoder_at_rest(const wf_websocket_decoder *d)
{
	return !d->error && !d->closed && !d->in_payload && d->header_got == 0 && d->message == 0;
}

static int fail(wf_websocket_decoder *d, wf_websocket_error error)
{
	d->error = (uint8_t)error;
	return error_rows[error].rc;
}

static uint64_t big_endian(const uint8_t *bytes, size_t size)
{
	uint64_t value = 0;
	for (size_t i = 0; i < size; i++) value = value << 8 | bytes[i];
	return value;
}

/* The length of the header that begins with these two bytes. */
static size_t header_size(uint8_t second)
{
	size_t size = (second & MASKED) ? 6 : 2;
	if ((second & LENGTH) == LENGTH_16) return size + 2;
	if ((second & LENGTH) == LENGTH_64) return size + 8;
	return size;
}

static wf_websocket_error judge_first(const wf_websocket_decoder *d, uint8_t first)
{
	uint8_t opcode = first & OPCODE;
	bool first_of_message = opcode == WF_WEBSOCKET_TEXT || opcode == WF_WEBSOCKET_BINARY;
	if (first & RSV2_AND_3) return WF_WEBSOCKET_RESERVED_BIT;
	if ((first & WF_WEBSOCKET_RSV1) && !(d->rules.may_be_compressed && first_of_message))
		return WF_WEBSOCKET_RESERVED_BIT;
	if (first_of_message)
		return d->message != 0 ? WF_WEBSOCKET_MESSAGE_UNFINISHED : WF_WEBSOCKET_NO_ERROR;
	if (opcode == WF_WEBSOCKET_CONTINUATION)
		return d->message == 0 ? WF_WEBSOCKET_NOTHING_TO_CONTINUE : WF_WEBSOCKET_NO_ERROR;
	if (opcode < WF_WEBSOCKET_CLOSE || opcode > WF_WEBSOCKET_PONG)
		return WF_WEBSOCKET_RESERVED_OPCODE;
	if (!(first & WF_WEBSOCKET_FIN)) return WF_WEBSOCKET_FRAGMENTED_CONTROL;
	return WF_WEBSOCKET_NO_ERROR;
}

static wf_websocket_error judge_second(const wf_websocket_decoder *d, uint8_t first, uint8_t second)
{
	bool masked = (second & MASKED) != 0;
	if (masked != d->rules.from_client)
		return masked ? WF_WEBSOCKET_MASKED : WF_WEBSOCKET_NOT_MASKED;
	if ((first & CONTROL) && (second & LENGTH) > WF_WEBSOCKET_CONTROL_MAX)
		return WF_WEBSOCKET_LONG_CONTROL;
	return WF_WEBSOCKET_NO_ERROR;
}

/* The payload length of a whole header. */
static wf_websocket_error read_length(const uint8_t *header, uint64_t *out)
{
	uint64_t length = header[1] & LENGTH;
	if (length == LENGTH_16) {
		length = big_endian(header + 2, 2);
		if (length < LENGTH_16) return WF_WEBSOCKET_LENGTH_NOT_MINIMAL;
	} else if (length == LENGTH_64) {
		length = big_endian(header + 2, 8);
		if (length >> 63) return WF_WEBSOCKET_LENGTH_HIGH_BIT;
		if (length <= UINT16_MAX) return WF_WEBSOCKET_LENGTH_NOT_MINIMAL;
	}
	*out = length;
	return WF_WEBSOCKET_NO_ERROR;
}

/* Counts a data frame into its message. */
static wf_websocket_error enter_message(wf_websocket_decoder *d, uint8_t first, uint64_t length)
{
	if (d->rules.frame_max != 0 && length > d->rules.frame_max) return WF_WEBSOCKET_FRAME_TOO_BIG;
	if ((first & OPCODE) != WF_WEBSOCKET_CONTINUATION) {
		d->message = first & (OPCODE | WF_WEBSOCKET_RSV1);
		d->message_bytes = 0;
		d->begun = false;
		d->utf8 = (wf_utf8){ 0 };
	}
	/* message_bytes never exceeds message_max, so the difference is exact. */
	if (length > d->rules.message_max - d->message_bytes) return WF_WEBSOCKET_MESSAGE_TOO_BIG;
	d->message_bytes += length;
	return WF_WEBSOCKET_NO_ERROR;
}

/* Starts the frame whose whole header is at `header`; its first two bytes have been judged. */
static int enter_frame(wf_websocket_decoder *d, const uint8_t *header)
{
	uint64_t length;
	wf_websocket_error error = read_length(header, &length);
	if (!error && !(header[0] & CONTROL)) error = enter_message(d, header[0], length);
	if (error) return fail(d, error);
	d->frame = header[0];
	d->frame_left = length;
	d->phase = 0;
	d->control_got = 0;
	d->header_got = 0;
	d->in_payload = true;
	if (d->rules.from_client) memcpy(d->key, header + header_size(header[1]) - 4, 4);
	return 0;
}

/* Takes a header that is whole in the input. Returns its size, or 0 when it is not whole. */
static int take_whole_header(wf_websocket_decoder *d, const uint8_t *data, size_t size)
{
	if (d->header_got > 0 || size < 2 || size < header_size(data[1])) return 0;
	wf_websocket_error error = judge_first(d, data[0]);
	if (!error) error = judge_second(d, data[0], data[1]);
	if (error) return fail(d, error);
	int rc = enter_frame(d, data);
	return rc < 0 ? rc : (int)header_size(data[1]);
}

/* Takes bytes of a header that comes in parts, one by one. Returns how many it took: all that
 * there are, or those up to its end. */
static int take_header_bytes(wf_websocket_decoder *d, const uint8_t *data, size_t size)
{
	int taken = 0;
	while ((size_t)taken < size && !d->in_payload) {
		d->header[d->header_got++] = data[taken++];
		wf_websocket_error error = WF_WEBSOCKET_NO_ERROR;
		if (d->header_got == 1) error = judge_first(d, d->header[0]);
		if (d->header_got == 2) error = judge_second(d, d->header[0], d->header[1]);
		if (error) return fail(d, error);
		if (d->header_got < 2 || d->header_got < header_size(d->header[1])) continue;
		int rc = enter_frame(d, d->header);
		if (rc < 0) return rc;
	}
	return taken;
}

/* Unmasks the next bytes of the current frame. */
static void unmask(wf_websocket_decoder *d, uint8_t *data, size_t size)
{
	if (d->rules.from_client) wf_websocket_mask(data, size, d->key, d->phase);
	d->phase = (uint8_t)((d->phase + size) & 3);
}

/* The current piece of a message: what the input holds of its frame. */
static int take_data(wf_websocket_decoder *d, uint8_t *data, size_t size, wf_websocket_event *out)
{
	wf_websocket_event event = { .data = data, .size = size, .frame_left = d->frame_left - size };
	event.opcode = d->message & OPCODE;
	event.compressed = (d->message & WF_WEBSOCKET_RSV1) != 0;
	event.begins = !d->begun;
	event.ends = event.frame_left == 0 && (d->frame & WF_WEBSOCKET_FIN);
	unmask(d, data, size);
	if (d->message == WF_WEBSOCKET_TEXT) {
		bool valid = wf_utf8_feed(&d->utf8, data, size);
		if (!valid || (event.ends && !wf_utf8_complete(&d->utf8)))
			return fail(d, WF_WEBSOCKET_TEXT_NOT_UTF8);
	}
	d->frame_left = event.frame_left;
	if (d->frame_left == 0) d->in_payload = false;
	if (event.ends) d->message = 0;
	if (size == 0 && !event.ends) return 0;
	d->begun = true;
	*out = event;
	return 1;
}

/* A control frame, whole and unmasked at `data`. */
static int finish_control(
	wf_websocket_decoder *d, uint8_t *data, size_t size, wf_websocket_event *out)
{
	wf_websocket_event event = { .data = data, .size = size, .opcode = d->frame & OPCODE };
	d->in_payload = false;
	if (event.opcode == WF_WEBSOCKET_CLOSE) {
		if (size == 1) return fail(d, WF_WEBSOCKET_CLOSE_TOO_SHORT);
		event.close_code = WF_WEBSOCKET_NO_STATUS;
		if (size >= 2) {
			event.close_code = (uint16_t)big_endian(data, 2);
			event.data += 2;
			event.size -= 2;
			if (!wf_websocket_code_may_be_sent(event.close_code))
				return fail(d, WF_WEBSOCKET_CLOSE_CODE);
			if (!wf_utf8_valid(event.data, event.size)) return fail(d, WF_WEBSOCKET_CLOSE_NOT_UTF8);
		}
		d->closed = true;
	}
	*out = event;
	return 1;
}

/* What the input holds of a control frame: handed out where it lies when that is all of it, kept
 * until the rest comes otherwise. */
static int take_control(
	wf_websocket_decoder *d, uint8_t *data, size_t size, wf_websocket_event *out)
{
	d->frame_left -= size;
	if (d->control_got == 0 && d->frame_left == 0) {
		unmask(d, data, size);
		return finish_control(d, data, size, out);
	}
	memcpy(d->control + d->control_got, data, size);
	d->control_got = (uint8_t)(d->control_got + size);
	if (d->frame_left > 0) return 0;
	unmask(d, d->control, d->control_got);
	return finish_control(d, d->control, d->control_got, out);
}

int wf_websocket_decode(
	wf_websocket_decoder *d, void *input, size_t size, wf_websocket_event *out, size_t *used)
{
	uint8_t *data = input;
	size_t at = 0;
	if (d->error) return error_rows[d->error].rc;
	while (!d->closed && at < size) {
		if (!d->in_payload) {
			int taken = take_whole_header(d, data + at, size - at);
			if (taken == 0) taken = take_header_bytes(d, data + at, size - at);
			if (taken < 0) return taken;
			at += (size_t)taken;
		}
		/* An empty payload is complete without further input; any other wants some. */
		if (!d->in_payload || (at == size && d->frame_left > 0)) break;
		size_t piece = size - at < d->frame_left ? size - at : (size_t)d->frame_left;
		bool control = (d->frame & CONTROL) != 0;
		int rc =
			control ? take_control(d, data + at, piece, out) : take_data(d, data + at, piece, out);
		if (rc < 0) return rc;
		at += piece;
		if (rc > 0) {
			*used = at;
			return 1;
		}
	}
	*used = size;
	return 0;
}

size_t wf_websocket_header(
	uint8_t out[WF_WEBSOCKET_HEADER_MAX], unsigned first, uint64_t size, const uint8_t key[4])
{
	uint8_t masked = key != NULL ? MASKED : 0;
	size_t length_bytes = size < LENGTH_16 ? 0 : size <= UINT16_MAX ? 2 : 8;
	wf_assert(first <= UINT8_MAX && size <= INT64_MAX);
	wf_assert(
		!(first & CONTROL) || (size <= WF_WEBSOCKET_CONTROL_MAX && (first & WF_WEBSOCKET_FIN)));
	out[0] = (uint8_t)first;
	out[1] = (uint8_t)(masked | (length_bytes == 0      ? size
									: length_bytes == 2 ? LENGTH_16
														: LENGTH_64));
	size_t n = 2;
	for (size_t i = length_bytes; i > 0; i--) out[n++] = (uint8_t)(size >> (8 * (i - 1)));
	if (key != NULL) {
		memcpy(out + n, key, 4);
		n += 4;
	}
	return n;
}

size_t wf_websocket_close_payload(
	uint8_t out[WF_WEBSOCKET_CONTROL_MAX], unsigned code, const char *reason)
{
	if (code == WF_WEBSOCKET_NO_STATUS) return 0;
	wf_assert(wf_websocket_code_may_be_sent(code));
	out[0] = (uint8_t)(code >> 8);
	out[1] = (uint8_t)code;
	if (reason == NULL) return 2;
	size_t size = wf_utf8_prefix(reason, strnlen(reason, WF_WEBSOCKET_REASON_MAX));
	memcpy(out + 2, reason, size);
	return 2 + size;
}
