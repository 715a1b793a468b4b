/* From one core to another: messages, wakes, jobs of the pool. */
#include "context/context.h"
#include "executor/platform.h"
#include "runtime/run.h"
#include "runtime/wait.h"
#include "tests/bench/plain.h"
#include "tests/bench/primitives.h"

enum { POSTS = 65536, TRIPS = 5000, BUSY_TRIPS = 100000, JOBS = 5000, MANY_JOBS = 100000 };

/* post: a thread of its own fills a worker's inbox while the worker empties it. Each message
 * carries a context. */
typedef struct parcel {
	wf_message message;
	weft_context *context;
} parcel;

typedef struct post_office {
	wf_worker *worker;
	weft_context *context;
	unsigned delivered;
	int64_t took_ns;
} post_office;

static post_office office;
static parcel parcels[POSTS];

static void unpack(wf_message *message)
{
	wf_context_unref(wf_container_of(message, parcel, message)->context);
	office.delivered++;
}

static void post_all(void *arg)
{
	(void)arg;
	weft_context *former = wf_context_attach(office.context);
	int64_t began = wf_now_ns();
	for (int i = 0; i < POSTS; i++) {
		parcels[i].message.deliver = unpack;
		parcels[i].context = wf_context_capture();
		BENCH_CHECK(wf_inbox_post(&office.worker->inbox, &parcels[i].message) == 0);
	}
	office.took_ns = wf_now_ns() - began;
	wf_context_attach(former);
}

static int run_posts(void *arg)
{
	static weft_key key;
	wf_thread thread;
	(void)arg;
	office = (post_office){ .worker = wf_worker_here() };
	BENCH_CHECK(wf_context_with(wf_context_root(), &key, &office, &office.context) == 0);
	BENCH_CHECK(wf_thread_start(&thread, "poster", post_all, NULL, 0) == 0);
	while (office.delivered < POSTS) BENCH_CHECK(weft_yield() == 0);
	wf_thread_join(&thread);
	wf_context_unref(office.context);
	return 0;
}

double post(void)
{
	BENCH_CHECK(weft_run(run_posts, NULL, .workers = 1) == 0);
	return (double)office.took_ns / POSTS;
}

static double time_plain(void (*plain)(unsigned times), unsigned times)
{
	int64_t began = wf_now_ns();
	plain(times);
	return (double)(wf_now_ns() - began) / times;
}

double bare_post(void)
{
	return time_plain(plain_post, 4 * POSTS);
}

/* cross_core: a task parks until its message has been to another worker and back. */
typedef struct traveller {
	wf_message message;
	wf_worker *home, *there;
	weft_task *task;
	wf_ticket ticket;
	int trips;
	int64_t took_ns;
} traveller;

static void arrive(wf_message *message)
{
	traveller *self = wf_container_of(message, traveller, message);
	wf_wait_end(self->task, self->ticket, 0);
}

static void turn_round(wf_message *message)
{
	traveller *self = wf_container_of(message, traveller, message);
	message->deliver = arrive;
	wf_inbox_push(&self->home->inbox, message);
}

static void go(traveller *self)
{
	self->message.deliver = turn_round;
	self->ticket = wf_wait_open(WF_WAIT_UNCANCELABLE, "a message", NULL);
	wf_inbox_push(&self->there->inbox, &self->message);
	BENCH_CHECK(wf_wait_park() == 0);
}

static int run_trips(void *arg)
{
	traveller *self = arg;
	self->home = wf_worker_here();
	self->there = &self->home->run->workers[1];
	self->task = weft_task_current();
	for (int i = 0; i < self->trips / 10; i++) go(self);
	int64_t began = wf_now_ns();
	for (int i = 0; i < self->trips; i++) go(self);
	self->took_ns = wf_now_ns() - began;
	return 0;
}

double cross_core_sleep(void)
{
	traveller self = { .trips = TRIPS };
	BENCH_CHECK(weft_run(run_trips, &self, .workers = 2, .spin_us = -1) == 0);
	return (double)self.took_ns / self.trips;
}

/* Both awake: they spin for longer than a wake takes, so that they meet. */
double cross_core_busy(void)
{
	traveller self = { .trips = BUSY_TRIPS };
	BENCH_CHECK(weft_run(run_trips, &self, .workers = 2, .spin_us = 100) == 0);
	return (double)self.took_ns / self.trips;
}

double bare_sleep(void)
{
	return time_plain(plain_trip_asleep, TRIPS);
}

double bare_busy(void)
{
	return time_plain(plain_trip_busy, BUSY_TRIPS);
}

/* offload_N: N tasks hand the pool one job after another. */
typedef struct office_hours {
	int tasks, jobs;
	int64_t took_ns;
} office_hours;

static int job_of_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int offload_share(void *arg)
{
	const office_hours *all = arg;
	for (int i = 0; i < all->jobs / all->tasks; i++)
		BENCH_CHECK(weft_offload(job_of_nothing, NULL) == 0);
	return 0;
}

static int run_offloads(void *arg)
{
	office_hours *all = arg;
	BENCH_CHECK(weft_offload(job_of_nothing, NULL) == 0);
	int64_t began = wf_now_ns();
	weft_group *group = weft_group_open();
	for (int i = 0; i < all->tasks; i++) weft_spawn(group, offload_share, all);
	int rc = weft_group_join(group, 0);
	all->took_ns = wf_now_ns() - began;
	return rc;
}

static double offload_ns(int tasks, int jobs)
{
	office_hours all = { .tasks = tasks, .jobs = jobs };
	BENCH_CHECK(weft_run(run_offloads, &all, .workers = 1, .pool_threads = PLAIN_THREADS) == 0);
	return (double)all.took_ns / (jobs / tasks * tasks);
}

double offload_1(void)
{
	return offload_ns(1, JOBS);
}

double offload_64(void)
{
	return offload_ns(PLAIN_IN_FLIGHT_MAX, MANY_JOBS);
}

static void plain_offload_1(unsigned times)
{
	plain_offload(times, 1);
}

static void plain_offload_64(unsigned times)
{
	plain_offload(times, PLAIN_IN_FLIGHT_MAX);
}

double bare_offload_1(void)
{
	return time_plain(plain_offload_1, JOBS);
}

double bare_offload_64(void)
{
	return time_plain(plain_offload_64, MANY_JOBS);
}
