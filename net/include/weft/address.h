/* Where a socket is: an address and a port, or a path. A value, to be copied at will.
 *
 *   "127.0.0.1:8080"  "[::1]:8080"  "[fe80::1%eth0]:8080"   numeric host and port
 *   ":8080"           every address of this machine, IPv6 and IPv4: the same as "[::]:8080"
 *   "unix:/path"      a local socket; "unix:@name" in Linux's abstract name space
 *
 * Host names are for weft_resolve. */
#ifndef WEFT_ADDRESS_H
#define WEFT_ADDRESS_H
#include <weft/error.h>
WEFT_BEGIN

/* Room for any sockaddr; all zero is no address. */
typedef struct weft_address {
	uint64_t words[16] WEFT_DEFAULT;
} weft_address;

/* Bytes, with the NUL, that hold the text of every address. */
enum { WEFT_ADDRESS_TEXT = 160 };

/* Thread: any. Errors: EINVAL (no such form, no port, or one above 65535), ENOENT (a host name, or
 * an unknown interface), ENAMETOOLONG (a path of more than 107 bytes). */
WEFT_API WEFT_MUST int weft_address_parse(const char *text, weft_address *out);

/* The forms above; an IPv4 address that came in as IPv6 ("::ffff:127.0.0.1") is written as IPv4.
 * Thread: any. Errors: ENOSPC (`room` is too small; WEFT_ADDRESS_TEXT never is), EINVAL. */
WEFT_API WEFT_MUST int weft_address_format(const weft_address *address, char *text, size_t room);

/* 0 where there is none. Thread: any. */
WEFT_API int weft_address_port(const weft_address *address);

WEFT_END
#endif
