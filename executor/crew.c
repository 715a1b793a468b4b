/* Who may run beside whom: call, ready and stop beside one another and beside the members; join
 * and detach come after the stop and alone.
 *
 * Orders. [A] A member raises idle_count, then looks into the queue; [B] a caller has pushed, then
 * reads idle_count. A full fence stands between the two steps of each, so that the caller sees the
 * member, or the member the work. `started` is stored with release after the member was set up and
 * loaded with acquire by those who walk the members. */
#include "executor/crew.h"
#include "context/alloc.h"
#include "executor/queue.h"

#include <stdio.h>
#include <string.h>
#include <weft/error.h>

enum { LOOKS = 128 };

int wf_crew_init(wf_crew *crew, const char *name, unsigned size, wf_crew_work_fn *work,
	wf_crew_empty_fn *empty, void *arg)
{
	*crew = (wf_crew){ .size = size, .work = work, .empty = empty, .arg = arg };
	crew->members = wf_zalloc(size * sizeof(*crew->members));
	if (crew->members == NULL) return WEFT_ENOMEM;
	snprintf(crew->name, sizeof(crew->name), "%s", name);
	wf_mutex_init(&crew->lock);
	return 0;
}

void wf_crew_fini(wf_crew *crew)
{
	wf_mutex_fini(&crew->lock);
	wf_free(crew->members);
}

/* With the lock held, as the three below. */
static void push_idle(wf_crew *crew, wf_crew_member *member)
{
	member->idle = true;
	member->below = crew->idle;
	crew->idle = member;
	__atomic_fetch_add(&crew->idle_count, 1, __ATOMIC_SEQ_CST); /* [A] */
}

static void remove_idle(wf_crew *crew, wf_crew_member *member)
{
	wf_crew_member **at = &crew->idle;
	while (*at != member) at = &(*at)->below;
	*at = member->below;
	member->idle = false;
	__atomic_fetch_sub(&crew->idle_count, 1, __ATOMIC_SEQ_CST);
}

/* About two microseconds, a fraction of what a sleep and a wake cost. One at a time: a core that
 * looks does no work. */
static bool look_again(wf_crew *crew)
{
	bool found = false;
	if (__atomic_exchange_n(&crew->looking, 1, __ATOMIC_RELAXED) != 0) return false;
	for (int i = 0; i < LOOKS && !found; i++) {
		wf_thread_pause();
		found = !crew->empty(crew->arg);
	}
	__atomic_store_n(&crew->looking, 0, __ATOMIC_RELAXED);
	return found;
}

/* False: the crew stops. A member that was called while it found work itself keeps its token, which
 * ends its next rest at once: one look more, no harm. */
static bool rest(wf_crew_member *member)
{
	wf_crew *crew = member->crew;
	wf_mutex_lock(&crew->lock);
	bool stopping = crew->stopping;
	if (!stopping) push_idle(crew, member);
	wf_mutex_unlock(&crew->lock);
	if (stopping) return false;
	wf_queue_fence(); /* [A] */
	if (crew->empty(crew->arg)) {
		wf_park(&member->parker, WF_FOREVER);
	}
	wf_mutex_lock(&crew->lock);
	if (member->idle) remove_idle(crew, member);
	wf_mutex_unlock(&crew->lock);
	return true;
}

static void member_main(void *arg)
{
	wf_crew_member *member = arg;
	wf_crew *crew = member->crew;
	bool stay = true;
	while (stay) {
		bool worked = false;
		while (crew->work(member, crew->arg)) worked = true;
		stay = (worked && look_again(crew)) || rest(member);
	}
}

static int start_member(wf_crew *crew)
{
	char name[16];
	wf_crew_member *member = &crew->members[crew->started];
	member->crew = crew;
	int rc = wf_parker_init(&member->parker);
	if (rc != 0) return rc;
	snprintf(name, sizeof(name), "%.11s-%u", crew->name, (crew->started + 1) % 1000);
	rc = wf_thread_start(&member->thread, name, member_main, member, WF_THREAD_NO_SIGNALS);
	if (rc != 0) {
		wf_parker_fini(&member->parker);
		return rc;
	}
	__atomic_store_n(&crew->started, crew->started + 1, __ATOMIC_RELEASE);
	return 0;
}

int wf_crew_ready(wf_crew *crew)
{
	if (wf_likely(wf_crew_started(crew) != 0)) return 0;
	wf_mutex_lock(&crew->lock);
	int rc = crew->started == 0 ? start_member(crew) : 0;
	wf_mutex_unlock(&crew->lock);
	return rc;
}

/* Whether one more should be up. `up` counts a member that is between two looks, too. */
static bool short_of_members(wf_crew *crew, wf_crew_unfinished_fn *unfinished)
{
	unsigned idle = __atomic_load_n(&crew->idle_count, __ATOMIC_SEQ_CST); /* [B] */
	unsigned started = wf_crew_started(crew);
	unsigned up = started > idle ? started - idle : 0;
	return (idle != 0 || started < crew->size) && unfinished(crew->arg) > up;
}

/* A start that fails is no error: there is a member, and it will come to this work too. */
void wf_crew_call(wf_crew *crew, wf_crew_unfinished_fn *unfinished)
{
	if (!short_of_members(crew, unfinished)) return;
	wf_mutex_lock(&crew->lock);
	wf_crew_member *member = NULL;
	if (!crew->stopping && short_of_members(crew, unfinished)) {
		member = crew->idle;
		if (member != NULL) {
			remove_idle(crew, member);
		} else {
			(void)!start_member(crew);
		}
	}
	wf_mutex_unlock(&crew->lock);
	if (member != NULL) wf_unpark(&member->parker);
}

void wf_crew_stop(wf_crew *crew)
{
	wf_mutex_lock(&crew->lock);
	crew->stopping = true;
	for (unsigned i = 0; i < crew->started; i++) wf_unpark(&crew->members[i].parker);
	wf_mutex_unlock(&crew->lock);
}

void wf_crew_join(wf_crew *crew)
{
	for (unsigned i = 0; i < crew->started; i++) {
		wf_thread_join(&crew->members[i].thread);
		wf_parker_fini(&crew->members[i].parker);
	}
	crew->finished = wf_crew_finished(crew);
	__atomic_store_n(&crew->started, 0, __ATOMIC_RELEASE);
	/* Who cancelled the last job may be in the middle of its unlock. */
	wf_mutex_lock(&crew->lock);
	wf_mutex_unlock(&crew->lock);
}

uint64_t wf_crew_finished(const wf_crew *crew)
{
	uint64_t sum = crew->finished;
	for (unsigned i = 0; i < wf_crew_started(crew); i++) {
		sum += __atomic_load_n(&crew->members[i].finished, __ATOMIC_RELAXED);
	}
	return sum;
}

void wf_crew_detach(wf_crew *crew)
{
	for (unsigned i = 0; i < crew->started; i++) wf_thread_detach(&crew->members[i].thread);
}
