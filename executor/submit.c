/* A job and its future in one allocation, freed with the last reference to the future: whoever
 * cancels through the future therefore finds the job. It also holds the pool's memory, into which
 * a cancel looks. */
#include "context/alloc.h"
#include "context/context.h"
#include "executor/future.h"
#include "executor/pool.h"

#include <weft/error.h>

typedef struct submission {
	weft_future future; /* one reference is the pool's, until the job is over */
	wf_job job;
	void (*release)(void *arg);
} submission;

static void free_submission(weft_future *future)
{
	submission *self = wf_container_of(future, submission, future);
	wf_pool_unref(self->job.pool);
	wf_free(self);
}

static void finish(submission *self, int status)
{
	void *value = self->job.arg;
	if (self->release != NULL) {
		self->release(self->job.arg);
		value = NULL;
	}
	wf_context_unref(self->job.context);
	int rc = weft_future_set(&self->future, status, value);
	wf_assert(rc == 0);
	weft_future_unref(&self->future);
}

static void job_done(wf_job *job)
{
	finish(wf_container_of(job, submission, job), job->result);
}

static bool cancel_submission(void *arg)
{
	submission *self = arg;
	if (!wf_job_cancel(&self->job)) return false;
	finish(self, WEFT_ECANCELED);
	return true;
}

static submission *submission_new(
	weft_pool *pool, weft_job_fn *fn, void *arg, const weft_pool_submit_options *options)
{
	submission *self = wf_alloc(sizeof(*self));
	if (self == NULL) return NULL;
	wf_future_init(&self->future, free_submission, options->site);
	wf_future_on_cancel(&self->future, cancel_submission, self);
	self->release = options->release;
	self->job = (wf_job){ .fn = fn,
		.arg = arg,
		.on_cancel = options->on_cancel,
		.done = job_done,
		.context = wf_context_capture(),
		.name = options->name,
		.site = options->site,
		.pool = wf_pool_ref(pool) };
	return self;
}

int weft_pool_submit_with(weft_pool *pool, weft_job_fn *fn, void *arg,
	const weft_pool_submit_options *options, weft_future **out)
{
	int rc = WEFT_ENOMEM;
	submission *self = submission_new(pool, fn, arg, options);
	if (self == NULL) goto release;
	weft_future_ref(&self->future); /* the caller's */
	rc = wf_pool_start(pool, &self->job);
	if (rc != 0) goto free;
	if (out != NULL) {
		*out = &self->future;
	} else {
		weft_future_unref(&self->future);
	}
	return 0;
free:
	wf_context_unref(self->job.context);
	wf_pool_unref(pool);
	wf_free(self);
release:
	if (options->release != NULL) options->release(arg);
	return rc;
}
