/* How many at once, and how many a second. */
#ifndef WEFT_LIMITER_H
#define WEFT_LIMITER_H
#include <weft/api.h>
WEFT_BEGIN
typedef struct weft_limiter weft_limiter;
typedef struct weft_limiter_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *name WEFT_DEFAULT;
	int at_once WEFT_DEFAULT;       /* 0: unlimited */
	double per_second WEFT_DEFAULT; /* 0: unlimited */
	int burst WEFT_DEFAULT;
} weft_limiter_options;
WEFT_API WEFT_MUST int weft_limiter_new_with(
	const weft_limiter_options *options, weft_limiter **out);
#define weft_limiter_new(...) WEFT_LIMITER_NEW_(__VA_ARGS__, )
#define WEFT_LIMITER_NEW_(out, ...)                                                                \
	weft_limiter_new_with(WEFT_OPTIONS(weft_limiter_options, __VA_ARGS__), out)
WEFT_API void weft_limiter_free(weft_limiter *limiter);
WEFT_END
#endif
