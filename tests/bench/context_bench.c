/* What the context costs a call, in nanoseconds: the median of nine rounds, the best and the worst.
 * The primitives program has the plain calls. `atomic_pair` is the floor under every row that
 * counts references: two locked instructions. */
#include "context/clock.h"
#include "context/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/log.h>

enum { rounds = 9, calls = 2000000, slots = 8 };

/* Keeps the compiler from leaving the work out. */
#define KEEP(value) __asm__ volatile("" ::"r"(value) : "memory")

typedef void round_fn(void);

static weft_key keys[slots + 1];
static weft_context *full; /* eight values */
static wf_random own;
static size_t counter;

static void atomic_pair(void)
{
	__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
	KEEP(&counter);
	__atomic_fetch_sub(&counter, 1, __ATOMIC_ACQ_REL);
}

static void accept_new(void)
{
	static const wf_trace_incoming nothing;
	weft_context *context;
	if (wf_trace_accept(wf_context_root(), &nothing, &own, &context) != 0) exit(1);
	wf_context_unref(context);
}

static void accept_continued(void)
{
	static const char parent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	static const wf_trace_incoming incoming = { .traceparent = parent, .traceparent_length = 55 };
	weft_context *context;
	if (wf_trace_accept(wf_context_root(), &incoming, &own, &context) != 0) exit(1);
	wf_context_unref(context);
}

static void log_below_threshold(void)
{
	weft_log(WEFT_LOG_DEBUG, "nobody hears it", weft_log_int("n", 1));
}

static void format_line(const weft_log_record *record, void *arg)
{
	char line[WEFT_LOG_LINE_MAX];
	(void)arg;
	KEEP(weft_log_format_text(record, line, sizeof(line)));
}

static void log_format(void)
{
	weft_log(WEFT_LOG_INFO, "user created", weft_log_text("name", "ada"), weft_log_int("id", 7));
}

/* One call through a pointer a time would cost more than what is measured. */
#define ROUND(name)                                                                                \
	static void name##_round(void)                                                                 \
	{                                                                                              \
		for (int i = 0; i < calls; i++) name();                                                    \
	}
ROUND(atomic_pair)
ROUND(accept_new)
ROUND(accept_continued)
ROUND(log_below_threshold)
ROUND(log_format)

static const struct row {
	const char *name;
	round_fn *round;
} rows[] = {
	{ "atomic_pair", atomic_pair_round },
	{ "accept_new", accept_new_round },
	{ "accept_continued", accept_continued_round },
	{ "log_below_threshold", log_below_threshold_round },
	{ "log_format", log_format_round },
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const struct row *row)
{
	double ns[rounds];
	row->round();
	for (int i = 0; i < rounds; i++) {
		int64_t start = wf_now_ns();
		row->round();
		ns[i] = (double)(wf_now_ns() - start) / calls;
	}
	qsort(ns, rounds, sizeof(*ns), compare);
	printf("%-20s %8.2f ns (%.2f to %.2f)\n", row->name, ns[rounds / 2], ns[0], ns[rounds - 1]);
}

/* usage: context [FILTER] */
int main(int argc, char **argv)
{
	static const weft_log_sink sink = { format_line, NULL };
	const char *filter = argc > 1 ? argv[1] : "";
	weft_log_sink_set(&sink);
	wf_random_init(&own);
	full = wf_context_root();
	for (int i = 0; i < slots; i++) {
		weft_context *more;
		if (wf_context_with(full, &keys[i], &counter, &more) != 0) return 1;
		wf_context_unref(full);
		full = more;
	}
	wf_context_attach(full);
	for (size_t i = 0; i < WEFT_COUNT(rows); i++) {
		if (strstr(rows[i].name, filter) != NULL) measure(&rows[i]);
	}
	return 0;
}
