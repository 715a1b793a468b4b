#include "room.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* To all but `from`, who may be NULL. Telling one may throw out that one, later, but never changes
 * the list at once. */
__attribute__((format(printf, 3, 4))) static void tell_others(
	struct room *room, const struct member *from, const char *format, ...)
{
	char text[NAME_MAX_LENGTH + LINE_MAX_LENGTH + 32];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	for (struct member *m = room->first; m != NULL; m = m->next) {
		if (m != from) m->tell(m, text);
	}
}

static bool is_good_name(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t length = strlen(name);
	return length > 0 && length <= NAME_MAX_LENGTH && strspn(name, good) == length;
}

static bool is_taken(const struct room *room, const char *name)
{
	for (const struct member *m = room->first; m != NULL; m = m->next) {
		if (strcmp(m->name, name) == 0) return true;
	}
	return false;
}

static void tell_who_is_here(const struct room *room, struct member *member)
{
	char text[LINE_MAX_LENGTH] = "* nobody else is here\n";
	size_t used = 0;
	for (const struct member *m = room->first; m != NULL; m = m->next) {
		int n =
			snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "* here: ", m->name);
		if (used + (size_t)n + 8 > sizeof text) {
			n = snprintf(text + used, sizeof text - used, ", ...");
			used += (size_t)n;
			break;
		}
		used += (size_t)n;
	}
	if (used > 0) snprintf(text + used, sizeof text - used, "\n");
	member->tell(member, text);
}

static void enter(struct room *room, struct member *member, const char *name)
{
	tell_who_is_here(room, member);
	snprintf(member->name, sizeof member->name, "%s", name);
	member->next = room->first;
	member->here = &room->first;
	if (member->next != NULL) member->next->here = &member->next;
	room->first = member;
	tell_others(room, member, "* %s has joined\n", member->name);
}

void room_greet(struct member *member)
{
	member->tell(member, "Your name? ");
}

void room_line(struct room *room, struct member *member, char *line)
{
	line[strcspn(line, "\r")] = 0;
	if (member->name[0] != 0) {
		tell_others(room, member, "<%s> %s\n", member->name, line);
		return;
	}
	if (!is_good_name(line)) {
		member->tell(member, "A name is 1 to 20 letters, digits, - or _.\nYour name? ");
	} else if (is_taken(room, line)) {
		member->tell(member, "That name is taken.\nYour name? ");
	} else {
		enter(room, member, line);
	}
}

void room_leave(struct room *room, struct member *member)
{
	if (member->name[0] == 0) return;
	*member->here = member->next;
	if (member->next != NULL) member->next->here = member->here;
	tell_others(room, NULL, "* %s has left\n", member->name);
	member->name[0] = 0;
}

void room_goodbye(struct member *member)
{
	member->tell(member, "* the chat closes\n");
}
