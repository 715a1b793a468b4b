/* What waiting costs, in nanoseconds an operation: the median of the rounds, the best, the worst.
 *     mutex           lock and unlock, nobody else wants it
 *     mutex_shared    the same, of one for all workers
 *     mutex_contended lock, yield, unlock, by two tasks of one worker: a hand-over each
 *     semaphore       acquire and release
 *     channel_ready   send and next by one task: nobody waits
 *     channel_same    there and back over two channels, two tasks of one worker
 *     channel_shared  the same over channels that are for all workers
 *     channel_cross   the same between two workers
 *     select_same     as channel_same, each next in a select with a deadline and a drain
 *     gather          two calls that do nothing
 *     race            the same */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/channel.h>
#include <weft/group.h>
#include <weft/select.h>
#include <weft/sync.h>

#include "context/clock.h"

enum { ROUNDS = 9 };

#define MUST(call) ((call) < 0 ? abort() : (void)0)

typedef struct pair {
	weft_sender *tx;
	weft_receiver *rx;
} pair;

static pair there, back;
static weft_mutex mutex;
static weft_semaphore semaphore;

static void open_pair(pair *p, size_t capacity, bool shared)
{
	MUST(weft_channel_open(int64_t, capacity, &p->tx, &p->rx, .shared = shared));
}

static void close_pair(pair *p)
{
	weft_sender_close(p->tx);
	weft_receiver_close(p->rx);
}

static void lock_unlock(int n)
{
	for (int i = 0; i < n; i++) {
		MUST(weft_mutex_lock(&mutex));
		weft_mutex_unlock(&mutex);
	}
}

static void lock_unlock_shared(int n)
{
	weft_mutex_init_shared(&mutex);
	lock_unlock(n);
	mutex = (weft_mutex){ 0 };
}

static int take_turns(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++) {
		MUST(weft_mutex_lock(&mutex));
		MUST(weft_yield());
		weft_mutex_unlock(&mutex);
	}
	return 0;
}

static void lock_contended(int n)
{
	int half = n / 2;
	MUST(weft_gather({ take_turns, &half }, { take_turns, &half }));
}

static void acquire_release(int n)
{
	weft_semaphore_init(&semaphore, 1);
	for (int i = 0; i < n; i++) {
		MUST(weft_semaphore_acquire(&semaphore));
		weft_semaphore_release(&semaphore);
	}
}

static void send_next(int n)
{
	open_pair(&there, 16, false);
	for (int64_t i = 0; i < n; i++) {
		int64_t item;
		MUST(weft_sender_send(there.tx, &i));
		MUST(weft_receiver_next(there.rx, &item));
	}
	close_pair(&there);
}

static int send_back(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++) {
		int64_t item;
		MUST(weft_receiver_next(there.rx, &item));
		MUST(weft_sender_send(back.tx, &item));
	}
	return 0;
}

static void round_trips(int n, int worker, bool shared)
{
	weft_group *group = weft_group_open();
	open_pair(&there, 1, shared);
	open_pair(&back, 1, shared);
	MUST(weft_spawn(group, send_back, &n, .worker = worker));
	for (int64_t i = 0; i < n; i++) {
		int64_t item;
		MUST(weft_sender_send(there.tx, &i));
		MUST(weft_receiver_next(back.rx, &item));
	}
	MUST(weft_group_join(group, 0));
	close_pair(&there);
	close_pair(&back);
}

static void channel_same(int n)
{
	round_trips(n, WEFT_HERE, false);
}

static void channel_shared(int n)
{
	round_trips(n, WEFT_HERE, true);
}

static void channel_cross(int n)
{
	round_trips(n, 2, true);
}

static int select_back(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++) {
		int64_t item;
		int got;
		MUST(weft_select(weft_on_next(there.rx, &item, &got), weft_on_ms(60000), weft_on_drain()));
		MUST(weft_sender_send(back.tx, &item));
	}
	return 0;
}

static int select_there(void *arg)
{
	for (int64_t i = 0; i < *(int *)arg; i++) {
		int64_t item;
		int got;
		MUST(weft_sender_send(there.tx, &i));
		MUST(weft_select(weft_on_next(back.rx, &item, &got), weft_on_ms(60000), weft_on_drain()));
	}
	return 0;
}

static void select_same(int n)
{
	open_pair(&there, 1, false);
	open_pair(&back, 1, false);
	MUST(weft_gather({ select_back, &n }, { select_there, &n }));
	close_pair(&there);
	close_pair(&back);
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

static void gather(int n)
{
	for (int i = 0; i < n; i++) MUST(weft_gather({ nothing, NULL }, { nothing, NULL }));
}

static void race(int n)
{
	for (int i = 0; i < n; i++) MUST(weft_race({ nothing, NULL }, { nothing, NULL }));
}

static const struct row {
	const char *name;
	void (*run)(int n);
	int n;
} rows[] = {
	{ "mutex", lock_unlock, 2000000 },
	{ "mutex_shared", lock_unlock_shared, 2000000 },
	{ "mutex_contended", lock_contended, 1000000 },
	{ "semaphore", acquire_release, 2000000 },
	{ "channel_ready", send_next, 2000000 },
	{ "channel_same", channel_same, 1000000 },
	{ "channel_shared", channel_shared, 1000000 },
	{ "channel_cross", channel_cross, 10000 },
	{ "select_same", select_same, 300000 },
	{ "gather", gather, 200000 },
	{ "race", race, 200000 },
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const struct row *row)
{
	double ns[ROUNDS];
	row->run(row->n / 10);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t start = wf_now_ns();
		row->run(row->n);
		ns[i] = (double)(wf_now_ns() - start) / row->n;
	}
	qsort(ns, ROUNDS, sizeof *ns, compare);
	printf("%-16s %9.1f ns (%.1f to %.1f)\n", row->name, ns[ROUNDS / 2], ns[0], ns[ROUNDS - 1]);
}

static int measure_all(void *filter)
{
	for (size_t i = 0; i < WEFT_COUNT(rows); i++) {
		if (strstr(rows[i].name, filter) != NULL) measure(&rows[i]);
	}
	return 0;
}

/* usage: sync [FILTER] */
int main(int argc, char **argv)
{
	char all[] = "";
	return weft_main(measure_all, argc > 1 ? argv[1] : all, .workers = 2);
}
