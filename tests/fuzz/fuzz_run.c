#include "tests/fuzz/fuzz_run.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

static struct {
	pthread_t thread;
	sem_t ready;
	weft_task_fn *live;
	weft_handle *handle;
} run;

void require(bool truth)
{
	if (!truth) abort();
}

void fuzz_run_is_ready(void)
{
	run.handle = weft_handle_current();
	require(run.handle != NULL && sem_post(&run.ready) == 0);
}

static void *run_on_thread(void *arg)
{
	require(weft_run(run.live, arg, .workers = 1, .keep_signals = true) == 0);
	return NULL;
}

static int drain(void *arg)
{
	(void)arg;
	return weft_drain();
}

static void stop(void)
{
	require(weft_post(run.handle, drain, NULL) == 0);
	pthread_join(run.thread, NULL);
	weft_handle_unref(run.handle);
}

weft_handle *fuzz_run(weft_task_fn *live)
{
	if (run.handle != NULL) return run.handle;
	run.live = live;
	require(sem_init(&run.ready, 0, 0) == 0);
	require(pthread_create(&run.thread, NULL, run_on_thread, NULL) == 0);
	while (sem_wait(&run.ready) != 0)
		;
	require(atexit(stop) == 0);
	return run.handle;
}
