#include "net/transport/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

_Static_assert(sizeof(weft_address) >= sizeof(struct sockaddr_storage), "an address holds any");

static const char unix_prefix[] = "unix:";
enum { UNIX_PREFIX = sizeof unix_prefix - 1, MAPPED = 12 };

static int copy_part(char *to, size_t room, const char *from, size_t size)
{
	if (size >= room) return WEFT_EINVAL;
	memcpy(to, from, size);
	to[size] = 0;
	return 0;
}

static bool is_port(const char *text)
{
	size_t length = strlen(text);
	return length > 0 && length < WF_PORT_MAX && strspn(text, "0123456789") == length &&
		   strtoul(text, NULL, 10) <= UINT16_MAX;
}

int wf_address_split(const char *text, char host[WF_HOST_MAX], char port[WF_PORT_MAX])
{
	const char *colon = strrchr(text, ':');
	if (colon == NULL || !is_port(colon + 1)) return WEFT_EINVAL;
	const char *first = text;
	const char *end = colon;
	if (*first == '[') {
		first++;
		end--;
		if (end < first || *end != ']') return WEFT_EINVAL;
	} else if (memchr(first, ':', (size_t)(end - first)) != NULL) {
		return WEFT_EINVAL;
	}
	int rc = copy_part(host, WF_HOST_MAX, first, (size_t)(end - first));
	return rc ? rc : copy_part(port, WF_PORT_MAX, colon + 1, strlen(colon + 1));
}

static int parse_unix(const char *path, weft_address *out)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	if (length == 0) return WEFT_EINVAL;
	if (length >= sizeof local.sun_path) return -ENAMETOOLONG;
	memcpy(local.sun_path, path, length);
	if (path[0] == '@') local.sun_path[0] = 0;
	*out = (weft_address){ { 0 } };
	memcpy(out, &local, sizeof local);
	return 0;
}

static int parse_six(char *host, uint16_t port, weft_address *out)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	char *zone = strchr(host, '%');
	if (zone != NULL) {
		*zone++ = 0;
		six.sin6_scope_id = if_nametoindex(zone);
		if (six.sin6_scope_id == 0) return WEFT_ENOENT;
	}
	if (inet_pton(AF_INET6, host, &six.sin6_addr) != 1) return WEFT_EINVAL;
	wf_address_set(out, (struct sockaddr *)&six, sizeof six);
	return 0;
}

int weft_address_parse(const char *text, weft_address *out)
{
	char host[WF_HOST_MAX], port_text[WF_PORT_MAX];
	if (strncmp(text, unix_prefix, UNIX_PREFIX) == 0) return parse_unix(text + UNIX_PREFIX, out);
	int rc = wf_address_split(text, host, port_text);
	if (rc != 0) return rc;
	uint16_t port = (uint16_t)strtoul(port_text, NULL, 10);
	if (text[0] == '[') return parse_six(host, port, out);
	if (host[0] == 0) strcpy(host, "::");
	if (strcmp(host, "::") == 0) return parse_six(host, port, out);
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	if (inet_pton(AF_INET, host, &four.sin_addr) != 1) return WEFT_ENOENT;
	wf_address_set(out, (struct sockaddr *)&four, sizeof four);
	return 0;
}

static int fits(int length, size_t room)
{
	return length >= 0 && (size_t)length < room ? 0 : -ENOSPC;
}

static int format_four(const void *address, uint16_t port, char *text, size_t room)
{
	char host[INET_ADDRSTRLEN];
	if (inet_ntop(AF_INET, address, host, sizeof host) == NULL) return -errno;
	return fits(snprintf(text, room, "%s:%u", host, port), room);
}

static int format_six(const struct sockaddr_in6 *six, char *text, size_t room)
{
	char host[INET6_ADDRSTRLEN], zone[IF_NAMESIZE + 1] = "";
	uint16_t port = ntohs(six->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		return format_four(six->sin6_addr.s6_addr + MAPPED, port, text, room);
	if (inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host) == NULL) return -errno;
	if (six->sin6_scope_id != 0) {
		zone[0] = '%';
		if (if_indextoname(six->sin6_scope_id, zone + 1) == NULL) zone[0] = 0;
	}
	return fits(snprintf(text, room, "[%s%s]:%u", host, zone, port), room);
}

static int format_unix(const struct sockaddr_un *local, socklen_t size, char *text, size_t room)
{
	size_t most = size - offsetof(struct sockaddr_un, sun_path);
	if (most > sizeof local->sun_path) most = sizeof local->sun_path;
	const char *path = local->sun_path;
	if (most == 0 || (path[0] == 0 && (most == 1 || path[1] == 0)))
		return fits(snprintf(text, room, "%s", unix_prefix), room);
	const char *sign = path[0] == 0 ? "@" : "";
	if (path[0] == 0) {
		path++;
		most--;
	}
	return fits(snprintf(text, room, "%s%s%.*s", unix_prefix, sign, (int)most, path), room);
}

int wf_address_format_socket(const struct sockaddr *socket, socklen_t size, char *text, size_t room)
{
	switch (socket->sa_family) {
	case AF_INET: {
		const struct sockaddr_in *four = (const void *)socket;
		return format_four(&four->sin_addr, ntohs(four->sin_port), text, room);
	}
	case AF_INET6:
		return format_six((const void *)socket, text, room);
	case AF_UNIX:
		return format_unix((const void *)socket, size, text, room);
	default:
		return WEFT_EINVAL;
	}
}

/* The words of an address are read as what they hold only through a copy. */
static struct sockaddr_storage load(const weft_address *address)
{
	struct sockaddr_storage socket;
	memcpy(&socket, address, sizeof socket);
	return socket;
}

int weft_address_format(const weft_address *address, char *text, size_t room)
{
	struct sockaddr_storage socket = load(address);
	socklen_t size;
	wf_address_socket(address, &size);
	return wf_address_format_socket((const struct sockaddr *)&socket, size, text, room);
}

int weft_address_port(const weft_address *address)
{
	struct sockaddr_storage socket = load(address);
	if (socket.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)(const void *)&socket)->sin_port);
	if (socket.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)&socket)->sin6_port);
	return 0;
}

void wf_address_set(weft_address *address, const struct sockaddr *socket, socklen_t size)
{
	if (size > sizeof *address) size = sizeof *address;
	*address = (weft_address){ { 0 } };
	memcpy(address, socket, size);
}

/* The length of a local socket's name counts: it ends before the NUL of an abstract one, and after
 * that of a path. */
static socklen_t unix_size(const struct sockaddr_un *local)
{
	bool abstract = local->sun_path[0] == 0;
	size_t length = abstract ? 1 + strlen(local->sun_path + 1) : strlen(local->sun_path) + 1;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

const struct sockaddr *wf_address_socket(const weft_address *address, socklen_t *size)
{
	struct sockaddr_storage socket = load(address);
	switch (socket.ss_family) {
	case AF_INET:
		*size = sizeof(struct sockaddr_in);
		break;
	case AF_INET6:
		*size = sizeof(struct sockaddr_in6);
		break;
	case AF_UNIX:
		*size = unix_size((const void *)&socket);
		break;
	default:
		*size = sizeof(struct sockaddr);
		break;
	}
	return (const void *)address;
}
