/* Error codes. Negative; libuv's and errno's values pass through, weft's own start at -5000. */
#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H
#include <errno.h>
#include <weft/api.h>
WEFT_BEGIN
/* The law of int results:
 *   every function   0 done, negative error
 *   next, read       1 here is one, 0 properly ended, negative error
 *   race, select     index of the winner, negative error */
enum {
	WEFT_EOF = -4095,            /* it ended before what was asked for was complete */
	WEFT_ETIMEDOUT = -ETIMEDOUT, /* the kernel said so, e.g. connect(2) */
	WEFT_ECANCELED = -ECANCELED,
	WEFT_ENOENT = -ENOENT,
	WEFT_EINVAL = -EINVAL,
	WEFT_ENOMEM = -ENOMEM,
	WEFT_ENORUN = -5000,
	WEFT_ESHUTDOWN = -5001,
	WEFT_ECLOSED = -5002,
	WEFT_EFULL = -5003,
	WEFT_EBADJSON = -5004,
	WEFT_EDEADLINE = -5005, /* this scope's own deadline; never from the kernel */
};
WEFT_API const char *weft_error_name(int rc);
WEFT_API const char *weft_error_text(int rc);
WEFT_END
#endif
