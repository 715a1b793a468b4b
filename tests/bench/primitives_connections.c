/* conn_idle_bytes: what the whole process has on its heap, before and after clients come to a
 * server of weft_http_serve, are answered, and stay. The clients are bare sockets of a thread, so
 * that all there is on the heap is the server's, libuv's and the C library's part included. */
#include <arpa/inet.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/primitives.h"

enum {
	WARM_UP = 64, /* connections before the first look: what a worker makes once is there then */
	CLIENTS = 2000,
	SETTLED_MS = 50, /* nothing on the heap has changed for so long */
};

static struct {
	struct sockaddr_in address;
	weft_event listening;
	int fds[WARM_UP + CLIENTS];
	int clients;
} service;

static size_t heap_bytes(void)
{
	struct mallinfo2 heap = mallinfo2();
	return heap.uordblks + heap.hblkhd;
}

static int answer(weft_request *rq)
{
	return weft_reply_text(rq, 200, "Hello, World!");
}

static const weft_route routes[] = { WEFT_GET("/", answer) };

/* "http://127.0.0.1:PORT" */
static void note_address(void *app, const char *address)
{
	(void)app;
	const char *port = strrchr(address, ':');
	BENCH_CHECK(port != NULL);
	service.address = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtol(port + 1, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	weft_event_set(&service.listening);
}

static int serve(void *arg)
{
	(void)arg;
	return weft_http_serve(routes, .listen = "127.0.0.1:0", .listening = note_address,
		.connections = WARM_UP + CLIENTS, .idle_timeout_ms = 3600000);
}

/* A client that has had its answer. */
static int be_served(void)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
	char response[1024];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	BENCH_CHECK(fd >= 0);
	BENCH_CHECK(connect(fd, (struct sockaddr *)&service.address, sizeof service.address) == 0);
	BENCH_CHECK(write(fd, request, sizeof request - 1) == sizeof request - 1);
	ssize_t got = read(fd, response, sizeof response);
	BENCH_CHECK(got > 13 && memcmp(response + got - 13, "Hello, World!", 13) == 0);
	return fd;
}

static int connect_more(void *arg)
{
	int until = service.clients + *(int *)arg;
	while (service.clients < until) service.fds[service.clients++] = be_served();
	return 0;
}

/* The heap when the last answer's task and all else that was under way has ended. */
static int settled_bytes(size_t *out)
{
	size_t now = heap_bytes(), before;
	do {
		before = now;
		int rc = weft_sleep_ms(SETTLED_MS);
		if (rc != 0) return rc;
		now = heap_bytes();
	} while (now != before);
	*out = now;
	return 0;
}

static int measure(void *arg)
{
	int warm_up = WARM_UP, more = CLIENTS;
	size_t before, after;
	service.clients = 0;
	service.listening = (weft_event){ 0 };
	weft_group *group = weft_group_open();
	weft_spawn(group, serve, NULL, .service = true);
	BENCH_CHECK(weft_event_wait(&service.listening) == 0);
	BENCH_CHECK(weft_offload(connect_more, &warm_up) == 0 && settled_bytes(&before) == 0);
	BENCH_CHECK(weft_offload(connect_more, &more) == 0 && settled_bytes(&after) == 0);
	*(double *)arg = ((double)after - (double)before) / CLIENTS;
	int rc = weft_group_join(group, 0);
	for (int i = 0; i < service.clients; i++) (void)close(service.fds[i]);
	return rc;
}

double conn_idle_bytes(void)
{
	struct rlimit files;
	double bytes = 0;
	BENCH_CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
	files.rlim_cur = files.rlim_max;
	BENCH_CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
	BENCH_CHECK(weft_run(measure, &bytes, .workers = 1) == 0);
	return bytes;
}
