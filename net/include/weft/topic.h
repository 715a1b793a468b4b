/* Publish to many, on all workers of the run.
 *
 * A topic is a name: made by its first subscriber, gone with its last; there is nothing to open or
 * free. Names are one space for the whole run: give those that come from outside a prefix.
 *
 * Publishing never suspends. Who had subscribed before a publish began, and does not leave before
 * it has ended, gets the message exactly once, everybody else at most once. What one task publishes
 * arrives everywhere in that order. Each subscription has a queue of its own, with a limit and a
 * policy for when it is full (weft_when_full): a slow subscriber costs no more than its queue, and
 * nobody waits for it. */
#ifndef WEFT_TOPIC_H
#define WEFT_TOPIC_H
#include <weft/websocket.h>
WEFT_BEGIN

typedef struct weft_subscription weft_subscription;

enum {
	WEFT_TOPIC_NAME_MAX = 255,     /* bytes of a name */
	WEFT_TOPIC_QUEUE_MAX = 65536,  /* of the longest queue */
	WEFT_TOPIC_ON_THE_WAY = 65536, /* messages of one topic to one other worker */
	WEFT_TOPICS_PER_SOCKET = 1024, /* subscriptions of one WebSocket */
};

typedef struct weft_subscribe_options {
	size_t size;
	WEFT_NAMED_ONLY;
	int queue WEFT_DEFAULT;                /* messages that may wait; 0: 64 */
	weft_when_full when_full WEFT_DEFAULT; /* WEFT_DROP_OLDEST unless told */
} weft_subscribe_options;

/* 0: each subscriber gets it, or has counted that it could not take it. Thread: worker.
 * Errors: EINVAL (an empty name, or one that is too long), ENORUN; and, nobody gets it then,
 * ENOMEM, EFULL (WEFT_TOPIC_ON_THE_WAY). */
WEFT_API int weft_topic_publish(const char *topic, const weft_message *m);
/* The same with a text, made as printf does. Errors: also EILSEQ, EMSGSIZE. */
WEFT_API int weft_topic_print(const char *topic, const char *format, ...) WEFT_PRINTF(2, 3);

typedef struct weft_topic_stats {
	unsigned members;   /* subscriptions there are now */
	uint64_t published; /* since the topic was made */
	uint64_t delivered; /* put into a subscriber's queue, with nothing lost for it */
	uint64_t dropped;   /* by a queue's policy, or for want of memory */
} weft_topic_stats;

/* All zero for a topic without subscribers. Other workers may change it meanwhile. Thread: worker.
 * Errors: EINVAL, ENORUN. */
WEFT_API int weft_topic_get_stats(const char *topic, weft_topic_stats *out);

/* From now on what is published goes out on `ws`, which need not do anything; it ends with the
 * session. Full and WEFT_DISCONNECT: the session is closed with 1008. Thread: the session's worker.
 * Errors: EEXIST (it has subscribed), EFULL (WEFT_TOPICS_PER_SOCKET), ECLOSED, EINVAL, ENOMEM. */
WEFT_API WEFT_MUST int weft_websocket_subscribe_with(
	weft_websocket *ws, const char *topic, const weft_subscribe_options *options);
#define weft_websocket_subscribe(...) WEFT_WEBSOCKET_SUBSCRIBE_(__VA_ARGS__, )
#define WEFT_WEBSOCKET_SUBSCRIBE_(ws, topic, ...)                                                  \
	weft_websocket_subscribe_with(ws, topic, WEFT_OPTIONS(weft_subscribe_options, __VA_ARGS__))

/* Ends it; what waits is dropped. Harmless when there is none. Thread: the session's worker. */
WEFT_API void weft_websocket_unsubscribe(weft_websocket *ws, const char *topic);

/* A subscription that a task reads; it belongs to this worker. Thread: worker. Errors: EINVAL,
 * ENOMEM, ENORUN. */
WEFT_API WEFT_MUST int weft_subscription_open_with(
	const char *topic, const weft_subscribe_options *options, weft_subscription **out);
#define weft_subscription_open(...) WEFT_SUBSCRIPTION_OPEN_(__VA_ARGS__, )
#define WEFT_SUBSCRIPTION_OPEN_(topic, out, ...)                                                   \
	weft_subscription_open_with(topic, WEFT_OPTIONS(weft_subscribe_options, __VA_ARGS__), out)

/* The next message, which is the subscription's until the following call: 1. 0: this task was asked
 * to drain, and nothing waits. One task at a time. Thread: task. Suspends. Errors: ECANCELED,
 * EBUSY; EFULL: it was too slow (WEFT_DISCONNECT) and gets nothing any more. */
WEFT_API WEFT_MUST int weft_subscription_next(weft_subscription *s, const weft_message **out);

/* Messages it has lost so far. Thread: its worker. */
WEFT_API uint64_t weft_subscription_dropped(const weft_subscription *s);

/* Frees; NULL is fine. Nobody may be in next. Thread: its worker. */
WEFT_API void weft_subscription_close(weft_subscription *s);

WEFT_END
#endif
