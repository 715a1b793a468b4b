#include "net/http/site.h"

#include <string.h>
#include <weft/report.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "net/http/http1.h"
#include "net/http/request.h"
#include "net/http/upgrade.h"
#include "net/transport/listener.h"

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000, PAUSE_MS = 100, YOUNG_MS = 100 };

/* What its requests share. */

weft_request *wf_site_take_request(wf_site *site)
{
	weft_request *rq = site->spare_requests;
	if (rq == NULL) rq = wf_request_new(&site->server->settings);
	if (rq == NULL) return NULL;
	if (rq == site->spare_requests) {
		site->spare_requests = rq->next;
		site->spare_request_count--;
	}
	rq->site = site;
	rq->begin = rq->at = rq->end = 0;
	return rq;
}

void wf_site_give_request(wf_site *site, weft_request *rq)
{
	if (site->spare_request_count >= WF_SPARE_REQUESTS) {
		wf_request_free(rq);
		return;
	}
	rq->next = site->spare_requests;
	site->spare_requests = rq;
	site->spare_request_count++;
}

char *wf_site_take_output(wf_site *site)
{
	char *buffer = site->spare_outputs;
	if (buffer == NULL) return wf_alloc(WF_OUTPUT_SIZE);
	memcpy(&site->spare_outputs, buffer, sizeof site->spare_outputs);
	site->spare_output_count--;
	return buffer;
}

void wf_site_give_output(wf_site *site, char *buffer)
{
	if (site->spare_output_count >= WF_SPARE_OUTPUTS) {
		wf_free(buffer);
		return;
	}
	memcpy(buffer, &site->spare_outputs, sizeof site->spare_outputs);
	site->spare_outputs = buffer;
	site->spare_output_count++;
}

static void renew_opening(wf_opening *opening)
{
	int64_t wall = wf_wall_ns(), second = wall / NS_PER_S;
	opening->until_ns = wf_now_ns() + NS_PER_S - wall % NS_PER_S;
	/* Fails only for years that no clock shows. */
	if (wf_http_date_format(second, opening->date) != 0)
		memset(opening->date, ' ', WF_HTTP_DATE_BYTES);
	char *at = opening->text;
	memcpy(at, WF_OPENING, sizeof WF_OPENING - 1);
	at += sizeof WF_OPENING - 1;
	memcpy(at, opening->date, WF_HTTP_DATE_BYTES);
	memcpy(at + WF_HTTP_DATE_BYTES, "\r\n", 2);
}

const wf_opening *wf_site_opening(wf_site *site)
{
	if (wf_unlikely(site->worker->now_ns >= site->opening.until_ns)) renew_opening(&site->opening);
	return &site->opening;
}

/* Its connections. */

void wf_site_add(wf_site *site, wf_connection *c)
{
	c->id = (uint64_t)site->worker->id << 40 | ++site->last_id;
	wf_list_push_back(&site->connections, &c->link);
	site->count++;
	site->counts.accepted++;
}

void wf_site_remove(wf_site *site, wf_connection *c)
{
	if (site->hand == &c->link) site->hand = c->link.next;
	wf_list_remove(&c->link);
	site->count--;
	site->counts.bytes_in += c->stream->received;
	site->counts.bytes_out += c->stream->sent;
	if (site->count == 0 || !site->draining) wf_nap_wake(site->nap);
}

void wf_site_rested(wf_site *site)
{
	if (!site->draining) wf_nap_wake(site->nap);
}

static bool is_resting(const wf_connection *c)
{
	return c->state == WF_CONNECTION_IDLE || c->state == WF_CONNECTION_FRESH;
}

/* Its next request has come, and the loop has not: it rests no more. */
static bool has_asked(const wf_connection *c)
{
	return c->io != NULL && wf_io_has_data(c->io);
}

/* Its first request, or the rest of a head, may well be on its way. */
static bool is_young(const wf_connection *c)
{
	int64_t since = c->opened_ns;
	if (c->state == WF_CONNECTION_READING)
		since = c->partial->deadline_ns - c->site->server->settings.header_ns;
	else if (c->state != WF_CONNECTION_FRESH)
		return false;
	return wf_now_ns() - since < (int64_t)YOUNG_MS * NS_PER_MS;
}

/* The hand goes round and takes the first that rests and was not used since it passed before: about
 * the one that has rested longest, without a list that every request would have to change. `*young`
 * is set when one was spared that will not be a little later. */
static wf_connection *find_resting(wf_site *site, bool *young)
{
	for (unsigned i = 0; i < 2 * site->count + 2; i++) {
		if (site->hand == &site->connections) site->hand = site->hand->next;
		if (site->hand == &site->connections) return NULL;
		wf_connection *c = wf_list_entry(site->hand, wf_connection, link);
		site->hand = site->hand->next;
		if (is_young(c))
			*young = true;
		else if (is_resting(c) && !c->used && !has_asked(c))
			return c;
		c->used = false;
	}
	return NULL;
}

/* The oldest of those that were answered already, and go on sending what nobody wants, will go. */
static void hurry_waste(const wf_site *site)
{
	wf_list_for_each(node, &site->connections)
	{
		const wf_connection *c = wf_list_entry(node, wf_connection, link);
		if (c->state != WF_CONNECTION_HANDLING || !c->request->now.wasting) continue;
		c->request->now.wasting = false;
		wf_request_wait_no_more(c->request);
		return;
	}
}

/* Room for one more: the oldest of those that are slow with their head goes first, then one that
 * rests. False: all are at work, or young; one that only wastes time will make room soon. */
static bool evict(wf_site *site, bool *young)
{
	wf_connection *victim = NULL;
	*young = false;
	if (!wf_list_empty(&site->slow))
		victim = wf_list_first(&site->slow, wf_partial, slow)->connection;
	/* Of a stream that only a task can read from, the rest of a head may be read just now. */
	if (victim != NULL && victim->state != WF_CONNECTION_READING) victim = NULL;
	if (victim != NULL && is_young(victim)) {
		victim = NULL;
		*young = true;
	}
	if (victim == NULL) victim = find_resting(site, young);
	if (victim == NULL) {
		hurry_waste(site);
		return false;
	}
	site->counts.evicted++;
	wf_connection_close(victim, WF_CLOSE_ENDED);
	return true;
}

static void close_resting(wf_site *site)
{
	wf_list_for_each(node, &site->connections)
	{
		wf_connection *c = wf_list_entry(node, wf_connection, link);
		if (c->state == WF_CONNECTION_IDLE) wf_connection_close(c, WF_CLOSE_ENDED);
		/* Its first request may be on its way. */
		else if (c->state == WF_CONNECTION_FRESH)
			wf_connection_deadline(c, wf_now_ns() + (int64_t)WF_FAREWELL_MS * NS_PER_MS);
		else if (c->state == WF_CONNECTION_GIVEN)
			c->given_ops->drain(c, c->given_self, false);
	}
}

static void close_unfinished(wf_site *site)
{
	wf_list_for_each(node, &site->connections)
	{
		wf_connection *c = wf_list_entry(node, wf_connection, link);
		if (is_resting(c) || c->state == WF_CONNECTION_READING)
			wf_connection_close(c, WF_CLOSE_ENDED);
		else if (c->state == WF_CONNECTION_GIVEN)
			c->given_ops->drain(c, c->given_self, true);
	}
}

/* Its task. */

int wf_site_listen(wf_site *site)
{
	site->worker = wf_worker_here();
	return weft_listener_open(site->server->address, &site->listener, .per_worker = true);
}

static int make_room(wf_site *site)
{
	bool young;
	int rc = 0;
	while (rc == 0 && site->count >= site->server->settings.connections && !evict(site, &young)) {
		int ms = young ? YOUNG_MS : WF_NAP_FOREVER;
		rc = wf_nap_ms(&site->nap, ms, WF_WAIT_DRAIN, "a connection to rest");
	}
	return rc;
}

/* 0 one more, ESHUTDOWN drained, or why it cannot go on. */
static int accept_one(wf_site *site)
{
	wf_plain_connection *plain = wf_connection_new_plain(site);
	if (plain == NULL) return wf_nap_ms(&site->nap, PAUSE_MS, WF_WAIT_DRAIN, "memory");
	int rc = wf_listener_next_into(site->listener, &plain->fd);
	if (rc <= 0) {
		wf_connection_free_plain(plain);
		return rc ? rc : WEFT_ESHUTDOWN;
	}
	/* Nobody is sent away before somebody else has come. One that came is served, whatever else. */
	rc = make_room(site);
	wf_connection_open_plain(plain);
	return rc;
}

static void name_stuck(const wf_site *site)
{
	wf_list_for_each(node, &site->connections)
	{
		const wf_connection *c = wf_list_entry(node, wf_connection, link);
		const weft_request *rq = c->state == WF_CONNECTION_HANDLING ? c->request : NULL;
		weft_report("server", "a request ignores its cancel",
			weft_log_text("path", rq ? rq->now.path : NULL),
			weft_log_text("peer", weft_stream_peer(c->stream)),
			weft_log_int("worker", site->worker->id));
	}
}

/* The group that this task is in does not end before its requests have; but only here is it seen
 * which ones do not. */
static void wait_for_last(wf_site *site)
{
	int64_t since = 0;
	while (site->count > 0) {
		int ms = site->cancelled ? WF_STUCK_MS : WF_NAP_FOREVER;
		unsigned flags = site->cancelled ? WF_WAIT_UNCANCELABLE : 0;
		int rc = wf_nap_shielded(&site->nap, ms, flags, "the last connection");
		if (rc == WEFT_ECANCELED && !site->cancelled) {
			site->cancelled = true;
			since = wf_now_ns();
			close_unfinished(site);
		} else if (site->cancelled && wf_now_ns() - since >= (int64_t)WF_STUCK_MS * NS_PER_MS) {
			name_stuck(site);
			since = wf_now_ns();
		}
	}
}

int wf_site_serve(wf_site *site)
{
	int rc;
	wf_list_init(&site->connections);
	wf_list_init(&site->slow);
	site->hand = &site->connections;
	wf_random_init(&site->random);
	do {
		rc = accept_one(site);
	} while (rc == 0);
	site->draining = true;
	weft_listener_close(site->listener);
	site->listener = NULL;
	close_resting(site);
	if (rc != WEFT_ESHUTDOWN) {
		site->cancelled = true;
		close_unfinished(site);
	}
	wait_for_last(site);
	return rc == WEFT_ESHUTDOWN ? 0 : rc;
}

void wf_site_fini(wf_site *site)
{
	if (site->told.last != NULL) site->told.forget(site->told.last);
	while (site->spare_requests != NULL) {
		weft_request *rq = site->spare_requests;
		site->spare_requests = rq->next;
		wf_request_free(rq);
	}
	while (site->spare_outputs != NULL) {
		char *buffer = site->spare_outputs;
		memcpy(&site->spare_outputs, buffer, sizeof site->spare_outputs);
		wf_free(buffer);
	}
}
