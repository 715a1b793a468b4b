/* Paths and queries of request targets: one spelling for each, percent-decoding, elements.
 * RFC 3986 sections 2.1, 3.3, 3.4 and 6.2.2; queries as HTML forms write them.
 *
 * Order matters for safety: a path is brought to its one spelling first, then split at '/', and
 * only then is a segment decoded, so that %2F never makes two segments of one and %2E%2E never
 * climbs. Thread: any. */
#ifndef WF_HTTP_URI_H
#define WF_HTTP_URI_H

#include <weft/api.h>

WEFT_BEGIN

/* Brings a path to its one spelling, in place: escapes of unreserved bytes decoded, others in upper
 * case, "." and ".." segments resolved. Empty segments stay. It never grows. *size in and out.
 * Errors: WEFT_EINVAL if it does not begin with '/', an escape is broken or names NUL, or ".."
 * leads above the root; the bytes at `path` may be half rewritten then, *size is untouched. */
WEFT_MUST int wf_uri_path_normalise(char *path, size_t *size);

/* Replaces escapes by their bytes, and with `plus` each '+' by a space. `out` may be `text` and
 * needs no more room; *out_size is set on success. Errors: WEFT_EINVAL for a broken escape, and
 * for NUL, escaped or not: what is decoded may become a string. */
WEFT_MUST int wf_uri_decode(const char *text, size_t size, bool plus, char *out, size_t *out_size);

/* Walks the segments of a path that begins with '/': *at goes from its first byte to `end`. "/" has
 * one segment, empty; "/a/" has two. */
bool wf_uri_segment_next(
	const char **at, const char *end, const char **segment, size_t *segment_size);

/* One name=value of a query, not decoded. Without '=' the value is empty. */
typedef struct wf_uri_pair {
	const char *name, *value;
	size_t name_size, value_size;
} wf_uri_pair;

/* Walks "a=1&b=2&c": *at goes from the first byte to `end`. Empty elements are skipped. */
bool wf_uri_query_next(const char **at, const char *end, wf_uri_pair *pair);
/* The first pair whose name, decoded, is `name`; false, and *pair untouched, when there is none. */
bool wf_uri_query_find(const char *query, size_t size, const char *name, wf_uri_pair *pair);

WEFT_END
#endif
