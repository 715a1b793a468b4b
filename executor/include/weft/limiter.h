/* A limiter: how many at once, and how many a second.
 *
 * Whoever wants to do the limited thing takes a token and gives it back afterwards. `at_once`
 * bounds the tokens that are out; `per_second` how often one is handed out, on average, with up to
 * `burst` in a row after a quiet time. Those who wait are served in the order in which they came,
 * and a wait that is cancelled takes nothing from those behind it.
 *
 * Limiters combine: twenty in all and three for each user are two limiters, and a token of each.
 * Take the narrower one first (the user's, then everybody's), everywhere in the same order: then
 * nobody keeps a place that all need while waiting for one that only he needs, and no two wait for
 * each other. Give back in any order. */
#ifndef WEFT_LIMITER_H
#define WEFT_LIMITER_H
#include <weft/api.h>
WEFT_BEGIN

typedef struct weft_limiter weft_limiter;

typedef struct weft_limiter_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *name WEFT_DEFAULT;  /* copied, cut at 31 bytes */
	int at_once WEFT_DEFAULT;       /* 0: unlimited */
	double per_second WEFT_DEFAULT; /* 0: unlimited */
	int burst WEFT_DEFAULT;         /* 0: a tenth of a second's worth, at least 1 */
} weft_limiter_options;

/* `*out` is the caller's, until weft_limiter_free. Thread: any. Errors: ENOMEM; EINVAL for a
 * negative or infinite number, or a burst without per_second. */
WEFT_API WEFT_MUST int weft_limiter_new_with(
	const weft_limiter_options *options, weft_limiter **out);
#define weft_limiter_new(...) WEFT_LIMITER_NEW_(__VA_ARGS__, )
#define WEFT_LIMITER_NEW_(out, ...)                                                                \
	weft_limiter_new_with(WEFT_OPTIONS(weft_limiter_options, __VA_ARGS__), out)

/* Nobody may be waiting, or take any more. Tokens may still be out: the memory goes with the last
 * one given back. Accepts NULL. Thread: any. */
WEFT_API void weft_limiter_free(weft_limiter *limiter);

/* Takes a token if that needs no waiting; never overtakes those who wait. Thread: any. Errors:
 * EAGAIN. */
WEFT_API WEFT_MUST int weft_limiter_try(weft_limiter *limiter);

/* Gives a token back; the one who has waited longest gets it. Thread: any, not only the taker's. */
WEFT_API void weft_limiter_give(weft_limiter *limiter);

typedef struct weft_limiter_counts {
	size_t out, waiting;     /* now */
	uint64_t taken, refused; /* since it was made; refused by weft_limiter_try */
} weft_limiter_counts;

/* All of one moment. Thread: any. */
WEFT_API void weft_limiter_stats(weft_limiter *limiter, weft_limiter_counts *counts);

WEFT_END
#endif
