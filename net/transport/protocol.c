/* A connection between handlers.
 *
 *   idle       waits for the stream to be ready; no task
 *   busy       an event task runs: it reads once, calls one handler, and goes
 *   ending     no more events; when neither an event nor the sender is at work, one last task
 * closes the stream and calls `closed`
 *
 * Beside it there may be a sender: a task that writes what was posted, while there is something.
 * The connection is a member of its group, and hangs a scope below the group's to hear of drain and
 * cancel. Those come at moments when nothing may be started; so do requests to close: all of them
 * only arm `kick`, whose slot is reserved, and the loop takes the next step from there. The same
 * timer tries again when a task could not be made. */
#include <weft/protocol.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <weft/log.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "net/transport/listener.h"
#include "net/transport/nap.h"
#include "net/transport/stream.h"
#include "runtime/group.h"

enum { READ_AT_ONCE = 16384, UNSENT = 65536, RETRY_MS = 100, FIRST_ROOM = 512 };

struct weft_connection {
	weft_stream *stream; /* NULL: closed */
	const weft_protocol *protocol;
	weft_listener *listener;
	weft_group *group;
	void *app;
	wf_worker *worker;
	wf_scope scope;
	wf_timer kick;
	bool greeted;   /* `connected` was called */
	bool drained;   /* `draining` was, or has no handler */
	bool heard_all; /* the peer's end came */
	bool ready;     /* the stream has something */
	bool busy, sending, writing;
	bool ending;
	bool over;    /* the last task runs */
	int rc;       /* what ended it */
	wf_nap *turn; /* a task waits until what was posted is sent */
	char *queue;  /* posted, not yet with the sender */
	size_t queued, room;
	size_t unsent; /* queued, and what the sender has in hand */
	_Alignas(max_align_t) char state[];
};

static void step(weft_connection *c);

static void kick_in(weft_connection *c, int ms)
{
	wf_timer_arm(&c->worker->timers, &c->kick, wf_now_ns() + (int64_t)ms * 1000000);
}

static void on_kick(wf_timer *timer)
{
	step(wf_container_of(timer, weft_connection, kick));
}

static void on_raised(wf_scope *scope)
{
	kick_in(wf_container_of(scope, weft_connection, scope), 0);
}

static void on_ready(void *arg)
{
	weft_connection *c = arg;
	c->ready = true;
	step(c);
}

static void end_with(weft_connection *c, int rc)
{
	if (c->ending) return;
	c->ending = true;
	c->rc = rc;
}

static int spawn(weft_connection *c, weft_task_fn *fn)
{
	weft_spawn_options options = {
		.size = sizeof options,
		.site = "weft_protocol_serve",
		.name = "connection",
		.forget = true,
	};
	return wf_group_spawn(c->group, fn, c, &options);
}

static void after_sending(weft_connection *c)
{
	wf_nap_wake(c->turn);
	if (c->ending) kick_in(c, 0);
}

static void fail_sending(weft_connection *c, int rc)
{
	wf_free(c->queue);
	c->queue = NULL;
	c->queued = c->room = c->unsent = 0;
	end_with(c, rc);
}

static int send_posted(void *arg)
{
	weft_connection *c = arg;
	int rc = 0;
	while (rc == 0 && c->queued > 0 && c->stream != NULL) {
		char *data = c->queue;
		size_t size = c->queued;
		c->queue = NULL;
		c->queued = c->room = 0;
		rc = weft_stream_write(c->stream, data, size);
		c->unsent -= size;
		wf_free(data);
	}
	if (rc == 0 && c->stream == NULL) rc = WEFT_ECLOSED;
	if (rc != 0) fail_sending(c, rc);
	c->sending = false;
	if (rc != 0) kick_in(c, 0);
	after_sending(c);
	return 0;
}

static int start_sender(weft_connection *c)
{
	if (c->sending || c->writing || c->queued == 0) return 0;
	c->sending = true;
	int rc = spawn(c, send_posted);
	if (rc != 0) c->sending = false;
	return rc;
}

static size_t limit_of(const weft_connection *c)
{
	return c->protocol->unsent ? c->protocol->unsent : UNSENT;
}

static int make_room(weft_connection *c, size_t size)
{
	size_t wanted = c->queued + size;
	if (wanted <= c->room) return 0;
	size_t room = c->room ? c->room * 2 : FIRST_ROOM;
	if (room < wanted) room = wanted;
	char *queue = wf_realloc(c->queue, room);
	if (queue == NULL) return WEFT_ENOMEM;
	c->queue = queue;
	c->room = room;
	return 0;
}

int weft_connection_post(weft_connection *c, const void *data, size_t size)
{
	wf_assert(c->worker == wf_worker_here());
	if (c->ending || c->stream == NULL) return WEFT_ECLOSED;
	if (size > limit_of(c) - c->unsent) return WEFT_EFULL;
	int rc = make_room(c, size);
	if (rc != 0 || size == 0) return rc;
	memcpy(c->queue + c->queued, data, size);
	c->queued += size;
	c->unsent += size;
	rc = start_sender(c);
	if (rc == 0) return 0;
	c->queued -= size;
	c->unsent -= size;
	return rc;
}

static int wait_for_turn(weft_connection *c)
{
	if (c->writing || c->turn != NULL) return WEFT_EBUSY;
	while (c->sending) {
		int rc = wf_nap_ms(&c->turn, WF_NAP_FOREVER, 0, "connection");
		if (rc != 0) return rc;
	}
	return c->stream && !c->over ? 0 : WEFT_ECLOSED;
}

int weft_connection_write(weft_connection *c, const void *data, size_t size)
{
	int rc = wait_for_turn(c);
	if (rc != 0) return rc;
	c->writing = true;
	rc = weft_stream_write(c->stream, data, size);
	c->writing = false;
	/* Without a sender what was posted meanwhile would be lost in silence. */
	int late = start_sender(c);
	if (late != 0) end_with(c, late);
	if (c->ending) kick_in(c, 0);
	return rc;
}

int weft_connection_print(weft_connection *c, const char *format, ...)
{
	char *text = NULL;
	va_list list;
	va_start(list, format);
	int length = vsnprintf(NULL, 0, format, list);
	va_end(list);
	if (length < 0) return WEFT_EINVAL;
	text = wf_alloc((size_t)length + 1);
	if (text == NULL) return WEFT_ENOMEM;
	va_start(list, format);
	vsnprintf(text, (size_t)length + 1, format, list);
	va_end(list);
	int rc = weft_connection_write(c, text, (size_t)length);
	wf_free(text);
	return rc;
}

/* Of eof and draining: 1 stays. */
static void take_verdict(weft_connection *c, int (*handler)(weft_connection *c))
{
	int rc = handler ? handler(c) : 0;
	if (rc <= 0) end_with(c, rc);
}

static void read_once(weft_connection *c)
{
	char data[READ_AT_ONCE];
	size_t got = 0;
	c->ready = false;
	int rc = weft_stream_read(c->stream, data, sizeof data, &got);
	if (rc > 0) {
		rc = c->protocol->data(c, data, got);
		if (rc < 0) end_with(c, rc);
	} else if (rc == 0) {
		c->heard_all = true;
		take_verdict(c, c->protocol->eof);
	} else {
		end_with(c, rc);
	}
}

static void greet(weft_connection *c)
{
	c->greeted = true;
	int rc = c->protocol->connected ? c->protocol->connected(c) : 0;
	if (rc < 0) end_with(c, rc);
}

static bool must_drain(const weft_connection *c)
{
	return c->scope.level >= WF_LEVEL_DRAIN && !c->drained;
}

static int run_event(void *arg)
{
	weft_connection *c = arg;
	if (c->scope.level == WF_LEVEL_CANCEL) {
		end_with(c, WEFT_ECANCELED);
	} else if (!c->greeted) {
		greet(c);
	} else if (must_drain(c)) {
		c->drained = true;
		take_verdict(c, c->protocol->draining);
	} else if (c->ready && !c->ending && c->stream != NULL) {
		read_once(c);
	}
	c->busy = false;
	/* Through the loop, so that the next event gets a task, and others their turn. */
	if (c->ending || must_drain(c))
		kick_in(c, 0);
	else if (!c->heard_all)
		step(c);
	return 0;
}

static void free_connection(weft_connection *c)
{
	weft_listener *listener = c->listener;
	weft_group *group = c->group;
	int rc = c->rc;
	wf_timer_cancel(&c->worker->timers, &c->kick);
	wf_timer_unreserve(&c->worker->timers, &c->kick);
	wf_scope_fini(&c->scope);
	wf_free(c->queue);
	wf_free(c);
	wf_listener_ended(listener, rc);
	wf_group_leave(group);
}

static int run_end(void *arg)
{
	weft_connection *c = arg;
	weft_stream *s = c->stream;
	c->over = true;
	if (c->rc < 0)
		weft_log(WEFT_LOG_DEBUG, "a connection failed",
			weft_log_text("peer", weft_connection_peer(c)), weft_log_code("error", c->rc));
	if (c->greeted && c->protocol->closed != NULL) c->protocol->closed(c, c->rc);
	c->stream = NULL;
	weft_stream_close(s);
	free_connection(c);
	return 0;
}

/* Takes the next step, if one is due and nothing is under way. */
static void step(weft_connection *c)
{
	int rc = 0;
	if (c->scope.level == WF_LEVEL_CANCEL) end_with(c, WEFT_ECANCELED);
	if (c->busy) return;
	if (c->ending) {
		if (c->sending || c->writing) return;
		c->busy = true;
		rc = spawn(c, run_end);
	} else if (!c->greeted || c->ready || must_drain(c)) {
		c->busy = true;
		rc = spawn(c, run_event);
	} else if (!c->heard_all) {
		rc = wf_stream_ready(c->stream, on_ready, c);
		if (rc != 0) {
			end_with(c, rc);
			kick_in(c, 0);
		}
		return;
	}
	if (rc != 0) {
		c->busy = false;
		kick_in(c, RETRY_MS);
	}
}

void weft_connection_close(weft_connection *c)
{
	wf_assert(c->worker == wf_worker_here());
	end_with(c, 0);
	kick_in(c, 0);
}

void weft_connection_abort(weft_connection *c)
{
	wf_assert(c->worker == wf_worker_here());
	weft_stream *s = c->stream;
	end_with(c, WEFT_ECLOSED);
	c->stream = NULL;
	if (s != NULL) weft_stream_abort(s);
	kick_in(c, 0);
}

static int begin(weft_listener *l, weft_group *group, const weft_protocol *protocol, void *app,
	weft_stream *stream)
{
	wf_worker *worker = wf_worker_here();
	weft_connection *c = wf_zalloc(sizeof *c + protocol->state);
	if (c == NULL) return WEFT_ENOMEM;
	c->kick.fire = on_kick;
	int rc = wf_timer_reserve(&worker->timers, &c->kick);
	if (rc != 0) {
		wf_free(c);
		return rc;
	}
	c->stream = stream;
	c->protocol = protocol;
	c->listener = l;
	c->group = group;
	c->app = app;
	c->worker = worker;
	wf_group_enter(group);
	wf_scope_init(&c->scope, wf_group_scope_here(group), on_raised);
	step(c);
	return 0;
}

int weft_protocol_serve(
	weft_listener *l, weft_group *group, const weft_protocol *protocol, void *app)
{
	if (protocol->data == NULL) return WEFT_EINVAL;
	weft_stream *s;
	int rc;
	while ((rc = wf_listener_next_counted(l, &s)) > 0) {
		rc = begin(l, group, protocol, app, s);
		if (rc == 0) continue;
		weft_stream_close(s);
		wf_listener_ended(l, rc);
	}
	return rc;
}

void *weft_connection_app(const weft_connection *c)
{
	return c->app;
}

void *weft_connection_state(weft_connection *c)
{
	return c->state;
}

const char *weft_connection_peer(const weft_connection *c)
{
	return c->stream ? weft_stream_peer(c->stream) : "unknown";
}
