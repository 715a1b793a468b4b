/* The smallest service that is one: text, JSON, and a blocking call that blocks nobody.
 *
 *     hello [--listen ADDRESS] [--workers N]
 *
 *     GET /             Hello, World!
 *     GET /json         {"message":"Hello, World!"}
 *     GET /ws           a WebSocket that says what it hears
 *     GET /users/{id}   a lookup that blocks a pool's thread for a millisecond, and no worker */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weft/weft.h>

struct user {
	int64_t id;
	char name[32];
};

static int look_up(void *arg)
{
	struct user *user = arg;
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	snprintf(user->name, sizeof user->name, "user %lld", (long long)user->id);
	return 0;
}

static int get_hello(weft_request *rq)
{
	return weft_reply_text(rq, 200, "Hello, World!");
}

static int get_json(weft_request *rq)
{
	return weft_reply_json(rq, 200, weft_text("message", "Hello, World!"));
}

static int get_user(weft_request *rq)
{
	struct user user = { 0 };
	int rc = weft_request_param_i64(rq, "id", &user.id);
	if (rc == 0) rc = weft_offload(look_up, &user);
	if (rc != 0) return rc;
	return weft_reply_json(rq, 200, weft_i64("id", user.id), weft_text("name", user.name));
}

static int echo(weft_websocket *ws)
{
	const weft_message *m;
	int rc;
	while ((rc = weft_websocket_next(ws, &m)) > 0) {
		rc = weft_websocket_send(ws, m);
		if (rc != 0) break;
	}
	return rc;
}

static const weft_route routes[] = {
	WEFT_GET("/", get_hello),
	WEFT_GET("/json", get_json),
	WEFT_GET("/users/{id}", get_user),
	WEFT_WEBSOCKET("/ws", echo),
};

static void say_where(void *app, const char *address)
{
	(void)app;
	printf("listening on http://%s\n", address);
	fflush(stdout);
}

static int serve(void *listen)
{
	return weft_http_serve(routes, .listen = listen, .listening = say_where);
}

int main(int argc, char **argv)
{
	char everywhere[] = "[::]:8080", *listen = everywhere;
	int workers = 0, i = 1;
	for (; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--listen") == 0)
			listen = argv[i + 1];
		else if (strcmp(argv[i], "--workers") != 0 || (workers = atoi(argv[i + 1])) < 1)
			break;
	}
	if (i < argc) {
		fprintf(stderr, "usage: hello [--listen ADDRESS] [--workers N]\n");
		return 1;
	}
	int rc = weft_run(serve, listen, .workers = workers, .on_stuck = WEFT_STUCK_EXIT);
	if (rc) fprintf(stderr, "hello: cannot serve on %s: %s\n", listen, weft_error_text(rc));
	return rc ? 1 : 0;
}
