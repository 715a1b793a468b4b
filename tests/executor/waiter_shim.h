/* Waiters as the runtime has them, for C++, which cannot include ck_stack.h. */
#ifndef WF_TESTS_EXECUTOR_WAITER_SHIM_H
#define WF_TESTS_EXECUTOR_WAITER_SHIM_H

#include "tests/executor/inbox_shim.h"

#include <weft/future.h>
#include <weft/limiter.h>

WEFT_BEGIN

typedef struct test_waiter test_waiter;

/* A wait that is open, of a task at home in `home` (NULL: its wake is delivered by the winner). */
test_waiter *waiter_new(test_box *home);
/* Somebody else wins the wait; false when it was won already. */
bool waiter_cancel(test_waiter *waiter);
bool waiter_watch(test_waiter *waiter, weft_future *future);
void waiter_unwatch(test_waiter *waiter, weft_future *future);
/* Claimed by the future or the limiter, and the wakes that followed. */
bool waiter_won(test_waiter *waiter);
int waiter_wakes(test_waiter *waiter);
/* After a wake that was won has come. */
void waiter_free(test_waiter *waiter);

enum { LIMITER_GRANTED, LIMITER_QUEUED, LIMITER_TURN };

int waiter_take(test_waiter *waiter, weft_limiter *limiter);
int waiter_state(test_waiter *waiter);
int64_t waiter_due_ns(test_waiter *waiter);
int waiter_turn(test_waiter *waiter, weft_limiter *limiter);
void waiter_leave(test_waiter *waiter, weft_limiter *limiter);

WEFT_END
#endif
