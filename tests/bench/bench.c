#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 9, ROUNDS_MAX = 64 };

typedef struct series {
	double median, least, greatest;
	int count;
} series;

void bench_failed(const char *what)
{
	fprintf(stderr, "bench: %s does not hold\n", what);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static series summarize(double *values, int count)
{
	qsort(values, (size_t)count, sizeof *values, compare);
	return (series){ values[count / 2], values[0], values[count - 1], count };
}

static void measure(const bench_row *row, series *ours, series *reference)
{
	double values[ROUNDS_MAX], others[ROUNDS_MAX];
	int rounds = row->rounds ? row->rounds : ROUNDS;
	if (rounds > 1) row->round();
	for (int i = 0; i < rounds; i++) {
		values[i] = row->round();
		others[i] = row->reference ? row->reference() : 0;
	}
	*ours = summarize(values, rounds);
	*reference = summarize(others, rounds);
}

static void show_number(double value, int width)
{
	printf("%*.*f", width, value < 100 ? 1 : 0, value);
}

static void show_goal(const bench_row *row, double reference)
{
	static const char *const words[] = { "<=", ">=", "<=" };
	if (row->target == 0) {
		printf("%12s", "");
		return;
	}
	printf("  %s", words[row->goal]);
	show_number(row->goal == BENCH_RATIO ? row->target * reference : row->target, 8);
}

static void show(const bench_row *row, const series *ours, const series *reference)
{
	printf("%-18s", row->name);
	show_number(ours->median, 10);
	printf(" %-6s", row->unit);
	show_number(ours->least, 9);
	printf(" to");
	show_number(ours->greatest, 9);
	show_goal(row, reference->median);
	if (row->reference != NULL) {
		printf("  ");
		show_number(reference->median, 9);
		printf(" %s", row->against);
	}
	printf("\n");
	fflush(stdout);
}

static void show_json(const bench_row *row, const series *ours)
{
	printf("{\"name\":\"%s\",\"unit\":\"%s\",\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,\"n\":%d}\n",
		row->name, row->unit, ours->median, ours->least, ours->greatest, ours->count);
	fflush(stdout);
}

static void help(const char *about, const bench_row *rows, size_t count)
{
	printf("%s\n", about);
	for (size_t i = 0; i < count; i++) printf("  %-18s %s\n", rows[i].name, rows[i].unit);
}

static bool wanted(const char *name, int argc, const char *const *argv)
{
	bool any = false;
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-') continue;
		any = true;
		if (strstr(name, argv[i]) != NULL) return true;
	}
	return !any;
}

int bench_main(
	const char *about, const bench_row *rows, size_t count, int argc, const char *const *argv)
{
	bool json = false;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			json = true;
		} else if (argv[i][0] == '-') {
			help(about, rows, count);
			return strcmp(argv[i], "--help") == 0 ? 0 : 2;
		}
	}
	if (!json)
		printf("%-18s %9s %-6s %21s %11s  %9s\n", "", "median", "", "least to greatest", "target",
			"reference");
	for (size_t i = 0; i < count; i++) {
		if (!wanted(rows[i].name, argc, argv)) continue;
		series ours, reference;
		measure(&rows[i], &ours, &reference);
		if (json)
			show_json(&rows[i], &ours);
		else
			show(&rows[i], &ours, &reference);
	}
	return 0;
}
