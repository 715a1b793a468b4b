/* Rooms hang in a fixed table of chains; the members of a room are an array that doubles. A room
 * with thousands of members is searched from end to end by every join, which costs microseconds. */
#include "members.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { chains = 256 };

typedef struct room {
	struct room *next;
	int64_t id, v;
	int count, space;
	chat_member *list;
} room;

struct chat_members {
	pthread_mutex_t lock;
	room *chain[chains];
};

chat_members *chat_members_new(void)
{
	chat_members *m = calloc(1, sizeof *m);
	if (m != NULL) pthread_mutex_init(&m->lock, NULL);
	return m;
}

void chat_members_free(chat_members *m)
{
	if (m == NULL) return;
	for (int i = 0; i < chains; i++) {
		for (room *r = m->chain[i], *next; r != NULL; r = next) {
			next = r->next;
			free(r->list);
			free(r);
		}
	}
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* Where the room hangs, or would. */
static room **place_of(chat_members *m, int64_t id)
{
	room **at = &m->chain[(uint64_t)id % chains];
	while (*at != NULL && (*at)->id != id) at = &(*at)->next;
	return at;
}

static chat_member *find(const room *r, int64_t author)
{
	for (int i = 0; r != NULL && i < r->count; i++)
		if (r->list[i].author == author) return &r->list[i];
	return NULL;
}

static bool taken(const room *r, const chat_member *me)
{
	for (int i = 0; i < r->count; i++)
		if (r->list[i].author != me->author && strcasecmp(r->list[i].name, me->name) == 0)
			return true;
	return false;
}

static int make_space(room *r)
{
	if (r->count == CHAT_MEMBERS_MAX) return WEFT_EFULL;
	if (r->count < r->space) return 0;
	int space = r->space ? r->space * 2 : 8;
	chat_member *list = realloc(r->list, (size_t)space * sizeof *list);
	if (list == NULL) return WEFT_ENOMEM;
	r->list = list;
	r->space = space;
	return 0;
}

static void drop_if_empty(room **at)
{
	room *r = *at;
	if (r->count > 0) return;
	*at = r->next;
	free(r->list);
	free(r);
}

/* A new name on the same author is a change of the list, a new connection alone is none. */
static void take_over(room *r, chat_member *old, chat_member *me, chat_change *out)
{
	me->seen = old->seen;
	bool renamed = strcmp(old->name, me->name) != 0;
	if (renamed) r->v++;
	*old = *me;
	*out = (chat_change){ .v = r->v, .count = r->count, .changed = renamed, .replaced = true };
}

static int join(room *r, chat_member *me, chat_change *out)
{
	chat_member *old = find(r, me->author);
	if (taken(r, me)) return WEFT_EEXIST;
	if (old != NULL) {
		take_over(r, old, me, out);
		return 0;
	}
	int rc = make_space(r);
	if (rc) return rc;
	me->seen = 0;
	r->list[r->count++] = *me;
	*out = (chat_change){ .v = ++r->v, .count = r->count, .changed = true };
	return 0;
}

int chat_members_join(chat_members *m, chat_member *me, chat_change *out)
{
	int rc = 0;
	pthread_mutex_lock(&m->lock);
	room **at = place_of(m, me->room);
	if (*at == NULL) {
		*at = calloc(1, sizeof **at);
		if (*at != NULL) (*at)->id = me->room;
	}
	if (*at == NULL) {
		rc = WEFT_ENOMEM;
	} else {
		rc = join(*at, me, out);
		drop_if_empty(at);
	}
	pthread_mutex_unlock(&m->lock);
	return rc;
}

/* The member this connection is, or NULL when another took its place. */
static chat_member *find_mine(const room *r, const chat_member *me)
{
	chat_member *mine = find(r, me->author);
	return mine != NULL && strcmp(mine->ticket, me->ticket) == 0 ? mine : NULL;
}

bool chat_members_leave(chat_members *m, const chat_member *me, chat_change *out)
{
	pthread_mutex_lock(&m->lock);
	room **at = place_of(m, me->room), *r = *at;
	chat_member *mine = find_mine(r, me);
	if (mine != NULL) {
		*mine = r->list[--r->count];
		*out = (chat_change){ .v = ++r->v, .count = r->count, .changed = true };
		drop_if_empty(at);
	}
	pthread_mutex_unlock(&m->lock);
	return mine != NULL;
}

bool chat_members_current(chat_members *m, const chat_member *me)
{
	pthread_mutex_lock(&m->lock);
	bool current = find_mine(*place_of(m, me->room), me) != NULL;
	pthread_mutex_unlock(&m->lock);
	return current;
}

bool chat_members_see(chat_members *m, const chat_member *me, int64_t id)
{
	pthread_mutex_lock(&m->lock);
	chat_member *mine = find_mine(*place_of(m, me->room), me);
	bool newer = mine != NULL && id > mine->seen;
	if (newer) mine->seen = id;
	pthread_mutex_unlock(&m->lock);
	return newer;
}

void chat_members_each(
	chat_members *m, int64_t id, int most, chat_member_fn *fn, void *arg, chat_change *out)
{
	pthread_mutex_lock(&m->lock);
	const room *r = *place_of(m, id);
	for (int i = 0; r != NULL && i < r->count && i < most; i++) fn(arg, &r->list[i]);
	*out = (chat_change){ .v = r ? r->v : 0, .count = r ? r->count : 0 };
	pthread_mutex_unlock(&m->lock);
}

int chat_members_count(chat_members *m, int64_t id)
{
	pthread_mutex_lock(&m->lock);
	const room *r = *place_of(m, id);
	int count = r ? r->count : 0;
	pthread_mutex_unlock(&m->lock);
	return count;
}
