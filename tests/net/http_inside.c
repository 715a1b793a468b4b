#include "tests/net/http_inside.h"

#include <stdio.h>
#include <string.h>
#include <weft/error.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "net/http/request.h"
#include "net/http/site.h"
#include "net/http/upgrade.h"

int inside_echo(weft_request *rq)
{
	char buffer[100];
	size_t got;
	weft_reply_header(rq, "x-note", "inside");
	int rc = wf_upgrade_switch(rq, "echo");
	if (rc != 0) return rc;
	while ((rc = wf_upgrade_read(rq, buffer, sizeof buffer, &got)) > 0) {
		rc = wf_upgrade_write(rq, buffer, got);
		if (rc != 0) break;
	}
	return rc;
}

/* The owner of a connection that was given away. */
typedef struct echo {
	wf_connection *connection;
} echo;

static void end(echo *e, const char *word)
{
	wf_connection *c = e->connection;
	(void)!wf_io_put(c->io, word, strlen(word));
	wf_free(e);
	wf_connection_close(c, WF_CLOSE_LINGER);
}

static void on_ready(void *arg);

static void listen_again(echo *e)
{
	wf_connection_deadline(e->connection, wf_now_ns() + 20000000);
	if (wf_stream_ready(e->connection->stream, on_ready, e) != 0) end(e, "");
}

static void on_ready(void *arg)
{
	echo *e = arg;
	char buffer[100];
	ssize_t n = wf_io_take(e->connection->io, buffer, sizeof buffer);
	if (n == 0 || (n < 0 && n != -EAGAIN)) {
		end(e, "");
		return;
	}
	for (ssize_t sent = 0; sent < n;) {
		ssize_t step = wf_io_put(e->connection->io, buffer + sent, (size_t)(n - sent));
		if (step > 0) sent += step;
	}
	listen_again(e);
}

static void on_taken(wf_connection *c, void *self, const char *rest, size_t size)
{
	echo *e = self;
	e->connection = c;
	/* Without suspending: the drain could come meanwhile, and end it. */
	if (size > 0 && wf_io_put(c->io, rest, size) != (ssize_t)size) {
		end(e, "");
		return;
	}
	listen_again(e);
}

static void on_timer(wf_connection *c, void *self)
{
	(void)c;
	end(self, "late");
}

static void on_drain(wf_connection *c, void *self, bool cancelled)
{
	(void)c;
	end(self, cancelled ? "cancelled" : "bye");
}

static const wf_given_ops echo_ops = {
	.protocol = "echo", .taken = on_taken, .timer = on_timer, .drain = on_drain
};

int give_echo(weft_request *rq)
{
	int rc = wf_upgrade_switch(rq, "echo");
	if (rc != 0) return rc;
	echo *e = wf_zalloc(sizeof *e);
	if (e == NULL) return WEFT_ENOMEM;
	wf_upgrade_give(rq, &echo_ops, e);
	return 0;
}

size_t census_lines(weft_request *rq, census_line *lines, size_t room)
{
	wf_census_connection list[8];
	const wf_site *site = rq->site;
	size_t n = 0;
	uint32_t connections = wf_census_connections(site, list, 8);
	for (uint32_t i = 0; i < connections && n < room; i++, n++)
		snprintf(lines[n].text, sizeof lines[n].text, "%s %s %u", list[i].protocol, list[i].state,
			list[i].requests);
	for (uint32_t i = 0; n < room; i++, n++) {
		const wf_census_entry *entry = wf_census_at(&site->census, i);
		if (entry == NULL) break;
		snprintf(lines[n].text, sizeof lines[n].text, "%.*s %d %s", entry->path_size, entry->path,
			entry->status, entry->request_id);
	}
	return n;
}
