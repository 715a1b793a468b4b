/* What this thread is to weft: a worker, a pool thread inside a job, or neither. The executor's one
 * thread-local; whatever swaps workers on one thread (a simulation) swaps it as a whole. */
#ifndef WF_EXECUTOR_HERE_H
#define WF_EXECUTOR_HERE_H

#include "context/base.h"

WEFT_BEGIN

typedef struct wf_inbox wf_inbox;
typedef struct wf_job wf_job;

typedef struct wf_here {
	wf_inbox *inbox; /* of the worker that this thread is, or NULL */
	wf_job *job;     /* that this pool thread is running, or NULL */
} wf_here;

extern __thread wf_here wf_here_now
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The worker of this thread by its inbox, or NULL. May be assigned to: the worker does so when its
 * thread starts, and again with NULL before it ends. */
#define wf_inbox_here (wf_here_now.inbox)

WEFT_END
#endif
