/* The way in: bytes, frames, messages.
 *
 * A plain socket is read into the worker's scratch, and what ends there was looked at before
 * anybody else uses it: payload goes to the message being put together, and what came together with
 * the end of a message is kept aside until that message is done with. A reader exists while there
 * is something of the kind; handlers give it back between messages. */
#include <string.h>

#include "context/alloc.h"
#include "net/websocket/session.h"

enum { FIRST_ROOM = 4096, ON_STACK = 4096 };

void wf_reader_free(wf_reader *reader)
{
	if (reader == NULL) return;
	weft_message_unref(reader->message);
	wf_free(reader->kept);
	wf_free(reader);
}

bool wf_websocket_has_kept(const weft_websocket *ws)
{
	return ws->reader != NULL && ws->reader->kept != NULL;
}

static wf_reader *take_reader(weft_websocket *ws)
{
	if (ws->reader != NULL) return ws->reader;
	wf_reader *reader = wf_alloc(sizeof *reader);
	if (reader == NULL) return NULL;
	wf_websocket_rules rules = { .message_max = ws->max_message, .from_client = true };
	wf_websocket_decoder_init(&reader->decoder, &rules);
	reader->message = NULL;
	reader->got = reader->room = 0;
	reader->kept = NULL;
	reader->kept_at = reader->kept_size = 0;
	ws->reader = reader;
	return reader;
}

/* A session that rests keeps none; a straight line has a stack anyway, and keeps it. */
static void give_reader(weft_websocket *ws)
{
	wf_reader *reader = ws->reader;
	if (ws->events == NULL || reader == NULL || reader->kept != NULL || reader->message != NULL)
		return;
	if (!wf_websocket_decoder_at_rest(&reader->decoder)) return;
	wf_reader_free(reader);
	ws->reader = NULL;
}

/* Messages. */

/* Room for `size` more bytes; the frame still brings `announced` beyond them. What is announced is
 * believed up to FIRST_ROOM, later as much again as has come. */
static bool make_room(wf_reader *reader, size_t size, uint64_t announced)
{
	size_t need = reader->got + size;
	if (reader->message != NULL && reader->room >= need) return true;
	size_t extra = need > FIRST_ROOM ? need : FIRST_ROOM;
	size_t room = announced > extra ? need + extra : need + (size_t)announced;
	weft_message *m =
		reader->message ? wf_message_grow(reader->message, room) : wf_message_alloc(room);
	if (m == NULL) return false;
	reader->message = m;
	reader->room = room;
	return true;
}

static int append(weft_websocket *ws, const wf_websocket_event *event)
{
	wf_reader *reader = ws->reader;
	if (ws->quiet) return 0;
	if (!make_room(reader, event->size, event->frame_left)) return WEFT_ENOMEM;
	if (event->size > 0)
		memcpy(wf_message_payload(reader->message) + reader->got, event->data, event->size);
	reader->got += event->size;
	if (!event->ends) return 0;
	weft_message *m = reader->message;
	wf_message_seal(m, reader->got, event->opcode == WF_WEBSOCKET_BINARY);
	reader->message = NULL;
	reader->got = reader->room = 0;
	ws->current = m;
	ws->large = weft_message_size(m) > WF_WEBSOCKET_AHEAD_MAX;
	ws->received++;
	return 1;
}

/* Frames. */

/* Without memory it is not known. */
static void keep_reason(weft_websocket *ws, const wf_websocket_event *event)
{
	wf_websocket_extras *extras = wf_websocket_extras_of(ws);
	char *reason = wf_websocket_take(ws, event->size + 1);
	if (extras == NULL || reason == NULL) return;
	memcpy(reason, event->data, event->size);
	reason[event->size] = '\0';
	extras->reason = reason;
}

static int take_close(weft_websocket *ws, const wf_websocket_event *event)
{
	ws->code = event->close_code;
	if (event->size > 0) keep_reason(ws, event);
	wf_websocket_begin_close(ws, event->close_code, NULL);
	wf_websocket_end(ws, 0);
	return WEFT_ECLOSED;
}

static int take_event(weft_websocket *ws, const wf_websocket_event *event)
{
	switch (event->opcode) {
	case WF_WEBSOCKET_PING:
		/* Without memory, or beyond the limit, this one goes unanswered. */
		if (!ws->closing)
			(void)!wf_websocket_control(ws, WF_WEBSOCKET_PONG, event->data, event->size);
		return 0;
	case WF_WEBSOCKET_PONG:
		return 0;
	case WF_WEBSOCKET_CLOSE:
		return take_close(ws, event);
	default:
		return append(ws, event);
	}
}

/* The peer broke a rule: it is told which, and nothing more is read. */
static int refuse(weft_websocket *ws, int rc)
{
	wf_websocket_error error = wf_websocket_decoder_error(&ws->reader->decoder);
	unsigned code = (unsigned)wf_websocket_error_code(error);
	wf_websocket_begin_close(ws, code, wf_websocket_error_text(error));
	wf_websocket_end(ws, rc);
	return rc;
}

/* Goes through the input until a message is complete. */
static int decode(weft_websocket *ws, uint8_t *data, size_t size, size_t *used)
{
	size_t at = 0;
	int rc = 0;
	while (rc == 0) {
		wf_websocket_event event;
		size_t n = 0;
		rc = wf_websocket_decode(&ws->reader->decoder, data + at, size - at, &event, &n);
		if (rc < 0) return refuse(ws, rc);
		at += n;
		if (rc == 0) break;
		rc = take_event(ws, &event);
	}
	*used = at;
	if (rc == WEFT_ENOMEM) {
		wf_websocket_begin_close(ws, WF_WEBSOCKET_TRY_AGAIN, "out of memory");
		wf_websocket_end(ws, rc);
	}
	return rc;
}

static int keep(weft_websocket *ws, const uint8_t *data, size_t size)
{
	wf_reader *reader = ws->reader;
	reader->kept = wf_alloc(size);
	if (reader->kept == NULL) return WEFT_ENOMEM;
	memcpy(reader->kept, data, size);
	reader->kept_at = 0;
	reader->kept_size = (uint32_t)size;
	return 0;
}

int wf_websocket_put_back(weft_websocket *ws, const void *data, size_t size)
{
	if (size == 0) return 0;
	if (take_reader(ws) == NULL) return WEFT_ENOMEM;
	return keep(ws, data, size);
}

/* Something new came. */
static int take_input(weft_websocket *ws, uint8_t *data, size_t size)
{
	ws->heard_ns = ws->worker->now_ns;
	ws->asked = false;
	if (take_reader(ws) == NULL) {
		wf_websocket_break(ws, WEFT_ENOMEM);
		return WEFT_ENOMEM;
	}
	size_t used = 0;
	int rc = decode(ws, data, size, &used);
	/* A message that cannot be followed by what came with it would leave a gap. */
	if (rc > 0 && used < size && keep(ws, data + used, size - used) != 0) {
		wf_websocket_begin_close(ws, WF_WEBSOCKET_TRY_AGAIN, "out of memory");
		wf_websocket_end(ws, WEFT_ENOMEM);
	}
	return rc;
}

static int decode_kept(weft_websocket *ws)
{
	wf_reader *reader = ws->reader;
	size_t used = 0;
	int rc = decode(ws, reader->kept + reader->kept_at, reader->kept_size - reader->kept_at, &used);
	reader->kept_at += (uint32_t)used;
	if (rc <= 0 || reader->kept_at == reader->kept_size) {
		wf_free(reader->kept);
		reader->kept = NULL;
	}
	return rc;
}

/* Bytes. */

static int lost(weft_websocket *ws, ssize_t rc)
{
	int why = rc == 0 ? WEFT_EOF : (int)rc;
	wf_websocket_break(ws, why);
	return why;
}

static int read_socket(weft_websocket *ws)
{
	uint8_t *scratch = (uint8_t *)ws->worker->scratch;
	for (;;) {
		/* The last read was a short one: there is nothing, or an event will tell of it. */
		if (ws->io->drained) return 0;
		ssize_t n = wf_io_take(ws->io, scratch, WF_WEBSOCKET_READ_MAX);
		if (n == -EAGAIN) return 0;
		if (n <= 0) return lost(ws, n);
		ws->stream->received += (uint64_t)n;
		int rc = take_input(ws, scratch, (size_t)n);
		if (rc != 0) return rc;
	}
}

/* Silence counts from here, */
static void attend(weft_websocket *ws)
{
	ws->attentive = true;
	if (!ws->closing) ws->heard_ns += ws->worker->now_ns - ws->deaf_ns;
	wf_websocket_arm(ws);
}

/* and not from here; when it is closing its end has a time of its own. */
static void look_away(weft_websocket *ws)
{
	ws->attentive = false;
	if (!ws->closing) ws->deaf_ns = ws->worker->now_ns;
}

/* Suspends unless the stream said it is ready; a cancel leaves everything as it was. */
static int read_stream(weft_websocket *ws)
{
	uint8_t bytes[ON_STACK];
	size_t got = 0;
	attend(ws);
	int rc = weft_stream_read(ws->stream, bytes, sizeof bytes, &got);
	look_away(ws);
	if (ws->over) return ws->rc ? ws->rc : WEFT_ECLOSED;
	if (rc == WEFT_ECANCELED) return rc;
	return rc <= 0 ? lost(ws, rc) : take_input(ws, bytes, got);
}

int wf_websocket_read(weft_websocket *ws)
{
	int rc = 0;
	wf_debug_assert(ws->current == NULL);
	if (ws->over) return ws->rc ? ws->rc : WEFT_ECLOSED;
	if (wf_websocket_has_kept(ws)) rc = decode_kept(ws);
	if (rc == 0) rc = ws->io != NULL ? read_socket(ws) : read_stream(ws);
	give_reader(ws);
	return rc;
}

/* Waiting. */

static void on_ready(void *arg);

/* For the task that waits in next. A small message is read for it: it is woken by a message, or the
 * end, and by nothing less, and the descriptor does not tell again of what is there until it runs.
 * Large ones it reads itself, one after the other: to hold those of everybody at once is dear. */
static void read_for_task(weft_websocket *ws)
{
	if (!ws->reading || ws->unseen) return;
	if (ws->io == NULL || ws->large) {
		wf_websocket_wake(ws);
		if (ws->io != NULL) ws->listening = wf_stream_ready(ws->stream, on_ready, ws) == 0;
		return;
	}
	ws->unseen = wf_websocket_read(ws) > 0;
	if (ws->unseen || ws->over || !wf_websocket_listen(ws)) wf_websocket_wake(ws);
}

static void on_ready(void *arg)
{
	weft_websocket *ws = arg;
	ws->listening = false;
	look_away(ws);
	if (ws->held)
		read_for_task(ws);
	else
		wf_websocket_start_events(ws);
}

bool wf_websocket_listen(weft_websocket *ws)
{
	if (!ws->listening) {
		int rc = wf_stream_ready(ws->stream, on_ready, ws);
		if (rc == WEFT_ENOTSUP) return false;
		if (rc != 0) {
			wf_websocket_break(ws, rc);
			return true;
		}
		ws->listening = true;
	}
	if (!ws->attentive) attend(ws);
	return true;
}

void wf_websocket_unlisten(weft_websocket *ws)
{
	if (!ws->listening) return;
	ws->listening = false;
	look_away(ws);
	(void)!wf_stream_ready(ws->stream, NULL, NULL);
}
