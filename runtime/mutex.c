/* The owner is a task. Unlocking hands over: the oldest waiter is the owner before it runs, so that
 * nobody slips in between and two who loop alternate.
 *
 * A task keeps a list of what it holds, so that its end can pass the mutexes on. One that lies on
 * the task's own stack is not in it: by the end of the task its memory is gone, and, since groups
 * join, so is everybody who could have known it.
 *
 *   field     guarded by
 *   owner, orphaned, waiting    `lock` when shared, else all of one worker
 *   next_held                   the owner
 *
 * A shared mutex's owner reads `owner` without the lock: nobody else writes it meanwhile. */
#include "runtime/mutex.h"

#include <weft/error.h>
#include <weft/report.h>
#include <weft/sync.h>

#include "executor/platform.h"
#include "runtime/waitlist.h"
#include "runtime/worker.h"

struct __attribute__((may_alias)) wf_mutex_words {
	weft_task *owner;
	wf_waitlist waiting;
	wf_mutex_words *next_held;
	wf_spin lock;
	bool shared;
	bool orphaned; /* its last owner ended without letting go; the next is told */
};
static_assert(sizeof(wf_mutex_words) <= sizeof(weft_mutex), "it lies in the caller's words");

static wf_mutex_words *words_of(weft_mutex *mutex)
{
	return (wf_mutex_words *)(void *)mutex;
}

static inline void enter(wf_mutex_words *mutex)
{
	if (mutex->shared) wf_spin_lock(&mutex->lock);
}

static inline void leave(wf_mutex_words *mutex)
{
	if (mutex->shared) wf_spin_unlock(&mutex->lock);
}

static bool on_own_stack(const weft_task *task, const wf_mutex_words *mutex)
{
	return (uintptr_t)mutex - (uintptr_t)task->stack->low < task->stack->size;
}

static void hold(weft_task *task, wf_mutex_words *mutex)
{
	if (on_own_stack(task, mutex)) return;
	mutex->next_held = task->held;
	task->held = mutex;
}

static void let_go(weft_task *task, wf_mutex_words *mutex)
{
	if (on_own_stack(task, mutex)) return;
	wf_mutex_words **at = &task->held;
	while (*at != mutex) at = &(*at)->next_held;
	*at = mutex->next_held;
}

/* Ownership goes to the oldest waiter; gives the one to wake. */
static wf_waiting *pass_on(wf_mutex_words *mutex, int result)
{
	wf_waiting *next = wf_waitlist_claim(&mutex->waiting);
	mutex->owner = next ? next->task : NULL;
	if (next != NULL) next->result = result;
	return next;
}

/* With the mutex entered. EAGAIN: somebody else has it. */
static inline int take(wf_mutex_words *mutex, weft_task *task)
{
	if (wf_unlikely(mutex->owner != NULL)) {
		if (mutex->owner == task) return WEFT_EDEADLK;
		wf_assert(mutex->shared || mutex->owner->worker == task->worker);
		return WEFT_EAGAIN;
	}
	mutex->owner = task;
	if (wf_likely(!mutex->orphaned)) return 0;
	mutex->orphaned = false;
	return WEFT_EOWNERDEAD;
}

static int lock_slowly(wf_mutex_words *mutex, weft_task *task)
{
	wf_waiting waiting;
	wf_spin *lock = mutex->shared ? &mutex->lock : NULL;
	int rc = wf_waitlist_wait(&mutex->waiting, &waiting, lock, "a mutex", mutex);
	if (rc != 0) return rc;
	hold(task, mutex);
	return waiting.result;
}

/* Only taking it, first hand or as a dead task's heir, is followed by holding it. */
static int lock_now(wf_mutex_words *mutex, weft_task *task)
{
	enter(mutex);
	int rc = take(mutex, task);
	leave(mutex);
	if (rc == 0 || rc == WEFT_EOWNERDEAD) hold(task, mutex);
	return rc;
}

int weft_mutex_lock(weft_mutex *public)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	wf_mutex_words *mutex = words_of(public);
	weft_task *task = wf_task_here();
	enter(mutex);
	rc = take(mutex, task);
	if (rc == WEFT_EAGAIN) return lock_slowly(mutex, task);
	leave(mutex);
	if (rc != WEFT_EDEADLK) hold(task, mutex);
	return rc;
}

int weft_mutex_try_lock(weft_mutex *public)
{
	weft_task *task = wf_task_here();
	if (task == NULL) return wf_worker_here() ? WEFT_ENOTASK : WEFT_ENORUN;
	return lock_now(words_of(public), task);
}

void weft_mutex_unlock(weft_mutex *public)
{
	wf_mutex_words *mutex = words_of(public);
	weft_task *task = wf_task_here();
	wf_assert(task != NULL && mutex->owner == task);
	let_go(task, mutex);
	enter(mutex);
	wf_waiting *next = pass_on(mutex, 0);
	bool shared = mutex->shared;
	leave(mutex);
	if (next != NULL) wf_waiting_wake(next, shared);
}

void weft_mutex_init_shared(weft_mutex *public)
{
	*words_of(public) = (wf_mutex_words){ .shared = true };
}

static void abandon(wf_mutex_words *mutex)
{
	enter(mutex);
	wf_waiting *next = pass_on(mutex, WEFT_EOWNERDEAD);
	mutex->orphaned = next == NULL;
	bool shared = mutex->shared;
	leave(mutex);
	if (next != NULL) wf_waiting_wake(next, shared);
}

void wf_mutex_abandon_all(weft_task *task)
{
	weft_report("task", "a task ended with a mutex locked", weft_log_text("name", task->name),
		weft_log_text("spawned", task->site));
	while (task->held != NULL) {
		wf_mutex_words *mutex = task->held;
		task->held = mutex->next_held;
		abandon(mutex);
	}
}
