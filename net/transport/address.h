/* Addresses as sockets know them. */
#ifndef WF_NET_TRANSPORT_ADDRESS_H
#define WF_NET_TRANSPORT_ADDRESS_H

#include <sys/socket.h>
#include <weft/address.h>

WEFT_BEGIN

enum { WF_HOST_MAX = 256, WF_PORT_MAX = 6 };

/* Splits "host:port" or "[host]:port"; the port must be a number up to 65535. Errors: EINVAL. */
int wf_address_split(const char *text, char host[WF_HOST_MAX], char port[WF_PORT_MAX]);

const struct sockaddr *wf_address_socket(const weft_address *address, socklen_t *size);
void wf_address_set(weft_address *address, const struct sockaddr *socket, socklen_t size);
/* As weft_address_format. `size` may end inside the path of a local socket, as the kernel gives it.
 */
int wf_address_format_socket(
	const struct sockaddr *socket, socklen_t size, char *text, size_t room);

WEFT_END
#endif
