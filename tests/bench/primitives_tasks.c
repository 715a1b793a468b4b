/* Switching, spawning, and what a parked task takes. */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/coro.h"
#include "runtime/stack.h"
#include "tests/bench/primitives.h"

enum { SWITCHES = 1000000, WARM_LAPS = 2, SPAWNS = 200000, PARKED = 100000, MANY = 1000000 };

/* yield_N: N tasks take turns. The first of them holds the watch. */
typedef struct ring {
	size_t tasks, laps;
	int64_t took_ns;
} ring;

static void yield_times(size_t times)
{
	for (size_t i = 0; i < times; i++) BENCH_CHECK(weft_yield() == 0);
}

static int lead(void *arg)
{
	ring *all = arg;
	yield_times(WARM_LAPS);
	int64_t began = wf_now_ns();
	yield_times(all->laps);
	all->took_ns = wf_now_ns() - began;
	return 0;
}

/* Stays a little longer than the one with the watch. */
static int follow(void *arg)
{
	const ring *all = arg;
	yield_times(all->laps + 2 * WARM_LAPS);
	return 0;
}

static int run_ring(void *arg)
{
	ring *all = arg;
	weft_group *group = weft_group_open();
	weft_spawn(group, lead, all);
	for (size_t i = 1; i < all->tasks; i++) weft_spawn(group, follow, all);
	return weft_group_join(group, 0);
}

static double yield_ns(size_t tasks)
{
	ring all = { .tasks = tasks, .laps = SWITCHES / tasks };
	BENCH_CHECK(weft_run(run_ring, &all, .workers = 1) == 0);
	return (double)all.took_ns / (double)(all.tasks * all.laps);
}

double yield_100(void)
{
	return yield_ns(100);
}

double yield_1k(void)
{
	return yield_ns(1000);
}

double yield_10k(void)
{
	return yield_ns(10000);
}

/* The same without tasks: each coroutine switches to the next and fetches the one after. */
typedef struct runner {
	wf_coro coro;
	struct runner *next, *ahead;
	wf_stack *stack;
} runner;

static wf_coro home;
static size_t switches_left;

static void run_bare(void *arg)
{
	runner *self = arg;
	while (switches_left > 0) {
		switches_left--;
		wf_coro_prefetch(&self->ahead->coro);
		wf_coro_switch(&self->coro, &self->next->coro);
	}
	wf_coro_switch_last(&self->coro, &home);
}

static int64_t drive_bare(runner *all, size_t switches)
{
	switches_left = switches;
	int64_t began = wf_now_ns();
	wf_coro_switch(&home, &all[0].coro);
	return wf_now_ns() - began;
}

static double bare_ns(size_t count)
{
	wf_stack_pool pool;
	runner *all = calloc(count, sizeof *all);
	BENCH_CHECK(all != NULL && wf_stack_pool_init(&pool, 0, 0) == 0);
	wf_coro_init_thread(&home);
	for (size_t i = 0; i < count; i++) {
		all[i].stack = wf_stack_take(&pool);
		BENCH_CHECK(all[i].stack != NULL);
		all[i].next = &all[(i + 1) % count];
		all[i].ahead = &all[(i + 3) % count];
		wf_coro_init(&all[i].coro, all[i].stack->low, all[i].stack->size, run_bare, &all[i]);
	}
	size_t switches = SWITCHES / count * count;
	int64_t took_ns = drive_bare(all, switches);
	for (size_t i = 0; i < count; i++) {
		wf_coro_fini(&all[i].coro);
		wf_stack_give(&pool, all[i].stack);
	}
	wf_coro_fini(&home);
	wf_stack_pool_fini(&pool);
	free(all);
	return (double)took_ns / (double)switches;
}

double bare_yield_100(void)
{
	return bare_ns(100);
}

double bare_yield_1k(void)
{
	return bare_ns(1000);
}

double bare_yield_10k(void)
{
	return bare_ns(10000);
}

/* spawn_join: a group is opened, gets one child, and is joined; direct: the child runs at once. */
static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int run_spawns(void *arg)
{
	int64_t began = wf_now_ns();
	for (int i = 0; i < SPAWNS; i++) {
		weft_group *group = weft_group_open();
		weft_spawn(group, nothing, NULL);
		BENCH_CHECK(weft_group_join(group, 0) == 0);
	}
	*(int64_t *)arg = wf_now_ns() - began;
	return 0;
}

static int run_direct_spawns(void *arg)
{
	int64_t began = wf_now_ns();
	for (int i = 0; i < SPAWNS; i++) {
		weft_group *group = weft_group_open();
		weft_spawn(group, nothing, NULL, .direct = true);
		BENCH_CHECK(weft_group_join(group, 0) == 0);
	}
	*(int64_t *)arg = wf_now_ns() - began;
	return 0;
}

static double spawn_ns(weft_task_fn *spawns)
{
	int64_t took_ns = 0;
	BENCH_CHECK(weft_run(spawns, &took_ns, .workers = 1) == 0);
	return (double)took_ns / SPAWNS;
}

double spawn_join(void)
{
	return spawn_ns(run_spawns);
}

double spawn_join_direct(void)
{
	return spawn_ns(run_direct_spawns);
}

static void end_bare(void *arg)
{
	runner *self = arg;
	wf_coro_switch_last(&self->coro, &home);
}

/* A stack taken, run to its end and given back. */
double bare_spawn(void)
{
	wf_stack_pool pool;
	BENCH_CHECK(wf_stack_pool_init(&pool, 0, 0) == 0);
	wf_coro_init_thread(&home);
	int64_t began = wf_now_ns();
	for (int i = 0; i < SPAWNS; i++) {
		runner one = { .stack = wf_stack_take(&pool) };
		wf_coro_init(&one.coro, one.stack->low, one.stack->size, end_bare, &one);
		wf_coro_switch(&home, &one.coro);
		wf_coro_fini(&one.coro);
		wf_stack_give(&pool, one.stack);
	}
	int64_t took_ns = wf_now_ns() - began;
	wf_coro_fini(&home);
	wf_stack_pool_fini(&pool);
	return (double)took_ns / SPAWNS;
}

/* task_bytes: what the resident set grows by, for each task that waits. What an earlier round left
 * in the heap must not hide it. */
static size_t resident_bytes(void)
{
	malloc_trim(0);
	char text[128] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	BENCH_CHECK(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	close(fd);
	size_t total = 0, resident = 0;
	BENCH_CHECK(sscanf(text, "%zu %zu", &total, &resident) == 2);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

typedef struct crowd {
	int wanted;
	int parked;
	size_t before, after;
} crowd;

static int wait_for_cancel(void *arg)
{
	crowd *all = arg;
	all->parked++;
	(void)!weft_drain_wait();
	return 0;
}

/* Stops at the first spawn that fails: how many there can be is one of the answers. */
static int run_crowd(void *arg)
{
	crowd *all = arg;
	weft_group *group = weft_group_open(.keep_going = true);
	all->before = resident_bytes();
	for (int i = 0; i < all->wanted; i++)
		if (weft_spawn(group, wait_for_cancel, all, .forget = true) != 0) break;
	BENCH_CHECK(weft_yield() == 0);
	all->after = resident_bytes();
	weft_group_cancel(group);
	(void)!weft_group_join(group, 0);
	return 0;
}

static crowd park(int wanted)
{
	crowd all = { .wanted = wanted };
	BENCH_CHECK(weft_run(run_crowd, &all, .workers = 1, .tasks = wanted + 1) == 0);
	return all;
}

double task_bytes(void)
{
	crowd all = park(PARKED);
	return (double)(all.after - all.before) / all.parked;
}

double tasks_max(void)
{
	return park(MANY).parked;
}
