/* Dates in HTTP (RFC 9110 section 5.6.7): seconds since 1970 in UTC to text and back.
 * Pure; the clock and the caching of one text per second are the caller's. Thread: any. */
#ifndef WF_HTTP_DATE_H
#define WF_HTTP_DATE_H

#include <weft/api.h>

WEFT_BEGIN

/* "Sun, 06 Nov 1994 08:49:37 GMT", without NUL. */
#define WF_HTTP_DATE_BYTES 29

/* Years 1 to 9999; WEFT_EINVAL otherwise, `out` untouched. */
WEFT_MUST int wf_http_date_format(int64_t unix_s, char out[WF_HTTP_DATE_BYTES]);

/* Reads all three forms that a recipient must accept: the one above, that of RFC 850 ("Sunday,
 * 06-Nov-94 08:49:37 GMT") and that of asctime ("Sun Nov  6 08:49:37 1994"). The two-digit year of
 * RFC 850 is the one that is not more than 50 years after `now_s`. The day of the week must be a
 * name but need not fit. WEFT_EINVAL if it is none of them. */
WEFT_MUST int wf_http_date_parse(const char *text, size_t size, int64_t now_s, int64_t *unix_s);

WEFT_END
#endif
