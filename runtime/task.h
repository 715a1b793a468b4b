/* A task: what was asked, how it runs, what came of it.
 *
 * Life of the struct. It is taken from the slab of the worker that spawned it (its owner) and goes
 * back there; slabs live until the run ends, so a stale wake may always look at it. While it runs
 * it is lent to the worker that executes it.
 *
 *   state     whose it is                                            stack
 *   free      the owner's free list                                  no
 *   posted    in a message to the worker that shall execute it       no
 *   ready     the executing worker, in its ready list                yes
 *   running   itself                                                 yes
 *   parked    the executing worker; claimers: the wait word and wake yes
 *   ended     in a message to, or kept by, the home of its group     no
 */
#ifndef WF_RUNTIME_TASK_H
#define WF_RUNTIME_TASK_H

#include <stdatomic.h>
#include <weft/task.h>

#include "executor/future.h"
#include "runtime/arena.h"
#include "runtime/coro.h"
#include "runtime/scope.h"
#include "runtime/stack.h"
#include "runtime/wait.h"

typedef struct weft_group weft_group;
typedef struct wf_worker wf_worker;
typedef struct wf_shard wf_shard;
typedef struct wf_defer wf_defer;
typedef struct wf_mutex_words wf_mutex_words;

typedef enum wf_task_state {
	WF_TASK_FREE,
	WF_TASK_POSTED,
	WF_TASK_READY,
	WF_TASK_RUNNING,
	WF_TASK_PARKED,
	WF_TASK_ENDED,
} wf_task_state;

/* The first line is all that a switch to it or from it touches. */
struct weft_task {
	_Alignas(64) wf_coro coro;
	weft_context *context; /* current while it runs; kept here while it does not */
	wf_scope *scope;       /* innermost */
	wf_worker *worker;     /* executes it */
	wf_stack *stack;
	/* Called when it is about to leave its worker to others, and not when it ends; must not
	 * suspend. NULL: nobody asked. Who sets it takes it back before the function returns. */
	void (*pausing)(weft_task *task);
	_Atomic(uint64_t) wait; /* ticket << 2 | state: wait.h */
	int cause;              /* who won the last wait */
	uint8_t state;          /* wf_task_state */
	uint8_t wait_flags;
	bool woken;       /* won before it parked */
	bool interrupted; /* a checkpoint fails: the innermost scope is cancelled, or could not open */

	weft_task *next; /* in a group's ended list, or a free list */
	weft_task_fn *fn;
	void *arg;
	void (*release)(void *arg);
	weft_context *inherited; /* the reference it was spawned with, and goes back to */
	weft_group *group;
	wf_shard *shard; /* of the executing worker; NULL on the group's home */
	int result;
	int target; /* the worker asked for */

	weft_scope *brackets; /* opened and not closed yet, innermost first */
	wf_defer *deferred;   /* on the task's own scope, latest first */
	wf_arena arena;
	unsigned failed_scopes; /* opened without memory: checkpoints fail until they are closed */
	unsigned open_groups;
	wf_worker *owner; /* whose slab it came from */
	bool service;     /* cancelled when the last ordinary child has ended */
	bool forget;      /* nobody will ask for its result: not kept when it ends */
	bool counted;     /* by the home of its group; else by the shard */
	bool failed;      /* ended with an error that is nobody's cancel */
	bool cancel_sent; /* its cancel message is out; only the group's home looks at this */
	bool dropped;     /* ended and given up while that message was out */

	wf_scope root; /* the scope that the task itself is */

	/* The id between them keeps the compiler from copying both at once out of the options, where
	 * they have just been written one by one: that load would wait until they are in the cache. */
	const char *name;
	uint64_t id; /* unique in the life of the run */
	const char *site;
	const char *wait_what;
	const void *wait_object;
	wf_mutex_words *held; /* mutexes it has locked */
	size_t stack_size;    /* 0: the run's */
	wf_wake wake;         /* to its worker; in flight only between a claim and its delivery */
	wf_list service_of;   /* among the group's services */
	wf_message message;   /* asked for, posted, ended and given back travel by it */
	wf_message cancel;    /* from its home to its worker and back */
};

typedef void wf_defer_fn(void *arg);

/* A call that waits for the end of a scope. */
struct wf_defer {
	wf_defer *older;
	wf_defer_fn *fn;
	void *arg;
};

/* Another slab; false without memory. Thread: the worker's, and so for what follows. */
bool wf_task_grow(wf_worker *worker);
/* Gives it a stack on `worker`, below `parent`; it is in no list yet. Errors: ENOMEM, EFULL. */
int wf_task_begin(weft_task *task, wf_worker *worker, wf_scope *parent);
/* Back to its owner's slab, from any worker. It is not running. */
void wf_task_free(weft_task *task);
/* Nobody will look at one that ended any more: releases and frees it, or leaves that to its cancel
 * message, which is still under way. */
void wf_task_give_up(weft_task *task);
/* Lets its argument and its context go. Thread: the spawner's worker, in a task where possible. */
void wf_task_release(weft_task *task);
/* Takes the stack of a task that ran to its end. Thread: its worker, on another stack. */
void wf_task_bury(weft_task *task);
/* The task whose own scope this is, or NULL. */
weft_task *wf_task_of_scope(const wf_scope *scope);
/* Follows a change of its innermost scope, or of that scope's level. Thread: its worker. */
void wf_task_follow_scope(weft_task *task);
/* Frees the slabs of a worker that is about to go. */
void wf_task_free_slabs(wf_worker *worker);
/* Runs and frees a list of deferred calls, latest first. Thread: task. Suspends. */
void wf_defer_run(wf_defer **list);

#endif
