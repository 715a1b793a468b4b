#include <weft/tcp.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "net/transport/address.h"
#include "net/transport/connect.h"

enum { ADDRESSES_MAX = 16 };

int weft_tcp_connect_address(const weft_address *address, weft_stream **out)
{
	socklen_t size;
	const struct sockaddr *to = wf_address_socket(address, &size);
	if (size != sizeof(struct sockaddr_in) && size != sizeof(struct sockaddr_in6))
		return WEFT_EINVAL;
	return wf_connect(to, size, WF_IO_TCP, out);
}

int weft_tcp_connect(const char *host_port, weft_stream **out)
{
	weft_address found[ADDRESSES_MAX];
	size_t n = 0;
	int rc = weft_resolve(host_port, found, ADDRESSES_MAX, &n);
	for (size_t i = 0; i < n; i++) {
		rc = weft_tcp_connect_address(&found[i], out);
		if (rc == 0 || rc == WEFT_ECANCELED) break;
	}
	return rc;
}
