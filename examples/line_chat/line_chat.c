/* A chat over TCP for netcat and telnet.
 *
 *   line_chat [--listen ADDRESS] [--style handlers|tasks]
 *
 * Asks for a name, refuses a taken one, tells who comes and goes, and hands lines on. An interrupt
 * says goodbye to all. */
#include <stdio.h>
#include <string.h>
#include <weft/run.h>

#include "style.h"

struct options {
	const char *listen;
	bool handlers;
};

static int chat(void *arg)
{
	const struct options *options = arg;
	struct room room = { 0 };
	weft_listener *l;
	int rc = weft_listener_open(options->listen, &l);
	if (rc != 0) return rc;
	printf("listening on %s\n", weft_listener_address(l));
	fflush(stdout);

	weft_group *members = weft_group_open(.name = "members");
	rc = options->handlers ? serve_with_handlers(l, members, &room)
						   : serve_with_tasks(l, members, &room);
	weft_listener_close(l);
	return weft_group_join(members, rc);
}

static bool read_options(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc) return false;
		if (strcmp(argv[i], "--listen") == 0)
			options->listen = argv[i + 1];
		else if (strcmp(argv[i], "--style") != 0)
			return false;
		else if (strcmp(argv[i + 1], "handlers") == 0)
			options->handlers = true;
		else if (strcmp(argv[i + 1], "tasks") != 0)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options options = { .listen = "127.0.0.1:7000" };
	if (!read_options(argc, argv, &options)) {
		fprintf(stderr, "usage: %s [--listen ADDRESS] [--style handlers|tasks]\n", argv[0]);
		return 1;
	}
	/* The room is on one worker, and so are all who are in it. */
	return weft_main(chat, &options, .workers = 1);
}
