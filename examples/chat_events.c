/* The same room as a set of handlers: who is silent holds no stack.
 *
 *     chat_events [ADDRESS]      then ws://ADDRESS/chat/{room} */
#include <stdio.h>

#include <weft/weft.h>

struct member {
	const char *room;
	int said;
};

static int come_in(weft_websocket *ws)
{
	struct member *me = weft_websocket_alloc(ws, sizeof *me);
	if (me == NULL) return WEFT_ENOMEM;
	*me = (struct member){ .room = weft_websocket_param(ws, "room") };
	weft_websocket_keep(ws, me);
	int rc = weft_websocket_subscribe(ws, me->room, .queue = 64, .when_full = WEFT_DROP_OLDEST);
	return rc ? rc : weft_topic_print(me->room, "someone came in");
}

static int say(weft_websocket *ws, const weft_message *m)
{
	struct member *me = weft_websocket_kept(ws);
	me->said++;
	return weft_topic_publish(me->room, m);
}

static void leave(weft_websocket *ws)
{
	const struct member *me = weft_websocket_kept(ws);
	if (me != NULL) weft_topic_print(me->room, "someone left after %d messages", me->said);
}

static const weft_websocket_events chat = { .open = come_in, .message = say, .closed = leave };

static const weft_route routes[] = { WEFT_WEBSOCKET_EVENTS(
	"/chat/{room}", &chat, .max_message = 4096) };

static void say_where(void *app, const char *address)
{
	(void)app;
	printf("listening on http://%s\n", address);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	return weft_http_main(routes, .listen = argc > 1 ? argv[1] : "[::]:8080", .drain_ms = 5000,
		.listening = say_where);
}
