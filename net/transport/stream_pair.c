/* Two streams in memory, each the other's peer.
 *
 * One block holds both ends and one `lane` for each direction; it goes when both ends are freed. A
 * lane takes its buffer with the first byte and gives it back when it is empty, so an idle pair
 * holds none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "net/transport/stream.h"
#include "runtime/timer.h"
#include "runtime/wait.h"

typedef struct waiter {
	weft_task *task; /* NULL: nobody */
	wf_ticket ticket;
} waiter;

/* Bytes on their way in one direction. */
typedef struct lane {
	char *data; /* a ring of WEFT_PAIR_CAPACITY, or NULL while empty */
	size_t first, count;
	bool ended;  /* the writer has finished, or is gone */
	bool reset;  /* the writer was aborted */
	bool unread; /* the reader is gone */
	waiter reader, writer;
} lane;

typedef struct pair pair;

typedef struct pair_end {
	weft_stream stream;
	pair *both;
	lane *in, *out;
	wf_timer event; /* tells ready and gone, on the loop */
	weft_stream_event_fn *on_ready, *on_gone;
	void *event_arg;
} pair_end;

struct pair {
	pair_end ends[2];
	lane lanes[2];
	int alive;
};

static void wake(waiter *w)
{
	if (w->task != NULL) wf_wait_end(w->task, w->ticket, 0);
}

static int wait_in(waiter *w, const char *what)
{
	w->task = wf_task_here();
	w->ticket = wf_wait_open(0, what, w);
	int cause = wf_wait_park();
	w->task = NULL;
	return cause == WF_CAUSE_CANCEL ? WEFT_ECANCELED : 0;
}

static bool is_readable(const lane *l)
{
	return l->count > 0 || l->ended;
}

static bool has_news(const pair_end *end)
{
	return (end->on_ready != NULL && is_readable(end->in)) ||
		   (end->on_gone != NULL && end->in->ended);
}

/* A slot is reserved for the timer: this cannot fail. */
static void tell(pair_end *end)
{
	if (has_news(end)) wf_timer_arm(&end->stream.worker->timers, &end->event, wf_now_ns());
}

static void on_event(wf_timer *timer)
{
	pair_end *end = wf_container_of(timer, pair_end, event);
	weft_stream_event_fn *fn = end->on_ready;
	if (fn != NULL && is_readable(end->in)) {
		end->on_ready = NULL;
	} else if (end->on_gone != NULL && end->in->ended && !end->stream.reading) {
		fn = end->on_gone;
		end->on_gone = NULL;
	} else {
		return;
	}
	/* The other one, if it is due as well, is told by a timer of its own: `fn` may free the end. */
	tell(end);
	fn(end->event_arg);
}

static pair_end *other_end(const pair_end *end)
{
	return &end->both->ends[end == &end->both->ends[0]];
}

static void lane_changed(lane *l, pair_end *reading_end)
{
	wake(&l->reader);
	tell(reading_end);
}

static size_t take_out(lane *l, char *buffer, size_t size)
{
	size_t n = size < l->count ? size : l->count;
	size_t until_end = WEFT_PAIR_CAPACITY - l->first;
	size_t part = n < until_end ? n : until_end;
	memcpy(buffer, l->data + l->first, part);
	memcpy(buffer + part, l->data, n - part);
	l->first = (l->first + n) % WEFT_PAIR_CAPACITY;
	l->count -= n;
	if (l->count == 0) {
		wf_free(l->data);
		l->data = NULL;
		l->first = 0;
	}
	return n;
}

static size_t put_in(lane *l, const char *bytes, size_t size)
{
	size_t room = WEFT_PAIR_CAPACITY - l->count;
	size_t n = size < room ? size : room;
	size_t at = (l->first + l->count) % WEFT_PAIR_CAPACITY;
	size_t part = n < WEFT_PAIR_CAPACITY - at ? n : WEFT_PAIR_CAPACITY - at;
	memcpy(l->data + at, bytes, part);
	memcpy(l->data, bytes + part, n - part);
	l->count += n;
	return n;
}

static bool is_writable(const lane *l)
{
	return l->unread || l->count < WEFT_PAIR_CAPACITY;
}

/* Whoever was woken and finds nothing changed was interrupted. */
static int how_woken(const pair_end *end, bool changed)
{
	if (end->stream.closing) return WEFT_ECLOSED;
	return changed ? 0 : WEFT_ECANCELED;
}

static int pair_read(void *self, void *buffer, size_t size, size_t *got)
{
	pair_end *end = self;
	lane *in = end->in;
	int rc = wf_checkpoint();
	if (rc == 0 && !is_readable(in)) {
		rc = wait_in(&in->reader, "read");
		if (rc == 0) rc = how_woken(end, is_readable(in));
	}
	if (rc != 0) return rc;
	if (in->reset) return WEFT_ECONNRESET;
	if (in->count == 0) return 0;
	*got = take_out(in, buffer, size);
	wake(&in->writer);
	return 1;
}

static int pair_write(void *self, const struct iovec *vector, int n, size_t *done)
{
	pair_end *end = self;
	lane *out = end->out;
	int rc = wf_checkpoint();
	if (rc == 0 && !is_writable(out)) {
		rc = wait_in(&out->writer, "write");
		if (rc == 0) rc = how_woken(end, is_writable(out));
	}
	if (rc != 0) return rc;
	if (out->unread) return WEFT_EPIPE;
	if (out->data == NULL) out->data = wf_alloc(WEFT_PAIR_CAPACITY);
	if (out->data == NULL) return WEFT_ENOMEM;
	size_t taken = 0;
	for (int i = 0; i < n && out->count < WEFT_PAIR_CAPACITY; i++) {
		if (vector[i].iov_len > 0) taken += put_in(out, vector[i].iov_base, vector[i].iov_len);
	}
	*done = taken;
	lane_changed(out, other_end(end));
	return 0;
}

static void end_lane(pair_end *end)
{
	if (end->out->ended) return;
	end->out->ended = true;
	lane_changed(end->out, other_end(end));
}

static int pair_shutdown(void *self)
{
	int rc = wf_checkpoint();
	if (rc == 0) end_lane(self);
	return rc;
}

static void pair_interrupt(void *self)
{
	pair_end *end = self;
	wake(&end->in->reader);
	wake(&end->out->writer);
}

static void drop(lane *l)
{
	wf_free(l->data);
	l->data = NULL;
	l->first = l->count = 0;
}

static void pair_free(void *self, bool aborted, bool ended)
{
	pair_end *end = self;
	wf_timers *timers = &end->stream.worker->timers;
	(void)ended;
	wf_timer_cancel(timers, &end->event);
	wf_timer_unreserve(timers, &end->event);
	end->on_ready = end->on_gone = NULL;
	end->in->unread = true;
	drop(end->in);
	wake(&end->in->writer);
	if (aborted && end->both->alive == 2) {
		drop(end->out);
		end->out->reset = true;
	}
	end_lane(end);
	if (--end->both->alive > 0) return;
	drop(end->out);
	wf_free(end->both);
}

static int pair_ready(void *self, weft_stream_event_fn *fn, void *arg)
{
	pair_end *end = self;
	end->on_ready = fn;
	end->event_arg = arg;
	tell(end);
	return 0;
}

static int pair_gone(void *self, weft_stream_event_fn *fn, void *arg)
{
	pair_end *end = self;
	end->on_gone = fn;
	end->event_arg = arg;
	tell(end);
	return 0;
}

static int pair_peer(const void *self, char *text, size_t room)
{
	(void)self;
	return snprintf(text, room, "memory");
}

static const weft_stream_ops pair_ops = {
	.size = sizeof pair_ops,
	.read = pair_read,
	.write = pair_write,
	.shutdown = pair_shutdown,
	.interrupt = pair_interrupt,
	.free = pair_free,
	.ready = pair_ready,
	.gone = pair_gone,
	.peer = pair_peer,
};

static int init_end(pair *both, int i)
{
	pair_end *end = &both->ends[i];
	wf_stream_init(&end->stream, &pair_ops, end);
	end->both = both;
	end->in = &both->lanes[i];
	end->out = &both->lanes[!i];
	end->event.fire = on_event;
	return wf_timer_reserve(&end->stream.worker->timers, &end->event);
}

int weft_stream_pair(weft_stream **a, weft_stream **b)
{
	wf_worker *worker = wf_worker_here();
	if (worker == NULL) return WEFT_ENORUN;
	pair *both = wf_zalloc(sizeof *both);
	if (both == NULL) return WEFT_ENOMEM;
	both->alive = 2;
	int rc = init_end(both, 0);
	if (rc != 0) goto free_both;
	rc = init_end(both, 1);
	if (rc != 0) goto unreserve;
	*a = &both->ends[0].stream;
	*b = &both->ends[1].stream;
	return 0;

unreserve:
	wf_timer_unreserve(&worker->timers, &both->ends[0].event);
free_both:
	wf_free(both);
	return rc;
}
