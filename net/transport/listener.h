/* What servers build on: accepting as a source of connections that they count themselves. */
#ifndef WF_NET_TRANSPORT_LISTENER_H
#define WF_NET_TRANSPORT_LISTENER_H

#include <weft/listener.h>

#include "net/transport/stream_fd.h"

/* As weft_listener_next, but waits for room under the listener's limit first, and counts the
 * connection as open until wf_listener_ended. Thread: task. Suspends. */
int wf_listener_next_counted(weft_listener *l, weft_stream **out);
/* As weft_listener_next, into memory of yours, which it opens on success; not counted. */
int wf_listener_next_into(weft_listener *l, wf_stream_fd *s);
/* One that was counted is over; `rc` negative: it failed. The listener may be closed by now.
 * Thread: the listener's worker. */
void wf_listener_ended(weft_listener *l, int rc);

#endif
