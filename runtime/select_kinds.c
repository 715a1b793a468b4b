/* The things of this layer, as cases of a select. */
#include "runtime/select_kinds.h"

#include <assert.h>
#include <weft/error.h>
#include <weft/run.h>

#include "context/clock.h"
#include "runtime/await.h"
#include "runtime/channel.h"
#include "runtime/event.h"
#include "runtime/worker.h"

enum { NS_PER_MS = 1000000 };

static unsigned no_flags(const weft_case *which)
{
	(void)which;
	return 0;
}

/* A thing that needed no watching has just happened, unless another case came first. */
static int watched(bool left_there)
{
	if (left_there) return WF_WATCHED;
	return wf_wait_close() ? WF_WATCH_DONE : WF_WATCHED;
}

/* Channels. The end may be closed while the task waits with it: afterwards only the node is asked
 * for the channel, which it keeps alive. */

static_assert(sizeof(wf_channel_wait) <= sizeof(uintptr_t[WF_CASE_WORDS]), "a node fits a case");

static wf_channel_wait *channel_wait_of(wf_case_watch *watch)
{
	return (wf_channel_wait *)(void *)watch->space;
}

static wf_channel *channel_of(const weft_case *which, uint32_t magic)
{
	return wf_channel_for(which->object, magic, (size_t)which->number);
}

static int watch_channel(
	wf_case_watch *watch, wf_channel *channel, wf_side *side, wf_channel_wait wait)
{
	wf_channel_wait *node = channel_wait_of(watch);
	*node = wait;
	node->end = watch->which->object;
	node->waiting.task = watch->task;
	node->waiting.ticket = watch->ticket;
	node->waiting.cause = watch->cause;
	int rc = wf_channel_watch(channel, side, node);
	if (rc == 1) *watch->which->got = node->waiting.result;
	return rc == 0 ? WF_WATCHED : rc == 1 ? WF_WATCH_DONE : WF_WATCH_RESTART;
}

static void commit_channel(wf_case_watch *watch)
{
	*watch->which->got = channel_wait_of(watch)->waiting.result;
}

static unsigned next_flags(const weft_case *which)
{
	return channel_of(which, WF_RECEIVER_MAGIC)->shared ? WF_WAIT_SHARED : 0;
}

static bool poll_next(const weft_case *which)
{
	int rc = wf_channel_try_take(channel_of(which, WF_RECEIVER_MAGIC), which->item);
	if (rc == WEFT_EAGAIN) return false;
	*which->got = rc;
	return true;
}

static int watch_next(wf_case_watch *watch)
{
	wf_channel *channel = channel_of(watch->which, WF_RECEIVER_MAGIC);
	wf_channel_wait wait = { .item.to = watch->which->item };
	return watch_channel(watch, channel, &channel->receivers, wait);
}

static void unwatch_next(wf_case_watch *watch)
{
	wf_channel_wait *node = channel_wait_of(watch);
	wf_channel_unwatch(node->channel, &node->channel->receivers, node);
}

static const wf_case_kind case_next = { next_flags, poll_next, watch_next, unwatch_next,
	commit_channel };

weft_case weft_on_next_n(weft_receiver *rx, void *item, size_t size, int *got)
{
	wf_assert(got != NULL);
	return (weft_case){
		.kind = &case_next, .object = rx, .item = item, .got = got, .number = (int64_t)size
	};
}

static unsigned send_flags(const weft_case *which)
{
	return channel_of(which, WF_SENDER_MAGIC)->shared ? WF_WAIT_SHARED : 0;
}

static bool poll_send(const weft_case *which)
{
	int rc = wf_channel_try_put(channel_of(which, WF_SENDER_MAGIC), which->item);
	if (rc == WEFT_EAGAIN) return false;
	*which->got = rc;
	return true;
}

static int watch_send(wf_case_watch *watch)
{
	wf_channel *channel = channel_of(watch->which, WF_SENDER_MAGIC);
	wf_channel_wait wait = { .item.from = watch->which->item };
	return watch_channel(watch, channel, &channel->senders, wait);
}

static void unwatch_send(wf_case_watch *watch)
{
	wf_channel_wait *node = channel_wait_of(watch);
	wf_channel_unwatch(node->channel, &node->channel->senders, node);
}

static const wf_case_kind case_send = { send_flags, poll_send, watch_send, unwatch_send,
	commit_channel };

weft_case weft_on_send_n(weft_sender *tx, const void *item, size_t size, int *got)
{
	wf_assert(got != NULL);
	return (weft_case){ .kind = &case_send,
		.object = tx,
		.item = (void *)(uintptr_t)item,
		.got = got,
		.number = (int64_t)size };
}

/* Events. */

static_assert(sizeof(wf_waiting) <= sizeof(uintptr_t[WF_CASE_WORDS]), "a node fits a case");

static unsigned event_flags(const weft_case *which)
{
	return wf_event_wait_flags(which->object);
}

static bool poll_event(const weft_case *which)
{
	return weft_event_is_set(which->object);
}

static int watch_event(wf_case_watch *watch)
{
	wf_waiting *node = (wf_waiting *)(void *)watch->space;
	*node = (wf_waiting){ .task = watch->task, .ticket = watch->ticket, .cause = watch->cause };
	return watched(wf_event_watch(watch->which->object, node));
}

static void unwatch_event(wf_case_watch *watch)
{
	wf_event_unwatch(watch->which->object, (wf_waiting *)(void *)watch->space);
}

static const wf_case_kind case_event = { event_flags, poll_event, watch_event, unwatch_event,
	NULL };

weft_case weft_on_event(weft_event *event)
{
	return (weft_case){ .kind = &case_event, .object = event };
}

/* Futures. */

static_assert(sizeof(wf_await) <= sizeof(uintptr_t[WF_CASE_WORDS]), "a node fits a case");

static unsigned future_flags(const weft_case *which)
{
	(void)which;
	return WF_WAIT_SHARED;
}

static bool poll_future(const weft_case *which)
{
	return weft_future_is_set(which->object);
}

static int watch_future(wf_case_watch *watch)
{
	wf_await *node = (wf_await *)(void *)watch->space;
	wf_await_init(node, watch->task, watch->ticket, watch->cause);
	return watched(wf_future_watch(watch->which->object, &node->waiter));
}

static void unwatch_future(wf_case_watch *watch)
{
	wf_await *node = (wf_await *)(void *)watch->space;
	wf_future_unwatch(watch->which->object, &node->waiter);
}

static const wf_case_kind case_future = { future_flags, poll_future, watch_future, unwatch_future,
	NULL };

weft_case weft_on_future(weft_future *future)
{
	return (weft_case){ .kind = &case_future, .object = future };
}

/* Time. */

typedef struct bell {
	wf_timer timer;
	weft_task *task;
	wf_ticket ticket;
	int cause;
} bell;
static_assert(sizeof(bell) <= sizeof(uintptr_t[WF_CASE_WORDS]), "a node fits a case");

static void ring(wf_timer *timer)
{
	bell *node = wf_container_of(timer, bell, timer);
	wf_wait_end(node->task, node->ticket, node->cause);
}

/* Nothing to wait for means "if nothing else": that is known when all others were polled. */
static bool poll_ms(const weft_case *which)
{
	(void)which;
	return false;
}

static int watch_ms(wf_case_watch *watch)
{
	bell *node = (bell *)(void *)watch->space;
	int64_t now = wf_now_ns(), ms = watch->which->number;
	*node = (bell){
		.timer.fire = ring, .task = watch->task, .ticket = watch->ticket, .cause = watch->cause
	};
	if (ms <= 0) return watched(false);
	int64_t at = ms > (INT64_MAX - now) / NS_PER_MS ? INT64_MAX - 1 : now + ms * NS_PER_MS;
	return wf_timer_arm(&watch->task->worker->timers, &node->timer, at);
}

static void unwatch_ms(wf_case_watch *watch)
{
	bell *node = (bell *)(void *)watch->space;
	wf_timer_cancel(&watch->task->worker->timers, &node->timer);
}

static const wf_case_kind case_ms = { no_flags, poll_ms, watch_ms, unwatch_ms, NULL };

weft_case weft_on_ms(int64_t ms)
{
	return (weft_case){ .kind = &case_ms, .number = ms };
}

/* Drain. The wait itself cares for it. */

static unsigned drain_flags(const weft_case *which)
{
	(void)which;
	return WF_WAIT_DRAIN;
}

static bool poll_drain(const weft_case *which)
{
	(void)which;
	return weft_draining();
}

static int watch_drain(wf_case_watch *watch)
{
	(void)watch;
	return WF_WATCHED;
}

static void unwatch_drain(wf_case_watch *watch)
{
	(void)watch;
}

const wf_case_kind wf_case_drain = { drain_flags, poll_drain, watch_drain, unwatch_drain, NULL };

weft_case weft_on_drain(void)
{
	return (weft_case){ .kind = &wf_case_drain };
}
