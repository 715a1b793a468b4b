#include "tests/surface/counts.h"

#include "runtime/run.h"
#include "runtime/worker.h"

/* The worker's own timer comes and goes with what there is to do, and a descriptor stays armed
 * until an event that nobody wants; descriptors are counted by themselves. */
static void count_active(uv_handle_t *handle, void *arg)
{
	surface_counts *counts = arg;
	const wf_worker *worker = wf_worker_here();
	if (handle == (const uv_handle_t *)&worker->timer || handle->type == UV_POLL) return;
	if (uv_is_active(handle)) counts->handles++;
}

surface_counts surface_count(void)
{
	wf_worker *worker = wf_worker_here();
	surface_counts counts = { 0 };
	counts.tasks = atomic_load(&worker->live_tasks) + atomic_load(&worker->expected);
	counts.posts = atomic_load(&worker->posts_waiting);
	/* The trimming of free stacks is housekeeping: it follows each end of a task. */
	counts.timers = worker->timers.count - (wf_timer_armed(&worker->trim) ? 1 : 0);
	for (wf_list *at = worker->open_io.next; at != &worker->open_io; at = at->next)
		counts.descriptors++;
	uv_walk(&worker->loop, count_active, &counts);
	return counts;
}
