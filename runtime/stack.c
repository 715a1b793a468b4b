/* Layout: a class has regions, each a reservation (no memory, no access) four times as large as the
 * one before; a region is opened from its low end in slabs; a slab is a row of [guard | stack].
 * Opening the next slab extends the readable mapping that lies below it, so a region is two
 * mappings however many stacks it holds, as long as guards are page-table marks.
 *
 * A guard is three pages. More than one, so that a frame of some kilobytes cannot step over it;
 * an odd number, so that the distance of two stacks is an odd number of pages too and their hot top
 * pages spread over the sets of the second-level cache instead of sharing a few. (To shift the tops
 * within their pages as well was measured: faster with 100 in turn, slower with 10,000.)
 *
 * Invariants: made <= room in each class, and count <= made; a stack beyond `made` of its region
 * has no guard yet and has never been handed out. */
#include "runtime/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <weft/error.h>

#include "context/alloc.h"
#include "runtime/stack_watch.h"

#ifdef WF_STACK_ANNOTATED
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13, younger than the C library's headers */
#endif

#define SLAB_BYTES         ((size_t)4 << 20)
#define FIRST_REGION_BYTES ((size_t)64 << 20)
#define REGION_BYTES_MAX   ((size_t)64 << 30)
#define GUARD_PAGES        3

struct wf_stack_region {
	wf_stack_region *older;
	const wf_stack_pool *pool;
	char *base;
	size_t guard;
	size_t stride; /* guard and stack */
	size_t slab_stacks;
	size_t slabs_max;
	size_t slabs; /* opened */
	size_t made;  /* stacks that have their guard; they come first */
	int ticket;
	wf_stack *stacks[]; /* the descriptors of each slab */
};

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t at_least(size_t value, size_t least)
{
	return value < least ? least : value;
}

static size_t at_most(size_t value, size_t most)
{
	return value > most ? most : value;
}

static size_t class_size(size_t size_class)
{
	return at_least(WF_STACK_SIZE_MIN << size_class, page_size());
}

/* The least class that holds `size` <= WF_STACK_SIZE_MAX. */
static uint8_t class_of(size_t size)
{
	uint8_t size_class = 0;
	while ((WF_STACK_SIZE_MIN << size_class) < size) size_class++;
	return size_class;
}

static size_t region_bytes(const wf_stack_region *region)
{
	return region->slabs_max * region->slab_stacks * region->stride;
}

static wf_stack *region_stack(const wf_stack_region *region, size_t index)
{
	return &region->stacks[index / region->slab_stacks][index % region->slab_stacks];
}

int wf_stack_pool_init(wf_stack_pool *pool, size_t stack_size, size_t max)
{
	if (stack_size == 0) stack_size = WF_STACK_SIZE_DEFAULT;
	if (stack_size > WF_STACK_SIZE_MAX) return -EINVAL;
	*pool = (wf_stack_pool){
		.default_class = class_of(stack_size),
		.max = max ? max : WF_STACK_COUNT_MAX,
	};
	return 0;
}

static void free_region(wf_stack_region *region)
{
	wf_stack_watch_remove(region->ticket);
	(void)munmap(region->base, region_bytes(region));
	for (size_t i = 0; i < region->slabs; i++) wf_free(region->stacks[i]);
	wf_free(region);
}

void wf_stack_pool_fini(wf_stack_pool *pool)
{
	wf_assert(pool->taken == 0);
	for (size_t i = 0; i < WF_STACK_CLASSES; i++) {
		wf_stack_class *sized = &pool->classes[i];
		while (sized->newest != NULL) {
			wf_stack_region *older = sized->newest->older;
			free_region(sized->newest);
			sized->newest = older;
		}
		wf_free(sized->ready);
	}
	*pool = (wf_stack_pool){ 0 };
}

/* The fault handler asks whose guard an address is in. What it reads was written before the stack
 * could overflow, by the thread that overflowed. */
static bool describe_fault(const void *owner, uintptr_t address, wf_stack_fault *fault)
{
	const wf_stack_region *region = owner;
	size_t offset = address - (uintptr_t)region->base;
	size_t index = offset / region->stride;
	if (index >= region->made || offset % region->stride >= region->guard) return false;
	const wf_stack *stack = region_stack(region, index);
	fault->size = stack->size;
	if (region->pool->describe != NULL && stack->owner != NULL)
		region->pool->describe(stack, &fault->task, &fault->site);
	return true;
}

/* Reserves at most `bytes` and at least one slab, halving where the address space is short. */
static char *reserve(size_t slab_bytes, size_t *slabs)
{
	for (;; *slabs /= 2) {
		char *base = mmap(NULL, *slabs * slab_bytes, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
		if (base != MAP_FAILED) return base;
		if (*slabs == 1) return NULL;
	}
}

static size_t slabs_wanted(
	const wf_stack_pool *pool, const wf_stack_class *sized, size_t slab_stacks, size_t slab_bytes)
{
	size_t bytes = FIRST_REGION_BYTES;
	if (sized->newest != NULL) bytes = region_bytes(sized->newest) * 4;
	size_t ever = (pool->max - sized->made + slab_stacks - 1) / slab_stacks;
	return at_least(at_most(at_most(bytes, REGION_BYTES_MAX) / slab_bytes, ever), 1);
}

static int add_region(wf_stack_pool *pool, wf_stack_class *sized, size_t size)
{
	size_t guard = at_least(page_size(), at_most(GUARD_PAGES * page_size(), 32768));
	size_t stride = guard + size;
	size_t slab_stacks = at_least(at_most(SLAB_BYTES / stride, pool->max), 1);
	size_t slabs = slabs_wanted(pool, sized, slab_stacks, slab_stacks * stride);

	char *base = reserve(slab_stacks * stride, &slabs);
	if (base == NULL) return -ENOMEM;
	/* A huge page would be 2 MiB for one parked task. Kernels without them say EINVAL. */
	(void)madvise(base, slabs * slab_stacks * stride, MADV_NOHUGEPAGE);

	wf_stack_region *region = wf_zalloc(sizeof *region + slabs * sizeof *region->stacks);
	if (region == NULL) goto unmap;
	region->older = sized->newest;
	region->pool = pool;
	region->base = base;
	region->guard = guard;
	region->stride = stride;
	region->slab_stacks = slab_stacks;
	region->slabs_max = slabs;
	region->ticket = wf_stack_watch_add(base, region_bytes(region), describe_fault, region);
	if (region->ticket < 0) goto free;
	sized->newest = region;
	return 0;

free:
	wf_free(region);
unmap:
	(void)munmap(base, slabs * slab_stacks * stride);
	return -ENOMEM;
}

static int open_slab(wf_stack_region *region, uint8_t size_class)
{
	size_t bytes = region->slab_stacks * region->stride;
	char *base = region->base + region->slabs * bytes;
	wf_stack *stacks = wf_alloc(region->slab_stacks * sizeof *stacks);
	if (stacks == NULL) return -ENOMEM;
	if (mprotect(base, bytes, PROT_READ | PROT_WRITE) != 0) {
		int rc = -errno;
		wf_free(stacks);
		return rc;
	}
	for (size_t i = 0; i < region->slab_stacks; i++)
		stacks[i] = (wf_stack){
			.low = base + i * region->stride + region->guard,
			.size = region->stride - region->guard,
			.size_class = size_class,
		};
	region->stacks[region->slabs++] = stacks;
	return 0;
}

/* `ready` must hold a slab more, lest giving a stack back could fail. */
static int make_room(wf_stack_class *sized, size_t more)
{
	if (sized->made + more <= sized->room) return 0;
	size_t room = at_least(sized->room * 2, sized->made + more);
	wf_stack **ready = wf_realloc(sized->ready, room * sizeof *ready);
	if (ready == NULL) return -ENOMEM;
	sized->ready = ready;
	sized->room = room;
	return 0;
}

/* WEFT_EFULL: the kernel allows no further mapping, which is all that can be wrong with taking the
 * access to a page of one's own away. */
static int install_guard(wf_stack_pool *pool, char *guard, size_t size)
{
	if (!pool->guard_by_mprotect) {
		if (madvise(guard, size, MADV_GUARD_INSTALL) == 0) return 0;
		/* EINVAL: a kernel before 6.13, or the memory is locked. */
		if (errno != EINVAL) return -errno;
		pool->guard_by_mprotect = true;
	}
	if (mprotect(guard, size, PROT_NONE) == 0) return 0;
	return errno == ENOMEM ? WEFT_EFULL : -errno;
}

static int make_stack(wf_stack_pool *pool, size_t size_class, wf_stack **made)
{
	wf_stack_class *sized = &pool->classes[size_class];
	wf_stack_region *region = sized->newest;
	int rc;
	if (region == NULL || region->made == region->slabs_max * region->slab_stacks) {
		rc = add_region(pool, sized, class_size(size_class));
		if (rc != 0) return rc;
		region = sized->newest;
	}
	if (region->made == region->slabs * region->slab_stacks) {
		rc = open_slab(region, (uint8_t)size_class);
		if (rc != 0) return rc;
	}
	rc = make_room(sized, 1);
	if (rc != 0) return rc;
	wf_stack *stack = region_stack(region, region->made);
	rc = install_guard(pool, stack->low - region->guard, region->guard);
	if (rc != 0) return rc;
	region->made++;
	sized->made++;
	*made = stack;
	return 0;
}

static long max_map_count(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return 0;
	ssize_t length = read(fd, text, sizeof text - 1);
	(void)close(fd);
	return length > 0 ? strtol(text, NULL, 10) : 0;
}

/* Once per reason: a full worker would say it at every spawn. */
static void report(wf_stack_pool *pool, int rc)
{
	bool own_limit = pool->taken >= pool->max;
	uint8_t reason = own_limit ? 1 : rc == WEFT_EFULL ? 2 : 4;
	if (pool->report == NULL || (pool->reported & reason)) return;
	pool->reported |= reason;
	char text[256];
	if (own_limit)
		(void)snprintf(text, sizeof text, "all %zu stacks of this worker are in use", pool->max);
	else if (rc == WEFT_EFULL)
		(void)snprintf(text, sizeof text,
			"no more stacks after %zu: without MADV_GUARD_INSTALL (Linux 6.13, memory not locked) "
			"each takes two mappings, and vm.max_map_count is %ld; raise it",
			pool->taken, max_map_count());
	else
		(void)snprintf(text, sizeof text, "no memory for another stack after %zu: %s", pool->taken,
			strerror(-rc));
	pool->report(pool->report_arg, rc, text);
}

wf_stack *wf_stack_take_new(wf_stack_pool *pool, size_t size_class)
{
	wf_stack *stack = NULL;
	int rc = WEFT_EFULL;
	if (pool->taken < pool->max) rc = make_stack(pool, size_class, &stack);
	if (rc != 0) {
		pool->error = rc;
		report(pool, rc);
		return NULL;
	}
	pool->taken++;
	wf_stack_annotate_take(stack);
	return stack;
}

wf_stack *wf_stack_take_sized(wf_stack_pool *pool, size_t size)
{
	if (size > WF_STACK_SIZE_MAX) {
		pool->error = -EINVAL;
		return NULL;
	}
	return wf_stack_take_class(pool, class_of(size));
}

void wf_stack_forget(wf_stack *stack)
{
	/* Fails only where memory is locked, and there it is meant to stay. */
	(void)madvise(stack->low, stack->size, MADV_DONTNEED);
}

bool wf_stack_pool_trim(wf_stack_pool *pool)
{
	size_t left = WF_STACK_TRIM_MAX;
	for (size_t i = 0; i < WF_STACK_CLASSES; i++) {
		wf_stack_class *sized = &pool->classes[i];
		sized->cold = at_most(sized->cold, sized->low_water);
		for (; sized->cold < sized->low_water && left > 0; left--)
			wf_stack_forget(sized->ready[sized->cold++]);
		if (sized->cold < sized->low_water) return true;
	}
	for (size_t i = 0; i < WF_STACK_CLASSES; i++)
		pool->classes[i].low_water = pool->classes[i].count;
	return false;
}

bool wf_stack_pool_warm(const wf_stack_pool *pool)
{
	for (size_t i = 0; i < WF_STACK_CLASSES; i++) {
		const wf_stack_class *sized = &pool->classes[i];
		if (at_most(sized->cold, sized->low_water) < sized->count) return true;
	}
	return false;
}

/* The stack may be in use, and its frames belong to somebody else: no sanitizer looks on. */
__attribute__((no_sanitize("address", "thread"))) size_t wf_stack_used(const wf_stack *stack)
{
	unsigned char resident[WF_STACK_SIZE_MAX / 4096];
	size_t page = page_size(), pages = stack->size / page, first = 0;
	if (mincore(stack->low, stack->size, resident) != 0) return 0;
	while (first < pages && !(resident[first] & 1)) first++;
	const volatile uintptr_t *word = (const void *)(stack->low + first * page);
	const volatile uintptr_t *top = (const void *)(stack->low + stack->size);
	while (word < top && *word == 0) word++;
	return (size_t)((uintptr_t)top - (uintptr_t)word);
}

#ifdef WF_STACK_ANNOTATED
void wf_stack_annotate_take(const wf_stack *stack)
{
	__lsan_register_root_region(stack->low, stack->size);
}

/* What the last frames poisoned must not outlive them, least of all the mapping. */
void wf_stack_annotate_give(const wf_stack *stack)
{
	__lsan_unregister_root_region(stack->low, stack->size);
	__asan_unpoison_memory_region(stack->low, stack->size);
}
#endif
