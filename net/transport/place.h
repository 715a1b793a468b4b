/* Where listeners listen: one entry for each address in use by a run, shared by the workers that
 * listen there.
 *
 * The first socket of an address is bound without SO_REUSEPORT, so that a port that is taken by
 * anybody is refused; only then is the option set, and the other workers' sockets join. A local
 * path, or a descriptor that was handed in, has one socket for all, and each worker has a
 * duplicate.
 *
 * Two listeners of one worker never share a place.
 *
 * Thread: a worker, for all of it; a lock guards the entries. */
#ifndef WF_NET_TRANSPORT_PLACE_H
#define WF_NET_TRANSPORT_PLACE_H

#include "net/transport/address.h"
#include "runtime/io.h"

typedef struct wf_place wf_place;

typedef struct wf_place_options {
	int backlog;
	bool shared;   /* other workers may join */
	unsigned mode; /* of a local path; 0: by the umask */
} wf_place_options;

/* A listening, non-blocking socket for this worker, at `text` or, where that is a host name, at
 * `resolved`. Errors: EADDRINUSE and others of bind(2); EINVAL, ENOMEM. */
int wf_place_open(const char *text, const weft_address *resolved, const wf_place_options *options,
	wf_place **out, int *fd);

/* After the socket was closed, by the worker that opened it. The last to leave removes its own
 * local path. */
void wf_place_leave(wf_place *place);

/* Where it really is: port 0 was replaced by the kernel's choice. */
const weft_address *wf_place_address(const wf_place *place);
/* TCP or a local socket: what the accepted ones are. */
wf_io_kind wf_place_kind(const wf_place *place);

#endif
