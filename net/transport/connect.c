#include "net/transport/connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "net/transport/stream_fd.h"

static int new_socket(int family, wf_io_kind kind)
{
	int on = 1;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return -errno;
	if (kind == WF_IO_TCP) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

/* The kernel answers a connect to a port of ours that nobody listens on, now and then, by
 * connecting the socket to itself; and it sits on that port from then on. */
static bool is_own_echo(int fd, const struct sockaddr *to, socklen_t size)
{
	struct sockaddr_storage own;
	socklen_t own_size = sizeof own;
	if (to->sa_family == AF_UNIX || getsockname(fd, (struct sockaddr *)&own, &own_size) != 0)
		return false;
	if (to->sa_family == AF_INET) {
		const struct sockaddr_in *a = (const void *)&own, *b = (const void *)to;
		return size >= sizeof *b && a->sin_port == b->sin_port &&
			   a->sin_addr.s_addr == b->sin_addr.s_addr;
	}
	const struct sockaddr_in6 *a = (const void *)&own, *b = (const void *)to;
	return size >= sizeof *b && a->sin6_port == b->sin6_port &&
		   IN6_ARE_ADDR_EQUAL(&a->sin6_addr, &b->sin6_addr);
}

int wf_connect(const struct sockaddr *to, socklen_t size, wf_io_kind kind, weft_stream **out)
{
	wf_stream_fd *s = NULL;
	int rc = wf_checkpoint();
	if (rc == 0) rc = wf_stream_fd_new(&s);
	if (rc != 0) return rc;
	int fd = new_socket(to->sa_family, kind);
	if (fd < 0) {
		wf_stream_fd_free(s);
		return fd;
	}
	wf_stream_fd_set_peer(s, to, size);
	wf_stream_fd_open(s, fd, kind);
	wf_op op = { .kind = WF_OP_CONNECT, .io = &s->io, .connect = { .to = to, .size = size } };
	rc = (int)wf_io_perform(&op, 0);
	if (rc == 0 && is_own_echo(fd, to, size)) rc = WEFT_ECONNREFUSED;
	if (rc != 0) {
		/* Nothing was said: there is nothing to deliver. */
		weft_stream_abort(&s->stream);
		return rc;
	}
	*out = &s->stream;
	return 0;
}
