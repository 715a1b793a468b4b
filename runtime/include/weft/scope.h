/* A stretch of one task with its own cancel and deadline. */
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
	WEFT_REASON_SHUTDOWN, /* the run ends: a second signal, or main returned */
	WEFT_REASON_PEER,     /* the client went away */
} weft_reason;
typedef struct weft_scope_options {
	size_t size;
	WEFT_NAMED_ONLY;
	int timeout_ms WEFT_DEFAULT;
	int shield_ms WEFT_DEFAULT; /* outer cancels wait, at most this long */
} weft_scope_options;
WEFT_API weft_scope *weft_scope_open_with(const weft_scope_options *options);
#define weft_scope_open(...) weft_scope_open_with(WEFT_OPTIONS(weft_scope_options, __VA_ARGS__))
/* On the innermost scope of this task (a task is one): undone when it ends. Takes the reference,
 * also on failure. */
WEFT_API WEFT_MUST int weft_scope_set(const weft_key *key, void *value);
WEFT_API void weft_scope_defer(void (*fn)(void *arg), void *arg);
WEFT_API void weft_scope_cancel(weft_scope *scope);
/* Ends the scope, and turns ECANCELED by its own deadline into EDEADLINE; any other rc passes. */
WEFT_API WEFT_MUST int weft_scope_close(weft_scope *scope, int rc);
WEFT_END
#endif
