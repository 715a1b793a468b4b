/* What others feel of clients that ask without end and never read: the time of one request on a
 * connection of its own, calm and beside FLOODERS connections that pipeline requests for 100 KiB
 * each. Rounds alternate, so that both see the same machine.
 *
 *     contract --listen 127.0.0.1:PORT --workers 1 &
 *     http_flood PORT [FLOODERS [ROUNDS]]
 *
 * Prints the median and the 99th percentile of both, and the ratio of the two percentiles. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FLOODERS_MAX = 1024, ROUNDS_MAX = 100, ASKED = 2000, BATCH = 100 };

#define ASK      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
#define ASK_MUCH "GET /big?n=102400 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

static struct sockaddr_in server = { .sin_family = AF_INET };
static char flood[BATCH * sizeof ASK_MUCH];
static struct flooder {
	int fd;
	size_t at; /* in the request that it is in the middle of */
} flooders[FLOODERS_MAX];
static size_t flooder_count = 16, flood_size, given_up;
static double calm[ROUNDS_MAX * ASKED], flooded[ROUNDS_MAX * ASKED];

static void die(const char *what)
{
	fprintf(stderr, "http_flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int connect_to_server(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) die("socket");
	if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0) die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	return fd;
}

static void begin_flooder(struct flooder *flooder)
{
	*flooder = (struct flooder){ .fd = connect_to_server() };
}

/* Until the kernel takes no more. The server may give one up that does not read; another comes. */
static void push(struct flooder *flooder)
{
	ssize_t n;
	while ((n = send(flooder->fd, flood + flooder->at, flood_size - flooder->at,
				MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		flooder->at = (flooder->at + (size_t)n) % (sizeof ASK_MUCH - 1);
	if (errno == EAGAIN) return;
	close(flooder->fd);
	begin_flooder(flooder);
	given_up++;
}

/* The head and the body come together or shortly after one another: it is read until the peer has
 * sent what the first answer was long. */
static double ask(int fd, size_t *answer_size)
{
	static char answer[4096];
	double began = now_us();
	if (send(fd, ASK, sizeof ASK - 1, MSG_NOSIGNAL) != (ssize_t)sizeof ASK - 1) die("send");
	size_t got = 0;
	do {
		ssize_t n = recv(fd, answer + got, sizeof answer - got, 0);
		if (n <= 0) die("recv");
		got += (size_t)n;
	} while (got < *answer_size);
	*answer_size = got;
	return now_us() - began;
}

static void run_round(double *times, size_t floods)
{
	int fd = connect_to_server();
	size_t answer_size = 0;
	for (size_t i = 0; i < floods; i++) begin_flooder(&flooders[i]);
	for (int i = 0; i < ASKED; i++) {
		for (size_t k = 0; k < floods; k++) push(&flooders[k]);
		times[i] = ask(fd, &answer_size);
	}
	for (size_t i = 0; i < floods; i++) close(flooders[i].fd);
	close(fd);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double report(const char *name, double *times, size_t count)
{
	qsort(times, count, sizeof *times, by_value);
	double p99 = times[count * 99 / 100];
	printf("%-8s median %8.1f us   p99 %8.1f us\n", name, times[count / 2], p99);
	return p99;
}

int main(int argc, char **argv)
{
	size_t rounds = 5;
	if (argc > 2) flooder_count = strtoul(argv[2], NULL, 10);
	if (argc > 3) rounds = strtoul(argv[3], NULL, 10);
	if (argc < 2 || argc > 4 || flooder_count > FLOODERS_MAX || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: http_flood PORT [FLOODERS [ROUNDS]]\n");
		return 2;
	}
	server.sin_port = htons((uint16_t)atoi(argv[1]));
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (; flood_size < (sizeof ASK_MUCH - 1) * BATCH; flood_size += sizeof ASK_MUCH - 1)
		memcpy(flood + flood_size, ASK_MUCH, sizeof ASK_MUCH - 1);
	for (size_t i = 0; i < rounds; i++) {
		fprintf(stderr, "\rround %zu/%zu", i + 1, rounds);
		run_round(calm + i * ASKED, 0);
		run_round(flooded + i * ASKED, flooder_count);
	}
	fprintf(stderr, "\n");
	double without = report("calm", calm, rounds * ASKED);
	double with = report("flooded", flooded, rounds * ASKED);
	printf(
		"p99 beside %zu clients that never read: %.2f times the calm one; %zu of them given up\n",
		flooder_count, with / without, given_up);
	return 0;
}
