#include "net/export/console_sample.h"

#include <string.h>
#include <sys/resource.h>
#include <weft/scope.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "runtime/run.h"

enum { NS_PER_US = 1000, NS_PER_S = 1000000000, MEASURED_NS = 900000000, SHIELD_MS = 1000 };
enum { ASKED, FILLING, GIVEN_UP };

/* By the worker. */

static int64_t cpu_ns(void)
{
	struct rusage used;
	if (getrusage(RUSAGE_THREAD, &used) != 0) return 0;
	int64_t seconds = used.ru_utime.tv_sec + used.ru_stime.tv_sec;
	return seconds * NS_PER_S + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * NS_PER_US;
}

/* Over about a second at least: two who look at once shall not halve what is measured. */
static double busy_percent(wf_site_told *told, int64_t now_ns)
{
	int64_t passed = now_ns - told->at_ns;
	if (told->at_ns != 0 && passed < MEASURED_NS) return told->busy_percent;
	int64_t cpu = cpu_ns();
	double share = told->at_ns != 0 ? 100.0 * (double)(cpu - told->cpu_ns) / (double)passed : 0;
	told->at_ns = now_ns;
	told->cpu_ns = cpu;
	told->busy_percent = share > 100 ? 100 : share;
	return told->busy_percent;
}

static void fill_worker(wf_console_sample *sample, const wf_worker *worker)
{
	sample->tasks = atomic_load_explicit(&worker->live_tasks, memory_order_relaxed);
	sample->ready = wf_ready_count(&worker->ready);
	sample->inbox = atomic_load_explicit(&worker->posts_waiting, memory_order_relaxed) +
					atomic_load_explicit(&worker->expected, memory_order_relaxed);
	sample->switches = worker->switches;
}

static void fill_site(wf_console_sample *sample, wf_site *site)
{
	sample->requests_total = site->counts.requests;
	sample->errors_total = site->counts.errors;
	__atomic_store_n(&site->told.requests, site->counts.requests, __ATOMIC_RELAXED);
	__atomic_store_n(&site->told.errors, site->counts.errors, __ATOMIC_RELAXED);
	sample->connections_total = site->count;
	/* Its list begins with its task, which may not have run yet. */
	if (site->connections.next != NULL)
		sample->connection_count =
			wf_census_connections(site, sample->connections, WF_CONSOLE_CONNECTIONS);
	for (uint32_t i = 0; i < WF_CONSOLE_REQUESTS; i++) {
		const wf_census_entry *entry = wf_census_at(&site->census, i);
		if (entry == NULL) break;
		sample->requests[sample->request_count++] = *entry;
	}
}

static bool step(wf_console_sample *sample, uint32_t to)
{
	uint32_t asked = ASKED;
	/* Acquire and release on both sides is more than the claim itself needs: what is filled is
	 * handed over by the future. */
	return __atomic_compare_exchange_n(
		&sample->state, &asked, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void deliver(wf_message *message)
{
	wf_console_sample *sample = wf_container_of(message, wf_console_sample, message);
	if (step(sample, FILLING)) {
		sample->now_ns = wf_now_ns();
		sample->lag_ns = sample->now_ns - sample->asked_ns;
		sample->busy_percent = busy_percent(&sample->site->told, sample->now_ns);
		fill_worker(sample, wf_worker_here());
		fill_site(sample, sample->site);
		weft_future_set(sample->future, 0, NULL);
	}
	wf_console_let_go(sample);
}

/* By the asker. */

int wf_console_ask(wf_site *site, wf_console_sample **out)
{
	wf_console_sample *sample = wf_alloc(sizeof *sample);
	if (sample == NULL) return WEFT_ENOMEM;
	memset(sample, 0, offsetof(wf_console_sample, connections));
	int rc = weft_future_new(&sample->future);
	if (rc != 0) goto free_sample;
	/* Sites are in the order of their workers. */
	wf_worker *worker = &wf_worker_here()->run->workers[site - site->server->sites];
	sample->site = site;
	sample->refs = 2;
	sample->message.deliver = deliver;
	sample->asked_ns = wf_now_ns();
	rc = wf_inbox_post(&worker->inbox, &sample->message);
	if (rc != 0) goto unref_future;
	*out = sample;
	return 0;

unref_future:
	weft_future_unref(sample->future);
free_sample:
	wf_free(sample);
	return rc;
}

bool wf_console_answered(wf_console_sample *sample)
{
	if (weft_await(sample->future) == 0) return true;
	if (step(sample, GIVEN_UP)) return false;
	/* It is being filled at this moment. */
	weft_scope *shield = weft_scope_open(.shield_ms = SHIELD_MS);
	return weft_scope_close(shield, weft_await(sample->future)) == 0;
}

static void forget(void *sample)
{
	wf_console_let_go(sample);
}

static wf_console_sample *share(wf_console_sample *sample)
{
	if (sample != NULL) (void)__atomic_add_fetch(&sample->refs, 1, __ATOMIC_RELAXED);
	return sample;
}

void wf_console_keep(wf_console_sample *sample)
{
	wf_site_told *told = &sample->site->told;
	share(sample);
	wf_spin_lock(&told->lock);
	wf_console_sample *before = told->last;
	told->last = sample;
	told->forget = forget;
	wf_spin_unlock(&told->lock);
	wf_console_let_go(before);
}

wf_console_sample *wf_console_last(wf_site *site)
{
	wf_spin_lock(&site->told.lock);
	wf_console_sample *last = share(site->told.last);
	wf_spin_unlock(&site->told.lock);
	return last;
}

void wf_console_let_go(wf_console_sample *sample)
{
	if (sample == NULL || __atomic_sub_fetch(&sample->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
	weft_future_unref(sample->future);
	wf_free(sample);
}
