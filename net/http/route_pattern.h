/* The pattern of a route, "/users/{id}/{rest...}", taken apart. router.h says what patterns mean.
 * Thread: any. */
#ifndef WF_HTTP_ROUTE_PATTERN_H
#define WF_HTTP_ROUTE_PATTERN_H

#include "net/http/router.h"

WEFT_BEGIN

typedef enum wf_segment_kind {
	WF_SEGMENT_TEXT,
	WF_SEGMENT_PARAMETER,
	WF_SEGMENT_REST
} wf_segment_kind;

/* Text is in the one spelling of paths (uri.h); parameters' names end in NUL. */
typedef struct wf_route_segment {
	wf_segment_kind kind;
	const char *text;
	size_t size;
} wf_route_segment;

typedef struct wf_route_pattern {
	char *memory; /* what the segments point into */
	uint32_t segment_count, parameter_count;
	wf_route_segment segments[WF_ROUTER_SEGMENTS];
} wf_route_pattern;

/* On success the caller owns pattern->memory and frees it with wf_free. On failure *why is what is
 * wrong, a constant. Errors: WEFT_EINVAL, WEFT_EFULL, WEFT_ENOMEM. */
WEFT_MUST int wf_route_pattern_parse(const char *text, wf_route_pattern *pattern, const char **why);

WEFT_END
#endif
