/* The switch in plain C, so that it can be built for another machine by a bare cross compiler and
 * run in an emulator: the script coro_cross_test does both. Says what failed and exits 1. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unwind.h>

#include "runtime/coro.h"

enum { STACK = 64 << 10, RING = 50, LAPS = 100 };

static int failures;

static void expect(bool condition, const char *what)
{
	if (condition) return;
	printf("failed: %s\n", what);
	failures++;
}

static wf_coro home;
static _Alignas(64) char stacks[RING][STACK];

typedef struct side {
	wf_coro *self, *other; /* NULL: nobody disturbs */
	uint64_t whole;
	double real;
	unsigned seed;
} side;

/* More values than there are registers that a call keeps, whole and floating. */
__attribute__((noinline)) static void churn(side *self)
{
	uint64_t a = self->seed, b = a + 1, c = a + 2, d = a + 3, e = a + 4, f = a + 5, g = a + 6,
			 h = a + 7, i = a + 8, j = a + 9;
	double p = self->seed, q = p * 2, r = p * 3, s = p * 5, t = p * 7, u = p * 11, v = p * 13,
		   w = p * 17;
	for (int lap = 0; lap < LAPS; lap++) {
		a += b, b ^= c, c += d, d ^= e, e += f, f ^= g, g += h, h ^= i, i += j, j ^= a;
		p += q, q = r - p, r += 1, s = t - q, t += 2, u = v - s, v += 3, w = u - p;
		if (self->other != NULL) wf_coro_switch(self->self, self->other);
	}
	self->whole = a + b + c + d + e + f + g + h + i + j;
	self->real = p + q + r + s + t + u + v + w;
}

static void run_churn(void *arg)
{
	side *self = arg;
	churn(self);
	wf_coro_switch_last(self->self, self->other);
}

static void both_sides_keep_their_registers(void)
{
	wf_coro coro;
	side inside = { .self = &coro, .other = &home, .seed = 7 };
	side outside = { .self = &home, .other = &coro, .seed = 1000 };
	wf_coro_init(&coro, stacks[0], STACK, run_churn, &inside);
	churn(&outside);
	wf_coro_switch(&home, &coro);
	wf_coro_fini(&coro);

	side alone[2] = { { .seed = 7 }, { .seed = 1000 } };
	churn(&alone[0]);
	churn(&alone[1]);
	expect(inside.whole == alone[0].whole && outside.whole == alone[1].whole, "whole registers");
	expect(memcmp(&inside.real, &alone[0].real, sizeof(double)) == 0, "floating registers, inside");
	expect(
		memcmp(&outside.real, &alone[1].real, sizeof(double)) == 0, "floating registers, outside");
}

typedef struct member {
	wf_coro coro;
	wf_coro *next;
	int laps;
	uintptr_t misaligned;
} member;

static void run_member(void *arg)
{
	member *self = arg;
	self->misaligned = (uintptr_t)__builtin_frame_address(0) % 16;
	for (; self->laps < LAPS; self->laps++) wf_coro_switch(&self->coro, self->next);
	wf_coro_switch_last(&self->coro, self->next);
}

static void a_ring_goes_round(void)
{
	static member ring[RING];
	for (int i = 0; i < RING; i++) {
		ring[i].next = i + 1 < RING ? &ring[i + 1].coro : &home;
		wf_coro_init(&ring[i].coro, stacks[i], STACK, run_member, &ring[i]);
	}
	for (int lap = 0; lap <= LAPS; lap++) wf_coro_switch(&home, &ring[0].coro);
	for (int i = 0; i < RING; i++) {
		expect(ring[i].laps == LAPS, "every member of the ring has had its turns");
		expect(ring[i].misaligned == 0, "the frames are aligned as the ABI says");
		wf_coro_fini(&ring[i].coro);
	}
}

typedef struct trace {
	int frames;
	bool complete;
	bool found;
} trace;

/* Noinline and with work behind the call: each keeps a frame. */
__attribute__((noinline)) static void sleep_in_a_frame(member *self)
{
	wf_coro_switch(&self->coro, self->next);
	self->laps++;
}

static void run_sleeper(void *arg)
{
	member *self = arg;
	sleep_in_a_frame(self);
	wf_coro_switch_last(&self->coro, self->next);
}

static _Unwind_Reason_Code see_frame(struct _Unwind_Context *context, void *arg)
{
	trace *seen = arg;
	void *pc = (void *)(_Unwind_GetIP(context) - 1);
	seen->frames++;
	if (_Unwind_FindEnclosingFunction(pc) == (void *)(uintptr_t)run_sleeper) seen->found = true;
	return seen->frames < 100 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

static void take_trace(void *arg)
{
	trace *seen = arg;
	seen->complete = _Unwind_Backtrace(see_frame, seen) == _URC_END_OF_STACK;
}

static void a_suspended_stack_can_be_traced(void)
{
	trace seen = { 0 };
	member sleeper = { .next = &home };
	wf_coro_init(&sleeper.coro, stacks[0], STACK, run_sleeper, &sleeper);
	wf_coro_switch(&home, &sleeper.coro);
	if (wf_coro_visit(&sleeper.coro, take_trace, &seen)) {
		expect(seen.found, "the trace leads through the suspended frames");
		expect(seen.complete, "the trace ends where the stack begins");
	}
	wf_coro_switch(&home, &sleeper.coro);
	expect(sleeper.laps == 1, "it goes on after the visit");
	wf_coro_fini(&sleeper.coro);
}

#if defined(__ARM_FEATURE_BTI_DEFAULT)
#define PROTECT 0x10 /* PROT_BTI */

/* The C library of a cross compiler is seldom built for branch targets, and then the loader leaves
 * the whole program unprotected: this protects our part of it, which the linker kept together. */
static void protect_our_code(void)
{
	uintptr_t ours[] = { (uintptr_t)churn, (uintptr_t)take_trace, (uintptr_t)wf_coro_swap,
		(uintptr_t)wf_coro_visit_sp };
	uintptr_t low = ours[0], high = ours[0];
	for (size_t i = 1; i < sizeof ours / sizeof *ours; i++) {
		if (ours[i] < low) low = ours[i];
		if (ours[i] > high) high = ours[i];
	}
	low &= ~(uintptr_t)4095;
	int rc = mprotect((void *)low, high + 1 - low, PROT_READ | PROT_EXEC | PROTECT);
	expect(rc == 0 || errno == EINVAL, "our code is protected where the processor can");
}
#else
static void protect_our_code(void)
{
}
#endif

int main(void)
{
	protect_our_code();
	wf_coro_init_thread(&home);
	both_sides_keep_their_registers();
	a_ring_goes_round();
	a_suspended_stack_can_be_traced();
	wf_coro_fini(&home);
	(void)fflush(stdout);
	_Exit(failures != 0); /* and not through what the C library runs at the end: see above */
}
