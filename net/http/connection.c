/* Who refers to a connection: its site's list, its timer, its stream's events, the slow list
 * through `partial`, and the request whose task is at work on it. Close takes it out of all of them
 * but the last, which must have let go before. The block of a plain connection is freed by its
 * stream when the descriptor is closed; nothing here touches it after that call. */
#include "net/http/connection.h"

#include <string.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "net/http/http1.h"
#include "net/http/request.h"
#include "net/http/site.h"
#include "net/http/upgrade.h"

static int init(wf_connection *c, wf_site *site)
{
	*c = (wf_connection){ .site = site, .timer = { .fire = wf_http1_timer } };
	wf_list_init(&c->link);
	return wf_timer_reserve(&site->worker->timers, &c->timer);
}

wf_plain_connection *wf_connection_new_plain(wf_site *site)
{
	wf_plain_connection *plain = wf_zalloc(sizeof *plain);
	if (plain == NULL) return NULL;
	if (init(&plain->connection, site) == 0) return plain;
	wf_free(plain);
	return NULL;
}

void wf_connection_free_plain(wf_plain_connection *plain)
{
	if (plain == NULL) return;
	wf_connection *c = &plain->connection;
	wf_timer_unreserve(&c->site->worker->timers, &c->timer);
	wf_free(plain);
}

static void begin(wf_connection *c)
{
	c->opened_ns = c->site->worker->now_ns;
	wf_site_add(c->site, c);
	wf_http1_open(c);
}

void wf_connection_open_plain(wf_plain_connection *plain)
{
	wf_connection *c = &plain->connection;
	c->stream = &plain->fd.stream;
	c->io = &plain->fd.io;
	begin(c);
}

int wf_connection_open(wf_site *site, weft_stream *stream)
{
	wf_connection *c = wf_alloc(sizeof *c);
	if (c == NULL) return WEFT_ENOMEM;
	int rc = init(c, site);
	if (rc != 0) {
		wf_free(c);
		return rc;
	}
	c->stream = stream;
	begin(c);
	return 0;
}

void wf_connection_close(wf_connection *c, wf_close_manner manner)
{
	wf_assert(c->state == WF_CONNECTION_GIVEN || c->request == NULL);
	wf_timers *timers = &c->site->worker->timers;
	weft_stream *stream = c->stream;
	bool plain = c->io != NULL;
	wf_connection_forget(c);
	wf_timer_cancel(timers, &c->timer);
	wf_timer_unreserve(timers, &c->timer);
	wf_site_remove(c->site, c);
	if (!plain) wf_free(c);
	if (manner == WF_CLOSE_ABORT) {
		weft_stream_abort(stream);
		return;
	}
	if (manner == WF_CLOSE_ENDED) wf_stream_expect_nothing(stream);
	weft_stream_close(stream);
}

void wf_connection_deadline(wf_connection *c, int64_t deadline_ns)
{
	/* Its place in the heap is reserved. */
	(void)!wf_timer_arm(&c->site->worker->timers, &c->timer, deadline_ns);
}

void wf_connection_rest(wf_connection *c, wf_connection_state state)
{
	c->state = (uint8_t)state;
	/* A head has its time from its first byte, however often more of it comes. */
	wf_connection_deadline(c, state == WF_CONNECTION_READING
								  ? c->partial->deadline_ns
								  : c->site->worker->now_ns + c->site->server->settings.idle_ns);
	if (wf_unlikely(c->site->nap != NULL)) wf_site_rested(c->site);
	wf_http1_listen(c);
}

/* What has come of a head. */

static size_t partial_size(uint32_t room, uint32_t field_count)
{
	return sizeof(wf_partial) + room + field_count * sizeof(wf_http_field);
}

/* The bytes' room doubles, so that a slow head is copied a few times only. */
static wf_partial *make_room(wf_connection *c, uint32_t size)
{
	wf_partial *partial = c->partial;
	uint32_t fields = c->site->server->settings.limits.fields;
	if (partial != NULL && partial->room >= size) return partial;
	uint32_t room = 512;
	while (room < size) room *= 2;
	partial = wf_alloc(partial_size(room, fields));
	if (partial == NULL) return NULL;
	partial->connection = c;
	partial->room = room;
	partial->fields = (wf_http_field *)(void *)(partial->bytes + room);
	wf_list_init(&partial->slow);
	if (c->partial == NULL) {
		partial->deadline_ns = wf_now_ns() + c->site->server->settings.header_ns;
		wf_list_push_back(&c->site->slow, &partial->slow);
	} else {
		partial->deadline_ns = c->partial->deadline_ns;
		wf_list_insert_(&partial->slow, c->partial->slow.prev, &c->partial->slow);
		wf_connection_forget(c);
	}
	c->partial = partial;
	return partial;
}

/* With the field at hand, whose name may have been found already. */
static size_t fields_size(const wf_http_head *head)
{
	uint32_t count = head->field_count + 1;
	return (count < head->limits.fields ? count : head->limits.fields) * sizeof(wf_http_field);
}

int wf_connection_keep(wf_connection *c, const weft_request *rq)
{
	uint32_t size = rq->end - rq->begin;
	wf_partial *partial = make_room(c, size);
	if (partial == NULL) return WEFT_ENOMEM;
	memcpy(partial->bytes, rq->input + rq->begin, size);
	partial->size = size;
	partial->head = rq->head;
	memcpy(partial->fields, rq->fields, fields_size(&rq->head));
	return 0;
}

void wf_connection_restore(wf_connection *c, weft_request *rq)
{
	const wf_partial *partial = c->partial;
	memcpy(rq->input, partial->bytes, partial->size);
	memcpy(rq->fields, partial->fields, fields_size(&partial->head));
	rq->begin = 0;
	rq->end = partial->size;
	rq->head = partial->head;
	rq->head.fields = rq->fields;
}

void wf_connection_forget(wf_connection *c)
{
	wf_partial *partial = c->partial;
	if (partial == NULL) return;
	c->partial = NULL;
	wf_list_remove(&partial->slow);
	wf_free(partial);
}

const char *wf_connection_state_name(const wf_connection *c)
{
	switch ((wf_connection_state)c->state) {
	case WF_CONNECTION_FRESH:
	case WF_CONNECTION_IDLE:
		return "idle";
	case WF_CONNECTION_READING:
		return "reading";
	case WF_CONNECTION_HANDLING:
		return c->request->waiting == WF_CLIENT_WRITE ? "writing" : "handling";
	case WF_CONNECTION_GIVEN:
		return "open";
	}
	return "";
}

const char *wf_connection_protocol(const wf_connection *c)
{
	return c->state == WF_CONNECTION_GIVEN ? c->given_ops->protocol : "http/1.1";
}
