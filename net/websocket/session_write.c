/* The way out: one list of frames, oldest first, whoever they are from.
 *
 * A task's message is tried at once and never touches the list when nothing waits and the kernel
 * takes it. What comes without a task (a subscription's messages, pongs, closes) is queued and
 * leaves at the loop's next look at its inbox, as many frames as there are in one system call. When
 * the kernel is full only the first frame is lent to it; the rest stays droppable.
 *
 * Control frames go before whatever has not begun. A close goes last, and nothing after it. */
#include <string.h>

#include "context/alloc.h"
#include "net/websocket/session.h"
#include "runtime/group.h"

static void on_flush(wf_message *message)
{
	weft_websocket *ws = wf_container_of(message, weft_websocket, out.flush);
	ws->out.flush_due = false;
	wf_websocket_pump(ws);
	wf_websocket_settle(ws);
}

static void on_sent(wf_op *op);

void wf_websocket_output_init(weft_websocket *ws)
{
	wf_list_init(&ws->out.frames);
	ws->out.flush.deliver = on_flush;
	wf_list_init(&ws->feeds);
}

void wf_websocket_output_fini(weft_websocket *ws)
{
	wf_free(ws->out.blockage);
	ws->out.blockage = NULL;
}

bool wf_websocket_output_is_idle(const weft_websocket *ws)
{
	return wf_list_empty(&ws->out.frames) && !ws->out.sending && !ws->out.flush_due;
}

void wf_websocket_flush(weft_websocket *ws)
{
	if (ws->out.flush_due) return;
	ws->out.flush_due = true;
	wf_inbox_push(&ws->worker->inbox, &ws->out.flush);
}

/* Frames. */

static void enqueue(weft_websocket *ws, wf_frame *frame)
{
	wf_output_queue *out = &ws->out;
	if (wf_list_empty(&out->frames)) out->moved_ns = ws->worker->now_ns;
	wf_list_push_back(&out->frames, &frame->link);
	out->count++;
}

static wf_frame *first_of(weft_websocket *ws)
{
	return wf_list_first(&ws->out.frames, wf_frame, link);
}

/* The frame's own life, wherever it lies. */
static void init_frame(wf_frame *frame)
{
	memset(frame, 0, sizeof *frame);
	wf_list_init(&frame->link);
	wf_list_init(&frame->waiting);
}

static void fill(wf_frame *frame, const weft_message *m, size_t sent)
{
	frame->message = weft_message_ref(m);
	frame->at = wf_message_frame(m) + sent;
	frame->left = wf_message_frame_size(m) - sent;
	frame->begun = sent > 0;
}

static void leave_feed(wf_frame *frame)
{
	if (frame->feed == NULL) return;
	wf_list_remove(&frame->waiting);
	frame->feed->count--;
	frame->feed = NULL;
}

static void begin(wf_frame *frame)
{
	frame->begun = true;
	leave_feed(frame);
}

/* Takes the frame out; `rc` is what became of it. */
static void finish(weft_websocket *ws, wf_frame *frame, int rc)
{
	wf_sender *sender = frame->sender;
	leave_feed(frame);
	wf_list_remove(&frame->link);
	ws->out.count--;
	if (frame->control) ws->out.controls--;
	if (rc == 0 && frame->message != NULL) ws->sent++;
	weft_message_unref(frame->message);
	wf_free(frame);
	if (sender == NULL) return;
	sender->done = true;
	sender->rc = rc;
	wf_wait_end(sender->task, sender->ticket, 0);
}

void wf_websocket_drop_output(weft_websocket *ws, int rc)
{
	if (ws->out.sending) return; /* when that is back */
	while (!wf_list_empty(&ws->out.frames)) finish(ws, first_of(ws), rc);
}

/* Sending. */

static unsigned gather(weft_websocket *ws, struct iovec *vector)
{
	unsigned n = 0;
	wf_list_for_each(node, &ws->out.frames)
	{
		wf_frame *frame = wf_list_entry(node, wf_frame, link);
		vector[n++] = (struct iovec){ (void *)frame->at, frame->left };
		if (n == WF_WEBSOCKET_BATCH) break;
	}
	return n;
}

/* The kernel took `size` bytes. */
static void consume(weft_websocket *ws, size_t size)
{
	ws->out.moved_ns = ws->worker->now_ns;
	while (size > 0) {
		wf_frame *frame = first_of(ws);
		size_t step = size < frame->left ? size : frame->left;
		begin(frame);
		frame->at += step;
		frame->left -= step;
		size -= step;
		if (frame->left == 0) finish(ws, frame, 0);
	}
}

static void try_again(weft_websocket *ws)
{
	ws->out.again = true;
	wf_websocket_arm(ws);
}

/* The kernel is full: lends it the first frame. True: it took some at once after all. */
static bool lend_first(weft_websocket *ws)
{
	wf_blockage *b = ws->out.blockage;
	wf_frame *frame = first_of(ws);
	if (b == NULL) b = ws->out.blockage = wf_alloc(sizeof *b);
	if (b == NULL) {
		try_again(ws);
		return false;
	}
	begin(frame);
	b->vector = (struct iovec){ (void *)frame->at, frame->left };
	b->op = (wf_op){ .kind = WF_OP_SEND,
		.io = ws->io,
		.done = on_sent,
		.owner = ws,
		.send = { .vector = &b->vector, .count = 1 } };
	ws->out.sending = true;
	if (wf_io_submit(&b->op)) return true;
	wf_websocket_arm(ws);
	return false;
}

/* What an operation came to. */
static void take_result(weft_websocket *ws, ssize_t result)
{
	ws->out.sending = false;
	if (ws->broken) {
		wf_websocket_drop_output(ws, ws->rc ? ws->rc : WEFT_ECLOSED);
	} else if (result < 0) {
		wf_websocket_break(ws, (int)result);
	} else {
		ws->stream->sent += (uint64_t)result;
		consume(ws, (size_t)result);
	}
}

static void on_sent(wf_op *op)
{
	weft_websocket *ws = op->owner;
	take_result(ws, op->result);
	if (ws->out.stopping) return;
	wf_websocket_pump(ws);
	wf_websocket_settle(ws);
}

/* Over a stream that only a task can write to. */
static int write_frames(void *arg)
{
	weft_websocket *ws = arg;
	while (!wf_list_empty(&ws->out.frames) && !ws->broken) {
		struct iovec vector[WF_WEBSOCKET_BATCH];
		unsigned n = gather(ws, vector);
		size_t done = 0;
		wf_list *node = ws->out.frames.next;
		for (unsigned i = 0; i < n; i++, node = node->next)
			begin(wf_list_entry(node, wf_frame, link));
		int rc = weft_stream_writev(ws->stream, vector, (int)n, &done);
		if (!ws->broken) consume(ws, done);
		if (rc != 0) {
			ws->out.sending = false;
			wf_websocket_break(ws, rc);
		}
	}
	ws->out.sending = false;
	if (ws->broken) wf_websocket_drop_output(ws, ws->rc ? ws->rc : WEFT_ECLOSED);
	wf_websocket_settle(ws);
	return 0;
}

static void start_writer(weft_websocket *ws)
{
	static const weft_spawn_options options = {
		.size = sizeof options, .site = "weft_websocket", .name = "websocket writer", .forget = true
	};
	ws->out.sending = true;
	int rc = wf_group_spawn(ws->group, write_frames, ws, &options);
	if (rc == 0) {
		wf_websocket_arm(ws);
		return;
	}
	ws->out.sending = false;
	try_again(ws);
}

/* Small frames are sent from one place: copying them costs less than telling the kernel of each. */
static size_t collect(weft_websocket *ws, char *scratch)
{
	size_t size = 0;
	wf_list_for_each(node, &ws->out.frames)
	{
		const wf_frame *frame = wf_list_entry(node, wf_frame, link);
		if (frame->left > WF_WEBSOCKET_COPY_MAX || size + frame->left > WF_SCRATCH_SIZE) break;
		memcpy(scratch + size, frame->at, frame->left);
		size += frame->left;
	}
	return size;
}

static ssize_t put_some(weft_websocket *ws)
{
	const wf_frame *first = first_of(ws);
	if (first->left > WF_WEBSOCKET_COPY_MAX || ws->out.count == 1)
		return wf_io_put(ws->io, first->at, first->left);
	char *scratch = ws->worker->scratch;
	return wf_io_put(ws->io, scratch, collect(ws, scratch));
}

static void pump_socket(weft_websocket *ws)
{
	while (!wf_list_empty(&ws->out.frames) && !ws->out.sending && !ws->broken && !ws->out.again) {
		ssize_t sent = put_some(ws);
		if (sent > 0) {
			ws->stream->sent += (uint64_t)sent;
			consume(ws, (size_t)sent);
		} else if (sent == -EAGAIN) {
			if (lend_first(ws)) take_result(ws, ws->out.blockage->op.result);
		} else {
			wf_websocket_break(ws, (int)sent);
		}
	}
	if (wf_list_empty(&ws->out.frames) && !ws->out.sending) wf_websocket_output_fini(ws);
}

void wf_websocket_pump(weft_websocket *ws)
{
	if (ws->out.sending || ws->out.again || ws->broken || wf_list_empty(&ws->out.frames)) return;
	if (ws->io != NULL)
		pump_socket(ws);
	else
		start_writer(ws);
}

/* From a task. */

/* Waits until the frame was taken. A cancel takes it back if none of it was; else the rest follows
 * by itself. */
static int wait_for_frame(weft_websocket *ws, wf_frame *frame, wf_sender *sender)
{
	while (!sender->done) {
		sender->ticket = wf_wait_open(0, "the peer to read", ws);
		int cause = wf_wait_park();
		if (sender->done) break;
		if (cause != WF_CAUSE_CANCEL) continue;
		frame->sender = NULL;
		if (!frame->begun) finish(ws, frame, WEFT_ECANCELED);
		return WEFT_ECANCELED;
	}
	return sender->rc;
}

static int refusal(const weft_websocket *ws)
{
	return ws->rc < 0 ? ws->rc : WEFT_ECLOSED;
}

/* Nothing waits: tries it without a frame of its own. 1: it is gone; 0: `*sent` bytes are. */
static int send_at_once(weft_websocket *ws, const weft_message *m, size_t *sent)
{
	ssize_t n = wf_io_put(ws->io, wf_message_frame(m), wf_message_frame_size(m));
	if (n == -EAGAIN) return 0;
	if (n < 0) {
		wf_websocket_break(ws, (int)n);
		return (int)n;
	}
	ws->stream->sent += (uint64_t)n;
	*sent = (size_t)n;
	if (*sent < wf_message_frame_size(m)) return 0;
	ws->sent++;
	return 1;
}

int wf_websocket_send(weft_websocket *ws, const weft_message *m)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	wf_assert(ws->magic == WF_WEBSOCKET_MAGIC && ws->worker == wf_worker_here());
	if (ws->closing || ws->broken) return refusal(ws);

	size_t sent = 0;
	bool first = wf_list_empty(&ws->out.frames) && !ws->out.sending;
	if (first && ws->io != NULL) {
		rc = send_at_once(ws, m, &sent);
		if (rc != 0) return rc > 0 ? 0 : rc;
	}
	wf_frame *frame = wf_alloc(sizeof *frame);
	if (frame == NULL) {
		/* A message that cannot be finished leaves nothing to go on with. */
		if (sent > 0) wf_websocket_break(ws, WEFT_ENOMEM);
		return WEFT_ENOMEM;
	}
	wf_sender sender = { .task = wf_task_here() };
	init_frame(frame);
	fill(frame, m, sent);
	frame->sender = &sender;
	enqueue(ws, frame);
	wf_websocket_pump(ws);
	return wait_for_frame(ws, frame, &sender);
}

/* Without a task. */

typedef struct control_frame {
	wf_frame frame;
	uint8_t bytes[];
} control_frame;

/* Behind what has begun, before everything else; a close is the last. */
static void enqueue_control(weft_websocket *ws, wf_frame *frame, bool last)
{
	wf_output_queue *out = &ws->out;
	wf_list *before = out->frames.next;
	if (last || wf_list_empty(&out->frames)) {
		enqueue(ws, frame);
		return;
	}
	while (before != &out->frames) {
		const wf_frame *other = wf_list_entry(before, wf_frame, link);
		if (!other->begun && !other->control) break;
		before = before->next;
	}
	wf_list_push_back(before, &frame->link);
	out->count++;
}

int wf_websocket_control(weft_websocket *ws, unsigned opcode, const void *data, size_t size)
{
	uint8_t header[WF_WEBSOCKET_HEADER_MAX];
	wf_output_queue *out = &ws->out;
	bool close = opcode == WF_WEBSOCKET_CLOSE;
	wf_assert(size <= WF_WEBSOCKET_CONTROL_MAX);
	if (!close && out->controls >= WF_WEBSOCKET_CONTROLS_MAX) return WEFT_EFULL;
	size_t length = wf_websocket_header(header, WF_WEBSOCKET_FIN | opcode, size, NULL);
	control_frame *control = wf_alloc(sizeof *control + length + size);
	if (control == NULL) return WEFT_ENOMEM;
	wf_frame *frame = &control->frame;
	init_frame(frame);
	memcpy(control->bytes, header, length);
	if (size > 0) memcpy(control->bytes + length, data, size);
	frame->at = (const char *)control->bytes;
	frame->left = length + size;
	frame->control = true;
	out->controls++;
	enqueue_control(ws, frame, close);
	wf_websocket_flush(ws);
	return 0;
}

/* Feeds. */

void wf_feed_init(wf_feed *feed, weft_websocket *ws, unsigned limit, int when_full)
{
	*feed = (wf_feed){ .ws = ws, .limit = limit, .when_full = when_full };
	wf_list_init(&feed->waiting);
	wf_list_push_back(&ws->feeds, &feed->of_session);
}

static void drop_oldest(wf_feed *feed)
{
	finish(feed->ws, wf_list_first(&feed->waiting, wf_frame, waiting), WEFT_EFULL);
}

void wf_feed_fini(wf_feed *feed)
{
	if (feed->ws == NULL) return;
	while (!wf_list_empty(&feed->waiting)) drop_oldest(feed);
	wf_list_remove(&feed->of_session);
	feed->ws = NULL;
}

static void count_drop(wf_feed *feed)
{
	feed->dropped++;
	feed->ws->dropped++;
}

/* The policy, at a feed that is full. False: the new one is not taken either. */
static bool make_room(wf_feed *feed)
{
	switch (feed->when_full) {
	case WEFT_DROP_OLDEST:
		drop_oldest(feed);
		return true;
	case WEFT_DISCONNECT:
		while (!wf_list_empty(&feed->waiting)) {
			drop_oldest(feed);
			count_drop(feed);
		}
		wf_websocket_begin_close(feed->ws, WF_WEBSOCKET_POLICY, "too slow");
		return false;
	default:
		return false;
	}
}

bool wf_feed_put(wf_feed *feed, const weft_message *m)
{
	weft_websocket *ws = feed->ws;
	if (ws->closing || ws->broken) return false;
	bool room = feed->count < feed->limit;
	if (!room) {
		count_drop(feed);
		if (!make_room(feed)) return false;
	}
	wf_frame *frame = wf_alloc(sizeof *frame);
	if (frame == NULL) {
		count_drop(feed);
		if (feed->when_full == WEFT_DISCONNECT)
			wf_websocket_begin_close(ws, WF_WEBSOCKET_TRY_AGAIN, "out of memory");
		return false;
	}
	init_frame(frame);
	fill(frame, m, 0);
	frame->feed = feed;
	feed->count++;
	feed->delivered++;
	wf_list_push_back(&feed->waiting, &frame->waiting);
	enqueue(ws, frame);
	if (!ws->out.sending) wf_websocket_flush(ws);
	return room;
}
