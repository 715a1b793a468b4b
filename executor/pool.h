/* What the layers above need of pools beyond <weft/pool.h>: the end in its single steps. Jobs are
 * lent through executor/job.h. */
#ifndef WF_EXECUTOR_POOL_H
#define WF_EXECUTOR_POOL_H

#include "executor/job.h"
#include "executor/platform.h"

WEFT_BEGIN

#define WF_POOL_QUEUE    1024
#define WF_POOL_DRAIN_MS 5000

/* A job that would not end. */
typedef struct wf_stuck_job {
	const char *pool;
	const char *name; /* or NULL */
	const char *site; /* or NULL */
	void *arg;
	int64_t running_ns; /* since it was lent or submitted */
} wf_stuck_job;

typedef void wf_stuck_fn(const wf_stuck_job *job, void *arg);

/* Refuses new jobs and waits for the accepted ones until `until_ns` of wf_now_ns. True when none is
 * left. May be called again. Blocks the thread. Thread: any but the pool's own, one at a time with
 * wf_pool_shutdown and weft_pool_free. */
bool wf_pool_drain(weft_pool *pool, int64_t until_ns);

/* Refuses new jobs, completes those that still wait with ECANCELED (their `done` is called here),
 * cancels those that run, and waits until `until_ns`. Returns how many are left; each that runs is
 * shown to `stuck`. 0: the threads have ended and weft_pool_free will not block. Else the pool is
 * whole, for another call, or for wf_pool_abandon. Blocks the thread. */
unsigned wf_pool_shutdown(weft_pool *pool, int64_t until_ns, wf_stuck_fn *stuck, void *arg);

/* Shows each job that runs now. Thread: any. */
void wf_pool_show_running(weft_pool *pool, wf_stuck_fn *stuck, void *arg);

/* Lets go of a pool whose jobs do not end: its threads end by themselves as their jobs do, each
 * `done` is still called, and the memory of the pool is never freed. */
void wf_pool_abandon(weft_pool *pool);

/* For executor/job.c: as wf_job_cancel, but only takes back. */
WEFT_MUST bool wf_pool_withdraw(weft_pool *pool, wf_job *job);

/* What it is called, and how many threads it may have. Thread: any. */
const char *wf_pool_name(const weft_pool *pool);
unsigned wf_pool_size(const weft_pool *pool);

/* Of the pool's memory, which may outlive weft_pool_free. The last unref is after a shutdown. */
weft_pool *wf_pool_ref(weft_pool *pool);
void wf_pool_unref(weft_pool *pool);

WEFT_END
#endif
