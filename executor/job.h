/* A job: blocking work for a pool, as a struct that its owner lends. It allocates nothing, so that
 * a task can keep it on its stack while it waits.
 *
 *   state           what is so                             next, by whom
 *   0               in the queue, or just taken            RUNNING, pool thread
 *                                                          withdrawn, the one who cancels: the end
 *   RUNNING         fn runs                                ENDED, pool thread
 *   CANCELLED       asked to stop, before or while         stays
 *                   running; fn is not begun any more
 *   HOOKING         on_cancel runs; only set together      cleared, the one who cancels
 *                   with CANCELLED, on RUNNING
 *   ENDED           fn is over; no hook begins any more    `done`, once HOOKING is clear
 *
 * Whoever takes the job out of its cell decides between run and withdrawn: executor/queue.h.
 * Whoever sets CANCELLED on a job that is RUNNING calls the hook; so it is called once at most. */
#ifndef WF_EXECUTOR_JOB_H
#define WF_EXECUTOR_JOB_H

#include "context/base.h"
#include "executor/here.h"

#include <weft/context.h>
#include <weft/pool.h>

WEFT_BEGIN

typedef void wf_job_done_fn(wf_job *job);

typedef struct wf_crew_member wf_crew_member;
typedef struct wf_queue_cell wf_queue_cell;

struct wf_job {
	/* Of the owner; unchanged until the end. */
	weft_job_fn *fn;
	void *arg;
	weft_job_cancel_fn *on_cancel; /* or NULL */
	/* Exactly once for each job that was started and not withdrawn; the pool's last touch. Runs on
	 * a pool thread, at the root context, or on the thread that shuts the pool down. */
	wf_job_done_fn *done;
	weft_context *context; /* fn runs under it; NULL: the root. The reference stays the owner's */
	const char *name;      /* for reports, or NULL; must outlive the pool, like site */
	const char *site;
	int result; /* in `done`: what fn returned, or ECANCELED when it was never begun */

	/* Of the pool. */
	uint32_t state;
	weft_pool *pool;
	wf_queue_cell *cell;
	int64_t since_ns;
	wf_crew_member *runner;
};

enum { WF_JOB_RUNNING = 1, WF_JOB_CANCELLED = 2, WF_JOB_HOOKING = 4, WF_JOB_ENDED = 8 };

/* Lends the job to the pool. 0: `done` will be called, or wf_job_cancel returns true, not both.
 * On failure nothing happened. Thread: any. Errors: EFULL when the queue is, ESHUTDOWN, EAGAIN when
 * there is no thread and none can be started. */
WEFT_MUST int wf_pool_start(weft_pool *pool, wf_job *job);

/* True: taken back in time; it never began, `done` will not be called, the job is the caller's.
 * False: `done` comes or has come. If it runs, weft_job_cancelled() is true there from now on and
 * on_cancel was called, here, unless another cancel did; if it has not begun, it never will. The
 * job's memory, and the pool, must be there until this returns. Thread: any, also several. */
bool wf_job_cancel(wf_job *job);

/* For the pool: runs a job that was taken out of the queue (not begun when `begin` is false or it
 * was cancelled) and leaves its result; true when fn ran. Afterwards no hook is in progress and
 * none will come; `done` is still to be called. Thread: the runner's. */
bool wf_job_run(wf_job *job, wf_crew_member *runner, bool begin);

/* For the pool: cancels what `runner` is running, if anything. Thread: any. */
void wf_job_cancel_running(wf_crew_member *runner);

WEFT_END
#endif
