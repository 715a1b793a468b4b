/* What the context costs a call. */
#include "context/context.h"
#include "tests/bench/primitives.h"

enum { CALLS = 2000000, SLOTS = 8 };

static weft_key keys[SLOTS + 1];

/* Eight values, made once. */
static weft_context *full(void)
{
	static weft_context *made;
	if (made != NULL) return made;
	made = wf_context_root();
	for (int i = 0; i < SLOTS; i++) {
		weft_context *more;
		BENCH_CHECK(wf_context_with(made, &keys[i], &keys[i], &more) == 0);
		wf_context_unref(made);
		made = more;
	}
	return made;
}

static void current_once(void)
{
	BENCH_KEEP(wf_context_current());
}

static void get_once(void)
{
	BENCH_KEEP(weft_context_get(&keys[SLOTS - 1]));
}

static void switch_once(void)
{
	weft_context *former = wf_context_attach(wf_context_root());
	BENCH_KEEP(former);
	wf_context_attach(former);
}

static void capture_once(void)
{
	weft_context *context = wf_context_capture();
	BENCH_KEEP(context);
	wf_context_unref(context);
}

static void with8_once(void)
{
	weft_context *context;
	BENCH_CHECK(wf_context_with(wf_context_current(), &keys[SLOTS], &keys[SLOTS], &context) == 0);
	wf_context_unref(context);
}

/* The floor under whatever counts references. */
static void count_once(void)
{
	static size_t counter;
	__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
	BENCH_KEEP(&counter);
	__atomic_fetch_sub(&counter, 1, __ATOMIC_ACQ_REL);
}

/* One call through a pointer a time would cost more than what is measured. */
#define ROUND(name, once)                                                                          \
	double name(void)                                                                              \
	{                                                                                              \
		weft_context *former = wf_context_attach(full());                                          \
		int64_t began = wf_now_ns();                                                               \
		for (int i = 0; i < CALLS; i++) once();                                                    \
		int64_t took_ns = wf_now_ns() - began;                                                     \
		wf_context_attach(former);                                                                 \
		return (double)took_ns / CALLS;                                                            \
	}
ROUND(context_current, current_once)
ROUND(context_get, get_once)
ROUND(context_switch, switch_once)
ROUND(context_capture, capture_once)
ROUND(context_with8, with8_once)
ROUND(bare_count, count_once)
