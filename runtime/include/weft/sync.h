/* Locks that suspend the task instead of the thread: mutex, semaphore, event, and the suspending
 * side of limiters.
 *
 * They live in your memory and start as all zero bytes; nothing is allocated, nothing is to be
 * freed. They must stay where they are while anybody holds or waits. Whoever waits longest is
 * served first, and is handed the lock itself: nobody can slip in between. A cancelled wait has
 * acquired nothing, and what it would have been given goes to the next.
 *
 * One that was not made shared is for the tasks of one worker at a time: while a task holds it or
 * waits at it, a call on another worker is a broken promise that aborts, as far as it is noticed.
 * The init_shared functions make one for all workers; call them before anybody else can see it. */
#ifndef WEFT_SYNC_H
#define WEFT_SYNC_H
#include <weft/api.h>
#include <weft/limiter.h>
WEFT_BEGIN

/* The words are the runtime's. */
typedef struct weft_mutex {
	uintptr_t words[5] WEFT_DEFAULT;
} weft_mutex;
typedef struct weft_semaphore {
	uintptr_t words[4] WEFT_DEFAULT;
} weft_semaphore;
typedef struct weft_event {
	uintptr_t words[3] WEFT_DEFAULT;
} weft_event;

/* For use on all workers. Thread: any. */
WEFT_API void weft_mutex_init_shared(weft_mutex *mutex);

/* Waits until it is the caller's, who gives it back with unlock before the mutex's memory goes and
 * before the task ends. Thread: task. Suspends.
 * Errors: ECANCELED, EDEADLK when the caller has it already. EOWNERDEAD: a task ended while it had
 * the mutex. It is yours now, to be unlocked as ever, but what it guards may be half changed. Only
 * the first to lock it afterwards is told. */
WEFT_API WEFT_MUST int weft_mutex_lock(weft_mutex *mutex);
/* The same if it need not wait. Thread: task. Errors: EAGAIN, EDEADLK, EOWNERDEAD. */
WEFT_API WEFT_MUST int weft_mutex_try_lock(weft_mutex *mutex);
/* Hands it to the task that waits longest. By any other task than the owner it aborts.
 * Thread: task. */
WEFT_API void weft_mutex_unlock(weft_mutex *mutex);

/* Makes one with `permits` to take, 0 or more. All zero is one with none. Thread: any. */
WEFT_API void weft_semaphore_init(weft_semaphore *semaphore, int permits);
/* The same for use on all workers. Thread: any. */
WEFT_API void weft_semaphore_init_shared(weft_semaphore *semaphore, int permits);
/* Takes a permit; waits while there is none. Thread: task. Suspends. Errors: ECANCELED. */
WEFT_API WEFT_MUST int weft_semaphore_acquire(weft_semaphore *semaphore);
/* The same if it need not wait. Thread: worker; shared, any. Errors: EAGAIN. */
WEFT_API WEFT_MUST int weft_semaphore_try_acquire(weft_semaphore *semaphore);
/* Gives a permit, or a new one, to the task that waits longest, or to the next that comes.
 * Thread: worker; shared, any. */
WEFT_API void weft_semaphore_release(weft_semaphore *semaphore);

/* For use on all workers. Thread: any. */
WEFT_API void weft_event_init_shared(weft_event *event);
/* Waits until it is set; returns at once while it is. Thread: task. Suspends. Errors: ECANCELED. */
WEFT_API WEFT_MUST int weft_event_wait(weft_event *event);
/* Wakes all who wait, and holds nobody up from now on. Harmless when it is set.
 * Thread: worker; shared, any. */
WEFT_API void weft_event_set(weft_event *event);
/* From now on it is waited for again. Who was woken stays woken. Thread: worker; shared, any. */
WEFT_API void weft_event_clear(weft_event *event);
/* Thread: worker; shared, any. */
WEFT_API bool weft_event_is_set(weft_event *event);

/* Takes a token of the limiter, after those who came before; weft_limiter_give gives it back, and
 * is due whatever becomes of the task. Thread: task. Suspends. Errors: ECANCELED, ENOMEM; then no
 * token was taken. */
WEFT_API WEFT_MUST int weft_limiter_take(weft_limiter *limiter);

WEFT_END
#endif
