/* A group, and its parts on other workers.
 *
 * The worker that opened the group is its home: there live the list of ended children, the errors,
 * and the count that decides when it is over. On each other worker that runs children the group has
 * a shard: a scope for the children there, and a count of those that were spawned there by other
 * members (so that a server's connections, spawned where they were accepted, never touch the home).
 * Everything between them is a message, and messages from one worker to another keep their order.
 *
 *   counted    children spawned at home or through it: counted from before their message leaves
 *              until their ended message is back
 *   members    children spawned on a shard by a member there: counted by the shard alone
 *   loud       a shard that may have members. It becomes loud when a child is posted to it and when
 *              a counted child that ran there ends (which may have spawned members there). While
 *              nothing else is counted the home asks it; it answers when it has no members, and is
 *              quiet. The ended message of whoever could spawn there later comes after that answer
 *              and makes it loud again.
 *   asks       spawns, and a failure of one, on their way from other workers to the home; atomic,
 *              raised before the message
 *
 * The group is over when nothing is counted, no shard is loud, and neither an ask nor a drain or
 * cancel message is under way. */
#ifndef WF_RUNTIME_GROUP_H
#define WF_RUNTIME_GROUP_H

#include <weft/group.h>

#include "runtime/scope.h"
#include "runtime/task.h"
#include "runtime/timer.h"
#include "runtime/worker.h"

enum {
	WF_GROUP_MAGIC = 0x67727570,
	WF_ENDED_MAX = 100000, /* ended children that nobody has asked for yet */
	WF_ERRORS_MAX = 64,    /* failures kept with their place; more are counted */
};

/* A part of a group on another worker than its home. */
struct wf_shard {
	/* The worker's. */
	weft_group *group;
	wf_worker *worker;
	wf_scope scope;
	unsigned members;
	uint8_t level; /* asked by the home so far */
	bool begun;    /* the scope is in the worker's tree */
	bool asked;    /* the home waits for an answer */
	/* Messages, each with its one direction. */
	wf_message ask, answer; /* alternate */
	wf_message drain, cancel;
	/* Written by the home before it sends. */
	uint8_t reason;
	const char *reason_site;
	/* The home's own notes. */
	bool loud, ask_sent, drain_sent, cancel_sent;
};

typedef struct wf_failure {
	struct wf_failure *next;
	uint64_t task;
	weft_failure public;
	char name[48];
} wf_failure;

/* A task that waits for a place in a group that limits how many run at once. */
typedef struct wf_place_waiter {
	wf_list link;
	weft_task *task;
	wf_ticket ticket;
} wf_place_waiter;

/* What a life changes, fini or give_group puts back: the next group is made of the same struct
 * without being wiped. */
struct weft_group {
	uint32_t magic;
	wf_worker *home;
	weft_task *opener; /* NULL: the run's own group */
	wf_scope scope;
	unsigned counted;
	unsigned services; /* of these: service children */
	unsigned loud;
	unsigned
		levels_out; /* drain and cancel messages that are not back yet, those of children too */
	_Atomic(unsigned) asks;
	_Atomic(wf_shard *) shards; /* by worker id - 1; NULL until a child goes elsewhere */
	_Atomic(int) failed_away; /* a spawn on another worker failed so; 0: none has, or it is known */
	wf_message failure_away;  /* it is out while that is not 0 */
	unsigned at_once;
	unsigned granted; /* of these places: given to a waiter that has not spawned yet */
	const char *name;

	/* These begin each life as zero, and side by side that takes a few stores. */
	unsigned ended_count;
	int error; /* a failure that could not be kept as a record */
	unsigned failure_count, failures_lost;
	void *calls;         /* what its children have in common: calls.c */
	int64_t deadline_ns; /* its own; 0: none */
	bool joining, services_cancelled, expired;
	bool waiting; /* the opener, in next or join */
	bool wants_end;
	bool keep_going; /* set by the opener, as the two above */

	weft_task *ended_first, **ended_last;
	weft_task *returned; /* what next handed out last: given up at the following call */
	wf_failure *failures, **failures_last;
	wf_ticket ticket;
	wf_list places; /* wf_place_waiter, oldest first */
	wf_list service_tasks;
	wf_timer timer;                  /* of its own deadline, or of a drain's that comes before */
	void (*over)(weft_group *group); /* the run's own: called on the loop when it is over */
	wf_run *run;                     /* the run's own */
	weft_group *next_free;
};

/* A group in memory of yours, below `parent`, on this worker. */
void wf_group_init(weft_group *group, wf_worker *home, wf_scope *parent);
/* It is over; lets go what it kept. */
void wf_group_fini(weft_group *group);
bool wf_group_is_over(const weft_group *group);
/* Looks what the last change means: wakes the opener, asks the shards. Thread: home. */
void wf_group_advance(weft_group *group);

/* Members that are not tasks (an idle connection), counted on the worker that calls: the home, or
 * one that runs a child of the group. They hang their scope below wf_group_scope_here. */
void wf_group_enter(weft_group *group);
void wf_group_leave(weft_group *group);
wf_scope *wf_group_scope_here(weft_group *group);

/* The first end of a child on its worker, on its own stack. */
void wf_group_child_ended(weft_task *task);
/* A child is counted from here on. Thread: home. */
void wf_group_count_up(weft_group *group, weft_task *task);
/* A counted child is through; takes it over. Thread: home. */
void wf_group_count_down(weft_group *group, weft_task *task);
/* Notes a failure (of `task`, NULL: of a spawn) and cancels the others if the group says so. */
void wf_group_fail(weft_group *group, const weft_task *task, int code);
void wf_group_free_spares(wf_worker *worker);

void wf_group_check_stand_in(const weft_group *group);
/* False for what stands for a group that could not be opened. */
static inline bool wf_group_is_real(const weft_group *group)
{
	if (wf_likely(group->magic == WF_GROUP_MAGIC)) return true;
	wf_group_check_stand_in(group);
	return false;
}

/* spawn.c. */

/* A spawn whose failure is the caller's alone. Thread: worker. */
int wf_group_spawn(
	weft_group *group, weft_task_fn *fn, void *arg, const weft_spawn_options *options);
/* A child ended, or did not come to be: its place goes on. Thread: home. */
void wf_group_give_places(weft_group *group);

/* shard.c. */

/* Room for shards, or false without memory. Thread: home. */
bool wf_shards_make(weft_group *group);
void wf_shards_free(weft_group *group);
/* Begins the shards of all workers, before these run: members can then start anywhere at once. They
 * count as loud until the group is first asked to end (`over`). Errors: ENOMEM. */
int wf_shards_begin(weft_group *group);
/* This worker's shard, if children run there; else NULL. Thread: any worker but the home. */
wf_shard *wf_shard_here(weft_group *group, wf_worker *worker);
/* Sends a counted child to its target. Thread: home. */
void wf_shard_post(weft_group *group, weft_task *task);
/* Asks the home to start a child on its target. Thread: any other worker. */
void wf_shard_ask_home(weft_group *group, weft_task *task);
/* Starts a child as a member of this shard; directly: it may be gone then. */
int wf_shard_start(wf_shard *shard, weft_task *task, bool directly);
void wf_shard_bury_child(wf_shard *shard, weft_task *task);
void wf_shard_leave(wf_shard *shard);
/* A spawn failed here; the home must know. Thread: any worker but the home. */
void wf_shard_note_failure(weft_group *group, int code);
void wf_shard_on_failure(wf_message *message);
/* Brings all shards in use up to the home's level; asks the loud ones. Thread: home. */
void wf_shards_follow(weft_group *group);
void wf_shards_ask(weft_group *group);
/* Cancels a child that runs on another worker. Thread: home. */
void wf_shard_cancel_child(weft_task *task);

/* The second end of a child, on the next stack. */
static inline void wf_group_bury_child(weft_task *task)
{
	if (wf_unlikely(task->shard != NULL))
		wf_shard_bury_child(task->shard, task);
	else if (task->forget)
		wf_task_free(task);
}

#endif
