/* A request's body, on its way from the connection to the handler.
 *
 * What was read together with the head comes first. After that, content whose length is known goes
 * straight from the kernel to the handler's own buffer; only what may hold the sizes of chunks is
 * read into the free part of `input` (or, late in a long batch, where none is left, into
 * `overflow`), and `at` and `end` walk there. */
#include <stdio.h>
#include <string.h>
#include <weft/error.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "net/http/json.h"
#include "net/http/request.h"
#include "net/http/site.h"

enum { NS_PER_S = 1000000000, FIRST_ROOM = 4096, DISCARD_AT_ONCE = 4096, COMPLAINT_SIZE = 160 };

static int remember(weft_request *rq, int error, int status, const char *text)
{
	rq->now.body_error = error;
	rq->now.body_status = status;
	rq->now.body_text = text;
	rq->now.close = true;
	return error;
}

static int refuse(weft_request *rq, int rc)
{
	int status = wf_http_error_status(rc);
	return remember(
		rq, status == 413 ? WEFT_EMSGSIZE : WEFT_EPROTO, status, wf_http_error_text(rc));
}

int wf_body_begin(weft_request *rq, int64_t limit)
{
	wf_message_state *now = &rq->now;
	now->continued = !rq->head.expect_continue;
	int rc = wf_http_body_init(
		&now->body, wf_http_request_body(&rq->head), rq->head.content_length, limit);
	return rc == 0 ? 0 : refuse(rq, rc);
}

bool wf_body_is_read(const weft_request *rq)
{
	return rq->now.body_error == 0 && wf_http_body_ended(&rq->now.body);
}

bool wf_body_is_short(const weft_request *rq)
{
	const wf_message_state *now = &rq->now;
	if (wf_body_is_read(rq)) return true;
	if (now->body_error != 0 || !now->continued) return false;
	return now->body.kind != WF_BODY_LENGTH || now->body.left <= WF_DISCARD_MAX;
}

/* Where unread bytes lie. */
static char *window(const weft_request *rq)
{
	return rq->now.overflow ? rq->now.overflow : rq->input;
}

static uint32_t window_room(const weft_request *rq)
{
	return rq->now.overflow ? WF_REQUEST_BODY_ROOM : rq->room;
}

/* Makes room for more; nothing is unread. */
static int rewind_window(weft_request *rq)
{
	uint32_t behind_head = rq->now.overflow ? 0 : rq->begin + rq->head.size;
	rq->at = rq->end = behind_head;
	if (window_room(rq) - rq->end >= WF_REQUEST_BODY_ROOM / 2) return 0;
	rq->now.overflow = wf_arena_alloc(&rq->arena, WF_REQUEST_BODY_ROOM);
	if (rq->now.overflow == NULL) return WEFT_ENOMEM;
	rq->at = rq->end = 0;
	return 0;
}

/* What was read beyond this message goes back to where the next one is looked for. */
static void give_rest_back(weft_request *rq)
{
	if (rq->now.overflow == NULL) return;
	memcpy(rq->input, rq->now.overflow + rq->at, rq->end - rq->at);
	rq->end -= rq->at;
	rq->at = 0;
	rq->now.overflow = NULL;
}

static int send_continue(weft_request *rq)
{
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	if (rq->now.continued || rq->now.stage != WF_REPLY_NONE) return 0;
	int rc = wf_output_write(&rq->output, line, sizeof line - 1);
	if (rc != 0) return rc;
	rq->now.continued = true;
	return wf_output_flush(&rq->output);
}

/* The client's time is what we wait for it, not what the handler takes between two reads. */
static int64_t patience_ns(const weft_request *rq)
{
	int rate = rq->site->server->settings.body_rate;
	if (rate < 0) return INT64_MAX / 2;
	int64_t earned = rq->now.body_got > INT64_MAX / NS_PER_S ? INT64_MAX / 2
															 : rq->now.body_got * NS_PER_S / rate;
	return rq->site->server->settings.header_ns + earned - rq->now.body_waited_ns;
}

/* Some bytes of the connection: 0, or an error that was remembered unless it is ECANCELED. */
static int read_some(weft_request *rq, char *to, size_t room, size_t *got)
{
	wf_message_state *now = &rq->now;
	int rc = send_continue(rq);
	if (rc != 0) return rc;
	int64_t from = wf_now_ns();
	wf_request_wait(rq, WF_CLIENT_READ, from + patience_ns(rq));
	rc = weft_stream_read(rq->connection->stream, to, room, got);
	wf_request_wait_over(rq);
	now->body_waited_ns += wf_now_ns() - from;
	if (rc > 0) {
		now->body_got += (int64_t)*got;
		return 0;
	}
	if (rc == 0) return remember(rq, WEFT_EOF, 400, "the body is not complete");
	if (now->timed_out) return remember(rq, WEFT_ETIMEDOUT, 408, "the body comes too slowly");
	return rc == WEFT_ECANCELED ? rc : remember(rq, rc, 400, "the body is not complete");
}

/* Content straight from the connection. 1 or an error. */
static int read_direct(weft_request *rq, char *to, size_t size, size_t *got)
{
	size_t n = 0;
	int64_t left = wf_http_body_direct(&rq->now.body);
	if (size > (uint64_t)left) size = (size_t)left;
	int rc = read_some(rq, to, size, &n);
	if (rc != 0) return rc;
	rc = wf_http_body_skip(&rq->now.body, n);
	if (rc != 0) return refuse(rq, rc);
	*got = n;
	return 1;
}

/* Content out of the window. 1 a piece, 0 more bytes are needed or the body has ended. */
static int take(weft_request *rq, char *to, size_t size, size_t *got)
{
	size_t have = rq->end - rq->at, used = 0, n = 0;
	const char *piece = NULL;
	/* No more than fits: a piece is never longer than what it is taken from. */
	int rc = wf_http_body_take(
		&rq->now.body, window(rq) + rq->at, have < size ? have : size, &used, &piece, &n);
	rq->at += (uint32_t)used;
	if (rc < 0) return refuse(rq, rc);
	if (rc != WF_HTTP_PIECE) return 0;
	memcpy(to, piece, n);
	*got = n;
	return 1;
}

static int fill(weft_request *rq)
{
	size_t n = 0;
	int rc = rewind_window(rq);
	if (rc == 0) rc = read_some(rq, window(rq) + rq->end, window_room(rq) - rq->end, &n);
	rq->end += (uint32_t)n;
	return rc;
}

static int keep_trailers(weft_request *rq)
{
	wf_message_state *now = &rq->now;
	if (now->body.kind != WF_BODY_CHUNKED || now->trailers != NULL) return 0;
	now->trailers = wf_arena_alloc(&rq->arena, WF_HTTP_TRAILER_BYTES);
	if (now->trailers == NULL) return WEFT_ENOMEM;
	wf_http_body_keep_trailers(&now->body, now->trailers, WF_HTTP_TRAILER_BYTES);
	return 0;
}

/* As weft_request_read, without its checkpoint. */
static int read_piece(weft_request *rq, char *to, size_t size, size_t *got)
{
	wf_message_state *now = &rq->now;
	int rc = now->body_error;
	if (rc == 0) rc = keep_trailers(rq);
	while (rc == 0 && !wf_http_body_ended(&now->body)) {
		if (rq->at < rq->end)
			rc = take(rq, to, size, got);
		else if (wf_http_body_direct(&now->body) > 0)
			rc = read_direct(rq, to, size, got);
		else
			rc = fill(rq);
	}
	return rc;
}

int weft_request_read(weft_request *rq, void *buffer, size_t size, size_t *got)
{
	wf_assert(rq->magic == WF_REQUEST_MAGIC);
	int rc = size == 0 ? WEFT_EINVAL : wf_checkpoint();
	if (rc != 0) return rc;
	size_t n = 0;
	rc = read_piece(rq, buffer, size, &n);
	if (rc >= 0) *got = n;
	return rc;
}

/* False: there is more of it than is worth reading, or it is broken. */
static bool waste_rest(weft_request *rq)
{
	char waste[DISCARD_AT_ONCE];
	size_t left = WF_DISCARD_MAX, got = 0;
	int rc = 1;
	if (!wf_body_is_short(rq)) return false;
	rq->now.wasting = true;
	/* Somebody may wait for room, which there is from now on. */
	wf_site_rested(rq->site);
	while (rc > 0 && left > 0 && rq->now.wasting) {
		got = 0;
		rc = read_piece(rq, waste, left < sizeof waste ? left : sizeof waste, &got);
		left -= got;
	}
	rq->now.wasting = false;
	return rc == 0 || wf_body_is_read(rq);
}

bool wf_body_discard(weft_request *rq)
{
	if (!wf_body_is_read(rq) && !waste_rest(rq)) return false;
	give_rest_back(rq);
	return true;
}

/* Whole. */

/* Exactly what is announced, once most of it is here. */
static bool grow(weft_request *rq, size_t *room)
{
	size_t wanted = *room ? *room * 2 : FIRST_ROOM;
	int64_t length = rq->now.body.kind == WF_BODY_LENGTH ? rq->now.body.left : -1;
	if (length >= 0 && (uint64_t)length < wanted - *room) wanted = *room + (size_t)length + 1;
	char *whole = wf_realloc(rq->now.whole, wanted);
	if (whole == NULL) return false;
	rq->now.whole = whole;
	*room = wanted;
	return true;
}

/* A call that failed leaves what it has read to the next; one that succeeded gave it away, and then
 * nothing is left. */
int weft_request_body(weft_request *rq, const char **data, size_t *size)
{
	wf_message_state *now = &rq->now;
	size_t got = 0;
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (now->whole_given) {
		*data = "";
		*size = 0;
		return 0;
	}
	do {
		if (now->whole_room - now->whole_size < 2 && !grow(rq, &now->whole_room))
			return WEFT_ENOMEM;
		rc = read_piece(
			rq, now->whole + now->whole_size, now->whole_room - now->whole_size - 1, &got);
		if (rc > 0) now->whole_size += got;
	} while (rc > 0);
	if (rc < 0) return rc;
	now->whole[now->whole_size] = '\0';
	now->whole_given = true;
	*data = now->whole;
	*size = now->whole_size;
	return 0;
}

static void *json_memory(void *arg, size_t size)
{
	weft_request *rq = arg;
	return wf_arena_alloc(&rq->arena, size);
}

int weft_request_json(weft_request *rq, const weft_json **out)
{
	const char *data;
	size_t size;
	weft_json_error error = { 0 };
	int rc = weft_request_body(rq, &data, &size);
	if (rc != 0) return rc;
	rc = wf_json_parse(data, size, 0, json_memory, rq, &rq->now.json, &error);
	rq->now.json_error = error;
	if (rc == 0) *out = rq->now.json;
	return rc;
}

const char *wf_body_json_complaint(weft_request *rq)
{
	const wf_message_state *now = &rq->now;
	char *text;
	if (now->json != NULL) {
		const char *complaint = weft_json_complaint(now->json);
		return *complaint != '\0' ? complaint : NULL;
	}
	if (now->json_error.text == NULL) return NULL;
	text = wf_arena_alloc(&rq->arena, COMPLAINT_SIZE);
	if (text != NULL)
		snprintf(text, COMPLAINT_SIZE, "%s, at byte %zu", now->json_error.text, now->json_error.at);
	return text;
}

int64_t weft_request_length(const weft_request *rq)
{
	if (rq->head.chunked) return -1;
	return rq->head.content_length > 0 ? rq->head.content_length : 0;
}

/* As many fields as there are lines. False: there is nothing to be found. */
static bool parse_trailers(weft_request *rq)
{
	wf_message_state *now = &rq->now;
	wf_http_head *head = &now->trailer_head;
	uint32_t lines = 0;
	for (uint32_t i = 0; i < now->body.trailer_size; i++) lines += now->trailers[i] == '\n';
	wf_http_field *fields = wf_arena_alloc(&rq->arena, (lines + 1) * sizeof *fields);
	if (fields == NULL) return false;
	/* Nothing of a section that holds what must not stand there. */
	if (wf_http_body_trailers(&now->body, head, fields, lines + 1) < 0) head->field_count = 0;
	return true;
}

const char *weft_request_trailer(const weft_request *rq, const char *name)
{
	weft_request *own = (weft_request *)rq;
	wf_message_state *now = &own->now;
	if (now->trailers == NULL || !wf_body_is_read(rq)) return NULL;
	if (now->trailer_head.fields == NULL && !parse_trailers(own)) return NULL;
	const wf_http_field *field =
		wf_http_find(&now->trailer_head, now->trailers, name, strlen(name));
	if (field == NULL) return NULL;
	now->trailers[field->value.at + field->value.size] = '\0';
	return now->trailers + field->value.at;
}
