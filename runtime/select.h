/* What a thing must offer to be waited for in a select. Upper layers add kinds of their own.
 *
 * A select goes through two passes. First each case is polled: it may happen on the spot. If none
 * does, one wait is opened for all of them and each is watched: it leaves a node with its thing,
 * whose owner claims the wait (runtime/wait.h) for the node's `cause`. Then the task parks. When it
 * runs again each watched case is unwatched, and the one that won is committed. */
#ifndef WF_RUNTIME_SELECT_H
#define WF_RUNTIME_SELECT_H

#include <weft/select.h>

#include "runtime/wait.h"

enum {
	WF_SELECT_ON_STACK = 16, /* cases served without memory */
	WF_SELECT_MAX = 65536,
	WF_CASE_WORDS = 14,
};

/* A case while its select waits. */
typedef struct wf_case_watch {
	const weft_case *which;
	weft_task *task;
	wf_ticket ticket;
	int cause;                                            /* to claim the wait for */
	_Alignas(max_align_t) uintptr_t space[WF_CASE_WORDS]; /* the kind's own node */
} wf_case_watch;

typedef enum wf_watched {
	WF_WATCHED,    /* left there; is unwatched later */
	WF_WATCH_DONE, /* it happened just now, after wf_wait_close; is neither unwatched nor committed
					*/
	WF_WATCH_RESTART, /* the wait is closed, but it did not happen after all: poll all again */
} wf_watched;

typedef struct wf_case_kind {
	/* Of wf_wait_open: WF_WAIT_SHARED when another thread may claim. */
	unsigned (*flags)(const weft_case *which);
	/* Lets it happen if it can at once. No wait is open. */
	bool (*poll)(const weft_case *which);
	/* One of wf_watched, or an error: not left there. */
	int (*watch)(wf_case_watch *watch);
	/* When it returns nobody touches the watch any more. Whether it won or not. */
	void (*unwatch)(wf_case_watch *watch);
	/* It won: hands out what came of it. After unwatch. May be NULL. */
	void (*commit)(wf_case_watch *watch);
} wf_case_kind;

#endif
