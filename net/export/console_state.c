#include "net/export/console_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "context/hex.h"
#include "context/line.h"
#include "executor/pool.h"
#include "executor/pools.h"
#include "runtime/run.h"

enum { NS_PER_US = 1000, NS_PER_MS = 1000000, TRACE_DIGITS = 32 };
enum { PIECE = 1024 }; /* more than any piece that is put at once takes */

/* Text that grows; without memory it stays as it is, and `failed` remembers it. */
typedef struct text {
	char *bytes;
	size_t size, room;
	bool failed;
} text;

static bool make_room(text *t)
{
	if (t->room - t->size >= PIECE) return true;
	size_t room = t->room ? 2 * t->room : 16 * PIECE;
	char *bytes = t->failed ? NULL : wf_realloc(t->bytes, room);
	if (bytes == NULL) {
		t->failed = true;
		return false;
	}
	t->bytes = bytes;
	t->room = room;
	return true;
}

static void put(text *t, const char *format, ...) WEFT_PRINTF(2, 3);

static void put(text *t, const char *format, ...)
{
	if (!make_room(t)) return;
	va_list list;
	va_start(list, format);
	int n = vsnprintf(t->bytes + t->size, PIECE, format, list);
	va_end(list);
	wf_assert(n >= 0 && n < PIECE);
	t->size += (size_t)n;
}

/* ,"name":"value" */
static void put_text(text *t, const char *name, const char *value, size_t size)
{
	put(t, ",\"%s\":\"", name);
	if (!make_room(t)) return;
	wf_line line = { .text = t->bytes + t->size, .limit = PIECE };
	wf_line_put_escaped(&line, value, size, WF_LINE_JSON);
	t->size += line.length;
	put(t, "\"");
}

static void put_string(text *t, const char *name, const char *value)
{
	put_text(t, name, value, strlen(value));
}

/* In a list: the comma before everything but the first. */
static const char *comma(const text *t)
{
	return t->size > 0 && t->bytes[t->size - 1] == '[' ? "" : ",";
}

/* What is known of a worker that does not answer: its tasks, and that it has not come round for
 * as long as it was waited for. */
static void put_silent(text *t, const wf_worker *worker, int64_t patience_ns)
{
	put(t,
		"%s{\"id\":%d,\"tasks\":%u,\"ready\":0,\"inbox\":%u,\"switches\":0,\"loop_lag_us\":%" PRId64
		",\"busy_percent\":100,\"stale\":true}",
		comma(t), worker->id, atomic_load_explicit(&worker->live_tasks, memory_order_relaxed),
		atomic_load_explicit(&worker->posts_waiting, memory_order_relaxed),
		patience_ns / NS_PER_US);
}

static void put_worker(text *t, const wf_worker *worker, const wf_console_sample *s)
{
	put(t,
		"%s{\"id\":%d,\"tasks\":%u,\"ready\":%u,\"inbox\":%u,\"switches\":%" PRIu64
		",\"loop_lag_us\":%" PRId64 ",\"busy_percent\":%.1f}",
		comma(t), worker->id, s->tasks, s->ready, s->inbox, s->switches, s->lag_ns / NS_PER_US,
		s->busy_percent);
}

static void put_pool(weft_pool *pool, void *arg)
{
	text *t = arg;
	weft_pool_counts n;
	weft_pool_stats(pool, &n);
	put(t, "%s{\"threads\":%u", comma(t), wf_pool_size(pool));
	put_string(t, "name", wf_pool_name(pool));
	put(t, ",\"running\":%zu,\"queued\":%zu,\"done\":%" PRIu64 ",\"rejected\":%" PRIu64 "}",
		n.running, n.queued, n.done, n.rejected);
}

static void put_connection(text *t, const wf_console_answer *from, const wf_census_connection *c)
{
	int64_t age_ns = c->age_ns + (from->stale ? wf_now_ns() - from->sample->now_ns : 0);
	put(t, "%s{\"id\":%" PRIu64, comma(t), c->id);
	put_string(t, "peer", c->peer);
	put(t,
		",\"protocol\":\"%s\",\"state\":\"%s\",\"requests\":%" PRIu32
		",\"age_s\":%.3f,\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 "%s}",
		c->protocol, c->state, c->requests, (double)age_ns / 1e9, c->bytes_in, c->bytes_out,
		from->stale ? ",\"stale\":true" : "");
}

/* One of each worker in turn, so that a crowded one does not hide the others. */
static void put_connections(text *t, const wf_console_answer *answers, int n)
{
	unsigned put_so_far = 0;
	for (unsigned i = 0; i < WF_CONSOLE_CONNECTIONS; i++) {
		for (int w = 0; w < n && put_so_far < WF_CONSOLE_CONNECTIONS; w++) {
			const wf_console_sample *s = answers[w].sample;
			if (s == NULL || i >= s->connection_count) continue;
			put_connection(t, &answers[w], &s->connections[i]);
			put_so_far++;
		}
	}
}

static void put_request(text *t, const wf_census_entry *e, int worker, int64_t wall_less_now_ns)
{
	static const uint8_t none[sizeof e->trace_id];
	char trace[TRACE_DIGITS];
	wf_hex_encode(e->trace_id, sizeof e->trace_id, trace);
	bool traced = memcmp(e->trace_id, none, sizeof none) != 0;
	int64_t began_ns = e->ended_ns - e->duration_ns + wall_less_now_ns;
	put(t, "%s{\"time\":%" PRId64 ",\"method\":\"%s\"", comma(t), began_ns / NS_PER_MS,
		wf_http_method_name((wf_http_method)e->method));
	put_text(t, "path", e->path, e->path_size);
	put(t, ",\"status\":%u,\"duration_us\":%" PRId64, e->status, e->duration_ns / NS_PER_US);
	put_text(t, "request_id", e->request_id, strnlen(e->request_id, sizeof e->request_id));
	put_text(t, "trace_id", trace, traced ? sizeof trace : 0);
	put(t, ",\"worker\":%d}", worker);
}

/* Each worker's are in order; `taken[w]` of them are out. The worker that has the newest of the
 * rest; -1: there are none. */
static int newest(const wf_console_answer *answers, const unsigned *taken, int n)
{
	int best = -1;
	int64_t best_ns = 0;
	for (int w = 0; w < n; w++) {
		const wf_console_sample *s = answers[w].sample;
		if (s == NULL || taken[w] == s->request_count) continue;
		int64_t ended_ns = s->requests[taken[w]].ended_ns;
		if (best >= 0 && ended_ns <= best_ns) continue;
		best = w;
		best_ns = ended_ns;
	}
	return best;
}

static void put_requests(text *t, const wf_console_answer *answers, int n)
{
	unsigned taken[WF_WORKERS_MAX] = { 0 };
	int64_t wall_less_now_ns = wf_wall_ns() - wf_now_ns();
	for (int i = 0; i < WF_CONSOLE_REQUESTS; i++) {
		int w = newest(answers, taken, n);
		if (w < 0) break;
		put_request(t, &answers[w].sample->requests[taken[w]++], w + 1, wall_less_now_ns);
	}
}

static void put_totals(text *t, wf_server *server, const wf_console_answer *answers)
{
	uint64_t requests = 0, errors = 0, connections = 0;
	for (int i = 0; i < server->site_count; i++) {
		const wf_console_sample *s = answers[i].sample;
		const wf_site_told *told = &server->sites[i].told;
		bool now = s != NULL && !answers[i].stale;
		requests += now ? s->requests_total : __atomic_load_n(&told->requests, __ATOMIC_RELAXED);
		errors += now ? s->errors_total : __atomic_load_n(&told->errors, __ATOMIC_RELAXED);
		connections += s ? s->connections_total : 0;
	}
	put(t,
		",\"requests_total\":%" PRIu64 ",\"errors_total\":%" PRIu64
		",\"connections_total\":%" PRIu64,
		requests, errors, connections);
}

int wf_console_write(wf_server *server, const wf_console_answer *answers, int64_t patience_ns,
	char **out, size_t *size)
{
	text t = { .bytes = NULL };
	int n = server->site_count;
	const wf_worker *workers = wf_worker_here()->run->workers;
	put(&t, "{\"now\":%" PRId64 ",\"uptime_s\":%.3f,\"pid\":%ld", wf_wall_ns() / NS_PER_MS,
		(double)(wf_now_ns() - server->began_ns) / 1e9, (long)getpid());
	put_string(&t, "program", program_invocation_short_name);
	put_string(&t, "version", WF_VERSION);
	put_totals(&t, server, answers);
	put(&t, ",\"workers\":[");
	for (int i = 0; i < n; i++) {
		if (answers[i].sample != NULL && !answers[i].stale)
			put_worker(&t, &workers[i], answers[i].sample);
		else
			put_silent(&t, &workers[i], patience_ns);
	}
	put(&t, "],\"pools\":[");
	wf_pools_each(put_pool, &t);
	put(&t, "],\"connections\":[");
	put_connections(&t, answers, n);
	put(&t, "],\"requests\":[");
	put_requests(&t, answers, n);
	put(&t, "]}");
	if (t.failed) {
		wf_free(t.bytes);
		return WEFT_ENOMEM;
	}
	*out = t.bytes;
	*size = t.size;
	return 0;
}
