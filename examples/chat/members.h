/* Who is in which room of this instance: a small table for all workers.
 *
 * One short lock guards it; it is never held while anything waits. Rooms are told apart by the
 * number the store gave them and vanish with their last member. `v` counts the changes of a room's
 * list, so that a client that missed one notices (docs/chat.md). */
#ifndef CHAT_MEMBERS_H
#define CHAT_MEMBERS_H

#include "ask.h"

WEFT_BEGIN

typedef struct chat_members chat_members;

enum { CHAT_MEMBERS_MAX = 10000, CHAT_TICKET_SIZE = 17 };

/* `ticket` names one connection: the author's newest one is the member. */
typedef struct chat_member {
	int64_t room, author, seen;
	char name[CHAT_NAME_MAX + 1];
	char ticket[CHAT_TICKET_SIZE];
} chat_member;

/* `v` and `count` of the room's list after a change. */
typedef struct chat_change {
	int64_t v;
	int count;
	bool changed;  /* the list did: not when only the connection is another one */
	bool replaced; /* another connection of the same author was the member until now */
} chat_change;

/* NULL when memory ran out. */
chat_members *chat_members_new(void);
/* Accepts NULL. */
void chat_members_free(chat_members *members);

/* Adds a member, or puts this connection in the place of the author's older one: `seen` and the
 * list stay then. me->seen is set. Errors: EEXIST another author has that name here; EFULL the
 * room has CHAT_MEMBERS_MAX; ENOMEM. Thread: any. */
WEFT_MUST int chat_members_join(chat_members *members, chat_member *me, chat_change *out);
/* True, and *out, when this connection was the member: it is not any more. Thread: any. */
bool chat_members_leave(chat_members *members, const chat_member *me, chat_change *out);
/* Is this connection the member still? Thread: any. */
bool chat_members_current(chat_members *members, const chat_member *me);
/* True when `id` is beyond what was noted before, and so worth telling. Thread: any. */
bool chat_members_see(chat_members *members, const chat_member *me, int64_t id);
/* Calls fn for at most `most` members, under the lock: it must be short. Thread: any. */
typedef void chat_member_fn(void *arg, const chat_member *member);
void chat_members_each(
	chat_members *members, int64_t room, int most, chat_member_fn *fn, void *arg, chat_change *out);
/* How many are in the room. Thread: any. */
int chat_members_count(chat_members *members, int64_t room);

WEFT_END
#endif
