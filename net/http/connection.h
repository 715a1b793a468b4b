/* A connection that speaks HTTP/1: its life, from accept to close.
 *
 * Between two requests it is this struct and nothing else: no task, no stack, no buffer. The loop
 * reads when there is something to read; only a complete head starts a task (http1.h), which
 * borrows a weft_request from the worker's site for as long as there are requests to answer.
 *
 *   state      what it holds                          its timer, when it fires
 *   fresh      nothing                                closes it (header_timeout_ms)
 *   idle       nothing                                closes it (idle_timeout_ms)
 *   reading    the part of a head that came           answers 408 (header_timeout_ms)
 *   handling   a request, a task                      as the request wants (request.h)
 *   given      whatever took it over (upgrade.h)      is that one's
 *
 * Thread: the worker that accepted it, for all of it. */
#ifndef WF_HTTP_CONNECTION_H
#define WF_HTTP_CONNECTION_H

#include <weft/request.h>

#include "net/http/http_parse.h"
#include "net/transport/stream_fd.h"
#include "runtime/timer.h"

typedef struct wf_connection wf_connection;
typedef struct wf_site wf_site;
typedef struct wf_given_ops wf_given_ops;

typedef enum wf_connection_state {
	WF_CONNECTION_FRESH,
	WF_CONNECTION_IDLE,
	WF_CONNECTION_READING,
	WF_CONNECTION_HANDLING,
	WF_CONNECTION_GIVEN,
} wf_connection_state;

/* The part of a head that has come so far, and where its parser stands. */
typedef struct wf_partial {
	wf_connection *connection;
	wf_list slow; /* among the site's, oldest first */
	int64_t deadline_ns;
	wf_http_head head;
	wf_http_field *fields; /* behind the bytes */
	uint32_t size, room;
	char bytes[];
} wf_partial;

struct wf_connection {
	wf_site *site;
	weft_stream *stream;
	wf_io *io; /* of the stream, when that is a plain socket: then the loop itself can read */
	union {
		weft_request *request; /* while one is handled */
		void *given_self;      /* of given_ops, when it was given away */
	};
	wf_partial *partial;
	wf_timer timer;
	wf_list link; /* among the site's, oldest first */
	int64_t opened_ns;
	uint64_t id; /* unique in the run */
	const wf_given_ops *given_ops;
	uint32_t requests; /* answered so far */
	uint8_t state;     /* wf_connection_state */
	bool used;         /* since the hand of eviction passed */
};

/* What a plain socket is accepted into. The stream comes first: closing it frees the block. */
typedef struct wf_plain_connection {
	wf_stream_fd fd;
	wf_connection connection;
} wf_plain_connection;

/* Memory for one that is about to be accepted, with its timer's place kept. NULL without memory. */
wf_plain_connection *wf_connection_new_plain(wf_site *site);
/* Of one that was not opened. Accepts NULL. */
void wf_connection_free_plain(wf_plain_connection *plain);
/* It was accepted: serves it. */
void wf_connection_open_plain(wf_plain_connection *plain);
/* Serves any other stream, which it owns on success. Errors: ENOMEM. */
int wf_connection_open(wf_site *site, weft_stream *stream);

typedef enum wf_close_manner {
	WF_CLOSE_ENDED,  /* the peer will send nothing more, or nothing that matters */
	WF_CLOSE_LINGER, /* it may still be sending, and shall see what was written */
	WF_CLOSE_ABORT,  /* it shall see that something is missing */
} wf_close_manner;

/* Frees it. No request is attached; who it was given to is not told. */
void wf_connection_close(wf_connection *c, wf_close_manner manner);

/* Nothing is at work on it: waits for the next request, without a stack. */
void wf_connection_rest(wf_connection *c, wf_connection_state state);

/* (Re)arms its timer, which cannot fail. */
void wf_connection_deadline(wf_connection *c, int64_t deadline_ns);

/* Keeps the unread part of a head, [begin, end) of the request's input. Errors: ENOMEM. */
int wf_connection_keep(wf_connection *c, const weft_request *rq);
/* Gives it back to a request's input. */
void wf_connection_restore(wf_connection *c, weft_request *rq);
void wf_connection_forget(wf_connection *c);

/* In the words of docs/console.md. */
const char *wf_connection_state_name(const wf_connection *c);
const char *wf_connection_protocol(const wf_connection *c);

#endif
