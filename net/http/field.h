/* Fields written as JSON. Thread: any. */
#ifndef WF_HTTP_FIELD_H
#define WF_HTTP_FIELD_H

#include <weft/field.h>

#include "context/base.h"

WEFT_BEGIN

enum { WF_FIELD_DEPTH_MAX = 64 };

/* Writes the object that these fields make, like snprintf: as much as fits into `size` bytes (none
 * when `buffer` is NULL), without a NUL, and into `*need` the bytes that all of it takes. When that
 * is more than `size` the content of the buffer is undefined; come again with a larger one.
 * Errors: WEFT_EINVAL when they nest deeper than WF_FIELD_DEPTH_MAX; `*need` is then untouched. */
WEFT_MUST int wf_field_write(const weft_field *fields, char *buffer, size_t size, size_t *need);

/* The same for one text, with its quotes. */
void wf_field_write_text(
	const char *text, size_t text_size, char *buffer, size_t size, size_t *need);

WEFT_END
#endif
