/* The state of a server as the console's page reads it (docs/console.md): JSON, from what its
 * workers said. */
#ifndef WF_EXPORT_CONSOLE_STATE_H
#define WF_EXPORT_CONSOLE_STATE_H

#include "net/export/console_sample.h"

typedef struct wf_console_answer {
	wf_console_sample *sample; /* NULL: the worker has never answered */
	bool stale;                /* it did not now; the sample is an earlier one */
} wf_console_answer;

/* Of `server`'s sites in order, each asked for `patience_ns`. `*text` is the caller's, for wf_free.
 * Errors: ENOMEM. Thread: a worker of the run. */
WEFT_MUST int wf_console_write(wf_server *server, const wf_console_answer *answers,
	int64_t patience_ns, char **text, size_t *size);

#endif
