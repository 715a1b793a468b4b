/* One winner per wait.
 *
 * A task that suspends opens a wait, leaves waiter nodes with whatever may end it (a future, a
 * channel, a timer, a descriptor, its scope's cancel) and parks. Whoever comes first claims the
 * wait by moving the task's wait word from open to claimed; everyone else loses and must leave the
 * task, and what it would have given it, alone. The ticket in the word makes a stale node lose.
 *
 *   word = ticket << 2 | state
 *
 *   closed   the task runs, or is ready to            only the task opens it
 *   open     parked, or about to park; may be won     any claimer, once
 *   claimed  won; the winner sends the wake           only the task closes it
 *
 * A wait that only its own worker can end (`shared` false) is claimed with plain accesses. One that
 * other threads may end (futures, shared channels, jobs) is claimed by CAS; the winner then sends
 * task->wake to the task's home. The scope's cancel always claims on the home worker. */
#ifndef WF_RUNTIME_WAIT_H
#define WF_RUNTIME_WAIT_H

#include <weft/task.h>

typedef uint64_t wf_ticket;

/* Who won. Values from 0 up are the waiter's own (an index of a select, say). */
enum {
	WF_CAUSE_NONE = -1,   /* nobody yet */
	WF_CAUSE_CANCEL = -2, /* the scope was cancelled */
	WF_CAUSE_DRAIN = -3,  /* the scope was asked to drain, and the wait said it cares */
};

typedef enum wf_wait_flags {
	WF_WAIT_SHARED = 1,       /* a claimer may be on another thread */
	WF_WAIT_UNCANCELABLE = 2, /* a cancel of the scope does not end it: something borrowed is out */
	WF_WAIT_DRAIN = 4,        /* a drain of the scope ends it too */
} wf_wait_flags;

/* Opens a wait of the running task. Thread: task. `what` and `object` are for the dump: "channel",
 * and its address. */
wf_ticket wf_wait_open(unsigned flags, const char *what, const void *object);

/* Claims `task`'s wait, if `ticket` is still open, for `cause`. The winner must then wake it.
 * Thread: the task's worker. */
bool wf_wait_claim(weft_task *task, wf_ticket ticket, int cause);
/* The same for a wait that was opened shared. Thread: any. */
bool wf_wait_claim_shared(weft_task *task, wf_ticket ticket, int cause);

/* Claims and wakes. False: something else has ended it. Thread: the task's worker. */
bool wf_wait_end(weft_task *task, wf_ticket ticket, int cause);

/* Ends the task's wait if its scope's level now asks for it. Thread: its worker. */
void wf_wait_interrupt(weft_task *task);

/* Makes a task that was claimed ready. Thread: its worker. */
void wf_wait_wake(weft_task *task);

/* The same from any thread: through the inbox of its worker, or at once when this is it. */
void wf_wait_send(weft_task *task);

/* Parks the running task until its wait was claimed, and closes the wait. Returns the cause.
 * A cancelled scope claims at once unless the wait is uncancelable. The caller takes its nodes back
 * afterwards: all but the winner's may still be in place. Suspends. */
int wf_wait_park(void);

/* Closes a wait that turned out not to be needed before parking. False: it was claimed meanwhile;
 * of a shared wait the wake is then on its way and wf_wait_park must take it. */
bool wf_wait_close(void);

#endif
