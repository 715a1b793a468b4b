/* The state of a server as the console's page reads it (docs/console.md): JSON, from what its
 * workers said. */
#ifndef WF_EXPORT_CONSOLE_STATE_H
#define WF_EXPORT_CONSOLE_STATE_H

#include "net/export/console_sample.h"

/* Of `server`'s sites in order; NULL where the worker did not answer within `patience_ns`. `*text`
 * is the caller's, for wf_free. Errors: ENOMEM. Thread: a worker of the run. */
WEFT_MUST int wf_console_write(wf_server *server, wf_console_sample *const *samples,
	int64_t patience_ns, char **text, size_t *size);

#endif
