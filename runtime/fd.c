#include <weft/fd.h>

#include "context/alloc.h"
#include "runtime/io.h"

_Static_assert((int)WEFT_READABLE == (int)UV_READABLE && (int)WEFT_WRITABLE == (int)UV_WRITABLE,
	"the seam's events are libuv's");

static void forget(wf_io *io)
{
	wf_free(io);
}

int weft_fd_wait(int fd, int events)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (events == 0 || (events & ~(WEFT_READABLE | WEFT_WRITABLE)) != 0) return WEFT_EINVAL;
	if (fd < 0) return -EBADF;
	wf_io *io = wf_alloc(sizeof *io);
	if (io == NULL) return WEFT_ENOMEM;
	wf_io_open(io, fd, WF_IO_FOREIGN);
	wf_op op = { .kind = WF_OP_WAIT, .io = io, .wait = { .events = events } };
	rc = (int)wf_io_perform(&op, 0);
	wf_io_close(io, forget);
	return rc;
}

struct uv_loop_s *weft_worker_uv_loop(void)
{
	wf_worker *worker = wf_worker_here();
	return worker ? &worker->loop : NULL;
}
