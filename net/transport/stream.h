/* The inside of a stream: halves, progress, tearing, the end; under it an ops table. */
#ifndef WF_NET_TRANSPORT_STREAM_H
#define WF_NET_TRANSPORT_STREAM_H

#include <weft/stream.h>

#include "runtime/worker.h"

enum { WF_STREAM_MAGIC = 0x57465354, WF_PEER_TEXT_MAX = 128 };

/* First member of the streams made here, so that one allocation holds both; weft_stream_new puts it
 * in a block of its own. */
struct weft_stream {
	uint32_t magic;
	bool reading, writing; /* a task is inside a call of that half */
	bool closing, aborted;
	bool ended;    /* a read returned 0: the peer has nothing more to say */
	bool finished; /* shutdown was called */
	bool torn;
	bool separate; /* weft_stream_new made this block, apart from `self` */
	const weft_stream_ops *ops;
	void *self;
	wf_worker *worker;
	void *app;
	char *peer; /* made when first asked for */
	uint64_t received, sent;
};

/* Puts a stream into memory of yours; `ops->free` frees that memory. */
void wf_stream_init(weft_stream *s, const weft_stream_ops *ops, void *self);

/* One shot, as wf_io_ready and wf_io_watch_gone: without a task, for idle connections. ENOTSUP
 * where the ops cannot. `fn` NULL takes it back. Thread: the stream's worker. */
int wf_stream_ready(weft_stream *s, weft_stream_event_fn *fn, void *arg);
int wf_stream_watch_gone(weft_stream *s, weft_stream_event_fn *fn, void *arg);

/* The layer above knows that the peer will send nothing more that matters (its last request was
 * read whole): close then need not wait to see the peer's end. */
void wf_stream_expect_nothing(weft_stream *s);

#endif
