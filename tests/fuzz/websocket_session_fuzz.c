/* A stranger's bytes to a whole session: read, answered, closed. The first byte says which: a
 * straight line (1) or handlers; short messages only (2); enough after the second message (4); the
 * first half came with the handshake (8); through a topic (16); over sockets (32); read only when
 * all is written (64). The second byte says how the input is cut.
 *
 * Whatever came, what goes back is a server's frames, of which a close is the last; a plain echo
 * says just what a decoder alone reads in the input. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <weft/post.h>
#include <weft/run.h>

#include "net/transport/stream_fd.h"
#include "net/websocket/websocket_frame.h"
#include "tests/fuzz/fuzz_run.h"
#include "tests/net/websocket_shim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STRAIGHT = 1, SHORT = 2, ENOUGH = 4, EARLY = 8, TOPIC = 16, SOCKETS = 32, LATE = 64 };

/* The messages that came out of somewhere, as a number; and the close after them. */
typedef struct heard {
	uint64_t sum, messages, bytes;
	bool closed;
} heard;

typedef struct session {
	unsigned mode;
	const uint8_t *data;
	size_t size, step;
	weft_stream *client, *server;
	unsigned taken; /* messages by the server */
	test_gate *written;
} session;

static void mix(heard *h, const wf_websocket_event *event)
{
	if (event->opcode == WF_WEBSOCKET_CLOSE) h->closed = true;
	if (event->opcode >= WF_WEBSOCKET_CLOSE) return;
	for (size_t i = 0; i < event->size; i++) h->bytes = h->bytes * 31 + event->data[i] + 1;
	if (!event->ends) return;
	h->sum = (h->sum ^ h->bytes ^ event->opcode) * UINT64_C(0x100000001B3);
	h->bytes = 0;
	h->messages++;
}

/* False: refused. */
static bool decode(heard *h, wf_websocket_decoder *decoder, uint8_t *data, size_t size)
{
	for (size_t at = 0; at < size;) {
		wf_websocket_event event;
		size_t used;
		int rc = wf_websocket_decode(decoder, data + at, size - at, &event, &used);
		if (rc < 0) return false;
		if (rc > 0) mix(h, &event);
		at += used;
	}
	return true;
}

static uint64_t message_max(const session *s)
{
	return s->mode & SHORT ? 100 : 5000;
}

/* What there is in the input. */
static heard read_alone(const session *s)
{
	heard h = { .sum = 0 };
	wf_websocket_decoder decoder;
	wf_websocket_rules rules = { .from_client = true, .message_max = message_max(s) };
	uint8_t *copy = malloc(s->size + 1);
	require(copy != NULL);
	memcpy(copy, s->data, s->size);
	wf_websocket_decoder_init(&decoder, &rules);
	(void)decode(&h, &decoder, copy, s->size);
	free(copy);
	return h;
}

/* The server. */

static int answer(weft_websocket *ws, const weft_message *m)
{
	session *s = weft_websocket_app(ws);
	require(weft_message_size(m) <= message_max(s));
	require(weft_message_text(m)[weft_message_size(m)] == '\0');
	if (++s->taken == 2 && s->mode & ENOUGH) weft_websocket_finish(ws, 4000, "enough");
	if (s->mode & TOPIC) return weft_topic_publish("fuzz", m);
	return weft_websocket_send(ws, m);
}

static int come_in(weft_websocket *ws)
{
	const session *s = weft_websocket_app(ws);
	return s->mode & TOPIC ? weft_websocket_subscribe(ws, "fuzz", .queue = 4) : 0;
}

static int straight(weft_websocket *ws)
{
	const weft_message *m;
	int rc = come_in(ws);
	while (rc == 0 && (rc = weft_websocket_next(ws, &m)) > 0) rc = answer(ws, m);
	return rc;
}

static void go(weft_websocket *ws)
{
	int code = weft_websocket_close_code(ws);
	require(code == 1005 || code == 1006 || wf_websocket_code_may_be_sent((unsigned)code));
}

static int serve(void *arg)
{
	static const weft_websocket_events events = { come_in, answer, go };
	session *s = arg;
	size_t early = s->mode & EARLY ? s->size / 2 : 0;
	test_websocket t = { .stream = s->server,
		.socket = s->mode & SOCKETS,
		.fn = straight,
		.events = s->mode & STRAIGHT ? NULL : &events,
		.options = { .ping_ms = -1 },
		.max_message = (int64_t)message_max(s),
		.app = s,
		.input = s->data,
		.input_size = early };
	t.group = weft_group_open();
	require(test_websocket_serve(&t) == 0);
	return weft_group_join(t.group, 0);
}

/* The client. */

static int write_all(void *arg)
{
	session *s = arg;
	int rc = 0;
	for (size_t at = s->mode & EARLY ? s->size / 2 : 0; at < s->size && rc == 0;) {
		size_t n = s->size - at < s->step ? s->size - at : s->step;
		rc = weft_stream_write(s->client, s->data + at, n);
		at += n;
	}
	/* It may have been closed by then. */
	(void)!weft_stream_shutdown(s->client);
	test_gate_open(s->written);
	return 0;
}

static heard read_all(session *s)
{
	uint8_t buffer[512];
	size_t got = 0;
	heard h = { .sum = 0 };
	wf_websocket_decoder decoder;
	wf_websocket_rules rules = { .message_max = 1 << 20 };
	wf_websocket_decoder_init(&decoder, &rules);
	if (s->mode & LATE) require(test_gate_wait(s->written) == 0);
	while (weft_stream_read(s->client, buffer, sizeof buffer, &got) > 0) {
		require(!h.closed);
		require(decode(&h, &decoder, buffer, got));
	}
	return h;
}

static void open_sockets(session *s)
{
	int fds[2];
	wf_stream_fd *a = NULL, *b = NULL;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	require(wf_stream_fd_new(&a) == 0 && wf_stream_fd_new(&b) == 0);
	wf_stream_fd_open(a, fds[0], WF_IO_TCP);
	wf_stream_fd_open(b, fds[1], WF_IO_TCP);
	s->client = &a->stream;
	s->server = &b->stream;
}

static int converse(void *arg)
{
	session *s = arg;
	if (s->mode & SOCKETS)
		open_sockets(s);
	else
		require(weft_stream_pair(&s->client, &s->server) == 0);
	weft_group *group = weft_group_open();
	require(weft_spawn(group, serve, s) == 0 && weft_spawn(group, write_all, s) == 0);
	heard back = read_all(s);
	require(weft_group_join(group, 0) == 0);
	weft_stream_close(s->client);
	heard alone = read_alone(s);
	require(s->taken <= alone.messages);
	/* A reset may overtake what was said before it. */
	if (s->mode & (TOPIC | ENOUGH | SOCKETS)) return 0;
	require(back.messages == alone.messages && back.sum == alone.sum);
	require(back.closed || !alone.closed);
	return 0;
}

static int live(void *arg)
{
	(void)arg;
	fuzz_run_is_ready();
	require(weft_drain_wait() == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) return 0;
	session s = { .mode = data[0], .data = data + 2, .size = size - 2, .step = data[1] + 1u };
	weft_future *future;
	s.written = test_gate_new();
	require(s.written != NULL);
	require(weft_post(fuzz_run(live), converse, &s, .future = &future) == 0);
	require(weft_future_join(future) == 0);
	weft_future_unref(future);
	test_gate_free(s.written);
	return 0;
}
