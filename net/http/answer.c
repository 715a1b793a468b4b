/* One request after the other:
 *
 *   begin    what the head says: route, body, time; its context is current and its scope open
 *   handle   middleware and handler
 *   settle   children joined, scope closed, the result turned into a reply if there is none
 *   end      the reply is complete; what is left of the body is read, or the connection given up
 *
 * Replies stay gathered from one request to the next; on_pause sends them when the task is about to
 * suspend, and the end of the batch when it never was. */
#include "net/http/answer.h"

#include <string.h>
#include <weft/error.h>
#include <weft/report.h>

#include "context/clock.h"
#include "net/http/http1.h"
#include "net/http/identity.h"
#include "net/http/outcome.h"
#include "net/http/request.h"
#include "net/http/site.h"
#include "net/http/upgrade.h"
#include "net/http/uri.h"

typedef enum verdict { KEEP, CLOSE, LINGER, ABORT, GIVE } verdict;

/* Called by the scheduler: must not suspend. */
static void on_pause(weft_task *task)
{
	weft_request *rq = task->arg;
	if (!wf_output_is_empty(&rq->output)) wf_output_start(&rq->output);
	if (rq->now.guard_due) wf_request_guard(rq);
}

/* Begin. */

static bool needs_spelling(const char *path, size_t size)
{
	if (memchr(path, '%', size) != NULL) return true;
	const char *dot = memchr(path, '.', size);
	while (dot != NULL) {
		if (dot > path && dot[-1] == '/') return true;
		dot = memchr(dot + 1, '.', size - (size_t)(dot + 1 - path));
	}
	return false;
}

/* Errors: EBADREQUEST, ENOMEM. */
static int prepare_path(weft_request *rq)
{
	wf_message_state *now = &rq->now;
	const wf_http_head *head = &rq->head;
	if (head->form == WF_FORM_ASTERISK || head->path.size == 0) {
		now->path = head->form == WF_FORM_ASTERISK ? "*" : "/";
		now->path_size = 1;
		return 0;
	}
	char *path = rq->input + rq->begin + head->path.at;
	now->path_size = head->path.size;
	now->path = path;
	if (!needs_spelling(path, now->path_size)) {
		path[now->path_size] = '\0';
		return 0;
	}
	char *copy = wf_arena_alloc(&rq->arena, now->path_size + 1);
	if (copy == NULL) return WEFT_ENOMEM;
	memcpy(copy, path, now->path_size);
	now->path = copy;
	int rc = wf_uri_path_normalise(copy, &now->path_size);
	copy[rc == 0 ? now->path_size : 0] = '\0';
	return rc == WEFT_EINVAL ? WEFT_EBADREQUEST : rc;
}

static void find_route(weft_request *rq)
{
	wf_message_state *now = &rq->now;
	const wf_http_head *head = &rq->head;
	const wf_server *server = rq->site->server;
	if (head->form == WF_FORM_ASTERISK) {
		now->found = WF_ROUTE_OPTIONS;
		rq->match.allowed = wf_router_methods(server->router);
		return;
	}
	const char *method = rq->input + rq->begin + head->method.at;
	now->found = wf_router_find(server->router, (wf_http_method)head->method_id, method,
		head->method.size, now->path, now->path_size, &rq->match);
	if (now->found == WF_ROUTE_FOUND || now->found == WF_ROUTE_FOUND_GET)
		now->route = rq->match.value;
}

static int64_t limit_of(int64_t route, int64_t server)
{
	if (route == 0) return server;
	return route;
}

static void start_clock(weft_request *rq)
{
	wf_message_state *now = &rq->now;
	int64_t limit = rq->site->server->settings.timeout_ns;
	if (now->route != NULL && now->route->timeout_ms != 0)
		limit = (int64_t)now->route->timeout_ms * 1000000;
	now->deadline_ns = limit < 0 ? INT64_MAX : now->began_ns + limit;
}

/* What the head says. 0, or what the handler would have returned. */
static int begin(weft_request *rq)
{
	wf_message_state *now = &rq->now;
	const wf_server *server = rq->site->server;
	now->close = !rq->head.keep_alive;
	if (rq->head.form == WF_FORM_AUTHORITY) return 501;
	int rc = prepare_path(rq);
	if (rc != 0) return rc;
	find_route(rq);
	now->through = server->options->through;
	start_clock(rq);
	return wf_body_begin(
		rq, limit_of(now->route ? now->route->max_body : 0, server->settings.max_body));
}

/* Handle. */

static int join_children(weft_request *rq, int rc)
{
	weft_group *group = rq->now.group;
	if (group == NULL) return rc;
	rq->now.group = NULL;
	int joined = weft_group_join(group, rc < 0 ? rc : 0);
	return joined < 0 ? joined : rc;
}

static int handle(weft_request *rq, weft_reason *reason)
{
	wf_bracket_init(&rq->scope, rq->task);
	rq->handling = true;
	rq->now.guard_due = true;
	/* Without on_pause it must be at once. */
	if (rq->task->pausing == NULL) wf_request_guard(rq);
	int rc = weft_request_pass(rq);
	rc = join_children(rq, rc);
	wf_request_unguard(rq);
	rq->handling = false;
	if (rq->scope.scope.level == WF_LEVEL_CANCEL) *reason = (weft_reason)rq->scope.scope.reason;
	return wf_bracket_fini(&rq->scope, rc);
}

/* Settle. */

static void report_result(const weft_request *rq, int rc, const char *what)
{
	weft_report("server", what, weft_log_text("method", weft_request_method(rq)),
		weft_log_text("path", rq->now.path), weft_log_text("route", weft_request_route(rq)),
		rc < 0 ? weft_log_code("error", rc) : weft_log_int("result", rc));
}

/* What failed was the reply, before any of it was sent: an answer without what it had is possible.
 */
static void forget_reply(weft_request *rq)
{
	wf_message_state *now = &rq->now;
	if (now->reply_error == 0) return;
	now->reply_error = 0;
	now->fields = NULL;
	now->fields_last = &now->fields;
	now->fields_size = 0;
	now->offers_upgrade = false;
}

/* The handler has not replied. */
static void reply_for(weft_request *rq, int rc, weft_reason reason)
{
	wf_message_state *now = &rq->now;
	if (rc == 0) rc = now->reply_error;
	/* Nothing goes out any more, and that is the client's doing. */
	if (rc != 0 && rc == rq->output.error) {
		now->abort = true;
		return;
	}
	forget_reply(rq);
	wf_outcome outcome = wf_outcome_of(rc, reason);
	if (rc != 0 && rc == now->body_error) {
		outcome = (wf_outcome){ .status = now->body_status, .detail = now->body_text };
		now->close = true;
	}
	if (outcome.status == 0) {
		now->abort = true;
		return;
	}
	if (outcome.ours) report_result(rq, rc, rc ? "a handler failed" : "a handler did not reply");
	const char *detail = rc == WEFT_EBADJSON ? wf_body_json_complaint(rq) : NULL;
	if (wf_reply_problem(rq, outcome.status, detail ? detail : outcome.detail) != 0)
		now->abort = true;
}

static void settle(weft_request *rq, int rc, weft_reason reason)
{
	wf_message_state *now = &rq->now;
	if (now->stage == WF_REPLY_NONE) {
		reply_for(rq, rc, reason);
	} else if (rc < 0) {
		if (rc != now->reply_error && reason != WEFT_REASON_PEER)
			report_result(rq, rc, "a handler failed after it had replied");
		if (now->stage == WF_REPLY_BEGUN) now->abort = true;
	}
	if (!now->abort && !wf_reply_end(rq)) now->abort = true;
}

/* End. */

static void note(weft_request *rq)
{
	wf_site *site = rq->site;
	wf_message_state *now = &rq->now;
	int64_t ended_ns = wf_now_ns();
	site->counts.requests++;
	if (now->status >= 500) site->counts.errors++;
	wf_census_note(&site->census, rq, ended_ns);
	rq->ended_ns = ended_ns;
	rq->connection->requests++;
	rq->connection->used = true;
}

static verdict judge(weft_request *rq)
{
	wf_message_state *now = &rq->now;
	if (rq->output.error != 0) return ABORT;
	if (now->abort) return rq->gone ? CLOSE : ABORT;
	if (rq->given_ops != NULL) return GIVE;
	if (now->close && !wf_body_is_read(rq)) return LINGER;
	if (!wf_body_discard(rq)) return LINGER;
	if (!now->close) return KEEP;
	/* Who said itself that it closes sends nothing more; but old clients end content by CRLF. */
	bool silent = !rq->head.keep_alive && !rq->head.has_body && rq->at == rq->end;
	return silent ? CLOSE : LINGER;
}

/* The head was refused: what follows it is unknown. */
static verdict answer_refused(weft_request *rq)
{
	wf_message_state *now = &rq->now;
	int status = wf_http_error_status(rq->refusal);
	now->close = true;
	if (wf_reply_problem(rq, status ? status : 400, wf_http_error_text(rq->refusal)) != 0)
		now->abort = true;
	note(rq);
	return now->abort ? ABORT : LINGER;
}

/* A task that was cancelled with the server still answers, but not for long. */
static weft_scope *shield_last_words(const weft_request *rq)
{
	if (!rq->task->interrupted) return NULL;
	return weft_scope_open(.shield_ms = WF_FAREWELL_MS);
}

static void drop_shield(weft_scope *shield)
{
	if (shield != NULL) (void)!weft_scope_close(shield, 0);
}

static int flush_last(weft_request *rq)
{
	int rc = wf_output_flush(&rq->output);
	if (rc != WEFT_ECANCELED) return rc;
	weft_scope *shield = shield_last_words(rq);
	rc = wf_output_flush(&rq->output);
	drop_shield(shield);
	return rc;
}

static verdict answer(weft_request *rq)
{
	weft_reason reason = WEFT_REASON_NONE;
	wf_request_begin(rq);
	weft_context *spare = rq->spare_context;
	rq->spare_context = NULL;
	int rc = wf_identity_accept(&rq->head, rq->input + rq->begin, spare, rq->site->server->context,
		&rq->site->random, &rq->now.context);
	weft_context *outside = wf_context_current();
	if (rc == 0) wf_context_attach(rq->now.context);
	verdict v;
	if (rq->refusal < 0) {
		v = answer_refused(rq);
	} else {
		if (rc == 0) rc = begin(rq);
		if (rc == 0) rc = handle(rq, &reason);
		weft_scope *shield = shield_last_words(rq);
		settle(rq, rc, reason);
		note(rq);
		v = judge(rq);
		drop_shield(shield);
	}
	wf_context_attach(outside);
	wf_request_end(rq);
	return v;
}

/* The batch. */

static bool next_head(weft_request *rq)
{
	rq->begin = rq->at;
	if (rq->begin == rq->end) {
		rq->begin = rq->at = rq->end = 0;
		return false;
	}
	wf_http_head_init(&rq->head, WF_HTTP_REQUEST, rq->fields, &rq->site->server->settings.limits);
	int rc = wf_http_parse(&rq->head, rq->input + rq->begin, rq->end - rq->begin);
	rq->refusal = rc < 0 ? rc : 0;
	return rc != WF_HTTP_MORE;
}

/* Of a stream that the loop cannot read from: the first bytes. False: no complete head. */
static bool read_head(weft_request *rq, verdict *v)
{
	wf_connection *c = rq->connection;
	size_t got = 0;
	wf_request_begin(rq);
	wf_request_wait(rq, WF_CLIENT_READ,
		c->partial ? c->partial->deadline_ns : rq->ended_ns + rq->site->server->settings.header_ns);
	int rc = weft_stream_read(c->stream, rq->input + rq->end, rq->room - rq->end, &got);
	wf_request_wait_over(rq);
	if (rc <= 0) {
		*v = rc == 0 ? CLOSE : ABORT;
		return false;
	}
	rq->end += (uint32_t)got;
	rc = wf_http_parse(&rq->head, rq->input + rq->begin, rq->end - rq->begin);
	rq->refusal = rc < 0 ? rc : 0;
	if (rc != WF_HTTP_MORE) wf_connection_forget(c);
	return rc != WF_HTTP_MORE;
}

static void close_after(wf_connection *c, verdict v)
{
	static const wf_close_manner manners[] = {
		[CLOSE] = WF_CLOSE_ENDED, [LINGER] = WF_CLOSE_LINGER, [ABORT] = WF_CLOSE_ABORT
	};
	wf_connection_close(c, manners[v]);
}

/* The request is still there, for what it has read; the connection is its new owner's. */
static void give_away(wf_connection *c, weft_request *rq)
{
	const wf_given_ops *ops = rq->given_ops;
	wf_site *site = rq->site;
	wf_timer_cancel(&site->worker->timers, &c->timer);
	c->state = WF_CONNECTION_GIVEN;
	c->given_ops = ops;
	c->given_self = rq->given_self;
	ops->taken(c, rq->given_self, rq->input + rq->at, rq->end - rq->at);
	wf_site_give_request(site, rq);
}

/* Nothing of the batch is left but, perhaps, the beginning of a head. */
static void leave(weft_request *rq, verdict v)
{
	wf_connection *c = rq->connection;
	wf_site *site = rq->site;
	if (v != ABORT && flush_last(rq) != 0) v = ABORT;
	if (v == ABORT && rq->output.sending) wf_request_interrupt(rq);
	wf_output_settle(&rq->output);
	rq->task->pausing = NULL;
	if (v == GIVE) {
		give_away(c, rq);
		return;
	}
	bool part = v == KEEP && rq->end > rq->begin;
	if (v == KEEP && (site->cancelled || (site->draining && !part)))
		v = LINGER;
	else if (part && wf_connection_keep(c, rq) != 0)
		v = ABORT;
	c->request = NULL;
	wf_site_give_request(site, rq);
	if (v != KEEP) {
		close_after(c, v);
		return;
	}
	wf_connection_rest(c, part ? WF_CONNECTION_READING : WF_CONNECTION_IDLE);
}

int wf_answer_batch(void *arg)
{
	weft_request *rq = arg;
	verdict v = KEEP;
	rq->task = wf_task_here();
	rq->ended_ns = rq->site->worker->now_ns;
	if (rq->connection->io != NULL) rq->task->pausing = on_pause;
	bool more = rq->connection->io != NULL || read_head(rq, &v);
	while (more && v == KEEP) {
		v = answer(rq);
		more = v == KEEP && next_head(rq);
	}
	leave(rq, v);
	return 0;
}

bool wf_answer_at_once(weft_request *rq, int status)
{
	wf_output *output = &rq->output;
	rq->task = NULL;
	wf_request_begin(rq);
	rq->now.close = true;
	bool sent = rq->connection->io != NULL && wf_reply_problem(rq, status, NULL) == 0 &&
				wf_output_put(output);
	wf_output_settle(output);
	wf_request_end(rq);
	return sent;
}
