/* A WebSocket session over a connection: its life, and the parts it is made of.
 *
 *   open      both may send
 *   closing   our close is queued or sent (`closing`); we go on reading until the peer's comes
 *   over      nothing more is read; `rc` says why; what is queued goes out, unless `broken`
 *   ended     nothing is left to send, no handler runs: `closed`, the host, and it is freed
 *
 * It is over when the peer's close has come, when the connection broke, or when its time was up.
 *
 * Who works on it. A task that runs a handler, or the straight line, holds it (`held`): it is then
 * never freed, and nothing is read but by that task. Everything else comes from the worker's loop:
 * the descriptor, the timer, the flush message, a completed operation. Each of these ends with
 * wf_websocket_settle, which looks what is due next and may free the session; nobody touches it
 * afterwards.
 *
 * Between events a session of handlers holds this struct and what `open` made: the reader is taken
 * when bytes come and given back when none are left, frames exist while they wait, and what only a
 * straight line needs lies on its stack.
 *
 * Thread: the worker that opened it, for all of it. */
#ifndef WF_WEBSOCKET_SESSION_H
#define WF_WEBSOCKET_SESSION_H

#include <weft/group.h>
#include <weft/websocket.h>

#include "net/transport/stream.h"
#include "net/websocket/message.h"
#include "net/websocket/websocket_frame.h"
#include "runtime/io.h"
#include "runtime/scope.h"
#include "runtime/timer.h"
#include "runtime/wait.h"

enum {
	WF_WEBSOCKET_MAGIC = 0x57537363,
	WF_WEBSOCKET_READ_MAX = 32768, /* read at once, at most; what of it is no message yet is kept */
	WF_WEBSOCKET_AHEAD_MAX = 4096, /* bytes of messages that are read before their task runs */
	WF_WEBSOCKET_BATCH = 32,       /* frames lent to a stream at once */
	WF_WEBSOCKET_COPY_MAX = 8192,  /* a larger frame is sent from where it lies */
	WF_WEBSOCKET_CONTROLS_MAX = 4, /* pongs that wait; a peer that asks for more is not answered */
	WF_WEBSOCKET_PING_MS = 30000,
	WF_WEBSOCKET_CLOSE_MS = 5000,
	WF_WEBSOCKET_WRITE_MS = 30000,
	WF_WEBSOCKET_RETRY_MS = 10, /* until a task that could not start is tried again */
};

typedef struct wf_websocket_host {
	/* The session is about to be freed; the stream is the host's again, to be closed. `orderly`:
	 * all that was to be sent was taken by the kernel; otherwise the peer shall see a reset. */
	void (*over)(void *arg, bool orderly);
} wf_websocket_host;

/* What keeps messages for a session until it can send them, up to a limit: a subscription. */
typedef struct wf_feed wf_feed;
struct wf_feed {
	weft_websocket *ws;
	wf_list of_session;
	wf_list waiting; /* wf_frame, oldest first; those that are being sent have left it */
	unsigned count, limit;
	int when_full; /* WEFT_DROP_OLDEST, … */
	uint64_t delivered, dropped;
	/* The session will not send for it any more, and has let go of it. */
	void (*over)(wf_feed *feed);
};

/* A task that waits until its frame was taken. */
typedef struct wf_sender {
	weft_task *task;
	wf_ticket ticket;
	bool done;
	int rc;
} wf_sender;

/* A frame on its way out. */
typedef struct wf_frame {
	wf_list link; /* among the session's */
	const char *at;
	size_t left;
	weft_message *message; /* NULL: the bytes below */
	wf_feed *feed;         /* NULL, or done with: it is not waiting for one */
	wf_list waiting;
	wf_sender *sender;
	bool begun; /* the kernel has, or may have, a part of it */
	bool control;
} wf_frame;

/* What has come and is not a message yet. */
typedef struct wf_reader {
	wf_websocket_decoder decoder;
	weft_message *message; /* being put together */
	size_t got, room;
	uint8_t *kept; /* read together with the last message, not looked at */
	uint32_t kept_at, kept_size;
} wf_reader;

/* What there is while the kernel has a frame and does not take all of it. */
typedef struct wf_blockage {
	wf_op op;
	struct iovec vector;
} wf_blockage;

typedef struct wf_output_queue {
	wf_list frames; /* oldest first */
	wf_blockage *blockage;
	wf_message flush;
	int64_t moved_ns; /* when the kernel last took something, or the queue began */
	unsigned count;
	uint8_t controls;
	bool sending : 1;   /* an operation, or the writer's task, has the first frames */
	bool stopping : 1;  /* the operation is being cancelled: its end is no event of its own */
	bool flush_due : 1; /* `flush` is in the inbox */
	bool again : 1;     /* there was no memory to go on: the timer tries again */
} wf_output_queue;

typedef struct wf_websocket_param {
	struct wf_websocket_param *next;
	const char *name, *value;
} wf_websocket_param;

/* What not every session has; in its own memory. */
typedef struct wf_websocket_extras {
	const char *subprotocol, *reason;
	wf_websocket_param *params;
} wf_websocket_extras;

/* What there is while a straight line runs, or `open` does: on its stack. */
typedef struct wf_websocket_stay {
	weft_websocket *ws;
	weft_request *request;
	weft_task *waiter; /* for input, or for the end */
	wf_ticket ticket;
	wf_scope scope; /* of a straight line: by it the drain is heard */
} wf_websocket_stay;

/* As small as it can be: there are many, and most are silent. */
struct weft_websocket {
	uint32_t magic;
	int rc;               /* why it is over; 0: the peer closed */
	uint32_t max_message; /* bytes */
	uint16_t code;        /* of the peer's close; 0: none yet */
	bool held : 1;        /* a task is at work on it */
	bool listening : 1;   /* the descriptor will tell when there is something to read */
	bool closing : 1, over : 1, broken : 1;
	bool opened : 1, told : 1; /* `open` was called; `closed` was */
	bool asked : 1;            /* a ping went out, and nothing has come since */
	bool starting : 1;         /* a task could not start: the timer tries again */
	bool quiet : 1;            /* nobody is told of messages any more */
	bool reading : 1;          /* a task is in next */
	bool large : 1;            /* the last message was: the next may be, too */
	bool unseen : 1;           /* `current` was read for it, and it has not come by yet */
	bool attentive : 1;        /* what the peer says would be heard: its silence counts */
	unsigned wanted : 2;       /* the level that was asked of it, */
	unsigned level : 2;        /* and as far as it was obeyed */

	weft_stream *stream;
	wf_io *io; /* of a plain socket: then the loop itself reads and writes; else NULL */
	wf_worker *worker;
	weft_group *group;
	const wf_websocket_host *host;
	void *host_arg;
	const weft_websocket_events *events; /* NULL: a straight line */
	const weft_websocket_options *options;
	weft_context *context;

	wf_websocket_stay *stay; /* NULL between events */
	wf_reader *reader;
	weft_message *current; /* what next, or the handler, was given */
	wf_output_queue out;
	wf_list feeds;

	wf_timer timer;
	int64_t heard_ns; /* when the peer was last heard, later by all the time nobody listened */
	union {
		int64_t deaf_ns;     /* since when nobody does; until it is closing */
		int64_t close_by_ns; /* when that must be done */
	};

	void *app, *kept;
	struct wf_websocket_memory *memory;
	wf_websocket_extras *extras;
	uint64_t received, sent, dropped; /* messages */
};

typedef struct wf_websocket_setup {
	weft_stream *stream;
	wf_io *io;
	weft_group *group; /* its tasks are spawned there; one that this worker may spawn in */
	const wf_websocket_host *host;
	void *host_arg;
	const weft_websocket_events *events;
	const weft_websocket_options *options; /* NULL: the defaults; must outlive the session */
	const char *subprotocol;
	void *app;
	int64_t max_message; /* 0: WF_WEBSOCKET_MESSAGE_MAX */
} wf_websocket_setup;

/* session.c */

/* Over a connection whose handshake is done. The stream stays the host's until it is told, and
 * nothing is read before serve. Errors: ENOMEM. Thread: task. */
int wf_websocket_open(const wf_websocket_setup *setup, weft_websocket **out);
/* One that was opened and shall not be served: freed, the host is not told. */
void wf_websocket_discard(weft_websocket *ws);
/* Bytes that were read together with the handshake. Errors: ENOMEM. */
int wf_websocket_put_back(weft_websocket *ws, const void *data, size_t size);
/* Memory that lives as long as the session, or NULL. */
void *wf_websocket_take(weft_websocket *ws, size_t size);
/* NULL without memory. */
wf_websocket_extras *wf_websocket_extras_of(weft_websocket *ws);
/* Copies both. Errors: ENOMEM. */
int wf_websocket_add_param(weft_websocket *ws, const char *name, const char *value);

/* session_serve.c. First one of these, in the task that opened it, which then lets go: */

/* Runs the straight line and the close handshake. It hears by itself what is asked of its group.
 * Thread: task. Suspends. */
void wf_websocket_serve_line(weft_websocket *ws, weft_websocket_fn *fn, weft_request *rq);
/* Calls `open`. What is asked of the group from then on the host passes on. Thread: task. Suspends.
 */
void wf_websocket_serve_events(weft_websocket *ws, weft_request *rq);
/* A level of the scopes is asked of it: WF_LEVEL_DRAIN, WF_LEVEL_CANCEL. It obeys soon, from the
 * loop. Thread: its worker. */
void wf_websocket_ask(weft_websocket *ws, unsigned level);
/* The task lets go; the session is left to its events, or to its end. */
void wf_websocket_leave(weft_websocket *ws);
/* The turn of handlers: something came, or `closed` is due. */
void wf_websocket_start_events(weft_websocket *ws);

/* session.c */

/* Looks what is due. May free. Thread: the loop, or a task that has let go. */
void wf_websocket_settle(weft_websocket *ws);
/* Nothing more will be read; `rc` says why. The first call counts. */
void wf_websocket_end(weft_websocket *ws, int rc);
/* Nor sent: the connection is of no use. */
void wf_websocket_break(weft_websocket *ws, int rc);
/* Queues a close; the first call counts. */
void wf_websocket_begin_close(weft_websocket *ws, unsigned code, const char *reason);
/* (Re)arms the timer for what is due first. */
void wf_websocket_arm(weft_websocket *ws);
/* Wakes the task that waits in it. */
void wf_websocket_wake(weft_websocket *ws);
/* What the result of a handler closes with; `*ours`: the operator should hear of it. */
unsigned wf_websocket_code_of(int rc, weft_reason reason, bool *ours);

/* session_read.c */

/* Takes what is there and goes through it: 1, and ws->current is a message; 0, there is nothing for
 * now; negative: it is over. Suspends only over a stream that is no plain socket. */
int wf_websocket_read(weft_websocket *ws);
/* Asks to be told when there is something; it may turn out that the connection broke. False: this
 * stream cannot tell, read. */
bool wf_websocket_listen(weft_websocket *ws);
void wf_websocket_unlisten(weft_websocket *ws);
/* True when something was read that nobody has looked at. */
bool wf_websocket_has_kept(const weft_websocket *ws);
void wf_reader_free(wf_reader *reader);

/* session_write.c */

void wf_websocket_output_init(weft_websocket *ws);
/* Nothing is in it. */
void wf_websocket_output_fini(weft_websocket *ws);
/* As weft_websocket_send. */
int wf_websocket_send(weft_websocket *ws, const weft_message *m);
/* Queues a control frame. Errors: ENOMEM; EFULL beyond WF_WEBSOCKET_CONTROLS_MAX, a close excepted.
 */
int wf_websocket_control(weft_websocket *ws, unsigned opcode, const void *data, size_t size);
/* Takes a message for later, by the feed's policy. False: something was dropped. */
bool wf_feed_put(wf_feed *feed, const weft_message *m);
void wf_feed_init(wf_feed *feed, weft_websocket *ws, unsigned limit, int when_full);
/* Takes it from its session; what waits is dropped. Harmless when it was. */
void wf_feed_fini(wf_feed *feed);
/* Sends what can be sent without waiting. */
void wf_websocket_pump(weft_websocket *ws);
/* Soon, from the loop: so that frames queued together leave together. */
void wf_websocket_flush(weft_websocket *ws);
/* Nothing is waiting, nothing is lent. */
bool wf_websocket_output_is_idle(const weft_websocket *ws);
/* Throws away what waits; `rc` for those who wait for it. */
void wf_websocket_drop_output(weft_websocket *ws, int rc);

#endif
