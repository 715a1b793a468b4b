/* The floor that HTTP servers are measured against: one thread, one epoll, recv, send. It parses
 * nothing: it is told how long a request is, and sends the same answer for each that many bytes. A
 * real server cannot be cheaper; the ratio says what HTTP, limits, timeouts and tasks cost.
 *
 *     bare_epoll PORT REQUEST_BYTES ANSWER_BYTES */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512, BUFFER = 65536, DESCRIPTORS = 65536 };

static char in[BUFFER], out[1 << 20];
static size_t rest_of[DESCRIPTORS]; /* bytes of a request that has not come whole */
static size_t request_size, answer_size;

static void fill_out(void)
{
	static const char body[] = "Hello, World!";
	char answer[4096];
	int head = snprintf(answer, sizeof answer,
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nX-Fill: ",
		sizeof body - 1);
	size_t fixed = (size_t)head + 4 + sizeof body - 1;
	if (answer_size < fixed) answer_size = fixed;
	memset(answer + head, 'x', answer_size - fixed);
	memcpy(answer + answer_size - sizeof body - 3, "\r\n\r\n", 4);
	memcpy(answer + answer_size - sizeof body + 1, body, sizeof body - 1);
	for (size_t at = 0; at + answer_size <= sizeof out; at += answer_size)
		memcpy(out + at, answer, answer_size);
}

static void serve(int fd)
{
	ssize_t n = recv(fd, in, sizeof in, 0);
	if (n <= 0) {
		if (n < 0 && errno == EAGAIN) return;
		rest_of[fd] = 0;
		close(fd);
		return;
	}
	size_t have = rest_of[fd] + (size_t)n;
	rest_of[fd] = have % request_size;
	size_t size = have / request_size * answer_size;
	if (size > 0 && send(fd, out, size, MSG_NOSIGNAL) < (ssize_t)size) close(fd);
}

static void accept_all(int epoll, int listener)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
		if (fd >= DESCRIPTORS || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) close(fd);
	}
}

static int listen_on(int port)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 4096) != 0) {
		perror("bare_epoll");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	if (argc < 4) return 2;
	request_size = strtoul(argv[2], NULL, 10);
	answer_size = strtoul(argv[3], NULL, 10);
	if (request_size == 0 || answer_size > 4096) return 2;
	fill_out();
	int listener = listen_on(atoi(argv[1])), epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listener };
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	printf("listening on http://127.0.0.1:%s\n", argv[1]);
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				accept_all(epoll, listener);
			else
				serve(events[i].data.fd);
		}
	}
}
