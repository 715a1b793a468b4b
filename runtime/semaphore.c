/* While somebody waits there are no permits: a release goes to the oldest waiter, or, when none can
 * be won any more, into the count. Everything is guarded by `lock` when shared, else all of one
 * worker. */
#include <weft/error.h>
#include <weft/sync.h>

#include "executor/platform.h"
#include "runtime/waitlist.h"
#include "runtime/worker.h"

typedef struct __attribute__((may_alias)) semaphore_words {
	wf_waitlist waiting;
	intptr_t permits;
	wf_spin lock;
	bool shared;
} semaphore_words;
static_assert(sizeof(semaphore_words) <= sizeof(weft_semaphore), "it lies in the caller's words");

static semaphore_words *words_of(weft_semaphore *semaphore)
{
	return (semaphore_words *)(void *)semaphore;
}

static inline void enter(semaphore_words *semaphore)
{
	if (semaphore->shared) wf_spin_lock(&semaphore->lock);
}

static inline void leave(semaphore_words *semaphore)
{
	if (semaphore->shared) wf_spin_unlock(&semaphore->lock);
}

/* Who waits, waits where it is used. */
static void check_worker(const semaphore_words *semaphore)
{
	const wf_waiting *first = semaphore->waiting.first;
	wf_assert(semaphore->shared || first == NULL || first->task->worker == wf_worker_here());
}

static void init(weft_semaphore *public, int permits, bool shared)
{
	wf_assert(permits >= 0);
	*words_of(public) = (semaphore_words){ .permits = permits, .shared = shared };
}

void weft_semaphore_init(weft_semaphore *public, int permits)
{
	init(public, permits, false);
}

void weft_semaphore_init_shared(weft_semaphore *public, int permits)
{
	init(public, permits, true);
}

static int acquire_slowly(semaphore_words *semaphore)
{
	wf_waiting waiting;
	wf_spin *lock = semaphore->shared ? &semaphore->lock : NULL;
	return wf_waitlist_wait(&semaphore->waiting, &waiting, lock, "a semaphore", semaphore);
}

int weft_semaphore_acquire(weft_semaphore *public)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	semaphore_words *semaphore = words_of(public);
	enter(semaphore);
	check_worker(semaphore);
	if (semaphore->permits == 0) return acquire_slowly(semaphore);
	semaphore->permits--;
	leave(semaphore);
	return 0;
}

int weft_semaphore_try_acquire(weft_semaphore *public)
{
	semaphore_words *semaphore = words_of(public);
	enter(semaphore);
	check_worker(semaphore);
	bool got = semaphore->permits > 0;
	if (got) semaphore->permits--;
	leave(semaphore);
	return got ? 0 : WEFT_EAGAIN;
}

void weft_semaphore_release(weft_semaphore *public)
{
	semaphore_words *semaphore = words_of(public);
	enter(semaphore);
	check_worker(semaphore);
	wf_waiting *next = wf_waitlist_claim(&semaphore->waiting);
	if (next == NULL) semaphore->permits++;
	bool shared = semaphore->shared;
	leave(semaphore);
	if (next != NULL) wf_waiting_wake(next, shared);
}
