/* Waiting for time: the clock, sleeps and tickers over the worker's timers. */
#include <weft/error.h>
#include <weft/timer.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "runtime/sleep.h"
#include "runtime/worker.h"

enum { NS_PER_MS = 1000000 };

/* A task that sleeps; on its stack. */
typedef struct sleeper {
	wf_timer timer;
	weft_task *task;
	wf_ticket ticket;
} sleeper;

static void wake_up(wf_timer *timer)
{
	sleeper *sleep = wf_container_of(timer, sleeper, timer);
	wf_wait_end(sleep->task, sleep->ticket, 0);
}

int wf_sleep_until(int64_t deadline_ns, unsigned flags, int *cause)
{
	wf_worker *worker = wf_worker_here();
	sleeper sleep = { .timer = { .fire = wake_up }, .task = worker->task };
	int rc = wf_timer_arm(&worker->timers, &sleep.timer, deadline_ns);
	if (rc != 0) return rc;
	sleep.ticket = wf_wait_open(flags, "a timer", NULL);
	*cause = wf_wait_park();
	wf_timer_cancel(&worker->timers, &sleep.timer);
	return *cause == WF_CAUSE_CANCEL ? WEFT_ECANCELED : 0;
}

int64_t weft_now_ms(void)
{
	return wf_now_ns() / NS_PER_MS;
}

/* A deadline that is too far to count is as good as none. */
static int64_t in_ms(int64_t now_ns, int64_t ms)
{
	return ms > (INT64_MAX - now_ns) / NS_PER_MS ? INT64_MAX - 1 : now_ns + ms * NS_PER_MS;
}

int weft_sleep_ms(int64_t ms)
{
	if (ms <= 0) return weft_yield();
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	int cause;
	return wf_sleep_until(in_ms(wf_now_ns(), ms), 0, &cause);
}

struct weft_ticker {
	int64_t period_ns;
	int64_t next_ns;
};

int weft_ticker_open(int64_t period_ms, weft_ticker **out)
{
	if (period_ms <= 0 || period_ms > INT64_MAX / NS_PER_MS) return WEFT_EINVAL;
	weft_ticker *ticker = wf_alloc(sizeof *ticker);
	if (ticker == NULL) return WEFT_ENOMEM;
	ticker->period_ns = period_ms * NS_PER_MS;
	ticker->next_ns = wf_now_ns() + ticker->period_ns;
	*out = ticker;
	return 0;
}

int weft_ticker_next(weft_ticker *ticker)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (weft_draining()) return 0;
	int cause = 0;
	if (ticker->next_ns > wf_now_ns()) rc = wf_sleep_until(ticker->next_ns, WF_WAIT_DRAIN, &cause);
	if (rc != 0) return rc;
	if (cause == WF_CAUSE_DRAIN) return 0;
	int64_t late = wf_now_ns() - ticker->next_ns;
	ticker->next_ns += (late / ticker->period_ns + 1) * ticker->period_ns;
	return 1;
}

void weft_ticker_close(weft_ticker *ticker)
{
	wf_free(ticker);
}
