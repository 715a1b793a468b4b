/* Life and death of a session: see session.h for who may work on it, and when.
 *
 * Why nobody refers to it when it is freed: the descriptor was told to forget it (unlisten), the
 * timer is taken out, no frame waits and no operation or flush message is out (output_is_idle), its
 * feeds were let go when it was over, no task holds it, and the host is told that it is gone. */
#include "net/websocket/session.h"

#include <string.h>
#include <weft/report.h>

#include "context/alloc.h"
#include "context/context.h"
#include "runtime/group.h"

enum { NS_PER_MS = 1000000 };

/* Open. */

static void on_timer(wf_timer *timer);

static const weft_websocket_options defaults = { .ping_ms = 0 };

static int64_t ns_of(int ms, int standard_ms)
{
	if (ms < 0) return INT64_MAX;
	return (int64_t)(ms ? ms : standard_ms) * NS_PER_MS;
}

static uint32_t limit_of(int64_t max_message)
{
	if (max_message <= 0) return WF_WEBSOCKET_MESSAGE_MAX;
	return max_message < WEFT_MESSAGE_MAX ? (uint32_t)max_message : (uint32_t)WEFT_MESSAGE_MAX;
}

static void fill(weft_websocket *ws, const wf_websocket_setup *setup)
{
	ws->magic = WF_WEBSOCKET_MAGIC;
	ws->held = true;
	ws->worker = wf_worker_here();
	ws->stream = setup->stream;
	ws->io = setup->io;
	ws->group = setup->group;
	ws->host = setup->host;
	ws->host_arg = setup->host_arg;
	ws->events = setup->events;
	ws->options = setup->options ? setup->options : &defaults;
	ws->app = setup->app;
	ws->max_message = limit_of(setup->max_message);
	ws->heard_ns = ws->deaf_ns = ws->worker->now_ns;
	ws->timer.fire = on_timer;
	wf_websocket_output_init(ws);
}

int wf_websocket_open(const wf_websocket_setup *setup, weft_websocket **out)
{
	weft_websocket *ws = wf_zalloc(sizeof *ws);
	if (ws == NULL) return WEFT_ENOMEM;
	fill(ws, setup);
	if (wf_timer_reserve(&ws->worker->timers, &ws->timer) != 0) goto free_session;
	if (setup->subprotocol != NULL) {
		wf_websocket_extras *extras = wf_websocket_extras_of(ws);
		if (extras == NULL) goto unreserve;
		extras->subprotocol = setup->subprotocol;
	}
	ws->context = wf_context_capture();
	wf_group_enter(ws->group);
	*out = ws;
	return 0;
unreserve:
	wf_timer_unreserve(&ws->worker->timers, &ws->timer);
free_session:
	wf_free(ws);
	return WEFT_ENOMEM;
}

/* Memory. */

struct wf_websocket_memory {
	_Alignas(max_align_t) struct wf_websocket_memory *next;
	char data[];
};

void *wf_websocket_take(weft_websocket *ws, size_t size)
{
	if (size > SIZE_MAX / 2) return NULL;
	struct wf_websocket_memory *block = wf_alloc(sizeof *block + size);
	if (block == NULL) return NULL;
	block->next = ws->memory;
	ws->memory = block;
	return block->data;
}

static void free_memory(weft_websocket *ws)
{
	while (ws->memory != NULL) {
		struct wf_websocket_memory *block = ws->memory;
		ws->memory = block->next;
		wf_free(block);
	}
}

wf_websocket_extras *wf_websocket_extras_of(weft_websocket *ws)
{
	if (ws->extras != NULL) return ws->extras;
	wf_websocket_extras *extras = wf_websocket_take(ws, sizeof *extras);
	if (extras != NULL) *extras = (wf_websocket_extras){ .subprotocol = NULL };
	return ws->extras = extras;
}

int wf_websocket_add_param(weft_websocket *ws, const char *name, const char *value)
{
	size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;
	wf_websocket_extras *extras = wf_websocket_extras_of(ws);
	wf_websocket_param *param = wf_websocket_take(ws, sizeof *param + name_size + value_size);
	if (extras == NULL || param == NULL) return WEFT_ENOMEM;
	char *text = (char *)(param + 1);
	param->name = memcpy(text, name, name_size);
	param->value = memcpy(text + name_size, value, value_size);
	param->next = extras->params;
	extras->params = param;
	return 0;
}

/* The end. */

void wf_websocket_wake(weft_websocket *ws)
{
	wf_websocket_stay *stay = ws->stay;
	if (stay == NULL || stay->waiter == NULL) return;
	wf_wait_end(stay->waiter, stay->ticket, 0);
}

void wf_websocket_end(weft_websocket *ws, int rc)
{
	if (ws->over) return;
	ws->over = true;
	ws->rc = rc;
	if (ws->code == 0) ws->code = WF_WEBSOCKET_ABNORMAL;
	wf_websocket_unlisten(ws);
	while (!wf_list_empty(&ws->feeds)) {
		wf_feed *feed = wf_list_first(&ws->feeds, wf_feed, of_session);
		wf_feed_fini(feed);
		feed->over(feed);
	}
	wf_websocket_wake(ws);
}

void wf_websocket_break(weft_websocket *ws, int rc)
{
	wf_websocket_end(ws, rc);
	if (ws->broken) return;
	ws->broken = true;
	if (ws->out.sending && ws->io != NULL) {
		ws->out.stopping = true;
		wf_io_cancel(&ws->out.blockage->op);
		ws->out.stopping = false;
	}
	/* A task in the middle of a call on the stream comes back with an error. */
	if (ws->io == NULL) ws->stream->ops->interrupt(ws->stream->self);
	wf_websocket_drop_output(ws, ws->rc ? ws->rc : WEFT_ECLOSED);
}

void wf_websocket_begin_close(weft_websocket *ws, unsigned code, const char *reason)
{
	uint8_t payload[WF_WEBSOCKET_CONTROL_MAX];
	if (ws->closing || ws->broken) return;
	if (code != WF_WEBSOCKET_NO_STATUS && !wf_websocket_code_may_be_sent(code))
		code = WF_WEBSOCKET_INTERNAL_ERROR;
	size_t size = wf_websocket_close_payload(payload, code, reason);
	int rc = wf_websocket_control(ws, WF_WEBSOCKET_CLOSE, payload, size);
	ws->closing = true;
	ws->close_by_ns = ns_of(ws->options->close_ms, WF_WEBSOCKET_CLOSE_MS);
	if (ws->close_by_ns != INT64_MAX) ws->close_by_ns += ws->worker->now_ns;
	wf_websocket_arm(ws);
	if (rc != 0) wf_websocket_break(ws, rc);
}

/* Lets go of all that is its own. */
static void dispose(weft_websocket *ws)
{
	wf_timers *timers = &ws->worker->timers;
	wf_assert(wf_websocket_output_is_idle(ws) && wf_list_empty(&ws->feeds) && ws->stay == NULL);
	wf_timer_cancel(timers, &ws->timer);
	wf_timer_unreserve(timers, &ws->timer);
	wf_websocket_output_fini(ws);
	wf_reader_free(ws->reader);
	weft_message_unref(ws->current);
	free_memory(ws);
	wf_context_unref(ws->context);
	weft_group *group = ws->group;
	ws->magic = 0;
	wf_free(ws);
	wf_group_leave(group);
}

void wf_websocket_discard(weft_websocket *ws)
{
	dispose(ws);
}

static void release(weft_websocket *ws)
{
	const wf_websocket_host *host = ws->host;
	void *arg = ws->host_arg;
	bool orderly = !ws->broken;
	wf_websocket_unlisten(ws);
	dispose(ws);
	host->over(arg, orderly);
}

void wf_websocket_settle(weft_websocket *ws)
{
	wf_debug_assert(ws->magic == WF_WEBSOCKET_MAGIC);
	if (ws->held) {
		if (ws->over && wf_websocket_output_is_idle(ws)) wf_websocket_wake(ws);
		return;
	}
	if (!ws->over) {
		bool due = wf_websocket_has_kept(ws) || ws->starting || !wf_websocket_listen(ws);
		if (due && !ws->over) {
			wf_websocket_start_events(ws);
			return;
		}
		if (!ws->over) return;
	}
	if (!wf_websocket_output_is_idle(ws)) return;
	if (ws->opened && !ws->told && ws->events->closed != NULL)
		wf_websocket_start_events(ws);
	else
		release(ws);
}

/* Time. */

/* When silence must be broken; only while somebody listens, for else it is not the peer's. */
static int64_t ping_due(const weft_websocket *ws)
{
	if (ws->over || ws->closing || !ws->attentive) return INT64_MAX;
	int64_t patience = ns_of(ws->options->ping_ms, WF_WEBSOCKET_PING_MS);
	return patience == INT64_MAX ? patience : ws->heard_ns + patience * (ws->asked ? 2 : 1);
}

static int64_t write_due(const weft_websocket *ws)
{
	if (ws->broken || wf_list_empty(&ws->out.frames)) return INT64_MAX;
	int64_t patience = ns_of(ws->options->write_ms, WF_WEBSOCKET_WRITE_MS);
	return patience == INT64_MAX ? patience : ws->out.moved_ns + patience;
}

static int64_t close_due(const weft_websocket *ws)
{
	bool done = !ws->closing || ws->broken || (ws->over && wf_websocket_output_is_idle(ws));
	return done ? INT64_MAX : ws->close_by_ns;
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void wf_websocket_arm(weft_websocket *ws)
{
	int64_t at = earliest(earliest(ping_due(ws), write_due(ws)), close_due(ws));
	if (ws->starting || ws->out.again)
		at = earliest(at, ws->worker->now_ns + (int64_t)WF_WEBSOCKET_RETRY_MS * NS_PER_MS);
	if (ws->wanted > ws->level) at = 0;
	if (at == INT64_MAX) return; /* an alarm too many is harmless */
	if (wf_timer_armed(&ws->timer) && ws->timer.deadline_ns <= at) return;
	/* Its place is reserved. */
	(void)!wf_timer_arm(&ws->worker->timers, &ws->timer, at);
}

/* Not at once: it may be asked from within a walk through the scopes, or the connections. */
void wf_websocket_ask(weft_websocket *ws, unsigned level)
{
	if (level <= ws->wanted) return;
	ws->wanted = level & 3;
	wf_websocket_arm(ws);
}

/* Drain: 1001 to who is between two messages; the others when their handler is through. */
static void obey(weft_websocket *ws)
{
	if (ws->wanted == ws->level) return;
	ws->level = ws->wanted;
	if (ws->level == WF_LEVEL_CANCEL)
		wf_websocket_break(ws, WEFT_ECANCELED);
	else if (!ws->held || ws->reading)
		wf_websocket_begin_close(ws, WF_WEBSOCKET_GOING_AWAY, NULL);
}

static void look_at_clock(weft_websocket *ws)
{
	int64_t now = ws->worker->now_ns;
	if (now >= write_due(ws) || now >= close_due(ws)) {
		wf_websocket_break(ws, WEFT_ETIMEDOUT);
	} else if (now >= ping_due(ws)) {
		bool again = ws->asked;
		ws->asked = true;
		if (again) wf_websocket_break(ws, WEFT_ETIMEDOUT);
		/* Without memory it is asked at the next look, or given up. */
		else
			(void)!wf_websocket_control(ws, WF_WEBSOCKET_PING, NULL, 0);
	}
}

static void on_timer(wf_timer *timer)
{
	weft_websocket *ws = wf_container_of(timer, weft_websocket, timer);
	obey(ws);
	look_at_clock(ws);
	if (ws->out.again) {
		ws->out.again = false;
		wf_websocket_pump(ws);
	}
	wf_websocket_arm(ws);
	wf_websocket_settle(ws);
}

/* What a handler's result means. */

typedef struct outcome {
	int rc;
	uint16_t code;
	bool ours;
} outcome;

unsigned wf_websocket_code_of(int rc, weft_reason reason, bool *ours)
{
	static const outcome table[] = {
		{ WEFT_EPROTO, WF_WEBSOCKET_PROTOCOL_ERROR, false },
		{ -EILSEQ, WF_WEBSOCKET_INVALID_DATA, false },
		{ WEFT_EBADJSON, WF_WEBSOCKET_INVALID_DATA, false },
		{ WEFT_EACCES, WF_WEBSOCKET_POLICY, false },
		{ WEFT_EPERM, WF_WEBSOCKET_POLICY, false },
		{ WEFT_ENOCONTEXT, WF_WEBSOCKET_POLICY, false },
		{ WEFT_EMSGSIZE, WF_WEBSOCKET_TOO_BIG, false },
		{ WEFT_EFULL, WF_WEBSOCKET_TRY_AGAIN, false },
		{ WEFT_ENOMEM, WF_WEBSOCKET_TRY_AGAIN, true },
		{ WEFT_EDEADLINE, WF_WEBSOCKET_TRY_AGAIN, false },
	};
	*ours = false;
	if (rc == 0) return WF_WEBSOCKET_NORMAL;
	if (rc > 0 && wf_websocket_code_may_be_sent((unsigned)rc)) return (unsigned)rc;
	if (rc == WEFT_ECANCELED && reason == WEFT_REASON_SHUTDOWN) return WF_WEBSOCKET_GOING_AWAY;
	if (rc == WEFT_ECANCELED && reason == WEFT_REASON_DEADLINE) return WF_WEBSOCKET_TRY_AGAIN;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (table[i].rc != rc) continue;
		*ours = table[i].ours;
		return table[i].code;
	}
	*ours = true;
	return WF_WEBSOCKET_INTERNAL_ERROR;
}
