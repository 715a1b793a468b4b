#include <weft/fd.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <gtest/gtest.h>
#include <weft/group.h>
#include <weft/scope.h>
#include <weft/timer.h>

#include "tests/runtime/io_scenarios.h"
#include "tests/support/run_on.h"

namespace
{

struct Io : testing::TestWithParam<bool> {
	int run(weft_task_fn *fn, void *arg = nullptr)
	{
		return test_run_on(GetParam(), 7, 1, fn, arg);
	}
};

INSTANTIATE_TEST_SUITE_P(
	On, Io, testing::Bool(), [](const auto &info) { return info.param ? "late" : "poll"; });

#define EXPECT_SCENARIO(name) EXPECT_EQ(0, run(name)) << "is the line in io_scenarios.c"

TEST_P(Io, TellsReadyOnce)
{
	EXPECT_SCENARIO(io_ready_is_told_once);
}

TEST_P(Io, TakesReadyBack)
{
	EXPECT_SCENARIO(io_ready_can_be_taken_back);
}

TEST_P(Io, TakesAndPutsNowOrNever)
{
	EXPECT_SCENARIO(io_take_and_put_happen_now_or_never);
}

TEST_P(Io, TellsThatThePeerHasEnded)
{
	EXPECT_SCENARIO(io_gone_is_told_on_an_end);
}

TEST_P(Io, TellsThatThePeerHasEndedThoughDataIsUnread)
{
	EXPECT_SCENARIO(io_gone_is_told_though_data_is_unread);
}

TEST_P(Io, TellsThatThePeerWasReset)
{
	EXPECT_SCENARIO(io_gone_is_told_on_a_reset);
}

TEST_P(Io, GivesWhatCameBeforeAReset)
{
	EXPECT_SCENARIO(io_reset_leaves_unread_data);
}

TEST_P(Io, CompletesWhatIsPendingWhenItIsClosed)
{
	EXPECT_SCENARIO(io_close_completes_what_is_pending);
}

TEST_P(Io, CompletesEachOperationOnceWhateverIsCancelled)
{
	EXPECT_SCENARIO(io_cancel_completes_exactly_once);
}

TEST(IoPoll, StaysArmedBetweenRequests)
{
	EXPECT_EQ(0, test_run_on(false, 0, 1, io_stays_armed_between_requests, nullptr));
}

TEST_P(Io, HearsOnceOfAnEventThatNobodyWants)
{
	EXPECT_SCENARIO(io_event_nobody_wants_comes_once);
}

TEST_P(Io, GivesADescriptorBack)
{
	EXPECT_SCENARIO(io_release_gives_the_descriptor_back);
}

TEST_P(Io, LingersUntilThePeerHasEnded)
{
	EXPECT_SCENARIO(io_linger_waits_for_the_peer);
}

TEST_P(Io, LingersNoLongerThanTheRun)
{
	EXPECT_SCENARIO(io_linger_is_over_when_the_run_is);
}

struct Pipe {
	int ends[2];
	int result = -1;
	bool released = false;
};

struct ForeignDescriptor : Io {
	Pipe pipe = {};

	void SetUp() override
	{
		ASSERT_EQ(0, ::pipe(pipe.ends));
	}
	void TearDown() override
	{
		close(pipe.ends[0]);
		close(pipe.ends[1]);
	}
};

INSTANTIATE_TEST_SUITE_P(On, ForeignDescriptor, testing::Bool(),
	[](const auto &info) { return info.param ? "late" : "poll"; });

int wait_readable(void *arg)
{
	auto *p = static_cast<Pipe *>(arg);
	p->result = weft_fd_wait(p->ends[0], WEFT_READABLE);
	return p->result < 0 ? p->result : 0;
}

int write_later(void *arg)
{
	auto *p = static_cast<Pipe *>(arg);
	int rc = weft_sleep_ms(5);
	EXPECT_EQ(-1, p->result);
	EXPECT_EQ(1, write(p->ends[1], "x", 1));
	return rc;
}

int all_of(std::initializer_list<weft_task_fn *> tasks, void *arg)
{
	weft_group *group = weft_group_open();
	for (auto fn : tasks) weft_spawn(group, fn, arg);
	return weft_group_join(group, 0);
}

TEST_P(ForeignDescriptor, SuspendsATaskUntilItIsReadable)
{
	EXPECT_EQ(0, run([](void *arg) { return all_of({ wait_readable, write_later }, arg); }, &pipe));
	EXPECT_EQ(WEFT_READABLE, pipe.result);
	EXPECT_EQ(0, fcntl(pipe.ends[0], F_GETFL) & O_NONBLOCK) << "it stays as it was";
}

TEST_P(ForeignDescriptor, MayBeWaitedForByTwo)
{
	EXPECT_EQ(0, run(
					 [](void *arg) {
						 return all_of({ wait_readable, wait_readable, write_later }, arg);
					 },
					 &pipe));
}

TEST_P(ForeignDescriptor, IsWritableAtOnce)
{
	EXPECT_EQ(0, run(
					 [](void *arg) {
						 auto *p = static_cast<Pipe *>(arg);
						 return weft_fd_wait(p->ends[1], WEFT_READABLE | WEFT_WRITABLE) -
								WEFT_WRITABLE;
					 },
					 &pipe));
}

TEST_P(ForeignDescriptor, CanBeGivenUp)
{
	EXPECT_EQ(WEFT_EDEADLINE, run(
								  [](void *arg) {
									  weft_scope *scope = weft_scope_open(.timeout_ms = 5);
									  return weft_scope_close(scope, wait_readable(arg));
								  },
								  &pipe));
	EXPECT_EQ(WEFT_ECANCELED, pipe.result);
}

TEST_P(ForeignDescriptor, RefusesNonsense)
{
	EXPECT_EQ(0, run(
					 [](void *arg) {
						 auto *p = static_cast<Pipe *>(arg);
						 EXPECT_EQ(WEFT_EINVAL, weft_fd_wait(p->ends[0], 0));
						 EXPECT_EQ(WEFT_EINVAL, weft_fd_wait(p->ends[0], 64));
						 EXPECT_EQ(-EBADF, weft_fd_wait(-1, WEFT_READABLE));
						 EXPECT_EQ(-EBADF, weft_fd_wait(19999, WEFT_READABLE));
						 return 0;
					 },
					 &pipe));
	EXPECT_EQ(WEFT_ENORUN, weft_fd_wait(pipe.ends[0], WEFT_READABLE));
}

/* More descriptors with something at once than are told before their tasks run. */
struct Crowd {
	static constexpr int size = 300;
	Pipe pipe;
	weft_group *group = nullptr;
	int waiting = 0, woken = 0, cancelled = 0, cancel_at = 0;
};

int wait_in_crowd(void *arg)
{
	auto *crowd = static_cast<Crowd *>(arg);
	crowd->waiting++;
	int rc = weft_fd_wait(crowd->pipe.ends[0], WEFT_READABLE);
	if (rc == WEFT_ECANCELED) crowd->cancelled++;
	if (rc > 0 && ++crowd->woken == crowd->cancel_at) weft_group_cancel(crowd->group);
	return 0;
}

int wake_crowd(void *arg)
{
	auto *crowd = static_cast<Crowd *>(arg);
	if (pipe(crowd->pipe.ends) != 0) return -errno;
	crowd->group = weft_group_open();
	for (int i = 0; i < Crowd::size; i++) weft_spawn(crowd->group, wait_in_crowd, crowd);
	while (crowd->waiting < Crowd::size) EXPECT_EQ(0, weft_sleep_ms(1));
	EXPECT_EQ(1, write(crowd->pipe.ends[1], "x", 1));
	int rc = weft_group_join(crowd->group, 0);
	close(crowd->pipe.ends[0]);
	close(crowd->pipe.ends[1]);
	return rc;
}

TEST_P(Io, WakesAllWhoWaitForOneMoment)
{
	Crowd crowd;
	EXPECT_EQ(0, run(wake_crowd, &crowd));
	EXPECT_EQ(Crowd::size, crowd.woken);
}

TEST_P(Io, LetsATaskEndTheOthersWhoseEventsAreDueInTheSamePoll)
{
	for (int at : { 1, 63, 64, 65, 200 }) {
		Crowd crowd;
		crowd.cancel_at = at;
		EXPECT_EQ(0, run(wake_crowd, &crowd));
		EXPECT_LE(at, crowd.woken);
		EXPECT_EQ(Crowd::size, crowd.woken + crowd.cancelled);
	}
}

struct Foreign {
	uv_timer_t timer;
	int suspended = 0;
	bool closed = false;
};

int use_loop(void *arg)
{
	auto *f = static_cast<Foreign *>(arg);
	f->timer.data = f;
	EXPECT_EQ(0, uv_timer_init(weft_worker_uv_loop(), &f->timer));
	uv_timer_start(
		&f->timer,
		[](uv_timer_t *timer) {
			auto *foreign = static_cast<Foreign *>(timer->data);
			foreign->suspended = weft_sleep_ms(1);
			uv_close(reinterpret_cast<uv_handle_t *>(timer),
				[](uv_handle_t *handle) { static_cast<Foreign *>(handle->data)->closed = true; });
		},
		1, 0);
	while (!f->closed) EXPECT_EQ(0, weft_sleep_ms(1));
	return 0;
}

TEST_P(Io, LendsItsLoopToForeignCodeWhoseCallbacksAreNotTasks)
{
	Foreign foreign;
	EXPECT_EQ(nullptr, weft_worker_uv_loop());
	EXPECT_EQ(0, run(use_loop, &foreign));
	EXPECT_EQ(WEFT_ENOTASK, foreign.suspended);
}

} // namespace
