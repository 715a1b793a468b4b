/* The way into a worker from any thread: many producers, one consumer, no lock.
 *
 * A message is a node inside whatever it is about; putting it in allocates nothing. A message is in
 * at most one inbox at a time, and is its sender's again from the moment its `deliver` is called,
 * which happens exactly once, on the owner's thread, in the order in which the messages went in.
 *
 * The limit is for posts (work that comes from outside and can be refused). Pushes (wakes, cancels,
 * child-ended, completions) are bounded by what they are embedded in and cannot fail.
 *
 * The memory of an inbox must live as long as anybody may post to it, also after wf_inbox_fini:
 * a late post then returns WEFT_ESHUTDOWN. */
#ifndef WF_EXECUTOR_INBOX_H
#define WF_EXECUTOR_INBOX_H

#include "context/base.h"
#include "executor/here.h"

#include <ck_stack.h>

WEFT_BEGIN

#define WF_INBOX_LIMIT 65536

typedef struct wf_message wf_message;
typedef void wf_deliver_fn(wf_message *message);

struct wf_message {
	ck_stack_entry_t entry;
	wf_deliver_fn *deliver; /* may free or reuse the message */
	bool posted;            /* set inside: it counts against the limit */
};

/* Rouses the consumer out of its blocking call; must be callable from any thread, and wake it even
 * when it is only about to block (an eventfd does). */
typedef void wf_inbox_wake_fn(wf_inbox *inbox);

struct wf_inbox {
	/* Written by producers. */
	_Alignas(WF_CACHE_LINE) ck_stack_t stack;
	uint64_t gate; /* how many posts are in, and SEALED */
	/* Written at the ends of a sleep, read by each producer. */
	_Alignas(WF_CACHE_LINE) uint32_t sleeping;
	uint32_t waking; /* producers inside wake() */
	unsigned limit;
	wf_inbox_wake_fn *wake;
};

/* `limit` 0: WF_INBOX_LIMIT. Errors: EINVAL when limit is above 2^31 - 1. */
WEFT_MUST int wf_inbox_init(wf_inbox *inbox, unsigned limit, wf_inbox_wake_fn *wake);

/* Seals, and waits until no producer is inside wake() any more; none enters it afterwards, so that
 * what it rouses may be closed. What is in stays undelivered: settle first. Thread: owner. */
void wf_inbox_fini(wf_inbox *inbox);

/* Puts in a message that counts. 0: it will be delivered exactly once. On failure nothing happened.
 * Thread: any. Errors: EFULL, ESHUTDOWN. */
WEFT_MUST int wf_inbox_post(wf_inbox *inbox, wf_message *message);

/* Puts in a message that does not count. Cannot fail, also after the seal: whoever seals knows that
 * all who push have ended, or lets the inbox live on. Thread: any. */
void wf_inbox_push(wf_inbox *inbox, wf_message *message);

/* The same, but delivers at once when this is the owner's thread. Thread: any. */
static inline void wf_inbox_send(wf_inbox *inbox, wf_message *message)
{
	if (wf_inbox_here == inbox) {
		message->deliver(message);
	} else {
		wf_inbox_push(inbox, message);
	}
}

/* Delivers what is in now, oldest first; what comes meanwhile waits for the next call. Returns how
 * many. Not to be called from a `deliver`. Thread: owner. */
unsigned wf_inbox_drain(wf_inbox *inbox);

/* Nothing to drain at this moment: one load, for a worker that spins. Thread: any. */
bool wf_inbox_empty(const wf_inbox *inbox);

/* Asks for a wake at the next message. True: block now, and call wf_inbox_awake afterwards.
 * False: there is something to drain; nothing was asked for. Thread: owner. */
WEFT_MUST bool wf_inbox_may_sleep(wf_inbox *inbox);

/* Harmless when it was not asleep. Thread: owner. */
void wf_inbox_awake(wf_inbox *inbox);

/* From here on each post fails; what was accepted is still to be drained. Thread: owner. */
void wf_inbox_seal(wf_inbox *inbox);

/* Whether everything that was accepted is delivered, and, after the seal, for good. A post that was
 * accepted may be a few instructions away from being visible, so that an empty drain alone proves
 * nothing; the owner goes on draining (and may sleep) until this is true. Thread: owner. */
bool wf_inbox_settled(const wf_inbox *inbox);

WEFT_END
#endif
