/* Deadlines of one worker: a 4-ary heap of (time, timer) pairs.
 *
 * A timer is embedded in what it times. Moving its deadline later is one store: the heap keeps the
 * old, earlier time and sifts the timer down when that comes. Moving it earlier sifts it up.
 * Thread: the worker's. */
#ifndef WF_RUNTIME_TIMER_H
#define WF_RUNTIME_TIMER_H

#include "context/base.h"

WEFT_BEGIN

typedef struct wf_timer wf_timer;
typedef void wf_timer_fn(wf_timer *timer);

struct wf_timer {
	int64_t deadline_ns; /* when to fire; may lie after the heap's own time for it */
	uint32_t place;      /* index in the heap + 1; 0: not armed */
	bool reserved;       /* a slot is kept for it: arming cannot fail */
	wf_timer_fn *fire;   /* on the worker's loop, outside any task; may arm, cancel or free it */
};

typedef struct wf_timer_slot {
	int64_t at_ns;
	wf_timer *timer;
} wf_timer_slot;

typedef struct wf_timers {
	wf_timer_slot *heap;
	uint32_t count, room;
	uint32_t reserved; /* timers with a slot kept for them; room >= loose + reserved */
	uint32_t loose;    /* armed ones without */
} wf_timers;

void wf_timers_init(wf_timers *timers);
/* None may be armed any more. */
void wf_timers_fini(wf_timers *timers);

/* Keeps a slot for `timer`, which is not armed: arming it can no longer fail. What must be able to
 * re-arm at any time (a connection) reserves when it is made. Errors: ENOMEM. */
int wf_timer_reserve(wf_timers *timers, wf_timer *timer);
/* Gives the slot back; the timer is not armed. Harmless when there was none. */
void wf_timer_unreserve(wf_timers *timers, wf_timer *timer);

/* Arms or moves. Errors: ENOMEM, only for one that was neither armed nor reserved. */
int wf_timer_arm(wf_timers *timers, wf_timer *timer, int64_t deadline_ns);
/* Harmless when it is not armed. */
void wf_timer_cancel(wf_timers *timers, wf_timer *timer);

static inline bool wf_timer_armed(const wf_timer *timer)
{
	return timer->place != 0;
}

/* When the next one is due (never later than the truth), or INT64_MAX. */
int64_t wf_timers_next_ns(const wf_timers *timers);
/* Fires all that are due. Returns how many. */
unsigned wf_timers_fire(wf_timers *timers, int64_t now_ns);

WEFT_END
#endif
