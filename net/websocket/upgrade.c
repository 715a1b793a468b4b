/* From a request to a session: the one handler behind all WebSocket routes. */
#include <string.h>
#include <weft/reply.h>
#include <weft/route.h>

#include "net/http/request.h"
#include "net/http/site.h"
#include "net/http/upgrade.h"
#include "net/websocket/session.h"
#include "net/websocket/websocket_handshake.h"
#include "runtime/group.h"

static bool find_field(
	const void *arg, const char *name, size_t nth, const char **value, size_t *size)
{
	const weft_request *rq = arg;
	const char *data = rq->input + rq->begin;
	size_t length = strlen(name);
	const wf_http_field *field = wf_http_find(&rq->head, data, name, length);
	while (field != NULL && nth-- > 0)
		field = wf_http_find_next(&rq->head, data, field, name, length);
	if (field == NULL) return false;
	*value = data + field->value.at;
	*size = field->value.size;
	return true;
}

static int judge(weft_request *rq, const weft_websocket_options *o, wf_websocket_answer *answer)
{
	wf_websocket_upgrade upgrade = { .method = weft_request_method(rq),
		.version = rq->head.minor_version ? 11 : 10,
		.field = find_field,
		.arg = rq,
		.subprotocols = o->subprotocols,
		.origin_allowed = o->any_origin ? NULL : wf_websocket_same_origin };
	return wf_websocket_judge_upgrade(&upgrade, answer);
}

static void set_fields(weft_request *rq, const wf_websocket_answer *answer)
{
	for (const char *const *field = answer->fields; field != NULL && *field != NULL; field += 2) {
		/* Those of an acceptance are the upgrade's own. */
		if (strcasecmp(field[0], "upgrade") == 0 && answer->status == 101) continue;
		weft_reply_header(rq, field[0], field[1]);
	}
	if (answer->accept[0] != '\0') weft_reply_header(rq, "Sec-WebSocket-Accept", answer->accept);
	if (answer->subprotocol != NULL)
		weft_reply_header(rq, "Sec-WebSocket-Protocol", answer->subprotocol);
}

static void on_over(void *connection, bool orderly)
{
	wf_connection_close(connection, orderly ? WF_CLOSE_LINGER : WF_CLOSE_ABORT);
}

static const wf_websocket_host host = { on_over };

/* What was read already the session has. What was asked meanwhile the request has heard. */
static void on_taken(wf_connection *c, void *ws, const char *rest, size_t size)
{
	(void)rest;
	(void)size;
	wf_websocket_ask(ws, wf_group_scope_here(c->site->server->group)->level);
	wf_websocket_leave(ws);
}

/* The session has a timer of its own. */
static void on_timer(wf_connection *c, void *ws)
{
	(void)c;
	(void)ws;
}

static void on_drain(wf_connection *c, void *ws, bool cancelled)
{
	(void)c;
	wf_websocket_ask(ws, cancelled ? WF_LEVEL_CANCEL : WF_LEVEL_DRAIN);
}

static const struct wf_given_ops given = { "websocket", on_taken, on_timer, on_drain };

/* All that the request has and the session needs when that is gone. */
static int take_along(weft_websocket *ws, weft_request *rq)
{
	int rc = 0;
	for (uint32_t i = 0; i < rq->match.parameter_count && rc == 0; i++) {
		const char *name = rq->match.parameters[i].name;
		const char *value = weft_request_param(rq, name);
		rc = value ? wf_websocket_add_param(ws, name, value) : WEFT_EBADREQUEST;
	}
	return rc ? rc : wf_websocket_put_back(ws, rq->input + rq->at, rq->end - rq->at);
}

static int serve(weft_request *rq, const weft_websocket_options *o, const char *subprotocol)
{
	const weft_route *route = rq->now.route;
	wf_connection *c = rq->connection;
	weft_websocket *ws;
	wf_websocket_setup setup = { .stream = c->stream,
		.io = c->io,
		.group = rq->site->server->group,
		.host = &host,
		.host_arg = c,
		.events = route->websocket ? NULL : route->events,
		.options = o,
		.subprotocol = subprotocol,
		.app = weft_request_app(rq),
		.max_message = route->max_message };
	int rc = wf_websocket_open(&setup, &ws);
	if (rc != 0) return rc;
	rc = take_along(ws, rq);
	if (rc == 0) rc = wf_upgrade_switch(rq, "websocket");
	if (rc != 0) {
		wf_websocket_discard(ws);
		return rc;
	}
	wf_upgrade_give(rq, &given, ws);
	if (route->websocket != NULL)
		wf_websocket_serve_line(ws, route->websocket, rq);
	else
		wf_websocket_serve_events(ws, rq);
	return 0;
}

int weft_websocket_upgrade(weft_request *rq)
{
	static const weft_websocket_options none = { .ping_ms = 0 };
	wf_websocket_answer answer;
	const weft_route *route = rq->now.route;
	if (route == NULL || (route->websocket == NULL && route->events == NULL)) return WEFT_EINVAL;
	const weft_websocket_options *o = route->websocket_options ? route->websocket_options : &none;
	/* Nobody could tell its bytes from frames. */
	if (rq->head.has_body)
		return weft_reply_problem(rq, 400, "a request for a WebSocket has no content");
	int rc = judge(rq, o, &answer);
	if (rc != 0) return rc;
	set_fields(rq, &answer);
	if (answer.status != 101) return weft_reply_problem(rq, answer.status, "%s", answer.text);
	return serve(rq, o, answer.subprotocol);
}
