#include "context/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const weft_allocator libc_allocator = { malloc, aligned_alloc, realloc, free };

static weft_allocator allocator = { malloc, aligned_alloc, realloc, free };

int weft_allocator_set(const weft_allocator *wanted)
{
	if (wanted == NULL) wanted = &libc_allocator;
	if (!wanted->malloc || !wanted->aligned || !wanted->realloc || !wanted->free) return -EINVAL;
	allocator = *wanted;
	return 0;
}

void *wf_alloc(size_t size)
{
	return allocator.malloc(size ? size : 1);
}

void *wf_zalloc(size_t size)
{
	void *block = wf_alloc(size);
	if (block != NULL) memset(block, 0, size);
	return block;
}

void *wf_alloc_aligned(size_t alignment, size_t size)
{
	/* C11 wants the size to be a multiple of the alignment. */
	size_t multiple = ((size ? size : 1) + alignment - 1) & ~(alignment - 1);
	return multiple >= size ? allocator.aligned(alignment, multiple) : NULL;
}

void *wf_realloc(void *block, size_t size)
{
	return allocator.realloc(block, size ? size : 1);
}

char *wf_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = wf_alloc(size);
	if (copy != NULL) memcpy(copy, text, size);
	return copy;
}

void wf_free(void *block)
{
	allocator.free(block);
}
