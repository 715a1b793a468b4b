#include "net/http/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "net/http/site.h"
#include "net/http/uri.h"

enum { INTERRUPT_AGAIN_NS = 10000000 };

/* Life. */

weft_request *wf_request_new(const wf_http_settings *settings)
{
	size_t fields = settings->limits.fields * sizeof(wf_http_field);
	uint32_t room = settings->limits.head_bytes + WF_REQUEST_BODY_ROOM;
	weft_request *rq = wf_alloc(sizeof *rq + fields + room);
	if (rq == NULL) return NULL;
	memset(rq, 0, offsetof(weft_request, first));
	rq->magic = WF_REQUEST_MAGIC;
	rq->fields = (wf_http_field *)(void *)((char *)rq + sizeof *rq);
	rq->input = (char *)rq + sizeof *rq + fields;
	rq->room = room;
	return rq;
}

void wf_request_free(weft_request *rq)
{
	rq->magic = 0;
	wf_context_unref(rq->spare_context);
	wf_free(rq);
}

void wf_request_begin(weft_request *rq)
{
	rq->now =
		(wf_message_state){ .began_ns = rq->ended_ns, .deadline_ns = INT64_MAX, .length = -1 };
	rq->now.fields_last = &rq->now.fields;
	rq->now.path = "";
	rq->at = rq->begin + rq->head.size;
	rq->gone = false;
	rq->given_ops = NULL;
	rq->arena.at = rq->first;
	rq->arena.end = rq->first + WF_REQUEST_FIRST;
}

void wf_request_end(weft_request *rq)
{
	weft_context *context = rq->now.context;
	rq->now.context = NULL;
	if (wf_likely(context != NULL && rq->spare_context == NULL && wf_context_is_sole(context)))
		rq->spare_context = context;
	else
		wf_context_unref(context);
	wf_free(rq->now.whole);
	if (rq->arena.block != NULL) wf_arena_free(&rq->arena);
}

/* Time. */

void wf_request_interrupt(weft_request *rq)
{
	weft_stream *stream = rq->connection->stream;
	stream->ops->interrupt(stream->self);
}

static void arm(weft_request *rq)
{
	int64_t first = rq->now.deadline_ns;
	if (rq->waiting != WF_CLIENT_NONE && rq->wait_until_ns < first) first = rq->wait_until_ns;
	wf_connection_deadline(rq->connection, first);
}

void wf_request_wait(weft_request *rq, wf_client_wait what, int64_t until_ns)
{
	rq->waiting = what;
	rq->wait_until_ns = until_ns;
	rq->wait_mark = rq->connection->stream->sent;
	arm(rq);
}

void wf_request_wait_over(weft_request *rq)
{
	rq->waiting = WF_CLIENT_NONE;
	arm(rq);
}

static void expire(weft_request *rq)
{
	rq->now.deadline_ns = INT64_MAX;
	if (!rq->handling) return;
	wf_scope *scope = &rq->scope.scope;
	rq->scope.expired = scope->level < WF_LEVEL_CANCEL;
	wf_scope_raise(scope, WF_LEVEL_CANCEL, WEFT_REASON_DEADLINE, "the request's deadline");
}

/* A writer that has made way gets as long again. The others are interrupted until they have heard
 * it: the task may just have let others run on its way into the operation. */
static void judge_wait(weft_request *rq, int64_t now_ns)
{
	uint64_t sent = rq->connection->stream->sent;
	if (rq->waiting == WF_CLIENT_WRITE && sent != rq->wait_mark) {
		rq->wait_mark = sent;
		rq->wait_until_ns = now_ns + rq->site->server->settings.write_ns;
		return;
	}
	rq->now.timed_out = true;
	rq->wait_until_ns = now_ns + INTERRUPT_AGAIN_NS;
	wf_request_interrupt(rq);
}

void wf_request_timer(weft_request *rq)
{
	int64_t now_ns = wf_now_ns();
	if (now_ns >= rq->now.deadline_ns) expire(rq);
	if (rq->waiting != WF_CLIENT_NONE && now_ns >= rq->wait_until_ns) judge_wait(rq, now_ns);
	arm(rq);
}

/* On the loop, while a handler runs: the client has ended. */
static void client_is_gone(weft_request *rq)
{
	rq->gone = true;
	if (rq->handling)
		wf_scope_raise(&rq->scope.scope, WF_LEVEL_CANCEL, WEFT_REASON_PEER, "the client");
}

static void on_gone(wf_io *io)
{
	client_is_gone(wf_container_of(io, wf_plain_connection, fd.io)->connection.request);
}

static void on_stream_gone(void *rq)
{
	client_is_gone(rq);
}

/* Where it cannot be watched, writing the answer will fail in time. */
static void watch(weft_request *rq, bool on)
{
	wf_connection *c = rq->connection;
	rq->now.watched = on;
	if (c->io != NULL)
		(void)!wf_io_watch_gone(c->io, on ? on_gone : NULL);
	else
		(void)!wf_stream_watch_gone(c->stream, on ? on_stream_gone : NULL, rq);
}

void wf_request_guard(weft_request *rq)
{
	const weft_route *route = rq->now.route;
	rq->now.guard_due = false;
	arm(rq);
	if (route == NULL || !route->half_close) watch(rq, true);
}

void wf_request_unguard(weft_request *rq)
{
	rq->now.guard_due = false;
	if (rq->now.watched) watch(rq, false);
}

void wf_request_wait_no_more(weft_request *rq)
{
	rq->wait_until_ns = wf_now_ns();
	arm(rq);
}

void wf_request_unbound(weft_request *rq)
{
	rq->now.deadline_ns = INT64_MAX;
	arm(rq);
	wf_request_unguard(rq);
}

/* Strings. */

char *wf_request_string(weft_request *rq, wf_http_span span)
{
	char *text = rq->input + rq->begin + span.at;
	text[span.size] = '\0';
	return text;
}

/* Looking something up may end it in place, or take memory: the request's, not its meaning. */
static weft_request *own(const weft_request *rq)
{
	wf_assert(rq->magic == WF_REQUEST_MAGIC);
	return (weft_request *)rq;
}

static char *copy_text(weft_request *rq, const char *text, size_t size)
{
	char *copy = wf_arena_alloc(&rq->arena, size + 1);
	if (copy == NULL) return NULL;
	memcpy(copy, text, size);
	copy[size] = '\0';
	return copy;
}

const char *weft_request_method(const weft_request *rq)
{
	if (rq->refusal != 0) return "";
	wf_http_method id = (wf_http_method)rq->head.method_id;
	if (id == WF_METHOD_OTHER) return wf_request_string(own(rq), rq->head.method);
	return wf_http_method_name(id);
}

const char *weft_request_path(const weft_request *rq)
{
	return rq->now.path;
}

const char *weft_request_target(const weft_request *rq)
{
	const wf_http_head *head = &rq->head;
	char *copy = copy_text(own(rq), rq->input + rq->begin + head->target.at, head->target.size);
	/* The path may have been ended there. */
	if (copy != NULL && head->query.at != 0) copy[head->query.at - 1 - head->target.at] = '?';
	return copy;
}

const char *weft_request_version(const weft_request *rq)
{
	return rq->head.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

const char *weft_request_host(const weft_request *rq)
{
	const wf_http_head *head = &rq->head;
	if (head->host.size == 0) return "";
	const char *copy = copy_text(own(rq), rq->input + rq->begin + head->host.at, head->host.size);
	return copy ? copy : "";
}

const char *weft_request_peer(const weft_request *rq)
{
	return weft_stream_peer(rq->connection->stream);
}

const char *weft_request_route(const weft_request *rq)
{
	return rq->now.route ? rq->match.pattern : NULL;
}

void *weft_request_app(const weft_request *rq)
{
	return rq->site->server->options->app;
}

void *weft_request_alloc(weft_request *rq, size_t size)
{
	wf_assert(rq->magic == WF_REQUEST_MAGIC);
	return wf_arena_alloc(&rq->arena, size);
}

/* Fields. */

const char *weft_request_header(const weft_request *rq, const char *name)
{
	const wf_http_field *field = wf_http_find(&rq->head, rq->input + rq->begin, name, strlen(name));
	return field ? wf_request_string(own(rq), field->value) : NULL;
}

bool weft_request_header_next(
	const weft_request *rq, size_t *at, const char **name, const char **value)
{
	if (*at >= rq->head.field_count) return false;
	const wf_http_field *field = &rq->head.fields[(*at)++];
	*name = wf_request_string(own(rq), field->name);
	*value = wf_request_string(own(rq), field->value);
	return true;
}

/* Parameters. */

static const char *decode(weft_request *rq, const char *text, size_t size, bool plus)
{
	char *copy = wf_arena_alloc(&rq->arena, size + 1);
	if (copy == NULL || wf_uri_decode(text, size, plus, copy, &size) != 0) return NULL;
	copy[size] = '\0';
	return copy;
}

const char *weft_request_param(const weft_request *rq, const char *name)
{
	const wf_route_match *match = &rq->match;
	if (rq->now.route == NULL) return NULL;
	for (uint32_t i = 0; i < match->parameter_count; i++) {
		const wf_route_parameter *p = &match->parameters[i];
		if (strcmp(p->name, name) == 0) return decode(own(rq), p->value, p->value_size, false);
	}
	return NULL;
}

int weft_request_param_i64(const weft_request *rq, const char *name, int64_t *out)
{
	const char *text = weft_request_param(rq, name);
	if (text == NULL || !(*text == '-' || (*text >= '0' && *text <= '9'))) return WEFT_EBADREQUEST;
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0') return WEFT_EBADREQUEST;
	*out = value;
	return 0;
}

const char *weft_request_query(const weft_request *rq, const char *name)
{
	wf_http_span query = rq->head.query;
	wf_uri_pair pair;
	if (query.at == 0) return NULL;
	if (!wf_uri_query_find(rq->input + rq->begin + query.at, query.size, name, &pair)) return NULL;
	return decode(own(rq), pair.value, pair.value_size, true);
}

/* Beside the handler. */

weft_group *weft_request_group(weft_request *rq)
{
	weft_task *task = wf_task_here();
	wf_assert(rq->magic == WF_REQUEST_MAGIC && task == rq->task);
	if (rq->now.group != NULL) return rq->now.group;
	/* It outlives whatever stretch of the handler asks for it first. */
	wf_scope *innermost = task->scope;
	task->scope = &rq->scope.scope;
	rq->now.group = weft_group_open(.name = "request");
	task->scope = innermost;
	return rq->now.group;
}

weft_group *weft_request_background(weft_request *rq)
{
	return rq->site->server->background;
}

/* The chain. */

static int end_of_chain(weft_request *rq)
{
	char allow[512];
	wf_http_writer writer;
	switch (rq->now.found) {
	case WF_ROUTE_FOUND:
	case WF_ROUTE_FOUND_GET:
		return rq->now.route->handler(rq);
	case WF_ROUTE_OPTIONS:
	case WF_ROUTE_NO_METHOD:
		wf_http_writer_init(&writer, allow, sizeof allow - 1);
		wf_router_write_allow(rq->site->server->router, rq->match.allowed, &writer);
		allow[writer.size <= writer.room ? writer.size : 0] = '\0';
		weft_reply_header(rq, "allow", allow);
		if (rq->now.found == WF_ROUTE_NO_METHOD) return 405;
		return weft_reply_bytes(rq, 204, NULL, NULL, 0);
	case WF_ROUTE_NO_PATH:
		break;
	}
	return 404;
}

static int pass(weft_request *rq)
{
	wf_message_state *now = &rq->now;
	for (;;) {
		if (now->through != NULL && *now->through != NULL) return (*now->through++)(rq);
		if (now->inside) return end_of_chain(rq);
		now->inside = true;
		now->through = now->route ? now->route->through : NULL;
	}
}

int weft_request_pass(weft_request *rq)
{
	wf_assert(rq->magic == WF_REQUEST_MAGIC);
	weft_handler_fn *const *through = rq->now.through;
	bool inside = rq->now.inside;
	int rc = pass(rq);
	rq->now.through = through;
	rq->now.inside = inside;
	return rc;
}
