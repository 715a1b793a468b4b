#include "runtime/io_linger.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "context/alloc.h"
#include "context/clock.h"

enum {
	DISCARDS_AT_ONCE =
		16, /* a peer that sends without end must not keep the worker from its tasks */
	LOOK_AGAIN_MS = 5,
};

/* True: the peer has ended, or is gone. On TCP the kernel drops the bytes without copying them. */
static bool discard(wf_io *io)
{
	for (int i = 0; i < DISCARDS_AT_ONCE; i++) {
		ssize_t rc = recv(io->fd, io->worker->scratch, WF_SCRATCH_SIZE, MSG_DONTWAIT | MSG_TRUNC);
		if (rc > 0 || (rc < 0 && errno == EINTR)) continue;
		return rc == 0 || errno != EAGAIN;
	}
	return false;
}

static void end(wf_lingering *lingering, wf_io *io)
{
	lingering->count--;
	io->ready = NULL;
	wf_io_poll.close(io);
}

static void on_ready(wf_io *io)
{
	wf_lingering *lingering = io->worker->io_state;
	io->ready = on_ready;
	if (discard(io) || wf_io_poll.ready(io) != 0) end(lingering, io);
}

static void end_all(wf_lingering *lingering, wf_list *list)
{
	while (!wf_list_empty(list)) {
		wf_io *io = wf_list_first(list, wf_io, open);
		/* The last chance to keep the kernel from answering unread data with an RST. */
		discard(io);
		end(lingering, io);
	}
}

static int arm(wf_lingering *lingering)
{
	return wf_timer_arm(&lingering->worker->timers, &lingering->timer,
		wf_now_ns() + (int64_t)WF_LINGER_MS * 1000000);
}

static void on_timer(wf_timer *timer)
{
	wf_lingering *lingering = wf_container_of(timer, wf_lingering, timer);
	end_all(lingering, &lingering->old);
	wf_list_append(&lingering->old, &lingering->young);
	if (lingering->count > 0 && arm(lingering) != 0) end_all(lingering, &lingering->old);
}

static void end_oldest(wf_lingering *lingering)
{
	wf_list *list = wf_list_empty(&lingering->old) ? &lingering->young : &lingering->old;
	wf_io *io = wf_list_first(list, wf_io, open);
	discard(io);
	end(lingering, io);
}

void wf_lingering_add(wf_lingering *lingering, wf_io *io)
{
	/* What a local socket sent is at its peer already; only refuse more, and drop what came. */
	bool local = io->kind == WF_IO_UNIX;
	shutdown(io->fd, local ? SHUT_RDWR : SHUT_WR);
	lingering->count++;
	if (discard(io) || local) {
		end(lingering, io);
		return;
	}
	if (lingering->count > lingering->most) end_oldest(lingering);
	wf_list_remove(&io->open);
	wf_list_push_back(&lingering->young, &io->open);
	io->ready = on_ready;
	bool timed = wf_timer_armed(&lingering->timer) || arm(lingering) == 0;
	if (!timed || wf_io_poll.ready(io) != 0) end(lingering, io);
}

bool wf_io_give_way(void)
{
	wf_lingering *lingering = wf_worker_here()->io_state;
	if (lingering->count == 0) return false;
	end_oldest(lingering);
	return true;
}

static unsigned limit(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0) return WF_LINGER_MAX;
	rlim_t part = files.rlim_cur / 8 + 1;
	return part < WF_LINGER_MAX ? (unsigned)part : WF_LINGER_MAX;
}

void wf_lingering_init(wf_lingering *lingering, wf_worker *worker)
{
	*lingering = (wf_lingering){ .worker = worker, .most = limit(), .timer = { .fire = on_timer } };
	wf_list_init(&lingering->young);
	wf_list_init(&lingering->old);
}

/* Nothing of ours is on its way any more: no RST can destroy it. */
static bool is_delivered(const wf_io *io)
{
	int bytes = 0;
	return ioctl(io->fd, SIOCOUTQ, &bytes) != 0 || bytes == 0;
}

static void end_delivered(wf_lingering *lingering, wf_list *list)
{
	wf_list_for_each(node, list)
	{
		wf_io *io = wf_list_entry(node, wf_io, open);
		if (discard(io) || is_delivered(io)) end(lingering, io);
	}
}

static void on_look_again(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void forget_timer(uv_handle_t *handle)
{
	wf_free(handle);
}

/* What is not delivered by now gets as long as it would have had. No event tells of a delivery. */
static void settle(wf_lingering *lingering)
{
	uv_loop_t *loop = &lingering->worker->loop;
	int64_t until_ns = wf_now_ns() + (int64_t)WF_LINGER_MS * 1000000;
	wf_list_append(&lingering->old, &lingering->young);
	end_delivered(lingering, &lingering->old);
	uv_timer_t *timer = lingering->count > 0 ? wf_alloc(sizeof *timer) : NULL;
	if (timer == NULL) return;
	uv_timer_init(loop, timer);
	uv_timer_start(timer, on_look_again, LOOK_AGAIN_MS, LOOK_AGAIN_MS);
	while (lingering->count > 0 && wf_now_ns() < until_ns) {
		uv_run(loop, UV_RUN_ONCE);
		end_delivered(lingering, &lingering->old);
	}
	uv_close((uv_handle_t *)timer, forget_timer);
}

void wf_lingering_fini(wf_lingering *lingering)
{
	wf_timer_cancel(&lingering->worker->timers, &lingering->timer);
	settle(lingering);
	end_all(lingering, &lingering->old);
}
