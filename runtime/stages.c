#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <weft/error.h>
#include <weft/report.h>

#include "context/clock.h"
#include "executor/pool.h"
#include "runtime/run.h"

enum { EXIT_STUCK = 70 }; /* EX_SOFTWARE of sysexits.h */

/* Asking it to end. */

static void arm_bound(wf_run *run, int64_t ms)
{
	if (ms < 0) return;
	int64_t at = wf_now_ns() + ms * 1000000;
	/* It is reserved: arming cannot fail. */
	int rc = wf_timer_arm(&run->workers[0].timers, &run->bound, at);
	wf_assert(rc == 0);
}

void wf_run_press(wf_run *run, const char *why)
{
	if (run->pressed < 3) run->pressed++;
	if (run->pressed == 1) {
		wf_scope_raise(&run->scope, WF_LEVEL_DRAIN, WEFT_REASON_SHUTDOWN, why);
		arm_bound(run, run->options.drain_ms);
	} else if (run->pressed == 2) {
		wf_scope_raise(&run->scope, WF_LEVEL_CANCEL, WEFT_REASON_SHUTDOWN, why);
		arm_bound(run, run->options.cancel_ms);
	}
}

static void name_task(const weft_task *task, int *left)
{
	if ((*left)-- <= 0) return;
	bool parked = task->state == WF_TASK_PARKED;
	weft_report("stuck", "a task is still alive", weft_log_text("name", task->name),
		weft_log_text("spawned", task->site),
		weft_log_text("waits_for", parked ? task->wait_what : NULL));
}

/* The tasks of this worker are the roots in its scope tree. */
static void name_worker_tasks(const wf_scope *scope, int *left)
{
	for (const wf_list *node = scope->children.next; node != &scope->children; node = node->next) {
		const wf_scope *child = wf_container_of(node, wf_scope, sibling);
		const weft_task *task = wf_task_of_scope(child);
		if (task != NULL) name_task(task, left);
		name_worker_tasks(child, left);
	}
}

static void name_job(const wf_stuck_job *job, void *arg)
{
	(void)arg;
	weft_report("stuck", "a job has not ended", weft_log_text("pool", job->pool),
		weft_log_text("name", job->name), weft_log_text("submitted", job->site),
		weft_log_int("running_ms", job->running_ns / 1000000));
}

/* Jobs too: a task that waits for one says only that it does. */
static void name_stragglers(wf_run *run)
{
	int left = WF_STRAGGLERS_NAMED;
	unsigned all = 0;
	for (int i = 0; i < run->worker_count; i++) {
		unsigned alive = atomic_load_explicit(&run->workers[i].live_tasks, memory_order_relaxed);
		if (alive == 0) continue;
		all += alive;
		weft_report("stuck", "tasks have not ended in time after the cancel",
			weft_log_int("worker", i + 1), weft_log_uint("tasks", alive),
			weft_log_int("after_ms", run->options.cancel_ms));
	}
	/* A thread that had no core, or a callback of foreign code that does not return. */
	if (all == 0)
		weft_report("stuck", "no task is left, but a worker has not answered in time",
			weft_log_int("after_ms", run->options.cancel_ms));
	name_worker_tasks(&run->workers[0].scope, &left);
	/* Once there is a closer the pool is his, and he names them himself. */
	if (!run->pool_closing) wf_pool_show_running(run->pool, name_job, NULL);
}

void wf_stages_bound(wf_timer *timer)
{
	wf_run *run = wf_container_of(timer, wf_run, bound);
	if (run->pressed < 2) {
		wf_run_press(run, "the drain's time is up");
		return;
	}
	/* Of what jobs hold up the closer speaks first, and decides. */
	if (run->stage == WF_STAGE_POOLS) {
		arm_bound(run, run->options.cancel_ms);
		return;
	}
	name_stragglers(run);
	switch (run->options.on_stuck) {
	case WEFT_STUCK_EXIT:
		_exit(EXIT_STUCK);
	case WEFT_STUCK_RETURN:
		run->abandoned = true;
		run->workers[0].finished = true;
		return;
	case WEFT_STUCK_DEFAULT:
	case WEFT_STUCK_WAIT:
		arm_bound(run, WF_NAME_AGAIN_MS);
	}
}

/* The stages. */

static void seal_worker(wf_message *message)
{
	wf_seat *seat = wf_container_of(message, wf_seat, seal);
	wf_inbox_seal(&seat->worker->inbox);
	seat->worker->sealing = true;
}

void wf_stages_settle(wf_worker *worker)
{
	if (!wf_inbox_settled(&worker->inbox)) return;
	worker->sealing = false;
	wf_run *run = worker->run;
	wf_inbox_push(&run->workers[0].inbox, &run->seats[worker->id - 1].sealed);
}

static void advance(wf_run *run);

static void worker_sealed(wf_message *message)
{
	wf_run *run = wf_container_of(message, wf_seat, sealed)->run;
	run->sealed++;
	advance(run);
}

static void stop_worker(wf_message *message)
{
	wf_container_of(message, wf_seat, stop)->worker->finished = true;
}

/* Jobs nobody awaits get the time of a drain, then are cancelled; what does not end even so is
 * as stuck as a task would be. */
static void end_pool(wf_run *run)
{
	const weft_run_options *options = &run->options;
	int64_t now = wf_now_ns();
	int64_t until = options->drain_ms < 0 ? WF_FOREVER : now + (int64_t)options->drain_ms * 1000000;
	if (wf_pool_drain(run->pool, until)) return;
	int64_t bound_ms = options->cancel_ms;
	for (;;) {
		until = wf_now_ns() + bound_ms * 1000000;
		if (wf_pool_shutdown(run->pool, until, name_job, NULL) == 0) return;
		if (options->on_stuck == WEFT_STUCK_EXIT) _exit(EXIT_STUCK);
		if (options->on_stuck == WEFT_STUCK_RETURN) break;
		bound_ms = WF_NAME_AGAIN_MS;
	}
	wf_pool_abandon(run->pool);
	run->pool = NULL;
	run->result = WEFT_ESTUCK;
}

static void close_pool(void *arg)
{
	wf_run *run = arg;
	end_pool(run);
	wf_inbox_push(&run->workers[0].inbox, &run->pool_closed);
}

static void begin_sealing(wf_run *run)
{
	run->stage = WF_STAGE_SEALING;
	for (int i = 0; i < run->worker_count; i++)
		wf_inbox_push(&run->workers[i].inbox, &run->seats[i].seal);
}

static void pool_closed(wf_message *message)
{
	wf_run *run = wf_container_of(message, wf_run, pool_closed);
	wf_thread_join(&run->pool_closer);
	begin_sealing(run);
}

/* A job may wait for something that a worker has to do, so the pool is waited for on a thread of
 * its own while the loops go on. What was posted and has not ended is asked to, as by a signal, so
 * that it has the same bounds from here on. */
static void begin_pools(wf_run *run)
{
	run->stage = WF_STAGE_POOLS;
	if (run->pressed == 0) wf_run_press(run, "main has returned");
	weft_pool_counts counts;
	weft_pool_stats(run->pool, &counts);
	if (counts.threads == 0) {
		begin_sealing(run);
		return;
	}
	run->pool_closing = true;
	if (wf_thread_start(&run->pool_closer, "weft-closer", close_pool, run, WF_THREAD_NO_SIGNALS) ==
		0)
		return;
	end_pool(run);
	begin_sealing(run);
}

static void begin_stopping(wf_run *run)
{
	run->stage = WF_STAGE_STOPPING;
	wf_timer_cancel(&run->workers[0].timers, &run->bound);
	if (run->owns_signals) wf_signals_close(run);
	for (int i = 0; i < run->worker_count; i++)
		wf_inbox_push(&run->workers[i].inbox, &run->seats[i].stop);
}

static void advance(wf_run *run)
{
	if (!run->returned || !wf_group_is_over(&run->root)) return;
	if (run->stage == WF_STAGE_SERVING) {
		begin_pools(run);
	} else if (run->stage == WF_STAGE_SEALING && run->sealed == run->worker_count) {
		/* No post comes any more; from now on the end of the posts' group means something. */
		if (run->posts.over == NULL) {
			run->posts.over = wf_stages_advance;
			wf_group_advance(&run->posts);
		} else if (wf_group_is_over(&run->posts)) {
			begin_stopping(run);
		}
	}
}

void wf_stages_advance(weft_group *group)
{
	advance(group->run);
}

int wf_stages_init(wf_run *run)
{
	for (int i = 0; i < run->worker_count; i++) {
		wf_seat *seat = &run->seats[i];
		seat->seal.deliver = seal_worker;
		seat->sealed.deliver = worker_sealed;
		seat->stop.deliver = stop_worker;
	}
	run->pool_closed.deliver = pool_closed;
	run->bound.fire = wf_stages_bound;
	return wf_timer_reserve(&run->workers[0].timers, &run->bound);
}
