/* Datagrams: each comes whole or not at all, and nobody says which. */
#ifndef WEFT_UDP_H
#define WEFT_UDP_H
#include <weft/address.h>
WEFT_BEGIN

typedef struct weft_udp weft_udp;

/* A socket bound to `address` ("127.0.0.1:0", "[::]:53"), which belongs to this worker. Thread:
 * task or worker. Errors: EINVAL (not an address of UDP), ENOENT (a host name), EADDRINUSE and
 * others of bind(2), EMFILE, ENOMEM, ENORUN. */
WEFT_API WEFT_MUST int weft_udp_open(const char *address, weft_udp **out);

/* Where it is bound; lives as long as the socket. */
WEFT_API const char *weft_udp_address(const weft_udp *u);

/* Waits for a datagram. `*got` is its length, which may be 0; `*from` (may be NULL) who sent it.
 * One task at a time. Thread: task. Suspends. Errors: EMSGSIZE (it was longer than `size`; the rest
 * is lost, `*got` is the length it had), EBUSY, ECLOSED, ECANCELED, ECONNREFUSED (an earlier one
 * found nobody). */
WEFT_API WEFT_MUST int weft_udp_receive(
	weft_udp *u, void *data, size_t size, size_t *got, weft_address *from);

/* Sends one datagram; returns when the kernel took it. One task at a time. Thread: task. Suspends.
 * Errors: EMSGSIZE (too long for the way there), EBUSY, ECLOSED, ECANCELED, EINVAL, others of
 * sendmsg(2). */
WEFT_API WEFT_MUST int weft_udp_send(
	weft_udp *u, const void *data, size_t size, const weft_address *to);

/* Frees; NULL is fine. Whoever waits in it gets ECLOSED. Thread: the socket's worker. */
WEFT_API void weft_udp_close(weft_udp *u);

WEFT_END
#endif
