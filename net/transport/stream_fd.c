#include "net/transport/stream_fd.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#include "context/alloc.h"
#include "net/transport/address.h"

enum { DELIVERY_FIRST_MS = 1, DELIVERY_LAST_MS = 32 };

static int fd_read(void *self, void *buffer, size_t size, size_t *got)
{
	wf_stream_fd *s = self;
	wf_op op = { .kind = WF_OP_RECV, .io = &s->io, .recv = { .data = buffer, .size = size } };
	ssize_t n = wf_io_perform(&op, 0);
	if (n <= 0) return (int)n;
	*got = (size_t)n;
	return 1;
}

static int fd_write(void *self, const struct iovec *vector, int n, size_t *done)
{
	wf_stream_fd *s = self;
	wf_op op = { .kind = WF_OP_SEND, .io = &s->io, .send = { .vector = vector, .count = n } };
	ssize_t sent = wf_io_perform(&op, 0);
	if (sent < 0) return (int)sent;
	*done = (size_t)sent;
	return 0;
}

/* No event tells when the last byte was acknowledged, so the queue's length is asked for, seldom.
 * The peer's end of the connection changes nothing about it, and a reset shows as a closed state
 * with bytes left. */

static int fd_shutdown(void *self)
{
	wf_stream_fd *s = self;
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (shutdown(s->io.fd, SHUT_WR) == 0) return 0;
	return errno == ENOTCONN ? WEFT_ECONNRESET : -errno;
}

static uint64_t fd_in_flight(const void *self)
{
	const wf_stream_fd *s = self;
	int bytes = 0;
	if (s->io.kind != WF_IO_TCP || ioctl(s->io.fd, SIOCOUTQ, &bytes) != 0) return 0;
	/* Our own end counts as one. */
	return (uint64_t)(bytes > 0 && s->stream.finished ? bytes - 1 : bytes);
}

static bool is_acknowledged(const wf_stream_fd *s)
{
	int bytes = 0;
	return ioctl(s->io.fd, SIOCOUTQ, &bytes) == 0 && bytes == 0;
}

/* 1 delivered, 0 not yet, negative: it never will be. */
static int look(const wf_stream_fd *s)
{
	struct tcp_info info;
	socklen_t size = sizeof info;
	if (is_acknowledged(s)) return 1;
	if (getsockopt(s->io.fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return -errno;
	if (info.tcpi_state != TCP_CLOSE) return 0;
	/* The last acknowledgement may have come between the two questions. */
	if (is_acknowledged(s)) return 1;
	int error = 0;
	size = sizeof error;
	getsockopt(s->io.fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error ? -error : WEFT_ECONNRESET;
}

static int fd_delivered(void *self)
{
	wf_stream_fd *s = self;
	int rc = wf_checkpoint();
	/* What a local socket took lies in the peer's queue already. */
	if (rc != 0 || s->io.kind != WF_IO_TCP) return rc;
	for (int ms = DELIVERY_FIRST_MS;; ms = ms < DELIVERY_LAST_MS ? ms * 2 : ms) {
		rc = look(s);
		if (rc != 0) return rc < 0 ? rc : 0;
		rc = wf_nap_ms(&s->delivery, ms, 0, "delivery");
		if (rc != 0) return rc;
		if (s->stream.closing) return WEFT_ECLOSED;
	}
}

static void fd_interrupt(void *self)
{
	wf_stream_fd *s = self;
	wf_io_interrupt(&s->io);
	wf_nap_wake(s->delivery);
}

static void on_closed(wf_io *io)
{
	wf_free(wf_container_of(io, wf_stream_fd, io));
}

static void fd_free(void *self, bool aborted, bool ended)
{
	wf_stream_fd *s = self;
	if (aborted) {
		struct linger none = { .l_onoff = 1 };
		setsockopt(s->io.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	}
	if (aborted || ended)
		wf_io_close(&s->io, on_closed);
	else
		wf_io_linger(&s->io, on_closed);
}

static void on_ready(wf_io *io)
{
	wf_stream_fd *s = wf_container_of(io, wf_stream_fd, io);
	s->on_ready(s->event_arg);
}

static void on_gone(wf_io *io)
{
	wf_stream_fd *s = wf_container_of(io, wf_stream_fd, io);
	s->on_gone(s->event_arg);
}

static int fd_ready(void *self, weft_stream_event_fn *fn, void *arg)
{
	wf_stream_fd *s = self;
	s->on_ready = fn;
	s->event_arg = arg;
	return wf_io_ready(&s->io, fn ? on_ready : NULL);
}

static int fd_gone(void *self, weft_stream_event_fn *fn, void *arg)
{
	wf_stream_fd *s = self;
	s->on_gone = fn;
	s->event_arg = arg;
	return wf_io_watch_gone(&s->io, fn ? on_gone : NULL);
}

static int fd_peer(const void *self, char *text, size_t room)
{
	const wf_stream_fd *s = self;
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof peer;
	if (s->io.kind == WF_IO_UNIX) {
		if (getpeername(s->io.fd, (struct sockaddr *)&peer, &size) != 0) return -errno;
	} else {
		memcpy(&peer, &s->peer, sizeof s->peer);
		size = sizeof s->peer;
	}
	return wf_address_format_socket((struct sockaddr *)&peer, size, text, room);
}

static const weft_stream_ops fd_ops = {
	.size = sizeof fd_ops,
	.read = fd_read,
	.write = fd_write,
	.shutdown = fd_shutdown,
	.delivered = fd_delivered,
	.interrupt = fd_interrupt,
	.free = fd_free,
	.ready = fd_ready,
	.gone = fd_gone,
	.peer = fd_peer,
	.in_flight = fd_in_flight,
};

int wf_stream_fd_new(wf_stream_fd **out)
{
	wf_stream_fd *s = wf_zalloc(sizeof *s);
	if (s == NULL) return WEFT_ENOMEM;
	*out = s;
	return 0;
}

void wf_stream_fd_free(wf_stream_fd *s)
{
	wf_free(s);
}

void wf_stream_fd_set_peer(wf_stream_fd *s, const struct sockaddr *peer, socklen_t size)
{
	if (size > sizeof s->peer) size = sizeof s->peer;
	memcpy(&s->peer, peer, size);
}

void wf_stream_fd_open(wf_stream_fd *s, int fd, wf_io_kind kind)
{
	void *app = s->stream.app;
	wf_stream_init(&s->stream, &fd_ops, s);
	s->stream.app = app;
	wf_io_open(&s->io, fd, kind);
}
