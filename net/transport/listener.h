/* What servers build on: accepting as a source of connections that they count themselves. */
#ifndef WF_NET_TRANSPORT_LISTENER_H
#define WF_NET_TRANSPORT_LISTENER_H

#include <weft/listener.h>

/* As weft_listener_next, but waits for room under the listener's limit first, and counts the
 * connection as open until wf_listener_ended. Thread: task. Suspends. */
int wf_listener_next_counted(weft_listener *l, weft_stream **out);
/* One that was counted is over; `rc` negative: it failed. The listener may be closed by now.
 * Thread: the listener's worker. */
void wf_listener_ended(weft_listener *l, int rc);

#endif
