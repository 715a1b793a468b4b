/* The service that suites of conformance and attack tests are pointed at: it answers whatever they
 * ask, and shows what arrived.
 *
 *     contract [--listen ADDRESS] [--workers N]
 *
 *     any method and path   200; what has a body gets it back, framed as it came
 *     /echo                 the request's head as it was received
 *     /cookie               its cookies, `name=value` a line
 *     /ws                   a WebSocket that says what it hears, text and binary
 *     /big?n=N              N bytes
 *     /sleep?ms=N           answers after N milliseconds
 *     /offload?ms=N         the same, having blocked a thread of the pool meanwhile
 *     /trace                takes a list of other requests to make, under its own trace (trace.h)
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weft/offload.h>
#include <weft/weft.h>

#include "trace.h"

/* A body is echoed as it arrives; but what is wrong with a short one is known before the answer has
 * begun, and can be its status. */
enum {
	AT_ONCE = 16384,
	BODY_MAX = 16 << 20,
	MESSAGE_MAX = 32 << 20,
	NAP_MS = 10,
};

/* Bodies. */

static int begin_echo(weft_request *rq)
{
	char length[24];
	if (weft_request_length(rq) >= 0) {
		snprintf(length, sizeof length, "%" PRId64, weft_request_length(rq));
		weft_reply_header(rq, "content-length", length);
	}
	return weft_reply_begin(rq, 200);
}

/* Until the buffer is full or the body has ended. */
static int read_first(weft_request *rq, char *data, size_t *size)
{
	size_t got = 0;
	int rc = 1;
	while (rc > 0 && *size < AT_ONCE) {
		rc = weft_request_read(rq, data + *size, AT_ONCE - *size, &got);
		if (rc > 0) *size += got;
	}
	return rc;
}

static int echo_body(weft_request *rq)
{
	char data[AT_ONCE];
	size_t size = 0;
	int rc = read_first(rq, data, &size), answered = rc < 0 ? rc : begin_echo(rq);
	while (answered == 0 && size > 0) {
		answered = weft_reply_write(rq, data, size);
		size = 0;
		if (rc > 0 && answered == 0) rc = weft_request_read(rq, data, sizeof data, &size);
		if (rc < 0) return rc;
	}
	return answered;
}

static int answer_any(weft_request *rq)
{
	const char *type = weft_request_header(rq, "content-type");
	if (weft_request_length(rq) == 0) return weft_reply_text(rq, 200, "OK\n");
	if (type != NULL) weft_reply_header(rq, "content-type", type);
	return echo_body(rq);
}

/* What arrived. */

static char *put(char *at, const char *text)
{
	size_t size = strlen(text);
	memcpy(at, text, size);
	return at + size;
}

static int get_head(weft_request *rq)
{
	const char *method = weft_request_method(rq), *version = weft_request_version(rq);
	const char *target = weft_request_target(rq), *name, *value;
	size_t at = 0, size = 0;
	if (target == NULL) return WEFT_ENOMEM;
	while (weft_request_header_next(rq, &at, &name, &value))
		size += strlen(name) + strlen(value) + strlen(": \r\n");
	size += strlen(method) + strlen(target) + strlen(version) + strlen("  \r\n\r\n");
	char *text = weft_request_alloc(rq, size), *end = text;
	if (text == NULL) return WEFT_ENOMEM;
	end = put(put(put(end, method), " "), target);
	end = put(put(put(end, " "), version), "\r\n");
	for (at = 0; weft_request_header_next(rq, &at, &name, &value);)
		end = put(put(put(put(end, name), ": "), value), "\r\n");
	end = put(end, "\r\n");
	return weft_reply_bytes(rq, 200, "text/plain", text, (size_t)(end - text));
}

/* "a=1; b=2" (RFC 6265 section 4.2.1) as lines. */
static char *put_cookies(char *to, const char *list)
{
	while (*list != '\0') {
		list += strspn(list, "; \t");
		size_t size = strcspn(list, ";"), used = size;
		while (used > 0 && strchr(" \t", list[used - 1]) != NULL) used--;
		memcpy(to, list, used);
		to += used;
		if (used > 0) *to++ = '\n';
		list += size;
	}
	return to;
}

static bool is_cookie(const char *name)
{
	static const char lower[] = "cookie";
	size_t i = 0;
	while (name[i] != '\0' && (name[i] | 0x20) == lower[i]) i++;
	return name[i] == '\0' && lower[i] == '\0';
}

static int get_cookies(weft_request *rq)
{
	const char *name, *value;
	size_t at = 0, size = 1;
	while (weft_request_header_next(rq, &at, &name, &value)) size += strlen(value) + 1;
	char *text = weft_request_alloc(rq, size), *end = text;
	if (text == NULL) return WEFT_ENOMEM;
	for (at = 0; weft_request_header_next(rq, &at, &name, &value);)
		if (is_cookie(name)) end = put_cookies(end, value);
	return weft_reply_bytes(rq, 200, "text/plain", text, (size_t)(end - text));
}

/* Size and time. */

static int read_query(weft_request *rq, const char *name, int64_t *out)
{
	const char *text = weft_request_query(rq, name);
	char *end;
	if (text == NULL || *text < '0' || *text > '9') return WEFT_EBADREQUEST;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (*end != '\0' || errno != 0) return WEFT_EBADREQUEST;
	*out = value;
	return 0;
}

static int get_big(weft_request *rq)
{
	static const char block[65536];
	int64_t left;
	int rc = read_query(rq, "n", &left);
	if (rc != 0) return rc;
	weft_reply_header(rq, "content-type", "application/octet-stream");
	weft_reply_header(rq, "content-length", weft_request_query(rq, "n"));
	rc = weft_reply_begin(rq, 200);
	if (strcmp(weft_request_method(rq), "HEAD") == 0) return rc;
	for (; rc == 0 && left > 0; left -= (int64_t)sizeof block) {
		size_t size = left < (int64_t)sizeof block ? (size_t)left : sizeof block;
		rc = weft_reply_write(rq, block, size);
	}
	return rc;
}

static int get_sleep(weft_request *rq)
{
	int64_t ms;
	int rc = read_query(rq, "ms", &ms);
	if (rc == 0) rc = weft_sleep_ms(ms);
	return rc ? rc : weft_reply_text(rq, 200, "slept\n");
}

/* In a thread of the pool: what blocks may be told to stop, if it asks. */
static int block(void *arg)
{
	for (int64_t left = *(int64_t *)arg; left > 0; left -= NAP_MS) {
		if (weft_job_cancelled()) return WEFT_ECANCELED;
		long ms = left < NAP_MS ? (long)left : NAP_MS;
		nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
	}
	return 0;
}

static int get_offload(weft_request *rq)
{
	int64_t ms;
	int rc = read_query(rq, "ms", &ms);
	if (rc == 0) rc = weft_offload(block, &ms);
	return rc ? rc : weft_reply_text(rq, 200, "blocked\n");
}

/* WebSocket. */

static int echo_messages(weft_websocket *ws)
{
	const weft_message *m;
	int rc;
	while ((rc = weft_websocket_next(ws, &m)) > 0) {
		rc = weft_websocket_send(ws, m);
		if (rc != 0) break;
	}
	return rc;
}

/* The program. */

static const weft_websocket_options from_anywhere = { .any_origin = true };

static const weft_route routes[] = {
	WEFT_ROUTE(NULL, "/", answer_any, .max_body = BODY_MAX),
	WEFT_ROUTE(NULL, "/{path...}", answer_any, .max_body = BODY_MAX),
	WEFT_ROUTE(NULL, "/echo", get_head),
	WEFT_ROUTE(NULL, "/cookie", get_cookies),
	WEFT_GET("/big", get_big),
	WEFT_GET("/sleep", get_sleep),
	WEFT_GET("/offload", get_offload),
	WEFT_POST("/trace", contract_trace),
	WEFT_WEBSOCKET(
		"/ws", echo_messages, .max_message = MESSAGE_MAX, .websocket_options = &from_anywhere),
};

static const char usage[] = "usage: contract [--listen ADDRESS] [--workers N]\n"
							"Answers whatever a suite of tests asks, and shows what arrived.\n"
							"  --listen ADDRESS  [::]:8080 unless told; unix:/path, fd:3\n"
							"  --workers N       this many threads (one per core unless told)\n";

struct options {
	const char *listen;
	int workers;
};

static void say_where(void *app, const char *address)
{
	(void)app;
	printf("listening on http://%s\n", address);
	fflush(stdout);
}

static int serve(void *arg)
{
	const struct options *options = arg;
	return weft_http_serve(routes, .listen = options->listen, .listening = say_where);
}

static bool read_number(const char *text, int *out)
{
	char *end;
	long value = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || value < 1 || value > 1024) return false;
	*out = (int)value;
	return true;
}

/* Errors are said in one line. */
static bool read_options(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i += 2) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(name, "--listen") == 0 && *value != '\0') {
			options->listen = value;
		} else if (strcmp(name, "--workers") != 0 || !read_number(value, &options->workers)) {
			fprintf(stderr, "contract: cannot make sense of '%s %s'; see --help\n", name, value);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options options = { .listen = "[::]:8080" };
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (!read_options(argc, argv, &options)) return 1;
	int rc = weft_run(serve, &options, .workers = options.workers, .on_stuck = WEFT_STUCK_EXIT);
	if (rc)
		fprintf(stderr, "contract: cannot serve on %s: %s\n", options.listen, weft_error_text(rc));
	return rc ? 1 : 0;
}
