/* An intrusive, circular, doubly linked list. The head is a node of its own; a node that is in no
 * list points to itself after wf_list_init or wf_list_remove, so removing twice is harmless.
 * Thread: whoever owns the list. */
#ifndef WF_CONTEXT_LIST_H
#define WF_CONTEXT_LIST_H

#include "context/base.h"

WEFT_BEGIN

typedef struct wf_list {
	struct wf_list *next, *prev;
} wf_list;

static inline void wf_list_init(wf_list *list)
{
	list->next = list->prev = list;
}

static inline bool wf_list_empty(const wf_list *list)
{
	return list->next == list;
}

static inline void wf_list_insert_(wf_list *node, wf_list *prev, wf_list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

static inline void wf_list_push_back(wf_list *list, wf_list *node)
{
	wf_list_insert_(node, list->prev, list);
}

static inline void wf_list_push_front(wf_list *list, wf_list *node)
{
	wf_list_insert_(node, list, list->next);
}

static inline void wf_list_remove(wf_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	wf_list_init(node);
}

/* The oldest node, taken out; NULL when the list is empty. */
static inline wf_list *wf_list_pop_front(wf_list *list)
{
	wf_list *node = list->next;
	if (node == list) return NULL;
	wf_list_remove(node);
	return node;
}

/* Moves all of `from` to the end of `to`. */
static inline void wf_list_append(wf_list *to, wf_list *from)
{
	if (wf_list_empty(from)) return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	wf_list_init(from);
}

#define wf_list_entry(node, type, member) wf_container_of(node, type, member)
#define wf_list_first(list, type, member) wf_container_of((list)->next, type, member)

/* `node` may be removed in the body. */
#define wf_list_for_each(node, list)                                                               \
	for (wf_list *node = (list)->next, *wf_next_ = node->next; node != (list);                     \
		 node = wf_next_, wf_next_ = node->next)

WEFT_END
#endif
