/* The seam below every descriptor.
 *
 * Two verbs. `ready` holds no buffer and no stack: it says when there is something to do, and so
 * serves idle connections. `submit` lends the caller's memory to an operation, which gets exactly
 * one completion; `cancel` is only a request, and a success that beat it is returned as success.
 *
 * Behind the seam stands one back end per run: `poll` tries the system call, parks the operation on
 * a uv_poll that is kept armed, and tries again on each event; `late` (for tests) completes every
 * operation on a later turn, cancels late and splits transfers. Nothing above the seam may depend
 * on which one it is.
 *
 *   state of an operation     buffer lent   done called
 *   idle                      no            no
 *   pending  (submit: false)  yes           exactly once, later, on the worker's loop
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

typedef enum wf_op_kind {
	WF_OP_RECV,    /* at most size bytes; result 0: the peer finished */
	WF_OP_SEND,    /* what the kernel takes of the vector, at least one byte */
	WF_OP_ACCEPT,  /* result: the new descriptor, non-blocking, close-on-exec */
	WF_OP_CONNECT, /* result 0: connected */
	WF_OP_WAIT,    /* result: UV_READABLE | UV_WRITABLE that hold; for foreign descriptors */
} wf_op_kind;

struct wf_op {
	wf_op_kind kind;
	wf_io *io;
	wf_op_fn *done;
	ssize_t result; /* not negative: as the kind says; else an error */
	union {
		struct {
			void *data;
			size_t size;
			int flags; /* of recv(2) */
		} recv;
		struct {
			const struct iovec *vector;
			int count;
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
};

/* One descriptor, embedded in its owner. At most one operation that reads (recv, accept, wait for
 * readable) and one that writes may be pending: the owner sees to that (EBUSY is its answer). */
struct wf_io {
	uv_poll_t poll; /* of the poll back end; the others may use it as they like */
	wf_worker *worker;
	int fd;
	uint8_t armed;  /* events asked of the poll */
	uint8_t hangup; /* an event said the peer reset or finished */
	bool is_socket; /* recv/send, or read/write */
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
	int (*open)(wf_io *io);
	bool (*submit)(wf_op *op);
	void (*cancel)(wf_op *op);
	void (*ready)(wf_io *io);
	void (*watch_gone)(wf_io *io);
	void (*close)(wf_io *io);
} wf_io_backend;

extern const wf_io_backend wf_io_poll;
extern const wf_io_backend wf_io_late;

/* Takes over `fd` on success only; it must be non-blocking. Errors: what the kernel says, ENOMEM.
 */
int wf_io_open(wf_io *io, int fd);
/* True: complete, see op->result. False: pending, op->done will be called. */
bool wf_io_submit(wf_op *op);
/* Asks a pending operation to complete soon, with ECANCELED unless it already succeeded. */
void wf_io_cancel(wf_op *op);
/* Calls `fn` once when a recv (or accept) would not block: data, end or error. NULL takes it back.
 */
void wf_io_ready(wf_io *io, wf_io_fn *fn);
/* Calls `fn` once when the peer is found gone (FIN or RST) while nobody reads; data makes no call
 * and does not hide a later end. NULL takes it back. */
void wf_io_watch_gone(wf_io *io, wf_io_fn *fn);
/* Completes what is pending with ECANCELED (through done), closes the descriptor, and calls
 * `closed` on a later turn: until then the struct must stay. */
void wf_io_close(wf_io *io, wf_io_fn *closed);
/* Gives up the descriptor without closing it: returns it, and calls `closed` like close. */
int wf_io_release(wf_io *io, wf_io_fn *closed);

/* Submits and waits for the completion. A cancel of the scope becomes a cancel of the operation,
 * and the wait goes on until its completion has come, so lent memory is free again at return.
 * Returns op->result. Thread: task. Suspends. */
ssize_t wf_io_perform(wf_op *op);

#endif
