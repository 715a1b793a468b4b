/* TCP and local sockets as a client: names to addresses, addresses to streams. */
#ifndef WEFT_TCP_H
#define WEFT_TCP_H
#include <weft/address.h>
#include <weft/listener.h>
#include <weft/stream.h>
WEFT_BEGIN

/* The addresses of "host:port", best first (RFC 6724), at most `room`; `*got` is how many. Numeric
 * addresses need no look-up. Asks the system's resolver in the run's pool; when the scope is
 * cancelled, the look-up is abandoned there and returns at once. Thread: task. Suspends. Errors:
 * EINVAL, ENOENT (no such host), EAGAIN (the name server does not answer), EFULL (the pool is),
 * ENOMEM, ECANCELED. */
WEFT_API WEFT_MUST int weft_resolve(
	const char *host_port, weft_address *list, size_t room, size_t *got);

/* Connects to the first address of "host:port" that answers: they are tried 250 ms apart, or as
 * soon as one has failed, and the others are given up (RFC 8305). Thread: task. Suspends. Errors:
 * of weft_resolve; ECONNREFUSED, ETIMEDOUT and others of connect(2), of the last that failed. */
WEFT_API WEFT_MUST int weft_tcp_connect(const char *host_port, weft_stream **out);

/* Thread: task. Suspends. Errors: of connect(2); EINVAL (not an address of TCP), EMFILE, ENOMEM. */
WEFT_API WEFT_MUST int weft_tcp_connect_address(const weft_address *address, weft_stream **out);

/* Connects to a local socket: a path, or "@name". Waits while the listener's queue is full. Thread:
 * task. Suspends. Errors: ENOENT (no such path), ECONNREFUSED, EACCES, ENAMETOOLONG, EMFILE,
 * ENOMEM. */
WEFT_API WEFT_MUST int weft_unix_connect(const char *path, weft_stream **out);

WEFT_END
#endif
