/* While it is set nobody is in the list. Everything is guarded by `lock` when shared, else all of
 * one worker. */
#include "runtime/event.h"

#include "executor/platform.h"
#include "runtime/worker.h"

typedef struct __attribute__((may_alias)) event_words {
	wf_waitlist waiting;
	wf_spin lock;
	bool set;
	bool shared;
} event_words;
static_assert(sizeof(event_words) <= sizeof(weft_event), "it lies in the caller's words");

static event_words *words_of(weft_event *event)
{
	return (event_words *)(void *)event;
}

/* Who waits, waits where it is used. */
static inline void enter(event_words *event)
{
	if (event->shared) wf_spin_lock(&event->lock);
	const wf_waiting *first = event->waiting.first;
	wf_assert(event->shared || first == NULL || first->task->worker == wf_worker_here());
}

static inline void leave(event_words *event)
{
	if (event->shared) wf_spin_unlock(&event->lock);
}

void weft_event_init_shared(weft_event *public)
{
	*words_of(public) = (event_words){ .shared = true };
}

unsigned wf_event_wait_flags(weft_event *public)
{
	return words_of(public)->shared ? WF_WAIT_SHARED : 0;
}

bool wf_event_watch(weft_event *public, wf_waiting *node)
{
	event_words *event = words_of(public);
	enter(event);
	bool set = event->set;
	if (!set) wf_waitlist_push(&event->waiting, node);
	leave(event);
	return !set;
}

void wf_event_unwatch(weft_event *public, wf_waiting *node)
{
	event_words *event = words_of(public);
	enter(event);
	wf_waitlist_remove(&event->waiting, node);
	leave(event);
}

static int wait_slowly(event_words *event)
{
	wf_waiting waiting;
	wf_spin *lock = event->shared ? &event->lock : NULL;
	return wf_waitlist_wait(&event->waiting, &waiting, lock, "an event", event);
}

int weft_event_wait(weft_event *public)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	event_words *event = words_of(public);
	enter(event);
	if (!event->set) return wait_slowly(event);
	leave(event);
	return 0;
}

void weft_event_set(weft_event *public)
{
	event_words *event = words_of(public);
	wf_woken woken;
	wf_waiting *node;
	wf_woken_init(&woken);
	enter(event);
	event->set = true;
	while ((node = wf_waitlist_claim(&event->waiting)) != NULL) wf_woken_add(&woken, node, 0);
	bool shared = event->shared;
	leave(event);
	wf_woken_wake(&woken, shared);
}

void weft_event_clear(weft_event *public)
{
	event_words *event = words_of(public);
	enter(event);
	event->set = false;
	leave(event);
}

bool weft_event_is_set(weft_event *public)
{
	event_words *event = words_of(public);
	enter(event);
	bool set = event->set;
	leave(event);
	return set;
}
