/* A chat room, straight line: one task for each who is in.
 *
 *     chat_line [ADDRESS]        then ws://ADDRESS/chat/{room} */
#include <stdio.h>

#include <weft/weft.h>

static int chat(weft_websocket *ws)
{
	const char *room = weft_websocket_param(ws, "room");
	const weft_message *m;

	int rc = weft_websocket_subscribe(ws, room, .queue = 64, .when_full = WEFT_DROP_OLDEST);
	if (rc) return rc;
	weft_topic_print(room, "someone came in");
	while ((rc = weft_websocket_next(ws, &m)) > 0) weft_topic_publish(room, m);
	weft_topic_print(room, "someone left");
	return rc;
}

static const weft_route routes[] = { WEFT_WEBSOCKET("/chat/{room}", chat, .max_message = 4096) };

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
