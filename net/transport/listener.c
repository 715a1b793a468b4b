/* Accepting.
 *
 * Who refers to a listener: its opener until close, the task inside accept or serve, each
 * connection that is served (it counts `open` down at its end), and the seam until `closed`. The
 * last one frees it; all of them are on its worker, because a connection that was served on another
 * sends a message at its end. */
#include "net/transport/listener.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <weft/report.h>
#include <weft/tcp.h>

#include "context/alloc.h"
#include "net/transport/nap.h"
#include "net/transport/place.h"
#include "net/transport/stream_fd.h"
#include "runtime/group.h"
#include "runtime/io.h"
#include "runtime/wait.h"

enum {
	LISTENER_MAGIC = 0x57464C49,
	BACKLOG = 4096,
	CONNECTIONS = 10000,
	DESCRIPTORS_KEPT = 64,
	PAUSE_FIRST_MS = 100,
	PAUSE_LAST_MS = 1000,
};

struct weft_listener {
	uint32_t magic;
	bool accepting; /* a task is inside */
	bool closing;
	bool per_worker;
	unsigned refs;
	int connections; /* at once, or WEFT_UNLIMITED */
	int pause_ms;
	wf_nap *nap; /* of the task inside, while accepting stands still */
	wf_place *place;
	wf_worker *worker;
	weft_listener_stats stats;
	wf_io io;
	char address[WEFT_ADDRESS_TEXT];
};

static void unref(weft_listener *l)
{
	if (--l->refs > 0) return;
	l->magic = 0;
	wf_free(l);
}

static int limit_of(int connections)
{
	if (connections != 0) return connections;
	struct rlimit files = { .rlim_cur = CONNECTIONS };
	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur >= CONNECTIONS + DESCRIPTORS_KEPT) return CONNECTIONS;
	/* Of few, half. */
	rlim_t half = files.rlim_cur / 2;
	int left = (int)(files.rlim_cur - (half < DESCRIPTORS_KEPT ? half : DESCRIPTORS_KEPT));
	return left > 0 ? left : 1;
}

static int open_place(
	const char *text, const weft_listener_options *options, wf_place **place, int *fd)
{
	wf_place_options how = {
		.backlog = options->backlog ? options->backlog : BACKLOG,
		.shared = options->per_worker,
		.mode = options->unix_mode,
	};
	weft_address found;
	size_t got = 0;
	int rc = strncmp(text, "fd:", 3) == 0 ? 0 : weft_address_parse(text, &found);
	if (rc != WEFT_ENOENT) return rc ? rc : wf_place_open(text, NULL, &how, place, fd);
	rc = weft_resolve(text, &found, 1, &got);
	return rc ? rc : wf_place_open(text, &found, &how, place, fd);
}

int weft_listener_open_with(
	const char *address, const weft_listener_options *options, weft_listener **out)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (options->backlog < 0 || options->connections < WEFT_UNLIMITED) return WEFT_EINVAL;
	weft_listener *l = wf_zalloc(sizeof *l);
	if (l == NULL) return WEFT_ENOMEM;
	int fd = -1;
	rc = open_place(address, options, &l->place, &fd);
	if (rc == 0) {
		rc = weft_address_format(wf_place_address(l->place), l->address, sizeof l->address);
		if (rc != 0) {
			close(fd);
			wf_place_leave(l->place);
		}
	}
	if (rc != 0) {
		wf_free(l);
		return rc;
	}
	l->magic = LISTENER_MAGIC;
	l->refs = 1;
	l->per_worker = options->per_worker;
	l->connections = limit_of(options->connections);
	l->worker = wf_worker_here();
	wf_io_open(&l->io, fd, WF_IO_LISTENER);
	*out = l;
	return 0;
}

static void on_closed(wf_io *io)
{
	unref(wf_container_of(io, weft_listener, io));
}

void weft_listener_close(weft_listener *l)
{
	if (l == NULL) return;
	wf_assert(l->magic == LISTENER_MAGIC && !l->closing && l->worker == wf_worker_here());
	l->closing = true;
	wf_nap_wake(l->nap);
	wf_place *place = l->place;
	/* The opener's reference becomes the seam's. */
	wf_io_close(&l->io, on_closed);
	wf_place_leave(place);
}

const char *weft_listener_address(const weft_listener *l)
{
	return l->address;
}

void weft_listener_get_stats(const weft_listener *l, weft_listener_stats *out)
{
	*out = l->stats;
}

static int enter(weft_listener *l)
{
	wf_assert(l != NULL && l->magic == LISTENER_MAGIC);
	if (wf_worker_here() == NULL) return WEFT_ENORUN;
	wf_assert(l->worker == wf_worker_here());
	if (l->closing) return WEFT_ECLOSED;
	if (l->accepting) return WEFT_EBUSY;
	l->accepting = true;
	l->refs++;
	return 0;
}

static int leave(weft_listener *l, int rc)
{
	l->accepting = false;
	if (l->closing && rc < 0) rc = WEFT_ECLOSED;
	unref(l);
	return rc;
}

static bool is_short_of_descriptors(ssize_t rc)
{
	return rc == -EMFILE || rc == -ENFILE;
}

static bool is_short_of_something(ssize_t rc)
{
	return is_short_of_descriptors(rc) || rc == -ENOBUFS || rc == -ENOMEM;
}

static int pause_for(weft_listener *l, int ms, unsigned flags)
{
	l->stats.pauses++;
	int rc = wf_nap_ms(&l->nap, ms, flags, "listener");
	return l->closing ? WEFT_ECLOSED : rc;
}

/* The kernel leaves the connection in its queue when there is no descriptor for it. */
static int wait_for_descriptors(weft_listener *l, unsigned flags, int why)
{
	if (l->pause_ms == 0)
		weft_report("listener", "accepting pauses until there is more of what it needs",
			weft_log_text("address", l->address), weft_log_code("error", why));
	l->pause_ms = l->pause_ms ? l->pause_ms * 2 : PAUSE_FIRST_MS;
	if (l->pause_ms > PAUSE_LAST_MS) l->pause_ms = PAUSE_LAST_MS;
	return pause_for(l, l->pause_ms, flags);
}

/* One connection into `s`, whose descriptor is not opened yet: it may go to another worker. */
static int accept_into(weft_listener *l, unsigned flags, wf_stream_fd *s, int *fd)
{
	struct sockaddr_storage peer;
	for (;;) {
		socklen_t size = sizeof peer;
		wf_op op = {
			.kind = WF_OP_ACCEPT, .io = &l->io, .accept = { .peer = &peer, .peer_size = &size }
		};
		ssize_t rc = wf_io_perform(&op, flags);
		if (rc >= 0) {
			l->pause_ms = 0;
			l->stats.accepted++;
			wf_stream_fd_set_peer(s, (struct sockaddr *)&peer, size);
			*fd = (int)rc;
			return 0;
		}
		if (!is_short_of_something(rc)) return (int)rc;
		/* Who was refused already makes room for who has come. */
		if (is_short_of_descriptors(rc) && wf_io_give_way()) continue;
		int paused = wait_for_descriptors(l, flags, (int)rc);
		if (paused != 0) return paused;
	}
}

static int accept_here(weft_listener *l, unsigned flags, weft_stream **out)
{
	wf_stream_fd *s = NULL;
	int fd = -1;
	int rc = wf_stream_fd_new(&s);
	if (rc == 0) rc = accept_into(l, flags, s, &fd);
	if (rc != 0) {
		wf_stream_fd_free(s);
		return rc;
	}
	wf_stream_fd_open(s, fd, wf_place_kind(l->place));
	*out = &s->stream;
	return 0;
}

int weft_listener_accept(weft_listener *l, weft_stream **out)
{
	int rc = enter(l);
	return rc ? rc : leave(l, accept_here(l, 0, out));
}

static int accept_and_open(weft_listener *l, unsigned flags, wf_stream_fd *s)
{
	int fd = -1;
	int rc = accept_into(l, flags, s, &fd);
	if (rc == 0) wf_stream_fd_open(s, fd, wf_place_kind(l->place));
	return rc;
}

/* Of a source of work: drained or closed is its proper end. */
static int as_next(int rc)
{
	if (rc == WEFT_ESHUTDOWN || rc == WEFT_ECLOSED) return 0;
	return rc ? rc : 1;
}

int wf_listener_next_into(weft_listener *l, wf_stream_fd *s)
{
	int rc = enter(l);
	return rc ? as_next(rc) : as_next(leave(l, accept_and_open(l, WF_WAIT_DRAIN, s)));
}

int weft_listener_next(weft_listener *l, weft_stream **out)
{
	int rc = enter(l);
	return rc ? as_next(rc) : as_next(leave(l, accept_here(l, WF_WAIT_DRAIN, out)));
}

static int wait_for_room(weft_listener *l)
{
	int rc = 0;
	while (rc == 0 && l->connections != WEFT_UNLIMITED && l->stats.open >= l->connections)
		rc = pause_for(l, WF_NAP_FOREVER, WF_WAIT_DRAIN);
	return rc;
}

static void count_open(weft_listener *l)
{
	l->refs++;
	l->stats.open++;
}

void wf_listener_ended(weft_listener *l, int rc)
{
	if (rc < 0) l->stats.failed++;
	l->stats.open--;
	wf_nap_wake(l->nap);
	unref(l);
}

static int next_counted(weft_listener *l, weft_stream **out)
{
	int rc = wait_for_room(l);
	if (rc == 0) rc = accept_here(l, WF_WAIT_DRAIN, out);
	if (rc == 0) count_open(l);
	return rc;
}

int wf_listener_next_counted(weft_listener *l, weft_stream **out)
{
	int rc = enter(l);
	return rc ? as_next(rc) : as_next(leave(l, next_counted(l, out)));
}

/* A connection on its way into its task, and back. */
typedef struct visit {
	weft_listener *listener;
	weft_stream_fn *fn;
	wf_stream_fd *stream; /* NULL once the task has it */
	int fd;
	wf_io_kind kind;
	int result;
	wf_message over; /* to the listener's worker, from wherever it was served */
} visit;

static int run_visit(void *arg)
{
	visit *v = arg;
	wf_stream_fd *s = v->stream;
	v->stream = NULL;
	wf_stream_fd_open(s, v->fd, v->kind);
	v->result = v->fn(&s->stream);
	if (v->result < 0)
		weft_log(WEFT_LOG_DEBUG, "a connection failed",
			weft_log_text("peer", weft_stream_peer(&s->stream)), weft_log_code("error", v->result));
	weft_stream_close(&s->stream);
	return 0;
}

static void on_over(wf_message *message)
{
	visit *v = wf_container_of(message, visit, over);
	weft_listener *l = v->listener;
	int rc = v->result;
	wf_free(v);
	wf_listener_ended(l, rc);
}

/* The task's last act, or instead of a task that could not start. */
static void end_visit(void *arg)
{
	visit *v = arg;
	if (v->stream != NULL) {
		close(v->fd);
		wf_stream_fd_free(v->stream);
		v->result = WEFT_ECANCELED;
	}
	wf_inbox_send(&v->listener->worker->inbox, &v->over);
}

static visit *new_visit(weft_listener *l, weft_stream_fn *fn, void *app)
{
	visit *v = wf_alloc(sizeof *v);
	if (v == NULL) return NULL;
	*v = (visit){ .listener = l, .fn = fn, .fd = -1, .kind = wf_place_kind(l->place) };
	v->over.deliver = on_over;
	if (wf_stream_fd_new(&v->stream) != 0) {
		wf_free(v);
		return NULL;
	}
	v->stream->stream.app = app;
	return v;
}

/* A connection that cannot be started is dropped, and accepting rests: more would fare no better.
 * The group does not hear of it. */
static int start_visit(weft_listener *l, weft_group *group, visit *v)
{
	weft_spawn_options options = {
		.size = sizeof options,
		.site = "weft_listener_serve",
		.name = "connection",
		.worker = l->per_worker ? WEFT_HERE : WEFT_ANYWHERE,
		.forget = true,
		.release = end_visit,
	};
	int rc = wf_group_spawn(group, run_visit, v, &options);
	if (rc == 0) return 0;
	end_visit(v);
	return wait_for_descriptors(l, WF_WAIT_DRAIN, rc);
}

static int serve_one(weft_listener *l, weft_group *group, weft_stream_fn *fn, void *app)
{
	int rc = wait_for_room(l);
	if (rc != 0) return rc;
	visit *v = new_visit(l, fn, app);
	if (v == NULL) return wait_for_descriptors(l, WF_WAIT_DRAIN, WEFT_ENOMEM);
	rc = accept_into(l, WF_WAIT_DRAIN, v->stream, &v->fd);
	if (rc != 0) {
		wf_stream_fd_free(v->stream);
		wf_free(v);
		return rc;
	}
	count_open(l);
	return start_visit(l, group, v);
}

int weft_listener_serve(weft_listener *l, weft_group *group, weft_stream_fn *fn, void *app)
{
	int rc = enter(l);
	if (rc != 0) return rc == WEFT_ECLOSED ? 0 : rc;
	while (rc == 0) rc = serve_one(l, group, fn, app);
	rc = leave(l, rc);
	return rc == WEFT_ESHUTDOWN || rc == WEFT_ECLOSED ? 0 : rc;
}
