/* Body framing: a machine over bytes for what stands between the chunks, counters for the rest.
 *
 * The machine follows the grammar of RFC 9112 section 7.1 to the letter:
 *   chunk = 1*HEXDIG *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ) CRLF data
 * CRLF with white space before ';' and around '=' only, CRLF the only line end. Content never goes
 * through it. Invariant: `left` is above zero only in STATE_CONTENT. */
#include "net/http/http_body.h"
#include "net/http/http_scan.h"

#include <weft/error.h>

enum {
	STATE_CONTENT,
	STATE_CONTENT_CR,
	STATE_CONTENT_LF,
	STATE_SIZE_FIRST,
	STATE_SIZE,
	STATE_BEFORE_SEMICOLON, /* white space seen */
	STATE_BEFORE_NAME,
	STATE_NAME,
	STATE_BEFORE_EQUALS, /* white space seen: '=' or ';' */
	STATE_BEFORE_TEXT,
	STATE_TEXT,
	STATE_QUOTED,
	STATE_ESCAPED,
	STATE_BEHIND_QUOTED, /* ';', white space or the line's end */
	STATE_SIZE_LF,
	STATE_TRAILER_LINE,
	STATE_TRAILER_NAME,
	STATE_TRAILER_VALUE,
	STATE_TRAILER_LF,
	STATE_END_LF,
	STATE_DONE,
	STATE_FAILED,
};

/* Sixteen digits say more than 2^63; as many leading zeros would say nothing. */
enum { CHUNK_SIZE_DIGITS = 16 };

wf_http_body_kind wf_http_request_body(const wf_http_head *head)
{
	if (head->chunked) return WF_BODY_CHUNKED;
	return head->content_length > 0 ? WF_BODY_LENGTH : WF_BODY_NONE;
}

wf_http_body_kind wf_http_response_body(const wf_http_head *head, wf_http_method request_method)
{
	if (request_method == WF_METHOD_HEAD) return WF_BODY_NONE;
	if (head->status < 200 || head->status == 204 || head->status == 304) return WF_BODY_NONE;
	if (request_method == WF_METHOD_CONNECT && head->status < 300) return WF_BODY_NONE;
	if (head->chunked) return WF_BODY_CHUNKED;
	if (head->content_length < 0) return WF_BODY_CLOSE;
	return head->content_length > 0 ? WF_BODY_LENGTH : WF_BODY_NONE;
}

int wf_http_body_init(wf_http_body *body, wf_http_body_kind kind, int64_t length, int64_t limit)
{
	memset(body, 0, sizeof *body);
	body->kind = (uint8_t)kind;
	body->limit = limit < 0 ? INT64_MAX : limit;
	body->trailer_room = WF_HTTP_TRAILER_BYTES;
	body->state = STATE_CONTENT;
	if (kind == WF_BODY_CHUNKED) body->state = STATE_SIZE_FIRST;
	if (kind == WF_BODY_CLOSE) body->left = INT64_MAX;
	if (kind == WF_BODY_LENGTH) body->left = body->content = length;
	if (kind == WF_BODY_NONE || (kind == WF_BODY_LENGTH && length == 0)) body->state = STATE_DONE;
	if (body->content <= body->limit) return 0;
	body->state = STATE_FAILED;
	return body->error = WF_HTTP_EBODY_LARGE;
}

void wf_http_body_keep_trailers(wf_http_body *body, char *buffer, uint32_t size)
{
	wf_assert(body->trailer_size == 0);
	body->trailers = buffer;
	body->trailer_room = size;
}

/* `size` bytes of the content that stands next have gone. 0 or a refusal. */
static int pass_content(wf_http_body *body, int64_t size)
{
	if (body->kind == WF_BODY_CLOSE) {
		if (size > body->limit - body->content) return WF_HTTP_EBODY_LARGE;
		body->content += size;
		return 0;
	}
	body->left -= size;
	if (body->left == 0)
		body->state = body->kind == WF_BODY_CHUNKED ? STATE_CONTENT_CR : STATE_DONE;
	return 0;
}

static int hex_digit(char byte)
{
	int letter = byte | 0x20;
	return letter >= 'a' ? letter - 'a' + 10 : byte - '0';
}

static int take_size_digit(wf_http_body *body, char byte)
{
	if (++body->line > CHUNK_SIZE_DIGITS) return WF_HTTP_ECHUNK_RANGE;
	if (body->left >> 59 != 0) return WF_HTTP_ECHUNK_RANGE;
	body->left = body->left << 4 | hex_digit(byte);
	body->state = STATE_SIZE;
	return 0;
}

/* The line of a chunk's size is complete. */
static int begin_chunk(wf_http_body *body)
{
	body->line = 0;
	if (body->left == 0) {
		body->state = STATE_TRAILER_LINE;
		return 0;
	}
	if (body->left > body->limit - body->content) return WF_HTTP_EBODY_LARGE;
	body->content += body->left;
	body->overhead = body->overhead > body->left ? body->overhead - body->left : 0;
	body->state = STATE_CONTENT;
	return 0;
}

static int go(wf_http_body *body, int state)
{
	body->state = (uint8_t)state;
	return 0;
}

static int refuse(char byte, int otherwise)
{
	return byte == '\n' ? WF_HTTP_EBARE_LF : otherwise;
}

/* Between the last digit and the CR. What one extension holds does not matter, only that every
 * reader agrees where it ends. */
static int take_extension(wf_http_body *body, char byte)
{
	bool space = wf_byte_is_space(byte), token = wf_byte_is(byte, WF_BYTE_TOKEN);
	int state = body->state;
	if (++body->line > WF_HTTP_CHUNK_EXTENSION_BYTES ||
		++body->overhead > WF_HTTP_CHUNK_OVERHEAD_BYTES)
		return WF_HTTP_ECHUNK_EXTENSION_LARGE;
	switch (state) {
	case STATE_BEFORE_NAME:
	case STATE_BEFORE_TEXT:
		if (space) return 0;
		if (token) return go(body, state + 1);
		if (byte == '"' && state == STATE_BEFORE_TEXT) return go(body, STATE_QUOTED);
		break;
	case STATE_NAME:
	case STATE_BEFORE_EQUALS:
		if (token && state == STATE_NAME) return 0;
		if (byte == '=') return go(body, STATE_BEFORE_TEXT);
		if (byte == ';') return go(body, STATE_BEFORE_NAME);
		if (space) return go(body, STATE_BEFORE_EQUALS);
		if (byte == '\r' && state == STATE_NAME) return go(body, STATE_SIZE_LF);
		break;
	case STATE_QUOTED:
		if (byte == '"') return go(body, STATE_BEHIND_QUOTED);
		if (byte == '\\') return go(body, STATE_ESCAPED);
		if (wf_byte_is(byte, WF_BYTE_VALUE)) return 0;
		break;
	case STATE_ESCAPED:
		if (wf_byte_is(byte, WF_BYTE_VALUE)) return go(body, STATE_QUOTED);
		break;
	default: /* STATE_TEXT, STATE_BEHIND_QUOTED, STATE_BEFORE_SEMICOLON */
		if (token && state == STATE_TEXT) return 0;
		if (byte == ';') return go(body, STATE_BEFORE_NAME);
		if (space) return go(body, STATE_BEFORE_SEMICOLON);
		if (byte == '\r' && state != STATE_BEFORE_SEMICOLON) return go(body, STATE_SIZE_LF);
		break;
	}
	return refuse(byte, WF_HTTP_ECHUNK_EXTENSION);
}

/* A byte of the trailer section: the section is kept whole, with its last, empty line. */
static int take_trailer(wf_http_body *body, char byte)
{
	if (body->trailer_size == body->trailer_room) return WF_HTTP_ETRAILER_LARGE;
	if (body->trailers != NULL) body->trailers[body->trailer_size] = byte;
	body->trailer_size++;
	switch (body->state) {
	case STATE_TRAILER_LINE:
		if (byte == '\r') return go(body, STATE_END_LF);
		/* fall through */
	case STATE_TRAILER_NAME:
		if (wf_byte_is(byte, WF_BYTE_TOKEN)) return go(body, STATE_TRAILER_NAME);
		if (byte == ':' && body->state == STATE_TRAILER_NAME) return go(body, STATE_TRAILER_VALUE);
		break;
	case STATE_TRAILER_VALUE:
		if (wf_byte_is(byte, WF_BYTE_VALUE)) return 0;
		if (byte == '\r') return go(body, STATE_TRAILER_LF);
		break;
	case STATE_TRAILER_LF:
		if (byte == '\n') return go(body, STATE_TRAILER_LINE);
		return WF_HTTP_EBARE_CR;
	default: /* STATE_END_LF */
		if (byte == '\n') return go(body, STATE_DONE);
		return WF_HTTP_EBARE_CR;
	}
	return refuse(byte, WF_HTTP_ETRAILER);
}

static int take_byte(wf_http_body *body, char byte)
{
	switch (body->state) {
	case STATE_CONTENT_CR:
		return byte == '\r' ? go(body, STATE_CONTENT_LF) : refuse(byte, WF_HTTP_ECHUNK_END);
	case STATE_CONTENT_LF:
		return byte == '\n' ? go(body, STATE_SIZE_FIRST) : WF_HTTP_ECHUNK_END;
	case STATE_SIZE_FIRST:
		if (wf_byte_is(byte, WF_BYTE_HEX)) return take_size_digit(body, byte);
		return refuse(byte, WF_HTTP_ECHUNK_SIZE);
	case STATE_SIZE:
		if (wf_byte_is(byte, WF_BYTE_HEX)) return take_size_digit(body, byte);
		if (byte == '\r') return go(body, STATE_SIZE_LF);
		body->line = 0;
		if (byte != ';' && !wf_byte_is_space(byte)) return refuse(byte, WF_HTTP_ECHUNK_SIZE);
		return take_extension(body, byte);
	case STATE_SIZE_LF:
		return byte == '\n' ? begin_chunk(body) : WF_HTTP_EBARE_CR;
	default:
		return body->state < STATE_SIZE_LF ? take_extension(body, byte) : take_trailer(body, byte);
	}
}

static int fail(wf_http_body *body, int rc)
{
	body->state = STATE_FAILED;
	body->error = rc;
	return rc;
}

int wf_http_body_take(wf_http_body *body, const char *data, size_t size, size_t *used,
	const char **piece, size_t *piece_size)
{
	size_t at = 0;
	int rc = 0;
	*used = 0;
	if (body->state == STATE_FAILED) return body->error;
	while (at < size && body->state != STATE_CONTENT && body->state != STATE_DONE && rc == 0)
		rc = take_byte(body, data[at++]);
	*used = at;
	if (rc < 0) return fail(body, rc);
	if (body->state == STATE_DONE) return WF_HTTP_DONE;
	if (at == size) return WF_HTTP_MORE;

	size_t got = size - at;
	if ((uint64_t)got > (uint64_t)body->left) got = (size_t)body->left;
	rc = pass_content(body, (int64_t)got);
	if (rc < 0) return fail(body, rc);
	*piece = data + at;
	*piece_size = got;
	*used = at + got;
	return WF_HTTP_PIECE;
}

int64_t wf_http_body_direct(const wf_http_body *body)
{
	return body->state == STATE_CONTENT ? body->left : 0;
}

int wf_http_body_skip(wf_http_body *body, size_t size)
{
	wf_assert((uint64_t)size <= (uint64_t)wf_http_body_direct(body));
	int rc = pass_content(body, (int64_t)size);
	return rc < 0 ? fail(body, rc) : 0;
}

bool wf_http_body_ended(const wf_http_body *body)
{
	return body->state == STATE_DONE;
}

int wf_http_body_close(wf_http_body *body)
{
	if (body->state == STATE_FAILED) return body->error;
	if (body->kind == WF_BODY_CLOSE) body->state = STATE_DONE;
	return body->state == STATE_DONE ? WF_HTTP_DONE : WEFT_EOF;
}

int wf_http_body_trailers(
	const wf_http_body *body, wf_http_head *head, wf_http_field *fields, uint32_t room)
{
	bool kept = body->trailers != NULL && body->trailer_size > 0;
	const wf_http_limits limits = { .head_bytes = kept ? body->trailer_size : 2, .fields = room };
	wf_assert(body->state == STATE_DONE);
	wf_http_head_init(head, WF_HTTP_TRAILERS, fields, &limits);
	return wf_http_parse(head, kept ? body->trailers : "\r\n", limits.head_bytes);
}
