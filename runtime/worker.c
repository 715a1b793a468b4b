/* One turn of a worker:
 *
 *   inbox → timers → ready tasks, one after another → descriptors (blocking when nothing is ready)
 *
 * Where many descriptors have something at once, the tasks run in between: WF_EVENTS_A_TURN.
 *
 * A task that parks picks its successor itself and switches straight to it: the loop is visited
 * once a turn, not once a switch. The one pick function is `pick`: first come, first served, but
 * for who has started a child directly, who goes on as soon as that leaves. */
#include "runtime/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <weft/error.h>
#include <weft/report.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "context/context.h"
#include "runtime/io.h"
#include "runtime/run.h"

/* The clock costs as much as two switches. */
__attribute__((noinline)) static bool look_whether_over(wf_worker *worker)
{
	worker->until_look = WF_SWITCHES_A_LOOK;
	if (--worker->looks_left == 0) return true;
	return wf_now_ns() - worker->turn_began_ns > WF_TURN_NS;
}

/* Who runs next; NULL: the loop. */
static inline weft_task *pick(wf_worker *worker)
{
	weft_task *urgent = worker->urgent;
	if (wf_unlikely(urgent != NULL)) {
		worker->urgent = urgent->next;
		return urgent;
	}
	if (wf_ready_count(&worker->ready) == 0) return NULL;
	if (wf_unlikely(--worker->until_look == 0) && look_whether_over(worker)) return NULL;
	return wf_ready_take(&worker->ready);
}

/* Makes `task` (NULL: the loop) the current one; returns where to switch to. */
static wf_coro *enter(wf_worker *worker, weft_task *task)
{
	worker->task = task;
	if (task == NULL) {
		wf_context_attach(wf_context_root());
		return &worker->loop_coro;
	}
	worker->switches++;
	worker->budget_left = WF_TASK_BUDGET;
	task->state = WF_TASK_RUNNING;
	wf_context_attach(task->context);
	return &task->coro;
}

void wf_worker_switch(wf_worker *worker)
{
	weft_task *from = worker->task;
	if (wf_unlikely(from->pausing != NULL)) from->pausing(from);
	weft_task *to = pick(worker);
	from->context = wf_context_current();
	wf_coro *next = enter(worker, to);
	if (to == from) return;
	wf_coro_switch(&from->coro, next);
	wf_worker_arrive(worker);
}

void wf_worker_run_now(wf_worker *worker, weft_task *child)
{
	weft_task *spawner = worker->task;
	unsigned budget = worker->budget_left;
	child->next = spawner;
	spawner->next = worker->urgent;
	worker->urgent = child;
	spawner->state = WF_TASK_READY;
	wf_worker_switch(worker);
	/* To come back at once is no turn of its own. */
	worker->budget_left = budget;
}

void wf_worker_yield(wf_worker *worker)
{
	worker->task->state = WF_TASK_READY;
	wf_ready_put(&worker->ready, worker->task);
	wf_worker_switch(worker);
}

wf_coro *wf_worker_leave_task(wf_worker *worker)
{
	worker->ended = worker->task;
	return enter(worker, pick(worker));
}

/* Checkpoints. */

static int spend_budget(wf_worker *worker)
{
	if (worker->budget_left == 0 || wf_now_ns() - worker->turn_began_ns > WF_TURN_NS)
		wf_worker_yield(worker);
	return 0;
}

int wf_checkpoint_shielded_slowly(void)
{
	wf_worker *worker = wf_worker_here();
	if (wf_unlikely(worker == NULL)) return WEFT_ENORUN;
	if (wf_unlikely(worker->task == NULL)) return WEFT_ENOTASK;
	if (--worker->budget_left % WF_CLOCK_EVERY == 0) spend_budget(worker);
	return 0;
}

int wf_checkpoint_slowly(void)
{
	int rc = wf_checkpoint_shielded();
	if (wf_unlikely(rc != 0)) return rc;
	weft_task *task = wf_task_here();
	if (wf_likely(!task->interrupted)) return 0;
	/* A loop that ignores its errors must not keep the others from running. */
	wf_worker_yield(task->worker);
	return task->failed_scopes ? WEFT_ENOMEM : WEFT_ECANCELED;
}

/* The loop. */

static void run_turn(wf_worker *worker)
{
	worker->turns++;
	worker->turn_began_ns = worker->now_ns;
	worker->until_look = WF_SWITCHES_A_LOOK;
	worker->looks_left = WF_TURN_SWITCHES / WF_SWITCHES_A_LOOK;
	weft_task *first = pick(worker);
	if (first == NULL) return;
	wf_coro_switch(&worker->loop_coro, enter(worker, first));
	wf_worker_arrive(worker);
}

void wf_worker_run_early(wf_worker *worker)
{
	wf_debug_assert(worker == wf_worker_here() && worker->task == NULL);
	/* It may have slept, and will not sleep any more. */
	if (worker->polling) {
		worker->polling = false;
		wf_inbox_awake(&worker->inbox);
	}
	int64_t now_ns = wf_now_ns();
	if (!wf_inbox_empty(&worker->inbox) || wf_timers_next_ns(&worker->timers) <= now_ns) return;
	worker->now_ns = now_ns;
	run_turn(worker);
}

static void on_timer(uv_timer_t *timer)
{
	wf_worker *worker = wf_container_of(timer, wf_worker, timer);
	worker->timer_armed_ns = INT64_MAX;
	/* uv_run looks at its timers before it polls, too. One that fell due between being armed and
	 * that look would be spent, and the poll would block for ever: stopping makes it look only. */
	uv_stop(&worker->loop);
}

/* libuv counts milliseconds from its own reading of the clock: round up, so that a deadline is
 * never met early. */
static void arm_timer(wf_worker *worker)
{
	int64_t next = wf_timers_next_ns(&worker->timers);
	if (next == worker->timer_armed_ns) return;
	if (next == INT64_MAX) {
		uv_timer_stop(&worker->timer);
	} else {
		int64_t left = next - wf_now_ns();
		uv_update_time(&worker->loop);
		uv_timer_start(
			&worker->timer, on_timer, left > 0 ? (uint64_t)(left + 999999) / 1000000 : 0, 0);
	}
	worker->timer_armed_ns = next;
}

/* A message that comes to a sleeper costs both sides a system call and the sleeper its core: dozens
 * of microseconds. Where messages follow one another it pays to look for the next one first. Only
 * there: a worker that descriptors or timers wake does not spin, and one that spun in vain lets the
 * next sleeps pass, twice as many each time. The clock has the last word, since a pause takes
 * thrice as long on one processor as on another; the number of looks is for one that stands still.
 * True: there is a message. */
static bool spin(wf_worker *worker)
{
	if (worker->spin_ns == 0 || !worker->woken_by_message) return false;
	if (worker->spins_withheld > 0) {
		worker->spins_withheld--;
		return false;
	}
	int64_t until = wf_now_ns() + worker->spin_ns;
	for (unsigned looks = 1; looks <= WF_SPIN_LOOKS_MAX; looks++) {
		if (!wf_inbox_empty(&worker->inbox)) {
			worker->spin_backoff = 1;
			return true;
		}
		if (looks % WF_LOOKS_A_CLOCK == 0 && wf_now_ns() >= until) break;
		wf_thread_pause();
	}
	worker->spins_withheld = worker->spin_backoff;
	if (worker->spin_backoff < WF_SPIN_BACKOFF_MAX) worker->spin_backoff *= 2;
	return false;
}

/* A message that a spin found may go without a look at the descriptors, but not for ever: as long
 * as they may have to wait for tasks. Timers are looked at each turn. */
static bool may_skip_poll(wf_worker *worker)
{
	return ++worker->polls_skipped < WF_POLLS_SKIPPED_MAX &&
		   worker->now_ns - worker->polled_ns < WF_TURN_NS;
}

static void sleep_in_poll(wf_worker *worker)
{
	arm_timer(worker);
	worker->polling = true;
	uv_run(&worker->loop, UV_RUN_ONCE);
	worker->polling = false;
	wf_inbox_awake(&worker->inbox);
	worker->woken_by_message = !wf_inbox_empty(&worker->inbox);
}

static void poll_descriptors(wf_worker *worker)
{
	bool busy = wf_ready_count(&worker->ready) != 0 || wf_posts_may_start(worker);
	if (!busy && spin(worker) && may_skip_poll(worker)) return;
	worker->polls_skipped = 0;
	worker->polled_ns = worker->now_ns;
	if (!busy && wf_inbox_may_sleep(&worker->inbox))
		sleep_in_poll(worker);
	else
		uv_run(&worker->loop, UV_RUN_NOWAIT);
}

void wf_worker_loop(wf_worker *worker)
{
	wf_inbox_here = &worker->inbox;
	/* Without it an overflow still ends the process, but nobody learns whose it was. */
	(void)!wf_stack_watch_open(&worker->watch);
	wf_coro_init_thread(&worker->loop_coro);
	while (!worker->finished) {
		wf_inbox_drain(&worker->inbox);
		worker->now_ns = wf_now_ns();
		wf_timers_fire(&worker->timers, worker->now_ns);
		if (wf_unlikely(wf_posts_may_start(worker))) wf_posts_start(worker);
		run_turn(worker);
		if (wf_unlikely(worker->sealing)) wf_stages_settle(worker);
		if (!worker->finished) poll_descriptors(worker);
	}
	wf_stack_watch_close(&worker->watch);
	wf_inbox_here = NULL;
}

/* Life. */

/* An eventfd of our own and not a uv_async_t: that one writes to its fd and only then notes that it
 * has. A receiver who gets the sender's core meanwhile, as he does on a busy machine, spins until
 * the note is there: some 30 us at each wake. Once for each sleep is what the inbox sees to. */
static void wake_loop(wf_inbox *inbox)
{
	static const uint64_t one = 1;
	wf_worker *worker = wf_container_of(inbox, wf_worker, inbox);
	/* The counter is far from its maximum, and what does not block knows no EINTR: it fails only if
	 * somebody closed the descriptor, and then the worker would sleep for ever. */
	ssize_t written = write(worker->wake_fd, &one, sizeof one);
	wf_assert(written == sizeof one);
}

/* Its only job is to end the poll; the loop drains the inbox each turn. */
static void on_wake(uv_poll_t *wake, int status, int events)
{
	uint64_t count;
	wf_worker *worker = wf_container_of(wake, wf_worker, wake);
	(void)status, (void)events;
	/* Before the drain of the next turn: what was put in before a write that this takes is seen
	 * there, and a later write ends the next poll. */
	ssize_t ignored = read(worker->wake_fd, &count, sizeof count);
	(void)ignored;
}

static int init_wake(wf_worker *worker)
{
	worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->wake_fd < 0) return -errno;
	int rc = uv_poll_init(&worker->loop, &worker->wake, worker->wake_fd);
	if (rc != 0) {
		(void)close(worker->wake_fd);
		return rc;
	}
	rc = uv_poll_start(&worker->wake, UV_READABLE, on_wake);
	wf_assert(rc == 0); /* nobody else polls this fd */
	return 0;
}

/* Before 1.51 libuv forgets its epoll descriptor where there is none left for the rest. */
static int init_loop(uv_loop_t *loop)
{
	enum { MENDED_IN = 1 << 16 | 51 << 8 };
	int rc = uv_loop_init(loop);
	if (rc != 0 && uv_version() < MENDED_IN && loop->backend_fd > 0) (void)close(loop->backend_fd);
	return rc;
}

static int init_handles(wf_worker *worker)
{
	int rc = init_loop(&worker->loop);
	if (rc != 0) return rc;
	rc = init_wake(worker);
	if (rc != 0) {
		uv_loop_close(&worker->loop);
		return rc;
	}
	uv_timer_init(&worker->loop, &worker->timer);
	worker->timer_armed_ns = INT64_MAX;
	worker->loop.data = worker;
	return 0;
}

/* Nobody writes to the eventfd any more: there is no inbox yet, or it has had its fini. libuv lets
 * go of it first. */
static void fini_handles(wf_worker *worker)
{
	uv_close((uv_handle_t *)&worker->wake, NULL);
	uv_close((uv_handle_t *)&worker->timer, NULL);
	uv_run(&worker->loop, UV_RUN_DEFAULT);
	wf_assert(uv_loop_close(&worker->loop) == 0);
	(void)close(worker->wake_fd);
}

/* In a signal handler. */
static void describe_stack(const wf_stack *stack, const char **task, const char **site)
{
	const weft_task *owner = stack->owner;
	*task = weft_task_name(owner);
	*site = owner->site;
}

static void report_no_stack(void *arg, int rc, const char *text)
{
	const wf_worker *worker = arg;
	weft_report("stack", "a task cannot have a stack", weft_log_text("why", text),
		weft_log_int("worker", worker->id), weft_log_code("error", rc));
}

static void trim_stacks(wf_timer *timer)
{
	wf_worker *worker = wf_container_of(timer, wf_worker, trim);
	if (wf_stack_pool_trim(&worker->stacks) || wf_stack_pool_warm(&worker->stacks))
		wf_worker_trim_later(worker);
}

void wf_worker_trim_later(wf_worker *worker)
{
	int64_t at = wf_now_ns() + (int64_t)WF_TRIM_MS * 1000000;
	int rc = wf_timer_arm(&worker->timers, &worker->trim, at);
	wf_assert(rc == 0); /* it is reserved */
}

static int init_stacks(wf_worker *worker)
{
	int rc = wf_stack_pool_init(&worker->stacks, worker->run->options.stack, worker->tasks_max);
	worker->stacks.describe = describe_stack;
	worker->stacks.report = report_no_stack;
	worker->stacks.report_arg = worker;
	worker->trim.fire = trim_stacks;
	return rc != 0 ? rc : wf_timer_reserve(&worker->timers, &worker->trim);
}

int wf_worker_init(wf_worker *worker, wf_run *run, int id)
{
	worker->run = run;
	worker->id = id;
	worker->posts_last = &worker->posts;
	worker->tasks_max = (unsigned)run->options.tasks;
	worker->spin_backoff = 1;
	if (run->options.spin_us > 0 && wf_cpus() > 1) worker->spin_ns = run->options.spin_us * 1000;
	wf_list_init(&worker->open_io);
	wf_scope_init(&worker->scope, NULL, NULL);
	wf_timers_init(&worker->timers);

	int rc = init_handles(worker);
	if (rc != 0) goto out;
	rc = wf_inbox_init(&worker->inbox, WF_INBOX_LIMIT, wake_loop);
	if (rc != 0) goto close_handles;
	rc = init_stacks(worker);
	if (rc != 0) goto fini_inbox;
	rc = -ENOMEM;
	worker->scratch = wf_alloc(WF_SCRATCH_SIZE);
	if (worker->scratch == NULL) goto fini_stacks;
	rc = worker->io->init(worker);
	if (rc != 0) goto free_scratch;
	worker->made = true;
	return 0;

free_scratch:
	wf_free(worker->scratch);
fini_stacks:
	wf_stack_pool_fini(&worker->stacks);
fini_inbox:
	wf_timers_fini(&worker->timers);
	wf_inbox_fini(&worker->inbox);
close_handles:
	fini_handles(worker);
out:
	return rc;
}

void wf_worker_fini(wf_worker *worker)
{
	if (!worker->made) return;
	worker->made = false;
	wf_assert(worker->live_tasks == 0);
	/* Whose message is in may still be about to rouse the loop. */
	wf_inbox_fini(&worker->inbox);
	worker->io->fini(worker);
	fini_handles(worker);
	wf_free(worker->scratch);
	wf_group_free_spares(worker);
	wf_ready_fini(&worker->ready);
	wf_task_free_slabs(worker);
	wf_stack_pool_fini(&worker->stacks);
	wf_timer_cancel(&worker->timers, &worker->trim);
	wf_timers_fini(&worker->timers);
}
