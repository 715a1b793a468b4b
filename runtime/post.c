/* A post is a message that becomes a task when its worker gets to it. It was accepted, so it must
 * run: it waits in a list of the worker's, which starts so many a turn and, where it cannot for
 * want of memory or of a place, tries again. What waits there counts against the limit as what is
 * still in the inbox does. */
#include <weft/post.h>

#include <weft/error.h>
#include <weft/report.h>

#include "context/alloc.h"
#include "context/context.h"
#include "executor/future.h"
#include "runtime/run.h"

typedef struct wf_post {
	wf_message message;
	struct wf_post *next;
	wf_worker *worker;
	weft_task_fn *fn;
	void *arg;
	weft_context *context;
	weft_future *future; /* NULL: nobody wants the result */
	const char *name;
	const char *site;
} post;

weft_handle *weft_handle_current(void)
{
	wf_worker *worker = wf_worker_here();
	if (worker == NULL) return NULL;
	wf_run_ref(worker->run);
	return (weft_handle *)worker->run;
}

weft_handle *weft_handle_ref(weft_handle *handle)
{
	wf_run_ref((wf_run *)handle);
	return handle;
}

void weft_handle_unref(weft_handle *handle)
{
	if (handle != NULL) wf_run_unref((wf_run *)handle);
}

static void free_post(void *arg)
{
	post *posted = arg;
	wf_context_unref(posted->context);
	weft_future_unref(posted->future);
	wf_free(posted);
}

/* Its group lasts as long as the run: a failure that was left to it would be heard of at the end.
 */
static void report_failure(const post *posted, int rc)
{
	bool cancelled = rc == WEFT_ECANCELED && wf_task_here()->root.level == WF_LEVEL_CANCEL;
	if (rc >= 0 || cancelled) return;
	weft_report("task", "what was posted failed", weft_log_text("name", posted->name),
		weft_log_text("posted", posted->site), weft_log_code("error", rc));
}

static int run_post(void *arg)
{
	post *posted = arg;
	int rc = posted->fn(posted->arg);
	if (posted->future != NULL)
		weft_future_set(posted->future, rc, NULL);
	else
		report_failure(posted, rc);
	return 0;
}

static void deliver(wf_message *message)
{
	post *posted = wf_container_of(message, post, message);
	wf_worker *worker = posted->worker;
	/* Until it is a task it is a member itself: the group is not over, and its shard here stays. */
	wf_group_enter(&worker->run->posts);
	posted->next = NULL;
	*worker->posts_last = posted;
	worker->posts_last = &posted->next;
	wf_count(&worker->posts_waiting, 1);
}

static int start(wf_worker *worker, post *posted)
{
	weft_spawn_options options = { .size = sizeof options,
		.name = posted->name,
		.site = posted->site,
		.forget = true,
		.release = free_post };
	weft_context *former = wf_context_attach(posted->context);
	int rc = wf_group_spawn(&worker->run->posts, run_post, posted, &options);
	wf_context_attach(former);
	return rc;
}

void wf_posts_start(wf_worker *worker)
{
	for (int i = 0; i < WF_POSTS_PER_TURN && worker->posts != NULL; i++) {
		post *posted = worker->posts;
		post *next = posted->next; /* it may be gone once it has started */
		if (start(worker, posted) != 0) return;
		worker->posts = next;
		if (next == NULL) worker->posts_last = &worker->posts;
		wf_count(&worker->posts_waiting, -1);
		wf_group_leave(&worker->run->posts);
	}
}

static int make_post(const weft_post_options *options, post **out)
{
	post *made = wf_zalloc(sizeof *made);
	if (made == NULL) return WEFT_ENOMEM;
	if (options->future != NULL) {
		weft_future_options future = { .size = sizeof future, .site = options->site };
		int rc = weft_future_new_with(&future, &made->future);
		if (rc != 0) {
			wf_free(made);
			return rc;
		}
	}
	made->name = options->name;
	made->site = options->site;
	made->message.deliver = deliver;
	made->context = wf_context_capture();
	*out = made;
	return 0;
}

static int put_in(post *posted)
{
	wf_worker *worker = posted->worker;
	if (atomic_load_explicit(&worker->posts_waiting, memory_order_relaxed) >= WF_INBOX_LIMIT)
		return WEFT_EFULL;
	return wf_inbox_post(&worker->inbox, &posted->message);
}

int weft_post_with(
	weft_handle *handle, weft_task_fn *fn, void *arg, const weft_post_options *options)
{
	wf_run *run = (wf_run *)handle;
	int id = options->worker;
	if (id < 0 || id > run->worker_count) return WEFT_EINVAL;
	if (id == 0) id = wf_run_least_loaded(run);
	post *posted;
	int rc = make_post(options, &posted);
	if (rc != 0) return rc;
	posted->worker = &run->workers[id - 1];
	posted->fn = fn;
	posted->arg = arg;
	/* The moment it is in, it may run and end: what the caller gets is taken before. */
	weft_future *future = posted->future ? weft_future_ref(posted->future) : NULL;
	rc = put_in(posted);
	if (rc != 0) {
		weft_future_unref(future);
		free_post(posted);
		return rc;
	}
	if (future != NULL) *options->future = future;
	return 0;
}

typedef struct visit {
	weft_task_fn *fn;
	void *arg;
	int result;
} visit;

static int run_visit(void *arg)
{
	visit *there = arg;
	there->result = there->fn(there->arg);
	return 0;
}

/* The group hands a cancel on, and the join waits whatever is cancelled: once the function has
 * begun its own result is the answer. */
int weft_call_on(int worker, weft_task_fn *fn, void *arg)
{
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (worker < 1 || worker > weft_workers()) return WEFT_EINVAL;
	visit there = { .fn = fn, .arg = arg };
	weft_group *group = weft_group_open(.name = "weft_call_on");
	weft_spawn(group, run_visit, &there, .worker = worker, .forget = true);
	rc = weft_group_join(group, 0);
	return rc < 0 ? rc : there.result;
}

int weft_workers(void)
{
	wf_worker *here = wf_worker_here();
	return here ? here->run->worker_count : 0;
}

int weft_worker_id(void)
{
	wf_worker *here = wf_worker_here();
	return here ? here->id : 0;
}
