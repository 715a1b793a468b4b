/* The room: who is in it, and what they say to one another. It knows nothing of sockets; each style
 * says how a member is told something. All of it is on one worker, so nothing is locked. */
#ifndef ROOM_H
#define ROOM_H

#include <stddef.h>

enum { NAME_MAX_LENGTH = 20, LINE_MAX_LENGTH = 512 };

struct member {
	char name[NAME_MAX_LENGTH + 1]; /* empty until it has one */
	struct member *next, **here;    /* among those in the room */
	/* Has `text` sent, without waiting. A member that takes nothing is thrown out by it. */
	void (*tell)(struct member *member, const char *text);
};

struct room {
	struct member *first;
};

/* What `member` types: first its name, then what it says to the others. */
void room_greet(struct member *member);
void room_line(struct room *room, struct member *member, char *line);
void room_leave(struct room *room, struct member *member);
void room_goodbye(struct member *member);

#endif
