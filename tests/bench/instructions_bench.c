/* One thing done N times and nothing else, for counting its instructions: tests/bench/instructions
 * runs this under Valgrind with two different N.
 *     instructions yield|spawn_join|spawn_join_direct|channel_same N */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/channel.h>
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

static weft_sender *there_tx, *back_tx;
static weft_receiver *there_rx, *back_rx;

static int send_back(void *arg)
{
	(void)arg;
	int64_t item;
	for (long i = 0; i < times; i++) {
		BENCH_CHECK(weft_receiver_next(there_rx, &item) == 1);
		BENCH_CHECK(weft_sender_send(back_tx, &item) == 0);
	}
	return 0;
}

static int send_all(void *arg)
{
	(void)arg;
	BENCH_CHECK(weft_channel_open(int64_t, 1, &there_tx, &there_rx) == 0);
	BENCH_CHECK(weft_channel_open(int64_t, 1, &back_tx, &back_rx) == 0);
	weft_group *group = weft_group_open();
	weft_spawn(group, send_back, NULL);
	for (int64_t i = 0; i < times; i++) {
		int64_t item;
		BENCH_CHECK(weft_sender_send(there_tx, &i) == 0);
		BENCH_CHECK(weft_receiver_next(back_rx, &item) == 1);
	}
	int rc = weft_group_join(group, 0);
	weft_sender_close(there_tx);
	weft_receiver_close(there_rx);
	weft_sender_close(back_tx);
	weft_receiver_close(back_rx);
	return rc;
}

/* NULL: no such thing. */
static weft_task_fn *find(const char *what)
{
	if (strcmp(what, "yield") == 0) return yield_all;
	if (strcmp(what, "channel_same") == 0) return send_all;
	return strncmp(what, "spawn_join", 10) == 0 ? spawn_all : NULL;
}

int main(int argc, char **argv)
{
	weft_task_fn *what = argc == 3 ? find(argv[1]) : NULL;
	if (what == NULL) {
		fprintf(stderr, "usage: instructions yield|spawn_join|spawn_join_direct|channel_same N\n");
		return 2;
	}
	times = strtol(argv[2], NULL, 10);
	bool direct = strcmp(argv[1], "spawn_join_direct") == 0;
	BENCH_CHECK(weft_run(what, direct ? argv : NULL, .workers = 1) == 0);
	return 0;
}
