/* The rounds behind the rows of primitives_bench.c. */
#ifndef WF_TESTS_PRIMITIVES_H
#define WF_TESTS_PRIMITIVES_H

#include <weft/weft.h>

#include "context/clock.h"
#include "tests/bench/bench.h"

/* primitives_tasks.c. */
bench_round_fn yield_100, yield_1k, yield_10k, spawn_join, spawn_join_direct, task_bytes, tasks_max;
bench_round_fn bare_yield_100, bare_yield_1k, bare_yield_10k, bare_spawn;
/* primitives_channels.c. */
bench_round_fn channel_same, channel_cross;
/* primitives_connections.c. */
bench_round_fn conn_idle_bytes;
/* primitives_cross.c. */
bench_round_fn post, cross_core_sleep, cross_core_busy, offload_1, offload_64;
bench_round_fn bare_post, bare_sleep, bare_busy, bare_offload_1, bare_offload_64;
/* primitives_timers.c. */
bench_round_fn timer_arm, timer_cancel, timer_rearm;
bench_round_fn bare_arm, bare_cancel, bare_rearm;
/* primitives_context.c. */
bench_round_fn context_current, context_get, context_switch, context_capture, context_with8;
bench_round_fn bare_count;

#endif
