/* A stranger's bytes as an HTTP/1 message. The first byte says what they are: a request or a
 * response (1), with tight limits (2), trailers dropped (4); the second how they are cut. However
 * that is, the head and the body must come out as they do whole, and lie where the bytes are. */
#include "net/http/http_body.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 24, TRAILERS_SIZE = 512 };

static void require(bool truth)
{
	if (!truth) abort();
}

static void check_span(wf_http_span span, size_t size)
{
	require(span.at <= size && span.size <= size - span.at);
}

static void check_head(const wf_http_head *head, const char *data)
{
	uint32_t size = head->size, end = 0;
	require(size >= 2 && memcmp(data + size - 2, "\r\n", 2) == 0);
	require(head->field_count <= head->limits.fields && size <= head->limits.head_bytes);
	check_span(head->method, size);
	check_span(head->target, size);
	check_span(head->host, size);
	check_span(head->path, size);
	check_span(head->query, size);
	check_span(head->reason, size);
	for (uint32_t i = 0; i < head->field_count; i++) {
		const wf_http_field *field = &head->fields[i];
		check_span(field->name, size);
		check_span(field->value, size);
		require(field->name.at >= end && field->name.size > 0);
		require(field->value.at > field->name.at + field->name.size - 1);
		end = field->value.at + field->value.size + 2;
		require(memchr(data + field->value.at, '\n', field->value.size) == NULL);
	}
	require(!head->chunked || head->content_length < 0);
	require(head->content_length >= -1);
}

/* The head read from prefixes that grow by `step`; the same result as from the whole. */
static int parse_cut(wf_http_head *head, const char *data, size_t size, size_t step)
{
	int rc = WF_HTTP_MORE;
	for (size_t at = 0; rc == WF_HTTP_MORE && at < size;) {
		at = size - at > step ? at + step : size;
		rc = wf_http_parse(head, data, at);
	}
	return rc;
}

/* A sum over the content and how it ended. */
typedef struct outcome {
	int rc;
	size_t used;
	uint64_t content_size, content_sum;
	uint32_t trailers;
} outcome;

static outcome read_body(wf_http_body *body, const char *data, size_t size, size_t step)
{
	outcome seen = { .rc = WF_HTTP_MORE };
	while (seen.used < size && (seen.rc == WF_HTTP_MORE || seen.rc == WF_HTTP_PIECE)) {
		const char *piece = NULL;
		size_t left = size - seen.used, used = 0, piece_size = 0;
		const char *from = data + seen.used;
		seen.rc =
			wf_http_body_take(body, from, left < step ? left : step, &used, &piece, &piece_size);
		require(used <= left);
		seen.used += used;
		if (seen.rc != WF_HTTP_PIECE) continue;
		require(piece_size > 0 && piece >= from && piece + piece_size == from + used);
		seen.content_size += piece_size;
		for (size_t i = 0; i < piece_size; i++)
			seen.content_sum = seen.content_sum * 31 + (unsigned char)piece[i];
	}
	if (seen.rc == WF_HTTP_PIECE) seen.rc = wf_http_body_ended(body) ? WF_HTTP_DONE : WF_HTTP_MORE;
	return seen;
}

static outcome decode(wf_http_body_kind kind, const wf_http_head *head, bool keep, const char *data,
	size_t size, size_t step)
{
	char trailers[TRAILERS_SIZE];
	wf_http_field fields[FIELDS];
	wf_http_head parsed;
	wf_http_body body;
	int rc = wf_http_body_init(&body, kind, head->content_length, 1 << 20);
	if (rc < 0) return (outcome){ .rc = rc };
	if (keep) wf_http_body_keep_trailers(&body, trailers, sizeof trailers);
	outcome seen = read_body(&body, data, size, step);
	if (!wf_http_body_ended(&body)) return seen;
	rc = wf_http_body_trailers(&body, &parsed, fields, FIELDS);
	require(rc == WF_HTTP_DONE || rc == WF_HTTP_ETRAILER || rc == WF_HTTP_EMANY_FIELDS);
	seen.trailers = rc == WF_HTTP_DONE ? parsed.field_count : 0;
	return seen;
}

static void check_body(
	const wf_http_head *head, bool keep, const char *data, size_t size, size_t step)
{
	wf_http_body_kind kind = head->kind == WF_HTTP_REQUEST
								 ? wf_http_request_body(head)
								 : wf_http_response_body(head, WF_METHOD_GET);
	outcome whole = decode(kind, head, keep, data, size, size + 1);
	outcome cut = decode(kind, head, keep, data, size, step);
	require(whole.rc == cut.rc && whole.trailers == cut.trailers);
	require(whole.content_size == cut.content_size && whole.content_sum == cut.content_sum);
	require(whole.rc < 0 || whole.used == cut.used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) return 0;
	unsigned mode = data[0];
	size_t step = data[1] % 64 + 1u;
	const char *text = (const char *)data + 2;
	size -= 2;
	wf_http_kind kind = mode & 1 ? WF_HTTP_RESPONSE : WF_HTTP_REQUEST;
	wf_http_limits limits = { WF_HTTP_HEAD_BYTES, WF_HTTP_TARGET_BYTES, FIELDS };
	if (mode & 2) limits = (wf_http_limits){ 64, 16, 2 };
	wf_http_field fields[FIELDS], cut_fields[FIELDS];
	wf_http_head head, cut;
	wf_http_head_init(&head, kind, fields, &limits);
	wf_http_head_init(&cut, kind, cut_fields, &limits);
	int rc = wf_http_parse(&head, text, size);
	int cut_rc = parse_cut(&cut, text, size, step);
	require(rc == cut_rc);
	if (rc < 0) require(wf_http_error_status(rc) != 0 && wf_http_parse(&head, text, size) == rc);
	if (rc != WF_HTTP_DONE) return 0;
	check_head(&head, text);
	require(head.field_count == cut.field_count && head.size == cut.size && head.seen == cut.seen);
	require(memcmp(fields, cut_fields, head.field_count * sizeof *fields) == 0);
	require(head.path.at == cut.path.at && head.host.at == cut.host.at);
	check_body(&head, (mode & 4) == 0, text + head.size, size - head.size, step);
	return 0;
}
