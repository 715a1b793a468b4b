/* What every program that measures shares: rounds, their median, and how it is shown.
 *
 * A row is one figure. Each round yields it once; where there is something to compare with, its
 * round follows at once, so that both see the same machine. Shown are the median, the least and the
 * greatest of the rounds. */
#ifndef WF_TESTS_BENCH_H
#define WF_TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>

/* Keeps the compiler from leaving the work out. */
#define BENCH_KEEP(value) __asm__ volatile("" ::"r"(value) : "memory")

/* One round. The figure in the row's unit. */
typedef double bench_round_fn(void);

typedef enum bench_goal {
	BENCH_AT_MOST,  /* `target`, in the row's unit */
	BENCH_AT_LEAST, /* the same */
	BENCH_RATIO,    /* at most `target` times the reference */
} bench_goal;

typedef struct bench_row {
	const char *name;
	const char *unit;
	bench_round_fn *round;
	double target; /* 0: none */
	bench_goal goal;
	bench_round_fn *reference; /* NULL: none */
	const char *against;       /* what the reference is */
	int rounds;                /* after one to warm up, which is not counted; 0: 9. 1: no warm-up */
} bench_row;

/* Measures the rows whose name contains one of the arguments (none: all) and prints them: as a
 * table, or with --json as one object a line. Returns an exit status. */
int bench_main(
	const char *about, const bench_row *rows, size_t count, int argc, const char *const *argv);

/* Ends the program: a call failed that has no reason to. */
void bench_failed(const char *what) __attribute__((noreturn, cold));
#define BENCH_CHECK(condition) ((condition) ? (void)0 : bench_failed(#condition))

#endif
