/* Handing a connection over to another protocol (RFC 9110 section 7.8).
 *
 * A handler that wants the connection calls wf_upgrade_switch, which answers 101 and sends it. From
 * then on the request is no HTTP any more, and there are two ways to go on:
 *
 *   inside the handler   the session is the rest of the handler: it reads by wf_upgrade_read,
 * writes by wf_upgrade_write, and the connection is closed when it returns. The request stays what
 * it was, with its context, its group and its task given away           wf_upgrade_give names who
 * takes over when the handler has returned. The request, its memory and its task are gone then; the
 * connection holds what its new owner gives it, which may be nothing but a pointer
 *
 * A connection that was given away stays among its site's: it counts against the cap, hears of the
 * drain, and the server does not end before it was closed (wf_connection_close). Its stream, its
 * timer (by wf_connection_deadline) and the server's group (c->site->server->group, for tasks) are
 * the new owner's to use.
 *
 * Thread: the connection's worker. */
#ifndef WF_HTTP_UPGRADE_H
#define WF_HTTP_UPGRADE_H

#include "net/http/connection.h"

/* Whom a connection was given to; `self` is the owner's. Only `taken` may suspend, and then the
 * others may be called before it goes on. */
struct wf_given_ops {
	const char *protocol; /* "websocket": for the census */
	/* In the task of the handler, which has returned. `rest` is what was read already and belongs
	 * to the new protocol; it is gone at return. May close the connection, and should when the
	 * server drains already (c->site->draining). */
	void (*taken)(wf_connection *c, void *self, const char *rest, size_t size);
	/* The connection's timer. On the loop. */
	void (*timer)(wf_connection *c, void *self);
	/* The server drains, and then, when its time is up, is cancelled: close soon, or now. */
	void (*drain)(wf_connection *c, void *self, bool cancelled);
};

/* Answers 101 with these and the fields that were added by weft_reply_header, and waits until it is
 * sent. The request has no deadline any more and its client's end cancels nothing: reading finds
 * it. Thread: the request's task. Suspends. Errors: EBADREQUEST (the request has content),
 * EALREADY, EINVAL, what sending says. */
int wf_upgrade_switch(weft_request *rq, const char *protocol);

/* As weft_stream_read, after the bytes that came together with the request. Suspends. */
int wf_upgrade_read(weft_request *rq, void *buffer, size_t size, size_t *got);
/* Gathers short writes until the task suspends, as replies are. Suspends. Errors: as a reply's. */
int wf_upgrade_write(weft_request *rq, const void *data, size_t size);

/* After switch, and once. */
void wf_upgrade_give(weft_request *rq, const wf_given_ops *ops, void *self);

#endif
