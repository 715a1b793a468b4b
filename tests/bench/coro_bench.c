/* What a switch and a stack cost, in nanoseconds: the least of some rounds, since all that can
 * happen to a round makes it longer.
 *     ring   each coroutine switches straight to the next: one switch
 *     hub    the thread switches to each in turn and gets it back: two switches, and the way a
 *            worker drives its tasks
 *     ahead  fetching each stack two turns before it is due */
#include <stdio.h>
#include <stdlib.h>

#include "context/base.h"
#include "context/clock.h"
#include "runtime/coro.h"
#include "runtime/stack.h"

enum { ROUNDS = 7, SWITCHES = 2000000 };

typedef struct runner {
	wf_coro coro;
	wf_coro *next;
	const wf_coro *ahead; /* NULL: fetch nothing */
	wf_stack *stack;
	bool stop;
} runner;

static wf_coro home;

__attribute__((noinline)) static void yield(runner *self)
{
	if (self->ahead != NULL) wf_coro_prefetch(self->ahead);
	wf_coro_switch(&self->coro, self->next);
}

static void run(void *arg)
{
	runner *self = arg;
	while (!self->stop) yield(self);
	wf_coro_switch_last(&self->coro, &home);
}

static runner *start(wf_stack_pool *pool, size_t count, bool ring)
{
	runner *all = calloc(count, sizeof *all);
	wf_assert(all != NULL);
	for (size_t i = 0; i < count; i++) {
		all[i].stack = wf_stack_take(pool);
		wf_assert(all[i].stack != NULL);
		all[i].next = ring ? &all[(i + 1) % count].coro : &home;
		wf_coro_init(&all[i].coro, all[i].stack->low, all[i].stack->size, run, &all[i]);
	}
	return all;
}

static void end(wf_stack_pool *pool, runner *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		all[i].stop = true;
		wf_coro_switch(&home, &all[i].coro);
		wf_coro_fini(&all[i].coro);
		wf_stack_give(pool, all[i].stack);
	}
	free(all);
}

static size_t laps_left;

/* The first of the ring counts the laps, at a price that the others share. */
static void lead(void *arg)
{
	runner *self = arg;
	while (!self->stop) {
		if (laps_left-- == 0) wf_coro_switch(&self->coro, &home);
		yield(self);
	}
	wf_coro_switch_last(&self->coro, &home);
}

static double ring_ns(wf_stack_pool *pool, size_t count, bool ahead)
{
	runner *all = start(pool, count, true);
	for (size_t i = 0; ahead && i < count; i++) all[i].ahead = &all[(i + 3) % count].coro;
	wf_coro_fini(&all[0].coro);
	wf_coro_init(&all[0].coro, all[0].stack->low, all[0].stack->size, lead, &all[0]);
	double best = 1e9;
	for (int round = 0; round <= ROUNDS; round++) {
		laps_left = round == 0 ? 2 : SWITCHES / count;
		size_t switches = laps_left * count;
		int64_t begun = wf_now_ns();
		wf_coro_switch(&home, &all[0].coro);
		double each = (double)(wf_now_ns() - begun) / (double)switches;
		if (round > 0 && each < best) best = each;
	}
	end(pool, all, count);
	return best;
}

static double hub_ns(wf_stack_pool *pool, size_t count, bool ahead)
{
	runner *all = start(pool, count, false);
	double best = 1e9;
	for (int round = 0; round <= ROUNDS; round++) {
		size_t laps = round == 0 ? 2 : SWITCHES / count;
		int64_t begun = wf_now_ns();
		for (size_t lap = 0; lap < laps; lap++)
			for (size_t i = 0; i < count; i++) {
				if (ahead && i + 2 < count) wf_coro_prefetch(&all[i + 2].coro);
				wf_coro_switch(&home, &all[i].coro);
			}
		double each = (double)(wf_now_ns() - begun) / (double)(laps * count);
		if (round > 0 && each < best) best = each;
	}
	end(pool, all, count);
	return best;
}

static double take_give_ns(wf_stack_pool *pool, size_t at_once)
{
	static wf_stack *held[1000];
	double best = 1e9;
	for (int round = 0; round <= ROUNDS; round++) {
		size_t laps = SWITCHES / at_once;
		int64_t begun = wf_now_ns();
		for (size_t lap = 0; lap < laps; lap++) {
			for (size_t i = 0; i < at_once; i++) held[i] = wf_stack_take(pool);
			__asm__ volatile("" ::: "memory");
			for (size_t i = 0; i < at_once; i++) wf_stack_give(pool, held[i]);
		}
		double each = (double)(wf_now_ns() - begun) / (double)(laps * at_once);
		if (round > 0 && each < best) best = each;
	}
	return best;
}

static void finish(void *arg)
{
	runner *self = arg;
	wf_coro_switch_last(&self->coro, &home);
}

/* Take, init, run to the end, give: what a spawn costs below the task. */
static double spawn_ns(wf_stack_pool *pool)
{
	double best = 1e9;
	for (int round = 0; round <= ROUNDS; round++) {
		int64_t begun = wf_now_ns();
		for (size_t i = 0; i < SWITCHES; i++) {
			runner one = { .stack = wf_stack_take(pool) };
			wf_coro_init(&one.coro, one.stack->low, one.stack->size, finish, &one);
			wf_coro_switch(&home, &one.coro);
			wf_coro_fini(&one.coro);
			wf_stack_give(pool, one.stack);
		}
		double each = (double)(wf_now_ns() - begun) / SWITCHES;
		if (round > 0 && each < best) best = each;
	}
	return best;
}

static double new_stack_ns(void)
{
	wf_stack_pool pool;
	wf_assert(wf_stack_pool_init(&pool, 0, 0) == 0);
	enum { COUNT = 20000 };
	static wf_stack *all[COUNT];
	int64_t begun = wf_now_ns();
	for (size_t i = 0; i < COUNT; i++) all[i] = wf_stack_take(&pool);
	double each = (double)(wf_now_ns() - begun) / COUNT;
	for (size_t i = 0; i < COUNT; i++) wf_stack_give(&pool, all[i]);
	wf_stack_pool_fini(&pool);
	return each;
}

int main(void)
{
	wf_stack_pool pool;
	wf_assert(wf_stack_pool_init(&pool, 0, 0) == 0);
	wf_coro_init_thread(&home);
	for (size_t count = 2; count <= 10000; count *= count == 2 ? 5 : 10)
		printf("%6zu coroutines: ring %5.1f ns a switch, ahead %5.1f; hub %5.1f ns there and back, "
			   "ahead %5.1f\n",
			count, ring_ns(&pool, count, false), ring_ns(&pool, count, true),
			hub_ns(&pool, count, false), hub_ns(&pool, count, true));
	printf("take and give, 1 at once: %.1f ns; 1000 at once: %.1f ns\n", take_give_ns(&pool, 1),
		take_give_ns(&pool, 1000));
	printf("take, init, run to the end, give: %.1f ns\n", spawn_ns(&pool));
	printf("a new stack with its guard: %.0f ns\n", new_stack_ns());
	wf_coro_fini(&home);
	wf_stack_pool_fini(&pool);
	return 0;
}
