/* A topic, and where its members are.
 *
 *   the directory   finds a topic by run and name, under a lock for each part of it; the lock also
 *                   guards `refs` of its topics
 *   a seat          one worker's part of a topic: the members there, touched by that worker alone,
 *                   and counters that others look at
 *
 * A reference is held by each member and by each message on its way to another worker. A publish
 * delivers to the members of its own seat, and sends one message to each other worker whose seat
 * has members. That the count of a seat rises before the subscribing call returns, and that
 * messages from one worker to another keep their order, is what makes the promise of weft/topic.h.
 */
#ifndef WF_TOPIC_TOPIC_H
#define WF_TOPIC_TOPIC_H

#include <stdatomic.h>
#include <weft/topic.h>

#include "net/websocket/session.h"

enum {
	WF_TOPIC_QUEUE = 64,
	WF_TOPIC_PARTS = 64, /* of the directory; a power of two */
	WF_TOPIC_BUCKETS = 16,
};

typedef struct wf_topic wf_topic;
typedef struct wf_member wf_member;

/* Takes a message, never suspends. False: something was dropped. */
typedef bool wf_member_fn(wf_member *member, const weft_message *m);

struct wf_member {
	wf_topic *topic;
	wf_list of_seat;
	wf_member_fn *take;
};

typedef struct wf_topic_seat {
	/* The worker's own. */
	_Alignas(WF_CACHE_LINE) wf_list members;
	/* Written by the worker alone, but read by others. */
	_Atomic(unsigned) member_count;
	_Atomic(uint64_t) published, delivered, dropped;
	/* Messages on their way to it: raised by senders, lowered by the worker. */
	_Atomic(unsigned) on_the_way;
} wf_topic_seat;

struct wf_topic {
	wf_topic *next; /* in its bucket */
	const void *run;
	uint64_t hash;
	unsigned refs;
	int seat_count;
	const char *name; /* behind the seats */
	wf_topic_seat seats[];
};

/* directory.c */

/* A topic may be called so, and be used here. `*size`: of the name. Errors: EINVAL, ENORUN. */
int wf_topic_check_name(const char *name, size_t *size);
/* One reference to the topic, made if need be. Errors: EINVAL, ENOMEM, ENORUN. Thread: worker. */
int wf_topic_take(const char *name, wf_topic **out);
/* The same if there is one, else NULL: no error. Errors: EINVAL, ENORUN. Thread: worker. */
int wf_topic_find(const char *name, wf_topic **out);
/* `n` more references. Thread: any, with one. */
void wf_topic_take_more(wf_topic *topic, unsigned n);
/* Gives one back. Thread: any. */
void wf_topic_give(wf_topic *topic);
/* How many topics all runs have. Thread: any. */
unsigned wf_topic_count(void);

/* topic.c */

/* It gets what is published from now on. Takes over the reference to the topic. Thread: worker. */
void wf_member_join(wf_member *member, wf_topic *topic, wf_member_fn *take);
/* From now on not. Harmless when it was done. Thread: the same. */
void wf_member_leave(wf_member *member);

static inline wf_topic_seat *wf_topic_seat_here(wf_topic *topic)
{
	return &topic->seats[wf_worker_here()->id - 1];
}

#endif
