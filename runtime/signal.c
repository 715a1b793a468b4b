/* Signals arrive on libuv's pipe of each loop that asked. The run watches SIGINT and SIGTERM on
 * worker 1; a task that waits for a signal watches it on its own worker, and while it does the
 * run's handling of that signal is off. */
#include <weft/signal.h>

#include <errno.h>
#include <signal.h>
#include <weft/error.h>

#include "runtime/run.h"

/* One run in the process owns the signals. */
static _Atomic(bool) owned;

static void on_signal(uv_signal_t *handle, int signo)
{
	wf_run *run = handle->data;
	if (atomic_load_explicit(&run->waiting_for[signo], memory_order_relaxed) > 0) return;
	wf_run_press(run, signo == SIGINT ? "SIGINT" : "SIGTERM");
	if (run->pressed < 3) return;
	signal(signo, SIG_DFL);
	raise(signo);
}

static int watch(wf_run *run, uv_signal_t *handle, int signo)
{
	handle->data = run;
	int rc = uv_signal_init(&run->workers[0].loop, handle);
	if (rc != 0) return rc;
	rc = uv_signal_start(handle, on_signal, signo);
	if (rc != 0) uv_close((uv_handle_t *)handle, NULL);
	return rc;
}

int wf_signals_open(wf_run *run)
{
	if (atomic_exchange(&owned, true)) return WEFT_EBUSY;
	int rc = watch(run, &run->interrupt, SIGINT);
	if (rc != 0) goto give_up;
	rc = watch(run, &run->terminate, SIGTERM);
	if (rc != 0) goto close_interrupt;
	run->owns_signals = true;
	return 0;

close_interrupt:
	uv_close((uv_handle_t *)&run->interrupt, NULL);
give_up:
	atomic_store(&owned, false);
	return rc;
}

void wf_signals_close(wf_run *run)
{
	uv_close((uv_handle_t *)&run->interrupt, NULL);
	uv_close((uv_handle_t *)&run->terminate, NULL);
	run->owns_signals = false;
	atomic_store(&owned, false);
}

/* A task that waits. */

typedef struct signal_wait {
	uv_signal_t handle;
	weft_task *task;
	wf_ticket ticket;
} signal_wait;

static void came(uv_signal_t *handle, int signo)
{
	signal_wait *wait = wf_container_of(handle, signal_wait, handle);
	(void)signo;
	uv_signal_stop(handle);
	wf_wait_end(wait->task, wait->ticket, 0);
}

static void handle_closed(uv_handle_t *handle)
{
	signal_wait *wait = wf_container_of((uv_signal_t *)handle, signal_wait, handle);
	wf_wait_end(wait->task, wait->ticket, 0);
}

/* The handle lies on this stack, so its close is waited for: libuv tells on a later turn. */
static void close_handle(signal_wait *wait)
{
	wait->ticket = wf_wait_open(WF_WAIT_UNCANCELABLE, "the close of a signal handle", wait);
	uv_close((uv_handle_t *)&wait->handle, handle_closed);
	wf_wait_park();
}

static int wait_on(wf_worker *worker, signal_wait *wait, int signo)
{
	int rc = uv_signal_init(&worker->loop, &wait->handle);
	if (rc != 0) return rc;
	wait->ticket = wf_wait_open(0, "a signal", NULL);
	rc = uv_signal_start(&wait->handle, came, signo);
	if (rc == 0)
		rc = wf_wait_park() == WF_CAUSE_CANCEL ? WEFT_ECANCELED : 0;
	else
		wf_wait_close();
	close_handle(wait);
	return rc;
}

int weft_signal_wait(int signo)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (signo <= 0 || signo >= WF_SIGNALS) return WEFT_EINVAL;
	wf_worker *worker = wf_worker_here();
	signal_wait wait = { .task = worker->task };
	_Atomic(unsigned) *waiting = &worker->run->waiting_for[signo];
	atomic_fetch_add_explicit(waiting, 1, memory_order_relaxed);
	rc = wait_on(worker, &wait, signo);
	atomic_fetch_sub_explicit(waiting, 1, memory_order_relaxed);
	return rc;
}
