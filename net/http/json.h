/* How JSON is kept once it is read: a tree of values in memory that somebody else frees. */
#ifndef WF_HTTP_JSON_H
#define WF_HTTP_JSON_H

#include <weft/json.h>

#include "context/base.h"

WEFT_BEGIN

enum {
	WF_JSON_DEPTH_MAX = 64,
	WF_JSON_VALUES_MAX = 65536,
	WF_JSON_COMPLAINT_SIZE = 128,
};

/* Memory that lives as long as the document, aligned for any type; NULL when there is none. The
 * reader never gives any back. */
typedef void *wf_json_alloc_fn(void *arg, size_t size);

/* All of it is set by the reader and constant afterwards. */
struct weft_json {
	weft_json *next;
	weft_json *parent; /* NULL at the root, which is the first member of its wf_json_document */
	const char *name;  /* NUL-ended; NULL for an element and the root */
	union {
		int64_t i64;
		double real;
		bool truth;
		const char *text; /* NUL-ended */
		weft_json *first;
	} as;
	uint32_t name_size;
	uint32_t count; /* bytes of a text, elements, members */
	uint8_t kind;   /* a weft_json_kind */
	bool whole;     /* a number: i64 holds it */
};

typedef struct wf_json_document {
	weft_json root;
	void *blocks; /* of weft_json_parse */
	char complaint[WF_JSON_COMPLAINT_SIZE];
} wf_json_document;

/* Reads `size` bytes. The tree takes at most a byte for each byte of the text and about 60 for each
 * value, of which there may be `values_max` (0: WF_JSON_VALUES_MAX). `*out` keeps nothing of
 * `text`. Errors: WEFT_EBADJSON and then `*error` says why; WEFT_ENOMEM. */
WEFT_MUST int wf_json_parse(const char *text, size_t size, size_t values_max,
	wf_json_alloc_fn *alloc, void *arg, weft_json **out, weft_json_error *error);

WEFT_END
#endif
