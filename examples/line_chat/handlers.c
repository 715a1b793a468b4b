/* The chat as handlers: each event is a call, and what must be remembered from one to the next is
 * in the connection's state. Between events a client costs neither stack nor buffer. */
#include <string.h>
#include <weft/protocol.h>

#include "style.h"

struct client {
	struct member member; /* first: `tell` finds the client by it */
	weft_connection *connection;
	size_t have; /* bytes of a line whose end has not come */
	char line[LINE_MAX_LENGTH];
};

static void tell(struct member *member, const char *text)
{
	struct client *client = (struct client *)(void *)member;
	if (weft_connection_post(client->connection, text, strlen(text)) == WEFT_EFULL)
		weft_connection_abort(client->connection);
}

static int connected(weft_connection *c)
{
	struct client *client = weft_connection_state(c);
	client->connection = c;
	client->member.tell = tell;
	room_greet(&client->member);
	return 0;
}

static int data(weft_connection *c, const char *bytes, size_t size)
{
	struct client *client = weft_connection_state(c);
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != '\n') {
			if (client->have == sizeof client->line - 1) return WEFT_EMSGSIZE;
			client->line[client->have++] = bytes[i];
			continue;
		}
		client->line[client->have] = 0;
		client->have = 0;
		room_line(weft_connection_app(c), &client->member, client->line);
	}
	return 0;
}

static int draining(weft_connection *c)
{
	struct client *client = weft_connection_state(c);
	room_goodbye(&client->member);
	return 0;
}

static void closed(weft_connection *c, int rc)
{
	struct client *client = weft_connection_state(c);
	(void)rc;
	room_leave(weft_connection_app(c), &client->member);
}

int serve_with_handlers(weft_listener *l, weft_group *group, struct room *room)
{
	static const weft_protocol chat = {
		.state = sizeof(struct client),
		.connected = connected,
		.data = data,
		.draining = draining,
		.closed = closed,
	};
	return weft_protocol_serve(l, group, &chat, room);
}
