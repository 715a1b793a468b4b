/* One run: its workers, its root group, its pool, and the order in which they end.
 *
 *   stage      begins when                              what still works
 *   serving    weft_run                                 everything
 *   pools      the root group is over                   posts; jobs end, or are named
 *   sealing    the pool is empty                        what was posted before the seal
 *   stopping   every inbox is settled, the posts over   nothing
 *   over       every loop and thread has ended          the core, for outside handles
 *
 * The stages are walked by worker 1, whose thread is the one that called weft_run. The core is
 * reference-counted: a handle outside may post to it after the end and finds a sealed inbox. */
#ifndef WF_RUNTIME_RUN_H
#define WF_RUNTIME_RUN_H

#include <weft/pool.h>
#include <weft/run.h>

#include "executor/platform.h"
#include "runtime/group.h"
#include "runtime/worker.h"

typedef enum wf_stage {
	WF_STAGE_SERVING,
	WF_STAGE_POOLS,
	WF_STAGE_SEALING,
	WF_STAGE_STOPPING,
} wf_stage;

enum {
	WF_DRAIN_MS = 5000,  /* default of weft_run_options.drain_ms */
	WF_CANCEL_MS = 5000, /* from the cancel until stragglers are named */
	WF_NAME_AGAIN_MS = 1000,
	WF_STRAGGLERS_NAMED = 16,
	WF_WORKERS_MAX = 1024,
	WF_SIGNALS = 65,
};

/* What one worker adds to the walk through the stages. */
typedef struct wf_seat {
	wf_run *run;
	wf_worker *worker;
	wf_thread thread;
	wf_message seal, sealed, stop;
	int error; /* why the worker could not start */
} wf_seat;

struct wf_run {
	_Atomic(unsigned) refs;
	weft_run_options options;
	const wf_io_backend *io;
	int worker_count;
	wf_worker *workers;
	wf_seat *seats;
	weft_pool *pool;
	wf_scope scope;  /* above the two groups; what a signal raises */
	weft_group root; /* main, and what main is for */
	weft_group
		posts; /* what came from outside: it may go on coming, so it does not delay the end */

	weft_task_fn *fn;
	void *arg;
	int result;
	bool returned; /* main did */
	wf_message start;

	wf_stage stage;
	int sealed;
	wf_thread pool_closer;
	bool pool_closing;
	wf_message pool_closed;
	wf_timer bound;  /* of the drain, then of the cancel, then of each naming */
	uint8_t pressed; /* signals, or their like, so far; the end of main is like the first */
	bool abandoned;  /* on_stuck said: return */
	_Atomic(bool) asked_to_drain;
	wf_message drain;
	_Atomic(unsigned) next_worker;

	bool owns_signals;
	uv_signal_t interrupt, terminate;
	_Atomic(unsigned) waiting_for[WF_SIGNALS]; /* tasks in weft_signal_wait, by signal */
};

/* weft_main; `failed` says in the one line of an error what it was that failed, unless NULL. */
int wf_main(weft_task_fn *fn, void *arg, const char *failed, const weft_run_options *options);

/* The internal way in: `io` NULL is the default back end. */
int wf_run_on(
	weft_task_fn *fn, void *arg, const weft_run_options *options, const wf_io_backend *io);

void wf_run_ref(wf_run *run);
void wf_run_unref(wf_run *run);
/* The worker with the fewest tasks. */
int wf_run_least_loaded(wf_run *run);
/* The next step of asking it to end: drain, cancel, exit. Thread: worker 1, on its loop. */
void wf_run_press(wf_run *run, const char *why);
/* Tells the operator of failures that nobody asked for. */
void wf_run_report_failures(const weft_group *group, const wf_failure *first);

/* stages.c. */

/* Errors: ENOMEM. */
int wf_stages_init(wf_run *run);
/* The `over` of both groups. */
void wf_stages_advance(weft_group *group);
/* Each turn of a worker that seals. */
void wf_stages_settle(wf_worker *worker);
/* The bound of the drain passed, or that of the cancel. */
void wf_stages_bound(wf_timer *timer);

/* signal.c. */

/* Errors: EBUSY when another run owns the signals. */
int wf_signals_open(wf_run *run);
void wf_signals_close(wf_run *run);

#endif
