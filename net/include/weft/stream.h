/* Bytes both ways: TCP, Unix, pipe, TLS, child stdio, memory, or yours.
 *
 * No hidden buffers: a read takes what is there into your buffer, a write returns when the kernel
 * took it, nobody reads ahead. So a peer that does not read stops the writer, and a task that does
 * not read stops the peer.
 *
 * A stream has two halves. One task may read while another writes; a second reader or writer gets
 * EBUSY at once, bytes never interleave. A cancelled read takes nothing and harms nothing. A write
 * that was cut short after some of its bytes were taken has torn the stream: what follows would be
 * misread, so every later write and finish returns ETORN, while reading goes on.
 *
 * The end:
 *   finish   no more from me; returns when the peer's side has all of it. The peer can still send
 *   shutdown no more from me; returns at once
 *   close    frees. What was written is still delivered, and the peer sees an orderly end even if
 *            it goes on sending. Whoever waits in a call on the stream gets ECLOSED first
 *   abort    frees; what was not delivered yet is thrown away, and the peer sees a reset
 *
 * A stream belongs to the worker it was opened on.
 *
 * Every call that suspends may also return ECANCELED (nothing happened, unless it says more),
 * ENORUN, ENOTASK, ECLOSED, and what the kernel says: ECONNRESET, EPIPE, ETIMEDOUT, ... */
#ifndef WEFT_STREAM_H
#define WEFT_STREAM_H
#include <stdarg.h>
#include <sys/uio.h>
#include <weft/error.h>
WEFT_BEGIN

typedef struct weft_stream weft_stream;

/* What is there, at most `size` bytes and at least one, which may have to be waited for. 1 got
 * some, 0 the peer finished (`*got` is 0), negative error. Thread: task. Suspends. Errors: EBUSY,
 * EINVAL (`size` is 0). */
WEFT_API WEFT_MUST int weft_stream_read(weft_stream *s, void *buffer, size_t size, size_t *got);

/* All of it. `*done` (may be NULL) says how much came, on every return: a failure loses nothing.
 * Thread: task. Suspends. Errors: EOF if the peer finished before, EBUSY. */
WEFT_API WEFT_MUST int weft_stream_read_exact(
	weft_stream *s, void *buffer, size_t size, size_t *done);

/* All of it, or an error; after an error the peer may have got a part (ETORN from then on; writev
 * says how large a part). Thread: task. Suspends. Errors: EBUSY, ETORN, EPIPE (the stream was
 * finished, or nobody reads any more). */
WEFT_API WEFT_MUST int weft_stream_write(weft_stream *s, const void *data, size_t size);

/* All of `n` pieces, in order, in as few system calls as the kernel allows. `*done` (may be NULL)
 * says how many bytes were taken, on every return. The vector is not changed. Thread: task.
 * Suspends. Errors: as write; EINVAL (negative n). */
WEFT_API WEFT_MUST int weft_stream_writev(
	weft_stream *s, const struct iovec *vector, int n, size_t *done);

/* As much as is taken without waiting twice, at least one byte of the `size` > 0: for protocols
 * that can go on after a part. Never tears. Thread: task. Suspends. Errors: as write; EINVAL. */
WEFT_API WEFT_MUST int weft_stream_write_some(
	weft_stream *s, const void *data, size_t size, size_t *done);

/* Formats as printf does, and writes the text. Thread: task. Suspends. Errors: as write; ENOMEM and
 * EINVAL (before anything was written). */
WEFT_API WEFT_MUST int weft_stream_print(weft_stream *s, const char *format, ...) WEFT_PRINTF(2, 3);
WEFT_API WEFT_MUST int weft_stream_vprint(weft_stream *s, const char *format, va_list list)
	WEFT_PRINTF(2, 0);

/* Moves bytes until `from` ends, through a buffer of 64 KiB that lives as long as the call: it
 * reads no further while `to` takes nothing. `*moved` of copy_to (may be NULL) says how many bytes
 * `to` took, on every return; after a failure up to 64 KiB more were taken from `from` and are
 * lost. Thread: task. Suspends. Errors: of read and write; ENOMEM (nothing was read). */
WEFT_API WEFT_MUST int weft_stream_copy(weft_stream *from, weft_stream *to);
WEFT_API WEFT_MUST int weft_stream_copy_to(weft_stream *from, weft_stream *to, uint64_t *moved);

/* Copy, then finish: the end travels too, and all was delivered. Thread: task. Suspends. Errors: of
 * copy and finish. */
WEFT_API WEFT_MUST int weft_stream_forward(weft_stream *from, weft_stream *to);

/* Says "no more from me" and waits until all of it was delivered: on TCP, until the peer's kernel
 * has acknowledged every byte and the end itself. That its program has read them only the peer can
 * tell, by an answer or by an end of its own. The peer can still send. May be called again after a
 * cancel. Thread: task. Suspends. Errors: EBUSY (somebody writes), ETORN, ECONNRESET and the like
 * (not everything was delivered: see weft_stream_stats). */
WEFT_API WEFT_MUST int weft_stream_finish(weft_stream *s);

/* The first half of finish only. Thread: task (of another kind of stream than a socket it may
 * suspend). Suspends. Errors: as finish. */
WEFT_API WEFT_MUST int weft_stream_shutdown(weft_stream *s);

/* Frees. NULL is fine. Thread: task or worker. Never suspends, never fails. */
WEFT_API void weft_stream_close(weft_stream *s);
/* The same with a reset, where there is such a thing: the peer of a pipe sees an end. */
WEFT_API void weft_stream_abort(weft_stream *s);

typedef struct weft_stream_stats {
	uint64_t received;  /* bytes read */
	uint64_t sent;      /* bytes taken from writers */
	uint64_t in_flight; /* of these: not yet acknowledged by the peer's side, where that is known */
} weft_stream_stats;
/* Thread: the stream's worker. */
WEFT_API void weft_stream_get_stats(const weft_stream *s, weft_stream_stats *out);

/* What weft_listener_serve was given, or NULL. */
WEFT_API void *weft_stream_app(const weft_stream *s);
/* Who is at the other end: "127.0.0.1:4000", "[::1]:4000", "unix:/path", "unix:" (unnamed),
 * "pipe", "memory". Lives as long as the stream, also after the peer is gone. Never NULL. */
WEFT_API const char *weft_stream_peer(const weft_stream *s);

/* Two streams, each the other's peer, in memory: both on this worker, each direction holding up to
 * 64 KiB that were written and not read. Thread: task or worker. Errors: ENOMEM, ENORUN. */
enum { WEFT_PAIR_CAPACITY = 65536 };
WEFT_API WEFT_MUST int weft_stream_pair(weft_stream **a, weft_stream **b);

/* A stream over two descriptors that poll(2) knows: pipes, a child's standard files, a terminal.
 * Either may be -1; that half then fails with EBADF. It owns both from success on, and makes them
 * non-blocking. Thread: task or worker. Errors: EINVAL (none, or one for both), EBADF, ENOMEM,
 * ENORUN. */
WEFT_API WEFT_MUST int weft_stream_pipe(int read_fd, int write_fd, weft_stream **out);

typedef void weft_stream_event_fn(void *arg);

/* What a stream of your own must do. The stream above it serves halves (never two readers, never
 * two writers), progress, tearing and statistics. Calls marked task may suspend. */
typedef struct weft_stream_ops {
	size_t size;
	WEFT_NAMED_ONLY;
	/* task: at least one byte, at most `size`; result 1, 0 (end) or negative, as weft_stream_read.
	 */
	int (*read)(void *self, void *buffer, size_t size, size_t *got) WEFT_DEFAULT;
	/* task: takes at least one byte of the vector (which holds at least one); sets `*done` when 0.
	 */
	int (*write)(void *self, const struct iovec *vector, int n, size_t *done) WEFT_DEFAULT;
	/* task: no more will be written. Called once at most, and not while a write runs. */
	int (*shutdown)(void *self) WEFT_DEFAULT;
	/* task: after shutdown; waits until all was delivered. NULL: it is when write returns. */
	int (*delivered)(void *self) WEFT_DEFAULT;
	/* Makes a read and a write that wait return soon (any error). May not suspend. */
	void (*interrupt)(void *self) WEFT_DEFAULT;
	/* The last call, after interrupt and when no other call is running: lets go of everything.
	 * `aborted`: the peer shall see a reset; `ended`: read has returned 0. May not suspend. */
	void (*free)(void *self, bool aborted, bool ended) WEFT_DEFAULT;
	/* Calls fn(arg) once, on this worker and outside any task, when a read would not suspend. `fn`
	 * NULL takes it back. Optional: an idle connection over the stream then keeps a task. */
	int (*ready)(void *self, weft_stream_event_fn *fn, void *arg) WEFT_DEFAULT;
	/* Calls fn(arg) once when the peer is found to have ended while nobody reads. Optional. */
	int (*gone)(void *self, weft_stream_event_fn *fn, void *arg) WEFT_DEFAULT;
	/* Who is at the other end, into `text`; negative when unknown. Optional. */
	int (*peer)(const void *self, char *text, size_t room) WEFT_DEFAULT;
	/* Bytes taken and not yet delivered. Optional. */
	uint64_t (*in_flight)(const void *self) WEFT_DEFAULT;
} weft_stream_ops;

/* A stream over `self`, which it owns from success on. `ops` must outlive it. Thread: task or
 * worker. Errors: ENOMEM, EINVAL (read, write, shutdown, interrupt or free is missing), ENORUN. */
WEFT_API WEFT_MUST int weft_stream_new(const weft_stream_ops *ops, void *self, weft_stream **out);

WEFT_END
#endif
