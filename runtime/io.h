/* The seam below every descriptor.
 *
 * Two verbs. `ready` holds no buffer and no stack: it says when there is something to do, and so
 * serves idle connections. `submit` lends the caller's memory to an operation, which gets exactly
 * one completion; `cancel` is only a request, and a success that beat it is returned as success.
 *
 * Beside them stand `take` and `put`: a transfer that happens at once or not at all, for who was
 * told that it is ready and holds no task that could wait.
 *
 * Behind the seam stands one back end per run: `poll` tries the system call, parks the operation on
 * a uv_poll that is kept armed, and tries again on each event; `late` (for tests) completes every
 * operation on a later turn, cancels late and splits transfers. Nothing above the seam may depend
 * on which one it is.
 *
 *   state of an operation     buffer lent   done called
 *   idle                      no            no
 *   pending  (submit: false)  yes           exactly once: later, on the worker's loop, or from
 *                                           within cancel or close
 *   complete (submit: true)   no            never
 *
 * Thread: the worker that opened the descriptor, for all of it. */
#ifndef WF_RUNTIME_IO_H
#define WF_RUNTIME_IO_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "runtime/worker.h"

typedef struct wf_io wf_io;
typedef struct wf_op wf_op;
typedef void wf_op_fn(wf_op *op);
typedef void wf_io_fn(wf_io *io);

/* What a descriptor is, where that changes how it is read, written or closed. */
typedef enum wf_io_kind {
	WF_IO_TCP,
	WF_IO_UNIX,     /* a local stream socket */
	WF_IO_DATAGRAM, /* a short receive says nothing about the next */
	WF_IO_LISTENER,
	WF_IO_PIPE,    /* read(2) and write(2) instead of recv(2) and send(2) */
	WF_IO_FOREIGN, /* somebody else's: only waited for, and left as blocking as it was */
} wf_io_kind;

typedef enum wf_op_kind {
	WF_OP_RECV,    /* at most size bytes; result 0: the peer finished */
	WF_OP_SEND,    /* what the kernel takes of the vector, at least one byte */
	WF_OP_ACCEPT,  /* result: the new descriptor, non-blocking, close-on-exec */
	WF_OP_CONNECT, /* result 0: connected */
	WF_OP_WAIT,    /* result: UV_READABLE | UV_WRITABLE that hold; for foreign descriptors */
} wf_op_kind;

struct wf_op {
	wf_op_kind kind;
	bool begun; /* the back end's: connect(2) was called */
	wf_io *io;
	wf_op_fn *done;
	ssize_t result; /* not negative: as the kind says; else an error */
	union {
		struct {
			void *data;
			size_t size;                   /* at least 1 */
			int flags;                     /* of recv(2) */
			struct sockaddr_storage *from; /* of a datagram; NULL: not wanted */
			socklen_t *from_size;
		} recv;
		struct {
			const struct iovec *vector; /* at least one byte in all */
			int count;
			const struct sockaddr *to; /* of a datagram; NULL: where it is connected to */
			socklen_t to_size;
		} send;
		struct {
			struct sockaddr_storage *peer; /* NULL: not wanted */
			socklen_t *peer_size;
		} accept;
		struct {
			const struct sockaddr *to;
			socklen_t size;
		} connect;
		struct {
			int events;
		} wait;
	};
	void *owner; /* the caller's */
	void *state; /* the back end's */
};

/* One descriptor, embedded in its owner. At most one operation that reads (recv, accept, wait) and
 * one that writes (send, connect) may be pending: the owner sees to that (EBUSY is its answer).
 *
 * `drained` and `full` are what the last transfer said: a short one left nothing to read, or no
 * room to write, so the next need not try. They may be stale; an event that is level-triggered
 * comes at once if so. */
struct wf_io {
	uv_poll_t poll; /* of the poll back end; poll.data is for one that stands on it */
	wf_worker *worker;
	int fd;        /* -1: closed or given up */
	uint8_t kind;  /* wf_io_kind */
	uint8_t armed; /* events asked of the poll */
	bool polled;   /* the poll was initialised; most short-lived connections never need it */
	bool drained, full;
	bool closing;
	wf_op *reader, *writer;
	wf_io_fn *ready;  /* one shot; NULL: nobody asked */
	wf_io_fn *gone;   /* told once when the peer is gone while nobody reads; NULL: nobody asked */
	wf_io_fn *closed; /* after close: nothing refers to the struct any more */
	wf_list open;     /* among the worker's */
};

typedef struct wf_io_backend {
	const char *name;
	int (*init)(wf_worker *worker);
	void (*fini)(wf_worker *worker);
	bool (*submit)(wf_op *op);
	ssize_t (*take)(wf_io *io, void *data, size_t size);
	ssize_t (*put)(wf_io *io, const void *data, size_t size);
	void (*cancel)(wf_op *op);
	void (*interrupt)(wf_io *io);
	int (*ready)(wf_io *io);
	int (*watch_gone)(wf_io *io);
	void (*linger)(wf_io *io);
	void (*close)(wf_io *io);
} wf_io_backend;

extern const wf_io_backend wf_io_poll;
extern const wf_io_backend wf_io_late;

/* Takes over `fd`, which must be non-blocking unless it is foreign. Cannot fail: what the kernel
 * needs to be told is told when an operation first has to wait. */
void wf_io_open(wf_io *io, int fd, wf_io_kind kind);

/* True: complete, see op->result. False: pending, op->done will be called. */
static inline bool wf_io_submit(wf_op *op)
{
	return op->io->worker->io->submit(op);
}

/* Now or never, for who has no task and lends nothing: what can be received (sent) of `size` > 0
 * bytes at this moment. 0: the peer finished. Errors: EAGAIN, what the kernel says. Nothing may be
 * pending in that direction. */
static inline ssize_t wf_io_take(wf_io *io, void *data, size_t size)
{
	wf_debug_assert(io->reader == NULL);
	return io->worker->io->take(io, data, size);
}

static inline ssize_t wf_io_put(wf_io *io, const void *data, size_t size)
{
	wf_debug_assert(io->writer == NULL);
	return io->worker->io->put(io, data, size);
}

/* Whether a receive would give data at this moment; asks the kernel. False at the end. Only for
 * sockets. */
bool wf_io_has_data(const wf_io *io);

/* Asks a pending operation to complete soon, with ECANCELED unless it already succeeded. */
void wf_io_cancel(wf_op *op);
/* Cancels all that is pending. */
void wf_io_interrupt(wf_io *io);
/* Calls `fn` once when a recv (or accept) would not block: data, end or error; never from within
 * this call. NULL takes it back. Errors: ENOMEM, EEXIST (the descriptor is watched twice). */
int wf_io_ready(wf_io *io, wf_io_fn *fn);
/* Calls `fn` once when the peer is found gone (FIN or RST) while nobody reads; data makes no call
 * and does not hide a later end. NULL takes it back. Errors: as ready. */
int wf_io_watch_gone(wf_io *io, wf_io_fn *fn);
/* Completes what is pending with ECLOSED (through done), then closes the descriptor, then calls
 * `closed`, maybe from within this call: until then the struct must stay. */
void wf_io_close(wf_io *io, wf_io_fn *closed);
/* The same, politely: says FIN, and keeps the descriptor for a while to throw away what the peer
 * still sends, because closing with data unread (or arriving later) would answer with an RST, which
 * may overtake what was written. Bounded in time and number; after that, and when the run ends, it
 * is closed all the same. Nothing may be pending. */
void wf_io_linger(wf_io *io, wf_io_fn *closed);
/* Closes the descriptor that has lingered longest on this worker, for who finds none free. False:
 * none lingers. */
bool wf_io_give_way(void);
/* Gives up the descriptor without closing it: returns it, and calls `closed` like close. Nothing
 * may be pending. */
int wf_io_release(wf_io *io, wf_io_fn *closed);

/* Submits and waits for the completion. A cancel of the scope becomes a cancel of the operation,
 * and the wait goes on until its completion has come, so lent memory is free again at return.
 * `flags`: WF_WAIT_DRAIN makes a drain of the scope end it too, with ESHUTDOWN.
 * Returns op->result. Thread: task. Suspends. */
ssize_t wf_io_perform(wf_op *op, unsigned flags);

#endif
