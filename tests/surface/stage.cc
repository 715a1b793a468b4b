#include <ostream>

#include <uv.h>

#include "tests/support/failing_allocator.h"
#include "tests/surface/counts.h"
#include "tests/surface/surface.h"

bool operator==(const surface_counts &a, const surface_counts &b)
{
	return a.tasks == b.tasks && a.posts == b.posts && a.timers == b.timers &&
		   a.descriptors == b.descriptors && a.handles == b.handles;
}

std::ostream &operator<<(std::ostream &out, const surface_counts &c)
{
	return out << c.tasks << " tasks, " << c.posts << " posts, " << c.timers << " timers, "
			   << c.descriptors << " descriptors, " << c.handles << " handles";
}

namespace
{

std::string said(int rc)
{
	return rc == NOTHING ? "nothing" : weft_error_name(rc);
}

/* Runs `fn` in a callback on this worker's loop, and waits for it. */
void run_on_the_loop(const std::function<void()> &fn)
{
	struct Turn {
		uv_timer_t timer;
		const std::function<void()> *fn;
		weft_event closed;
	} turn = {};
	turn.fn = &fn;
	uv_timer_init(weft_worker_uv_loop(), &turn.timer);
	turn.timer.data = &turn;
	uv_timer_start(
		&turn.timer,
		[](uv_timer_t *timer) {
			(*static_cast<Turn *>(timer->data)->fn)();
			uv_close(reinterpret_cast<uv_handle_t *>(timer), [](uv_handle_t *handle) {
				weft_event_set(&static_cast<Turn *>(handle->data)->closed);
			});
		},
		0, 0);
	EXPECT_EQ(0, weft_event_wait(&turn.closed));
}

} // namespace

void Stage::check_once(const Call &call)
{
	called = true;
	surface_counts before = surface_count();
	int rc = call();
	EXPECT_GE(rc, 0) << name << " says " << said(rc);
	EXPECT_EQ(before, surface_count()) << name << ", done";
}

void Stage::check_begins(const Change &change, const Call &call)
{
	called = true;
	surface_counts before = surface_count();
	int rc = call();
	EXPECT_GE(rc, 0) << name << " says " << said(rc);
	before.tasks += static_cast<unsigned>(change.tasks);
	before.timers += static_cast<unsigned>(change.timers);
	before.descriptors += static_cast<unsigned>(change.descriptors);
	before.handles += static_cast<unsigned>(change.handles);
	EXPECT_EQ(before, surface_count()) << name << ", begun";
}

void Stage::in_a_cancelled_scope(const Call &call)
{
	weft_scope *scope = weft_scope_open();
	weft_scope_cancel(scope);
	surface_counts before = surface_count();
	int rc = call();
	EXPECT_EQ("ECANCELED", said(rc)) << name << ", cancelled";
	EXPECT_EQ(before, surface_count()) << name << ", cancelled";
	int closed = weft_scope_close(scope, 0);
	EXPECT_EQ(0, closed);
}

void Stage::without_memory(const Call &call)
{
	for (long n = 0, failed = 1; failed > 0; n++) {
		surface_counts before = surface_count();
		failing_allocator_fail_at(n, FAIL_ONCE);
		int rc = call();
		failed = failing_allocator_failures();
		failing_allocator_fail_at(-1, FAIL_ONCE);
		EXPECT_TRUE(rc >= 0 || rc == NOTHING || rc == WEFT_ENOMEM)
			<< name << " says " << said(rc) << " when allocation " << n << " fails";
		EXPECT_EQ(before, surface_count()) << name << " when allocation " << n << " fails";
		ASSERT_LT(n, 200) << name;
	}
}

void Stage::on_a_thread(Place place, const Call &call)
{
	struct Job {
		const Call *call;
		int rc;
	} job = { &call, 0 };
	surface_counts before = surface_count();
	int rc = weft_offload(
		[](void *arg) {
			auto *work = static_cast<Job *>(arg);
			work->rc = (*work->call)();
			return 0;
		},
		&job);
	EXPECT_EQ(0, rc);
	EXPECT_EQ(before, surface_count()) << name << ", on a thread";
	if (place == Place::any) {
		EXPECT_GE(job.rc, 0) << name << " says " << said(job.rc) << " on a thread";
	} else if (job.rc != NOTHING) {
		EXPECT_EQ("ENORUN", said(job.rc)) << name << ", on a thread";
	}
}

void Stage::on_the_loop(Place place, const Call &call)
{
	int rc = 0;
	surface_counts before = {}, after = {};
	run_on_the_loop([&] {
		before = surface_count();
		rc = call();
		after = surface_count();
	});
	EXPECT_EQ(before, after) << name << ", in a callback";
	if (place == Place::any || place == Place::worker) {
		EXPECT_GE(rc, 0) << name << " says " << said(rc) << " in a callback";
	} else if (rc != NOTHING) {
		EXPECT_EQ("ENOTASK", said(rc)) << name << ", in a callback";
	}
}

void Stage::check(Place place, const Call &call)
{
	check_once(call);
	if (place == Place::suspends) in_a_cancelled_scope(call);
	if (survives_without_memory) without_memory(call);
	if (place == Place::owner) return;
	on_a_thread(place, call);
	on_the_loop(place, call);
}
