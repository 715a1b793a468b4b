/* Scopes that a task opens around a stretch of its work: weft_scope. */
#ifndef WF_RUNTIME_BRACKET_H
#define WF_RUNTIME_BRACKET_H

#include <weft/scope.h>

#include "runtime/scope.h"
#include "runtime/task.h"
#include "runtime/timer.h"

enum { WF_DEFER_SHIELD_MS = 5000 };

struct weft_scope {
	wf_scope scope;
	weft_task *task;
	weft_scope *outer;       /* the bracket around it; NULL: the task itself */
	wf_scope *outer_scope;   /* what was innermost before */
	weft_context *inherited; /* what was current before; borrowed from whoever holds it */
	wf_defer *deferred;
	wf_timer deadline;
	wf_timer shield;
	bool expired; /* its own deadline was the first to cancel it */
};

/* A bracket in memory of yours, without deadline or shield: becomes the running task's innermost.
 * Cannot fail. Thread: task. */
void wf_bracket_init(weft_scope *bracket, weft_task *task);
/* As weft_scope_close, but for the memory. Who cancels it for a deadline of its own sets `expired`.
 * Thread: the task. Suspends. */
int wf_bracket_fini(weft_scope *bracket, int rc);

/* The task's own deferred calls, under a shield of WF_DEFER_SHIELD_MS. Thread: the task. */
void wf_bracket_run_deferred(weft_task *task);
/* Drops the context that weft_scope_set put on the task's own scope. Thread: the task. */
void wf_bracket_restore_context(weft_task *task);

#endif
