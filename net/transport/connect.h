/* A connected socket as a stream, whatever its family. */
#ifndef WF_NET_TRANSPORT_CONNECT_H
#define WF_NET_TRANSPORT_CONNECT_H

#include <weft/stream.h>

#include "runtime/io.h"

/* Thread: task. Suspends. Errors: of socket(2) and connect(2); EAGAIN of a local socket whose
 * listener's queue is full; ENOMEM. */
int wf_connect(const struct sockaddr *to, socklen_t size, wf_io_kind kind, weft_stream **out);

#endif
