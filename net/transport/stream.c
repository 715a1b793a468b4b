/* The two halves of a stream, and its end.
 *
 * A half is claimed for the length of a call, so `reading` and `writing` are also the count of who
 * is inside. Close lets those go first: it marks the stream, has the ops interrupt them, and
 * whoever is last out of the door frees. */
#include "net/transport/stream.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "context/alloc.h"

enum { PRINT_ON_STACK = 512, VECTOR_AT_ONCE = 16 };

void wf_stream_init(weft_stream *s, const weft_stream_ops *ops, void *self)
{
	*s = (weft_stream){
		.magic = WF_STREAM_MAGIC, .ops = ops, .self = self, .worker = wf_worker_here()
	};
}

static bool is_complete(const weft_stream_ops *ops)
{
	return ops != NULL && ops->size >= sizeof *ops && ops->read && ops->write && ops->shutdown &&
		   ops->interrupt && ops->free;
}

int weft_stream_new(const weft_stream_ops *ops, void *self, weft_stream **out)
{
	if (!is_complete(ops)) return WEFT_EINVAL;
	if (wf_worker_here() == NULL) return WEFT_ENORUN;
	weft_stream *s = wf_alloc(sizeof *s);
	if (s == NULL) return WEFT_ENOMEM;
	wf_stream_init(s, ops, self);
	s->separate = true;
	*out = s;
	return 0;
}

static int enter(weft_stream *s, bool *half)
{
	wf_assert(s != NULL && s->magic == WF_STREAM_MAGIC);
	if (wf_worker_here() == NULL) return WEFT_ENORUN;
	wf_assert(s->worker == wf_worker_here());
	if (s->closing) return WEFT_ECLOSED;
	if (*half) return WEFT_EBUSY;
	*half = true;
	return 0;
}

static void dispose(weft_stream *s)
{
	const weft_stream_ops *ops = s->ops;
	void *self = s->self;
	bool aborted = s->aborted, ended = s->ended;
	wf_free(s->peer);
	s->magic = 0;
	if (s->separate) wf_free(s);
	ops->free(self, aborted, ended);
}

/* Returns what the call returns. After it the stream may be gone. */
static int leave(weft_stream *s, bool *half, int rc)
{
	*half = false;
	if (wf_likely(!s->closing)) return rc;
	if (!s->reading && !s->writing) dispose(s);
	return rc < 0 ? WEFT_ECLOSED : rc;
}

static int enter_writer(weft_stream *s)
{
	int rc = enter(s, &s->writing);
	if (rc != 0) return rc;
	if (s->torn)
		rc = WEFT_ETORN;
	else if (s->finished)
		rc = WEFT_EPIPE;
	return rc ? leave(s, &s->writing, rc) : 0;
}

static int read_some(weft_stream *s, void *buffer, size_t size, size_t *got)
{
	int rc = s->ops->read(s->self, buffer, size, got);
	if (rc > 0) s->received += *got;
	if (rc == 0) s->ended = true;
	return rc;
}

int weft_stream_read(weft_stream *s, void *buffer, size_t size, size_t *got)
{
	if (size == 0) return WEFT_EINVAL;
	int rc = enter(s, &s->reading);
	if (rc != 0) return rc;
	size_t n = 0;
	rc = read_some(s, buffer, size, &n);
	if (rc >= 0) *got = rc ? n : 0;
	return leave(s, &s->reading, rc);
}

int weft_stream_read_exact(weft_stream *s, void *buffer, size_t size, size_t *done)
{
	size_t have = 0;
	int rc = enter(s, &s->reading);
	if (rc == 0) {
		while (rc == 0 && have < size) {
			size_t n = 0;
			rc = read_some(s, (char *)buffer + have, size - have, &n);
			if (rc > 0) have += n;
			rc = rc > 0 ? 0 : rc == 0 ? WEFT_EOF : rc;
		}
		rc = leave(s, &s->reading, rc);
	}
	if (done != NULL) *done = have;
	return rc;
}

/* A place in a caller's vector, which is not changed. */
typedef struct cursor {
	const struct iovec *at;
	int left;
	size_t skip; /* of *at */
} cursor;

static void skip_empty(cursor *c)
{
	while (c->left > 0 && c->skip == c->at->iov_len) {
		c->at++;
		c->left--;
		c->skip = 0;
	}
}

static void advance(cursor *c, size_t size)
{
	while (size > 0) {
		size_t rest = c->at->iov_len - c->skip;
		size_t step = size < rest ? size : rest;
		c->skip += step;
		size -= step;
		skip_empty(c);
	}
}

/* What comes next, as a vector of its own. */
static int window_of(const cursor *c, struct iovec *window)
{
	int n = c->left < VECTOR_AT_ONCE ? c->left : VECTOR_AT_ONCE;
	for (int i = 0; i < n; i++) window[i] = c->at[i];
	window[0].iov_base = (char *)window[0].iov_base + c->skip;
	window[0].iov_len -= c->skip;
	return n;
}

static int write_window(weft_stream *s, const struct iovec *window, int n, size_t *taken)
{
	size_t size = 0;
	int rc = s->ops->write(s->self, window, n, &size);
	if (rc < 0) return rc;
	s->sent += size;
	*taken = size;
	return 0;
}

/* The writer's half is held. */
static int write_all(weft_stream *s, const struct iovec *vector, int n, size_t *done)
{
	struct iovec window[VECTOR_AT_ONCE];
	cursor c = { vector, n, 0 };
	int rc = 0;
	skip_empty(&c);
	if (c.left == 0) rc = wf_checkpoint();
	while (rc == 0 && c.left > 0) {
		size_t taken = 0;
		rc = write_window(s, window, window_of(&c, window), &taken);
		if (rc == 0) advance(&c, taken);
		*done += taken;
	}
	if (rc < 0 && *done > 0) s->torn = true;
	return rc;
}

int weft_stream_writev(weft_stream *s, const struct iovec *vector, int n, size_t *done)
{
	size_t taken = 0;
	int rc = n < 0 ? WEFT_EINVAL : enter_writer(s);
	if (rc == 0) rc = leave(s, &s->writing, write_all(s, vector, n, &taken));
	if (done != NULL) *done = taken;
	return rc;
}

int weft_stream_write(weft_stream *s, const void *data, size_t size)
{
	struct iovec one = { (void *)data, size };
	return weft_stream_writev(s, &one, 1, NULL);
}

int weft_stream_write_some(weft_stream *s, const void *data, size_t size, size_t *done)
{
	size_t taken = 0;
	struct iovec one = { (void *)data, size };
	int rc = size == 0 ? WEFT_EINVAL : enter_writer(s);
	if (rc == 0) rc = leave(s, &s->writing, write_window(s, &one, 1, &taken));
	if (done != NULL) *done = taken;
	return rc;
}

int weft_stream_vprint(weft_stream *s, const char *format, va_list list)
{
	char small[PRINT_ON_STACK];
	char *text = small;
	va_list again;
	va_copy(again, list);
	int length = vsnprintf(small, sizeof small, format, again);
	va_end(again);
	if (length < 0) return WEFT_EINVAL;
	if ((size_t)length >= sizeof small) {
		text = wf_alloc((size_t)length + 1);
		if (text == NULL) return WEFT_ENOMEM;
		vsnprintf(text, (size_t)length + 1, format, list);
	}
	int rc = weft_stream_write(s, text, (size_t)length);
	if (text != small) wf_free(text);
	return rc;
}

int weft_stream_print(weft_stream *s, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int rc = weft_stream_vprint(s, format, list);
	va_end(list);
	return rc;
}

/* The writer's half is held. */
static int shut_down(weft_stream *s)
{
	if (s->torn) return WEFT_ETORN;
	if (s->finished) return 0;
	int rc = s->ops->shutdown(s->self);
	if (rc == 0) s->finished = true;
	return rc;
}

int weft_stream_shutdown(weft_stream *s)
{
	int rc = enter(s, &s->writing);
	if (rc != 0) return rc;
	rc = wf_checkpoint();
	return leave(s, &s->writing, rc ? rc : shut_down(s));
}

int weft_stream_finish(weft_stream *s)
{
	int rc = enter(s, &s->writing);
	if (rc != 0) return rc;
	rc = wf_checkpoint();
	if (rc == 0) rc = shut_down(s);
	if (rc == 0) rc = s->ops->delivered ? s->ops->delivered(s->self) : wf_checkpoint();
	return leave(s, &s->writing, rc);
}

static void end(weft_stream *s, bool aborted)
{
	if (s == NULL) return;
	wf_assert(s->magic == WF_STREAM_MAGIC && !s->closing && s->worker == wf_worker_here());
	s->closing = true;
	s->aborted = aborted;
	bool inside = s->reading || s->writing;
	if (inside)
		s->ops->interrupt(s->self);
	else
		dispose(s);
}

void weft_stream_close(weft_stream *s)
{
	end(s, false);
}

void weft_stream_abort(weft_stream *s)
{
	end(s, true);
}

void wf_stream_expect_nothing(weft_stream *s)
{
	s->ended = true;
}

void weft_stream_get_stats(const weft_stream *s, weft_stream_stats *out)
{
	wf_assert(s->magic == WF_STREAM_MAGIC);
	*out = (weft_stream_stats){ .received = s->received,
		.sent = s->sent,
		.in_flight = s->ops->in_flight ? s->ops->in_flight(s->self) : 0 };
}

void *weft_stream_app(const weft_stream *s)
{
	wf_assert(s->magic == WF_STREAM_MAGIC);
	return s->app;
}

const char *weft_stream_peer(const weft_stream *s)
{
	wf_assert(s->magic == WF_STREAM_MAGIC);
	char text[WF_PEER_TEXT_MAX];
	if (s->peer != NULL) return s->peer;
	if (s->ops->peer == NULL || s->ops->peer(s->self, text, sizeof text) < 0) return "unknown";
	/* Only what is remembered changes, not the stream. */
	char *peer = ((weft_stream *)s)->peer = wf_strdup(text);
	return peer ? peer : "unknown";
}

int wf_stream_ready(weft_stream *s, weft_stream_event_fn *fn, void *arg)
{
	if (s->ops->ready == NULL) return WEFT_ENOTSUP;
	return s->ops->ready(s->self, fn, arg);
}

int wf_stream_watch_gone(weft_stream *s, weft_stream_event_fn *fn, void *arg)
{
	if (s->ops->gone == NULL) return WEFT_ENOTSUP;
	return s->ops->gone(s->self, fn, arg);
}
