/* A stretch of one task with its own cancel, deadline, clean-up and context values.
 *
 *     weft_scope *patience = weft_scope_open(.timeout_ms = 250);
 *     rc = weft_scope_close(patience, ask(it));
 *
 * A cancel is a state, not an event: once a scope is cancelled every suspending call inside fails
 * with ECANCELED until the scope ends. Scopes nest; a deadline is absolute and the earliest around
 * rules. The task itself is a scope, and so is each group. */
#ifndef WEFT_SCOPE_H
#define WEFT_SCOPE_H
#include <weft/context.h>
#include <weft/task.h>
WEFT_BEGIN

typedef struct weft_scope weft_scope;

/* Why a scope was cancelled. */
typedef enum weft_reason {
	WEFT_REASON_NONE,
	WEFT_REASON_EXPLICIT, /* somebody called cancel */
	WEFT_REASON_DEADLINE, /* its own deadline, or that of a scope around it */
	WEFT_REASON_SIBLING,  /* another child of the group failed */
	WEFT_REASON_SHUTDOWN, /* the run ends: a second signal, or the drain's time is up */
	WEFT_REASON_PEER,     /* the client went away */
} weft_reason;

typedef struct weft_scope_options {
	size_t size;
	WEFT_NAMED_ONLY;
	int timeout_ms WEFT_DEFAULT; /* from now; 0: none; negative: it has passed already */
	int shield_ms
		WEFT_DEFAULT; /* for this long from now, cancels from outside wait; 0: no shield */
} weft_scope_options;

/* Opens a scope inside the innermost one; it is innermost until it is closed, in the same task and
 * in the reverse order of the openings. Outside a task: NULL, which the others accept. Without
 * memory every suspending call fails with ENOMEM until the close, which returns that unless `rc` is
 * another error: the stretch cannot run without the bound it asked for. Thread: task. */
WEFT_API weft_scope *weft_scope_open_with(const weft_scope_options *options);
#define weft_scope_open(...) weft_scope_open_with(WEFT_OPTIONS(weft_scope_options, __VA_ARGS__))

/* Ends the scope: runs what was deferred, undoes what was set, frees. `rc` is the result of the
 * stretch and is returned, except that ECANCELED becomes EDEADLINE when this scope's own deadline
 * is what cancelled it. NULL: `rc` when that is an error, else ENORUN. Thread: its task. Suspends
 * only for deferred calls that do. */
WEFT_API WEFT_MUST int weft_scope_close(weft_scope *scope, int rc);

/* Cancels it and everything inside. Returns at once; NULL is fine. Thread: its worker. */
WEFT_API void weft_scope_cancel(weft_scope *scope);

/* Why the innermost scope is cancelled, and, unless `site` is NULL, who asked (file:line or a
 * name; static). NONE and NULL while it is not. Thread: task. */
WEFT_API weft_reason weft_cancel_reason(const char **site);

/* Sets a context value for the rest of the innermost scope, and for what is spawned meanwhile.
 * Takes over the value's reference, also on failure. Thread: task. Errors: ENOMEM; EINVAL, EFULL
 * as weft_context_with; ENORUN, ENOTASK. */
WEFT_API WEFT_MUST int weft_scope_set(const weft_key *key, void *value);

/* Runs fn(arg) when the innermost scope ends, whichever way, the latest first, under a shield of
 * five seconds: it may suspend. On failure it has been run already. Thread: task. Errors: ENOMEM,
 * ENORUN, ENOTASK. */
WEFT_API WEFT_MUST int weft_scope_defer(void (*fn)(void *arg), void *arg);

WEFT_END
#endif
