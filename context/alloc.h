/* Every allocation of the library goes through here, so that one hook sees them all and a test
 * can make the n-th one fail. Thread: any, for all of it. */
#ifndef WF_CONTEXT_ALLOC_H
#define WF_CONTEXT_ALLOC_H

#include <stddef.h>
#include <weft/alloc.h>

WEFT_BEGIN

/* NULL when there is none; the content is undefined. Size 0 is served like size 1, here and below.
 */
void *wf_alloc(size_t size) __attribute__((malloc, alloc_size(1)));
/* The same, all zero. */
void *wf_zalloc(size_t size) __attribute__((malloc, alloc_size(1)));
/* `alignment` is a power of two; free with wf_free. The content is undefined. */
void *wf_alloc_aligned(size_t alignment, size_t size) __attribute__((malloc, alloc_size(2)));
/* NULL leaves the old block as it was. */
void *wf_realloc(void *block, size_t size) __attribute__((alloc_size(2)));
/* A copy of the string, or NULL. */
char *wf_strdup(const char *text) __attribute__((malloc));
/* Accepts NULL. */
void wf_free(void *block);

WEFT_END
#endif
