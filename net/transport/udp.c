#include <weft/udp.h>

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "context/alloc.h"
#include "net/transport/address.h"
#include "runtime/io.h"

enum { UDP_MAGIC = 0x57465544 };

/* Whoever is inside a call keeps it, as with a stream. */
struct weft_udp {
	uint32_t magic;
	bool receiving, sending, closing;
	wf_io io;
	char address[WEFT_ADDRESS_TEXT];
};

static int bind_socket(const weft_address *address, int *out)
{
	socklen_t size;
	const struct sockaddr *to = wf_address_socket(address, &size);
	if (to->sa_family != AF_INET && to->sa_family != AF_INET6) return WEFT_EINVAL;
	int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return -errno;
	int off = 0;
	if (to->sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (bind(fd, to, size) != 0) {
		int rc = -errno;
		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

static int note_address(weft_udp *u, int fd)
{
	struct sockaddr_storage bound;
	socklen_t size = sizeof bound;
	if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0) return -errno;
	return wf_address_format_socket((struct sockaddr *)&bound, size, u->address, sizeof u->address);
}

int weft_udp_open(const char *address, weft_udp **out)
{
	weft_address parsed;
	int fd = -1;
	if (wf_worker_here() == NULL) return WEFT_ENORUN;
	int rc = weft_address_parse(address, &parsed);
	if (rc != 0) return rc;
	weft_udp *u = wf_zalloc(sizeof *u);
	if (u == NULL) return WEFT_ENOMEM;
	rc = bind_socket(&parsed, &fd);
	if (rc != 0) goto free_udp;
	rc = note_address(u, fd);
	if (rc != 0) goto close_fd;
	u->magic = UDP_MAGIC;
	wf_io_open(&u->io, fd, WF_IO_DATAGRAM);
	*out = u;
	return 0;

close_fd:
	close(fd);
free_udp:
	wf_free(u);
	return rc;
}

const char *weft_udp_address(const weft_udp *u)
{
	return u->address;
}

static int enter(weft_udp *u, bool *half)
{
	wf_assert(u != NULL && u->magic == UDP_MAGIC);
	if (wf_worker_here() == NULL) return WEFT_ENORUN;
	wf_assert(u->io.worker == wf_worker_here());
	if (u->closing) return WEFT_ECLOSED;
	if (*half) return WEFT_EBUSY;
	*half = true;
	return 0;
}

static void on_closed(wf_io *io)
{
	weft_udp *u = wf_container_of(io, weft_udp, io);
	u->magic = 0;
	wf_free(u);
}

static ssize_t leave(weft_udp *u, bool *half, ssize_t rc)
{
	*half = false;
	if (!u->closing) return rc;
	if (!u->receiving && !u->sending) wf_io_close(&u->io, on_closed);
	return rc < 0 ? WEFT_ECLOSED : rc;
}

int weft_udp_receive(weft_udp *u, void *data, size_t size, size_t *got, weft_address *from)
{
	struct sockaddr_storage peer;
	socklen_t peer_size = sizeof peer;
	int rc = enter(u, &u->receiving);
	if (rc != 0) return rc;
	wf_op op = { .kind = WF_OP_RECV,
		.io = &u->io,
		.recv = { .data = data,
			.size = size,
			.flags = MSG_TRUNC,
			.from = &peer,
			.from_size = &peer_size } };
	ssize_t n = leave(u, &u->receiving, wf_io_perform(&op, 0));
	if (n < 0) return (int)n;
	*got = (size_t)n;
	if (from != NULL) wf_address_set(from, (struct sockaddr *)&peer, peer_size);
	return (size_t)n > size ? WEFT_EMSGSIZE : 0;
}

int weft_udp_send(weft_udp *u, const void *data, size_t size, const weft_address *to)
{
	socklen_t to_size;
	const struct sockaddr *peer = wf_address_socket(to, &to_size);
	struct iovec one = { (void *)data, size };
	int rc = enter(u, &u->sending);
	if (rc != 0) return rc;
	wf_op op = { .kind = WF_OP_SEND,
		.io = &u->io,
		.send = { .vector = &one, .count = 1, .to = peer, .to_size = to_size } };
	ssize_t n = leave(u, &u->sending, wf_io_perform(&op, 0));
	return n < 0 ? (int)n : 0;
}

void weft_udp_close(weft_udp *u)
{
	if (u == NULL) return;
	wf_assert(u->magic == UDP_MAGIC && !u->closing && u->io.worker == wf_worker_here());
	u->closing = true;
	if (u->receiving || u->sending)
		wf_io_interrupt(&u->io);
	else
		wf_io_close(&u->io, on_closed);
}
