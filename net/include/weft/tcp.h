#ifndef WEFT_TCP_H
#define WEFT_TCP_H
#include <weft/listener.h>
#include <weft/stream.h>
WEFT_BEGIN
typedef struct weft_address {
	uint64_t words[16] WEFT_DEFAULT;
} weft_address;
WEFT_API WEFT_MUST int weft_resolve(
	const char *host_port, weft_address *list, size_t room, size_t *got);
WEFT_API WEFT_MUST int weft_tcp_connect(const char *host_port, weft_stream **out);
WEFT_API WEFT_MUST int weft_tcp_connect_address(const weft_address *address, weft_stream **out);
WEFT_END
#endif
