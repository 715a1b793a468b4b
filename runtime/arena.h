/* Memory that is freed all at once: a list of blocks filled from the front. */
#ifndef WF_RUNTIME_ARENA_H
#define WF_RUNTIME_ARENA_H

#include <stdarg.h>

#include "context/base.h"

WEFT_BEGIN

typedef struct wf_arena {
	struct wf_arena_block *block; /* the one being filled, then older ones */
	char *at, *end;
} wf_arena;

/* All-zero is an empty arena. */
void *wf_arena_alloc(wf_arena *arena, size_t size);
/* A formatted string, or NULL without memory. */
char *wf_arena_format(wf_arena *arena, const char *format, va_list list) WEFT_PRINTF(2, 0);
/* Frees all blocks; the arena is empty again. */
void wf_arena_free(wf_arena *arena);

WEFT_END
#endif
