/* The one way to the time. A test or a simulation replaces the table; nothing else in the library
 * asks the kernel for a clock. */
#ifndef WF_CONTEXT_CLOCK_H
#define WF_CONTEXT_CLOCK_H

#include <stdint.h>
#include <weft/api.h>

WEFT_BEGIN

typedef struct wf_clock {
	int64_t (*monotonic_ns)(void); /* never goes back; unrelated to the date */
	int64_t (*wall_ns)(void);      /* since 1970-01-01 UTC; may jump */
} wf_clock;

extern const wf_clock *wf_clock_current;

/* NULL restores the kernel's. Thread: one, while no run is alive. */
void wf_clock_set(const wf_clock *clock);

static inline int64_t wf_now_ns(void)
{
	return wf_clock_current->monotonic_ns();
}

static inline int64_t wf_wall_ns(void)
{
	return wf_clock_current->wall_ns();
}

WEFT_END
#endif
