/* What handing work to another thread costs, in nanoseconds a piece, beside the same done with
 * nothing but POSIX: a mutex, a condition, an eventfd. The two take turns, nine rounds each; shown
 * are the medians, the best and the worst, and the median of the ratios of neighbouring rounds; by
 * the clock, and by the CPU time of all threads. */
#include "context/clock.h"
#include "executor/inbox.h"
#include "executor/pool.h"
#include "tests/bench/plain.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { rounds = 9, batch = PLAIN_BATCH };

static void check(bool well)
{
	if (well) return;
	fprintf(stderr, "executor_bench: a call failed\n");
	exit(1);
}

/* A worker's inbox as its loop has it: who sleeps, sleeps on an eventfd. */
typedef struct mailbox {
	wf_inbox inbox;
	int fd;
	uint64_t delivered;
	wf_message messages[batch];
} mailbox;

static mailbox boxes[2];
static weft_pool *pool;

static void wake(wf_inbox *inbox)
{
	uint64_t one = 1;
	check(write(wf_container_of(inbox, mailbox, inbox)->fd, &one, sizeof(one)) == sizeof(one));
}

static void await_fd(int fd)
{
	uint64_t value;
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	check(poll(&wanted, 1, -1) == 1);
	check(read(fd, &value, sizeof(value)) == sizeof(value));
}

static void count_one(wf_message *message)
{
	(void)message;
	boxes[0].delivered++;
}

/* post: in and out again, one thread, nobody else near: the price of the instructions. */
static void post_ours(unsigned times)
{
	for (unsigned done = 0; done < times; done += batch) {
		for (unsigned i = 0; i < batch; i++) {
			check(wf_inbox_post(&boxes[0].inbox, &boxes[0].messages[i]) == 0);
		}
		wf_inbox_drain(&boxes[0].inbox);
	}
}

/* trip_busy: there and back, both looking all the time. Plain: two words. */
static void push_back(wf_message *message)
{
	(void)message;
	wf_inbox_push(&boxes[0].inbox, &boxes[0].messages[0]);
}

static void echo_busy(void *arg)
{
	for (unsigned left = *(unsigned *)arg; left > 0;) left -= wf_inbox_drain(&boxes[1].inbox);
}

static void trip_busy_ours(unsigned times)
{
	wf_thread other;
	boxes[1].messages[0].deliver = push_back;
	check(wf_thread_start(&other, "echo", echo_busy, &times, 0) == 0);
	for (unsigned i = 0; i < times; i++) {
		wf_inbox_push(&boxes[1].inbox, &boxes[1].messages[0]);
		while (wf_inbox_drain(&boxes[0].inbox) == 0) continue;
	}
	wf_thread_join(&other);
}

/* trip_asleep: there and back, each asleep when its message comes. Plain: two eventfds. */
static void drain_asleep(mailbox *box)
{
	while (wf_inbox_drain(&box->inbox) == 0) {
		if (!wf_inbox_may_sleep(&box->inbox)) continue;
		await_fd(box->fd);
		wf_inbox_awake(&box->inbox);
	}
}

static void echo_asleep(void *arg)
{
	for (unsigned i = 0; i < *(unsigned *)arg; i++) drain_asleep(&boxes[1]);
}

static void trip_asleep_ours(unsigned times)
{
	wf_thread other;
	boxes[1].messages[0].deliver = push_back;
	check(wf_thread_start(&other, "echo", echo_asleep, &times, 0) == 0);
	for (unsigned i = 0; i < times; i++) {
		wf_inbox_push(&boxes[1].inbox, &boxes[1].messages[0]);
		drain_asleep(&boxes[0]);
	}
	wf_thread_join(&other);
}

/* offload_N: N jobs in flight, each handed in again as it comes back. Ours come back through the
 * inbox, as to a task. Plain: one mutex and two conditions. */
typedef struct work {
	wf_job job;
	wf_message message;
} work;

static work works[PLAIN_IN_FLIGHT_MAX];
static unsigned to_start;

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static void start_again(wf_message *message)
{
	work *again = wf_container_of(message, work, message);
	boxes[0].delivered++;
	if (to_start == 0) return;
	to_start--;
	check(wf_pool_start(pool, &again->job) == 0);
}

static void come_back(wf_job *job)
{
	wf_inbox_push(&boxes[0].inbox, &wf_container_of(job, work, job)->message);
}

static void offload_ours(unsigned times, unsigned in_flight)
{
	boxes[0].delivered = 0;
	to_start = times - in_flight;
	for (unsigned i = 0; i < in_flight; i++) {
		works[i].job = (wf_job){ .fn = do_nothing, .done = come_back };
		works[i].message.deliver = start_again;
		check(wf_pool_start(pool, &works[i].job) == 0);
	}
	while (boxes[0].delivered < times) drain_asleep(&boxes[0]);
}

static void offload_1_ours(unsigned times)
{
	offload_ours(times, 1);
}

static void offload_1_plain(unsigned times)
{
	plain_offload(times, 1);
}

static void offload_64_ours(unsigned times)
{
	offload_ours(times, 64);
}

static void offload_64_plain(unsigned times)
{
	plain_offload(times, 64);
}

typedef void round_fn(unsigned times);

static const struct row {
	const char *name;
	unsigned times;
	round_fn *ours, *plain;
} rows[] = {
	{ "post", 1024 * batch, post_ours, plain_post },
	{ "trip_busy", 100000, trip_busy_ours, plain_trip_busy },
	{ "trip_asleep", 5000, trip_asleep_ours, plain_trip_asleep },
	{ "offload_1", 5000, offload_1_ours, offload_1_plain },
	{ "offload_64", 100000, offload_64_ours, offload_64_plain },
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* What all threads have used: on a machine that others use too, this says more than the clock. */
static int64_t used_ns(void)
{
	struct timespec used;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

typedef struct series {
	double wall[rounds], used[rounds];
} series;

static void time_one(round_fn *round, unsigned times, series *to, int i)
{
	int64_t wall_ns = wf_now_ns(), cpu_ns = used_ns();
	round(times);
	to->wall[i] = (double)(wf_now_ns() - wall_ns) / times;
	to->used[i] = (double)(used_ns() - cpu_ns) / times;
}

static void print_one(const char *name, const char *whose, double *wall, double *used)
{
	qsort(wall, rounds, sizeof(*wall), compare);
	qsort(used, rounds, sizeof(*used), compare);
	printf("%-12s %-6s %9.1f ns (%.1f to %.1f), CPU %9.1f ns (%.1f to %.1f)\n", name, whose,
		wall[rounds / 2], wall[0], wall[rounds - 1], used[rounds / 2], used[0], used[rounds - 1]);
}

static void measure(const struct row *row)
{
	series ours, bare;
	double wall[rounds], used[rounds];
	row->ours(row->times);
	for (int i = 0; i < rounds; i++) {
		time_one(row->ours, row->times, &ours, i);
		time_one(row->plain, row->times, &bare, i);
		wall[i] = ours.wall[i] / bare.wall[i];
		used[i] = ours.used[i] / bare.used[i];
	}
	print_one(row->name, "weft", ours.wall, ours.used);
	print_one(row->name, "plain", bare.wall, bare.used);
	qsort(wall, rounds, sizeof(*wall), compare);
	qsort(used, rounds, sizeof(*used), compare);
	printf("%-12s ratio %.2f, CPU %.2f\n", row->name, wall[rounds / 2], used[rounds / 2]);
}

/* usage: executor [FILTER] */
int main(int argc, char **argv)
{
	const char *filter = argc > 1 ? argv[1] : "";
	for (int i = 0; i < 2; i++) {
		check(wf_inbox_init(&boxes[i].inbox, 0, wake) == 0);
		boxes[i].fd = eventfd(0, EFD_CLOEXEC);
		for (int j = 0; j < batch; j++) boxes[i].messages[j].deliver = count_one;
	}
	check(weft_pool_new(&pool, .threads = PLAIN_THREADS) == 0);
	for (size_t i = 0; i < WEFT_COUNT(rows); i++) {
		if (strstr(rows[i].name, filter) != NULL) measure(&rows[i]);
	}
	weft_pool_free(pool);
	for (int i = 0; i < 2; i++) wf_inbox_fini(&boxes[i].inbox);
	return 0;
}
