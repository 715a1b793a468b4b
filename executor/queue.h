/* A bounded queue of pointers, many producers and many consumers, from which whoever put a pointer
 * in may take it out again. Nobody ever waits for anybody: a thread that loses its core in the
 * middle of a push or a pop holds nobody up.
 *
 * A pointer travels in a cell. Cells are as many as the limit and live as long as the queue, so
 * that a stale look at one is harmless. A withdrawn pointer leaves its cell in the queue, empty,
 * until a pop passes it or a push needs it. */
#ifndef WF_EXECUTOR_QUEUE_H
#define WF_EXECUTOR_QUEUE_H

#include "context/base.h"

#include <ck_fifo.h>
#include <ck_stack.h>

WEFT_BEGIN

typedef struct wf_queue_cell wf_queue_cell;

typedef struct wf_queue {
	_Alignas(WF_CACHE_LINE) ck_fifo_mpmc_t order;
	_Alignas(WF_CACHE_LINE) ck_stack_t free; /* cells */
	_Alignas(WF_CACHE_LINE) wf_queue_cell *cells;
	ck_fifo_mpmc_entry_t *nodes;
	unsigned limit;
	unsigned withdrawn; /* empty cells that are still in the order */
} wf_queue;

/* Errors: ENOMEM. */
WEFT_MUST int wf_queue_init(wf_queue *queue, unsigned limit);
void wf_queue_fini(wf_queue *queue);

/* False when full. `*cell` is written before anybody can pop the item, and not touched after.
 * Thread: any. */
WEFT_MUST bool wf_queue_push(wf_queue *queue, void *item, int64_t since_ns, wf_queue_cell **cell);

/* Whether there is nothing to pop; withdrawn items count. Exact at one moment during the call.
 * Thread: any. */
bool wf_queue_empty(const wf_queue *queue);

/* The oldest item, or NULL when there is none. Thread: any. */
void *wf_queue_pop(wf_queue *queue);

/* True: the item was still in, and nobody will get it. `cell` is what its push gave. Thread: any.
 */
WEFT_MUST bool wf_queue_withdraw(wf_queue *queue, wf_queue_cell *cell, void *item);

/* When the item that waits longest was put in, or INT64_MAX: a look at all cells. Thread: any. */
int64_t wf_queue_oldest_ns(const wf_queue *queue);

/* A full fence: between a push and a look at who sleeps, and between lying down and the last look
 * into the queue. Of the two at least one sees the other. */
void wf_queue_fence(void);

WEFT_END
#endif
