/* What the pieces of weft cost, one row each, beside the target and, where there is one, the same
 * thing done without weft in the same run. Read ratios rather than nanoseconds on a machine that
 * others use too. docs/performance.md says what each row does and what it came to. */
#include "tests/bench/primitives.h"

static const char about[] =
	"usage: primitives [--json] [FILTER...]\n"
	"One row per figure whose name contains a FILTER. Spans have none, since there are none yet.\n";

static const bench_row rows[] = {
	{ "yield_100", "ns", yield_100, 12, BENCH_AT_MOST, bare_yield_100, "bare switch", 0 },
	{ "yield_1k", "ns", yield_1k, 18, BENCH_AT_MOST, bare_yield_1k, "bare switch", 0 },
	{ "yield_10k", "ns", yield_10k, 25, BENCH_AT_MOST, bare_yield_10k, "bare switch", 0 },
	{ "spawn_join", "ns", spawn_join, 45, BENCH_AT_MOST, bare_spawn, "bare stack and switch", 0 },
	{ "spawn_join_direct", "ns", spawn_join_direct, 45, BENCH_AT_MOST, bare_spawn,
		"bare stack and switch", 0 },
	{ "channel_same", "ns", channel_same, 55, BENCH_AT_MOST, NULL, NULL, 0 },
	{ "channel_cross", "ns", channel_cross, 0, BENCH_AT_MOST, NULL, NULL, 0 },
	{ "post", "ns", post, 40, BENCH_AT_MOST, bare_post, "mutex queue, uncontended", 0 },
	{ "cross_core_sleep", "ns", cross_core_sleep, 1.1, BENCH_RATIO, bare_sleep, "eventfd", 0 },
	{ "cross_core_busy", "ns", cross_core_busy, 500, BENCH_AT_MOST, bare_busy, "two words", 0 },
	{ "offload_1", "ns", offload_1, 1.1, BENCH_RATIO, bare_offload_1, "mutex and condition", 0 },
	{ "offload_64", "ns", offload_64, 1, BENCH_RATIO, bare_offload_64, "mutex and condition", 0 },
	{ "timer_arm", "ns", timer_arm, 40, BENCH_AT_MOST, bare_arm, "libuv", 3 },
	{ "timer_cancel", "ns", timer_cancel, 40, BENCH_AT_MOST, bare_cancel, "libuv", 3 },
	{ "timer_rearm", "ns", timer_rearm, 2, BENCH_AT_MOST, bare_rearm, "libuv", 3 },
	{ "context_current", "ns", context_current, 0, BENCH_AT_MOST, NULL, NULL, 0 },
	{ "context_get", "ns", context_get, 0, BENCH_AT_MOST, NULL, NULL, 0 },
	{ "context_switch", "ns", context_switch, 0, BENCH_AT_MOST, NULL, NULL, 0 },
	{ "context_capture", "ns", context_capture, 0, BENCH_AT_MOST, bare_count, "atomic pair", 0 },
	{ "context_with8", "ns", context_with8, 0, BENCH_AT_MOST, NULL, NULL, 0 },
	{ "task_bytes", "bytes", task_bytes, 4608, BENCH_AT_MOST, NULL, NULL, 3 },
	{ "tasks_max", "tasks", tasks_max, 1000000, BENCH_AT_LEAST, NULL, NULL, 1 },
	{ "conn_idle_bytes", "bytes", conn_idle_bytes, 1024, BENCH_AT_MOST, NULL, NULL, 3 },
};

int main(int argc, char **argv)
{
	return bench_main(about, rows, WEFT_COUNT(rows), argc, (const char *const *)argv);
}
