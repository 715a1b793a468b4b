/* Who subscribes: a WebSocket, whose queue is its output; and a task, with a queue of its own. */
#include <string.h>

#include "context/alloc.h"
#include "net/topic/topic.h"

static int settle_options(const weft_subscribe_options *options, unsigned *limit)
{
	if (options->queue < 0 || options->queue > WEFT_TOPIC_QUEUE_MAX) return WEFT_EINVAL;
	if ((unsigned)options->when_full > WEFT_DISCONNECT) return WEFT_EINVAL;
	*limit = options->queue ? (unsigned)options->queue : WF_TOPIC_QUEUE;
	return 0;
}

/* A WebSocket. */

typedef struct socket_member {
	wf_member member;
	wf_feed feed;
} socket_member;

static bool take_for_socket(wf_member *member, const weft_message *m)
{
	return wf_feed_put(&wf_container_of(member, socket_member, member)->feed, m);
}

static void socket_over(wf_feed *feed)
{
	socket_member *s = wf_container_of(feed, socket_member, feed);
	wf_member_leave(&s->member);
	wf_free(s);
}

static socket_member *find_in(weft_websocket *ws, const char *topic, unsigned *count)
{
	*count = 0;
	wf_list_for_each(node, &ws->feeds)
	{
		socket_member *s = wf_list_entry(node, socket_member, feed.of_session);
		++*count;
		if (strcmp(s->member.topic->name, topic) == 0) return s;
	}
	return NULL;
}

int weft_websocket_subscribe_with(
	weft_websocket *ws, const char *name, const weft_subscribe_options *options)
{
	unsigned limit, count;
	wf_topic *topic;
	wf_assert(ws->magic == WF_WEBSOCKET_MAGIC && ws->worker == wf_worker_here());
	int rc = settle_options(options, &limit);
	if (rc != 0) return rc;
	if (ws->over) return WEFT_ECLOSED;
	if (find_in(ws, name, &count) != NULL) return WEFT_EEXIST;
	if (count >= WEFT_TOPICS_PER_SOCKET) return WEFT_EFULL;
	socket_member *s = wf_alloc(sizeof *s);
	if (s == NULL) return WEFT_ENOMEM;
	rc = wf_topic_take(name, &topic);
	if (rc != 0) {
		wf_free(s);
		return rc;
	}
	wf_feed_init(&s->feed, ws, limit, (int)options->when_full);
	s->feed.over = socket_over;
	wf_member_join(&s->member, topic, take_for_socket);
	return 0;
}

void weft_websocket_unsubscribe(weft_websocket *ws, const char *topic)
{
	unsigned count;
	wf_assert(ws->magic == WF_WEBSOCKET_MAGIC && ws->worker == wf_worker_here());
	socket_member *s = find_in(ws, topic, &count);
	if (s == NULL) return;
	wf_feed_fini(&s->feed);
	socket_over(&s->feed);
}

/* A task. */

/* A message that waits. */
typedef struct item {
	wf_list link;
	weft_message *message;
} item;

struct weft_subscription {
	wf_member member;
	wf_worker *worker;
	wf_list queue; /* item, oldest first */
	unsigned count, limit;
	int when_full;
	uint64_t dropped;
	bool too_slow;
	weft_message *current; /* what next has shown */
	weft_task *reader;
	wf_ticket ticket;
};

static void wake(weft_subscription *s)
{
	if (s->reader == NULL) return;
	wf_wait_end(s->reader, s->ticket, 0);
}

static weft_message *pop(weft_subscription *s)
{
	wf_list *node = wf_list_pop_front(&s->queue);
	if (node == NULL) return NULL;
	item *first = wf_list_entry(node, item, link);
	weft_message *m = first->message;
	wf_free(first);
	s->count--;
	return m;
}

static void drop_oldest(weft_subscription *s)
{
	weft_message_unref(pop(s));
}

/* It is no member any more; its reader learns of it when it asks. */
static void disconnect(weft_subscription *s)
{
	for (; s->count > 0; s->dropped++) drop_oldest(s);
	s->too_slow = true;
	wf_member_leave(&s->member);
	wake(s);
}

static bool take_for_task(wf_member *member, const weft_message *m)
{
	weft_subscription *s = wf_container_of(member, weft_subscription, member);
	bool room = s->count < s->limit;
	if (!room && s->when_full == WEFT_DROP_OLDEST) drop_oldest(s);
	item *new = room || s->when_full == WEFT_DROP_OLDEST ? wf_alloc(sizeof *new) : NULL;
	if (!room || new == NULL) s->dropped++;
	if (new == NULL) {
		if (s->when_full == WEFT_DISCONNECT) disconnect(s);
		return false;
	}
	new->message = weft_message_ref(m);
	wf_list_push_back(&s->queue, &new->link);
	s->count++;
	wake(s);
	return room;
}

int weft_subscription_open_with(
	const char *name, const weft_subscribe_options *options, weft_subscription **out)
{
	unsigned limit;
	wf_topic *topic;
	int rc = settle_options(options, &limit);
	if (rc != 0) return rc;
	weft_subscription *s = wf_zalloc(sizeof *s);
	if (s == NULL) return WEFT_ENOMEM;
	rc = wf_topic_take(name, &topic);
	if (rc != 0) {
		wf_free(s);
		return rc;
	}
	s->worker = wf_worker_here();
	s->limit = limit;
	s->when_full = (int)options->when_full;
	wf_list_init(&s->queue);
	wf_member_join(&s->member, topic, take_for_task);
	*out = s;
	return 0;
}

static int wait_for_message(weft_subscription *s)
{
	s->reader = wf_task_here();
	s->ticket = wf_wait_open(WF_WAIT_DRAIN, "a topic", s);
	int cause = wf_wait_park();
	s->reader = NULL;
	return cause;
}

int weft_subscription_next(weft_subscription *s, const weft_message **out)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	wf_assert(s->worker == wf_worker_here());
	if (s->reader != NULL) return WEFT_EBUSY;
	weft_message_unref(s->current);
	s->current = NULL;
	int cause = WF_CAUSE_NONE;
	while (s->count == 0 && !s->too_slow) {
		if (cause == WF_CAUSE_CANCEL) return WEFT_ECANCELED;
		if (cause == WF_CAUSE_DRAIN) return 0;
		cause = wait_for_message(s);
	}
	if (s->count == 0) return WEFT_EFULL;
	*out = s->current = pop(s);
	return 1;
}

uint64_t weft_subscription_dropped(const weft_subscription *s)
{
	return s->dropped;
}

void weft_subscription_close(weft_subscription *s)
{
	if (s == NULL) return;
	wf_assert(s->worker == wf_worker_here() && s->reader == NULL);
	wf_member_leave(&s->member);
	while (s->count > 0) drop_oldest(s);
	weft_message_unref(s->current);
	wf_free(s);
}
