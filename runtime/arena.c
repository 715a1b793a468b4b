#include "runtime/arena.h"

#include <stdio.h>

#include "context/alloc.h"

enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 65536, ALIGNMENT = _Alignof(max_align_t) };

typedef struct wf_arena_block {
	_Alignas(max_align_t) struct wf_arena_block *older;
	size_t size;
	char data[];
} wf_arena_block;

static void *take(wf_arena *arena, size_t size)
{
	char *at = arena->at;
	arena->at += size;
	return at;
}

/* Blocks double, so that a large arena has few; what is larger than a block gets its own. */
static bool grow(wf_arena *arena, size_t size)
{
	size_t wanted = arena->block ? arena->block->size * 2 : FIRST_BLOCK;
	if (wanted > LARGEST_BLOCK) wanted = LARGEST_BLOCK;
	if (wanted < size) wanted = size;
	wf_arena_block *block = wf_alloc(sizeof *block + wanted);
	if (block == NULL) return false;
	block->older = arena->block;
	block->size = wanted;
	arena->block = block;
	arena->at = block->data;
	arena->end = block->data + wanted;
	return true;
}

void *wf_arena_alloc(wf_arena *arena, size_t size)
{
	if (size > SIZE_MAX / 2) return NULL;
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (size == 0) size = ALIGNMENT;
	if ((size_t)(arena->end - arena->at) < size && !grow(arena, size)) return NULL;
	return take(arena, size);
}

char *wf_arena_format(wf_arena *arena, const char *format, va_list list)
{
	va_list again;
	va_copy(again, list);
	int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0) return NULL;
	char *text = wf_arena_alloc(arena, (size_t)length + 1);
	if (text != NULL) vsnprintf(text, (size_t)length + 1, format, list);
	return text;
}

void wf_arena_free(wf_arena *arena)
{
	wf_arena_block *block = arena->block;
	while (block != NULL) {
		wf_arena_block *older = block->older;
		wf_free(block);
		block = older;
	}
	*arena = (wf_arena){ 0 };
}
