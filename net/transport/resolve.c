/* getaddrinfo blocks, cannot be interrupted, and may take half a minute. So it runs in the pool on
 * memory of its own: who gives up waiting leaves the job its reference and goes. */
#include <netdb.h>
#include <stdatomic.h>
#include <string.h>
#include <weft/pool.h>
#include <weft/tcp.h>

#include "context/alloc.h"
#include "net/transport/address.h"
#include "runtime/run.h"
#include "runtime/worker.h"

enum { FOUND_MAX = 32 };

typedef struct lookup {
	_Atomic(unsigned) refs; /* of the job and of who asked */
	char host[WF_HOST_MAX];
	char port[WF_PORT_MAX];
	int rc;
	size_t count;
	weft_address found[FOUND_MAX];
} lookup;

static void unref(void *arg)
{
	lookup *look = arg;
	/* Release: what the job wrote is done. Acquire: whoever frees sees it done. */
	if (atomic_fetch_sub_explicit(&look->refs, 1, memory_order_acq_rel) == 1) wf_free(look);
}

static int error_of(int code)
{
	switch (code) {
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return WEFT_ENOENT;
	case EAI_AGAIN:
		return WEFT_EAGAIN;
	case EAI_MEMORY:
		return WEFT_ENOMEM;
	case EAI_SYSTEM:
		return errno ? -errno : -EIO;
	default:
		return -EIO;
	}
}

/* Always 0: what it found out, or not, is in `rc`, which nobody may want to know any more. */
static int look_up(void *arg)
{
	lookup *look = arg;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	int code = getaddrinfo(look->host, look->port, &hints, &list);
	if (code != 0) {
		look->rc = error_of(code);
		return 0;
	}
	for (const struct addrinfo *at = list; at != NULL && look->count < FOUND_MAX; at = at->ai_next)
		wf_address_set(&look->found[look->count++], at->ai_addr, at->ai_addrlen);
	freeaddrinfo(list);
	if (look->count == 0) look->rc = WEFT_ENOENT;
	return 0;
}

static int wait_for(lookup *look)
{
	weft_future *future = NULL;
	weft_pool *pool = wf_worker_here()->run->pool;
	atomic_fetch_add_explicit(&look->refs, 1, memory_order_relaxed);
	int rc = weft_pool_submit(pool, look_up, look, &future, .release = unref, .name = "resolve");
	if (rc != 0) return rc;
	rc = weft_await(future);
	if (rc < 0) weft_future_cancel(future);
	weft_future_unref(future);
	return rc < 0 ? rc : look->rc;
}

static int ask(const char *host_port, weft_address *list, size_t room, size_t *got)
{
	lookup *look = wf_zalloc(sizeof *look);
	if (look == NULL) return WEFT_ENOMEM;
	atomic_init(&look->refs, 1);
	int rc = wf_address_split(host_port, look->host, look->port);
	if (rc == 0) rc = wait_for(look);
	if (rc == 0) {
		*got = look->count < room ? look->count : room;
		memcpy(list, look->found, *got * sizeof *list);
	}
	unref(look);
	return rc;
}

int weft_resolve(const char *host_port, weft_address *list, size_t room, size_t *got)
{
	weft_address numeric;
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (room == 0) return WEFT_EINVAL;
	rc = weft_address_parse(host_port, &numeric);
	if (rc == WEFT_ENOENT) return ask(host_port, list, room, got);
	if (rc != 0) return rc;
	list[0] = numeric;
	*got = 1;
	return 0;
}
