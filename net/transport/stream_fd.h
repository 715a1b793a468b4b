/* A stream over a socket. */
#ifndef WF_NET_TRANSPORT_STREAM_FD_H
#define WF_NET_TRANSPORT_STREAM_FD_H

#include <netinet/in.h>

#include "net/transport/nap.h"
#include "net/transport/stream.h"
#include "runtime/io.h"

/* It may be made on one worker (by who accepts) and opened on another. */
typedef struct wf_stream_fd {
	weft_stream stream;
	wf_io io;
	weft_stream_event_fn *on_ready, *on_gone;
	void *event_arg;
	wf_nap *delivery; /* a task waits in finish */
	union {
		sa_family_t family;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} peer;
} wf_stream_fd;

/* Memory without a descriptor. Errors: ENOMEM. */
int wf_stream_fd_new(wf_stream_fd **out);
/* Of one that was not opened. Accepts NULL. */
void wf_stream_fd_free(wf_stream_fd *s);
/* Remembers who is at the other end. */
void wf_stream_fd_set_peer(wf_stream_fd *s, const struct sockaddr *peer, socklen_t size);
/* Takes over a connected, non-blocking socket. Thread: the worker that shall own it. */
void wf_stream_fd_open(wf_stream_fd *s, int fd, wf_io_kind kind);

#endif
