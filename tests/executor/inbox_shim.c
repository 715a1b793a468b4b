#include "tests/executor/inbox_shim.h"
#include "executor/inbox.h"
#include "executor/platform.h"

#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

enum { ROOM = 1024 };

struct test_box {
	wf_inbox inbox;
	int delivered[ROOM];
	size_t count;
	unsigned wakes;
	wf_parker parker;
};

typedef struct parcel {
	wf_message message;
	test_box *to;
	int number, next;
} parcel;

static test_box *box_of(wf_inbox *inbox)
{
	return wf_container_of(inbox, test_box, inbox);
}

wf_inbox *box_inbox(test_box *box)
{
	return box ? &box->inbox : NULL;
}

static void count_wake(wf_inbox *inbox)
{
	test_box *box = box_of(inbox);
	__atomic_fetch_add(&box->wakes, 1, __ATOMIC_RELAXED);
	wf_unpark(&box->parker);
}

test_box *box_new(unsigned limit)
{
	test_box *made =
		aligned_alloc(WF_CACHE_LINE, (sizeof(*made) + WF_CACHE_LINE - 1) & ~(size_t)127);
	memset(made, 0, sizeof(*made));
	int rc = wf_inbox_init(&made->inbox, limit, count_wake);
	wf_assert(rc == 0);
	rc = wf_parker_init(&made->parker);
	wf_assert(rc == 0);
	return made;
}

void box_free(test_box *box)
{
	wf_inbox_fini(&box->inbox);
	wf_parker_fini(&box->parker);
	free(box);
}

int box_init_with(unsigned limit, bool wake)
{
	static wf_inbox inbox;
	return wf_inbox_init(&inbox, limit, wake ? count_wake : NULL);
}

static void deliver(wf_message *message)
{
	parcel *got = wf_container_of(message, parcel, message);
	test_box *box = got->to;
	wf_assert(box->count < ROOM);
	box->delivered[box->count++] = got->number;
	if (got->next != 0) box_push(box, got->next);
	free(got);
}

static parcel *parcel_new(test_box *to, int number, int next)
{
	parcel *made = malloc(sizeof(*made));
	*made = (parcel){ .message.deliver = deliver, .to = to, .number = number, .next = next };
	return made;
}

int box_post(test_box *box, int number)
{
	parcel *made = parcel_new(box, number, 0);
	int rc = wf_inbox_post(&box->inbox, &made->message);
	if (rc != 0) free(made);
	return rc;
}

void box_push(test_box *box, int number)
{
	wf_inbox_push(&box->inbox, &parcel_new(box, number, 0)->message);
}

void box_push_chain(test_box *box, int number, int next)
{
	wf_inbox_push(&box->inbox, &parcel_new(box, number, next)->message);
}

void box_send(test_box *box, int number)
{
	wf_inbox_send(&box->inbox, &parcel_new(box, number, 0)->message);
}

unsigned box_drain(test_box *box)
{
	return wf_inbox_drain(&box->inbox);
}

size_t box_take(test_box *box, int *numbers, size_t room)
{
	size_t count = box->count < room ? box->count : room;
	memcpy(numbers, box->delivered, count * sizeof(*numbers));
	box->count = 0;
	return count;
}

bool box_empty(test_box *box)
{
	return wf_inbox_empty(&box->inbox);
}

bool box_may_sleep(test_box *box)
{
	return wf_inbox_may_sleep(&box->inbox);
}

void box_awake(test_box *box)
{
	wf_inbox_awake(&box->inbox);
}

void box_seal(test_box *box)
{
	wf_inbox_seal(&box->inbox);
}

bool box_settled(test_box *box)
{
	return wf_inbox_settled(&box->inbox);
}

void box_fini(test_box *box)
{
	wf_inbox_fini(&box->inbox);
}

unsigned box_wakes(test_box *box)
{
	return __atomic_load_n(&box->wakes, __ATOMIC_RELAXED);
}

void box_own(test_box *box, bool own)
{
	wf_inbox_here = own ? &box->inbox : NULL;
}

/* The storm. A producer has a few messages and uses one again once it was delivered. */
enum { IN_FLIGHT = 64, THREADS_MAX = 16 };

typedef struct test_storm test_storm;

typedef struct shot {
	wf_message message;
	test_storm *storm;
	uint64_t payload; /* plain memory: TSan sees whether the hand-over orders it */
	bool flying;
} shot;

typedef struct gunner {
	wf_thread thread;
	test_storm *storm;
	uint64_t accepted, refused;
	shot shots[IN_FLIGHT];
} gunner;

struct test_storm {
	test_box *box;
	uint64_t executed, after_end;
	bool ended;
	gunner gunners[THREADS_MAX];
};

static void land(wf_message *message)
{
	shot *landed = wf_container_of(message, shot, message);
	test_storm *storm = landed->storm;
	if (storm->ended) storm->after_end++;
	storm->executed++;
	landed->payload++;
	__atomic_store_n(&landed->flying, false, __ATOMIC_RELEASE);
}

static void shoot(void *arg)
{
	gunner *self = arg;
	for (size_t i = 0;; i = (i + 1) % IN_FLIGHT) {
		shot *next = &self->shots[i];
		if (__atomic_load_n(&next->flying, __ATOMIC_ACQUIRE)) {
			wf_thread_yield();
			continue;
		}
		next->flying = true;
		next->payload++;
		int rc = wf_inbox_post(&self->storm->box->inbox, &next->message);
		if (rc == 0) {
			self->accepted++;
			continue;
		}
		self->refused++;
		next->flying = false;
		if (rc == WEFT_ESHUTDOWN) return;
		wf_thread_yield();
	}
}

static void consume(test_box *box)
{
	if (wf_inbox_drain(&box->inbox) != 0) return;
	if (wf_inbox_may_sleep(&box->inbox)) {
		wf_park(&box->parker, WF_FOREVER);
		wf_inbox_awake(&box->inbox);
	}
}

box_counts box_storm(unsigned threads, unsigned limit, uint64_t executed)
{
	test_storm *storm = calloc(1, sizeof(*storm));
	wf_assert(threads <= THREADS_MAX);
	storm->box = box_new(limit);
	box_own(storm->box, true);
	for (unsigned i = 0; i < threads; i++) {
		gunner *fresh = &storm->gunners[i];
		fresh->storm = storm;
		for (int j = 0; j < IN_FLIGHT; j++) {
			fresh->shots[j] = (shot){ .message.deliver = land, .storm = storm };
		}
		int rc = wf_thread_start(&fresh->thread, "gunner", shoot, fresh, 0);
		wf_assert(rc == 0);
	}
	while (storm->executed < executed) consume(storm->box);
	wf_inbox_seal(&storm->box->inbox);
	while (!wf_inbox_settled(&storm->box->inbox)) consume(storm->box);
	wf_inbox_fini(&storm->box->inbox);
	storm->ended = true;
	box_counts counts = { .executed = storm->executed };
	for (unsigned i = 0; i < threads; i++) {
		wf_thread_join(&storm->gunners[i].thread);
		counts.accepted += storm->gunners[i].accepted;
		counts.refused += storm->gunners[i].refused;
	}
	wf_inbox_drain(&storm->box->inbox);
	counts.after_end = storm->after_end;
	box_own(storm->box, false);
	box_free(storm->box);
	free(storm);
	return counts;
}

typedef struct test_ping {
	wf_message message;
	test_box *box;
	uint64_t rounds, landed;
} test_ping;

static void ping_land(wf_message *message)
{
	test_ping *ping = wf_container_of(message, test_ping, message);
	__atomic_fetch_add(&ping->landed, 1, __ATOMIC_RELEASE);
}

static void ping_send(void *arg)
{
	test_ping *ping = arg;
	for (uint64_t i = 0; i < ping->rounds; i++) {
		wf_inbox_push(&ping->box->inbox, &ping->message);
		for (unsigned spins = 0; __atomic_load_n(&ping->landed, __ATOMIC_ACQUIRE) != i + 1;) {
			if (++spins % 256 == 0) wf_thread_yield();
		}
	}
}

uint64_t box_ping(uint64_t rounds)
{
	test_ping ping = { .message.deliver = ping_land, .box = box_new(0), .rounds = rounds };
	wf_thread sender;
	int rc = wf_thread_start(&sender, "ping", ping_send, &ping, 0);
	wf_assert(rc == 0);
	while (__atomic_load_n(&ping.landed, __ATOMIC_RELAXED) < rounds) consume(ping.box);
	wf_thread_join(&sender);
	box_free(ping.box);
	return ping.landed;
}
