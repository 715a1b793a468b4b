/* What the HTTP/1 codecs and the router cost, in nanoseconds for one; the median of nine rounds,
 * the best and the worst. llhttp's rows, where it is installed, read the same bytes with callbacks
 * that keep where method, target, names and values lie, which is what ours come with.
 *
 *   http_parse [ROW]          the rows whose name holds ROW
 *   http_parse ROW N          that row N times and nothing else: for counting instructions */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/clock.h"
#include "net/http/http_parse.h"
#include "net/http/http_write.h"
#include "net/http/router.h"
#include "net/http/uri.h"

#ifdef WF_TEST_LLHTTP
#include <llhttp.h>
#endif

enum { rounds = 9, fields_room = 100 };

/* Keeps the compiler from leaving the work out. */
#define KEEP(value) __asm__ volatile("" ::"r"(value) : "memory")

static const char small[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

static const char browser[] =
	"GET /articles/2024/loops?page=2&sort=new HTTP/1.1\r\n"
	"Host: www.example.com\r\n"
	"Connection: keep-alive\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
	"Chrome/124.0.0.0 Safari/537.36\r\n"
	"Accept: "
	"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
	"Accept-Encoding: gzip, deflate, br, zstd\r\n"
	"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
	"Upgrade-Insecure-Requests: 1\r\n"
	"Cookie: session=6f1d0a52c1b84b3c9a7e; theme=dark; consent=yes\r\n"
	"\r\n";

static wf_http_field fields[fields_room];
static wf_router *router;
static char chunked[17 * 1024];
static size_t chunked_size;

static void parse(const char *head, size_t size)
{
	static const wf_http_limits limits = { WF_HTTP_HEAD_BYTES, WF_HTTP_TARGET_BYTES, fields_room };
	wf_http_head parsed;
	wf_http_head_init(&parsed, WF_HTTP_REQUEST, fields, &limits);
	if (wf_http_parse(&parsed, head, size) != WF_HTTP_DONE) abort();
	KEEP(&parsed);
}

static void parse_small(void)
{
	parse(small, sizeof small - 1);
}

static void parse_browser(void)
{
	parse(browser, sizeof browser - 1);
}

/* Sixteen chunks of a kilobyte. */
static void decode_chunks(void)
{
	wf_http_body body;
	size_t at = 0, used, size;
	const char *piece;
	int rc = wf_http_body_init(&body, WF_BODY_CHUNKED, -1, -1);
	while (rc != WF_HTTP_DONE) {
		rc = wf_http_body_take(&body, chunked + at, chunked_size - at, &used, &piece, &size);
		if (rc < WF_HTTP_DONE) abort();
		at += used;
	}
}

static void write_head(void)
{
	static const char date[] = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
	char buffer[512];
	wf_http_writer writer;
	wf_http_writer_init(&writer, buffer, sizeof buffer);
	wf_http_write_status(&writer, 200);
	wf_http_write_field(&writer, "Content-Type", 12, "text/plain", 10);
	wf_http_write_length(&writer, 13);
	wf_http_write_raw(&writer, date, sizeof date - 1);
	if (wf_http_write_end(&writer) != 0) abort();
	KEEP(buffer);
}

static void find(const char *path, size_t size)
{
	char normal[64];
	wf_route_match match;
	memcpy(normal, path, size);
	if (wf_uri_path_normalise(normal, &size) != 0) abort();
	if (wf_router_find(router, WF_METHOD_GET, "GET", 3, normal, size, &match) != WF_ROUTE_FOUND)
		abort();
	KEEP(&match);
}

static void route_root(void)
{
	find("/", 1);
}

static void route_parameter(void)
{
	find("/users/12345/posts/67", 21);
}

#ifdef WF_TEST_LLHTTP
static llhttp_settings_t settings;

static int on_span(llhttp_t *parser, const char *at, size_t size)
{
	wf_http_field *field = parser->data;
	field->name.at = (uint32_t)(uintptr_t)at;
	field->name.size = (uint32_t)size;
	parser->data = field + 1;
	return 0;
}

static void parse_with_llhttp(const char *head, size_t size)
{
	llhttp_t parser;
	llhttp_init(&parser, HTTP_REQUEST, &settings);
	parser.data = fields;
	if (llhttp_execute(&parser, head, size) != HPE_OK) abort();
	KEEP(&parser);
}

static void llhttp_small(void)
{
	parse_with_llhttp(small, sizeof small - 1);
}

static void llhttp_browser(void)
{
	parse_with_llhttp(browser, sizeof browser - 1);
}
#endif

typedef void row_fn(void);

static const struct row {
	const char *name;
	row_fn *run;
	long repeats;
} rows[] = {
	{ "http_parse_small", parse_small, 2000000 },
	{ "http_parse_browser", parse_browser, 500000 },
#ifdef WF_TEST_LLHTTP
	{ "llhttp_small", llhttp_small, 500000 },
	{ "llhttp_browser", llhttp_browser, 100000 },
#endif
	{ "http_chunks_16k", decode_chunks, 200000 },
	{ "http_write_head", write_head, 1000000 },
	{ "route_root", route_root, 2000000 },
	{ "route_parameter", route_parameter, 1000000 },
};

static void set_up(void)
{
	static const char *const patterns[] = { "/", "/json", "/ws", "/users", "/users/{id}",
		"/users/{id}/posts", "/users/{id}/posts/{post}", "/static/{path...}", "/health", "/login" };
	char why[100];
	router = wf_router_new();
	if (router == NULL) abort();
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		if (wf_router_add(router, "GET", patterns[i], patterns[i], why, sizeof why) != 0) abort();
	for (int i = 0; i < 16; i++) {
		chunked_size += wf_http_chunk_head(chunked + chunked_size, 1024, i == 0);
		chunked_size += 1024;
	}
	chunked_size += wf_http_chunk_head(chunked + chunked_size, 0, false);
	memcpy(chunked + chunked_size, "\r\n", 2);
	chunked_size += 2;
#ifdef WF_TEST_LLHTTP
	llhttp_settings_init(&settings);
	settings.on_method = settings.on_url = on_span;
	settings.on_header_field = settings.on_header_value = on_span;
#endif
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const struct row *row)
{
	double ns[rounds];
	for (int i = 0; i < rounds; i++) {
		int64_t from = wf_now_ns();
		for (long n = 0; n < row->repeats; n++) row->run();
		ns[i] = (double)(wf_now_ns() - from) / (double)row->repeats;
	}
	qsort(ns, rounds, sizeof *ns, compare);
	printf("%-24s %8.1f ns   %.1f to %.1f\n", row->name, ns[rounds / 2], ns[0], ns[rounds - 1]);
}

int main(int argc, char **argv)
{
	long count = argc > 2 ? atol(argv[2]) : 0;
	set_up();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (argc > 1 && strstr(rows[i].name, argv[1]) == NULL) continue;
		if (count > 0)
			for (long n = 0; n < count; n++) rows[i].run();
		else
			measure(&rows[i]);
	}
	wf_router_free(router);
	return 0;
}
