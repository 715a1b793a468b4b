/* Who waits at a thing, oldest first: nodes on the stacks of the waiting tasks.
 *
 * All zero is an empty list, so that it can live in memory that nobody initialized. The list, its
 * nodes' links and `queued` belong to the thing: to its worker, or to whoever holds its lock.
 *
 * Serving one means: take it off, claim its wait, give it what it waits for and a result, unlock,
 * wake it. Between claim and wake the task stands still, so its node and its buffers may be used.
 * A node whose wait somebody else has won (a cancel, another case of its select) is only taken off:
 * what it would have been given goes to the next. */
#ifndef WF_RUNTIME_WAITLIST_H
#define WF_RUNTIME_WAITLIST_H

#include "context/base.h"
#include "executor/platform.h"
#include "runtime/wait.h"

typedef struct wf_waiting {
	struct wf_waiting *next, *prev;
	weft_task *task;
	wf_ticket ticket;
	int cause;   /* to claim the wait for: 0, or the index of a case */
	int result;  /* from whoever served it */
	bool queued; /* in the list */
} wf_waiting;

/* It may lie in words of the caller's. */
typedef struct __attribute__((may_alias)) wf_waitlist {
	wf_waiting *first, *last;
} wf_waitlist;

static inline void wf_waitlist_push(wf_waitlist *list, wf_waiting *node)
{
	node->next = NULL;
	node->prev = list->last;
	if (list->last != NULL)
		list->last->next = node;
	else
		list->first = node;
	list->last = node;
	node->queued = true;
}

/* Harmless when it was taken off before. */
static inline void wf_waitlist_remove(wf_waitlist *list, wf_waiting *node)
{
	if (!node->queued) return;
	node->queued = false;
	if (node->prev != NULL)
		node->prev->next = node->next;
	else
		list->first = node->next;
	if (node->next != NULL)
		node->next->prev = node->prev;
	else
		list->last = node->prev;
}

/* Takes off the oldest that can be won, and has won it; NULL when nobody is left. */
static inline wf_waiting *wf_waitlist_claim(wf_waitlist *list)
{
	wf_waiting *node;
	while ((node = list->first) != NULL) {
		wf_waitlist_remove(list, node);
		if (wf_likely(wf_wait_claim(node->task, node->ticket, node->cause))) return node;
	}
	return NULL;
}

/* Wakes one that was claimed; it may be gone afterwards. `shared`: it may be on another worker. */
static inline void wf_waiting_wake(wf_waiting *node, bool shared)
{
	if (shared)
		wf_wait_send(node->task);
	else
		wf_wait_wake(node->task);
}

/* Nodes that were claimed together, to be woken after the unlock, in that order. */
typedef struct wf_woken {
	wf_waiting *first, **last;
} wf_woken;

static inline void wf_woken_init(wf_woken *woken)
{
	woken->first = NULL;
	woken->last = &woken->first;
}

static inline void wf_woken_add(wf_woken *woken, wf_waiting *node, int result)
{
	node->result = result;
	node->next = NULL;
	*woken->last = node;
	woken->last = &node->next;
}

static inline void wf_woken_wake(wf_woken *woken, bool shared)
{
	for (wf_waiting *node = woken->first, *next; node != NULL; node = next) {
		next = node->next;
		wf_waiting_wake(node, shared);
	}
}

/* Lets the running task wait in `list` until it is served, or cancelled: then it has left. `lock`,
 * held, guards the list and is let go before it suspends; NULL: all of one worker. The names are
 * for the dump. 0, and node->result is what it was served with; or ECANCELED. */
int wf_waitlist_wait(
	wf_waitlist *list, wf_waiting *node, wf_spin *lock, const char *what, const void *object);

#endif
