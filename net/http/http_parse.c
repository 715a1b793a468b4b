/* The head parser: a machine over tokens, not bytes.
 *
 * Each phase scans one kind of token with http_scan.h. When the bytes end inside a token the phase,
 * the token's begin and the place of the scan are kept in the head, and the next call goes on at
 * that place; no byte is scanned twice, but for the eight of the version. Every decision waits for
 * the bytes it needs and for no others, which is why the answer does not depend on how the message
 * was cut. The bytes beyond limits.head_bytes do not exist for the parser. */
#include "net/http/http_parse.h"
#include "net/http/http_facts.h"
#include "net/http/http_scan.h"

enum {
	PHASE_START,
	PHASE_METHOD,
	PHASE_TARGET,
	PHASE_VERSION,
	PHASE_STATUS,
	PHASE_REASON,
	PHASE_LINE, /* the first that is past the start line */
	PHASE_NAME,
	PHASE_SPACE,
	PHASE_VALUE,
	PHASE_DONE,
	PHASE_FAILED,
};

static uint32_t offset(const char *data, const char *at)
{
	return (uint32_t)(at - data);
}

static wf_http_span span(const char *data, const char *from, const char *to)
{
	return (wf_http_span){ .at = offset(data, from), .size = offset(from, to) };
}

void wf_http_head_init(
	wf_http_head *head, wf_http_kind kind, wf_http_field *fields, const wf_http_limits *limits)
{
	static const uint8_t first_phase[] = { PHASE_START, PHASE_STATUS, PHASE_LINE };
	memset(head, 0, sizeof *head);
	head->fields = fields;
	head->limits = *limits;
	head->kind = (uint8_t)kind;
	head->phase = first_phase[kind];
	head->content_length = -1;
}

/* DONE when CRLF stands at `at`; any other byte there is refused as `otherwise`. */
static inline int expect_line_end(const char *at, const char *end, int otherwise)
{
	if (wf_likely(end - at >= 2 && memcmp(at, "\r\n", 2) == 0)) return WF_HTTP_DONE;
	if (at == end) return WF_HTTP_MORE;
	if (*at != '\r') return *at == '\n' ? WF_HTTP_EBARE_LF : otherwise;
	return end - at < 2 ? WF_HTTP_MORE : WF_HTTP_EBARE_CR;
}

/* RFC 9112 section 2.2: an empty line before a request is ignored. One is. */
static int parse_start(wf_http_head *head, const char *data, const char *end)
{
	const char *at = data + head->at;
	if (at == end) return WF_HTTP_MORE;
	if (wf_unlikely(*at == '\r')) {
		if (head->at != 0) return WF_HTTP_EEMPTY_LINE;
		int rc = expect_line_end(at, end, 0);
		if (rc <= 0) return rc;
		head->at = 2;
		return parse_start(head, data, end);
	}
	head->token = head->at;
	head->phase = PHASE_METHOD;
	return WF_HTTP_DONE;
}

wf_http_method wf_http_method_of(const char *name, size_t size)
{
	switch (size) {
	case 3:
		if (memcmp(name, "GET", 3) == 0) return WF_METHOD_GET;
		if (memcmp(name, "PUT", 3) == 0) return WF_METHOD_PUT;
		break;
	case 4:
		if (memcmp(name, "POST", 4) == 0) return WF_METHOD_POST;
		if (memcmp(name, "HEAD", 4) == 0) return WF_METHOD_HEAD;
		break;
	case 5:
		if (memcmp(name, "PATCH", 5) == 0) return WF_METHOD_PATCH;
		if (memcmp(name, "TRACE", 5) == 0) return WF_METHOD_TRACE;
		break;
	case 6:
		if (memcmp(name, "DELETE", 6) == 0) return WF_METHOD_DELETE;
		break;
	case 7:
		if (memcmp(name, "OPTIONS", 7) == 0) return WF_METHOD_OPTIONS;
		if (memcmp(name, "CONNECT", 7) == 0) return WF_METHOD_CONNECT;
		break;
	default:
		break;
	}
	return WF_METHOD_OTHER;
}

const char *wf_http_method_name(wf_http_method method)
{
	static const char *const names[] = { [WF_METHOD_OTHER] = "",
		[WF_METHOD_GET] = "GET",
		[WF_METHOD_HEAD] = "HEAD",
		[WF_METHOD_POST] = "POST",
		[WF_METHOD_PUT] = "PUT",
		[WF_METHOD_DELETE] = "DELETE",
		[WF_METHOD_CONNECT] = "CONNECT",
		[WF_METHOD_OPTIONS] = "OPTIONS",
		[WF_METHOD_TRACE] = "TRACE",
		[WF_METHOD_PATCH] = "PATCH" };
	return names[method];
}

static int refuse_method(char byte, bool at_start)
{
	if (byte == '\n') return WF_HTTP_EBARE_LF;
	if (at_start && wf_byte_is_space(byte)) return WF_HTTP_ELEADING_SPACE;
	return WF_HTTP_EMETHOD;
}

static int parse_method(wf_http_head *head, const char *data, const char *end)
{
	const char *token = data + head->token;
	const char *at = wf_scan_token(data + head->at, end, data);
	if (at - token > WF_HTTP_METHOD_BYTES) return WF_HTTP_EMETHOD_LONG;
	head->at = offset(data, at);
	if (at == end) return WF_HTTP_MORE;
	if (at == token || *at != ' ') return refuse_method(*at, at == token);
	head->method_id = (uint8_t)wf_http_method_of(token, (size_t)(at - token));
	head->method = span(data, token, at);
	head->at = head->token = offset(data, at) + 1;
	head->phase = PHASE_TARGET;
	return WF_HTTP_DONE;
}

static int refuse_target(char byte)
{
	if (byte == '\n') return WF_HTTP_EBARE_LF;
	return byte == '\r' ? WF_HTTP_EVERSION : WF_HTTP_ETARGET;
}

static void split_target(wf_http_head *head, const char *data)
{
	const char *from = data + head->target.at, *to = from + head->target.size;
	const char *mark = wf_scan_question(from, to, data);
	head->path = span(data, from, mark);
	if (mark != to) head->query = span(data, mark + 1, to);
}

static int parse_target(wf_http_head *head, const char *data, const char *end)
{
	const char *token = data + head->token;
	size_t limit = head->limits.target_bytes;
	const char *cap = (size_t)(end - token) > limit ? token + limit + 1 : end;
	const char *at = wf_scan_target(data + head->at, cap, data);
	if (wf_unlikely((size_t)(at - token) > limit)) return WF_HTTP_ETARGET_LONG;
	head->at = offset(data, at);
	if (at == end) return WF_HTTP_MORE;
	if (wf_unlikely(*at != ' ' || at == token)) return refuse_target(*at);
	head->target = span(data, token, at);
	head->at = head->token = offset(data, at) + 1;
	head->phase = PHASE_VERSION;
	if (wf_unlikely(*token != '/' || head->method_id == WF_METHOD_CONNECT))
		return wf_http_fact_target(head, data);
	split_target(head, data);
	return WF_HTTP_DONE;
}

/* Reads "HTTP/1.1" at `at` as far as it is there. */
static int parse_version_name(wf_http_head *head, const char *at, const char *end)
{
	static const char shape[] = "HTTP/0.0";
	for (int i = 0; i < 8; i++) {
		if (at + i == end) return WF_HTTP_MORE;
		bool fits = shape[i] == '0' ? wf_byte_is(at[i], WF_BYTE_DIGIT) : at[i] == shape[i];
		if (!fits) return at[i] == '\n' ? WF_HTTP_EBARE_LF : WF_HTTP_EVERSION;
	}
	if (at[5] != '1') return WF_HTTP_EVERSION_UNSUPPORTED;
	head->minor_version = at[7] != '0';
	return WF_HTTP_DONE;
}

static int parse_version(wf_http_head *head, const char *data, const char *end)
{
	const char *at = data + head->token;
	int rc = parse_version_name(head, at, end);
	if (rc == WF_HTTP_DONE) rc = expect_line_end(at + 8, end, WF_HTTP_EVERSION);
	if (rc <= 0) return rc;
	head->at = head->token + 10;
	head->phase = PHASE_LINE;
	return WF_HTTP_DONE;
}

/* "GET /path HTTP/1.1", all there: what nearly every request begins with. Where it is anything else
 * nothing is kept, and the phases find out what. */
static inline bool parse_usual_line(wf_http_head *head, const char *data, const char *end)
{
	const char *token = data + 4;
	size_t limit = head->limits.target_bytes;
	if (end - data < 5 || memcmp(data, "GET /", 5) != 0) return false;
	const char *at = wf_scan_target(token, end, data);
	if ((size_t)(at - token) > limit || end - at < 11) return false;
	if (memcmp(at, " HTTP/1.1\r\n", 11) != 0) return false;
	head->method_id = WF_METHOD_GET;
	head->method.size = 3;
	head->target = span(data, token, at);
	head->minor_version = 1;
	head->at = head->token = offset(data, at) + 11;
	head->phase = PHASE_LINE;
	split_target(head, data);
	return true;
}

static int parse_request_line(wf_http_head *head, const char *data, const char *end)
{
	int rc;
	if (head->phase == PHASE_START && parse_usual_line(head, data, end)) return WF_HTTP_DONE;
	if (head->phase == PHASE_START && (rc = parse_start(head, data, end)) <= 0) return rc;
	if (head->phase == PHASE_METHOD && (rc = parse_method(head, data, end)) <= 0) return rc;
	if (head->phase == PHASE_TARGET && (rc = parse_target(head, data, end)) <= 0) return rc;
	return parse_version(head, data, end);
}

/* "HTTP/1.1 200", whose twelve bytes are read anew at each call. */
static int parse_status(wf_http_head *head, const char *data, const char *end)
{
	int rc = parse_version_name(head, data, end);
	if (rc <= 0) return rc;
	if (end - data < 9) return WF_HTTP_MORE;
	if (data[8] != ' ') return WF_HTTP_ESTATUS_LINE;
	unsigned status = 0;
	for (int i = 9; i < 12; i++) {
		if (data + i == end) return WF_HTTP_MORE;
		if (!wf_byte_is(data[i], WF_BYTE_DIGIT)) return WF_HTTP_ESTATUS_LINE;
		status = status * 10 + (unsigned)(data[i] - '0');
	}
	if (status < 100) return WF_HTTP_ESTATUS_LINE;
	head->status = (uint16_t)status;
	head->at = 12;
	head->phase = PHASE_REASON;
	return WF_HTTP_DONE;
}

static int parse_reason(wf_http_head *head, const char *data, const char *end)
{
	const char *token = data + 12;
	if (token == end) return WF_HTTP_MORE;
	if (*token == ' ')
		token++;
	else if (*token != '\r')
		return *token == '\n' ? WF_HTTP_EBARE_LF : WF_HTTP_ESTATUS_LINE;
	const char *at = data + head->at > token ? data + head->at : token;
	at = wf_scan_value(at, end, data);
	head->at = offset(data, at);
	int rc = expect_line_end(at, end, WF_HTTP_ESTATUS_LINE);
	if (rc <= 0) return rc;
	head->reason = span(data, token, at);
	head->at = offset(data, at) + 2;
	head->phase = PHASE_LINE;
	return WF_HTTP_DONE;
}

static int parse_status_line(wf_http_head *head, const char *data, const char *end)
{
	int rc;
	if (head->phase == PHASE_STATUS && (rc = parse_status(head, data, end)) <= 0) return rc;
	return parse_reason(head, data, end);
}

/* The byte at `at` ends a field name that began at `token` and is not the colon it should be. */
static int refuse_name(const wf_http_head *head, const char *token, const char *at)
{
	if (*at == '\n') return WF_HTTP_EBARE_LF;
	if (!wf_byte_is_space(*at)) return WF_HTTP_EFIELD_NAME;
	if (at != token) return WF_HTTP_ESPACE_BEFORE_COLON;
	return head->field_count == 0 ? WF_HTTP_ELEADING_SPACE : WF_HTTP_EOBS_FOLD;
}

/* The field whose value is [from, to), the white space before it taken off already. */
static inline int close_field(
	wf_http_head *head, const char *data, const char *from, const char *to)
{
	while (wf_unlikely(to > from && wf_byte_is_space(to[-1]))) to--;
	wf_http_field *field = &head->fields[head->field_count++];
	field->value = span(data, from, to);
	uint32_t size = field->name.size;
	head->name_sizes |= 1u << (size & 31);
	if (wf_unlikely(head->kind == WF_HTTP_TRAILERS))
		return wf_http_fact_trailer(data + field->name.at, size);
	if (size > 17 || (WF_FACT_SIZES >> size & 1) == 0) return 0;
	return wf_http_fact_field(head, data, field);
}

static int parse_fields(wf_http_head *head, const char *data, const char *end)
{
	const char *at = data + head->at, *token = data + head->token;
	unsigned phase = head->phase;
	int rc;
	for (;;) {
		switch (phase) {
		case PHASE_LINE:
			rc = WF_HTTP_MORE;
			if (at == end) goto out;
			if (*at == '\r') {
				rc = expect_line_end(at, end, 0);
				goto out;
			}
			if (wf_unlikely(head->field_count == head->limits.fields)) return WF_HTTP_EMANY_FIELDS;
			token = at;
			phase = PHASE_NAME;
			/* fall through */
		case PHASE_NAME:
			at = wf_scan_token(at, end, data);
			rc = WF_HTTP_MORE;
			if (at == end) goto out;
			if (wf_unlikely(*at != ':' || at == token)) return refuse_name(head, token, at);
			head->fields[head->field_count].name = span(data, token, at);
			at++;
			phase = PHASE_SPACE;
			/* fall through */
		case PHASE_SPACE:
			while (at < end && wf_byte_is_space(*at)) at++;
			rc = WF_HTTP_MORE;
			if (at == end) goto out;
			token = at;
			phase = PHASE_VALUE;
			/* fall through */
		default: /* PHASE_VALUE */
			at = wf_scan_value(at, end, data);
			rc = expect_line_end(at, end, WF_HTTP_EFIELD_VALUE);
			if (wf_unlikely(rc <= 0)) goto out;
			rc = close_field(head, data, token, at);
			if (wf_unlikely(rc < 0)) return rc;
			at += 2;
			phase = PHASE_LINE;
		}
	}
out:
	head->at = offset(data, at);
	head->token = offset(data, token);
	head->phase = (uint8_t)phase;
	return rc;
}

/* MORE at the limit: which limit was it? */
static int refuse_size(const wf_http_head *head)
{
	return head->phase == PHASE_TARGET ? WF_HTTP_ETARGET_LONG : WF_HTTP_EHEAD_LARGE;
}

int wf_http_parse(wf_http_head *head, const char *data, size_t size)
{
	bool full = size >= head->limits.head_bytes;
	const char *end = data + (full ? head->limits.head_bytes : size);
	int rc = WF_HTTP_DONE;
	if (wf_unlikely(head->phase >= PHASE_DONE))
		return head->phase == PHASE_DONE ? WF_HTTP_DONE : head->error;
	if (head->phase < PHASE_LINE)
		rc = head->kind == WF_HTTP_REQUEST ? parse_request_line(head, data, end)
										   : parse_status_line(head, data, end);
	if (wf_likely(rc == WF_HTTP_DONE)) rc = parse_fields(head, data, end);
	if (wf_likely(rc == WF_HTTP_DONE)) {
		head->size = head->at + 2;
		rc = wf_http_fact_end(head);
		head->phase = PHASE_DONE;
	}
	if (rc == WF_HTTP_MORE && full) rc = refuse_size(head);
	if (wf_unlikely(rc < 0)) {
		head->error = rc;
		head->phase = PHASE_FAILED;
	}
	return rc;
}
