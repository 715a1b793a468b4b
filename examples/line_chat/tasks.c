/* The chat as tasks: what a client does is written from top to bottom. One task reads its lines,
 * another writes what it is told; between them is a queue with a limit. */
#include <stdlib.h>
#include <string.h>
#include <weft/reader.h>
#include <weft/sync.h>

#include "style.h"

enum { QUEUE_MAX = 256 };

struct client {
	struct member member; /* first: `tell` finds the client by it */
	weft_stream *stream;
	weft_task *reader;
	weft_semaphore filled; /* texts in the queue, and one more for the end */
	char *queue[QUEUE_MAX];
	size_t first, count;
	bool leaving; /* when the queue is empty, that is all */
};

/* A client that takes nothing is thrown out, so that it costs no more than its queue. */
static void tell(struct member *member, const char *text)
{
	struct client *client = (struct client *)(void *)member;
	char *copy = client->count < QUEUE_MAX ? strdup(text) : NULL;
	if (copy == NULL) {
		weft_task_cancel(client->reader);
		return;
	}
	client->queue[(client->first + client->count++) % QUEUE_MAX] = copy;
	weft_semaphore_release(&client->filled);
}

static int write_what_is_told(void *arg)
{
	struct client *client = arg;
	int rc;
	while ((rc = weft_semaphore_acquire(&client->filled)) == 0 && client->count > 0) {
		char *text = client->queue[client->first];
		client->first = (client->first + 1) % QUEUE_MAX;
		client->count--;
		rc = weft_stream_write(client->stream, text, strlen(text));
		free(text);
		if (rc != 0) break;
	}
	if (client->leaving) weft_task_cancel(client->reader);
	return rc;
}

static int leave_when_draining(void *arg)
{
	struct client *client = arg;
	int rc = weft_drain_wait();
	if (rc != 0) return rc;
	room_goodbye(&client->member);
	client->leaving = true;
	weft_semaphore_release(&client->filled);
	return 0;
}

static int read_lines(struct client *client)
{
	weft_reader *r;
	char *line;
	int rc = weft_reader_open(client->stream, LINE_MAX_LENGTH, &r);
	if (rc != 0) return rc;
	room_greet(&client->member);
	while ((rc = weft_reader_next_line(r, &line)) > 0)
		room_line(weft_stream_app(client->stream), &client->member, line);
	weft_reader_close(r);
	return rc;
}

static int chat(weft_stream *s)
{
	struct client client = {
		.member = { .tell = tell }, .stream = s, .reader = weft_task_current()
	};
	weft_group *writer = weft_group_open(.name = "writer");
	weft_spawn(writer, write_what_is_told, &client);
	weft_spawn(writer, leave_when_draining, &client, .service = true);
	int rc = read_lines(&client);
	room_leave(weft_stream_app(s), &client.member);
	weft_semaphore_release(&client.filled);
	rc = weft_group_join(writer, rc);
	while (client.count > 0) free(client.queue[(client.first + --client.count) % QUEUE_MAX]);
	return rc;
}

int serve_with_tasks(weft_listener *l, weft_group *group, struct room *room)
{
	return weft_listener_serve(l, group, chat, room);
}
