/* Which route answers a method and a path. Pure matching: what a route's value is, only its owner
 * knows.
 *
 * A pattern is a path whose segments are text, `{name}` (one non-empty segment) or, at the end,
 * `{name...}` (all that is left, slashes and nothing included): "/users/{id}/files/{path...}". The
 * slash at the end of a path counts: "/a" and "/a/" are different.
 *
 * Where several routes match, text goes before `{name}` and that before `{name...}`, compared
 * segment by segment from the left; a route whose method does not fit does not count. HEAD is
 * answered by GET where there is no route for it, and a method's own route goes before one for any
 * method. Two routes that would answer the same requests are refused when they are added.
 *
 * Paths are matched in their one spelling (uri.h) and still escaped, so "%2F" is no slash; decode
 * the parameters afterwards.
 *
 * A router is built by one thread and read by any number once that has ended. */
#ifndef WF_HTTP_ROUTER_H
#define WF_HTTP_ROUTER_H

#include "net/http/http_write.h"

WEFT_BEGIN

/* Parameters of one pattern, segments of one pattern, different methods of one router. */
#define WF_ROUTER_PARAMETERS 16
#define WF_ROUTER_SEGMENTS   64
#define WF_ROUTER_METHODS    63

typedef struct wf_router wf_router;

typedef enum wf_route_result {
	WF_ROUTE_FOUND,
	WF_ROUTE_FOUND_GET, /* HEAD, found a route for GET */
	WF_ROUTE_OPTIONS,   /* OPTIONS, no route of its own: answer 204 with Allow */
	WF_ROUTE_NO_METHOD, /* 405 with Allow */
	WF_ROUTE_NO_PATH,   /* 404 */
} wf_route_result;

typedef struct wf_route_parameter {
	const char *name;  /* ends in NUL; lives as long as the router */
	const char *value; /* in the path that was matched; not decoded */
	size_t value_size;
} wf_route_parameter;

typedef struct wf_route_match {
	const void *value;   /* as added */
	const char *pattern; /* as added, for logs and traces */
	uint64_t allowed;    /* for OPTIONS and NO_METHOD: see wf_router_write_allow */
	uint32_t parameter_count;
	wf_route_parameter parameters[WF_ROUTER_PARAMETERS];
} wf_route_match;

/* NULL when out of memory. Free accepts NULL and leaves the values alone. */
wf_router *wf_router_new(void);
void wf_router_free(wf_router *router);

/* `method` NULL or "*" is any method. On failure a sentence that names the pattern is put to `why`,
 * ended by NUL and cut to fit, and the router answers as before.
 * Errors: WEFT_EINVAL for a malformed pattern or method, -EEXIST for a route that answers the same
 * requests as one before, WEFT_EFULL beyond a limit above, WEFT_ENOMEM. */
WEFT_MUST int wf_router_add(wf_router *router, const char *method, const char *pattern,
	const void *value, char *why, size_t why_size);

/* `id` and `method` as the parser gives them. With FOUND and FOUND_GET value, pattern and
 * parameters of *match are set, with OPTIONS and NO_METHOD `allowed`. Thread: any. */
wf_route_result wf_router_find(const wf_router *router, wf_http_method id, const char *method,
	size_t method_size, const char *path, size_t path_size, wf_route_match *match);

/* All methods of all routes, for "OPTIONS *". */
uint64_t wf_router_methods(const wf_router *router);
/* The value of Allow, "GET, HEAD, OPTIONS": with what is answered without a route of its own. */
void wf_router_write_allow(const wf_router *router, uint64_t allowed, wf_http_writer *writer);

WEFT_END
#endif
