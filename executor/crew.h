/* The threads of a pool: started one by one as they are needed, asleep while there is nothing to
 * do.
 *
 * A member looks for work until there is none. Then, if it has just worked and nobody else does so,
 * it goes on looking for a moment: under load the next job comes sooner than a thread falls asleep
 * and wakes. Then it lies down: it joins the idle list, looks once more, and parks. Whoever brings
 * work calls the crew, which wakes the member that lay down last (its stack is still warm), or
 * starts a new one; but only when the members that are up are fewer than the jobs that are not
 * over. Otherwise one of them is on its way to look. */
#ifndef WF_EXECUTOR_CREW_H
#define WF_EXECUTOR_CREW_H

#include "executor/job.h"
#include "executor/platform.h"

WEFT_BEGIN

typedef struct wf_crew wf_crew;

struct wf_crew_member {
	wf_crew *crew;
	wf_thread thread;
	wf_parker parker;
	wf_crew_member *below; /* in the idle list */
	bool idle;             /* in it; under the crew's lock */
	wf_spin lock;          /* while it is held, `job` does not end */
	wf_job *job;           /* being run; not yet `done` */
	uint64_t finished;     /* jobs run; written by the member alone */
};

/* Does one piece of work; false when there was none. */
typedef bool wf_crew_work_fn(wf_crew_member *member, void *arg);
/* Whether there is none. Preceded by a full fence. */
typedef bool wf_crew_empty_fn(void *arg);

struct wf_crew {
	wf_mutex lock; /* guards what is written below */
	wf_crew_member *idle;
	unsigned idle_count; /* read without it too */
	unsigned started;    /* the same; never falls */
	bool stopping;
	uint32_t looking;  /* somebody looks for a moment before it lies down */
	uint64_t finished; /* by members that were joined */
	unsigned size;
	char name[12];
	wf_crew_work_fn *work;
	wf_crew_empty_fn *empty;
	void *arg;
	wf_crew_member *members;
};

/* `name` is copied and cut. Errors: ENOMEM. */
WEFT_MUST int wf_crew_init(wf_crew *crew, const char *name, unsigned size, wf_crew_work_fn *work,
	wf_crew_empty_fn *empty, void *arg);

/* There is at least one thread. Thread: any. Errors: EAGAIN, ENOMEM. */
WEFT_MUST int wf_crew_ready(wf_crew *crew);

/* There is work; `unfinished` gives how many pieces are not over, itself included. Preceded by the
 * push and a full fence. Thread: any. */
typedef unsigned wf_crew_unfinished_fn(void *arg);
void wf_crew_call(wf_crew *crew, wf_crew_unfinished_fn *unfinished);

/* Makes members end as soon as they find nothing to do. */
void wf_crew_stop(wf_crew *crew);
/* After the stop: waits for all of them, and frees. Blocks the thread. */
void wf_crew_join(wf_crew *crew);
/* Instead of a join: lets go of threads that do not end. */
void wf_crew_detach(wf_crew *crew);
/* A crew that was joined, or never started any. */
void wf_crew_fini(wf_crew *crew);

/* Jobs that all members have run. Thread: any. */
uint64_t wf_crew_finished(const wf_crew *crew);

/* Under the member's lock for more than whether there is one. */
static inline wf_job *wf_crew_member_job(const wf_crew_member *member)
{
	return __atomic_load_n(&member->job, __ATOMIC_ACQUIRE);
}

static inline unsigned wf_crew_started(const wf_crew *crew)
{
	return __atomic_load_n(&crew->started, __ATOMIC_ACQUIRE);
}

WEFT_END
#endif
