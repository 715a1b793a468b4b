/* The messages between a group's home and its shards:
 *
 *   posted    home → shard    a counted child to start there               task->message
 *   ended     shard → home    a counted child is through, or a member failed  task->message
 *   asked     shard → home    "start this child on its target"             task->message
 *   ask       home → shard    "say when you have no members"               shard->ask
 *   answer    shard → home    "none"                                       shard->answer
 *   drain, cancel   home → shard → home, once each
 *   failure   any → home      a spawn failed there                         group->failure_away
 *   cancel child    home → worker → home                                   task->cancel */
#include <errno.h>
#include <weft/error.h>

#include "context/alloc.h"
#include "runtime/group.h"
#include "runtime/run.h"

static void on_ask(wf_message *message);
static void on_answer(wf_message *message);
static void on_drain(wf_message *message);
static void on_cancel(wf_message *message);

static void init_shard(wf_shard *shard, weft_group *group, wf_worker *worker)
{
	*shard = (wf_shard){ .group = group, .worker = worker };
	shard->ask.deliver = on_ask;
	shard->answer.deliver = on_answer;
	shard->drain.deliver = on_drain;
	shard->cancel.deliver = on_cancel;
}

static wf_shard *shards_of(const weft_group *group)
{
	return atomic_load_explicit(&group->shards, memory_order_acquire);
}

bool wf_shards_make(weft_group *group)
{
	if (shards_of(group) != NULL) return true;
	wf_run *run = group->home->run;
	size_t n = (size_t)run->worker_count;
	wf_shard *shards = wf_alloc_aligned(WF_CACHE_LINE, n * sizeof *shards);
	if (shards == NULL) return false;
	for (size_t i = 0; i < n; i++) init_shard(&shards[i], group, &run->workers[i]);
	/* Release: pairs with shards_of on a worker that learned of the group otherwise. */
	atomic_store_explicit(&group->shards, shards, memory_order_release);
	return true;
}

void wf_shards_free(weft_group *group)
{
	wf_free(shards_of(group));
	atomic_store_explicit(&group->shards, NULL, memory_order_relaxed);
}

wf_shard *wf_shard_here(weft_group *group, wf_worker *worker)
{
	wf_shard *shards = shards_of(group);
	if (shards == NULL) return NULL;
	wf_shard *shard = &shards[worker->id - 1];
	return shard->begun ? shard : NULL;
}

/* Levels. */

static void raise_scope(wf_shard *shard)
{
	if (shard->level == WF_LEVEL_CANCEL)
		wf_scope_raise(
			&shard->scope, WF_LEVEL_CANCEL, (weft_reason)shard->reason, shard->reason_site);
	else if (shard->level == WF_LEVEL_DRAIN)
		wf_scope_raise(&shard->scope, WF_LEVEL_DRAIN, WEFT_REASON_NONE, "drain");
}

/* An answer may overtake a level that was sent after the question: the group is not over while one
 * is under way. */
static void level_is_back(wf_shard *shard)
{
	weft_group *group = shard->group;
	group->levels_out--;
	wf_group_advance(group);
}

static void on_drain_back(wf_message *message)
{
	level_is_back(wf_container_of(message, wf_shard, drain));
}

static void on_cancel_back(wf_message *message)
{
	level_is_back(wf_container_of(message, wf_shard, cancel));
}

static void take_level(wf_shard *shard, uint8_t level, wf_message *message, wf_deliver_fn *back)
{
	if (shard->level < level) shard->level = level;
	if (shard->begun) raise_scope(shard);
	message->deliver = back;
	wf_inbox_push(&shard->group->home->inbox, message);
}

static void on_drain(wf_message *message)
{
	take_level(wf_container_of(message, wf_shard, drain), WF_LEVEL_DRAIN, message, on_drain_back);
}

static void on_cancel(wf_message *message)
{
	take_level(
		wf_container_of(message, wf_shard, cancel), WF_LEVEL_CANCEL, message, on_cancel_back);
}

static void follow(weft_group *group, wf_shard *shard)
{
	if (group->scope.level >= WF_LEVEL_DRAIN && !shard->drain_sent) {
		shard->drain_sent = true;
		group->levels_out++;
		wf_inbox_push(&shard->worker->inbox, &shard->drain);
	}
	if (group->scope.level == WF_LEVEL_CANCEL && !shard->cancel_sent) {
		shard->cancel_sent = true;
		shard->reason = group->scope.reason;
		shard->reason_site = group->scope.site;
		group->levels_out++;
		wf_inbox_push(&shard->worker->inbox, &shard->cancel);
	}
}

void wf_shards_follow(weft_group *group)
{
	wf_shard *shards = shards_of(group);
	for (int i = 0; i < group->home->run->worker_count; i++) {
		if (shards[i].loud) follow(group, &shards[i]);
	}
}

static void begin(wf_shard *shard)
{
	if (shard->begun) return;
	wf_scope_init(&shard->scope, &shard->worker->scope, NULL);
	shard->begun = true;
	raise_scope(shard);
}

/* Quiet?. */

static void make_loud(weft_group *group, wf_shard *shard)
{
	if (shard->loud) return;
	shard->loud = true;
	group->loud++;
	follow(group, shard);
}

int wf_shards_begin(weft_group *group)
{
	if (!wf_shards_make(group)) return WEFT_ENOMEM;
	wf_shard *shards = shards_of(group);
	for (int i = 0; i < group->home->run->worker_count; i++) {
		if (shards[i].worker == group->home) continue;
		begin(&shards[i]);
		make_loud(group, &shards[i]);
	}
	return 0;
}

void wf_shards_ask(weft_group *group)
{
	wf_shard *shards = shards_of(group);
	for (int i = 0; i < group->home->run->worker_count; i++) {
		wf_shard *shard = &shards[i];
		if (!shard->loud || shard->ask_sent) continue;
		shard->ask_sent = true;
		wf_inbox_push(&shard->worker->inbox, &shard->ask);
	}
}

/* The scope leaves the tree with the answer, unless counted children still hang below it: their
 * ended messages make the shard loud again, and it is asked once more. */
static void answer_if_quiet(wf_shard *shard)
{
	if (!shard->asked || shard->members > 0) return;
	shard->asked = false;
	if (shard->begun && wf_list_empty(&shard->scope.children)) {
		wf_scope_fini(&shard->scope);
		shard->begun = false;
	}
	wf_inbox_push(&shard->group->home->inbox, &shard->answer);
}

static void on_ask(wf_message *message)
{
	wf_shard *shard = wf_container_of(message, wf_shard, ask);
	shard->asked = true;
	answer_if_quiet(shard);
}

static void on_answer(wf_message *message)
{
	wf_shard *shard = wf_container_of(message, wf_shard, answer);
	weft_group *group = shard->group;
	shard->ask_sent = false;
	shard->loud = false;
	group->loud--;
	wf_group_advance(group);
}

/* Children. */

static void on_ended(wf_message *message)
{
	weft_task *task = wf_container_of(message, weft_task, message);
	weft_group *group = task->group;
	if (!task->counted) {
		wf_group_fail(group, task, task->result);
		wf_task_free(task);
		return;
	}
	if (task->shard != NULL) make_loud(group, task->shard);
	bool forget = task->forget;
	wf_group_count_down(group, task);
	if (!forget) return;
	if (task->cancel_sent)
		task->dropped = true;
	else
		wf_task_free(task);
}

static void send_ended(weft_task *task, weft_group *group)
{
	task->message.deliver = on_ended;
	wf_inbox_push(&group->home->inbox, &task->message);
}

static void on_posted(wf_message *message)
{
	weft_task *task = wf_container_of(message, weft_task, message);
	wf_shard *shard = task->shard;
	begin(shard);
	atomic_fetch_sub_explicit(&shard->worker->expected, 1, memory_order_relaxed);
	int rc = wf_task_start(task, shard->worker, &shard->scope);
	if (rc == 0) return;
	task->worker = shard->worker;
	task->state = WF_TASK_ENDED;
	task->result = rc;
	task->failed = true;
	send_ended(task, shard->group);
}

void wf_shard_post(weft_group *group, weft_task *task)
{
	wf_shard *shard = &shards_of(group)[task->target - 1];
	make_loud(group, shard);
	task->shard = shard;
	task->counted = true;
	task->message.deliver = on_posted;
	atomic_fetch_add_explicit(&shard->worker->expected, 1, memory_order_relaxed);
	wf_inbox_push(&shard->worker->inbox, &task->message);
}

/* At home, for a worker that has no shard, or wants a child elsewhere. It was counted in `asks`
 * until here. */
static void on_asked(wf_message *message)
{
	weft_task *task = wf_container_of(message, weft_task, message);
	weft_group *group = task->group;
	wf_worker *home = group->home;
	int rc = 0;
	if (task->target != home->id && !wf_shards_make(group)) rc = WEFT_ENOMEM;
	if (rc == 0 && task->target == home->id) rc = wf_task_start(task, home, &group->scope);
	atomic_fetch_sub_explicit(&group->asks, 1, memory_order_relaxed);
	if (rc != 0) {
		wf_group_fail(group, task, rc);
		wf_task_free(task);
		wf_group_advance(group);
		return;
	}
	wf_group_count_up(group, task);
	if (task->target != home->id) wf_shard_post(group, task);
}

void wf_shard_ask_home(weft_group *group, weft_task *task)
{
	atomic_fetch_add_explicit(&group->asks, 1, memory_order_relaxed);
	task->message.deliver = on_asked;
	wf_inbox_push(&group->home->inbox, &task->message);
}

int wf_shard_start(wf_shard *shard, weft_task *task, bool directly)
{
	task->shard = shard;
	int rc = wf_task_begin(task, shard->worker, &shard->scope);
	if (rc != 0) return rc;
	shard->members++;
	wf_worker_let_run(shard->worker, task, directly);
	return 0;
}

void wf_shard_bury_child(wf_shard *shard, weft_task *task)
{
	if (task->counted) {
		send_ended(task, shard->group);
		return;
	}
	if (task->failed)
		send_ended(task, shard->group);
	else
		wf_task_free(task);
	wf_shard_leave(shard);
}

void wf_shard_leave(wf_shard *shard)
{
	wf_assert(shard->members > 0);
	shard->members--;
	answer_if_quiet(shard);
}

void wf_shard_on_failure(wf_message *message)
{
	weft_group *group = wf_container_of(message, weft_group, failure_away);
	/* Release: pairs with the next one's exchange, on whatever worker; the message is free again.
	 */
	int code = atomic_exchange_explicit(&group->failed_away, 0, memory_order_acq_rel);
	wf_group_fail(group, NULL, code);
	atomic_fetch_sub_explicit(&group->asks, 1, memory_order_relaxed);
	wf_group_advance(group);
}

/* There need be no shard here. The group has one message for all of them: what fails while it is
 * out is not told, since the group fails anyway. Like an ask it keeps the group from being over. */
void wf_shard_note_failure(weft_group *group, int code)
{
	int none = 0;
	if (!atomic_compare_exchange_strong_explicit(
			&group->failed_away, &none, code, memory_order_acq_rel, memory_order_relaxed))
		return;
	atomic_fetch_add_explicit(&group->asks, 1, memory_order_relaxed);
	wf_inbox_push(&group->home->inbox, &group->failure_away);
}

/* Cancel of one child. */

/* The group is not over before this: on its way the message looks at both. */
static void on_child_back(wf_message *message)
{
	weft_task *task = wf_container_of(message, weft_task, cancel);
	weft_group *group = task->group;
	task->cancel_sent = false;
	if (task->dropped) {
		task->dropped = false;
		wf_task_free(task);
	}
	group->levels_out--;
	wf_group_advance(group);
}

static void on_cancel_child(wf_message *message)
{
	weft_task *task = wf_container_of(message, weft_task, cancel);
	if (task->state != WF_TASK_ENDED && task->worker == wf_worker_here())
		wf_scope_raise(&task->root, WF_LEVEL_CANCEL, WEFT_REASON_EXPLICIT, "weft_task_cancel");
	message->deliver = on_child_back;
	wf_inbox_push(&task->group->home->inbox, message);
}

void wf_shard_cancel_child(weft_task *task)
{
	if (task->cancel_sent) return;
	task->cancel_sent = true;
	task->group->levels_out++;
	task->cancel.deliver = on_cancel_child;
	wf_inbox_push(&task->shard->worker->inbox, &task->cancel);
}

void weft_task_cancel(weft_task *task)
{
	wf_worker *here = wf_worker_here();
	if (task->shard != NULL && here == task->group->home && here != task->shard->worker) {
		wf_assert(task->counted); /* else it may be gone before the message is there */
		wf_shard_cancel_child(task);
		return;
	}
	wf_assert(task->worker == here);
	if (task->state != WF_TASK_ENDED)
		wf_scope_raise(&task->root, WF_LEVEL_CANCEL, WEFT_REASON_EXPLICIT, "weft_task_cancel");
}
