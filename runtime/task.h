/* A task: what was asked, how it runs, what came of it.
 *
 * Life of the struct. It is taken from the slab of the worker that spawned it (its owner) and goes
 * back there; slabs live until the run ends, so a stale wake may always look at it. While it runs it
 * is lent to the worker that executes it.
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

#include <weft/task.h>

#include "executor/future.h"
#include "runtime/coro.h"
#include "runtime/scope.h"
#include "runtime/stack.h"
#include "runtime/wait.h"

typedef struct wf_worker wf_worker;
typedef struct wf_shard wf_shard;
typedef struct wf_arena_block wf_arena_block;

typedef enum wf_task_state {
	WF_TASK_FREE,
	WF_TASK_POSTED,
	WF_TASK_READY,
	WF_TASK_RUNNING,
	WF_TASK_PARKED,
	WF_TASK_ENDED,
} wf_task_state;

struct weft_task {
	wf_coro coro;
	weft_task *next;       /* in the ready list or a free list */
	weft_context *context; /* what it runs under; one reference while it is not current */
	weft_context *own;     /* the reference it was spawned with */
	wf_worker *worker;     /* executes it */
	wf_scope *scope;       /* innermost */
	wf_worker *owner;      /* whose slab it came from */
	wf_stack *stack;

	_Atomic(uint64_t) wait; /* ticket << 2 | state: wait.h */
	int cause;              /* who won the last wait */
	uint8_t state;          /* wf_task_state */
	uint8_t wait_flags;
	bool interrupted; /* a checkpoint would fail: the innermost scope is cancelled, or could not open */
	bool service;     /* cancelled when the last ordinary child has ended */
	bool forget;      /* nobody will ask for its result */
	bool in_task;     /* its function has begun */
	wf_wake wake;     /* to its worker; in flight only between a claim and its delivery */
	const char *wait_what;
	const void *wait_object;

	wf_scope root; /* the scope that the task itself is */
	wf_list scopes; /* opened and not yet closed, innermost last: weft_scope */
	wf_list locals; /* deferred calls of the task's own scope */
	wf_arena_block *arena;
	unsigned failed_scopes; /* opened without memory: checkpoints fail until they are closed */
	unsigned open_groups;

	weft_task_fn *fn;
	void *arg;
	void (*release)(void *arg);
	const char *name;
	const char *site;
	int result;
	uint64_t id; /* unique in the process's life */

	weft_group *group;
	wf_shard *shard;    /* on the executing worker; NULL on the group's home */
	wf_list member;     /* among the live of the group on this worker, then among the ended */
	wf_message message; /* posted and ended travel by it */
	int64_t spawned_ns;
};

#endif
