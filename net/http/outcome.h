/* What a handler's result means to the client: the one table. */
#ifndef WF_HTTP_OUTCOME_H
#define WF_HTTP_OUTCOME_H

#include <weft/scope.h>

#include "context/base.h"

typedef struct wf_outcome {
	int status;         /* 0: no answer makes sense, the client is gone */
	const char *detail; /* half a sentence for the client, or NULL */
	bool ours;          /* the operator should hear of it */
} wf_outcome;

/* `rc` as a handler returned it without having replied; `reason` is why its scope was cancelled, if
 * it was. Errors of reading this request's body are not in the table: the body knows its status.
 * Thread: any. */
wf_outcome wf_outcome_of(int rc, weft_reason reason);

#endif
