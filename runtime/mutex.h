/* What the end of a task needs of mutexes. */
#ifndef WF_RUNTIME_MUTEX_H
#define WF_RUNTIME_MUTEX_H

#include <weft/task.h>

WEFT_BEGIN

/* The task ends and still has task->held: each of them goes to its next waiter with EOWNERDEAD.
 * Thread: the task. */
void wf_mutex_abandon_all(weft_task *task);

WEFT_END
#endif
