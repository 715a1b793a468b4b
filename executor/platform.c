/* POSIX threads behind the table. The parker is a mutex, a condition and a flag rather than a
 * futex: the kernel's part of a wake costs a hundred times more than what a futex would save. */
#include "executor/platform.h"
#include "context/clock.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <weft/error.h>

static void *thread_main(void *arg)
{
	wf_thread *thread = arg;
	/* A detached thread's struct may be gone before fn returns; nothing is read after it. */
	pthread_setname_np(pthread_self(), thread->name);
	thread->fn(thread->arg);
	return NULL;
}

static int posix_thread_start(wf_thread *thread, unsigned flags)
{
	sigset_t all, former;
	if (flags & WF_THREAD_NO_SIGNALS) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &former); /* inherited by the new thread */
	}
	int rc = pthread_create(&thread->id, NULL, thread_main, thread);
	if (flags & WF_THREAD_NO_SIGNALS) pthread_sigmask(SIG_SETMASK, &former, NULL);
	return -rc;
}

static void posix_thread_join(wf_thread *thread)
{
	int rc = pthread_join(thread->id, NULL);
	wf_assert(rc == 0);
}

static void posix_thread_detach(wf_thread *thread)
{
	int rc = pthread_detach(thread->id);
	wf_assert(rc == 0);
}

static void posix_thread_yield(void)
{
	sched_yield();
}

static int posix_parker_init(wf_parker *parker)
{
	pthread_condattr_t attributes;
	int rc = pthread_condattr_init(&attributes);
	if (rc != 0) return -rc;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	rc = pthread_cond_init(&parker->token_came, &attributes);
	pthread_condattr_destroy(&attributes);
	if (rc != 0) return -rc;
	wf_mutex_init(&parker->mutex);
	parker->token = false;
	parker->other = NULL;
	return 0;
}

static void posix_parker_fini(wf_parker *parker)
{
	wf_mutex_fini(&parker->mutex);
	pthread_cond_destroy(&parker->token_came);
}

/* False when the time has come. The wait is for the kernel's clock, so that a replaced wf_clock
 * stands still for it only as long as its owner wants: the table is replaced with the clock. */
static bool wait_for_token(wf_parker *parker, int64_t until_ns)
{
	if (until_ns == WF_FOREVER) {
		pthread_cond_wait(&parker->token_came, &parker->mutex);
		return true;
	}
	if (until_ns < 0) until_ns = 0;
	struct timespec until = { .tv_sec = (time_t)(until_ns / 1000000000),
		.tv_nsec = (long)(until_ns % 1000000000) };
	return pthread_cond_timedwait(&parker->token_came, &parker->mutex, &until) != ETIMEDOUT;
}

static bool posix_park(wf_parker *parker, int64_t until_ns)
{
	wf_mutex_lock(&parker->mutex);
	while (!parker->token && wait_for_token(parker, until_ns)) continue;
	bool token = parker->token;
	parker->token = false;
	wf_mutex_unlock(&parker->mutex);
	return token;
}

/* Signals under the mutex: the parked thread cannot have returned, and destroyed the parker, before
 * the signal is over. */
static void posix_unpark(wf_parker *parker)
{
	wf_mutex_lock(&parker->mutex);
	parker->token = true;
	pthread_cond_signal(&parker->token_came);
	wf_mutex_unlock(&parker->mutex);
}

static unsigned posix_cpus(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
	int count = CPU_COUNT(&set);
	return count > 0 ? (unsigned)count : 1;
}

const wf_platform wf_platform_posix = {
	.thread_start = posix_thread_start,
	.thread_join = posix_thread_join,
	.thread_detach = posix_thread_detach,
	.thread_yield = posix_thread_yield,
	.parker_init = posix_parker_init,
	.parker_fini = posix_parker_fini,
	.park = posix_park,
	.unpark = posix_unpark,
	.cpus = posix_cpus,
};

const wf_platform *wf_platform_current = &wf_platform_posix;

void wf_platform_set(const wf_platform *platform)
{
	wf_platform_current = platform ? platform : &wf_platform_posix;
}

int wf_thread_start(
	wf_thread *thread, const char *name, wf_thread_fn *fn, void *arg, unsigned flags)
{
	thread->fn = fn;
	thread->arg = arg;
	thread->other = NULL;
	snprintf(thread->name, sizeof(thread->name), "%s", name);
	return wf_platform_current->thread_start(thread, flags);
}

void wf_spin_wait(wf_spin *spin)
{
	unsigned rounds = 0;
	do {
		while (__atomic_load_n(&spin->taken, __ATOMIC_RELAXED) != 0) {
			if (++rounds % 64 != 0) {
				wf_thread_pause();
			} else {
				wf_thread_yield();
			}
		}
	} while (__atomic_exchange_n(&spin->taken, 1, __ATOMIC_ACQUIRE) != 0);
}
