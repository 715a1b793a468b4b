/* Foreign descriptors and foreign libuv code, inside a run.
 *
 * Libraries that speak over a socket of their own (libpq, curl-multi, hiredis) tell which
 * descriptor to wait for; weft_fd_wait suspends the task until then, while its worker goes on. Code
 * written for libuv gets the worker's loop. */
#ifndef WEFT_FD_H
#define WEFT_FD_H
#include <weft/error.h>
WEFT_BEGIN

enum { WEFT_READABLE = 1, WEFT_WRITABLE = 2 };

/* Waits until one of `events` (WEFT_READABLE | WEFT_WRITABLE) holds for `fd`, and returns those
 * that do, at least one. A hang-up or an error on the descriptor counts as all of `events`: the
 * next read or write tells. The descriptor stays yours, as blocking or non-blocking as it was;
 * several tasks may wait for it at once, and closing it meanwhile does no harm (but does not end
 * the wait). A regular file is always ready. Thread: task. Suspends. Errors: ECANCELED, ENORUN,
 * ENOTASK, EINVAL (no event asked, or one that is not), EBADF, ENOMEM, EMFILE. */
WEFT_API WEFT_MUST int weft_fd_wait(int fd, int events);

/* The calling worker's loop, for existing libuv code; NULL outside a worker. Use it from this
 * worker only. Callbacks made by it are not tasks: suspending calls fail there with ENOTASK. Every
 * handle must be closed before the run ends, which waits for them. Thread: worker or task. */
WEFT_API struct uv_loop_s *weft_worker_uv_loop(void);

WEFT_END
#endif
