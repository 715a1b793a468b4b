#include "tests/executor/waiter_shim.h"
#include "executor/future.h"
#include "executor/limiter.h"

#include <stdlib.h>

enum { OPEN, WON, CANCELLED };

struct test_waiter {
	wf_limiter_wait wait; /* its waiter serves for futures too */
	wf_wake wake;
	int word; /* as a task's wait word */
	int wakes;
};

static void wake_up(wf_message *message)
{
	test_waiter *waiter = wf_container_of(message, test_waiter, wake.message);
	__atomic_fetch_add(&waiter->wakes, 1, __ATOMIC_RELEASE);
}

static bool decide(test_waiter *waiter, int how)
{
	int open = OPEN;
	return __atomic_compare_exchange_n(
		&waiter->word, &open, how, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static wf_wake *claim(wf_waiter *link)
{
	test_waiter *waiter = wf_container_of(link, test_waiter, wait.waiter);
	return decide(waiter, WON) ? &waiter->wake : NULL;
}

test_waiter *waiter_new(test_box *home)
{
	test_waiter *waiter = calloc(1, sizeof(*waiter));
	wf_waiter_init(&waiter->wait.waiter, claim);
	waiter->wake.message.deliver = wake_up;
	waiter->wake.home = box_inbox(home);
	return waiter;
}

bool waiter_cancel(test_waiter *waiter)
{
	return decide(waiter, CANCELLED);
}

bool waiter_watch(test_waiter *waiter, weft_future *future)
{
	return wf_future_watch(future, &waiter->wait.waiter);
}

void waiter_unwatch(test_waiter *waiter, weft_future *future)
{
	wf_future_unwatch(future, &waiter->wait.waiter);
}

bool waiter_won(test_waiter *waiter)
{
	return __atomic_load_n(&waiter->word, __ATOMIC_ACQUIRE) == WON;
}

int waiter_wakes(test_waiter *waiter)
{
	return __atomic_load_n(&waiter->wakes, __ATOMIC_ACQUIRE);
}

void waiter_free(test_waiter *waiter)
{
	while (waiter_won(waiter) && waiter_wakes(waiter) == 0) wf_thread_yield();
	free(waiter);
}

int waiter_take(test_waiter *waiter, weft_limiter *limiter)
{
	return (int)wf_limiter_take(limiter, &waiter->wait, claim);
}

int waiter_state(test_waiter *waiter)
{
	return (int)waiter->wait.state;
}

int64_t waiter_due_ns(test_waiter *waiter)
{
	return waiter->wait.due_ns;
}

int waiter_turn(test_waiter *waiter, weft_limiter *limiter)
{
	return (int)wf_limiter_turn(limiter, &waiter->wait);
}

void waiter_leave(test_waiter *waiter, weft_limiter *limiter)
{
	wf_limiter_leave(limiter, &waiter->wait);
}
