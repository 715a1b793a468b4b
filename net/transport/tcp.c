#include <weft/tcp.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>
#include <weft/group.h>

#include "net/transport/address.h"
#include "net/transport/connect.h"

enum { ADDRESSES_MAX = 16, STAGGER_MS = 250 };

int weft_tcp_connect_address(const weft_address *address, weft_stream **out)
{
	socklen_t size;
	const struct sockaddr *to = wf_address_socket(address, &size);
	if (size != sizeof(struct sockaddr_in) && size != sizeof(struct sockaddr_in6))
		return WEFT_EINVAL;
	return wf_connect(to, size, WF_IO_TCP, out);
}

/* One address of several: they race. */
typedef struct attempt {
	weft_address to;
	weft_stream *stream;
} attempt;

static int run_attempt(void *arg)
{
	attempt *a = arg;
	return weft_tcp_connect_address(&a->to, &a->stream);
}

static void undo_attempt(void *arg)
{
	attempt *a = arg;
	weft_stream_abort(a->stream);
}

int weft_tcp_connect(const char *host_port, weft_stream **out)
{
	weft_address found[ADDRESSES_MAX];
	attempt tries[ADDRESSES_MAX];
	size_t n = 0;
	int rc = weft_resolve(host_port, found, ADDRESSES_MAX, &n);
	if (rc != 0) return rc;
	if (n == 1) return weft_tcp_connect_address(&found[0], out);
	for (size_t i = 0; i < n; i++) tries[i] = (attempt){ .to = found[i] };
	int won = weft_race_each(run_attempt, tries, n, .stagger_ms = STAGGER_MS, .undo = undo_attempt);
	if (won < 0) return won;
	*out = tries[won].stream;
	return 0;
}
