/* The heap's invariant: heap[i].at_ns <= heap[j].at_ns for each child j of i, and for every armed
 * timer heap[place - 1].timer == timer and heap[place - 1].at_ns <= deadline_ns. The second half is
 * what makes "later" a store: a slot that comes up too early is put back at its true time.
 *
 * Four children a node: half the depth of a binary heap, and the four lie in one cache line. */
#include "runtime/timer.h"

#include <errno.h>
#include <string.h>

#include "context/alloc.h"

enum { CHILDREN = 4, FIRST_ROOM = 64 };

void wf_timers_init(wf_timers *timers)
{
	memset(timers, 0, sizeof *timers);
}

void wf_timers_fini(wf_timers *timers)
{
	wf_assert(timers->count == 0);
	wf_free(timers->heap);
	timers->heap = NULL;
	timers->room = 0;
}

static int grow(wf_timers *timers, uint32_t wanted)
{
	if (wanted <= timers->room) return 0;
	uint32_t room = timers->room ? timers->room * 2 : FIRST_ROOM;
	while (room < wanted) room *= 2;
	wf_timer_slot *heap = wf_realloc(timers->heap, room * sizeof *heap);
	if (heap == NULL) return -ENOMEM;
	timers->heap = heap;
	timers->room = room;
	return 0;
}

int wf_timer_reserve(wf_timers *timers, wf_timer *timer)
{
	wf_assert(timer->place == 0 && !timer->reserved);
	int rc = grow(timers, timers->loose + timers->reserved + 1);
	if (rc != 0) return rc;
	timers->reserved++;
	timer->reserved = true;
	return 0;
}

void wf_timer_unreserve(wf_timers *timers, wf_timer *timer)
{
	wf_assert(timer->place == 0);
	if (timer->reserved) timers->reserved--;
	timer->reserved = false;
}

static void put(wf_timers *timers, uint32_t i, wf_timer_slot slot)
{
	timers->heap[i] = slot;
	slot.timer->place = i + 1;
}

static void sift_up(wf_timers *timers, uint32_t i, wf_timer_slot slot)
{
	while (i > 0) {
		uint32_t parent = (i - 1) / CHILDREN;
		if (timers->heap[parent].at_ns <= slot.at_ns) break;
		put(timers, i, timers->heap[parent]);
		i = parent;
	}
	put(timers, i, slot);
}

static uint32_t least_child(const wf_timers *timers, uint32_t i)
{
	uint32_t first = i * CHILDREN + 1;
	uint32_t end = first + CHILDREN < timers->count ? first + CHILDREN : timers->count;
	uint32_t least = first;
	for (uint32_t child = first + 1; child < end; child++) {
		if (timers->heap[child].at_ns < timers->heap[least].at_ns) least = child;
	}
	return least;
}

static void sift_down(wf_timers *timers, uint32_t i, wf_timer_slot slot)
{
	for (;;) {
		uint32_t child = least_child(timers, i);
		if (child >= timers->count || slot.at_ns <= timers->heap[child].at_ns) break;
		put(timers, i, timers->heap[child]);
		i = child;
	}
	put(timers, i, slot);
}

int wf_timer_arm(wf_timers *timers, wf_timer *timer, int64_t deadline_ns)
{
	wf_timer_slot slot = { deadline_ns, timer };
	if (timer->place != 0) {
		timer->deadline_ns = deadline_ns;
		if (deadline_ns < timers->heap[timer->place - 1].at_ns)
			sift_up(timers, timer->place - 1, slot);
		return 0;
	}
	if (!timer->reserved) {
		int rc = grow(timers, timers->loose + timers->reserved + 1);
		if (rc != 0) return rc;
		timers->loose++;
	}
	timer->deadline_ns = deadline_ns;
	sift_up(timers, timers->count++, slot);
	return 0;
}

static void take_out(wf_timers *timers, uint32_t i)
{
	wf_timer *timer = timers->heap[i].timer;
	timer->place = 0;
	if (!timer->reserved) timers->loose--;
	wf_timer_slot last = timers->heap[--timers->count];
	if (i == timers->count) return;
	if (i > 0 && last.at_ns < timers->heap[(i - 1) / CHILDREN].at_ns)
		sift_up(timers, i, last);
	else
		sift_down(timers, i, last);
}

void wf_timer_cancel(wf_timers *timers, wf_timer *timer)
{
	if (timer->place == 0) return;
	wf_assert(timers->heap[timer->place - 1].timer == timer);
	take_out(timers, timer->place - 1);
}

int64_t wf_timers_next_ns(const wf_timers *timers)
{
	return timers->count ? timers->heap[0].at_ns : INT64_MAX;
}

unsigned wf_timers_fire(wf_timers *timers, int64_t now_ns)
{
	unsigned fired = 0;
	while (timers->count > 0 && timers->heap[0].at_ns <= now_ns) {
		wf_timer *timer = timers->heap[0].timer;
		if (timer->deadline_ns > now_ns) {
			sift_down(timers, 0, (wf_timer_slot){ timer->deadline_ns, timer });
			continue;
		}
		take_out(timers, 0);
		timer->fire(timer);
		fired++;
	}
	return fired;
}
