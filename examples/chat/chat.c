/* A chat with rooms: history in SQLite through a pool, live messages through topics, a page for
 * people and a console for whoever runs it. docs/chat.md is its protocol.
 *
 *     chat [--port N | --listen ADDRESS] [--workers N] [--data FILE] [--otlp URL] */
#include "chat.h"
#include "json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Threads of the store's pool: callers that wait for the disk together are saved together, so more
 * of them cost nothing and save more at a time, up to about this many. */
enum { pool_threads = 16, pool_queue = 1024, rooms_most = 100 };

extern const char chat_page[];
extern const size_t chat_page_size;

static int get_page(weft_request *rq)
{
	weft_reply_header(rq, "cache-control", "no-cache");
	weft_reply_header(rq, "x-content-type-options", "nosniff");
	weft_reply_header(rq, "referrer-policy", "no-referrer");
	weft_reply_header(rq, "content-security-policy",
		"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
	return weft_reply_bytes(rq, 200, "text/html; charset=utf-8", chat_page, chat_page_size);
}

struct rooms {
	chat *chat;
	chat_call call;
	chat_json json;
};

static void room(void *arg, const chat_room *r)
{
	struct rooms *rooms = arg;
	chat_json *j = &rooms->json;
	chat_json_open(j, NULL, '{');
	chat_json_text(j, "name", r->name);
	chat_json_i64(j, "last_id", r->last_id);
	chat_json_i64(j, "last_at", r->last_at_ms);
	chat_json_i64(j, "members", chat_members_count(rooms->chat->members, r->room));
	chat_json_close(j, '{');
}

static int rooms_job(void *arg)
{
	struct rooms *r = arg;
	return chat_store_rooms(r->chat->store, &r->call, rooms_most, room, r);
}

static void rooms_stop(void *arg)
{
	struct rooms *r = arg;
	chat_store_interrupt(r->chat->store, &r->call);
}

static int get_rooms(weft_request *rq)
{
	struct rooms r = { .chat = weft_request_app(rq) };
	chat_json_begin(&r.json, NULL);
	chat_json_open(&r.json, "rooms", '[');
	int rc = weft_offload(rooms_job, &r, .pool = r.chat->pool, .on_cancel = rooms_stop);
	chat_json_close(&r.json, '[');
	const char *text = chat_json_end(&r.json);
	if (rc == 0 && text == NULL) rc = WEFT_ENOMEM;
	if (rc == 0) {
		weft_reply_header(rq, "cache-control", "no-store");
		rc = weft_reply_bytes(rq, 200, "application/json", text, strlen(text));
	} else if (rc != WEFT_EFULL && rc != WEFT_ECANCELED) {
		weft_log(WEFT_LOG_ERROR, "the store failed", weft_log_text("why", r.call.why),
			weft_log_code("error", rc));
		rc = weft_reply_problem(rq, 500, "the rooms cannot be read; request %s", weft_request_id());
	}
	chat_json_fini(&r.json);
	return rc;
}

static const weft_route routes[] = {
	WEFT_GET("/", get_page),
	WEFT_GET("/api/rooms", get_rooms, .timeout_ms = 5000),
	WEFT_WEBSOCKET_EVENTS("/ws/{room}", &chat_session, .max_message = CHAT_FRAME_MAX),
};

static const char usage[] =
	"usage: chat [OPTION VALUE]...\n"
	"A chat with rooms at http://127.0.0.1:8080, and a live console at /weft/.\n"
	"  --port N          another port of 127.0.0.1; 0 takes a free one\n"
	"  --listen ADDRESS  listen there instead: [::]:8080, unix:/path, fd:3\n"
	"  --workers N       this many threads, each with a loop (one per core unless told)\n"
	"  --data FILE       keep the history in this SQLite file (chat.db unless told)\n"
	"  --otlp URL        send traces to this OpenTelemetry collector: http://HOST:4318\n";

struct options {
	const char *listen, *data, *otlp;
	int port, workers;
};

struct run {
	const struct options *options;
	chat chat;
};

/* The first and only line on the standard output: scripts wait for it. */
static void listening(void *app, const char *address)
{
	(void)app;
	printf("listening on http://%s\n", address);
	fflush(stdout);
}

static int serve(void *arg)
{
	struct run *run = arg;
	return weft_http_serve(routes, .listen = run->options->listen, .app = &run->chat,
		.console = true, .listening = listening);
}

static int wrong(const char *format, ...) WEFT_PRINTF(1, 2);

/* One line, and the exit status of a program that was started wrongly. */
static int wrong(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fputs("chat: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	va_end(list);
	return 1;
}

static int read_number(const char *name, const char *text, int least, int most, int *out)
{
	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	if (*text == '\0' || *end != '\0' || errno != 0 || value < least || value > most)
		return wrong("%s takes a number from %d to %d, not '%s'", name, least, most, text);
	*out = (int)value;
	return 0;
}

static int read_options(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i], **text = NULL;
		if (strcmp(name, "--listen") == 0) text = &o->listen;
		if (strcmp(name, "--data") == 0) text = &o->data;
		if (strcmp(name, "--redis") == 0)
			return wrong("this build shares nothing with other instances: it has no Redis");
		if (strcmp(name, "--otlp") == 0) text = &o->otlp;
		bool port = strcmp(name, "--port") == 0, workers = strcmp(name, "--workers") == 0;
		if (text == NULL && !port && !workers)
			return wrong("there is no option '%s'; --help lists them", name);
		if (++i == argc || argv[i][0] == '\0') return wrong("%s needs a value", name);
		if (text != NULL) *text = argv[i];
		if (port && read_number(name, argv[i], 0, 65535, &o->port)) return 1;
		if (workers && read_number(name, argv[i], 1, 1024, &o->workers)) return 1;
	}
	return 0;
}

static int open_and_run(struct run *run)
{
	chat_call call = { .why = "" };
	int rc = chat_store_open(run->options->data, &call, &run->chat.store);
	if (rc) return wrong("cannot open the history: %s", call.why);
	run->chat.members = chat_members_new();
	rc = run->chat.members ? 0 : WEFT_ENOMEM;
	if (rc == 0)
		rc = weft_pool_new(
			&run->chat.pool, .name = "store", .threads = pool_threads, .queue = pool_queue);
	if (rc == 0) rc = weft_run(serve, run, .workers = run->options->workers);
	weft_pool_free(run->chat.pool);
	if (rc) wrong("cannot serve on %s: %s", run->options->listen, weft_error_text(rc));
	chat_members_free(run->chat.members);
	chat_store_close(run->chat.store);
	return rc ? 1 : 0;
}

int main(int argc, char **argv)
{
	char address[sizeof "127.0.0.1:65535"];
	struct options options = { .data = "chat.db", .port = 8080 };
	struct run run = { .options = &options };

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (read_options(argc, argv, &options)) return 1;
	snprintf(address, sizeof address, "127.0.0.1:%d", options.port);
	if (options.listen == NULL) options.listen = address;
	if (options.otlp != NULL && setenv("OTEL_EXPORTER_OTLP_ENDPOINT", options.otlp, 1) != 0)
		return wrong("cannot set the collector: %s", weft_error_text(-errno));
	return open_and_run(&run);
}
