/* All of weft in one line.
 *
 * How to read its headers. Each says what its thing is, and over each call what success means and
 * who owns what after success and after failure. Then come, where they say something:
 *
 *   Thread: any       every thread, inside a run or not
 *   Thread: worker    a task, or a callback on a worker's loop; elsewhere ENORUN
 *   Thread: task      a task; ENORUN outside a run, ENOTASK in a callback on a worker's loop
 *   Suspends.         other tasks of this worker may run meanwhile. Such a call is a checkpoint: it
 *                     fails with ECANCELED while its scope is cancelled
 *   Blocks the thread.  not for tasks
 *   Errors:           by their names in <weft/error.h>; others of the kernel may pass through
 *
 * Outputs are the last arguments and untouched on failure. Options follow them by name:
 * weft_spawn(group, fn, arg, .worker = 2); what is not named is zero, which is the default. */
#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H
#include <weft/alloc.h>
#include <weft/context.h>
#include <weft/fd.h>
#include <weft/group.h>
#include <weft/log.h>
#include <weft/offload.h>
#include <weft/post.h>
#include <weft/protocol.h>
#include <weft/reader.h>
#include <weft/report.h>
#include <weft/scope.h>
#include <weft/select.h>
#include <weft/server.h>
#include <weft/signal.h>
#include <weft/sync.h>
#include <weft/tcp.h>
#include <weft/timer.h>
#include <weft/topic.h>
#include <weft/trace.h>
#include <weft/udp.h>
#endif
