/* HTTP/1 on a connection: from bytes to handlers and back (RFC 9112).
 *
 * On the loop, without a task: read what is there, look whether a head is complete, keep it if not.
 * In a task: answer every request that was read together, strictly in order, then let the
 * connection rest again.
 *
 * Thread: the connection's worker. */
#ifndef WF_HTTP_HTTP1_H
#define WF_HTTP_HTTP1_H

#include "net/http/connection.h"

/* A connection has just been accepted. */
void wf_http1_open(wf_connection *c);
/* Asks to be told when there is something to read. */
void wf_http1_listen(wf_connection *c);
/* The connection's timer. */
void wf_http1_timer(wf_timer *timer);

#endif
