#include "tests/support/failing_allocator.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <weft/alloc.h>

static atomic_long attempts, failures, live, live_bytes, fail_at;
static atomic_bool sticky;

/* Whether this attempt must fail. A resize counts as one attempt like any other. */
static bool must_fail(void)
{
	long n = atomic_fetch_add(&attempts, 1);
	long at = atomic_load(&fail_at);
	bool fails = at >= 0 && (atomic_load(&sticky) ? n >= at : n == at);
	if (fails) atomic_fetch_add(&failures, 1);
	return fails;
}

static long size_of(void *block)
{
	return (long)malloc_usable_size(block);
}

static void *counted(void *block)
{
	if (block == NULL) return NULL;
	atomic_fetch_add(&live, 1);
	atomic_fetch_add(&live_bytes, size_of(block));
	return block;
}

static void *allocate(size_t size)
{
	return must_fail() ? NULL : counted(malloc(size));
}

static void *allocate_aligned(size_t alignment, size_t size)
{
	return must_fail() ? NULL : counted(aligned_alloc(alignment, size));
}

static void *resize(void *block, size_t size)
{
	if (must_fail()) return NULL;
	long before = block ? size_of(block) : 0;
	void *moved = realloc(block, size);
	if (block == NULL) return counted(moved);
	if (moved != NULL) atomic_fetch_add(&live_bytes, size_of(moved) - before);
	return moved;
}

static void release(void *block)
{
	if (block == NULL) return;
	atomic_fetch_sub(&live, 1);
	atomic_fetch_sub(&live_bytes, size_of(block));
	free(block);
}

void failing_allocator_install(void)
{
	static const weft_allocator failing = { allocate, allocate_aligned, resize, release };
	atomic_store(&live, 0);
	atomic_store(&live_bytes, 0);
	failing_allocator_fail_at(-1, FAIL_ONCE);
	weft_allocator_set(&failing);
}

void failing_allocator_remove(void)
{
	weft_allocator_set(NULL);
}

void failing_allocator_fail_at(long n, enum failing_allocator_mode mode)
{
	atomic_store(&attempts, 0);
	atomic_store(&failures, 0);
	atomic_store(&sticky, mode == FAIL_STICKY);
	atomic_store(&fail_at, n);
}

long failing_allocator_attempts(void)
{
	return atomic_load(&attempts);
}

long failing_allocator_failures(void)
{
	return atomic_load(&failures);
}

long failing_allocator_live(void)
{
	return atomic_load(&live);
}

long failing_allocator_live_bytes(void)
{
	return atomic_load(&live_bytes);
}
