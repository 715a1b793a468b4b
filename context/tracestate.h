/* The `tracestate` of W3C Trace Context: a list of at most 32 `key=value`, newest first, which
 * passes through us unread. Either all of it is valid or none of it is carried.
 *
 * Keys follow level 2 with level 1's limits for `tenant@system`, as the W3C test harness wants it:
 * at most one `@`, 241 characters before it and 14 behind. Members point into the caller's text,
 * which must outlive the list. Thread: the owner. */
#ifndef WF_CONTEXT_TRACESTATE_H
#define WF_CONTEXT_TRACESTATE_H

#include "context/base.h"

WEFT_BEGIN

enum {
	WF_TRACESTATE_MEMBERS_MAX = 32,
	/* What everybody has to carry; we carry no more. */
	WF_TRACESTATE_TEXT_MAX = 512,
	/* Members longer than this go first when the text is too long. */
	WF_TRACESTATE_MEMBER_LONG = 128,
};

typedef struct wf_tracestate_member {
	const char *text; /* key=value */
	size_t length, key_length;
} wf_tracestate_member;

typedef struct wf_tracestate {
	wf_tracestate_member members[WF_TRACESTATE_MEMBERS_MAX];
	size_t count;
	bool invalid; /* something did not parse: there are no members, and none can be added */
} wf_tracestate;

void wf_tracestate_init(wf_tracestate *list);

/* Adds one header field; several make one list, in order. Errors: EINVAL, and the list is invalid
 * from then on: malformed, a key twice, too many members. */
int wf_tracestate_add(wf_tracestate *list, const char *text, size_t length);

/* Puts our own `key=value` in front and takes any other of this key out. The last member has to
 * go when the list is full. Errors: EINVAL, and nothing has changed. */
int wf_tracestate_put(wf_tracestate *list, const char *text, size_t length);

/* Writes the list, without its longest and then its last members where it would be too long, and a
 * NUL. Returns the length; 0 when there is nothing to send. */
size_t wf_tracestate_format(const wf_tracestate *list, char text[WF_TRACESTATE_TEXT_MAX + 1]);

WEFT_END
#endif
