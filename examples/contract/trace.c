#include "trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weft/reply.h>
#include <weft/task.h>
#include <weft/tcp.h>
#include <weft/trace.h>

/* JSON is written twice: the first time only its size is found. */
typedef struct text {
	char *to; /* NULL: only count */
	size_t size;
} text;

static void put(text *out, const char *data, size_t size)
{
	if (out->to != NULL) memcpy(out->to + out->size, data, size);
	out->size += size;
}

static void put_text(text *out, const char *data, size_t size)
{
	char escape[8];
	put(out, "\"", 1);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)data[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			put(out, data + i, 1);
		else
			put(out, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
	}
	put(out, "\"", 1);
}

static void put_number(text *out, const weft_json *json)
{
	char digits[32];
	int64_t whole;
	double real = 0;
	int size = 0;
	if (weft_json_i64(json, "", &whole) == 0)
		size = snprintf(digits, sizeof digits, "%" PRId64, whole);
	else if (weft_json_real(json, "", &real) == 0)
		size = snprintf(digits, sizeof digits, "%.17g", real);
	put(out, digits, (size_t)size);
}

/* As deep as the reader allows: 64. */
static void put_json(text *out, const weft_json *json)
{
	const char *string = "";
	size_t size = 0;
	bool truth = false;
	weft_json_kind kind = weft_json_kind_of(json, "");
	switch (kind) {
	case WEFT_JSON_TEXT:
		if (weft_json_text_size(json, "", &string, &size) == 0) put_text(out, string, size);
		break;
	case WEFT_JSON_NUMBER:
		put_number(out, json);
		break;
	case WEFT_JSON_BOOL:
		if (weft_json_bool(json, "", &truth) == 0)
			put(out, truth ? "true" : "false", truth ? 4 : 5);
		break;
	case WEFT_JSON_ARRAY:
	case WEFT_JSON_OBJECT:
		put(out, kind == WEFT_JSON_ARRAY ? "[" : "{", 1);
		for (const weft_json *each = weft_json_first(json); each; each = weft_json_next(each)) {
			if (each != weft_json_first(json)) put(out, ",", 1);
			if (kind == WEFT_JSON_OBJECT) {
				put_text(out, weft_json_name(each), strlen(weft_json_name(each)));
				put(out, ":", 1);
			}
			put_json(out, each);
		}
		put(out, kind == WEFT_JSON_ARRAY ? "]" : "}", 1);
		break;
	default:
		put(out, "null", 4);
	}
}

static const char *json_text(weft_request *rq, const weft_json *json, size_t *size)
{
	text out = { 0 };
	put_json(&out, json);
	out.to = weft_request_alloc(rq, out.size + 1);
	if (out.to == NULL) return NULL;
	out.size = 0;
	put_json(&out, json);
	*size = out.size;
	return out.to;
}

/* One request on a connection of its own, answered when the other side ends it. */
static int post(const char *host, const char *path, const char *body, size_t size)
{
	char parent[WEFT_TRACEPARENT_SIZE], waste[4096];
	const char *state = weft_tracestate();
	size_t got;
	weft_traceparent(parent);
	const char *head = weft_format("POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
								   "Content-Type: application/json\r\nContent-Length: %zu\r\n"
								   "traceparent: %s\r\n%s%s%s\r\n",
		path, host, size, parent, *state ? "tracestate: " : "", state, *state ? "\r\n" : "");
	if (head == NULL) return WEFT_ENOMEM;
	weft_stream *s = NULL;
	const char *address = strchr(host, ':') ? host : weft_format("%s:80", host);
	int rc = address ? weft_tcp_connect(address, &s) : WEFT_ENOMEM;
	if (rc == 0) rc = weft_stream_write(s, head, strlen(head));
	if (rc == 0) rc = weft_stream_write(s, body, size);
	if (rc == 0) rc = 1;
	while (rc > 0) rc = weft_stream_read(s, waste, sizeof waste, &got);
	weft_stream_close(s);
	return rc;
}

static int pass_on(weft_request *rq, const weft_json *order)
{
	static const char scheme[] = "http://";
	const char *url;
	const weft_json *arguments;
	size_t size = 0;
	int rc = weft_json_text(order, "url", &url);
	if (rc == 0) rc = weft_json_at(order, "arguments", &arguments);
	if (rc != 0) return rc;
	if (strncmp(url, scheme, strlen(scheme)) != 0 || strpbrk(url, " \r\n") != NULL) return 400;
	const char *host = url + strlen(scheme), *path = host + strcspn(host, "/");
	const char *name = weft_format("%.*s", (int)(path - host), host);
	const char *body = json_text(rq, arguments, &size);
	if (name == NULL || body == NULL) return WEFT_ENOMEM;
	rc = post(name, *path ? path : "/", body, size);
	return rc == 0 || rc == WEFT_ECANCELED ? rc : 502;
}

int contract_trace(weft_request *rq)
{
	const weft_json *orders;
	int rc = weft_request_json(rq, &orders);
	if (rc != 0) return rc;
	const weft_json *each = weft_json_first(orders);
	for (; each != NULL && rc == 0; each = weft_json_next(each)) rc = pass_on(rq, each);
	return rc ? rc : weft_reply_text(rq, 200, "OK\n");
}
