/* One noun for all that accepts.
 *
 *   "[::]:8080" ":8080" "127.0.0.1:0"   TCP; port 0 lets the kernel choose (weft_listener_address
 *                                       tells); "[::]" takes IPv4 as well
 *   "localhost:8080"                    the first address of a host name
 *   "unix:/path" "unix:@name"           a local socket. A path that a dead server left is taken
 *                                       over, one that a live server or a file holds is
 *                                       EADDRINUSE; it is removed at the end
 *   "fd:3" "fd:web"                     a listening socket that was handed in, by number or by its
 *                                       name in systemd's LISTEN_FDNAMES. It stays open afterwards
 *
 * Accepting stops while it cannot go on: while `connections` are open, and for 0.1 s to 1 s at a
 * time while the process has no descriptor left. Nobody is dropped for that, connections wait in
 * the kernel's queue. What died in the queue is skipped. */
#ifndef WEFT_LISTENER_H
#define WEFT_LISTENER_H
#include <weft/address.h>
#include <weft/group.h>
#include <weft/stream.h>
WEFT_BEGIN

typedef struct weft_listener weft_listener;

typedef struct weft_listener_options {
	size_t size;
	WEFT_NAMED_ONLY;
	/* Connections that wait in the kernel's queue. 0: 4096. The kernel's own limit
	 * (net.core.somaxconn) holds all the same. */
	int backlog WEFT_DEFAULT;
	/* Open at once, of those that weft_listener_serve serves. 0: 10 000, or 64 less than the
	 * process may have descriptors (but half of them at least), if that is fewer. WEFT_UNLIMITED.
	 */
	int connections WEFT_DEFAULT;
	/* Each worker that opens the same address gets a socket of its own, and the kernel spreads the
	 * connections over them; they are served where they were accepted. Otherwise there is one
	 * socket, and serve spreads the connections over all workers. */
	bool per_worker WEFT_DEFAULT;
	unsigned unix_mode WEFT_DEFAULT; /* of a local path, as chmod(2); 0: by the umask */
} weft_listener_options;

/* Listens from now on; connections queue up until they are accepted. The listener belongs to this
 * worker. Thread: task. Suspends. Errors: EADDRINUSE (also when somebody else shares the port),
 * EADDRNOTAVAIL, EACCES, EINVAL (no such form; a socket that does not listen), ENOTSOCK, ENOENT
 * (unknown host or name), EBADF, EMFILE, ENOMEM. */
WEFT_API WEFT_MUST int weft_listener_open_with(
	const char *address, const weft_listener_options *options, weft_listener **out);
#define weft_listener_open(...) WEFT_LISTENER_OPEN_(__VA_ARGS__, )
#define WEFT_LISTENER_OPEN_(address, out, ...)                                                     \
	weft_listener_open_with(address, WEFT_OPTIONS(weft_listener_options, __VA_ARGS__), out)

/* Where it listens, as "127.0.0.1:8080"; lives as long as the listener. Thread: any. */
WEFT_API const char *weft_listener_address(const weft_listener *l);

/* Exactly one connection; the stream is yours. One task at a time. A cancel loses no connection.
 * Thread: task. Suspends. Errors: EBUSY, ECLOSED, ECANCELED, ENOMEM. */
WEFT_API WEFT_MUST int weft_listener_accept(weft_listener *l, weft_stream **out);

/* The same as a source of work: 1 a connection; 0 when this task was asked to drain and the queue
 * is empty, or when the listener was closed; negative error. Thread: task. Suspends. */
WEFT_API WEFT_MUST int weft_listener_next(weft_listener *l, weft_stream **out);

/* Gives each connection to fn in a task of `group`, until next would return 0, and returns 0 then;
 * the connections may still be at work, joining the group waits for them. The stream is closed when
 * fn returns; weft_stream_app gives `app`. A failure is counted, and logged for debugging; it
 * never fails the group. Thread: task. Suspends. Errors: EBUSY, ECANCELED, ENOMEM. */
typedef int weft_stream_fn(weft_stream *s);
WEFT_API WEFT_MUST int weft_listener_serve(
	weft_listener *l, weft_group *group, weft_stream_fn *fn, void *app);

typedef struct weft_listener_stats {
	uint64_t accepted;
	uint64_t failed; /* of those served: fn returned an error, or could not be started */
	uint64_t pauses; /* times accepting stopped, for any reason */
	int open;        /* being served now */
} weft_listener_stats;
/* Thread: the listener's worker. */
WEFT_API void weft_listener_get_stats(const weft_listener *l, weft_listener_stats *out);

/* Stops listening and frees; NULL is fine. A task that waits in it gets ECLOSED (next and serve:
 * 0). Connections that were not accepted are reset by the kernel; drain first to lose none. Thread:
 * task or worker. */
WEFT_API void weft_listener_close(weft_listener *l);

WEFT_END
#endif
