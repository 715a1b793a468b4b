/* A stranger's bytes to a whole server: each input is said four times, over a pair in memory and
 * over sockets, whole and in pieces, which the first byte chooses.
 *
 * What comes back must be the same each time, but for the ids, the date and "100 Continue"; and it
 * must be as many answers as the codecs alone find messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/post.h>
#include <weft/run.h>
#include <weft/sync.h>
#include <weft/tcp.h>

#include "context/clock.h"
#include "net/http/request.h"
#include "net/http/site.h"
#include "net/http/uri.h"
#include "runtime/sleep.h"
#include "tests/fuzz/fuzz_run.h"
#include "tests/net/http_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small, so that short inputs reach them. */
enum { HEAD_BYTES = 512, TARGET_BYTES = 128, FIELDS = 8, BODY_BYTES = 1000, PIECES = 12 };

enum { TRANSCRIPT_MAX = 1 << 20 };

/* What came back. */
typedef struct transcript {
	char *text;
	size_t size, room;
	uint64_t requests; /* counted by the server */
} transcript;

typedef struct visit {
	const char *data;
	size_t size;
	unsigned seed; /* 0: whole */
	bool sockets;
	weft_stream *client;
	transcript heard;
} visit;

static wf_site *site;
/* What is held by it on its stack, which a search for leaks does not see while it is suspended. */
static wf_server held;

/* The server. */

static uint32_t mix(uint32_t sum, const char *text)
{
	while (*text != '\0') sum = (sum ^ (unsigned char)*text++) * 16777619u;
	return sum * 31;
}

/* All that the head says, as a number. */
static uint32_t sum_of(const weft_request *rq)
{
	const char *name, *value, *id = weft_request_query(rq, "id");
	uint32_t sum = mix(2166136261u, weft_request_method(rq));
	size_t at = 0;
	sum = mix(mix(sum, weft_request_path(rq)), weft_request_target(rq));
	sum = mix(mix(sum, weft_request_host(rq)), weft_request_version(rq));
	while (weft_request_header_next(rq, &at, &name, &value)) sum = mix(mix(sum, name), value);
	return id ? mix(sum, id) : sum;
}

static int answer(weft_request *rq)
{
	const char *data = "", *trailer, *host = weft_request_header(rq, "host");
	size_t size = 0;
	if (site == NULL) site = rq->site;
	uint32_t sum = sum_of(rq);
	int rc = 0;
	if (strstr(weft_request_path(rq), "ignore") == NULL) rc = weft_request_body(rq, &data, &size);
	if (rc != 0) return rc;
	/* Reading the body has moved none of it. */
	require(sum == sum_of(rq) && (host == NULL || host == weft_request_header(rq, "host")));
	require(size <= BODY_BYTES);
	trailer = weft_request_trailer(rq, "x");
	rc = weft_reply_begin(rq, 200);
	if (rc == 0) rc = weft_reply_write(rq, data, size);
	if (rc == 0 && trailer != NULL) rc = weft_reply_write(rq, trailer, strlen(trailer));
	char text[16];
	int length = snprintf(text, sizeof text, "%08x", (unsigned)sum);
	return rc ? rc : weft_reply_write(rq, text, (size_t)length);
}

static const weft_route routes[] = {
	{ .method = "UP", .path = "/{rest...}", .handler = inside_echo, .half_close = true },
	{ .path = "/{rest...}", .handler = answer, .half_close = true },
};

/* What the codecs alone find. */

static bool is_wrong_path(const wf_http_head *head, const char *data)
{
	char copy[TARGET_BYTES + 1];
	size_t size = head->path.size;
	if (size == 0 || head->form == WF_FORM_ASTERISK) return false;
	memcpy(copy, data + head->path.at, size);
	return wf_uri_path_normalise(copy, &size) != 0;
}

/* The end of the body at `at`; 0: none was found. */
static size_t pass_body(const wf_http_head *head, const char *data, size_t size, size_t at)
{
	char trailers[WF_HTTP_TRAILER_BYTES];
	wf_http_body body;
	const char *piece;
	size_t used, n;
	int rc = wf_http_body_init(&body, wf_http_request_body(head), head->content_length, BODY_BYTES);
	if (rc < 0) return 0;
	wf_http_body_keep_trailers(&body, trailers, sizeof trailers);
	while (!wf_http_body_ended(&body) && at < size) {
		rc = wf_http_body_take(&body, data + at, size - at, &used, &piece, &n);
		if (rc < 0) return 0;
		at += used;
	}
	return wf_http_body_ended(&body) ? at : 0;
}

/* Whether another message may follow this one. */
static bool goes_on(const wf_http_head *head, const char *data)
{
	bool ignored = head->form == WF_FORM_ASTERISK ||
				   memmem(data + head->path.at, head->path.size, "ignore", 6) != NULL;
	if (head->form == WF_FORM_AUTHORITY || is_wrong_path(head, data)) return false;
	/* A stream to an old client ends with the connection. */
	if (head->minor_version == 0 && head->form != WF_FORM_ASTERISK) return false;
	return head->keep_alive && !(ignored && head->expect_continue);
}

static bool is_upgrade(const wf_http_head *head, const char *data)
{
	return head->method.size == 2 && memcmp(data + head->method.at, "UP", 2) == 0;
}

/* How many answers there should be. False: it becomes another protocol, or says how a path is
 * ignored in a spelling of its own. */
static bool count_messages(const char *data, size_t size, uint64_t *count)
{
	const wf_http_limits limits = { HEAD_BYTES, TARGET_BYTES, FIELDS };
	wf_http_field fields[FIELDS];
	size_t at = 0;
	*count = 0;
	while (at < size) {
		wf_http_head head;
		wf_http_head_init(&head, WF_HTTP_REQUEST, fields, &limits);
		int rc = wf_http_parse(&head, data + at, size - at);
		if (rc == WF_HTTP_MORE) return true;
		++*count;
		if (rc < 0) return true;
		if (is_upgrade(&head, data + at)) return false;
		if (memchr(data + at + head.path.at, '%', head.path.size) != NULL) return false;
		size_t end = pass_body(&head, data, size, at + head.size);
		if (end == 0 || !goes_on(&head, data + at)) return true;
		at = end;
	}
	return true;
}

/* The client. */

static void hear(transcript *heard, const char *text, size_t size)
{
	require(heard->size + size <= TRANSCRIPT_MAX);
	if (heard->room < heard->size + size) {
		heard->room = (heard->size + size) * 2;
		heard->text = realloc(heard->text, heard->room);
		require(heard->text != NULL);
	}
	memcpy(heard->text + heard->size, text, size);
	heard->size += size;
}

/* Takes out every `from` and what follows it, up to the end of `to`. */
static void take_out(transcript *heard, const char *from, const char *to)
{
	if (heard->text == NULL) return;
	char *at = heard->text, *end = heard->text + heard->size;
	while (at != NULL && (at = memmem(at, (size_t)(end - at), from, strlen(from))) != NULL) {
		char *behind = memmem(at + strlen(from), (size_t)(end - at) - strlen(from), to, strlen(to));
		if (behind == NULL) break;
		behind += strlen(to);
		memmove(at, behind, (size_t)(end - behind));
		end -= behind - at;
	}
	heard->size = (size_t)(end - heard->text);
}

/* How much is said next: an even seed makes two pieces, an odd one some of random sizes. */
static size_t next_piece(const visit *v, size_t at, uint32_t *random)
{
	size_t left = v->size - at, n;
	if (v->seed == 0) return left;
	*random = *random * 1664525 + 1013904223;
	if (v->seed % 2 == 0)
		n = at == 0 ? 1 + v->size * v->seed / 258 : left;
	else
		n = 1 + (*random >> 8) % (2 * v->size / PIECES + 1);
	return n < left ? n : left;
}

static int say(void *arg)
{
	visit *v = arg;
	uint32_t random = v->seed;
	int rc = 0;
	for (size_t at = 0, n; at < v->size && rc == 0; at += n) {
		n = next_piece(v, at, &random);
		rc = weft_stream_write(v->client, v->data + at, n);
		/* Through the loop and back, twice, so that the server has seen this piece alone. */
		for (int i = 0, cause; i < 2 && rc == 0 && v->seed; i++)
			rc = wf_sleep_until(wf_now_ns(), 0, &cause);
	}
	/* It may have been closed by then. */
	(void)!weft_stream_shutdown(v->client);
	return 0;
}

static void open_sockets(visit *v)
{
	int fds[2];
	wf_stream_fd *client = NULL;
	wf_plain_connection *server = wf_connection_new_plain(site);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	require(server != NULL && wf_stream_fd_new(&client) == 0);
	wf_stream_fd_open(client, fds[0], WF_IO_TCP);
	wf_stream_fd_open(&server->fd, fds[1], WF_IO_TCP);
	v->client = &client->stream;
	wf_connection_open_plain(server);
}

static void open_pair(visit *v)
{
	weft_stream *server;
	require(weft_stream_pair(&v->client, &server) == 0);
	require(wf_connection_open(site, server) == 0);
}

static void hold(visit *v)
{
	char buffer[4096];
	size_t got = 0;
	uint64_t before = site->counts.requests;
	if (v->sockets)
		open_sockets(v);
	else
		open_pair(v);
	weft_group *group = weft_group_open();
	require(weft_spawn(group, say, v) == 0);
	while (weft_stream_read(v->client, buffer, sizeof buffer, &got) > 0)
		hear(&v->heard, buffer, got);
	require(weft_group_join(group, 0) == 0);
	weft_stream_close(v->client);
	v->heard.requests = site->counts.requests - before;
	take_out(&v->heard, "\r\nDate: ", " GMT");
	take_out(&v->heard, "\r\nX-Request-Id: ", "\r");
	take_out(&v->heard, "\"instance\":\"", "\"");
	take_out(&v->heard, "HTTP/1.1 100 Continue", "\r\n\r\n");
}

static int hold_all(void *arg)
{
	visit *visits = arg;
	uint64_t count;
	for (int i = 0; i < 4; i++) hold(&visits[i]);
	bool counted = count_messages(visits->data, visits->size, &count);
	for (int i = 0; i < 4; i++) {
		const transcript *a = &visits[0].heard, *b = &visits[i].heard;
		require(!counted || b->requests == count);
		require(a->size == b->size && (a->size == 0 || memcmp(a->text, b->text, a->size) == 0));
	}
	return 0;
}

/* One server for all inputs. */

static struct {
	weft_event listening;
	char address[64];
} server;

static void on_listening(void *app, const char *address)
{
	(void)app;
	snprintf(server.address, sizeof server.address, "%s", address);
	weft_event_set(&server.listening);
}

static int serve(void *arg)
{
	(void)arg;
	return weft_http_serve(routes, .listen = "127.0.0.1:0", .header_bytes = HEAD_BYTES,
		.header_count = FIELDS, .uri_bytes = TARGET_BYTES, .max_body = BODY_BYTES,
		.listening = on_listening);
}

/* The first request tells where the site is. */
static void find_site(void)
{
	static const char get[] = "GET / HTTP/1.0\r\n\r\n";
	char buffer[512];
	size_t got;
	weft_stream *s;
	require(weft_tcp_connect(server.address, &s) == 0);
	require(weft_stream_write(s, get, sizeof get - 1) == 0);
	while (weft_stream_read(s, buffer, sizeof buffer, &got) > 0) {
	}
	weft_stream_close(s);
	require(site != NULL);
	held = *site->server;
}

static int live(void *arg)
{
	(void)arg;
	weft_group *group = weft_group_open();
	require(weft_spawn(group, serve, NULL) == 0);
	require(weft_event_wait(&server.listening) == 0);
	find_site();
	fuzz_run_is_ready();
	return weft_group_join(group, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	visit visits[4] = { 0 };
	weft_future *future;
	if (size < 1) return 0;
	for (unsigned i = 0; i < 4; i++) {
		visits[i].data = (const char *)data + 1;
		visits[i].size = size - 1;
		visits[i].seed = i & 1 ? data[0] + 2u : 0;
		visits[i].sockets = i >= 2;
	}
	require(weft_post(fuzz_run(live), hold_all, visits, .future = &future) == 0);
	require(weft_future_join(future) == 0);
	weft_future_unref(future);
	for (int i = 0; i < 4; i++) free(visits[i].heard.text);
	return 0;
}
