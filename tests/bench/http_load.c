/* A client that costs little: it keeps CONNECTIONS busy with DEPTH requests each and counts bytes.
 * What it reports is the server's CPU time per request, read from the kernel's own accounts of the
 * server's threads; the rate beside it says only how fast this pair was. With a DEPTH of 0 every
 * request has a connection of its own, which the client closes.
 *
 *     http_load PORT CONNECTIONS DEPTH SECONDS [PID...]
 *
 * All answers must be as long as the first one, which must be a 200 with Content-Length. Prints one
 * line: requests, seconds, server CPU in ns per request, the answer's length, and all requests from
 * the first to the last, of which the first number leaves out the warm-up. */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 16384, DEPTH_MAX = 64, EVENTS = 512, WARM_UP_MS = 300, SOURCES = 16 };

#define REQUEST "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n"

static char buffer[1 << 16], requests[DEPTH_MAX * sizeof REQUEST];
static size_t received[CONNECTIONS_MAX]; /* of the batch that is out */
static int sockets[CONNECTIONS_MAX];
static size_t answer_size, batch_size;
static unsigned long long asked; /* requests, since the start */
static unsigned opened;          /* connections, since the start */
static bool one_each;            /* a connection for every request */
static int depth;

static void die(const char *why)
{
	fprintf(stderr, "http_load: %s\n", why);
	exit(1);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* From several addresses in turn: closed connections keep their ports for a minute. */
static int connect_to(int port)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + opened++ % SOURCES) };
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
		connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		die(strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static size_t learn_answer(int port)
{
	int fd = connect_to(port);
	size_t have = 0;
	if (send(fd, REQUEST, sizeof REQUEST - 1, 0) < 0) die("send");
	for (;;) {
		ssize_t n = recv(fd, buffer + have, sizeof buffer - 1 - have, 0);
		if (n <= 0) die("no answer");
		buffer[have += (size_t)n] = '\0';
		char *end = strstr(buffer, "\r\n\r\n"), *length = strcasestr(buffer, "content-length: ");
		if (end == NULL) continue;
		if (strncmp(buffer, "HTTP/1.1 200", 12) != 0 || length == NULL) die("no 200 with a length");
		size_t size = (size_t)(end + 4 - buffer) + strtoul(length + 16, NULL, 10);
		if (have >= size) {
			close(fd);
			return size;
		}
	}
}

/* The first number of schedstat is the time on a CPU, in ns. */
static unsigned long long cpu_ns_of(const char *pid)
{
	char path[300];
	unsigned long long all = 0, one = 0;
	snprintf(path, sizeof path, "/proc/%s/task", pid);
	DIR *tasks = opendir(path);
	for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
		if (task->d_name[0] == '.') continue;
		snprintf(path, sizeof path, "/proc/%s/task/%.20s/schedstat", pid, task->d_name);
		FILE *file = fopen(path, "r");
		if (file == NULL) continue;
		if (fscanf(file, "%llu", &one) == 1) all += one;
		fclose(file);
	}
	if (tasks != NULL) closedir(tasks);
	return all;
}

static unsigned long long cpu_ns(char **pids)
{
	unsigned long long all = 0;
	for (; *pids != NULL; pids++) all += cpu_ns_of(*pids);
	return all;
}

static void send_batch(int i)
{
	size_t size = (size_t)depth * (sizeof REQUEST - 1);
	received[i] = 0;
	asked += (unsigned)depth;
	if (send(sockets[i], requests, size, MSG_NOSIGNAL) != (ssize_t)size) die("send");
}

static void open_connection(int epoll, int i, int port)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = i };
	sockets[i] = connect_to(port);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[i], &event) != 0) die("epoll_ctl");
}

static void send_next(int epoll, int i, int port)
{
	if (one_each) {
		close(sockets[i]);
		open_connection(epoll, i, port);
	}
	send_batch(i);
}

/* Returns how many batches were completed until `until`. */
static unsigned long long turn(int epoll, int port, double until)
{
	struct epoll_event events[EVENTS];
	unsigned long long batches = 0;
	while (now_s() < until) {
		int n = epoll_wait(epoll, events, EVENTS, 100);
		for (int k = 0; k < n; k++) {
			int i = events[k].data.fd;
			ssize_t got = recv(sockets[i], buffer, sizeof buffer, MSG_DONTWAIT);
			if (got < 0 && errno == EAGAIN) continue;
			if (got <= 0) die("the server closed a connection");
			received[i] += (size_t)got;
			if (received[i] < batch_size) continue;
			if (received[i] > batch_size) die("an answer has another length");
			batches++;
			send_next(epoll, i, port);
		}
	}
	return batches;
}

int main(int argc, char **argv)
{
	if (argc < 5) return 2;
	int port = atoi(argv[1]), connections = atoi(argv[2]);
	double seconds = atof(argv[4]);
	depth = atoi(argv[3]);
	if (connections < 1 || connections > CONNECTIONS_MAX || depth < 0 || depth > DEPTH_MAX)
		return 2;
	one_each = depth == 0;
	if (one_each) depth = 1;
	for (int i = 0; i < depth; i++)
		memcpy(requests + (size_t)i * (sizeof REQUEST - 1), REQUEST, sizeof REQUEST - 1);
	answer_size = learn_answer(port);
	batch_size = answer_size * (size_t)depth;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < connections; i++) open_connection(epoll, i, port);
	for (int i = 0; i < connections; i++) send_batch(i);
	turn(epoll, port, now_s() + WARM_UP_MS * 1e-3);
	unsigned long long cpu = cpu_ns(argv + 5);
	double from = now_s();
	unsigned long long done = turn(epoll, port, from + seconds) * (unsigned long long)depth;
	double took = now_s() - from;
	cpu = cpu_ns(argv + 5) - cpu;
	printf("%llu %.3f %.1f %zu %llu\n", done, took, done ? (double)cpu / (double)done : 0,
		answer_size, asked);
	return 0;
}
