/* N requests to a server on the same worker, for counting instructions: client and server are tasks
 * of one thread, so that nothing depends on the machine. tests/bench/instructions runs this under
 * Valgrind with two different N. The client's share, a write and a read for each batch, is in it.
 *     http_instructions http_request|http_pipelined N */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/tcp.h>
#include <weft/weft.h>

#include "tests/bench/bench.h"

#define REQUEST "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n"

enum { DEPTH = 16 };

static long times;
static size_t depth;

static int get_hello(weft_request *rq)
{
	return weft_reply_text(rq, 200, "Hello, World!");
}

static const weft_route routes[] = { WEFT_GET("/", get_hello) };

/* Reads `size` bytes, or what comes first if it is 0. */
static size_t read_answers(weft_stream *s, size_t size)
{
	char data[16384];
	size_t all = 0, got = 0;
	do {
		BENCH_CHECK(weft_stream_read(s, data, sizeof data, &got) == 1);
		all += got;
	} while (all < size);
	return all;
}

static int ask(void *address)
{
	weft_stream *s = NULL;
	BENCH_CHECK(weft_tcp_connect(address, &s) == 0);
	free(address);
	BENCH_CHECK(weft_stream_write(s, REQUEST, sizeof REQUEST - 1) == 0);
	size_t answer = read_answers(s, 0), request = sizeof REQUEST - 1;
	char batch[DEPTH * sizeof REQUEST];
	for (size_t i = 0; i < depth; i++) memcpy(batch + i * request, REQUEST, request);
	for (long i = 0; i < times; i += (long)depth) {
		BENCH_CHECK(weft_stream_write(s, batch, depth * request) == 0);
		BENCH_CHECK(read_answers(s, depth * answer) == depth * answer);
	}
	weft_stream_close(s);
	weft_drain();
	return 0;
}

static void start_client(void *group, const char *address)
{
	weft_spawn(group, ask, strdup(address));
}

static int serve(void *arg)
{
	(void)arg;
	weft_group *group = weft_group_open();
	int rc =
		weft_http_serve(routes, .listen = "127.0.0.1:0", .app = group, .listening = start_client);
	return weft_group_join(group, rc);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: http_instructions http_request|http_pipelined N\n");
		return 2;
	}
	times = strtol(argv[2], NULL, 10);
	depth = strcmp(argv[1], "http_pipelined") == 0 ? DEPTH : 1;
	BENCH_CHECK(weft_run(serve, NULL, .workers = 1) == 0);
	return 0;
}
