/* The stacks of one worker: guarded, pooled, the hottest first.
 *
 * Address space is reserved in large regions and opened for use in slabs of 4 MiB; below each
 * stack lies a guard, so that an overflow faults instead of writing into a neighbour. Where the
 * kernel has MADV_GUARD_INSTALL (Linux 6.13) a guard costs no mapping of its own and a million
 * stacks fit into a few dozen; elsewhere each guard is an mprotect, which splits mappings, and
 * vm.max_map_count (65 530 by default) ends it at about 32 000 stacks per process.
 *
 * Memory becomes resident as a task touches it: a parked task costs the top page and 40 bytes of
 * descriptor, which lives apart so that a free stack can give its pages back. Regions come from
 * mmap and not from the allocator hook, as a heap block could have neither guard nor lazy pages;
 * descriptors come from wf_alloc.
 *
 * Thread: a pool belongs to one thread, for all of it. */
#ifndef WF_RUNTIME_STACK_H
#define WF_RUNTIME_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/api.h>

#include "context/base.h"

WEFT_BEGIN

#define WF_STACK_SIZE_MIN     ((size_t)16 << 10)
#define WF_STACK_SIZE_MAX     ((size_t)8 << 20)
#define WF_STACK_SIZE_DEFAULT ((size_t)64 << 10)
#define WF_STACK_COUNT_MAX    ((size_t)100000) /* the default of `max` */
#define WF_STACK_CLASSES      10               /* 16 KiB, 32 KiB, ... 8 MiB */
#define WF_STACK_TRIM_MAX     256              /* stacks per call: about 0.3 ms */

typedef struct wf_stack {
	char *low;   /* the lowest usable byte; the guard ends here */
	size_t size; /* usable bytes, at least what was asked for */
	void *owner; /* the taker's to set and to read in `describe`; NULL while it is free */
	uint8_t size_class;
} wf_stack;

/* Says for whom `stack` (taken, so its owner is whatever the taker set) was in use when it
 * overflowed; NULL where unknown. Runs in a signal handler: it may only read. */
typedef void wf_stack_describe_fn(const wf_stack *stack, const char **task, const char **site);

/* Receives why no stack could be had, in words for an operator; once per pool and reason. */
typedef void wf_stack_report_fn(void *arg, int rc, const char *text);

typedef struct wf_stack_region wf_stack_region;

/* The stacks of one size. `ready` holds the free ones, the hottest last:
 *     [0, cold) gave their pages back   [cold, low_water) unused since the last trim   [.., count)
 * It has room for every stack that exists, so that giving one back cannot fail. */
typedef struct wf_stack_class {
	wf_stack **ready;
	size_t count;
	size_t low_water; /* the lowest `count` since the last trim */
	size_t cold;      /* may exceed low_water, which then rules */
	size_t made;      /* stacks that exist, free or taken */
	size_t room;      /* elements `ready` can hold */
	wf_stack_region *newest;
} wf_stack_class;

typedef struct wf_stack_pool {
	size_t taken;
	size_t max;
	uint8_t default_class;
	bool guard_by_mprotect; /* found out at the first guard; may be set before, to force it */
	uint8_t reported;       /* reasons, one bit each */
	int error;              /* why the last take failed */
	wf_stack_class classes[WF_STACK_CLASSES];
	wf_stack_describe_fn *describe; /* these three may be set between init and the first take */
	wf_stack_report_fn *report;
	void *report_arg;
} wf_stack_pool;

/* `stack_size` (0: 64 KiB) is rounded up to a power of two from 16 KiB to 8 MiB; `max` (0: 100 000)
 * bounds the stacks in use at once, over all sizes. Takes no memory yet.
 * Errors: EINVAL for more than 8 MiB. */
int wf_stack_pool_init(wf_stack_pool *pool, size_t stack_size, size_t max);

/* Every stack must have been given back. Accepts a pool that is all zero. */
void wf_stack_pool_fini(wf_stack_pool *pool);

/* The slow ends of take and give. */
wf_stack *wf_stack_take_new(wf_stack_pool *pool, size_t size_class);
wf_stack *wf_stack_take_sized(wf_stack_pool *pool, size_t size);
#if defined(__SANITIZE_ADDRESS__)
#define WF_STACK_ANNOTATED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WF_STACK_ANNOTATED 1
#endif
#endif
#ifdef WF_STACK_ANNOTATED
/* The leak checker takes what a stack in use points to as reachable. */
void wf_stack_annotate_take(const wf_stack *stack);
void wf_stack_annotate_give(const wf_stack *stack);
#else
static inline void wf_stack_annotate_take(const wf_stack *stack)
{
	(void)stack;
}
static inline void wf_stack_annotate_give(const wf_stack *stack)
{
	(void)stack;
}
#endif

static inline wf_stack *wf_stack_take_class(wf_stack_pool *pool, size_t size_class)
{
	wf_stack_class *sized = &pool->classes[size_class];
	if (wf_unlikely(sized->count == 0 || pool->taken >= pool->max))
		return wf_stack_take_new(pool, size_class);
	wf_stack *stack = sized->ready[--sized->count];
	if (sized->count < sized->low_water) sized->low_water = sized->count;
	pool->taken++;
	wf_stack_annotate_take(stack);
	return stack;
}

/* A stack of the pool's size: the one given back last, or a new one. The content is undefined.
 * NULL when there is none; pool->error then says why: WEFT_EFULL at the pool's `max` or at the
 * kernel's limit of mappings, ENOMEM. */
static inline wf_stack *wf_stack_take(wf_stack_pool *pool)
{
	return wf_stack_take_class(pool, pool->default_class);
}

/* The same with at least `size` bytes (0: the pool's size). Also EINVAL for more than 8 MiB. */
static inline wf_stack *wf_stack_take_size(wf_stack_pool *pool, size_t size)
{
	return size == 0 ? wf_stack_take(pool) : wf_stack_take_sized(pool, size);
}

/* Nobody runs on `stack` any more, and nothing on it is read again. */
static inline void wf_stack_give(wf_stack_pool *pool, wf_stack *stack)
{
	wf_stack_class *sized = &pool->classes[stack->size_class];
	wf_debug_assert(pool->taken > 0 && sized->count < sized->made);
	wf_stack_annotate_give(stack);
	stack->owner = NULL;
	sized->ready[sized->count++] = stack;
	pool->taken--;
}

/* For when the worker is idle: of the free stacks that were not used since the last complete trim,
 * up to WF_STACK_TRIM_MAX give their pages back to the kernel. true: there are more. */
bool wf_stack_pool_trim(wf_stack_pool *pool);

/* Free stacks are left that have not given their pages back. */
bool wf_stack_pool_warm(const wf_stack_pool *pool);

/* Bytes from the deepest one ever written up to the top, since the stack was made, trimmed or
 * forgotten; whoever wants it per task forgets before and asks after. Reads the stack: a system
 * call and up to a page, for measuring at will, not for every task. */
size_t wf_stack_used(const wf_stack *stack);
/* Drops the content of a stack that nobody runs on. */
void wf_stack_forget(wf_stack *stack);

WEFT_END
#endif
