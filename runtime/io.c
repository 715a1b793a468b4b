/* What all back ends share: opening, closing, and the wait of a task for one operation. */
#include "runtime/io.h"

#include <sys/socket.h>
#include <weft/error.h>

#include "runtime/wait.h"

static const wf_io_backend *backend(const wf_io *io)
{
	wf_debug_assert(io->worker == wf_worker_here());
	return io->worker->io;
}

void wf_io_open(wf_io *io, int fd, wf_io_kind kind)
{
	wf_worker *worker = wf_worker_here();
	wf_assert(worker != NULL && fd >= 0);
	*io = (wf_io){ .worker = worker, .fd = fd, .kind = (uint8_t)kind };
	wf_list_push_back(&worker->open_io, &io->open);
}

bool wf_io_has_data(const wf_io *io)
{
	char byte;
	return recv(io->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void wf_io_cancel(wf_op *op)
{
	backend(op->io)->cancel(op);
}

void wf_io_interrupt(wf_io *io)
{
	backend(io)->interrupt(io);
}

int wf_io_ready(wf_io *io, wf_io_fn *fn)
{
	wf_assert(!io->closing && (fn == NULL || io->reader == NULL));
	io->ready = fn;
	if (fn == NULL) return 0;
	int rc = backend(io)->ready(io);
	if (rc != 0) io->ready = NULL;
	return rc;
}

int wf_io_watch_gone(wf_io *io, wf_io_fn *fn)
{
	wf_assert(!io->closing);
	io->gone = fn;
	if (fn == NULL) return 0;
	int rc = backend(io)->watch_gone(io);
	if (rc != 0) io->gone = NULL;
	return rc;
}

static void begin_close(wf_io *io, wf_io_fn *closed)
{
	wf_assert(!io->closing);
	io->closing = true;
	io->ready = NULL;
	io->gone = NULL;
	io->closed = closed;
}

void wf_io_close(wf_io *io, wf_io_fn *closed)
{
	begin_close(io, closed);
	backend(io)->close(io);
}

void wf_io_linger(wf_io *io, wf_io_fn *closed)
{
	wf_assert(io->reader == NULL && io->writer == NULL);
	begin_close(io, closed);
	backend(io)->linger(io);
}

int wf_io_release(wf_io *io, wf_io_fn *closed)
{
	wf_assert(io->reader == NULL && io->writer == NULL);
	int fd = io->fd;
	io->fd = -1;
	begin_close(io, closed);
	backend(io)->close(io);
	return fd;
}

typedef struct performance {
	weft_task *task;
	wf_ticket ticket;
	bool complete;
} performance;

static void performed(wf_op *op)
{
	performance *waiting = op->owner;
	waiting->complete = true;
	/* Loses when a cancel woke the task already: it will see `complete` before it cancels. */
	wf_wait_end(waiting->task, waiting->ticket, 0);
}

static const char *what_of(const wf_op *op)
{
	static const char *const names[] = { [WF_OP_RECV] = "recv",
		[WF_OP_SEND] = "send",
		[WF_OP_ACCEPT] = "accept",
		[WF_OP_CONNECT] = "connect",
		[WF_OP_WAIT] = "descriptor" };
	return names[op->kind];
}

ssize_t wf_io_perform(wf_op *op, unsigned flags)
{
	int rc = wf_checkpoint();
	if (wf_unlikely(rc != 0)) return rc;
	performance waiting = { .task = wf_task_here() };
	op->done = performed;
	op->owner = &waiting;
	if (wf_io_submit(op)) return op->result;

	waiting.ticket = wf_wait_open(flags, what_of(op), op->io);
	int cause = wf_wait_park();
	if (waiting.complete) return op->result;
	wf_io_cancel(op);
	while (!waiting.complete) {
		waiting.ticket = wf_wait_open(WF_WAIT_UNCANCELABLE, what_of(op), op->io);
		wf_wait_park();
	}
	if (cause == WF_CAUSE_DRAIN && op->result == WEFT_ECANCELED) return WEFT_ESHUTDOWN;
	return op->result;
}
