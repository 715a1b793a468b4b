/* The tasks of a worker that are to run, first come, first served: a ring of pointers.
 *
 * A ring and not a list through the tasks, because many tasks do not fit into the caches, neither
 * their structs nor their stacks: whose turn comes soon must be known without touching what is to
 * be fetched. The ring has room for every live task of its worker, which is seen to when one
 * starts, so that making a task ready cannot fail.
 *
 * Thread: the worker's. */
#ifndef WF_RUNTIME_READY_H
#define WF_RUNTIME_READY_H

#include "runtime/task.h"

WEFT_BEGIN

enum {
	WF_READY_FETCH_TASK = 6, /* turns ahead: far enough that the pointer to the stack is there */
	WF_READY_FETCH_STACK = 3,
};

/* `first` and `end` only ever grow, and wrap; the place of n is n & mask. */
typedef struct wf_ready {
	weft_task **ring; /* NULL until a task starts */
	uint32_t first, end;
	uint32_t mask;
} wf_ready;

int wf_ready_grow(wf_ready *ready, uint32_t count);
/* Room for `count` tasks. Errors: ENOMEM, and everything is as it was. */
static inline int wf_ready_reserve(wf_ready *ready, uint32_t count)
{
	/* The mask of no ring at all is 0, and no task needs no room. */
	return wf_likely(count <= ready->mask) ? 0 : wf_ready_grow(ready, count);
}
void wf_ready_fini(wf_ready *ready);

static inline uint32_t wf_ready_count(const wf_ready *ready)
{
	return ready->end - ready->first;
}

static inline void wf_ready_put(wf_ready *ready, weft_task *task)
{
	wf_debug_assert(wf_ready_count(ready) <= ready->mask);
	ready->ring[ready->end++ & ready->mask] = task;
}

/* The one that waits longest; there is one. Fetches what its successors need, where there are so
 * many: to fetch from nowhere costs more than a switch. */
static inline weft_task *wf_ready_take(wf_ready *ready)
{
	uint32_t first = ready->first++;
	if (ready->end - first > WF_READY_FETCH_TASK) {
		__builtin_prefetch(ready->ring[(first + WF_READY_FETCH_TASK) & ready->mask]);
		wf_coro_prefetch(&ready->ring[(first + WF_READY_FETCH_STACK) & ready->mask]->coro);
	}
	return ready->ring[first & ready->mask];
}

WEFT_END
#endif
