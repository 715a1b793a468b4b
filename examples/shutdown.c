/* Ending in order: a service that is told to stop by a signal, one part that listens, one that does
 * not, one that only goes along, a job that is still running, and a thread that comes too late. */
#include <signal.h>
#include <stdlib.h>
#include <weft/weft.h>

struct service {
	weft_handle *run;
	int served;         /* by the polite one */
	bool said_goodbye;  /* it was */
	bool was_cancelled; /* the stubborn one was */
	bool beat_ended;    /* the heartbeat did */
	weft_reason reason; /* why the stubborn one was */
	int archived;       /* by the job that nobody awaits */
};

/* Takes work until it is asked to finish up, and then finishes up. */
static int be_polite(void *arg)
{
	struct service *service = arg;
	weft_ticker *work;
	int rc = weft_ticker_open(1, &work);
	if (rc) return rc;
	while ((rc = weft_ticker_next(work)) == 1) service->served++;
	weft_ticker_close(work);
	if (rc == 0) rc = weft_sleep_ms(1); /* a drain is no cancel: everything still works */
	service->said_goodbye = rc == 0;
	return rc;
}

/* Never asks whether it should stop; the cancel ends its wait. */
static int be_stubborn(void *arg)
{
	struct service *service = arg;
	int rc = weft_sleep_ms(INT64_MAX);
	service->reason = weft_cancel_reason(NULL);
	service->was_cancelled = rc == WEFT_ECANCELED;
	return rc;
}

/* Of no use by itself: cancelled when the others have ended. */
static int beat(void *arg)
{
	struct service *service = arg;
	int rc = 0;
	while (rc == 0) rc = weft_sleep_ms(1);
	service->beat_ended = true;
	return rc;
}

static int archive(void *arg)
{
	struct service *service = arg;
	service->archived++;
	return 0;
}

static int serve(void *arg)
{
	struct service *service = arg;
	weft_group *group = weft_group_open(.name = "service");
	weft_spawn(group, be_polite, service);
	weft_spawn(group, be_stubborn, service);
	weft_spawn(group, beat, service, .service = true);

	service->run = weft_handle_current();
	int rc = weft_post(service->run, archive, service, .worker = weft_worker_id());
	raise(SIGTERM); /* as an operator would; Ctrl-C is SIGINT */
	if (rc == 0) rc = weft_drain_wait();
	return weft_group_join(group, rc);
}

static bool ended_in_order(const struct service *service)
{
	return service->said_goodbye && service->was_cancelled && service->beat_ended &&
		   service->reason == WEFT_REASON_SHUTDOWN && service->archived == 1;
}

int main(void)
{
	struct service service = { 0 };
	int rc = weft_run(serve, &service, .workers = 2, .drain_ms = 50, .on_stuck = WEFT_STUCK_EXIT);
	int late = weft_post(service.run, archive, &service);
	weft_handle_unref(service.run);
	return rc == 0 && late == WEFT_ESHUTDOWN && ended_in_order(&service) ? EXIT_SUCCESS : 1;
}
