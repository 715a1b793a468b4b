/* Error codes. Negative; the values of errno and libuv pass through, weft's own start at -5000.
 *
 * The law of int results:
 *   every function   0 done, negative error
 *   next, read       1 here is one, 0 properly ended, negative error
 *   race, select     index of the winner, negative error */
#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H
#include <errno.h>
#include <weft/api.h>
WEFT_BEGIN

/* The one table: name, value, text. The first part renames values of errno that weft itself gives
 * a meaning; every other errno value may pass through as well, and -EIO is as good a result as
 * WEFT_EINVAL. A text says what happened, not what to do. */
#define WEFT_ERRORS(X)                                                                             \
	/* It ended before what was asked for was complete. libuv's UV_EOF. */                         \
	X(EOF, -4095, "ended before it was complete")                                                  \
	/* The kernel said so, e.g. connect(2); a deadline of weft is EDEADLINE. */                    \
	X(ETIMEDOUT, -ETIMEDOUT, "timed out")                                                          \
	/* The scope was cancelled, and what was asked for did not happen. */                          \
	X(ECANCELED, -ECANCELED, "cancelled")                                                          \
	X(ENOENT, -ENOENT, "no such thing")                                                            \
	X(EEXIST, -EEXIST, "exists already")                                                           \
	X(EINVAL, -EINVAL, "invalid argument")                                                         \
	/* Nothing visible has happened when this is returned. */                                      \
	X(ENOMEM, -ENOMEM, "out of memory")                                                            \
	/* Somebody else is at it: a second reader of a stream, a second run that owns signals. */     \
	X(EBUSY, -EBUSY, "in use by another")                                                          \
	/* A `_try` call that would have had to wait. */                                               \
	X(EAGAIN, -EAGAIN, "would have to wait")                                                       \
	/* It was done before: a future that has its result, a loop that runs. */                      \
	X(EALREADY, -EALREADY, "done already")                                                         \
	/* Waiting would close a circle of waiters. */                                                 \
	X(EDEADLK, -EDEADLK, "waiting would be a deadlock")                                            \
	/* A task ended while it owned the lock; the lock is yours, what it guards may be torn. */     \
	X(EOWNERDEAD, -EOWNERDEAD, "its owner ended without letting go")                               \
	X(EPERM, -EPERM, "not permitted")                                                              \
	X(EACCES, -EACCES, "access denied")                                                            \
	X(ENOTSUP, -ENOTSUP, "not supported")                                                          \
	/* The peer broke the protocol. */                                                             \
	X(EPROTO, -EPROTO, "protocol violated")                                                        \
	X(EMSGSIZE, -EMSGSIZE, "too large")                                                            \
	X(EADDRINUSE, -EADDRINUSE, "address in use")                                                   \
	X(ECONNRESET, -ECONNRESET, "connection reset by peer")                                         \
	X(ECONNREFUSED, -ECONNREFUSED, "connection refused")                                           \
	X(EPIPE, -EPIPE, "nobody reads any more")                                                      \
	/* Called outside a run, or after fork without exec; only a run creates workers. */            \
	X(ENORUN, -5000, "not inside a run")                                                           \
	/* The run has sealed its inboxes: it never happens any more. */                               \
	X(ESHUTDOWN, -5001, "the run is shutting down")                                                \
	/* This end, or the other one, was closed. */                                                  \
	X(ECLOSED, -5002, "closed")                                                                    \
	/* A named limit was reached: inbox, pool, queue, channel. */                                  \
	X(EFULL, -5003, "full")                                                                        \
	X(EBADJSON, -5004, "malformed JSON")                                                           \
	/* The deadline of this very scope has passed; never from the kernel. */                       \
	X(EDEADLINE, -5005, "the deadline has passed")                                                 \
	/* On a worker, but not in a task, e.g. in a libuv callback: there is nothing to suspend. */   \
	X(ENOTASK, -5006, "not inside a task")                                                         \
	/* The run's final bound has passed with a task or a job still alive. */                       \
	X(ESTUCK, -5007, "something refuses to end")                                                   \
	/* A required context value is absent, or its flow is suppressed: the caller must refuse. */   \
	X(ENOCONTEXT, -5008, "a required context value is missing")                                    \
	/* What follows would be misread: an earlier write on this stream was cut short. */            \
	X(ETORN, -5009, "an earlier write was cut short")                                              \
	/* A parameter of a request is missing or is not what it must be. */                           \
	X(EBADREQUEST, -5010, "the request does not say what it must")

#define WEFT_ERROR_ENUM_(name, value, text) WEFT_##name = (value),
enum weft_error { WEFT_ERRORS(WEFT_ERROR_ENUM_) };
#undef WEFT_ERROR_ENUM_

/* "EINVAL", "ENORUN", … without prefix; "OK" for zero and above, "EUNKNOWN" for a value nobody
 * defined. Never NULL; static, not to be freed; independent of the locale. Thread: any, and safe
 * in a signal handler. */
WEFT_API const char *weft_error_name(int rc);

/* One lower-case phrase without a full stop, under the rules of weft_error_name. Thread: any. */
WEFT_API const char *weft_error_text(int rc);

WEFT_END
#endif
