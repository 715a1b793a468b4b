/* Descriptors that were closed politely and wait for their peer's end.
 *
 * Closing a TCP socket while input is unread, or before the last input has arrived, makes the
 * kernel answer with an RST, and an RST may destroy at the peer what we wrote before it. So such a
 * socket says FIN, and then lives on for a little while, reading and discarding, until the peer's
 * own FIN. It has no task and no buffer.
 *
 * Thread: the worker's. */
#ifndef WF_RUNTIME_IO_LINGER_H
#define WF_RUNTIME_IO_LINGER_H

#include "runtime/io.h"

enum {
	/* Descriptors per worker, or an eighth of all that the process may have, if that is fewer: what
	 * was refused shall not take them from what is served. One more closes the oldest. */
	WF_LINGER_MAX = 1024,
	WF_LINGER_MS = 2000, /* at least so long, and at most twice that */
};

/* Two generations and one timer: what is still there when it fires for the second time goes. */
typedef struct wf_lingering {
	wf_worker *worker;
	wf_list young, old;
	unsigned count, most;
	wf_timer timer;
} wf_lingering;

void wf_lingering_init(wf_lingering *lingering, wf_worker *worker);
/* Closes all that are left; those whose bytes are not delivered yet get their time first. Blocks
 * the thread. */
void wf_lingering_fini(wf_lingering *lingering);
/* Says FIN; closes `io` through the poll back end at once, or later. */
void wf_lingering_add(wf_lingering *lingering, wf_io *io);

#endif
