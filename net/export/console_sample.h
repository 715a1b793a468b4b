/* What one worker says about itself when it is asked.
 *
 * The asker posts a sample to the worker, whose loop fills it between two turns: nothing is read
 * across threads. A worker that does not come round in time is given up, and what it said the last
 * time stands in; whoever lets go last frees the sample, which is never written to once it was
 * answered.
 *
 *   state     set by    who may touch the rest of it
 *   asked     asker     nobody
 *   filling   worker    the worker; the asker waits for its future
 *   given up  asker     nobody
 *
 * The step from `asked` is one compare-and-swap by either side, so that a worker which comes round
 * late never looks at a server that may be gone. */
#ifndef WF_EXPORT_CONSOLE_SAMPLE_H
#define WF_EXPORT_CONSOLE_SAMPLE_H

#include <weft/future.h>

#include "executor/inbox.h"
#include "net/http/site.h"

enum { WF_CONSOLE_CONNECTIONS = 200, WF_CONSOLE_REQUESTS = 100 };

typedef struct wf_console_sample {
	wf_message message;
	uint32_t refs, state;
	weft_future *future;
	wf_site *site;
	int64_t asked_ns;

	/* The answer. */
	int64_t now_ns, lag_ns;
	unsigned tasks, ready, inbox;
	uint64_t switches;
	double busy_percent;
	uint64_t requests_total, errors_total;
	unsigned connections_total, connection_count, request_count;
	wf_census_connection connections[WF_CONSOLE_CONNECTIONS]; /* the oldest first */
	wf_census_entry requests[WF_CONSOLE_REQUESTS];            /* the newest first */
} wf_console_sample;

/* Asks the worker of `site`, which may be this one. `*out` is the caller's. Errors: ENOMEM, EFULL,
 * ESHUTDOWN. Thread: task. */
WEFT_MUST int wf_console_ask(wf_site *site, wf_console_sample **out);

/* True: it was answered, and may be read. False: the cancel of the innermost scope came first; the
 * worker will not touch it any more. Suspends. */
WEFT_MUST bool wf_console_answered(wf_console_sample *sample);

/* Keeps what was answered, as the last of this site's. */
void wf_console_keep(wf_console_sample *sample);
/* What the site answered the last time, which is the caller's as well; NULL: it never did. */
wf_console_sample *wf_console_last(wf_site *site);

/* Accepts NULL. */
void wf_console_let_go(wf_console_sample *sample);

#endif
