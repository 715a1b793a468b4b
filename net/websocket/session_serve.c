/* Handlers and straight lines: whose task does what.
 *
 * A turn of events is one task: it takes what has come, calls the handler for each message in it,
 * and lets go when there is no more, or calls `closed` when the session is over. Until then nothing
 * else reads, so the next event waits, and so does the peer. */
#include <weft/report.h>
#include <weft/scope.h>

#include "context/context.h"
#include "net/websocket/session.h"
#include "runtime/group.h"

static void drop_current(weft_websocket *ws)
{
	weft_message_unref(ws->current);
	ws->current = NULL;
	ws->unseen = false;
}

/* The connection's own error, handed up, or that nothing can be sent after a close of ours. */
static bool is_old_news(const weft_websocket *ws, int rc)
{
	return (ws->over && rc == ws->rc) || (ws->closing && rc == WEFT_ECLOSED);
}

/* A handler has returned; what it says, if it ends the session. */
static void obey_result(weft_websocket *ws, int rc, const char *what)
{
	bool ours;
	unsigned code = wf_websocket_code_of(rc, weft_cancel_reason(NULL), &ours);
	if (code == WF_WEBSOCKET_NORMAL && ws->wanted > WF_LEVEL_NONE) code = WF_WEBSOCKET_GOING_AWAY;
	if (ours && !is_old_news(ws, rc))
		weft_report("websocket", "a handler failed", weft_log_text("handler", what),
			weft_log_code("error", rc), weft_log_text("peer", weft_stream_peer(ws->stream)));
	wf_websocket_begin_close(ws, code, NULL);
}

/* Events. */

static void call_message(weft_websocket *ws)
{
	int rc = ws->events->message && !ws->closing ? ws->events->message(ws, ws->current) : 0;
	drop_current(ws);
	if (rc != 0) obey_result(ws, rc, "message");
	ws->quiet = ws->closing;
}

/* It may be over by the time a task runs that was started for a message. */
static void call_closed(weft_websocket *ws)
{
	ws->told = true;
	if (ws->events->closed != NULL) ws->events->closed(ws);
}

/* Messages after a close of ours are read past. */
static void take_messages(weft_websocket *ws)
{
	bool more = true;
	while (more && !ws->over) {
		ws->reading = true;
		int rc = wf_websocket_read(ws);
		ws->reading = false;
		if (rc > 0) call_message(ws);
		more = wf_websocket_has_kept(ws);
	}
}

/* Lets go of the session, unless there is more to do. */
static void let_go(weft_websocket *ws)
{
	if (ws->wanted > ws->level) wf_websocket_arm(ws);
	if (ws->level == WF_LEVEL_DRAIN) wf_websocket_begin_close(ws, WF_WEBSOCKET_GOING_AWAY, NULL);
	if (ws->closing) ws->quiet = true;
	ws->held = false;
	wf_websocket_settle(ws);
}

static int run_events(void *arg)
{
	weft_websocket *ws = arg;
	if (!ws->over)
		take_messages(ws);
	else if (!ws->told)
		call_closed(ws);
	let_go(ws);
	return 0;
}

/* The first message is read before there is a task for it, unless it is likely to be large: most
 * turns on the loop see a ping, a close or a part of something, and need none. */
static bool has_work(weft_websocket *ws)
{
	if (ws->over || ws->current != NULL || ws->io == NULL || ws->large) return true;
	return wf_websocket_read(ws) > 0;
}

static int run_message(void *arg)
{
	weft_websocket *ws = arg;
	call_message(ws);
	if (wf_websocket_has_kept(ws)) take_messages(ws);
	let_go(ws);
	return 0;
}

static int spawn(weft_websocket *ws, weft_task_fn *fn)
{
	static const weft_spawn_options options = {
		.size = sizeof options, .site = "weft_websocket", .name = "websocket", .forget = true
	};
	weft_context *outside = wf_context_attach(ws->context);
	int rc = wf_group_spawn(ws->group, fn, ws, &options);
	wf_context_attach(outside);
	return rc;
}

void wf_websocket_start_events(weft_websocket *ws)
{
	ws->starting = false;
	ws->held = true; /* nothing below may free it */
	bool work = has_work(ws);
	if (!work) {
		ws->held = false;
		wf_websocket_settle(ws);
		return;
	}
	if (spawn(ws, ws->current != NULL ? run_message : run_events) == 0) return;
	/* No stack for it now. The peer waits meanwhile, as for a handler that takes long. */
	ws->held = false;
	ws->starting = true;
	wf_websocket_arm(ws);
}

void wf_websocket_serve_events(weft_websocket *ws, weft_request *rq)
{
	wf_websocket_stay stay = { .request = rq };
	ws->stay = &stay;
	ws->opened = true;
	int rc = ws->events->open ? ws->events->open(ws) : 0;
	ws->stay = NULL;
	if (rc != 0) obey_result(ws, rc, "open");
}

void wf_websocket_leave(weft_websocket *ws)
{
	let_go(ws);
}

/* The straight line. */

/* Parks until there is input, or the session is over, or, `to_end`, its output is out as well. */
static int wait_in(weft_websocket *ws, unsigned flags, const char *what)
{
	wf_websocket_stay *stay = ws->stay;
	stay->waiter = wf_task_here();
	stay->ticket = wf_wait_open(flags, what, ws);
	int cause = wf_wait_park();
	stay->waiter = NULL;
	return cause == WF_CAUSE_CANCEL ? WEFT_ECANCELED : 0;
}

/* 1 a message in ws->current, 0 over, negative. */
static int next_message(weft_websocket *ws, unsigned flags)
{
	for (;;) {
		if (ws->unseen) {
			ws->unseen = false;
			return 1;
		}
		int rc = wf_websocket_read(ws);
		if (rc > 0 || ws->over) return rc > 0 ? rc : ws->rc;
		if (rc < 0) return rc;
		if (!wf_websocket_listen(ws)) continue;
		if (ws->over) return ws->rc;
		rc = wait_in(ws, flags, "a message");
		if (rc < 0) return rc;
	}
}

int weft_websocket_next(weft_websocket *ws, const weft_message **out)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	wf_assert(ws->magic == WF_WEBSOCKET_MAGIC && ws->worker == wf_worker_here());
	if (ws->events != NULL) return WEFT_ENOTSUP;
	if (ws->reading) return WEFT_EBUSY;
	/* After a cancel there may be one that nobody has seen. */
	if (!ws->unseen) drop_current(ws);
	ws->reading = true;
	if (ws->level == WF_LEVEL_DRAIN) wf_websocket_begin_close(ws, WF_WEBSOCKET_GOING_AWAY, NULL);
	rc = next_message(ws, 0);
	ws->reading = false;
	if (rc == WEFT_ECANCELED) wf_websocket_unlisten(ws);
	if (rc > 0) *out = ws->current;
	return rc;
}

/* The close handshake, and until everything is out; bounded by close_ms and write_ms. */
static void end_line(weft_websocket *ws)
{
	ws->quiet = true;
	ws->reading = true;
	while (!ws->over) {
		if (next_message(ws, WF_WAIT_UNCANCELABLE) > 0) drop_current(ws);
		/* Over a stream of its own kind a cancel ends the call, not the handshake's bound. */
		else if (!ws->over)
			wf_websocket_break(ws, WEFT_ECANCELED);
	}
	while (!wf_websocket_output_is_idle(ws))
		(void)!wait_in(ws, WF_WAIT_UNCANCELABLE, "the last bytes");
}

static void on_raised(wf_scope *scope)
{
	wf_websocket_ask(wf_container_of(scope, wf_websocket_stay, scope)->ws, scope->level);
}

void wf_websocket_serve_line(weft_websocket *ws, weft_websocket_fn *fn, weft_request *rq)
{
	wf_websocket_stay stay = { .ws = ws, .request = rq };
	ws->stay = &stay;
	wf_scope_init(&stay.scope, wf_group_scope_here(ws->group), on_raised);
	wf_websocket_ask(ws, stay.scope.level);
	int rc = fn(ws);
	drop_current(ws);
	obey_result(ws, rc, "function");
	end_line(ws);
	wf_scope_fini(&stay.scope);
	ws->stay = NULL;
}
