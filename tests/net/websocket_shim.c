#include "tests/net/websocket_shim.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "net/topic/topic.h"
#include "net/transport/nap.h"
#include "net/transport/stream_fd.h"
#include "runtime/group.h"

struct test_gate {
	bool open;
	wf_nap *nap;
};

test_gate *test_gate_new(void)
{
	return calloc(1, sizeof(test_gate));
}

void test_gate_free(test_gate *gate)
{
	free(gate);
}

void test_gate_open(test_gate *gate)
{
	gate->open = true;
	wf_nap_wake(gate->nap);
}

static int wait_for(test_gate *gate, unsigned flags)
{
	while (!gate->open) {
		int rc = wf_nap_ms(&gate->nap, WF_NAP_FOREVER, flags, "a gate");
		if (rc != 0) return rc;
	}
	return 0;
}

int test_gate_wait(test_gate *gate)
{
	return wait_for(gate, 0);
}

typedef struct ending {
	test_gate gate;
	wf_scope scope;
	weft_websocket *ws;
	weft_stream *stream;
	bool orderly;
} ending;

static void on_over(void *arg, bool orderly)
{
	ending *e = arg;
	e->orderly = orderly;
	e->ws = NULL;
	if (orderly)
		weft_stream_close(e->stream);
	else
		weft_stream_abort(e->stream);
	test_gate_open(&e->gate);
}

static const wf_websocket_host host = { on_over };

/* What a server does for those it has given a connection to. */
static void on_raised(wf_scope *scope)
{
	ending *e = wf_container_of(scope, ending, scope);
	if (e->ws != NULL) wf_websocket_ask(e->ws, scope->level);
}

int test_websocket_serve(test_websocket *t)
{
	weft_websocket *ws;
	ending e = { .stream = t->stream };
	wf_websocket_setup setup = { .stream = t->stream,
		.io = t->socket ? &((wf_stream_fd *)(void *)t->stream)->io : NULL,
		.group = t->group,
		.host = &host,
		.host_arg = &e,
		.events = t->events,
		.options = &t->options,
		.app = t->app,
		.max_message = t->max_message };
	int rc = wf_websocket_open(&setup, &ws);
	if (rc != 0) return rc;
	rc = t->room ? wf_websocket_add_param(ws, "room", t->room) : 0;
	if (rc == 0) rc = wf_websocket_put_back(ws, t->input, t->input_size);
	if (rc != 0) {
		wf_websocket_discard(ws);
		return rc;
	}
	wf_scope_init(&e.scope, wf_group_scope_here(t->group), on_raised);
	e.ws = ws;
	if (t->events != NULL)
		wf_websocket_serve_events(ws, NULL);
	else
		wf_websocket_serve_line(ws, t->fn, NULL);
	wf_websocket_ask(ws, e.scope.level);
	wf_websocket_leave(ws);
	while (!e.gate.open)
		(void)!wf_nap_shielded(&e.gate.nap, WF_NAP_FOREVER, WF_WAIT_UNCANCELABLE, "the session");
	wf_scope_fini(&e.scope);
	t->orderly = e.orderly;
	return 0;
}

void test_websocket_small_buffer(weft_websocket *ws)
{
	int least = 1;
	wf_assert(setsockopt(ws->io->fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least) == 0);
}

size_t test_websocket_buffer(weft_websocket *ws)
{
	int size = 0;
	socklen_t length = sizeof size;
	wf_assert(getsockopt(ws->io->fd, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0);
	return (size_t)size;
}

unsigned test_topic_count(void)
{
	return wf_topic_count();
}

size_t test_websocket_size(void)
{
	return sizeof(weft_websocket);
}

int test_websocket_code_of(int rc, weft_reason reason)
{
	bool ours;
	int code = (int)wf_websocket_code_of(rc, reason, &ours);
	return ours ? -code : code;
}
