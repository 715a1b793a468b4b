/* Where work runs, and how it gets there: a child on each worker, children wherever there is room,
 * a call to the worker that owns something, a blocking job, and a thread that is not weft's. */
#include <pthread.h>
#include <stdlib.h>
#include <weft/weft.h>

enum { WORKERS = 3, RANGES = 12, RANGE = 2000 };

/* One for each worker, which alone touches it: no lock, no atomics. */
struct cache {
	int hits;
	int owner;
};
static struct cache caches[WORKERS];

static int warm_up(void *arg)
{
	(void)arg;
	struct cache *mine = &caches[weft_worker_id() - 1];
	mine->owner = weft_worker_id();
	return 0;
}

static int warm_up_everywhere(void)
{
	weft_group *group = weft_group_open(.name = "warm up");
	weft_spawn(group, warm_up, NULL, .worker = WEFT_EACH);
	return weft_group_join(group, 0);
}

struct range {
	int first, primes;
};

static bool is_prime(int n)
{
	for (int d = 2; d * d <= n; d++) {
		if (n % d == 0) return false;
	}
	return n > 1;
}

static int count_primes(void *arg)
{
	struct range *range = arg;
	for (int i = 0; i < RANGE; i++) {
		range->primes += is_prime(range->first + i);
		int rc = i % 100 == 99 ? weft_yield() : 0;
		if (rc) return rc;
	}
	return 0;
}

static int count_on_all_cores(struct range *ranges, int *primes)
{
	weft_task *done;
	int rc;
	weft_group *group = weft_group_open(.name = "primes");
	for (int i = 0; i < RANGES; i++)
		weft_spawn(group, count_primes, &ranges[i], .worker = WEFT_ANYWHERE);
	while ((rc = weft_group_next(group, &done)) == 1)
		*primes += ((struct range *)weft_task_arg(done))->primes;
	return weft_group_join(group, rc);
}

static int hit(void *arg)
{
	struct cache *cache = arg;
	return ++cache->hits;
}

/* On the cache's own worker: each has run when its spawn returns, since it waits for nothing. */
static int hit_thrice(struct cache *mine)
{
	weft_group *group = weft_group_open(.name = "hits");
	for (int i = 0; i < 3; i++) weft_spawn(group, hit, mine, .direct = true);
	return weft_group_join(group, mine->hits == 3 ? 0 : WEFT_EPROTO);
}

/* To the cache's worker and back; nobody else ever runs inside it meanwhile. */
static int hit_cache(struct cache *cache)
{
	return weft_call_on(cache->owner, hit, cache);
}

/* Any call that keeps its thread: a file, a database, a long computation. */
static int count_without_yielding(void *arg)
{
	struct range *range = arg;
	for (int i = 0; i < RANGE && !weft_job_cancelled(); i++)
		range->primes += is_prime(range->first + i);
	return range->primes;
}

static int count_in_pool(struct range *range)
{
	return weft_offload(count_without_yielding, range);
}

/* A thread of some other library, and what it wants of us. */
struct sensor {
	pthread_t thread;
	weft_handle *run;
	weft_future *ended;
	int readings; /* of worker 1 */
};

static int take_reading(void *arg)
{
	struct sensor *sensor = arg;
	return ++sensor->readings;
}

static void *measure(void *arg)
{
	struct sensor *sensor = arg;
	weft_future *taken;
	int rc = 0;
	for (int i = 0; i < 5 && rc >= 0; i++) {
		rc = weft_post(sensor->run, take_reading, sensor, .worker = 1, .future = &taken);
		if (rc) break;
		rc = weft_future_join(taken);
		weft_future_unref(taken);
	}
	weft_future_set(sensor->ended, rc, NULL);
	return NULL;
}

static int wait_for_sensor(void)
{
	struct sensor sensor = { .run = weft_handle_current() };
	int rc = weft_future_new(&sensor.ended);
	if (rc) goto out;
	rc = -pthread_create(&sensor.thread, NULL, measure, &sensor);
	if (rc == 0) {
		rc = weft_await(sensor.ended);
		pthread_join(sensor.thread, NULL);
	}
	weft_future_unref(sensor.ended);
out:
	weft_handle_unref(sensor.run);
	return rc;
}

static int tour(void *arg)
{
	struct range ranges[RANGES] = { 0 }, blocking = { 0 };
	int primes = 0;
	(void)arg;
	for (int i = 0; i < RANGES; i++) ranges[i].first = i * RANGE;

	int rc = warm_up_everywhere();
	if (rc == 0) rc = count_on_all_cores(ranges, &primes);
	if (rc == 0) rc = hit_thrice(&caches[0]);
	if (rc == 0) rc = hit_cache(&caches[WORKERS - 1]);
	if (rc > 0) rc = count_in_pool(&blocking);
	if (rc > 0) rc = wait_for_sensor();
	weft_log(
		WEFT_LOG_INFO, "counted", weft_log_int("primes", primes), weft_log_int("readings", rc));
	if (rc < 0) return rc;
	/* Below 24 000 there are 2668. */
	return primes == 2668 && blocking.primes == ranges[0].primes && rc == 5 ? 0 : WEFT_EPROTO;
}

int main(void)
{
	return weft_main(tour, NULL, .workers = WORKERS);
}
