#include "tests/runtime/io_scenarios.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>
#include <weft/error.h>
#include <weft/timer.h>

#include "runtime/io.h"

#define CHECK(condition)                                                                           \
	do {                                                                                           \
		if (!(condition)) return __LINE__;                                                         \
	} while (0)

/* A descriptor of ours, and its peer as a plain socket. */
typedef struct end {
	wf_io io;
	int peer;
	int ready, gone, closed;
} end;

static int tcp_pair(int fds[2])
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	socklen_t size = sizeof to;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(listener >= 0 && fds[0] >= 0);
	CHECK(bind(listener, (struct sockaddr *)&to, size) == 0 && listen(listener, 1) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&to, &size) == 0);
	CHECK(connect(fds[0], (struct sockaddr *)&to, size) == 0);
	fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK(fds[1] >= 0);
	close(listener);
	return 0;
}

static int open_end(end *e)
{
	int fds[2];
	memset(e, 0, sizeof *e);
	CHECK(tcp_pair(fds) == 0);
	e->peer = fds[0];
	wf_io_open(&e->io, fds[1], WF_IO_TCP);
	return 0;
}

static void on_ready(wf_io *io)
{
	wf_container_of(io, end, io)->ready++;
}

static void on_gone(wf_io *io)
{
	wf_container_of(io, end, io)->gone++;
}

static void on_closed(wf_io *io)
{
	wf_container_of(io, end, io)->closed++;
}

static int turns(int n)
{
	for (int i = 0; i < n; i++) CHECK(weft_sleep_ms(1) == 0);
	return 0;
}

static int wait_for(const int *flag)
{
	for (int i = 0; i < 5000 && *flag == 0; i++) CHECK(weft_sleep_ms(1) == 0);
	CHECK(*flag != 0);
	return 0;
}

static int close_end(end *e)
{
	wf_io_close(&e->io, on_closed);
	CHECK(wait_for(&e->closed) == 0);
	CHECK(e->closed == 1);
	if (e->peer >= 0) close(e->peer);
	return 0;
}

static void reset_peer(end *e)
{
	struct linger none = { .l_onoff = 1 };
	setsockopt(e->peer, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	close(e->peer);
	e->peer = -1;
}

static ssize_t receive(end *e, void *data, size_t size)
{
	wf_op op = { .kind = WF_OP_RECV, .io = &e->io, .recv = { .data = data, .size = size } };
	return wf_io_perform(&op, 0);
}

int io_ready_is_told_once(void *arg)
{
	static end e;
	(void)arg;
	CHECK(open_end(&e) == 0);
	CHECK(wf_io_ready(&e.io, on_ready) == 0);
	CHECK(turns(5) == 0 && e.ready == 0);
	CHECK(write(e.peer, "x", 1) == 1);
	CHECK(wait_for(&e.ready) == 0);
	CHECK(turns(5) == 0 && e.ready == 1);
	/* The byte is still there: asking again is answered again, but never from within. */
	CHECK(wf_io_ready(&e.io, on_ready) == 0);
	CHECK(e.ready == 1);
	CHECK(turns(5) == 0 && e.ready == 2);
	return close_end(&e);
}

int io_ready_can_be_taken_back(void *arg)
{
	static end e;
	(void)arg;
	CHECK(open_end(&e) == 0);
	CHECK(wf_io_ready(&e.io, on_ready) == 0);
	CHECK(wf_io_ready(&e.io, NULL) == 0);
	CHECK(write(e.peer, "x", 1) == 1);
	CHECK(turns(5) == 0 && e.ready == 0);
	return close_end(&e);
}

/* The late back end may say "not now" although there is something: ask until it is there. */
static ssize_t take_at_last(end *e, char *data, size_t size)
{
	ssize_t n = -EAGAIN;
	for (int i = 0; i < 1000 && n == -EAGAIN; i++) n = wf_io_take(&e->io, data, size);
	return n;
}

int io_take_and_put_happen_now_or_never(void *arg)
{
	(void)arg;
	end e;
	char data[8] = "";
	CHECK(open_end(&e) == 0);
	CHECK(wf_io_take(&e.io, data, sizeof data) == -EAGAIN);
	CHECK(send(e.peer, "ab", 2, 0) == 2);
	size_t have = 0;
	while (have < 2) {
		ssize_t n = take_at_last(&e, data + have, sizeof data - have);
		CHECK(n > 0);
		have += (size_t)n;
	}
	CHECK(memcmp(data, "ab", 2) == 0);
	ssize_t sent = wf_io_put(&e.io, "cd", 2);
	CHECK(sent > 0 && sent <= 2);
	CHECK(recv(e.peer, data, sizeof data, 0) == sent && data[0] == 'c');
	close(e.peer);
	CHECK(take_at_last(&e, data, sizeof data) == 0);
	wf_io_close(&e.io, on_closed);
	return wait_for(&e.closed);
}

int io_gone_is_told_on_an_end(void *arg)
{
	static end e;
	(void)arg;
	CHECK(open_end(&e) == 0);
	CHECK(wf_io_watch_gone(&e.io, on_gone) == 0);
	CHECK(turns(5) == 0 && e.gone == 0);
	CHECK(shutdown(e.peer, SHUT_WR) == 0);
	CHECK(wait_for(&e.gone) == 0);
	CHECK(turns(5) == 0 && e.gone == 1);
	char c;
	CHECK(receive(&e, &c, 1) == 0);
	return close_end(&e);
}

int io_gone_is_told_though_data_is_unread(void *arg)
{
	static end e;
	char c[4];
	(void)arg;
	CHECK(open_end(&e) == 0);
	/* It waits for a request, gets one, and hears of the end while it works at it. */
	CHECK(wf_io_ready(&e.io, on_ready) == 0);
	CHECK(write(e.peer, "1", 1) == 1);
	CHECK(wait_for(&e.ready) == 0);
	CHECK(receive(&e, c, sizeof c) == 1);
	CHECK(wf_io_watch_gone(&e.io, on_gone) == 0);
	CHECK(write(e.peer, "2", 1) == 1);
	CHECK(turns(5) == 0 && e.gone == 0);
	CHECK(shutdown(e.peer, SHUT_WR) == 0);
	CHECK(wait_for(&e.gone) == 0);
	CHECK(receive(&e, c, sizeof c) == 1 && c[0] == '2');
	CHECK(receive(&e, c, sizeof c) == 0);
	return close_end(&e);
}

int io_gone_is_told_on_a_reset(void *arg)
{
	static end e;
	char c;
	(void)arg;
	CHECK(open_end(&e) == 0);
	CHECK(wf_io_watch_gone(&e.io, on_gone) == 0);
	CHECK(write(e.peer, "x", 1) == 1);
	CHECK(turns(3) == 0 && e.gone == 0);
	reset_peer(&e);
	CHECK(wait_for(&e.gone) == 0);
	CHECK(receive(&e, &c, 1) == 1);
	CHECK(receive(&e, &c, 1) == -ECONNRESET);
	return close_end(&e);
}

int io_reset_leaves_unread_data(void *arg)
{
	static end e;
	char c[8];
	(void)arg;
	CHECK(open_end(&e) == 0);
	CHECK(wf_io_ready(&e.io, on_ready) == 0);
	CHECK(write(e.peer, "abc", 3) == 3);
	reset_peer(&e);
	CHECK(wait_for(&e.ready) == 0);
	size_t have = 0;
	ssize_t n;
	while ((n = receive(&e, c + have, sizeof c - have)) > 0) have += (size_t)n;
	CHECK(have == 3 && memcmp(c, "abc", 3) == 0);
	CHECK(n == -ECONNRESET);
	CHECK(receive(&e, c, sizeof c) == 0);
	return close_end(&e);
}

typedef struct lent {
	wf_op op;
	int done;
	char data[8];
} lent;

static void on_done(wf_op *op)
{
	wf_container_of(op, lent, op)->done++;
}

static void init_recv(lent *l, end *e)
{
	memset(l, 0, sizeof *l);
	l->op.kind = WF_OP_RECV;
	l->op.io = &e->io;
	l->op.done = on_done;
	l->op.recv.data = l->data;
	l->op.recv.size = sizeof l->data;
}

int io_close_completes_what_is_pending(void *arg)
{
	static end e;
	lent l;
	(void)arg;
	CHECK(open_end(&e) == 0);
	init_recv(&l, &e);
	CHECK(!wf_io_submit(&l.op));
	CHECK(turns(3) == 0 && l.done == 0);
	CHECK(close_end(&e) == 0);
	CHECK(l.done == 1 && l.op.result == WEFT_ECLOSED);
	return 0;
}

int io_cancel_completes_exactly_once(void *arg)
{
	static end e;
	int received = 0, sent = 0;
	(void)arg;
	CHECK(open_end(&e) == 0);
	for (int i = 0; i < 300; i++) {
		lent l;
		init_recv(&l, &e);
		if (i % 3 == 0) sent += (int)write(e.peer, "x", 1);
		if (wf_io_submit(&l.op)) {
			CHECK(l.op.result > 0 && l.done == 0);
		} else {
			if (i % 2 == 0) CHECK(turns(1) == 0);
			if (i % 5 == 0) sent += (int)write(e.peer, "x", 1);
			wf_io_cancel(&l.op);
			wf_io_cancel(&l.op);
			CHECK(wait_for(&l.done) == 0);
			CHECK(turns(1) == 0 && l.done == 1);
			CHECK(l.op.result > 0 || l.op.result == WEFT_ECANCELED);
		}
		if (l.op.result > 0) received += (int)l.op.result;
	}
	close(e.peer);
	e.peer = -1;
	char rest[8];
	ssize_t n;
	while ((n = receive(&e, rest, sizeof rest)) > 0) received += (int)n;
	CHECK(n == 0 && received == sent);
	return close_end(&e);
}

/* As a server does: a request is read in the turn in which it came. */
static void serve_request(wf_io *io)
{
	end *e = wf_container_of(io, end, io);
	char data[16];
	wf_op op = { .kind = WF_OP_RECV, .io = io, .recv = { .data = data, .size = sizeof data } };
	if (wf_io_submit(&op) && op.result == 7) e->ready++;
}

int io_stays_armed_between_requests(void *arg)
{
	static end e;
	(void)arg;
	CHECK(open_end(&e) == 0);
	CHECK(!e.io.polled);
	for (int i = 0; i < 10; i++) {
		e.ready = 0;
		CHECK(wf_io_ready(&e.io, serve_request) == 0);
		CHECK(wf_io_watch_gone(&e.io, on_gone) == 0);
		CHECK(e.io.armed == UV_READABLE);
		CHECK(write(e.peer, "request", 7) == 7);
		CHECK(wait_for(&e.ready) == 0);
		CHECK(wf_io_watch_gone(&e.io, NULL) == 0);
		CHECK(e.io.armed == UV_READABLE && e.io.drained);
	}
	return close_end(&e);
}

int io_event_nobody_wants_comes_once(void *arg)
{
	static end e;
	(void)arg;
	CHECK(open_end(&e) == 0);
	CHECK(wf_io_ready(&e.io, on_ready) == 0);
	CHECK(write(e.peer, "x", 1) == 1);
	CHECK(wait_for(&e.ready) == 0);
	CHECK(turns(3) == 0);
	CHECK(e.io.armed == 0);
	CHECK(wf_io_watch_gone(&e.io, on_gone) == 0);
	CHECK(e.io.armed == UV_DISCONNECT);
	uint64_t before = wf_worker_here()->turns;
	CHECK(weft_sleep_ms(50) == 0);
	/* Nothing spins: the byte that nobody wants costs no turns. */
	CHECK(wf_worker_here()->turns - before < 10);
	return close_end(&e);
}

int io_release_gives_the_descriptor_back(void *arg)
{
	static end e;
	char c;
	(void)arg;
	CHECK(open_end(&e) == 0);
	CHECK(wf_io_ready(&e.io, on_ready) == 0);
	int fd = wf_io_release(&e.io, on_closed);
	CHECK(wait_for(&e.closed) == 0);
	CHECK(write(e.peer, "x", 1) == 1);
	CHECK(read(fd, &c, 1) == 1);
	CHECK(e.ready == 0);
	close(fd);
	close(e.peer);
	return 0;
}

int io_linger_waits_for_the_peer(void *arg)
{
	static end e;
	char c[8];
	(void)arg;
	CHECK(open_end(&e) == 0);
	CHECK(write(e.peer, "unread", 6) == 6);
	CHECK(send(e.io.fd, "bye", 3, 0) == 3);
	wf_io_linger(&e.io, on_closed);
	CHECK(turns(5) == 0 && e.closed == 0);
	CHECK(write(e.peer, "more", 4) == 4);
	CHECK(turns(5) == 0 && e.closed == 0);
	CHECK(read(e.peer, c, sizeof c) == 3);
	CHECK(read(e.peer, c, sizeof c) == 0);
	close(e.peer);
	CHECK(wait_for(&e.closed) == 0);
	return 0;
}

int io_linger_is_over_when_the_run_is(void *arg)
{
	/* Outlives the run's task: the run closes it. */
	static end e;
	(void)arg;
	CHECK(open_end(&e) == 0);
	wf_io_linger(&e.io, on_closed);
	CHECK(e.closed == 0);
	return 0;
}
