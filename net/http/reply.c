/* Replies: the head's fields in the arena until it begins, then everything through the output. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <weft/error.h>
#include <weft/reply.h>

#include "context/alloc.h"
#include "net/http/field.h"
#include "net/http/request.h"
#include "net/http/site.h"

/* HEAD_FIXED: status line, Date, framing, Connection, X-Request-Id, and the names and ends around
 * them and the type. */
enum { TEXT_ON_STACK = 512, HEAD_FIXED = 320, STATUS_LINE_MAX = 64 };

static const char TYPE_TEXT[] = "text/plain; charset=utf-8";
static const char TYPE_JSON[] = "application/json";
static const char TYPE_PROBLEM[] = "application/problem+json";

/* Remembers the first failure. A second answer that is refused does the first no harm. */
static int note(weft_request *rq, int rc)
{
	if (rc != 0 && rc != WEFT_EALREADY && rq->now.reply_error == 0) rq->now.reply_error = rc;
	return rc;
}

/* The door of every public call. */
static int enter(weft_request *rq)
{
	wf_assert(rq->magic == WF_REQUEST_MAGIC && rq->task == wf_task_here());
	return wf_checkpoint();
}

/* Fields. */

static bool is(const char *name, size_t size, const char *lower)
{
	return wf_http_same(name, size, lower, strlen(lower));
}

/* Some fields say something to us. 0: send it as it is; 1: done with; negative: refused. */
static int understand(weft_request *rq, const char *name, size_t size, const char *value)
{
	wf_message_state *now = &rq->now;
	if (is(name, size, "content-length")) {
		int64_t length = 0;
		for (const char *at = value; *at != '\0' || at == value; at++) {
			if (*at < '0' || *at > '9' || length > INT64_MAX / 10 - 1) return WEFT_EINVAL;
			length = length * 10 + (*at - '0');
		}
		now->length = length;
		return 1;
	}
	if (is(name, size, "connection")) {
		if (wf_http_list_has(value, strlen(value), "close")) now->close = true;
		return 1;
	}
	/* RFC 9110 section 7.8: Connection names it. A client of HTTP/1.0 is not to hear of it. */
	if (is(name, size, "upgrade")) {
		now->offers_upgrade = rq->head.minor_version > 0;
		return !now->offers_upgrade;
	}
	if (is(name, size, "date") || is(name, size, "transfer-encoding")) return 1;
	if (is(name, size, "content-type")) {
		size_t value_size = strlen(value);
		char *copy = wf_arena_alloc(&rq->arena, value_size + 1);
		if (copy == NULL) return WEFT_ENOMEM;
		memcpy(copy, value, value_size + 1);
		now->own_type = copy;
		return 1;
	}
	return 0;
}

static bool is_sound(const char *name, size_t name_size, const char *value, size_t value_size)
{
	wf_http_writer writer;
	wf_http_writer_init(&writer, NULL, 0);
	return wf_http_write_field(&writer, name, name_size, value, value_size) == 0;
}

static int add_field(weft_request *rq, const char *name, const char *value)
{
	wf_message_state *now = &rq->now;
	size_t name_size = strlen(name), value_size = strlen(value);
	if (now->stage != WF_REPLY_NONE) return WEFT_EALREADY;
	if (!is_sound(name, name_size, value, value_size)) return WEFT_EINVAL;
	if (name_size > WF_OUTPUT_SIZE || value_size > WF_OUTPUT_SIZE) return WEFT_EMSGSIZE;
	int rc = understand(rq, name, name_size, value);
	if (rc != 0) return rc < 0 ? rc : 0;
	wf_reply_field *field = wf_arena_alloc(&rq->arena, sizeof *field + name_size + value_size);
	if (field == NULL) return WEFT_ENOMEM;
	char *text = (char *)(field + 1);
	memcpy(text, name, name_size);
	memcpy(text + name_size, value, value_size);
	*field = (wf_reply_field){ .name = text,
		.value = text + name_size,
		.name_size = (uint32_t)name_size,
		.value_size = (uint32_t)value_size };
	*now->fields_last = field;
	now->fields_last = &field->next;
	now->fields_size += name_size + value_size + 4;
	return 0;
}

int weft_reply_header(weft_request *rq, const char *name, const char *value)
{
	wf_assert(rq->magic == WF_REQUEST_MAGIC);
	return note(rq, add_field(rq, name, value));
}

/* The head. */

/* Each puts its part at `at` and returns the end; that there is room for all was seen to before. */
static inline char *put(char *at, const char *text, size_t size)
{
	memcpy(at, text, size);
	return at + size;
}

#define PUT(at, literal) put(at, "" literal, sizeof(literal) - 1)

static char *put_opening(weft_request *rq, char *at)
{
	wf_http_writer writer;
	const wf_opening *opening = wf_site_opening(rq->site);
	if (wf_likely(rq->now.status == 200)) return put(at, opening->text, WF_OPENING_BYTES);
	wf_http_writer_init(&writer, at, STATUS_LINE_MAX);
	wf_http_write_status(&writer, rq->now.status);
	at = PUT(at + writer.size, "Date: ");
	at = put(at, opening->date, WF_HTTP_DATE_BYTES);
	return PUT(at, "\r\n");
}

static char *put_framing(const wf_message_state *now, char *at)
{
	if (now->framing.kind == WF_BODY_LENGTH) return wf_http_put_length(at, (uint64_t)now->length);
	if (now->framing.kind == WF_BODY_CHUNKED) return PUT(at, "Transfer-Encoding: chunked\r\n");
	return at;
}

static char *put_connection(const weft_request *rq, char *at)
{
	const wf_message_state *now = &rq->now;
	bool close = now->close && now->status != 101;
	if (close && now->offers_upgrade) return PUT(at, "Connection: close, upgrade\r\n");
	if (close) return PUT(at, "Connection: close\r\n");
	if (now->offers_upgrade) return PUT(at, "Connection: upgrade\r\n");
	if (rq->head.minor_version == 0) return PUT(at, "Connection: keep-alive\r\n");
	return at;
}

/* What the handler set, but for an error in its stead. */
static const char *type_of(const wf_message_state *now)
{
	return now->own_type != NULL && now->type != TYPE_PROBLEM ? now->own_type : now->type;
}

static char *put_fields(const wf_message_state *now, const char *type, size_t type_size, char *at)
{
	if (type != NULL) at = PUT(put(PUT(at, "Content-Type: "), type, type_size), "\r\n");
	if (now->context != NULL) {
		const char *id = now->context->trace.request_id;
		at = PUT(put(PUT(at, "X-Request-Id: "), id, strlen(id)), "\r\n");
	}
	for (const wf_reply_field *field = now->fields; field != NULL; field = field->next) {
		at = PUT(put(at, field->name, field->name_size), ": ");
		at = PUT(put(at, field->value, field->value_size), "\r\n");
	}
	return at;
}

/* How the content ends, and what becomes of the connection then. */
static void choose_framing(weft_request *rq, int64_t length)
{
	wf_message_state *now = &rq->now;
	now->length = length;
	now->framing = wf_http_frame_response(
		(wf_http_method)rq->head.method_id, rq->head.minor_version, now->status, length);
	if (now->framing.kind == WF_BODY_CLOSE) now->close = true;
	if (rq->site->draining || !wf_body_is_short(rq)) now->close = true;
}

int wf_reply_begin(weft_request *rq, int status, int64_t length)
{
	wf_message_state *now = &rq->now;
	char *to;
	if (now->reply_error != 0) return now->reply_error;
	if (now->stage != WF_REPLY_NONE) return WEFT_EALREADY;
	if (status != 101 && (status < 200 || status > 599)) return WEFT_EINVAL;
	const char *type = type_of(now);
	size_t type_size = type ? strlen(type) : 0, most = HEAD_FIXED + now->fields_size + type_size;
	if (most > WF_OUTPUT_SIZE) return WEFT_EMSGSIZE;
	int rc = wf_output_reserve(&rq->output, most, &to);
	if (rc != 0) return rc;
	now->status = status;
	choose_framing(rq, length);
	char *at = put_opening(rq, to);
	at = put_connection(rq, put_framing(now, at));
	at = PUT(put_fields(now, type, type_size, at), "\r\n");
	size_t size = (size_t)(at - to);
	wf_assert(size <= most);
	wf_output_commit(&rq->output, size);
	now->stage = WF_REPLY_BEGUN;
	return 0;
}

/* Content. */

static int write_chunk(weft_request *rq, const void *data, size_t size)
{
	char *to;
	if (size == 0) return 0;
	int rc = wf_output_reserve(&rq->output, WF_HTTP_CHUNK_HEAD_BYTES, &to);
	if (rc != 0) return rc;
	wf_output_commit(&rq->output, wf_http_chunk_head(to, size, !rq->now.chunk_open));
	rq->now.chunk_open = true;
	return wf_output_write(&rq->output, data, size);
}

static int write_content(weft_request *rq, const void *data, size_t size)
{
	wf_message_state *now = &rq->now;
	if (now->length >= 0 && (int64_t)size > now->length - now->written) return WEFT_EINVAL;
	now->written += (int64_t)size;
	if (!now->framing.content) return 0;
	if (now->framing.kind == WF_BODY_CHUNKED) return write_chunk(rq, data, size);
	return wf_output_write(&rq->output, data, size);
}

static int write_last(weft_request *rq)
{
	static const char last[] = "\r\n" WF_HTTP_LAST_CHUNK;
	if (rq->now.framing.kind != WF_BODY_CHUNKED || !rq->now.framing.content) return 0;
	size_t skip = rq->now.chunk_open ? 0 : 2;
	return wf_output_write(&rq->output, last + skip, sizeof last - 1 - skip);
}

/* A socket that a task must write to itself has nobody to send what is gathered. */
static int send_unless_gathered(weft_request *rq)
{
	return rq->connection->io == NULL && rq->task != NULL ? wf_output_flush(&rq->output) : 0;
}

bool wf_reply_end(weft_request *rq)
{
	wf_message_state *now = &rq->now;
	if (now->stage == WF_REPLY_ENDED) return true;
	if (now->reply_error != 0 || now->stage == WF_REPLY_NONE) return false;
	if (now->framing.content && now->length >= 0 && now->written != now->length) return false;
	if (write_last(rq) != 0 || send_unless_gathered(rq) != 0) return false;
	now->stage = WF_REPLY_ENDED;
	return true;
}

static int reply_whole(
	weft_request *rq, int status, const char *type, const void *data, size_t size)
{
	int64_t length = (int64_t)size;
	/* Of what a GET would be sent. */
	bool head = rq->head.method_id == WF_METHOD_HEAD && type != TYPE_PROBLEM;
	if (head && rq->now.length > length) length = rq->now.length;
	rq->now.type = type;
	int rc = status < 200 ? WEFT_EINVAL : wf_reply_begin(rq, status, length);
	if (rc == 0) rc = write_content(rq, data, size);
	if (rc == 0 && !wf_reply_end(rq)) rc = rq->output.error ? rq->output.error : WEFT_EPIPE;
	return rc;
}

int weft_reply_bytes(weft_request *rq, int status, const char *type, const void *data, size_t size)
{
	int rc = enter(rq);
	if (rc == 0 && type != NULL && !is_sound("content-type", 12, type, strlen(type)))
		rc = WEFT_EINVAL;
	if (rc == 0) rc = reply_whole(rq, status, type, data, size);
	return note(rq, rc);
}

/* Text. */

/* On the caller's stack when it is short, else in the arena. NULL without memory. */
static const char *format_text(weft_request *rq, char small[TEXT_ON_STACK], const char *format,
	va_list list, size_t *size) WEFT_PRINTF(3, 0);

static const char *format_text(
	weft_request *rq, char small[TEXT_ON_STACK], const char *format, va_list list, size_t *size)
{
	va_list again;
	va_copy(again, list);
	int length = vsnprintf(small, TEXT_ON_STACK, format, again);
	va_end(again);
	if (length < 0) return NULL;
	*size = (size_t)length;
	return length < TEXT_ON_STACK ? small : wf_arena_format(&rq->arena, format, list);
}

int weft_reply_text(weft_request *rq, int status, const char *format, ...)
{
	char small[TEXT_ON_STACK];
	size_t size = strlen(format);
	int rc = enter(rq);
	if (rc != 0) return note(rq, rc);
	if (memchr(format, '%', size) == NULL)
		return note(rq, reply_whole(rq, status, TYPE_TEXT, format, size));
	va_list list;
	va_start(list, format);
	const char *text = format_text(rq, small, format, list, &size);
	va_end(list);
	return note(rq, text ? reply_whole(rq, status, TYPE_TEXT, text, size) : WEFT_ENOMEM);
}

/* JSON. */

static int reply_fields(weft_request *rq, int status, const char *type, const weft_field *fields)
{
	char small[TEXT_ON_STACK], *text = small;
	size_t need = 0;
	int rc = wf_field_write(fields, small, sizeof small, &need);
	if (rc != 0) return rc;
	if (need > sizeof small) {
		text = wf_arena_alloc(&rq->arena, need);
		if (text == NULL) return WEFT_ENOMEM;
		rc = wf_field_write(fields, text, need, &need);
	}
	return rc ? rc : reply_whole(rq, status, type, text, need);
}

int weft_reply_json_list(weft_request *rq, int status, const weft_field *fields)
{
	int rc = enter(rq);
	if (rc == 0) rc = reply_fields(rq, status, TYPE_JSON, fields);
	return note(rq, rc);
}

int wf_reply_problem(weft_request *rq, int status, const char *detail)
{
	const wf_message_state *now = &rq->now;
	const char *title = wf_http_status_text(status);
	const char *id = now->context ? now->context->trace.request_id : "";
	weft_field fields[5];
	size_t n = 0;
	fields[n++] = weft_text("title", *title ? title : "Error");
	fields[n++] = weft_i64("status", status);
	if (detail != NULL) fields[n++] = weft_text("detail", detail);
	if (*id != '\0') fields[n++] = weft_text("instance", id);
	fields[n] = (weft_field){ 0 };
	int rc = status == 503 ? add_field(rq, "retry-after", "1") : 0;
	return rc ? rc : reply_fields(rq, status, TYPE_PROBLEM, fields);
}

int weft_reply_problem(weft_request *rq, int status, const char *format, ...)
{
	char small[TEXT_ON_STACK];
	size_t size = 0;
	int rc = enter(rq);
	if (rc != 0) return note(rq, rc);
	va_list list;
	va_start(list, format);
	const char *detail = format_text(rq, small, format, list, &size);
	va_end(list);
	return note(rq, detail ? wf_reply_problem(rq, status, detail) : WEFT_ENOMEM);
}

/* As a stream. */

int weft_reply_begin(weft_request *rq, int status)
{
	int rc = enter(rq);
	if (rc == 0 && status < 200) rc = WEFT_EINVAL;
	if (rc == 0) rc = wf_reply_begin(rq, status, rq->now.length);
	return note(rq, rc);
}

int weft_reply_write(weft_request *rq, const void *data, size_t size)
{
	int rc = enter(rq);
	if (rc == 0 && rq->now.stage != WF_REPLY_BEGUN) rc = WEFT_EINVAL;
	if (rc == 0) rc = write_content(rq, data, size);
	if (rc == 0) rc = send_unless_gathered(rq);
	return note(rq, rc);
}

bool weft_reply_begun(const weft_request *rq)
{
	return rq->now.stage != WF_REPLY_NONE;
}

int weft_reply_status(const weft_request *rq)
{
	return rq->now.status;
}
