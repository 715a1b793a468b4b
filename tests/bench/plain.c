#include "tests/bench/plain.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "executor/platform.h"
#include "tests/bench/bench.h"

typedef struct node {
	struct node *next;
} node;

/* The queue: a mutex round a list and a flag. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	node *first, **last;
	bool sleeping;
} queue = {
	.mutex = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER, .last = &queue.first
};

static void put(node *item)
{
	pthread_mutex_lock(&queue.mutex);
	item->next = NULL;
	*queue.last = item;
	queue.last = &item->next;
	bool wanted = queue.sleeping;
	queue.sleeping = false;
	pthread_mutex_unlock(&queue.mutex);
	if (wanted) pthread_cond_signal(&queue.filled);
}

static node *take_all(void)
{
	pthread_mutex_lock(&queue.mutex);
	node *first = queue.first;
	queue.first = NULL;
	queue.last = &queue.first;
	pthread_mutex_unlock(&queue.mutex);
	return first;
}

void plain_post(unsigned times)
{
	static node nodes[PLAIN_BATCH];
	for (unsigned done = 0; done < times; done += PLAIN_BATCH) {
		for (unsigned i = 0; i < PLAIN_BATCH; i++) put(&nodes[i]);
		for (node *item = take_all(); item != NULL; item = item->next) BENCH_KEEP(item);
	}
}

static struct {
	_Alignas(WF_CACHE_LINE) uint32_t there;
	_Alignas(WF_CACHE_LINE) uint32_t back;
} words;

static void echo_words(void *arg)
{
	for (uint32_t i = 1; i <= *(unsigned *)arg; i++) {
		while (__atomic_load_n(&words.there, __ATOMIC_ACQUIRE) != i) continue;
		__atomic_store_n(&words.back, i, __ATOMIC_RELEASE);
	}
}

void plain_trip_busy(unsigned times)
{
	wf_thread other;
	words.there = words.back = 0;
	BENCH_CHECK(wf_thread_start(&other, "echo", echo_words, &times, 0) == 0);
	for (uint32_t i = 1; i <= times; i++) {
		__atomic_store_n(&words.there, i, __ATOMIC_RELEASE);
		while (__atomic_load_n(&words.back, __ATOMIC_ACQUIRE) != i) continue;
	}
	wf_thread_join(&other);
}

static void rouse(int fd)
{
	uint64_t one = 1;
	BENCH_CHECK(write(fd, &one, sizeof one) == sizeof one);
}

static void await(int fd)
{
	uint64_t value;
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	BENCH_CHECK(poll(&wanted, 1, -1) == 1);
	BENCH_CHECK(read(fd, &value, sizeof value) == sizeof value);
}

typedef struct trip {
	int there, back;
	unsigned times;
} trip;

static void echo_asleep(void *arg)
{
	const trip *way = arg;
	for (unsigned i = 0; i < way->times; i++) {
		await(way->there);
		rouse(way->back);
	}
}

void plain_trip_asleep(unsigned times)
{
	wf_thread other;
	trip way = { eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC), times };
	BENCH_CHECK(way.there >= 0 && way.back >= 0);
	BENCH_CHECK(wf_thread_start(&other, "echo", echo_asleep, &way, 0) == 0);
	for (unsigned i = 0; i < times; i++) {
		rouse(way.there);
		await(way.back);
	}
	wf_thread_join(&other);
	close(way.there);
	close(way.back);
}

/* The pool: one mutex and two conditions. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t todo_filled, done_filled;
	node *todo, **todo_last, *done;
	bool stop;
} lot = { .mutex = PTHREAD_MUTEX_INITIALIZER,
	.todo_filled = PTHREAD_COND_INITIALIZER,
	.done_filled = PTHREAD_COND_INITIALIZER,
	.todo_last = &lot.todo };

static void lot_work(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lot.mutex);
	for (;;) {
		while (lot.todo == NULL && !lot.stop) pthread_cond_wait(&lot.todo_filled, &lot.mutex);
		if (lot.todo == NULL) break;
		node *item = lot.todo;
		lot.todo = item->next;
		if (lot.todo == NULL) lot.todo_last = &lot.todo;
		pthread_mutex_unlock(&lot.mutex);
		BENCH_KEEP(item);
		pthread_mutex_lock(&lot.mutex);
		item->next = lot.done;
		lot.done = item;
		pthread_cond_signal(&lot.done_filled);
	}
	pthread_mutex_unlock(&lot.mutex);
}

static void lot_start(node *item)
{
	pthread_mutex_lock(&lot.mutex);
	item->next = NULL;
	*lot.todo_last = item;
	lot.todo_last = &item->next;
	pthread_cond_signal(&lot.todo_filled);
	pthread_mutex_unlock(&lot.mutex);
}

static node *lot_await(void)
{
	pthread_mutex_lock(&lot.mutex);
	while (lot.done == NULL) pthread_cond_wait(&lot.done_filled, &lot.mutex);
	node *done = lot.done;
	lot.done = NULL;
	pthread_mutex_unlock(&lot.mutex);
	return done;
}

static void lot_serve(unsigned times, unsigned in_flight)
{
	static node jobs[PLAIN_IN_FLIGHT_MAX];
	unsigned to_start = times - in_flight, back = 0;
	for (unsigned i = 0; i < in_flight; i++) lot_start(&jobs[i]);
	while (back < times) {
		for (node *item = lot_await(), *next; item != NULL; item = next) {
			next = item->next;
			back++;
			if (to_start == 0) continue;
			to_start--;
			lot_start(item);
		}
	}
}

void plain_offload(unsigned times, unsigned in_flight)
{
	wf_thread threads[PLAIN_THREADS];
	lot.stop = false;
	for (int i = 0; i < PLAIN_THREADS; i++)
		BENCH_CHECK(wf_thread_start(&threads[i], "plain", lot_work, NULL, 0) == 0);
	lot_serve(times, in_flight);
	pthread_mutex_lock(&lot.mutex);
	lot.stop = true;
	pthread_cond_broadcast(&lot.todo_filled);
	pthread_mutex_unlock(&lot.mutex);
	for (int i = 0; i < PLAIN_THREADS; i++) wf_thread_join(&threads[i]);
}
