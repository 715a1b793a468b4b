/* An event's waiters, for select. */
#ifndef WF_RUNTIME_EVENT_H
#define WF_RUNTIME_EVENT_H

#include <weft/sync.h>

#include "runtime/waitlist.h"

/* Of wf_wait_open, for a wait that includes it. */
unsigned wf_event_wait_flags(weft_event *event);
/* Leaves `node` there, whose wait is open; false: the event is set, the node was not taken. */
bool wf_event_watch(weft_event *event, wf_waiting *node);
/* When this returns nobody touches the node any more. */
void wf_event_unwatch(weft_event *event, wf_waiting *node);

#endif
