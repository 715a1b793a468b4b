#include "net/transport/nap.h"

#include <weft/error.h>

#include "context/clock.h"
#include "runtime/worker.h"

void wf_nap_wake(wf_nap *nap)
{
	if (nap != NULL) wf_wait_end(nap->task, nap->ticket, 0);
}

static void on_timer(wf_timer *timer)
{
	wf_nap_wake(wf_container_of(timer, wf_nap, timer));
}

int wf_nap_ms(wf_nap **place, int ms, unsigned flags, const char *what)
{
	int rc = wf_checkpoint();
	return rc ? rc : wf_nap_shielded(place, ms, flags, what);
}

int wf_nap_shielded(wf_nap **place, int ms, unsigned flags, const char *what)
{
	wf_timers *timers = &wf_worker_here()->timers;
	wf_nap nap = { .task = wf_task_here(), .timer = { .fire = on_timer } };
	if (ms != WF_NAP_FOREVER) {
		int rc = wf_timer_arm(timers, &nap.timer, wf_now_ns() + (int64_t)ms * 1000000);
		if (rc != 0) return rc;
	}
	*place = &nap;
	nap.ticket = wf_wait_open(flags, what, place);
	int cause = wf_wait_park();
	*place = NULL;
	wf_timer_cancel(timers, &nap.timer);
	if (cause == WF_CAUSE_CANCEL) return WEFT_ECANCELED;
	return cause == WF_CAUSE_DRAIN ? WEFT_ESHUTDOWN : 0;
}
