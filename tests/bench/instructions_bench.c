/* One thing done N times and nothing else, for counting its instructions: tests/bench/instructions
 * runs this under Valgrind with two different N.
 *     instructions yield|spawn_join|spawn_join_direct N */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/group.h>
#include <weft/run.h>
#include <weft/task.h>

#include "tests/bench/bench.h"

enum { TASKS = 100 };

static long times;

static int yield_share(void *arg)
{
	(void)arg;
	for (long i = 0; i < times / TASKS; i++) BENCH_CHECK(weft_yield() == 0);
	return 0;
}

static int yield_all(void *arg)
{
	(void)arg;
	weft_group *group = weft_group_open();
	for (int i = 0; i < TASKS; i++) weft_spawn(group, yield_share, NULL);
	return weft_group_join(group, 0);
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int spawn_all(void *arg)
{
	bool direct = arg != NULL;
	for (long i = 0; i < times; i++) {
		weft_group *group = weft_group_open();
		weft_spawn(group, nothing, NULL, .direct = direct);
		BENCH_CHECK(weft_group_join(group, 0) == 0);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: instructions yield|spawn_join|spawn_join_direct N\n");
		return 2;
	}
	times = strtol(argv[2], NULL, 10);
	weft_task_fn *what = strcmp(argv[1], "yield") == 0 ? yield_all : spawn_all;
	bool direct = strcmp(argv[1], "spawn_join_direct") == 0;
	BENCH_CHECK(weft_run(what, direct ? argv : NULL, .workers = 1) == 0);
	return 0;
}
