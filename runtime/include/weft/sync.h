/* Locks that suspend: mutex, semaphore, event. */
#ifndef WEFT_SYNC_H
#define WEFT_SYNC_H
#include <weft/api.h>
#include <weft/limiter.h>
WEFT_BEGIN
/* Yours to place: the words are the runtime's. Zero is a valid start, no init can fail. */
typedef struct weft_mutex {
	uintptr_t words[4] WEFT_DEFAULT;
} weft_mutex;
typedef struct weft_event {
	uintptr_t words[3] WEFT_DEFAULT;
} weft_event;
typedef struct weft_semaphore {
	uintptr_t words[4] WEFT_DEFAULT;
} weft_semaphore;
WEFT_API WEFT_MUST int weft_mutex_lock(weft_mutex *mutex);
WEFT_API void weft_mutex_unlock(weft_mutex *mutex);
WEFT_API void weft_event_set(weft_event *event);
WEFT_API WEFT_MUST int weft_event_wait(weft_event *event);
WEFT_API void weft_semaphore_init(weft_semaphore *semaphore, int permits);
WEFT_API WEFT_MUST int weft_semaphore_acquire(weft_semaphore *semaphore);
WEFT_API void weft_semaphore_release(weft_semaphore *semaphore);
WEFT_API WEFT_MUST int weft_limiter_acquire(weft_limiter *limiter);
WEFT_API void weft_limiter_release(weft_limiter *limiter);
WEFT_END
#endif
