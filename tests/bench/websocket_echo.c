/* What a WebSocket message costs a server, beside a loop that knows of no frames: one epoll, recv,
 * and send of what came. CPU time of the server per message, by the kernel's account of its
 * process; the two are asked in turn, and the ratio is the median of the rounds'. 1.00 is as cheap
 * as a server can be; "bare again" is the bare loop against itself, and says what is noise.
 *
 *     websocket_echo [--rounds N] [--ms N] [--server PROGRAM] [FILTER]
 *
 * PROGRAM is examples/hello, or speaks as it does: `--listen ADDRESS --workers 1`, "listening on"
 * its address, and an echo at /ws. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "context/base.h"
#include "net/websocket/websocket_frame.h"
#include "net/websocket/websocket_mask.h"

enum { EVENTS = 512, BUFFER = 65536, CONNECTIONS_MAX = 512, ROUNDS_MAX = 99, WARM_UP_MS = 200 };

typedef struct load {
	const char *name;
	int connections;
	size_t size; /* of a message */
} load;

static const load loads[] = {
	{ "64 bytes, 64 connections", 64, 64 },
	{ "64 bytes, 512 connections", 512, 64 },
	{ "16 KiB, 64 connections", 64, 16384 },
};

typedef struct server {
	pid_t pid;
	int port;
	bool frames; /* it answers with frames of its own: without the key */
} server;

static char buffer[BUFFER], message[BUFFER];

static void die(const char *why)
{
	fprintf(stderr, "websocket_echo: %s: %s\n", why, strerror(errno));
	exit(1);
}

static void run_on_cpu(unsigned cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof set, &set); /* on one processor they share it */
}

/* The bare loop. */

static int listen_anywhere(int *port)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof at;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 4096) != 0 ||
		getsockname(fd, (struct sockaddr *)&at, &length) != 0)
		die("listening");
	*port = ntohs(at.sin_port);
	return fd;
}

static void add(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

/* What the kernel does not take at once is waited for: the client reads all the time. */
static bool send_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN) return false;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return true;
}

static void echo_bytes(int fd)
{
	ssize_t n = recv(fd, buffer, sizeof buffer, 0);
	if (n < 0 && errno == EAGAIN) return;
	if (n <= 0 || !send_all(fd, buffer, (size_t)n)) close(fd);
}

static void serve_bare(int listener)
{
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd;
	add(epoll, listener);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd != listener) {
				echo_bytes(events[i].data.fd);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
				add(epoll, fd);
		}
	}
}

/* Servers, each on the first processor. */

/* It ends with the client, however that ends. */
static void become_server(void)
{
	run_on_cpu(0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) die("prctl");
}

static server start_bare(void)
{
	server s = { .frames = false };
	int listener = listen_anywhere(&s.port);
	s.pid = fork();
	if (s.pid < 0) die("fork");
	if (s.pid == 0) {
		become_server();
		serve_bare(listener);
	}
	close(listener);
	return s;
}

static server start_program(const char *path)
{
	server s = { .frames = true };
	int out[2];
	char line[256] = "";
	if (pipe(out) != 0) die("pipe");
	s.pid = fork();
	if (s.pid < 0) die("fork");
	if (s.pid == 0) {
		become_server();
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execl(path, path, "--listen", "127.0.0.1:0", "--workers", "1", (char *)NULL);
		die(path);
	}
	close(out[1]);
	FILE *said = fdopen(out[0], "r");
	const char *colon = said && fgets(line, sizeof line, said) ? strrchr(line, ':') : NULL;
	if (colon == NULL || strncmp(line, "listening on", 12) != 0) die("the server did not start");
	s.port = atoi(colon + 1);
	fclose(said);
	return s;
}

static void stop(const server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

static double cpu_ns(const server *s)
{
	clockid_t clock;
	struct timespec used;
	if (clock_getcpuclockid(s->pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
		die("the server's processor time");
	return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

/* The client. */

static int sockets[CONNECTIONS_MAX];
static size_t left[CONNECTIONS_MAX]; /* of the answer that is awaited */

static void shake_hands(int fd)
{
	static const char ask[] = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
							  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
							  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	size_t got = 0;
	if (!send_all(fd, ask, sizeof ask - 1)) die("asking for a WebSocket");
	while (got < 4 || memcmp(buffer + got - 4, "\r\n\r\n", 4) != 0) {
		ssize_t n = recv(fd, buffer + got, 1, 0);
		if (n <= 0 || ++got == sizeof buffer) die("the handshake");
	}
	if (strncmp(buffer, "HTTP/1.1 101", 12) != 0) die("the server speaks no WebSocket");
}

static int connect_to(const server *s)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)s->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) die("connecting");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (s->frames) shake_hands(fd);
	return fd;
}

static size_t make_message(size_t size)
{
	static const uint8_t key[4] = { 0x37, 0xFA, 0x21, 0x3D };
	uint8_t *to = (uint8_t *)message;
	size_t header = wf_websocket_header(to, WF_WEBSOCKET_FIN | WF_WEBSOCKET_BINARY, size, key);
	memset(to + header, 'x', size);
	wf_websocket_mask(to + header, size, key, 0);
	return header + size;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Each connection says its message again as soon as it has come back. How many came back. */
static unsigned long talk_until(int epoll, int64_t end_ms, size_t size, size_t answer)
{
	struct epoll_event events[EVENTS];
	unsigned long count = 0;
	while (now_ms() < end_ms) {
		int n = epoll_wait(epoll, events, EVENTS, 100);
		for (int i = 0; i < n; i++) {
			unsigned at = events[i].data.u32;
			ssize_t got = recv(sockets[at], buffer, sizeof buffer, MSG_DONTWAIT);
			if (got == 0 || (got < 0 && errno != EAGAIN)) die("the server went away");
			if (got < 0) continue;
			if ((size_t)got > left[at]) die("the server said too much");
			left[at] -= (size_t)got;
			if (left[at] > 0) continue;
			left[at] = answer;
			count++;
			if (!send_all(sockets[at], message, size)) die("sending");
		}
	}
	return count;
}

/* CPU time of the server per message, in ns. */
static double measure(const server *s, const load *l, int ms)
{
	size_t size = make_message(l->size), answer = s->frames ? size - 4 : size;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < l->connections; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };
		sockets[i] = connect_to(s);
		left[i] = answer;
		epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[i], &event);
		if (!send_all(sockets[i], message, size)) die("sending");
	}
	(void)talk_until(epoll, now_ms() + WARM_UP_MS, size, answer);
	double before = cpu_ns(s);
	unsigned long count = talk_until(epoll, now_ms() + ms, size, answer);
	double used = cpu_ns(s) - before;
	for (int i = 0; i < l->connections; i++) close(sockets[i]);
	close(epoll);
	return used / (double)(count ? count : 1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void tell(const char *what, double *ratios, double *ns, int rounds)
{
	qsort(ratios, (size_t)rounds, sizeof *ratios, compare);
	qsort(ns, (size_t)rounds, sizeof *ns, compare);
	printf("  %-12s %8.0f ns   %.2f  (%.2f to %.2f)\n", what, ns[rounds / 2], ratios[rounds / 2],
		ratios[0], ratios[rounds - 1]);
	fflush(stdout);
}

static void run(const server *bare, const server *program, const load *l, int rounds, int ms)
{
	double ratios[ROUNDS_MAX], ns[ROUNDS_MAX], again[ROUNDS_MAX], bare_ns[ROUNDS_MAX];
	for (int i = 0; i < rounds; i++) {
		double first = measure(bare, l, ms);
		ns[i] = measure(program, l, ms);
		double second = measure(bare, l, ms);
		ratios[i] = (first + second) / 2 / ns[i];
		again[i] = first / second;
		bare_ns[i] = second;
	}
	printf("%s\n", l->name);
	tell("bare again", again, bare_ns, rounds);
	tell("server", ratios, ns, rounds);
}

int main(int argc, char **argv)
{
	const char *path = "examples/hello", *filter = "";
	int rounds = 7, ms = 500;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
			rounds = atoi(argv[++i]);
		else if (strcmp(argv[i], "--ms") == 0 && i + 1 < argc)
			ms = atoi(argv[++i]);
		else if (strcmp(argv[i], "--server") == 0 && i + 1 < argc)
			path = argv[++i];
		else
			filter = argv[i];
	}
	if (rounds < 1 || rounds > ROUNDS_MAX || ms < 1) return 2;
	server bare = start_bare(), program = start_program(path);
	run_on_cpu(1);
	for (size_t i = 0; i < WEFT_COUNT(loads); i++)
		if (strstr(loads[i].name, filter) != NULL) run(&bare, &program, &loads[i], rounds, ms);
	stop(&program);
	stop(&bare);
	return 0;
}
