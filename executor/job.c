/* The state of a job: the table is in job.h. One word, changed by atomic read-modify-write only, so
 * that all its changes have one order. Acquire and release throughout: ENDED hands what the hook
 * did over to `done`, CANCELLED hands what the canceller did over to the job.
 *
 * Why the job is still there while its hook runs: HOOKING is set on a job that is not ENDED, and
 * `done` waits until it is clear. Why its runner is still there when the canceller unparks it: both
 * are done under the crew's lock, which the runner takes before it goes on, and the crew before it
 * is freed. */
#include "executor/job.h"
#include "context/context.h"
#include "executor/crew.h"
#include "executor/pool.h"

#include <weft/error.h>

static uint32_t load(const wf_job *job)
{
	return __atomic_load_n(&job->state, __ATOMIC_ACQUIRE);
}

bool weft_job_cancelled(void)
{
	const wf_job *job = wf_here_now.job;
	return job != NULL && (load(job) & WF_JOB_CANCELLED) != 0;
}

/* True: the caller must call the hook, and may touch the job until it says that it did. */
static bool ask(wf_job *job)
{
	uint32_t state = load(job), wanted;
	do {
		if (state & (WF_JOB_CANCELLED | WF_JOB_ENDED)) return false;
		wanted = state | WF_JOB_CANCELLED;
		if ((state & WF_JOB_RUNNING) && job->on_cancel != NULL) wanted |= WF_JOB_HOOKING;
	} while (!__atomic_compare_exchange_n(
		&job->state, &state, wanted, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	return (wanted & WF_JOB_HOOKING) != 0;
}

static void call_hook(wf_job *job)
{
	wf_crew_member *runner = job->runner;
	wf_crew *crew = runner->crew;
	job->on_cancel(job->arg);
	wf_mutex_lock(&crew->lock);
	uint32_t state = __atomic_fetch_and(&job->state, ~(uint32_t)WF_JOB_HOOKING, __ATOMIC_ACQ_REL);
	if (state & WF_JOB_ENDED) wf_unpark(&runner->parker);
	wf_mutex_unlock(&crew->lock);
}

bool wf_job_cancel(wf_job *job)
{
	if (wf_pool_withdraw(job->pool, job)) return true;
	if (ask(job)) call_hook(job);
	return false;
}

/* The lock keeps the job from being over between the look at it and the asking. */
void wf_job_cancel_running(wf_crew_member *runner)
{
	wf_spin_lock(&runner->lock);
	wf_job *job = wf_crew_member_job(runner);
	bool hook = job != NULL && ask(job);
	wf_spin_unlock(&runner->lock);
	if (hook) call_hook(job);
}

/* Whoever finds the job there does so under the lock; so only its going must take it. Release: the
 * finder reads what is in the job. */
static void show(wf_crew_member *runner, wf_job *job)
{
	__atomic_store_n(&runner->job, job, __ATOMIC_RELEASE);
}

static void hide(wf_crew_member *runner)
{
	wf_spin_lock(&runner->lock);
	__atomic_store_n(&runner->job, NULL, __ATOMIC_RELAXED);
	wf_spin_unlock(&runner->lock);
}

static int call(wf_job *job)
{
	weft_context *context = job->context ? job->context : wf_context_root();
	wf_here_now.job = job;
	int result = weft_context_run(context, job->fn, job->arg);
	wf_here_now.job = NULL;
	wf_assert(wf_context_current() == wf_context_root());
	return result;
}

static void await_hook(wf_job *job, wf_crew_member *runner)
{
	while (load(job) & WF_JOB_HOOKING) wf_park(&runner->parker, WF_FOREVER);
	wf_mutex_lock(&runner->crew->lock); /* the canceller has let go */
	wf_mutex_unlock(&runner->crew->lock);
}

bool wf_job_run(wf_job *job, wf_crew_member *runner, bool begin)
{
	job->runner = runner;
	show(runner, job);
	uint32_t state = __atomic_fetch_or(&job->state, WF_JOB_RUNNING, __ATOMIC_ACQ_REL);
	begin = begin && !(state & WF_JOB_CANCELLED);
	job->result = begin ? call(job) : WEFT_ECANCELED;
	state = __atomic_fetch_or(&job->state, WF_JOB_ENDED, __ATOMIC_ACQ_REL);
	if (state & WF_JOB_HOOKING) await_hook(job, runner);
	hide(runner);
	return begin;
}
