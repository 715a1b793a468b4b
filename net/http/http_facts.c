/* The meaning of the fields that frame a message. See http_facts.h. */
#include "net/http/http_facts.h"
#include "net/http/http_scan.h"

#include <arpa/inet.h>

static const char *span_text(const char *data, wf_http_span span)
{
	return data + span.at;
}

bool wf_http_same(const char *a, size_t a_size, const char *b, size_t b_size)
{
	if (a_size != b_size) return false;
	for (size_t i = 0; i < a_size; i++) {
		if (a[i] == b[i]) continue;
		int letter = a[i] | 0x20;
		if ((a[i] ^ b[i]) != 0x20 || letter < 'a' || letter > 'z') return false;
	}
	return true;
}

static const wf_http_field *find_from(const wf_http_head *head, const char *data,
	const wf_http_field *from, const char *name, size_t size)
{
	const wf_http_field *end = head->fields + head->field_count;
	/* Mostly it is not there, and then mostly no other is as long. */
	if (!(head->name_sizes >> (size & 31) & 1)) return NULL;
	for (; from < end; from++) {
		if (from->name.size != size) continue;
		if (wf_http_same(span_text(data, from->name), size, name, size)) return from;
	}
	return NULL;
}

const wf_http_field *wf_http_find(
	const wf_http_head *head, const char *data, const char *name, size_t name_size)
{
	return find_from(head, data, head->fields, name, name_size);
}

const wf_http_field *wf_http_find_next(const wf_http_head *head, const char *data,
	const wf_http_field *field, const char *name, size_t name_size)
{
	return find_from(head, data, field + 1, name, name_size);
}

/* The end of the element that begins at `at`: a comma outside quotes, or `end`. */
static const char *quoted_element_end(const char *at, const char *end)
{
	bool quoted = false;
	for (; at < end; at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (quoted && *at == '\\' && at + 1 < end)
			at++;
		else if (!quoted && *at == ',')
			break;
	}
	return at;
}

/* Lists of tokens hold no quotes; one that stands there must not hide a comma. */
static const char *token_element_end(const char *at, const char *end)
{
	while (at < end && *at != ',') at++;
	return at;
}

typedef const char *element_end_fn(const char *at, const char *end);

static inline bool list_next(
	const char **at, const char *end, element_end_fn *element_end, const char **item, size_t *size)
{
	while (*at < end) {
		const char *from = *at, *to = element_end(from, end);
		*at = to < end ? to + 1 : end;
		while (from < to && wf_byte_is_space(*from)) from++;
		while (to > from && wf_byte_is_space(to[-1])) to--;
		if (from == to) continue;
		*item = from;
		*size = (size_t)(to - from);
		return true;
	}
	return false;
}

bool wf_http_list_next(const char **at, const char *end, const char **item, size_t *size)
{
	return list_next(at, end, quoted_element_end, item, size);
}

bool wf_http_list_has(const char *list, size_t size, const char *token)
{
	const char *at = list, *item;
	size_t item_size, token_size = strlen(token);
	while (list_next(&at, list + size, token_element_end, &item, &item_size))
		if (wf_http_same(item, item_size, token, token_size)) return true;
	return false;
}

/* The digits of a port up to `end`; none are allowed (RFC 3986 section 3.2.3). */
static bool port_valid(const char *at, const char *end)
{
	unsigned port = 0;
	for (; at < end; at++) {
		if (!wf_byte_is(*at, WF_BYTE_DIGIT)) return false;
		port = port * 10 + (unsigned)(*at - '0');
		if (port > 65535) return false;
	}
	return true;
}

/* An IPv6 address in brackets; the byte behind it, or NULL. */
static const char *address_end(const char *at, const char *end)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	const char *bracket = memchr(at, ']', (size_t)(end - at));
	if (bracket == NULL) return NULL;
	size_t size = (size_t)(bracket - at) - 1;
	if (size >= sizeof text) return NULL;
	memcpy(text, at + 1, size);
	text[size] = '\0';
	if (strlen(text) != size || inet_pton(AF_INET6, text, &address) != 1) return NULL;
	return bracket + 1;
}

/* The byte behind a registered name or an IPv4 address, or NULL. */
static const char *name_end(const char *at, const char *end, const char *start)
{
	const char *from = at;
	for (;;) {
		at = wf_scan_host(at, end, start);
		if (at == end || *at != '%') break;
		if (end - at < 3) return NULL;
		if (!wf_byte_is(at[1], WF_BYTE_HEX) || !wf_byte_is(at[2], WF_BYTE_HEX)) return NULL;
		at += 3;
	}
	return at == from ? NULL : at;
}

/* `start` is that of the buffer, for the scanner. */
static bool host_valid(const char *at, const char *end, const char *start)
{
	if (at == end) return false;
	at = *at == '[' ? address_end(at, end) : name_end(at, end, start);
	if (at == NULL) return false;
	return at == end || (*at == ':' && port_valid(at + 1, end));
}

bool wf_http_host_valid(const char *host, size_t size)
{
	return host_valid(host, host + size, host);
}

/* RFC 9112 section 3.2: exactly one, and valid. The authority of an absolute-form target wins. */
static int fact_host(wf_http_head *head, const char *data, wf_http_span value)
{
	const char *from = span_text(data, value);
	if (head->kind != WF_HTTP_REQUEST) return 0;
	if (head->seen & WF_SEEN_HOST) return WF_HTTP_EHOST_TWICE;
	head->seen |= WF_SEEN_HOST;
	if (!host_valid(from, from + value.size, data)) return WF_HTTP_EHOST;
	if (head->form != WF_FORM_ABSOLUTE) head->host = value;
	return 0;
}

/* RFC 9110 section 8.6: digits and nothing else. A list of equal numbers may be refused, and is. */
static int fact_length(wf_http_head *head, const char *data, wf_http_span value)
{
	const char *at = span_text(data, value), *end = at + value.size;
	uint64_t length = 0;
	if (head->seen & WF_SEEN_LENGTH) return WF_HTTP_ELENGTH_TWICE;
	head->seen |= WF_SEEN_LENGTH;
	if (at == end) return WF_HTTP_ELENGTH;
	bool over = false;
	for (; at < end; at++) {
		if (!wf_byte_is(*at, WF_BYTE_DIGIT)) return WF_HTTP_ELENGTH;
		uint64_t digit = (uint64_t)(*at - '0');
		over = over || length > ((uint64_t)INT64_MAX - digit) / 10;
		length = length * 10 + digit;
	}
	if (over) return WF_HTTP_ELENGTH_RANGE;
	head->content_length = (int64_t)length;
	return 0;
}

static bool is_token(const char *at, size_t size)
{
	return wf_scan_token(at, at + size, at) == at + size;
}

/* RFC 9112 section 6.1. Parameters are none of the ones we know; an element that is not a token
 * (before its parameters) is malformed, and so is an empty one, which two readers might count
 * differently. */
static int fact_coding_element(wf_http_head *head, const char *at, size_t size)
{
	if (head->seen & WF_SEEN_CHUNKED) head->seen |= WF_SEEN_REPEATED;
	head->seen &= (uint16_t)~WF_SEEN_CHUNKED;
	if (size == 7 && wf_http_is(at, "chunked", 7)) {
		head->seen |= WF_SEEN_CHUNKED;
		return 0;
	}
	const char *semicolon = memchr(at, ';', size);
	size_t name_size = semicolon != NULL ? (size_t)(semicolon - at) : size;
	while (name_size > 0 && wf_byte_is_space(at[name_size - 1])) name_size--;
	if (name_size == 0 || !is_token(at, name_size)) return WF_HTTP_ECODING;
	head->seen |= WF_SEEN_UNKNOWN;
	return 0;
}

static int fact_coding(wf_http_head *head, const char *data, wf_http_span value)
{
	const char *at = span_text(data, value), *end = at + value.size;
	head->seen |= WF_SEEN_CODING;
	for (;;) {
		const char *comma = token_element_end(at, end), *to = comma;
		while (at < to && wf_byte_is_space(*at)) at++;
		while (to > at && wf_byte_is_space(to[-1])) to--;
		if (at == to) return WF_HTTP_ECODING;
		int rc = fact_coding_element(head, at, (size_t)(to - at));
		if (rc != 0 || comma == end) return rc;
		at = comma + 1;
	}
}

static int fact_connection(wf_http_head *head, const char *data, wf_http_span value)
{
	const char *at = span_text(data, value), *end = at + value.size, *item;
	size_t size;
	while (list_next(&at, end, token_element_end, &item, &size)) {
		if (size == 10 && wf_http_is(item, "keep-alive", 10)) head->seen |= WF_SEEN_KEEP_ALIVE;
		if (size == 5 && wf_http_is(item, "close", 5)) head->seen |= WF_SEEN_CLOSE;
		if (size == 7 && wf_http_is(item, "upgrade", 7)) head->seen |= WF_SEEN_CONNECTION_UPGRADE;
	}
	return 0;
}

/* RFC 9110 section 10.1.1. In HTTP/1.0 it means nothing. */
static int fact_expect(wf_http_head *head, const char *data, wf_http_span value)
{
	if (head->kind != WF_HTTP_REQUEST || head->minor_version == 0) return 0;
	if (value.size != 12 || !wf_http_is(span_text(data, value), "100-continue", 12))
		return WF_HTTP_EEXPECTATION;
	head->seen |= WF_SEEN_EXPECT;
	return 0;
}

int wf_http_fact_field(wf_http_head *head, const char *data, const wf_http_field *field)
{
	const char *name = span_text(data, field->name);
	switch (field->name.size) {
	case 4:
		return wf_http_is(name, "host", 4) ? fact_host(head, data, field->value) : 0;
	case 6:
		return wf_http_is(name, "expect", 6) ? fact_expect(head, data, field->value) : 0;
	case 7:
		if (field->value.size > 0 && wf_http_is(name, "upgrade", 7)) head->seen |= WF_SEEN_UPGRADE;
		return 0;
	case 10:
		return wf_http_is(name, "connection", 10) ? fact_connection(head, data, field->value) : 0;
	case 14:
		return wf_http_is(name, "content-length", 14) ? fact_length(head, data, field->value) : 0;
	case 17:
		return wf_http_is(name, "transfer-encoding", 17) ? fact_coding(head, data, field->value)
														 : 0;
	default:
		return 0;
	}
}

/* RFC 9110 section 6.5.1: nothing that frames, routes, authenticates or says how to read the
 * content may come behind it. */
int wf_http_fact_trailer(const char *name, size_t size)
{
	static const char *const refused[] = { "authorization", "cache-control", "connection",
		"content-encoding", "content-length", "content-range", "content-type", "cookie", "expect",
		"host", "keep-alive", "max-forwards", "proxy-authorization", "proxy-connection", "range",
		"set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "www-authenticate" };
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (wf_http_same(name, size, refused[i], strlen(refused[i]))) return WF_HTTP_ETRAILER;
	return 0;
}

/* host:port, both there (RFC 9110 section 9.3.6). */
static bool authority_valid(const char *at, const char *end, const char *start)
{
	const char *colon = end;
	while (colon > at && wf_byte_is(colon[-1], WF_BYTE_DIGIT)) colon--;
	return colon > at && colon < end && colon[-1] == ':' && host_valid(at, end, start);
}

/* http://host[:port][/path][?query] */
static int fact_absolute(wf_http_head *head, const char *data)
{
	const char *from = span_text(data, head->target), *end = from + head->target.size;
	size_t size = head->target.size, scheme;
	if (size > 7 && wf_http_is(from, "http://", 7))
		scheme = 7;
	else if (size > 8 && wf_http_is(from, "https://", 8))
		scheme = 8;
	else
		return WF_HTTP_ETARGET_FORM;
	const char *host = from + scheme, *host_end = host;
	while (host_end < end && *host_end != '/' && *host_end != '?') host_end++;
	if (!host_valid(host, host_end, data)) return WF_HTTP_EHOST;
	const char *question = wf_scan_question(host_end, end, data);
	head->form = WF_FORM_ABSOLUTE;
	head->host = (wf_http_span){ (uint32_t)(host - data), (uint32_t)(host_end - host) };
	head->path = (wf_http_span){ (uint32_t)(host_end - data), (uint32_t)(question - host_end) };
	if (question != end)
		head->query =
			(wf_http_span){ (uint32_t)(question + 1 - data), (uint32_t)(end - question - 1) };
	return WF_HTTP_DONE;
}

int wf_http_fact_target(wf_http_head *head, const char *data)
{
	const char *from = span_text(data, head->target), *end = from + head->target.size;
	if (head->method_id == WF_METHOD_CONNECT) {
		if (!authority_valid(from, end, data)) return WF_HTTP_ETARGET_FORM;
		head->form = WF_FORM_AUTHORITY;
		return WF_HTTP_DONE;
	}
	if (head->target.size == 1 && *from == '*') {
		if (head->method_id != WF_METHOD_OPTIONS) return WF_HTTP_ETARGET_FORM;
		head->form = WF_FORM_ASTERISK;
		head->path = head->target;
		return WF_HTTP_DONE;
	}
	return fact_absolute(head, data);
}

/* RFC 9112 section 6.3. Nothing may be left to opinion. A response whose last coding is not chunked
 * could be read until the connection ends; nobody sends that, so it is refused like a request. */
static int end_coding(wf_http_head *head)
{
	unsigned seen = head->seen;
	if (head->minor_version == 0) return WF_HTTP_ECODING_VERSION;
	if (seen & WF_SEEN_LENGTH) return WF_HTTP_ELENGTH_AND_CODING;
	if (seen & WF_SEEN_REPEATED) return WF_HTTP_ECODING_NOT_LAST;
	if (!(seen & WF_SEEN_CHUNKED)) return WF_HTTP_ECODING_NOT_LAST;
	if (seen & WF_SEEN_UNKNOWN) return WF_HTTP_ECODING_UNKNOWN;
	head->chunked = true;
	return 0;
}

int wf_http_fact_end(wf_http_head *head)
{
	unsigned seen = head->seen;
	bool modern = head->minor_version != 0;
	if (head->kind == WF_HTTP_TRAILERS) return WF_HTTP_DONE;
	head->keep_alive = modern;
	if (seen == WF_SEEN_HOST) return WF_HTTP_DONE;
	if (head->kind == WF_HTTP_REQUEST && modern && !(seen & WF_SEEN_HOST))
		return WF_HTTP_EHOST_MISSING;
	if (seen & WF_SEEN_CODING) {
		int rc = end_coding(head);
		if (rc != 0) return rc;
	}
	head->has_body = head->chunked || head->content_length > 0;
	head->keep_alive = !(seen & WF_SEEN_CLOSE) && (modern || (seen & WF_SEEN_KEEP_ALIVE) != 0);
	head->upgrade = modern && (seen & WF_SEEN_UPGRADE) && (seen & WF_SEEN_CONNECTION_UPGRADE);
	head->expect_continue = head->has_body && (seen & WF_SEEN_EXPECT) != 0;
	return WF_HTTP_DONE;
}
