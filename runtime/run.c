#include "runtime/run.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>
#include <weft/report.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "runtime/io.h"

enum { TASKS_DEFAULT = 100000, POOL_THREADS = 16, POOL_QUEUE = 1024 };

/* The core. */

void wf_run_ref(wf_run *run)
{
	atomic_fetch_add_explicit(&run->refs, 1, memory_order_relaxed);
}

void wf_run_unref(wf_run *run)
{
	if (atomic_fetch_sub_explicit(&run->refs, 1, memory_order_acq_rel) != 1) return;
	wf_free(run->workers);
	wf_free(run->seats);
	wf_free(run);
}

static int check_options(weft_run_options *options)
{
	if (options->workers < 0 || options->workers > WF_WORKERS_MAX) return WEFT_EINVAL;
	if (options->tasks < 0 || options->pool_threads < 0 || options->pool_queue < 0)
		return WEFT_EINVAL;
	if (options->drain_ms < -1 || options->cancel_ms < 0) return WEFT_EINVAL;
	if (options->workers == 0) options->workers = (int)wf_cpus();
	if (options->spin_us < -1 || options->spin_us > WF_SPIN_US_MAX) return WEFT_EINVAL;
	if (options->spin_us == 0) options->spin_us = WF_SPIN_US;
	if (options->drain_ms == 0) options->drain_ms = WF_DRAIN_MS;
	if (options->cancel_ms == 0) options->cancel_ms = WF_CANCEL_MS;
	if (options->tasks == 0) options->tasks = TASKS_DEFAULT;
	if (options->pool_threads == 0) options->pool_threads = POOL_THREADS;
	if (options->pool_queue == 0) options->pool_queue = POOL_QUEUE;
	if (options->on_stuck == WEFT_STUCK_DEFAULT) options->on_stuck = WEFT_STUCK_WAIT;
	return 0;
}

static wf_run *make_core(const weft_run_options *options, const wf_io_backend *io)
{
	size_t n = (size_t)options->workers;
	wf_run *run = wf_zalloc(sizeof *run);
	if (run == NULL) return NULL;
	run->options = *options;
	run->io = io;
	run->worker_count = options->workers;
	atomic_init(&run->refs, 1);
	run->workers = wf_alloc_aligned(WF_CACHE_LINE, n * sizeof *run->workers);
	run->seats = wf_zalloc(n * sizeof *run->seats);
	if (run->workers == NULL || run->seats == NULL) {
		wf_run_unref(run);
		return NULL;
	}
	memset(run->workers, 0, n * sizeof *run->workers);
	return run;
}

int wf_run_least_loaded(wf_run *run)
{
	/* Start at another one each time, so that equal loads are spread. */
	unsigned n = (unsigned)run->worker_count;
	unsigned first = atomic_fetch_add_explicit(&run->next_worker, 1, memory_order_relaxed);
	unsigned best = 0, least = UINT32_MAX;
	for (unsigned i = 0; i < n; i++) {
		unsigned at = (first + i) % n;
		const wf_worker *worker = &run->workers[at];
		/* With those on their way, or a burst would all go to one. */
		unsigned load = atomic_load_explicit(&worker->live_tasks, memory_order_relaxed) +
						atomic_load_explicit(&worker->expected, memory_order_relaxed);
		if (load >= least) continue;
		least = load;
		best = at;
	}
	return (int)best + 1;
}

/* Main. */

static int main_task(void *arg)
{
	wf_run *run = arg;
	run->result = run->fn(run->arg);
	run->returned = true;
	run->root.joining = true; /* from now on, services end with the last ordinary task */
	return 0;
}

static void start_main(wf_message *message)
{
	wf_run *run = wf_container_of(message, wf_run, start);
	weft_spawn_options options = { .size = sizeof options, .name = "main", .forget = true };
	int rc = wf_group_spawn(&run->root, main_task, run, &options);
	if (rc == 0) return;
	run->result = rc;
	run->returned = true;
	run->root.joining = true;
	wf_group_advance(&run->root);
}

static void after_fork(void)
{
	/* The child has one thread and none of the loops: for it there is no run. */
	wf_inbox_here = NULL;
}

static void prepare_process(void)
{
	pthread_atfork(NULL, NULL, after_fork);
	signal(SIGPIPE, SIG_IGN);
}

/* Workers. */

static void serve(void *arg)
{
	wf_seat *seat = arg;
	wf_worker_loop(seat->worker);
	if (!seat->run->abandoned) wf_worker_fini(seat->worker);
	wf_run_unref(seat->run);
}

static int start_worker(wf_run *run, int i)
{
	wf_seat *seat = &run->seats[i];
	char name[24];
	snprintf(name, sizeof name, "weft-%d", i + 1);
	wf_run_ref(run);
	int rc = wf_thread_start(&seat->thread, name, serve, seat, 0);
	if (rc != 0) wf_run_unref(run);
	return rc;
}

/* Their loops end, their threads finish them; what is left is the caller's: finishing a
 * worker twice is harmless. */
static void stop_now(wf_run *run, int from, int to)
{
	for (int i = from; i < to; i++) wf_inbox_push(&run->workers[i].inbox, &run->seats[i].stop);
	for (int i = from; i < to; i++) wf_thread_join(&run->seats[i].thread);
}

/* Workers are made on this thread, all of them before any runs, so that a failure is simply
 * undone. */
static int make_workers(wf_run *run)
{
	for (int i = 0; i < run->worker_count; i++) {
		wf_worker *worker = &run->workers[i];
		run->seats[i].run = run;
		run->seats[i].worker = worker;
		worker->io = run->io;
		int rc = wf_worker_init(worker, run, i + 1);
		if (rc == 0) continue;
		while (--i >= 0) wf_worker_fini(&run->workers[i]);
		return rc;
	}
	return 0;
}

static int start_workers(wf_run *run)
{
	for (int i = 1; i < run->worker_count; i++) {
		int rc = start_worker(run, i);
		if (rc == 0) continue;
		stop_now(run, 1, i);
		return rc;
	}
	return 0;
}

static int make_pool(wf_run *run)
{
	return weft_pool_new(&run->pool, .name = "default", .threads = run->options.pool_threads,
		.queue = run->options.pool_queue);
}

/* Reports. */

void wf_run_report_failures(const weft_group *group, const wf_failure *first)
{
	for (const wf_failure *failure = first; failure != NULL; failure = failure->next) {
		const weft_failure *at = &failure->public;
		weft_report("task", "a child failed and nobody asked for its result",
			weft_log_text("name", at->name), weft_log_text("spawned", at->site),
			weft_log_text("group", group->name), weft_log_code("error", at->code));
	}
	if (group->failures_lost > 0)
		weft_report("task", "more children failed than a group keeps",
			weft_log_text("group", group->name), weft_log_uint("lost", group->failures_lost));
}

/* The whole. */

static void init_group(wf_run *run, weft_group *group, const char *name)
{
	wf_group_init(group, &run->workers[0], &run->scope);
	group->name = name;
	group->keep_going = true;
	group->run = run;
}

/* Before any worker runs. The posts' `over` is asked for only once nothing more can be posted. */
static int init_groups(wf_run *run)
{
	int rc = wf_stages_init(run);
	if (rc != 0) return rc;
	wf_scope_init(&run->scope, &run->workers[0].scope, NULL);
	init_group(run, &run->root, "run");
	init_group(run, &run->posts, "posts");
	return wf_shards_begin(&run->posts);
}

static void end_group(weft_group *group)
{
	wf_run_report_failures(group, group->failures);
	wf_group_fini(group);
}

static int serve_all(wf_run *run)
{
	wf_worker *first = &run->workers[0];
	run->root.over = wf_stages_advance;
	run->start.deliver = start_main;
	wf_inbox_push(&first->inbox, &run->start);
	wf_worker_loop(first);
	if (run->abandoned) {
		if (run->owns_signals) wf_signals_close(run);
		return WEFT_ESTUCK;
	}
	for (int i = 1; i < run->worker_count; i++) wf_thread_join(&run->seats[i].thread);
	end_group(&run->posts);
	end_group(&run->root);
	wf_scope_fini(&run->scope);
	wf_worker_fini(first);
	return run->result;
}

/* From the workers on: all are made, none runs yet. */
static int run_workers(wf_run *run)
{
	int rc = run->options.keep_signals ? 0 : wf_signals_open(run);
	if (rc != 0) goto fini_workers;
	rc = init_groups(run);
	if (rc == 0) rc = start_workers(run);
	if (rc == 0) return serve_all(run);
	wf_shards_free(&run->posts);
	if (run->owns_signals) wf_signals_close(run);
fini_workers:
	for (int i = 0; i < run->worker_count; i++) wf_worker_fini(&run->workers[i]);
	return rc;
}

static int run_core(wf_run *run)
{
	int rc = make_pool(run);
	if (rc != 0) return rc;
	rc = make_workers(run);
	if (rc == 0) rc = run_workers(run);
	if (!run->abandoned) weft_pool_free(run->pool);
	return rc;
}

int wf_run_on(weft_task_fn *fn, void *arg, const weft_run_options *options, const wf_io_backend *io)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	if (wf_inbox_here != NULL) return WEFT_EBUSY;
	weft_run_options checked = *options;
	int rc = check_options(&checked);
	if (rc != 0) return rc;
	pthread_once(&once, prepare_process);
	wf_run *run = make_core(&checked, io ? io : &wf_io_poll);
	if (run == NULL) return WEFT_ENOMEM;
	run->fn = fn;
	run->arg = arg;
	rc = run_core(run);
	if (!run->abandoned) wf_run_unref(run);
	return rc;
}

int weft_run_with(weft_task_fn *fn, void *arg, const weft_run_options *options)
{
	return wf_run_on(fn, arg, options, NULL);
}

int wf_main(weft_task_fn *fn, void *arg, const char *failed, const weft_run_options *options)
{
	weft_run_options with_end = *options;
	if (with_end.on_stuck == WEFT_STUCK_DEFAULT) with_end.on_stuck = WEFT_STUCK_EXIT;
	int rc = weft_run_with(fn, arg, &with_end);
	if (rc >= 0) return 0;
	fprintf(stderr, "%s: %s%s%s\n", program_invocation_short_name, failed ? failed : "",
		failed ? ": " : "", weft_error_text(rc));
	return 1;
}

int weft_main_with(weft_task_fn *fn, void *arg, const weft_run_options *options)
{
	return wf_main(fn, arg, NULL, options);
}

/* Draining. */

static void drain_asked(wf_message *message)
{
	wf_run *run = wf_container_of(message, wf_run, drain);
	if (run->pressed == 0) wf_run_press(run, "weft_drain");
}

int weft_drain(void)
{
	wf_worker *here = wf_worker_here();
	if (here == NULL) return WEFT_ENORUN;
	wf_run *run = here->run;
	if (atomic_exchange_explicit(&run->asked_to_drain, true, memory_order_relaxed)) return 0;
	run->drain.deliver = drain_asked;
	wf_inbox_push(&run->workers[0].inbox, &run->drain);
	return 0;
}

bool weft_draining(void)
{
	weft_task *task = wf_task_here();
	return task != NULL && task->scope->level >= WF_LEVEL_DRAIN;
}

int weft_drain_wait(void)
{
	int rc = wf_checkpoint();
	if (rc != 0 || weft_draining()) return rc;
	wf_wait_open(WF_WAIT_DRAIN, "a drain", NULL);
	return wf_wait_park() == WF_CAUSE_CANCEL ? WEFT_ECANCELED : 0;
}
