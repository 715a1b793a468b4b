/* Channels: an item there and one back, over two of them. */
#include "tests/bench/primitives.h"

enum { SAME_TRIPS = 1000000, CROSS_TRIPS = 20000 };

typedef struct two_ways {
	bool across; /* to another worker */
	int trips;
	weft_sender *there_tx, *back_tx;
	weft_receiver *there_rx, *back_rx;
	int64_t took_ns;
} two_ways;

static int send_back(void *arg)
{
	two_ways *ways = arg;
	int64_t item;
	for (int i = 0; i < ways->trips; i++) {
		BENCH_CHECK(weft_receiver_next(ways->there_rx, &item) == 1);
		BENCH_CHECK(weft_sender_send(ways->back_tx, &item) == 0);
	}
	return 0;
}

static void go_there_and_back(two_ways *ways)
{
	int64_t began = wf_now_ns();
	for (int64_t i = 0; i < ways->trips; i++) {
		int64_t item;
		BENCH_CHECK(weft_sender_send(ways->there_tx, &i) == 0);
		BENCH_CHECK(weft_receiver_next(ways->back_rx, &item) == 1 && item == i);
	}
	ways->took_ns = wf_now_ns() - began;
}

static int run_trips(void *arg)
{
	two_ways *ways = arg;
	BENCH_CHECK(weft_channel_open(
					int64_t, 1, &ways->there_tx, &ways->there_rx, .shared = ways->across) == 0);
	BENCH_CHECK(
		weft_channel_open(int64_t, 1, &ways->back_tx, &ways->back_rx, .shared = ways->across) == 0);
	weft_group *group = weft_group_open();
	weft_spawn(group, send_back, ways, .worker = ways->across ? 2 : WEFT_HERE);
	go_there_and_back(ways);
	int rc = weft_group_join(group, 0);
	weft_sender_close(ways->there_tx);
	weft_receiver_close(ways->there_rx);
	weft_sender_close(ways->back_tx);
	weft_receiver_close(ways->back_rx);
	return rc;
}

static double trip_ns(two_ways ways)
{
	BENCH_CHECK(weft_run(run_trips, &ways, .workers = ways.across ? 2 : 1) == 0);
	return (double)ways.took_ns / ways.trips;
}

double channel_same(void)
{
	return trip_ns((two_ways){ .trips = SAME_TRIPS });
}

double channel_cross(void)
{
	return trip_ns((two_ways){ .trips = CROSS_TRIPS, .across = true });
}
