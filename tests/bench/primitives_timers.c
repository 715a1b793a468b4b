/* Deadlines, with a million of them. */
#include <stdlib.h>
#include <uv.h>

#include "runtime/timer.h"
#include "tests/bench/primitives.h"

enum { TIMERS = 1000000, WITHIN_MS = 60000 };

static int64_t due_ns(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return (int64_t)(*state % WITHIN_MS) * 1000000;
}

static void never(wf_timer *timer)
{
	(void)timer;
	BENCH_CHECK(false);
}

typedef enum act { ARM, REARM, CANCEL, ACTS } act;

/* What each act took, for one timer. */
typedef struct costs {
	double ns[ACTS];
} costs;

static costs ours(void)
{
	costs result;
	wf_timers timers;
	wf_timer *all = calloc(TIMERS, sizeof *all);
	BENCH_CHECK(all != NULL);
	wf_timers_init(&timers);
	uint32_t state = 1;
	int64_t at[ACTS + 1] = { wf_now_ns() };
	for (int i = 0; i < TIMERS; i++) {
		all[i].fire = never;
		BENCH_CHECK(wf_timer_arm(&timers, &all[i], due_ns(&state)) == 0);
	}
	at[1] = wf_now_ns();
	/* A request's deadline: moved later with each read. */
	for (int i = 0; i < TIMERS; i++)
		(void)wf_timer_arm(&timers, &all[0], WITHIN_MS * INT64_C(1000000) + i);
	at[2] = wf_now_ns();
	for (int i = 0; i < TIMERS; i++) wf_timer_cancel(&timers, &all[i]);
	at[3] = wf_now_ns();
	wf_timers_fini(&timers);
	free(all);
	for (int i = 0; i < ACTS; i++) result.ns[i] = (double)(at[i + 1] - at[i]) / TIMERS;
	return result;
}

static void uv_never(uv_timer_t *timer)
{
	(void)timer;
	BENCH_CHECK(false);
}

static void close_all(uv_loop_t *loop, uv_timer_t *all)
{
	for (int i = 0; i < TIMERS; i++) uv_close((uv_handle_t *)&all[i], NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	BENCH_CHECK(uv_loop_close(loop) == 0);
	free(all);
}

static costs libuvs(void)
{
	costs result;
	uv_loop_t loop;
	uv_timer_t *all = calloc(TIMERS, sizeof *all);
	BENCH_CHECK(all != NULL && uv_loop_init(&loop) == 0);
	uint32_t state = 1;
	for (int i = 0; i < TIMERS; i++) uv_timer_init(&loop, &all[i]);
	int64_t at[ACTS + 1] = { wf_now_ns() };
	for (int i = 0; i < TIMERS; i++)
		uv_timer_start(&all[i], uv_never, (uint64_t)(due_ns(&state) / 1000000) + WITHIN_MS, 0);
	at[1] = wf_now_ns();
	for (int i = 0; i < TIMERS; i++) uv_timer_start(&all[0], uv_never, 3 * WITHIN_MS, 0);
	at[2] = wf_now_ns();
	for (int i = 0; i < TIMERS; i++) uv_timer_stop(&all[i]);
	at[3] = wf_now_ns();
	close_all(&loop, all);
	for (int i = 0; i < ACTS; i++) result.ns[i] = (double)(at[i + 1] - at[i]) / TIMERS;
	return result;
}

double timer_arm(void)
{
	return ours().ns[ARM];
}

double timer_cancel(void)
{
	return ours().ns[CANCEL];
}

double timer_rearm(void)
{
	return ours().ns[REARM];
}

double bare_arm(void)
{
	return libuvs().ns[ARM];
}

double bare_cancel(void)
{
	return libuvs().ns[CANCEL];
}

double bare_rearm(void)
{
	return libuvs().ns[REARM];
}
