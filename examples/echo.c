/* TCP echo: sends back what it gets, to any number of clients, on every core, until interrupted.
 *
 *   echo [--listen ADDRESS]        echo --listen [::]:7000
 *
 * The interrupt is an ordinary event that the main task waits for. Then clients get a second to
 * finish what they are at. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <weft/group.h>
#include <weft/listener.h>
#include <weft/run.h>
#include <weft/signal.h>

struct front {
	weft_listener *listener;
	weft_group *group;
};

/* Copies until the client's end, and says ours when all was delivered. */
static int echo(weft_stream *s)
{
	return weft_stream_forward(s, s);
}

static int serve(void *arg)
{
	struct front *front = arg;
	return weft_listener_serve(front->listener, front->group, echo, NULL);
}

static int app(void *arg)
{
	weft_listener *l;
	int rc = weft_listener_open(arg, &l);
	if (rc != 0) return rc;
	printf("listening on %s\n", weft_listener_address(l));
	fflush(stdout);

	struct front front = { l, weft_group_open(.name = "echo") };
	weft_spawn(front.group, serve, &front);
	rc = weft_signal_wait(SIGINT);
	if (rc == 0) {
		printf("interrupted\n");
		weft_group_drain(front.group, 1000);
	}
	rc = weft_group_join(front.group, rc);
	weft_listener_close(l);
	/* A client that stayed longer was hung up on, which is no failure of this program. */
	return rc == WEFT_EDEADLINE ? 0 : rc;
}

int main(int argc, char **argv)
{
	char here[] = "127.0.0.1:7000";
	bool told = argc == 3 && strcmp(argv[1], "--listen") == 0;
	if (argc != 1 && !told) {
		fprintf(stderr, "usage: %s [--listen ADDRESS]\n", argv[0]);
		return 1;
	}
	return weft_main(app, told ? argv[2] : here);
}
