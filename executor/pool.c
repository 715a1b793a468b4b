/* A queue, a crew, and a gate between those who bring jobs and the end of the pool.
 *
 *   gate = CLOSED | callers << 32 | jobs
 *
 * `jobs` are accepted and not over (withdrawn, or run to the end); `callers` are inside
 * wf_pool_start. While either is not zero the pool stays: whoever brings a job is counted twice,
 * because the job may be over before the call is.
 *
 * Who may run beside whom: start, cancel and stats beside everybody. Drain, shutdown, abandon and
 * free one at a time.
 *
 * Linearization points. start: the CAS on the gate decides between accepted and shut down, the push
 * between room and full. The close: the OR on the gate. What was accepted before it is counted
 * until it is over, so that the close cannot overlook it.
 *
 * Teardown, and why each has let go: callers and those who withdraw by leaving the gate, under the
 * lock once it is closed, so that the one who waits for zero has the lock after them; members by
 * being joined, after their last `done`; futures by the references they hold on the pool's memory.
 */
#include "executor/pool.h"
#include "context/alloc.h"
#include "context/clock.h"
#include "executor/crew.h"
#include "executor/pools.h"
#include "executor/queue.h"

#include <string.h>
#include <weft/error.h>
#include <weft/report.h>

#define CLOSED ((uint64_t)1 << 63)
#define CALLER ((uint64_t)1 << 32)
#define JOB    ((uint64_t)1)

struct weft_pool {
	wf_queue queue;
	wf_crew crew;
	_Alignas(WF_CACHE_LINE) uint64_t gate;
	uint64_t rejected, cancelled;
	uint32_t refs;    /* the owner's, and one for each future */
	uint32_t closing; /* jobs are not begun any more */
	int64_t drain_ns;
	wf_mutex lock;
	wf_parker left; /* gets a token when a closed gate has come to zero */
	wf_list among;  /* all pools */
};

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static int enter(weft_pool *pool)
{
	uint64_t gate = __atomic_load_n(&pool->gate, __ATOMIC_RELAXED);
	do {
		if (gate & CLOSED) return WEFT_ESHUTDOWN;
	} while (!__atomic_compare_exchange_n(
		&pool->gate, &gate, gate + CALLER + JOB, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return 0;
}

static void leave(weft_pool *pool, uint64_t what)
{
	uint64_t gate = __atomic_load_n(&pool->gate, __ATOMIC_RELAXED);
	while (!(gate & CLOSED)) {
		if (__atomic_compare_exchange_n(
				&pool->gate, &gate, gate - what, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			return;
		}
	}
	wf_mutex_lock(&pool->lock);
	gate = __atomic_sub_fetch(&pool->gate, what, __ATOMIC_ACQ_REL);
	if (gate == CLOSED) wf_unpark(&pool->left);
	wf_mutex_unlock(&pool->lock);
}

static unsigned unfinished(void *arg)
{
	const weft_pool *pool = arg;
	return (unsigned)(__atomic_load_n(&pool->gate, __ATOMIC_SEQ_CST) & (CALLER - 1));
}

static bool nothing_queued(void *arg)
{
	const weft_pool *pool = arg;
	return wf_queue_empty(&pool->queue);
}

static bool work(wf_crew_member *member, void *arg)
{
	weft_pool *pool = arg;
	wf_job *job = wf_queue_pop(&pool->queue);
	if (job == NULL) return false;
	bool closing = __atomic_load_n(&pool->closing, __ATOMIC_ACQUIRE) != 0;
	if (wf_job_run(job, member, !closing)) {
		__atomic_store_n(&member->finished, member->finished + 1, __ATOMIC_RELAXED);
	} else {
		count(&pool->cancelled);
	}
	/* Before `done`: who learns of the end and brings the next job must find a member free. The
	 * pool waits for this thread, so that it outlives the call. */
	leave(pool, JOB);
	job->done(job);
	return true;
}

static int number_or(int given, int usual, int most)
{
	if (given < 0 || given > most) return WEFT_EINVAL;
	return given ? given : usual;
}

static int usual_threads(void)
{
	unsigned twice = 2 * wf_cpus();
	return twice < 8 ? 8 : twice > WEFT_POOL_THREADS_MAX ? WEFT_POOL_THREADS_MAX : (int)twice;
}

static int build(weft_pool *pool, const char *name, int threads, int queue)
{
	int rc = wf_queue_init(&pool->queue, (unsigned)queue);
	if (rc != 0) return rc;
	rc = wf_crew_init(&pool->crew, name, (unsigned)threads, work, nothing_queued, pool);
	if (rc != 0) goto fini_queue;
	rc = wf_parker_init(&pool->left);
	if (rc != 0) goto fini_crew;
	wf_mutex_init(&pool->lock);
	pool->refs = 1;
	return 0;
fini_crew:
	wf_crew_fini(&pool->crew);
fini_queue:
	wf_queue_fini(&pool->queue);
	return rc;
}

int weft_pool_new_with(const weft_pool_options *options, weft_pool **out)
{
	int threads = number_or(options->threads, usual_threads(), WEFT_POOL_THREADS_MAX);
	int queue = number_or(options->queue, WF_POOL_QUEUE, WEFT_POOL_QUEUE_MAX);
	int drain_ms = number_or(options->drain_ms, WF_POOL_DRAIN_MS, INT32_MAX);
	if (threads < 0 || queue < 0 || drain_ms < 0) return WEFT_EINVAL;
	weft_pool *pool = wf_alloc_aligned(WF_CACHE_LINE, sizeof(*pool));
	if (pool == NULL) return WEFT_ENOMEM;
	memset(pool, 0, sizeof(*pool));
	pool->drain_ns = (int64_t)drain_ms * 1000000;
	int rc = build(pool, options->name ? options->name : "pool", threads, queue);
	if (rc != 0) {
		wf_free(pool);
		return rc;
	}
	wf_pools_add(&pool->among);
	*out = pool;
	return 0;
}

weft_pool *wf_pool_of_node(wf_list *node)
{
	return wf_container_of(node, weft_pool, among);
}

const char *wf_pool_name(const weft_pool *pool)
{
	return pool->crew.name;
}

unsigned wf_pool_size(const weft_pool *pool)
{
	return pool->crew.size;
}

weft_pool *wf_pool_ref(weft_pool *pool)
{
	__atomic_fetch_add(&pool->refs, 1, __ATOMIC_RELAXED);
	return pool;
}

void wf_pool_unref(weft_pool *pool)
{
	if (__atomic_fetch_sub(&pool->refs, 1, __ATOMIC_ACQ_REL) != 1) return;
	wf_mutex_fini(&pool->lock);
	wf_parker_fini(&pool->left);
	wf_crew_fini(&pool->crew);
	wf_queue_fini(&pool->queue);
	wf_free(pool);
}

static int accepted(weft_pool *pool, wf_job *job)
{
	int rc = wf_crew_ready(&pool->crew);
	if (rc != 0) return rc;
	job->state = 0;
	job->pool = pool;
	job->runner = NULL;
	job->since_ns = wf_now_ns();
	bool pushed = wf_queue_push(&pool->queue, job, job->since_ns, &job->cell);
	/* Also when it was not: a push without room may have moved what is in the queue. */
	wf_queue_fence();
	wf_crew_call(&pool->crew, unfinished);
	return pushed ? 0 : WEFT_EFULL;
}

int wf_pool_start(weft_pool *pool, wf_job *job)
{
	int rc = enter(pool);
	if (rc == 0) {
		rc = accepted(pool, job);
		leave(pool, rc == 0 ? CALLER : CALLER + JOB);
	}
	if (rc != 0) count(&pool->rejected);
	return rc;
}

bool wf_pool_withdraw(weft_pool *pool, wf_job *job)
{
	if (!wf_queue_withdraw(&pool->queue, job->cell, job)) return false;
	count(&pool->cancelled);
	leave(pool, JOB);
	return true;
}

static void close_gate(weft_pool *pool)
{
	wf_assert(wf_here_now.job == NULL || wf_here_now.job->pool != pool);
	wf_mutex_lock(&pool->lock);
	__atomic_fetch_or(&pool->gate, CLOSED, __ATOMIC_ACQ_REL);
	wf_mutex_unlock(&pool->lock);
}

/* A token may be left from an earlier wait: look, and park again. */
static bool await_zero(weft_pool *pool, int64_t until_ns)
{
	for (;;) {
		wf_mutex_lock(&pool->lock);
		bool zero = __atomic_load_n(&pool->gate, __ATOMIC_ACQUIRE) == CLOSED;
		wf_mutex_unlock(&pool->lock);
		if (zero) return true;
		if (!wf_park(&pool->left, until_ns)) return false;
	}
}

bool wf_pool_drain(weft_pool *pool, int64_t until_ns)
{
	close_gate(pool);
	return await_zero(pool, until_ns);
}

/* Completes what waits, also when every member is stuck in a job. */
static void cancel_queued(weft_pool *pool)
{
	wf_job *job;
	while ((job = wf_queue_pop(&pool->queue)) != NULL) {
		job->result = WEFT_ECANCELED;
		count(&pool->cancelled);
		job->done(job);
		leave(pool, JOB);
	}
}

/* False when the member runs nothing. */
static bool look_at(const weft_pool *pool, wf_crew_member *member, wf_stuck_job *seen)
{
	wf_spin_lock(&member->lock);
	const wf_job *job = wf_crew_member_job(member);
	if (job != NULL) {
		*seen = (wf_stuck_job){ .pool = pool->crew.name,
			.name = job->name,
			.site = job->site,
			.arg = job->arg,
			.running_ns = wf_now_ns() - job->since_ns };
	}
	wf_spin_unlock(&member->lock);
	return job != NULL;
}

void wf_pool_show_running(weft_pool *pool, wf_stuck_fn *stuck, void *arg)
{
	wf_stuck_job seen;
	for (unsigned i = 0; stuck != NULL && i < wf_crew_started(&pool->crew); i++) {
		if (look_at(pool, &pool->crew.members[i], &seen)) stuck(&seen, arg);
	}
}

unsigned wf_pool_shutdown(weft_pool *pool, int64_t until_ns, wf_stuck_fn *stuck, void *arg)
{
	close_gate(pool);
	__atomic_store_n(&pool->closing, 1, __ATOMIC_RELEASE);
	cancel_queued(pool);
	for (unsigned i = 0; i < wf_crew_started(&pool->crew); i++) {
		wf_job_cancel_running(&pool->crew.members[i]);
	}
	bool zero = await_zero(pool, until_ns);
	if (!zero) {
		wf_pool_show_running(pool, stuck, arg);
		return unfinished(pool);
	}
	wf_crew_stop(&pool->crew);
	wf_crew_join(&pool->crew);
	return 0;
}

void wf_pool_abandon(weft_pool *pool)
{
	wf_crew_stop(&pool->crew);
	wf_crew_detach(&pool->crew);
}

static void report_stuck(const wf_stuck_job *job, void *arg)
{
	(void)arg;
	const weft_log_field fields[] = { weft_log_text("pool", job->pool),
		weft_log_text("job", job->name), weft_log_int("running_ms", job->running_ns / 1000000),
		{ 0 } };
	weft_report_write("stuck", job->site, "a job does not end; its pool is left to it", fields);
}

void weft_pool_free(weft_pool *pool)
{
	if (pool == NULL) return;
	wf_pools_remove(&pool->among);
	wf_pool_drain(pool, wf_now_ns() + pool->drain_ns);
	if (wf_pool_shutdown(pool, wf_now_ns() + pool->drain_ns, report_stuck, NULL) == 0) {
		wf_pool_unref(pool);
	} else {
		wf_pool_abandon(pool);
	}
}

void weft_pool_stats(const weft_pool *pool, weft_pool_counts *counts)
{
	size_t threads = wf_crew_started(&pool->crew);
	size_t left = (size_t)(__atomic_load_n(&pool->gate, __ATOMIC_ACQUIRE) & (CALLER - 1));
	size_t running = 0;
	for (size_t i = 0; i < threads; i++) {
		running += wf_crew_member_job(&pool->crew.members[i]) != NULL;
	}
	int64_t oldest_ns = wf_queue_oldest_ns(&pool->queue);
	counts->queued = left > running ? left - running : 0;
	counts->running = running;
	counts->threads = threads;
	counts->done = wf_crew_finished(&pool->crew);
	counts->rejected = __atomic_load_n(&pool->rejected, __ATOMIC_RELAXED);
	counts->cancelled = __atomic_load_n(&pool->cancelled, __ATOMIC_RELAXED);
	counts->oldest_wait_ns = oldest_ns == INT64_MAX ? 0 : wf_now_ns() - oldest_ns;
}
