/* The back end on uv_poll: try the system call, park the operation when it would block, try again
 * on each event.
 *
 * The poll stays armed from one operation to the next, because libuv spends two system calls on
 * every change of what it watches: a kept-alive connection costs epoll_wait, recv and send, and
 * nothing else. An event that nobody wanted takes its bit out, so it comes at most once.
 *
 *   bit armed       while                                   taken out
 *   READABLE        somebody reads, or asked for `ready`    by an event that found neither
 *   WRITABLE        somebody writes                         by an event that found nobody
 *   DISCONNECT      somebody watches for the peer's end     by its event
 *                   and READABLE is not armed
 *
 * Everything is level-triggered, so arming a bit late, or trusting a stale `drained`, delays an
 * event but loses none. After an RST libuv reports UV_EBADF once and stops watching, even when data
 * is left unread; so every event leads to the system call, and only that says what happened. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include <weft/error.h>

#include "context/alloc.h"
#include "runtime/io.h"
#include "runtime/io_linger.h"

/* libuv aborts when it cannot grow its table of descriptors; up to here it is grown at start, and
 * further with a check before. */
enum { TABLE_AT_START = 16382 };

static ssize_t result_of(ssize_t rc)
{
	return rc < 0 ? -errno : rc;
}

static ssize_t recv_once(const wf_op *op)
{
	int fd = op->io->fd;
	if (op->io->kind == WF_IO_PIPE) return read(fd, op->recv.data, op->recv.size);
	return recvfrom(fd, op->recv.data, op->recv.size, op->recv.flags,
		(struct sockaddr *)op->recv.from, op->recv.from_size);
}

static ssize_t try_recv(wf_op *op)
{
	wf_io *io = op->io;
	ssize_t rc;
	do {
		rc = recv_once(op);
	} while (rc < 0 && errno == EINTR);
	if (rc > 0 && (size_t)rc < op->recv.size && io->kind != WF_IO_DATAGRAM) io->drained = true;
	return result_of(rc);
}

static size_t vector_size(const struct iovec *vector, int count)
{
	size_t size = 0;
	for (int i = 0; i < count; i++) size += vector[i].iov_len;
	return size;
}

static ssize_t send_once(const wf_op *op)
{
	const struct iovec *vector = op->send.vector;
	int fd = op->io->fd;
	if (op->io->kind == WF_IO_PIPE) return writev(fd, vector, op->send.count);
	if (op->send.count == 1 && op->send.to == NULL)
		return send(fd, vector->iov_base, vector->iov_len, MSG_NOSIGNAL);
	struct msghdr message = { .msg_name = (void *)op->send.to,
		.msg_namelen = op->send.to_size,
		.msg_iov = (struct iovec *)vector,
		.msg_iovlen = (size_t)op->send.count };
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static ssize_t try_send(wf_op *op)
{
	ssize_t rc;
	do {
		rc = send_once(op);
	} while (rc < 0 && errno == EINTR);
	if (rc > 0 && (size_t)rc < vector_size(op->send.vector, op->send.count)) op->io->full = true;
	return result_of(rc);
}

/* What accept(2) says of a connection that died in the queue is no news about the listener. */
static bool of_the_dead(int error)
{
	return error == ECONNABORTED || error == EPROTO || error == EINTR || error == ENETDOWN ||
		   error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH ||
		   error == ENETUNREACH;
}

static ssize_t try_accept(wf_op *op)
{
	int fd;
	do {
		fd = accept4(op->io->fd, (struct sockaddr *)op->accept.peer, op->accept.peer_size,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (fd < 0 && of_the_dead(errno));
	return result_of(fd);
}

static ssize_t try_connect(wf_op *op)
{
	int fd = op->io->fd;
	if (!op->begun) {
		op->begun = true;
		if (connect(fd, op->connect.to, op->connect.size) == 0) return 0;
		return errno == EINPROGRESS || errno == EINTR ? -EINPROGRESS : -errno;
	}
	int error = 0;
	socklen_t size = sizeof error;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
	return -error;
}

static ssize_t try_wait(wf_op *op)
{
	int events = op->wait.events;
	struct pollfd one = { .fd = op->io->fd,
		.events =
			(short)((events & UV_READABLE ? POLLIN : 0) | (events & UV_WRITABLE ? POLLOUT : 0)) };
	int rc = poll(&one, 1, 0);
	if (rc < 0) return errno == EINTR ? -EAGAIN : -errno;
	if (rc == 0) return -EAGAIN;
	if (one.revents & POLLNVAL) return -EBADF;
	/* An error or a hang-up is for the caller's own call to find. */
	if (one.revents & (POLLERR | POLLHUP)) return events;
	return (one.revents & POLLIN ? UV_READABLE : 0) | (one.revents & POLLOUT ? UV_WRITABLE : 0);
}

/* True: complete, and op->result says how. */
static bool attempt(wf_op *op)
{
	ssize_t result = 0;
	switch (op->kind) {
	case WF_OP_RECV:
		result = try_recv(op);
		break;
	case WF_OP_SEND:
		result = try_send(op);
		break;
	case WF_OP_ACCEPT:
		result = try_accept(op);
		break;
	case WF_OP_CONNECT:
		result = try_connect(op);
		/* A local socket whose listener's queue is full: no event would ever tell. */
		if (result == -EAGAIN) break;
		if (result == -EINPROGRESS) return false;
		break;
	case WF_OP_WAIT:
		result = try_wait(op);
		break;
	}
	if (result == -EAGAIN && op->kind != WF_OP_CONNECT) return false;
	op->result = result;
	return true;
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* libuv will abort if it cannot grow its table; so see first that there is that much memory. */
static int make_room(const wf_worker *worker, int fd)
{
	size_t room = worker->loop.nwatchers;
	if ((size_t)fd < room) return 0;
	while (room <= (size_t)fd) room = room * 2 + 2;
	void *probe = wf_alloc((room + 2) * sizeof(void *));
	if (probe == NULL) return -ENOMEM;
	wf_free(probe);
	return 0;
}

/* Watches a duplicate of somebody else's descriptor: he may close his while we wait, or have it
 * watched twice, and libuv would get both wrong. uv_poll_init makes it non-blocking for all who
 * share it, which is undone. */
static int init_foreign(wf_io *io)
{
	int flags = fcntl(io->fd, F_GETFL);
	int fd = flags < 0 ? -1 : fcntl(io->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) return -errno;
	int rc = make_room(io->worker, fd);
	if (rc == 0) rc = uv_poll_init(&io->worker->loop, &io->poll, fd);
	if (rc != 0) {
		close(fd);
		return rc;
	}
	if (!(flags & O_NONBLOCK)) fcntl(fd, F_SETFL, flags);
	return 0;
}

static int init_poll(wf_io *io)
{
	int rc = 0;
	if (io->kind == WF_IO_FOREIGN) {
		rc = init_foreign(io);
	} else {
		rc = make_room(io->worker, io->fd);
		if (rc == 0) rc = uv_poll_init(&io->worker->loop, &io->poll, io->fd);
	}
	io->polled = rc == 0;
	return rc;
}

static int watch(wf_io *io, int events)
{
	int rc = io->polled ? 0 : init_poll(io);
	if (rc == 0) rc = events ? uv_poll_start(&io->poll, events, on_poll) : uv_poll_stop(&io->poll);
	if (rc == 0) io->armed = (uint8_t)events;
	return rc;
}

/* The bits without which somebody would wait for ever. */
static int needed(const wf_io *io)
{
	int events = 0;
	if (io->reader != NULL)
		events |= io->reader->kind == WF_OP_WAIT ? io->reader->wait.events : UV_READABLE;
	if (io->ready != NULL) events |= UV_READABLE;
	if (io->writer != NULL) events |= UV_WRITABLE;
	if (io->gone != NULL && !((events | io->armed) & UV_READABLE)) events |= UV_DISCONNECT;
	return events;
}

/* Leaves what is armed alone unless something is missing. */
static int arm_needed(wf_io *io)
{
	int events = needed(io);
	return (io->armed & events) == events ? 0 : watch(io, events);
}

static void finish(wf_op **slot)
{
	wf_op *op = *slot;
	*slot = NULL;
	op->done(op);
}

static bool peer_is_gone(const wf_io *io, int events)
{
	char byte;
	if (events & UV_DISCONNECT) return true;
	if (io->kind == WF_IO_PIPE) {
		struct pollfd one = { .fd = io->fd };
		return poll(&one, 1, 0) > 0;
	}
	ssize_t rc = recv(io->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return rc == 0 || (rc < 0 && errno != EAGAIN && errno != EINTR);
}

/* Returns the bits that nobody wanted. */
static int on_readable(wf_io *io, int events)
{
	wf_io_fn *fn = io->ready;
	io->drained = false;
	if (io->reader != NULL) {
		if (attempt(io->reader)) finish(&io->reader);
		return 0;
	}
	if (fn != NULL) {
		io->ready = NULL;
		fn(io);
		return 0;
	}
	fn = io->gone;
	if (fn != NULL && peer_is_gone(io, events)) {
		io->gone = NULL;
		fn(io);
	}
	return UV_READABLE | UV_DISCONNECT;
}

static int on_writable(wf_io *io)
{
	io->full = false;
	if (io->writer != NULL) {
		if (attempt(io->writer)) finish(&io->writer);
		return 0;
	}
	if (io->reader != NULL && io->reader->kind == WF_OP_WAIT) {
		if (attempt(io->reader)) finish(&io->reader);
		return 0;
	}
	return UV_WRITABLE;
}

/* Nothing can be watched any more: whoever waits must hear of it. */
static void give_up(wf_io *io, int rc)
{
	if (io->reader != NULL) {
		io->reader->result = rc;
		finish(&io->reader);
	}
	if (io->writer != NULL) {
		io->writer->result = rc;
		finish(&io->writer);
	}
	wf_io_fn *fn = io->ready;
	io->ready = NULL;
	if (fn != NULL) fn(io);
}

static void tell(wf_io *io, int status, int events)
{
	int unwanted = 0;
	if (status < 0) {
		io->armed = 0;
		events = UV_READABLE | UV_WRITABLE | UV_DISCONNECT;
	}
	if (events & (UV_READABLE | UV_DISCONNECT)) unwanted |= on_readable(io, events);
	if (io->fd >= 0 && (events & UV_WRITABLE)) unwanted |= on_writable(io);
	if (io->fd < 0) return;

	int before = io->armed;
	io->armed &= (uint8_t) ~(events & unwanted);
	int after = io->armed | needed(io);
	int rc = after == before ? 0 : watch(io, after);
	if (rc != 0) give_up(io, rc);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	wf_io *io = wf_container_of(poll, wf_io, poll);
	wf_worker *worker = io->worker;
	tell(io, status, events);
	wf_worker_event_told(worker);
}

static wf_op **slot_of(const wf_op *op)
{
	bool writes = op->kind == WF_OP_SEND || op->kind == WF_OP_CONNECT;
	return writes ? &op->io->writer : &op->io->reader;
}

/* The last transfer was a short one: the next would only hear EAGAIN. */
static bool is_hopeless(const wf_op *op)
{
	return (op->kind == WF_OP_RECV && op->io->drained) || (op->kind == WF_OP_SEND && op->io->full);
}

static ssize_t poll_take(wf_io *io, void *data, size_t size)
{
	wf_op op = { .kind = WF_OP_RECV, .io = io, .recv = { .data = data, .size = size } };
	return try_recv(&op);
}

static ssize_t poll_put(wf_io *io, const void *data, size_t size)
{
	struct iovec one = { (void *)data, size };
	wf_op op = { .kind = WF_OP_SEND, .io = io, .send = { .vector = &one, .count = 1 } };
	return try_send(&op);
}

static bool poll_submit(wf_op *op)
{
	wf_io *io = op->io;
	wf_op **slot = slot_of(op);
	wf_assert(*slot == NULL && io->fd >= 0);
	op->begun = false;
	if (!is_hopeless(op) && attempt(op)) return true;
	*slot = op;
	int rc = arm_needed(io);
	if (wf_likely(rc == 0)) return false;
	*slot = NULL;
	op->result = rc;
	return true;
}

static void poll_cancel(wf_op *op)
{
	wf_op **slot = slot_of(op);
	if (*slot != op) return;
	op->result = WEFT_ECANCELED;
	finish(slot);
}

static void poll_interrupt(wf_io *io)
{
	if (io->reader != NULL) poll_cancel(io->reader);
	if (io->writer != NULL) poll_cancel(io->writer);
}

static void on_closed(uv_handle_t *handle)
{
	wf_io *io = wf_container_of((uv_poll_t *)handle, wf_io, poll);
	if (io->closed != NULL) io->closed(io);
}

/* libuv must forget the descriptor before its number can be given to another. */
static void poll_close(wf_io *io)
{
	int fd = io->fd;
	wf_list_remove(&io->open);
	if (io->kind == WF_IO_FOREIGN && (!io->polled || uv_fileno((uv_handle_t *)&io->poll, &fd) != 0))
		fd = -1;
	if (io->polled) uv_close((uv_handle_t *)&io->poll, on_closed);
	io->fd = -1;
	wf_op *pending[2] = { io->reader, io->writer };
	for (int i = 0; i < 2; i++) {
		if (pending[i] == NULL) continue;
		pending[i]->result = WEFT_ECLOSED;
		finish(slot_of(pending[i]));
	}
	if (fd >= 0) close(fd);
	if (!io->polled && io->closed != NULL) io->closed(io);
}

static void forget_probe(uv_handle_t *handle)
{
	wf_free(handle);
}

/* Has libuv make its table as large as the largest descriptor that is likely, while failing is
 * still an answer. */
static int grow_table(wf_worker *worker)
{
	struct rlimit limit = { 0 };
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -errno;
	rlim_t most = limit.rlim_cur < TABLE_AT_START ? limit.rlim_cur : TABLE_AT_START;
	int low = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (low < 0) return -errno;
	int high = fcntl(low, F_DUPFD_CLOEXEC, (int)most - 1);
	/* Taken by somebody: then make_room does it when it must. */
	if (high < 0)
		high = low;
	else
		close(low);

	uv_poll_t *probe = wf_alloc(sizeof *probe);
	int rc = probe ? uv_poll_init(&worker->loop, probe, high) : -ENOMEM;
	if (rc == 0) {
		uv_poll_start(probe, UV_READABLE, on_poll);
		uv_close((uv_handle_t *)probe, forget_probe);
	} else {
		wf_free(probe);
	}
	close(high);
	return rc;
}

static int poll_init(wf_worker *worker)
{
	wf_lingering *lingering = wf_alloc(sizeof *lingering);
	if (lingering == NULL) return -ENOMEM;
	int rc = grow_table(worker);
	if (rc != 0) {
		wf_free(lingering);
		return rc;
	}
	wf_lingering_init(lingering, worker);
	worker->io_state = lingering;
	return 0;
}

static void poll_fini(wf_worker *worker)
{
	wf_lingering_fini(worker->io_state);
	wf_list_for_each(node, &worker->open_io) poll_close(wf_list_entry(node, wf_io, open));
	wf_free(worker->io_state);
}

static void poll_linger(wf_io *io)
{
	wf_lingering_add(io->worker->io_state, io);
}

const wf_io_backend wf_io_poll = {
	.name = "poll",
	.init = poll_init,
	.fini = poll_fini,
	.submit = poll_submit,
	.take = poll_take,
	.put = poll_put,
	.cancel = poll_cancel,
	.interrupt = poll_interrupt,
	.ready = arm_needed,
	.watch_gone = arm_needed,
	.linger = poll_linger,
	.close = poll_close,
};
