/* Where the library takes its memory from. The default is the C library's heap. */
#ifndef WEFT_ALLOC_H
#define WEFT_ALLOC_H
#include <weft/api.h>
WEFT_BEGIN

/* All four together, each with the contract of its C11 namesake; called from any thread.
 * `realloc` is never given size 0. `aligned` is aligned_alloc. */
typedef struct weft_allocator {
	void *(*malloc)(size_t size);
	void *(*aligned)(size_t alignment, size_t size);
	void *(*realloc)(void *block, size_t size);
	void (*free)(void *block);
} weft_allocator;

/* Replaces the allocator of the whole process; NULL restores the default. Only while no run, pool,
 * future or context of weft is alive: a block must go back where it came from. The struct is
 * copied. Thread: one, before the first use.
 * Errors: EINVAL when a member is missing. */
WEFT_API int weft_allocator_set(const weft_allocator *allocator);

WEFT_END
#endif
