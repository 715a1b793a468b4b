#include <weft/tcp.h>

#include <string.h>
#include <sys/un.h>

#include "net/transport/connect.h"
#include "net/transport/nap.h"

enum { FIRST_MS = 1, LAST_MS = 64 };

int weft_unix_connect(const char *path, weft_stream **out)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	if (length == 0) return WEFT_EINVAL;
	if (length >= sizeof to.sun_path) return -ENAMETOOLONG;
	memcpy(to.sun_path, path, length);
	bool abstract = path[0] == '@';
	if (abstract) to.sun_path[0] = 0;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !abstract);

	wf_nap *nap;
	for (int ms = FIRST_MS;; ms = ms < LAST_MS ? ms * 2 : ms) {
		int rc = wf_connect((struct sockaddr *)&to, size, WF_IO_UNIX, out);
		/* The listener's queue is full, and no event will tell when it is not. */
		if (rc != WEFT_EAGAIN) return rc;
		rc = wf_nap_ms(&nap, ms, 0, "connect");
		if (rc != 0) return rc;
	}
}
