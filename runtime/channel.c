/* An item goes straight from a sender's memory to that of a receiver who is already waiting, else
 * through the ring. A sender who waits has its item in its own memory; whoever takes an item out of
 * a full ring moves the oldest such item in, so that order is kept across both.
 *
 * Who may run beside whom: everybody beside everybody when shared, under the lock, which covers the
 * choice of the partner, the claim of its wait and the copy of the item. The wake is sent after the
 * unlock; until then the partner stands still (waitlist.h). Local channels take no lock and never
 * leave their worker.
 *
 * Why the channel outlives who waits: a call that has left a node counts as a user until it has
 * taken the node back, and the last user frees. Why an end need not: its close takes every node off
 * that names it, and channel.h forbids to close one that another worker is about to call with. */
#include "runtime/channel.h"

#include <string.h>
#include <weft/error.h>

#include "context/alloc.h"

static inline void enter(wf_channel *channel)
{
	if (channel->shared) wf_spin_lock(&channel->lock);
}

static inline void leave(wf_channel *channel)
{
	if (channel->shared) wf_spin_unlock(&channel->lock);
}

static void release_user(wf_channel *channel)
{
	enter(channel);
	size_t left = --channel->users;
	leave(channel);
	if (left == 0) wf_free(channel);
}

/* Items. Small ones are most of them, and a call to memcpy costs as much as the rest. */
static inline void copy(void *to, const void *from, size_t size)
{
	if (size == sizeof(uint64_t))
		memcpy(to, from, sizeof(uint64_t));
	else if (size == sizeof(uint32_t))
		memcpy(to, from, sizeof(uint32_t));
	else
		memcpy(to, from, size);
}

static void *slot(wf_channel *channel, size_t i)
{
	size_t at = channel->first + i;
	if (at >= channel->capacity) at -= channel->capacity;
	return channel->items + at * channel->item_size;
}

static inline wf_channel_wait *claim(wf_side *side)
{
	if (side->waiting.first == NULL) return NULL;
	wf_waiting *node = wf_waitlist_claim(&side->waiting);
	return node ? wf_container_of(node, wf_channel_wait, waiting) : NULL;
}

/* Both are called entered; `*partner` is whom to wake. */
static inline int put(wf_channel *channel, const void *item, wf_channel_wait **partner)
{
	if (wf_unlikely(channel->receivers.open == 0)) return WEFT_ECLOSED;
	wf_channel_wait *receiver = claim(&channel->receivers);
	if (receiver != NULL) {
		copy(receiver->item.to, item, channel->item_size);
		receiver->waiting.result = 1;
		*partner = receiver;
		return 0;
	}
	if (channel->count == channel->capacity) return WEFT_EAGAIN;
	copy(slot(channel, channel->count), item, channel->item_size);
	channel->count++;
	return 0;
}

static inline int take(wf_channel *channel, void *item, wf_channel_wait **partner)
{
	bool stored = channel->count > 0;
	if (stored) {
		copy(item, slot(channel, 0), channel->item_size);
		channel->count--;
		if (++channel->first == channel->capacity) channel->first = 0;
	}
	wf_channel_wait *sender = claim(&channel->senders);
	if (sender == NULL) return stored ? 1 : channel->senders.open ? WEFT_EAGAIN : 0;
	if (stored)
		copy(slot(channel, channel->count++), sender->item.from, channel->item_size);
	else
		copy(item, sender->item.from, channel->item_size);
	sender->waiting.result = 0;
	*partner = sender;
	return 1;
}

static inline void wake_partner(wf_channel_wait *partner, bool shared)
{
	if (partner != NULL) wf_waiting_wake(&partner->waiting, shared);
}

int wf_channel_try_put(wf_channel *channel, const void *item)
{
	wf_channel_wait *partner = NULL;
	bool shared = channel->shared;
	enter(channel);
	int rc = put(channel, item, &partner);
	leave(channel);
	wake_partner(partner, shared);
	return rc;
}

int wf_channel_try_take(wf_channel *channel, void *item)
{
	wf_channel_wait *partner = NULL;
	enter(channel);
	int rc = take(channel, item, &partner);
	leave(channel);
	wake_partner(partner, channel->shared);
	return rc;
}

/* Waiting. */

/* Entered. A node of this very task is no partner: one select may wait at both sides. */
static bool has_partner(const wf_channel *channel, const wf_side *side, const weft_task *task)
{
	bool sends = side == &channel->senders;
	const wf_side *other = sends ? &channel->receivers : &channel->senders;
	if (other->open == 0 || (sends ? channel->count < channel->capacity : channel->count > 0))
		return true;
	const wf_waiting *node = other->waiting.first;
	while (node != NULL && node->task == task) node = node->next;
	return node != NULL;
}

static void leave_node(wf_channel *channel, wf_side *side, wf_channel_wait *wait)
{
	wf_waitlist_push(&side->waiting, &wait->waiting);
	channel->users++;
}

/* The own wait is given up before the partner's is won: nobody can serve a task that serves. */
int wf_channel_watch(wf_channel *channel, wf_side *side, wf_channel_wait *wait)
{
	wf_channel_wait *partner = NULL;
	int rc = 0;
	wait->channel = channel;
	enter(channel);
	if (!channel->shared || !has_partner(channel, side, wait->waiting.task)) {
		leave_node(channel, side, wait);
	} else if (wf_wait_close()) {
		rc = side == &channel->senders ? put(channel, wait->item.from, &partner)
									   : take(channel, wait->item.to, &partner);
		wait->waiting.result = rc;
		if (rc != WEFT_EAGAIN) rc = 1;
	} else {
		/* Another case has happened already: nothing can happen to this one. */
		channel->users++;
	}
	leave(channel);
	wake_partner(partner, channel->shared);
	return rc;
}

void wf_channel_unwatch(wf_channel *channel, wf_side *side, wf_channel_wait *wait)
{
	enter(channel);
	wf_waitlist_remove(&side->waiting, &wait->waiting);
	size_t left = --channel->users;
	leave(channel);
	if (left == 0) wf_free(channel);
}

/* Entered; leaves. Waits until somebody serves this call or the scope is cancelled. `wait->item` is
 * set; the rest is not cleared first, which would cost as much as setting it. */
static int wait_served(
	wf_channel *channel, wf_side *side, wf_channel_wait *wait, const wf_end *end, const char *what)
{
	wait->channel = channel;
	wait->end = end;
	wait->waiting.task = wf_task_here();
	wait->waiting.cause = 0;
	wait->waiting.ticket = wf_wait_open(channel->shared ? WF_WAIT_SHARED : 0, what, channel);
	leave_node(channel, side, wait);
	leave(channel);
	int cause = wf_wait_park();
	wf_channel_unwatch(channel, side, wait);
	return cause == WF_CAUSE_CANCEL ? WEFT_ECANCELED : wait->waiting.result;
}

int weft_sender_send_n(weft_sender *tx, const void *item, size_t size)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	wf_channel *channel = wf_channel_for(&tx->end, WF_SENDER_MAGIC, size);
	wf_channel_wait *partner = NULL;
	enter(channel);
	rc = put(channel, item, &partner);
	if (rc == WEFT_EAGAIN) {
		wf_channel_wait wait;
		wait.item.from = item;
		return wait_served(channel, &channel->senders, &wait, &tx->end, "room in a channel");
	}
	leave(channel);
	wake_partner(partner, channel->shared);
	return rc;
}

int weft_receiver_next_n(weft_receiver *rx, void *item, size_t size)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	wf_channel *channel = wf_channel_for(&rx->end, WF_RECEIVER_MAGIC, size);
	wf_channel_wait *partner = NULL;
	enter(channel);
	rc = take(channel, item, &partner);
	if (rc == WEFT_EAGAIN) {
		wf_channel_wait wait;
		wait.item.to = item;
		return wait_served(channel, &channel->receivers, &wait, &rx->end, "an item of a channel");
	}
	leave(channel);
	wake_partner(partner, channel->shared);
	return rc;
}

int weft_sender_try_send_n(weft_sender *tx, const void *item, size_t size)
{
	return wf_channel_try_put(wf_channel_for(&tx->end, WF_SENDER_MAGIC, size), item);
}

int weft_receiver_try_next_n(weft_receiver *rx, void *item, size_t size)
{
	return wf_channel_try_take(wf_channel_for(&rx->end, WF_RECEIVER_MAGIC, size), item);
}

/* Life. */

int weft_channel_open_with(size_t item_size, size_t capacity, weft_sender **tx, weft_receiver **rx,
	const weft_channel_options *options)
{
	wf_worker *here = wf_worker_here();
	size_t bytes;
	if (here == NULL && !options->shared) return WEFT_ENORUN;
	if (item_size == 0 || __builtin_mul_overflow(item_size, capacity, &bytes)) return WEFT_EINVAL;
	if (__builtin_add_overflow(bytes, sizeof(wf_channel), &bytes)) return WEFT_EINVAL;
	wf_channel *channel = wf_alloc(bytes);
	if (channel == NULL) return WEFT_ENOMEM;
	*channel = (wf_channel){ .senders.open = 1,
		.receivers.open = 1,
		.item_size = item_size,
		.capacity = capacity,
		.home = options->shared ? NULL : here,
		.shared = options->shared,
		.users = 2,
		.drop = options->drop };
	channel->sender.end = (wf_end){ .magic = WF_SENDER_MAGIC, .channel = channel };
	channel->receiver.end = (wf_end){ .magic = WF_RECEIVER_MAGIC, .channel = channel };
	*tx = &channel->sender;
	*rx = &channel->receiver;
	return 0;
}

/* NULL without memory. */
static void *clone_end(wf_channel *channel, wf_side *side, uint32_t magic)
{
	wf_end *made = wf_alloc(sizeof *made);
	if (made == NULL) return NULL;
	*made = (wf_end){ .magic = magic, .cloned = true, .channel = channel };
	enter(channel);
	side->open++;
	channel->users++;
	leave(channel);
	return made;
}

int weft_sender_clone(weft_sender *tx, weft_sender **out)
{
	wf_channel *channel = wf_channel_of(&tx->end, WF_SENDER_MAGIC);
	weft_sender *made = clone_end(channel, &channel->senders, WF_SENDER_MAGIC);
	if (made == NULL) return WEFT_ENOMEM;
	*out = made;
	return 0;
}

int weft_receiver_clone(weft_receiver *rx, weft_receiver **out)
{
	wf_channel *channel = wf_channel_of(&rx->end, WF_RECEIVER_MAGIC);
	weft_receiver *made = clone_end(channel, &channel->receivers, WF_RECEIVER_MAGIC);
	if (made == NULL) return WEFT_ENOMEM;
	*out = made;
	return 0;
}

/* Entered. Those who wait with this very end are told that it is closed. */
static void dismiss(wf_side *side, const wf_end *end, wf_woken *woken)
{
	for (wf_waiting *node = side->waiting.first, *next; node != NULL; node = next) {
		next = node->next;
		if (wf_container_of(node, wf_channel_wait, waiting)->end != end) continue;
		wf_waitlist_remove(&side->waiting, node);
		if (wf_wait_claim(node->task, node->ticket, node->cause))
			wf_woken_add(woken, node, WEFT_ECLOSED);
	}
}

/* Closes an end of `side`; when it was the last, all who wait at `other` get `last_result`. True:
 * it was. */
static bool close_end(wf_side *side, wf_side *other, wf_end *end, int last_result)
{
	wf_channel *channel = end->channel;
	wf_woken woken;
	wf_woken_init(&woken);
	enter(channel);
	dismiss(side, end, &woken);
	bool last = --side->open == 0;
	for (wf_waiting *node; last && (node = wf_waitlist_claim(&other->waiting)) != NULL;)
		wf_woken_add(&woken, node, last_result);
	leave(channel);
	wf_woken_wake(&woken, channel->shared);
	end->magic = 0;
	if (end->cloned) wf_free(end);
	return last;
}

void weft_sender_close(weft_sender *tx)
{
	if (tx == NULL) return;
	wf_channel *channel = wf_channel_of(&tx->end, WF_SENDER_MAGIC);
	close_end(&channel->senders, &channel->receivers, &tx->end, 0);
	release_user(channel);
}

/* No lock: senders fail without looking at the ring, and no receiver is left. */
static void drop_items(wf_channel *channel)
{
	while (channel->drop != NULL && channel->count > 0) {
		void *item = slot(channel, 0);
		channel->count--;
		if (++channel->first == channel->capacity) channel->first = 0;
		channel->drop(item);
	}
}

void weft_receiver_close(weft_receiver *rx)
{
	if (rx == NULL) return;
	wf_channel *channel = wf_channel_of(&rx->end, WF_RECEIVER_MAGIC);
	if (close_end(&channel->receivers, &channel->senders, &rx->end, WEFT_ECLOSED))
		drop_items(channel);
	release_user(channel);
}
