/* One line for both limits. A waiter needs a place (at_once) and a drop of the bucket (per_second).
 * The first in line gets its place, then it is its *turn*: it waits for the drop. As long as it is
 * somebody's turn nobody else is served.
 *
 * Everything is under the lock; wakes that were won are sent after it. A waiter is touched under
 * the lock only, and its state changes only if its claim was won. */
#include "executor/limiter.h"
#include "context/alloc.h"
#include "context/clock.h"

#include <limits.h>
#include <stdio.h>
#include <weft/error.h>

struct weft_limiter {
	wf_spin lock;
	bool turn;  /* somebody has it; holds a place too */
	bool freed; /* goes with the last token */
	unsigned at_once;
	unsigned places_taken;
	size_t waiting;
	wf_list line;
	double drops_per_ns; /* 0: no bucket */
	double drops, burst;
	int64_t filled_ns;
	uint64_t taken, refused;
	char name[32];
};

static bool sensible(const weft_limiter_options *options)
{
	return options->at_once >= 0 && options->burst >= 0 && options->per_second >= 0 &&
		   options->per_second <= 1e9 && (options->burst == 0 || options->per_second > 0);
}

int weft_limiter_new_with(const weft_limiter_options *options, weft_limiter **out)
{
	if (!sensible(options)) return WEFT_EINVAL;
	weft_limiter *limiter = wf_zalloc(sizeof(*limiter));
	if (limiter == NULL) return WEFT_ENOMEM;
	double usual = options->per_second / 10;
	limiter->at_once = options->at_once ? (unsigned)options->at_once : UINT_MAX;
	limiter->drops_per_ns = options->per_second / 1e9;
	limiter->burst = options->burst ? options->burst : usual > 1 ? usual : 1;
	limiter->drops = limiter->burst;
	limiter->filled_ns = wf_now_ns();
	wf_list_init(&limiter->line);
	snprintf(limiter->name, sizeof(limiter->name), "%s", options->name ? options->name : "limiter");
	*out = limiter;
	return 0;
}

/* Unlocks, and frees if the owner has let go and no token is out. */
static void unlock(weft_limiter *limiter)
{
	bool last = limiter->freed && limiter->places_taken == 0;
	wf_spin_unlock(&limiter->lock);
	if (last) wf_free(limiter);
}

void weft_limiter_free(weft_limiter *limiter)
{
	if (limiter == NULL) return;
	wf_spin_lock(&limiter->lock);
	wf_assert(wf_list_empty(&limiter->line) && !limiter->turn);
	limiter->freed = true;
	unlock(limiter);
}

static bool take_drop(weft_limiter *limiter, int64_t now_ns)
{
	if (limiter->drops_per_ns == 0) return true;
	if (now_ns > limiter->filled_ns) {
		limiter->drops += (double)(now_ns - limiter->filled_ns) * limiter->drops_per_ns;
		if (limiter->drops > limiter->burst) limiter->drops = limiter->burst;
		limiter->filled_ns = now_ns;
	}
	if (limiter->drops < 1) return false;
	limiter->drops -= 1;
	return true;
}

/* When the bucket will hold a drop: never in the past, so that a rounding error cannot spin. */
static int64_t due_ns(const weft_limiter *limiter)
{
	double wait_ns = (1 - limiter->drops) / limiter->drops_per_ns;
	return limiter->filled_ns + 1 + (wait_ns < 1e18 ? (int64_t)wait_ns : (int64_t)1e18);
}

/* Nobody is before a newcomer, and there is a place. */
static bool clear(const weft_limiter *limiter)
{
	return !limiter->turn && wf_list_empty(&limiter->line) &&
		   limiter->places_taken < limiter->at_once;
}

static wf_limiter_state serve(weft_limiter *limiter, wf_limiter_wait *wait, int64_t now_ns)
{
	limiter->turn = !take_drop(limiter, now_ns);
	if (limiter->turn) {
		wait->due_ns = due_ns(limiter);
		wait->state = WF_LIMITER_TURN;
	} else {
		limiter->taken++;
		wait->state = WF_LIMITER_GRANTED;
	}
	return wait->state;
}

/* Serves from the front of the line until somebody has to wait for the bucket, or for a place. One
 * whose claim is lost has given up already and is passed over. */
static void serve_line(weft_limiter *limiter, wf_wake_chain *chain)
{
	int64_t now_ns = wf_now_ns();
	while (!limiter->turn && limiter->places_taken < limiter->at_once) {
		wf_list *link = wf_list_pop_front(&limiter->line);
		if (link == NULL) return;
		wf_limiter_wait *wait = wf_list_entry(link, wf_limiter_wait, waiter.link);
		limiter->waiting--;
		if (!wf_wake_chain_claim(chain, &wait->waiter)) continue;
		limiter->places_taken++;
		serve(limiter, wait, now_ns);
	}
}

int weft_limiter_try(weft_limiter *limiter)
{
	wf_spin_lock(&limiter->lock);
	wf_assert(!limiter->freed);
	bool got = clear(limiter) && take_drop(limiter, wf_now_ns());
	if (got) {
		limiter->places_taken++;
		limiter->taken++;
	} else {
		limiter->refused++;
	}
	wf_spin_unlock(&limiter->lock);
	return got ? 0 : WEFT_EAGAIN;
}

wf_limiter_state wf_limiter_take(weft_limiter *limiter, wf_limiter_wait *wait, wf_claim_fn *claim)
{
	wf_waiter_init(&wait->waiter, claim);
	wf_spin_lock(&limiter->lock);
	wf_assert(!limiter->freed);
	if (clear(limiter)) {
		limiter->places_taken++;
		serve(limiter, wait, wf_now_ns());
	} else {
		wait->state = WF_LIMITER_QUEUED;
		wf_list_push_back(&limiter->line, &wait->waiter.link);
		limiter->waiting++;
	}
	wf_limiter_state state = wait->state; /* a queued one may be served as soon as we unlock */
	wf_spin_unlock(&limiter->lock);
	return state;
}

wf_limiter_state wf_limiter_turn(weft_limiter *limiter, wf_limiter_wait *wait)
{
	wf_wake_chain chain;
	wf_wake_chain_init(&chain);
	wf_spin_lock(&limiter->lock);
	wf_assert(wait->state == WF_LIMITER_TURN && limiter->turn);
	if (serve(limiter, wait, wf_now_ns()) == WF_LIMITER_GRANTED) serve_line(limiter, &chain);
	wf_spin_unlock(&limiter->lock);
	wf_wake_chain_send(&chain);
	return wait->state;
}

static void give_place(weft_limiter *limiter, wf_wake_chain *chain)
{
	wf_assert(limiter->places_taken != 0);
	limiter->places_taken--;
	serve_line(limiter, chain);
}

void weft_limiter_give(weft_limiter *limiter)
{
	wf_wake_chain chain;
	wf_wake_chain_init(&chain);
	wf_spin_lock(&limiter->lock);
	give_place(limiter, &chain);
	unlock(limiter);
	wf_wake_chain_send(&chain);
}

void wf_limiter_leave(weft_limiter *limiter, wf_limiter_wait *wait)
{
	wf_wake_chain chain;
	wf_wake_chain_init(&chain);
	wf_spin_lock(&limiter->lock);
	if (wait->state != WF_LIMITER_QUEUED) {
		if (wait->state == WF_LIMITER_TURN) limiter->turn = false;
		give_place(limiter, &chain);
	} else if (!wf_list_empty(&wait->waiter.link)) {
		wf_list_remove(&wait->waiter.link);
		limiter->waiting--;
	}
	unlock(limiter);
	wf_wake_chain_send(&chain);
}

void weft_limiter_stats(weft_limiter *limiter, weft_limiter_counts *counts)
{
	wf_spin_lock(&limiter->lock);
	counts->out = limiter->places_taken - limiter->turn;
	counts->waiting = limiter->waiting + limiter->turn;
	counts->taken = limiter->taken;
	counts->refused = limiter->refused;
	wf_spin_unlock(&limiter->lock);
}
