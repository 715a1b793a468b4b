/* Inside a channel, for its calls and for select. */
#ifndef WF_RUNTIME_CHANNEL_H
#define WF_RUNTIME_CHANNEL_H

#include <weft/channel.h>

#include "executor/platform.h"
#include "runtime/waitlist.h"
#include "runtime/worker.h"

typedef struct wf_channel wf_channel;

enum { WF_SENDER_MAGIC = 0x73656e64, WF_RECEIVER_MAGIC = 0x72656376 };

/* One end: what a weft_sender or a weft_receiver is. */
typedef struct wf_end {
	uint32_t magic;
	bool cloned; /* has memory of its own; the first two ends lie in the channel */
	wf_channel *channel;
} wf_end;

struct weft_sender {
	wf_end end;
};

struct weft_receiver {
	wf_end end;
};

/* A task that waits at an end. `waiting.result` is what its call returns, should it be served. */
typedef struct wf_channel_wait {
	wf_waiting waiting;
	wf_channel *channel;
	const wf_end *end; /* to be compared only: it may be closed meanwhile */
	union {
		const void *from; /* a sender's item */
		void *to;         /* where a receiver wants one */
	} item;
} wf_channel_wait;

/* One side of the channel. */
typedef struct wf_side {
	wf_waitlist waiting; /* wf_channel_wait */
	unsigned open;       /* ends that are not closed */
} wf_side;

/* With `shared` all that changes is guarded by `lock`, which nobody holds while suspended; without
 * it is the home worker's.
 *
 * While a receiver waits that can still be won, the channel is empty and no such sender waits.
 * While such a sender waits, the channel is full. */
struct wf_channel {
	wf_side senders, receivers;
	size_t item_size, capacity;
	size_t first; /* index of the oldest item */
	size_t count;
	wf_worker *home; /* NULL: shared */
	bool shared;
	wf_spin lock;
	size_t users; /* open ends, and calls that wait or are served: the last one frees */
	void (*drop)(void *item);
	weft_sender sender;
	weft_receiver receiver;
	_Alignas(max_align_t) unsigned char items[];
};

/* The door of each call. */
static inline wf_channel *wf_channel_of(const wf_end *end, uint32_t magic)
{
	wf_assert(end != NULL && end->magic == magic);
	wf_channel *channel = end->channel;
	wf_assert(channel->shared || channel->home == wf_worker_here());
	return channel;
}

/* The same, where an item of `size` bytes comes with it. */
static inline wf_channel *wf_channel_for(const wf_end *end, uint32_t magic, size_t size)
{
	wf_channel *channel = wf_channel_of(end, magic);
	wf_assert(channel->item_size == size);
	return channel;
}

/* One attempt. EAGAIN: would have to wait. Else what the call returns. */
int wf_channel_try_put(wf_channel *channel, const void *item);
int wf_channel_try_take(wf_channel *channel, void *item);

/* Leaves `wait` at its side, whose task has opened its wait. With other workers about, an item may
 * have come since the last attempt; then this attempts it itself:
 *   0            left there
 *   1            not left there, and the wait is closed: `waiting.result` is the call's
 *   EAGAIN       not left there, and the wait is closed: begin again
 * Each 0 must be followed by an unwatch. */
int wf_channel_watch(wf_channel *channel, wf_side *side, wf_channel_wait *wait);
/* When this returns nobody touches `wait` any more. May free the channel. */
void wf_channel_unwatch(wf_channel *channel, wf_side *side, wf_channel_wait *wait);

#endif
