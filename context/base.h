/* What every file leans on: assertions that stay in release, container_of, the cache line. */
#ifndef WF_CONTEXT_BASE_H
#define WF_CONTEXT_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <weft/api.h>

WEFT_BEGIN

/* Two lines: the adjacent-line prefetcher of x86 makes 128 the unit of false sharing. */
#define WF_CACHE_LINE 128

#define wf_container_of(pointer, type, member)                                                     \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define wf_likely(x)   __builtin_expect(!!(x), 1)
#define wf_unlikely(x) __builtin_expect(!!(x), 0)

/* Prints the broken promise with its place to stderr and aborts. Never returns. */
__attribute__((noreturn, cold)) void wf_assert_failed(
	const char *what, const char *file, int line, const char *function);

/* A promise between parts of weft, or between the caller and weft. Stays in release: going on
 * would put memory at risk. */
#define wf_assert(condition)                                                                       \
	(wf_likely(condition) ? (void)0 : wf_assert_failed(#condition, __FILE__, __LINE__, __func__))

/* A promise whose check costs too much for release. */
#ifdef WF_DEBUG
#define wf_debug_assert(condition) wf_assert(condition)
#else
#define wf_debug_assert(condition) ((void)sizeof(condition))
#endif

WEFT_END
#endif
