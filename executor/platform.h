/* Threads: start, join, park, unpark. The one way to them, as context/clock.h is the way to the
 * time; a simulation replaces the table and makes threads of coroutines.
 *
 * A thread that has nothing to do parks on a parker; whoever has something for it unparks it. A
 * parker holds at most one token, so an unpark that comes first is not lost. Mutexes are for short
 * sections that never park inside; they are not in the table. */
#ifndef WF_EXECUTOR_PLATFORM_H
#define WF_EXECUTOR_PLATFORM_H

#include "context/base.h"

#include <pthread.h>

WEFT_BEGIN

#define WF_FOREVER INT64_MAX

typedef void wf_thread_fn(void *arg);

typedef struct wf_thread {
	wf_thread_fn *fn;
	void *arg;
	pthread_t id;
	void *other;   /* a replacement's own */
	char name[16]; /* as the kernel and the debugger show it */
} wf_thread;

typedef struct wf_parker {
	pthread_mutex_t mutex;
	pthread_cond_t token_came;
	bool token;
	void *other; /* a replacement's own */
} wf_parker;

typedef enum wf_thread_flags {
	WF_THREAD_NO_SIGNALS = 1, /* all signals are blocked on it: they go to other threads */
} wf_thread_flags;

typedef struct wf_platform {
	int (*thread_start)(wf_thread *thread, unsigned flags);
	void (*thread_join)(wf_thread *thread);
	void (*thread_detach)(wf_thread *thread);
	void (*thread_yield)(void);
	int (*parker_init)(wf_parker *parker);
	void (*parker_fini)(wf_parker *parker);
	bool (*park)(wf_parker *parker, int64_t until_ns);
	void (*unpark)(wf_parker *parker);
	unsigned (*cpus)(void);
} wf_platform;

extern const wf_platform *wf_platform_current __attribute__((visibility("hidden")));
extern const wf_platform wf_platform_posix __attribute__((visibility("hidden")));

/* NULL restores POSIX threads. Thread: one, while no run and no pool is alive. */
void wf_platform_set(const wf_platform *platform);

/* Runs fn(arg) on a thread of its own. `name` is copied, and cut at 15 bytes. `*thread` must not
 * move until it is joined or detached, which it must be. Thread: any. Errors: EAGAIN when the
 * system has no thread left, ENOMEM. */
WEFT_MUST int wf_thread_start(
	wf_thread *thread, const char *name, wf_thread_fn *fn, void *arg, unsigned flags);

/* Blocks the thread until `thread` has ended. */
static inline void wf_thread_join(wf_thread *thread)
{
	wf_platform_current->thread_join(thread);
}

static inline void wf_thread_detach(wf_thread *thread)
{
	wf_platform_current->thread_detach(thread);
}

/* Lets another thread have the core, for loops that wait for a few instructions of another. */
static inline void wf_thread_yield(void)
{
	wf_platform_current->thread_yield();
}

/* A breath between two looks at a word that another core is about to write. */
static inline void wf_thread_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#endif
}

/* How many CPUs this process may use; at least 1. */
static inline unsigned wf_cpus(void)
{
	return wf_platform_current->cpus();
}

/* Errors: ENOMEM. */
WEFT_MUST static inline int wf_parker_init(wf_parker *parker)
{
	return wf_platform_current->parker_init(parker);
}

/* Once no unpark can come any more, or is still under way in another thread other than the one
 * that just ended a park here. */
static inline void wf_parker_fini(wf_parker *parker)
{
	wf_platform_current->parker_fini(parker);
}

/* Waits for the token and takes it; false when `until_ns` (of wf_now_ns, or WF_FOREVER) came first.
 * Everything before the unpark happens before the return. Blocks the thread. Thread: one at a
 * time. */
static inline bool wf_park(wf_parker *parker, int64_t until_ns)
{
	return wf_platform_current->park(parker, until_ns);
}

/* Puts the token in. The parker may be gone as soon as its thread has taken it. Thread: any. */
static inline void wf_unpark(wf_parker *parker)
{
	wf_platform_current->unpark(parker);
}

typedef pthread_mutex_t wf_mutex;

#define WF_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER

static inline void wf_mutex_init(wf_mutex *mutex)
{
	int rc = pthread_mutex_init(mutex, NULL);
	wf_assert(rc == 0); /* without attributes it only writes the struct */
}

static inline void wf_mutex_fini(wf_mutex *mutex)
{
	int rc = pthread_mutex_destroy(mutex);
	wf_assert(rc == 0);
}

static inline void wf_mutex_lock(wf_mutex *mutex)
{
	int rc = pthread_mutex_lock(mutex);
	wf_assert(rc == 0);
}

static inline void wf_mutex_unlock(wf_mutex *mutex)
{
	int rc = pthread_mutex_unlock(mutex);
	wf_assert(rc == 0);
}

/* Four bytes, for a section of a few loads and stores inside an object of which there are many. A
 * thread that finds it taken spins a little and then yields: the holder may have lost its core. */
typedef struct wf_spin {
	uint32_t taken;
} wf_spin;

void wf_spin_wait(wf_spin *spin);

/* Acquire; pairs with the release of wf_spin_unlock. */
static inline void wf_spin_lock(wf_spin *spin)
{
	if (wf_unlikely(__atomic_exchange_n(&spin->taken, 1, __ATOMIC_ACQUIRE) != 0))
		wf_spin_wait(spin);
}

static inline void wf_spin_unlock(wf_spin *spin)
{
	__atomic_store_n(&spin->taken, 0, __ATOMIC_RELEASE);
}

WEFT_END
#endif
