/* The job lies on the task's stack, so this call returns only after the pool's last touch: a cancel
 * takes the job back if it has not begun, otherwise asks it to stop and waits on.
 *
 *   who                     may run beside            kept apart by
 *   the task                done, on a pool thread    `lock`; done's last touch is its unlock
 *   a cancel of the scope   done                      only the task itself cancels the job */
#include <weft/offload.h>

#include <weft/error.h>
#include <weft/sync.h>

#include "context/context.h"
#include "executor/job.h"
#include "executor/platform.h"
#include "runtime/run.h"

typedef struct offload {
	wf_job job;
	weft_task *task;
	wf_spin lock;
	wf_ticket ticket; /* of the wait that is open, if one is */
	bool done;
} offload;

static void job_done(wf_job *job)
{
	offload *work = wf_container_of(job, offload, job);
	weft_task *task = work->task;
	wf_spin_lock(&work->lock);
	work->done = true;
	bool won = wf_wait_claim_shared(task, work->ticket, 0);
	wf_spin_unlock(&work->lock);
	/* The task is in this wait until the wake comes, and its struct stays in any case. */
	if (won) wf_wait_send(task);
}

/* Parks until the job is done, or, unless `flags` forbid it, the scope is cancelled. */
static bool wait_done(offload *work, unsigned flags)
{
	wf_spin_lock(&work->lock);
	bool done = work->done;
	if (!done) work->ticket = wf_wait_open(WF_WAIT_SHARED | flags, "a job", work->job.pool);
	wf_spin_unlock(&work->lock);
	return done || wf_wait_park() != WF_CAUSE_CANCEL;
}

static int run_job(offload *work, weft_pool *pool)
{
	/* No wait is open yet: ticket 0 was never handed out, so an early done wins nothing. */
	int rc = wf_pool_start(pool, &work->job);
	if (rc != 0) return rc;
	if (wait_done(work, 0)) return work->job.result;
	if (wf_job_cancel(&work->job)) return WEFT_ECANCELED;
	while (!wait_done(work, WF_WAIT_UNCANCELABLE)) continue;
	return work->job.result;
}

int weft_offload_with(int (*fn)(void *arg), void *arg, const weft_offload_options *options)
{
	weft_limiter *limiter = options->limiter;
	int rc = limiter ? weft_limiter_take(limiter) : wf_checkpoint();
	if (rc != 0) return rc;
	weft_task *task = wf_task_here();
	offload work = { .task = task };
	work.job = (wf_job){ .fn = fn,
		.arg = arg,
		.on_cancel = options->on_cancel,
		.done = job_done,
		.context = wf_context_current(),
		.name = weft_task_name(task),
		.site = options->site };
	rc = run_job(&work, options->pool ? options->pool : task->worker->run->pool);
	if (limiter != NULL) weft_limiter_give(limiter);
	return rc;
}
