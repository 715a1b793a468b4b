#include "context/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t kernel_monotonic_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

static int64_t kernel_wall_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

static const wf_clock kernel_clock = { kernel_monotonic_ns, kernel_wall_ns };

const wf_clock *wf_clock_current = &kernel_clock;

void wf_clock_set(const wf_clock *clock)
{
	wf_clock_current = clock ? clock : &kernel_clock;
}
