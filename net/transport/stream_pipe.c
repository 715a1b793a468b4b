/* A stream over one descriptor to read from and another to write to: pipes, a child's standard
 * files, terminals. Either may be missing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "context/alloc.h"
#include "net/transport/stream.h"
#include "runtime/io.h"

typedef struct pipe_stream {
	weft_stream stream;
	wf_io from, to;
	int open; /* of the two, those that the seam has not let go */
	bool freed;
	weft_stream_event_fn *on_ready, *on_gone;
	void *event_arg;
} pipe_stream;

static int pipe_read(void *self, void *buffer, size_t size, size_t *got)
{
	pipe_stream *s = self;
	if (s->from.fd < 0) return -EBADF;
	wf_op op = { .kind = WF_OP_RECV, .io = &s->from, .recv = { .data = buffer, .size = size } };
	ssize_t n = wf_io_perform(&op, 0);
	if (n <= 0) return (int)n;
	*got = (size_t)n;
	return 1;
}

static int pipe_write(void *self, const struct iovec *vector, int n, size_t *done)
{
	pipe_stream *s = self;
	if (s->to.fd < 0) return -EBADF;
	wf_op op = { .kind = WF_OP_SEND, .io = &s->to, .send = { .vector = vector, .count = n } };
	ssize_t sent = wf_io_perform(&op, 0);
	if (sent < 0) return (int)sent;
	*done = (size_t)sent;
	return 0;
}

static void let_go(pipe_stream *s)
{
	if (--s->open == 0 && s->freed) wf_free(s);
}

static void on_from_closed(wf_io *io)
{
	let_go(wf_container_of(io, pipe_stream, from));
}

static void on_to_closed(wf_io *io)
{
	let_go(wf_container_of(io, pipe_stream, to));
}

/* A pipe has no other way to say that there is no more than to be closed. */
static int pipe_shutdown(void *self)
{
	pipe_stream *s = self;
	int rc = wf_checkpoint();
	if (rc == 0 && s->to.fd >= 0) wf_io_close(&s->to, on_to_closed);
	return rc;
}

static void pipe_interrupt(void *self)
{
	pipe_stream *s = self;
	if (s->from.fd >= 0) wf_io_interrupt(&s->from);
	if (s->to.fd >= 0) wf_io_interrupt(&s->to);
}

static void pipe_free(void *self, bool aborted, bool ended)
{
	pipe_stream *s = self;
	(void)aborted;
	(void)ended;
	/* One more, so that closing cannot free under our hands. */
	s->freed = true;
	s->open++;
	if (s->from.fd >= 0) wf_io_close(&s->from, on_from_closed);
	if (s->to.fd >= 0) wf_io_close(&s->to, on_to_closed);
	let_go(s);
}

static void on_ready(wf_io *io)
{
	pipe_stream *s = wf_container_of(io, pipe_stream, from);
	s->on_ready(s->event_arg);
}

static void on_gone(wf_io *io)
{
	pipe_stream *s = wf_container_of(io, pipe_stream, from);
	s->on_gone(s->event_arg);
}

static int pipe_ready(void *self, weft_stream_event_fn *fn, void *arg)
{
	pipe_stream *s = self;
	if (s->from.fd < 0) return -EBADF;
	s->on_ready = fn;
	s->event_arg = arg;
	return wf_io_ready(&s->from, fn ? on_ready : NULL);
}

static int pipe_gone(void *self, weft_stream_event_fn *fn, void *arg)
{
	pipe_stream *s = self;
	if (s->from.fd < 0) return -EBADF;
	s->on_gone = fn;
	s->event_arg = arg;
	return wf_io_watch_gone(&s->from, fn ? on_gone : NULL);
}

static int pipe_peer(const void *self, char *text, size_t room)
{
	(void)self;
	return snprintf(text, room, "pipe");
}

static const weft_stream_ops pipe_ops = {
	.size = sizeof pipe_ops,
	.read = pipe_read,
	.write = pipe_write,
	.shutdown = pipe_shutdown,
	.interrupt = pipe_interrupt,
	.free = pipe_free,
	.ready = pipe_ready,
	.gone = pipe_gone,
	.peer = pipe_peer,
};

static int make_nonblocking(int fd)
{
	int flags = fd < 0 ? 0 : fcntl(fd, F_GETFL);
	if (flags < 0) return -errno;
	if (fd < 0 || (flags & O_NONBLOCK)) return 0;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? 0 : -errno;
}

static void open_half(pipe_stream *s, wf_io *io, int fd)
{
	io->fd = -1;
	if (fd < 0) return;
	wf_io_open(io, fd, WF_IO_PIPE);
	s->open++;
}

int weft_stream_pipe(int read_fd, int write_fd, weft_stream **out)
{
	if (wf_worker_here() == NULL) return WEFT_ENORUN;
	if ((read_fd < 0 && write_fd < 0) || read_fd == write_fd) return WEFT_EINVAL;
	pipe_stream *s = wf_zalloc(sizeof *s);
	if (s == NULL) return WEFT_ENOMEM;
	int rc = make_nonblocking(read_fd);
	if (rc == 0) rc = make_nonblocking(write_fd);
	if (rc != 0) {
		wf_free(s);
		return rc;
	}
	wf_stream_init(&s->stream, &pipe_ops, s);
	open_half(s, &s->from, read_fd);
	open_half(s, &s->to, write_fd);
	*out = &s->stream;
	return 0;
}
