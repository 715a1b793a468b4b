/* Doubles as decimal text and back, the same in every locale. Thread: any. */
#ifndef WF_HTTP_NUMBER_H
#define WF_HTTP_NUMBER_H

#include "context/base.h"

WEFT_BEGIN

enum {
	WF_NUMBER_BYTES_MAX = 1024, /* longer numbers are not read */
	WF_NUMBER_ROOM = 32,        /* any double fits when written, with its NUL */
};

/* Reads a number in JSON's form (RFC 8259 section 6), which the caller has checked, rounded to the
 * nearest double. Errors: -ERANGE beyond the largest double, or longer than WF_NUMBER_BYTES_MAX.
 * What is too small becomes 0 or a subnormal. */
WEFT_MUST int wf_number_read(const char *text, size_t size, double *out);

/* Writes a finite double in JSON's form, NUL-ended, with as few of 15 to 17 digits as read back to
 * the same double. Returns the length. */
size_t wf_number_write(double value, char out[WF_NUMBER_ROOM]);

WEFT_END
#endif
