#include <gtest/gtest.h>

#include <weft/sync.h>
#include <weft/timer.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tests/runtime/tasks.h"

namespace
{

/* Waits until it may go on, then gives its result. */
struct Step {
	weft_event gate{};
	int result = 0;
	int ran = 0;
	int ended = 0;
	int seen = 0; /* what the wait returned */
	int undone = 0;

	static int Run(void *arg)
	{
		auto *step = static_cast<Step *>(arg);
		step->ran++;
		step->seen = weft_event_wait(&step->gate);
		step->ended++;
		return step->seen < 0 ? step->seen : step->result;
	}
	static void Undo(void *arg)
	{
		static_cast<Step *>(arg)->undone++;
	}
	void Open(int with = 0)
	{
		result = with;
		weft_event_set(&gate);
	}
};

int succeed(void *arg)
{
	++*static_cast<int *>(arg);
	return 0;
}

int fail(void *arg)
{
	(void)arg;
	return -33;
}

TEST(Gather, RunsAllAndWaitsForAll)
{
	EXPECT_EQ(0, run_task([&] {
		Step a, b;
		Tasks tasks;
		bool over = false;
		tasks.Spawn([&] {
			EXPECT_EQ(0, weft_gather({ Step::Run, &a }, { Step::Run, &b }));
			over = true;
		});
		let_others_run();
		EXPECT_EQ(1, a.ran);
		EXPECT_EQ(1, b.ran);
		a.Open(7);
		let_others_run();
		EXPECT_FALSE(over);
		b.Open();
		return tasks.Join();
	}));
}

TEST(Gather, OfNothingIsDone)
{
	weft_call none{};
	EXPECT_EQ(WEFT_ENORUN, weft_gather_list(&none, nullptr));
	EXPECT_EQ(0, run_task([&] {
		EXPECT_EQ(0, weft_gather_each(succeed, static_cast<int *>(nullptr), 0));
		return weft_gather_list(&none, nullptr);
	}));
}

TEST(Gather, FirstFailureCancelsTheOthersAndIsReturned)
{
	EXPECT_EQ(0, run_task([&] {
		Step a, b;
		EXPECT_EQ(-33, weft_gather({ Step::Run, &a }, { fail, nullptr }, { Step::Run, &b }));
		EXPECT_EQ(WEFT_ECANCELED, a.seen);
		EXPECT_EQ(1, b.ended);
		return 0;
	}));
}

TEST(Gather, CancelFromOutsideIsReturnedUnlessAllSucceeded)
{
	EXPECT_EQ(0, run_task([&] {
		for (bool before : { true, false }) {
			Step a, b;
			Tasks tasks;
			Cancellable stretch;
			int rc = -7;
			tasks.Spawn([&] {
				rc = stretch.Run([&] { return weft_gather({ Step::Run, &a }, { Step::Run, &b }); });
			});
			let_others_run();
			a.Open();
			if (before) b.Open();
			stretch.Cancel();
			EXPECT_EQ(0, tasks.Join());
			EXPECT_EQ(1, a.ended);
			EXPECT_EQ(1, b.ended);
			EXPECT_EQ(before ? 0 : WEFT_ECANCELED, rc);
		}
		weft_scope *scope = weft_scope_open();
		weft_scope_cancel(scope);
		int count = 0;
		EXPECT_EQ(WEFT_ECANCELED, weft_gather({ succeed, &count }));
		EXPECT_EQ(WEFT_ECANCELED, weft_race({ succeed, &count }));
		EXPECT_EQ(0, count) << "it did not happen";
		return weft_scope_close(scope, 0);
	}));
}

TEST(Gather, StartsAllOrNone)
{
	EXPECT_EQ(0, run_task([&] {
		std::array<int, 1000> counts{};
		fail_allocations(true);
		EXPECT_EQ(WEFT_ENOMEM, weft_gather_each(succeed, counts.data(), counts.size()));
		EXPECT_EQ(WEFT_ENOMEM, weft_race_each(succeed, counts.data(), counts.size()));
		fail_allocations(false);
		EXPECT_EQ(0, *std::max_element(counts.begin(), counts.end()));
		EXPECT_EQ(0, weft_gather_each(succeed, counts.data(), counts.size()));
		EXPECT_EQ(1, *std::min_element(counts.begin(), counts.end()));
		return 0;
	}));
}

TEST(GatherEach, RunsAFewAtOnce)
{
	EXPECT_EQ(0, run_task([&] {
		static int running, most, count;
		running = most = count = 0;
		std::vector<char> elements(10000);
		EXPECT_EQ(0, weft_gather_each(
						 [](void *) {
							 most = std::max(most, ++running);
							 int rc = weft_yield();
							 running--;
							 count++;
							 return rc;
						 },
						 elements.data(), elements.size(), .at_once = 3));
		EXPECT_EQ(3, most);
		EXPECT_EQ(10000, count);
		return 0;
	}));
}

TEST(GatherEach, StartsNoMoreWhenOneHasFailed)
{
	EXPECT_EQ(0, run_task([&] {
		std::array<Step, 10> steps;
		steps[1].Open(-34);
		EXPECT_EQ(-34, weft_gather_each(Step::Run, steps.data(), steps.size(), .at_once = 2));
		EXPECT_EQ(1, steps[0].ended);
		for (size_t i = 2; i < steps.size(); i++) EXPECT_EQ(0, steps[i].ran);
		return 0;
	}));
}

TEST(GatherEach, CancelStopsTheStarting)
{
	EXPECT_EQ(0, run_task([&] {
		std::array<Step, 10> steps;
		Tasks tasks;
		Cancellable stretch;
		tasks.Spawn([&] {
			EXPECT_EQ(WEFT_ECANCELED, stretch.Run([&] {
				return weft_gather_each(Step::Run, steps.data(), steps.size(), .at_once = 2);
			}));
		});
		let_others_run();
		stretch.Cancel();
		EXPECT_EQ(0, tasks.Join());
		for (size_t i = 0; i < steps.size(); i++) EXPECT_EQ(i < 2 ? 1 : 0, steps[i].ended);
		return 0;
	}));
}

TEST(Race, FirstSuccessWinsAndTheOthersHaveEnded)
{
	EXPECT_EQ(0, run_task([&] {
		Step a, b;
		int count = 0;
		EXPECT_EQ(2, weft_race({ Step::Run, &a }, { fail, nullptr }, { succeed, &count },
						 { Step::Run, &b }));
		EXPECT_EQ(WEFT_ECANCELED, a.seen);
		EXPECT_EQ(1, a.ended);
		EXPECT_EQ(1, b.ended);
		return 0;
	}));
}

TEST(Race, WithoutAWinnerGivesTheLastFailure)
{
	EXPECT_EQ(0, run_task([&] {
		std::array<Step, 3> steps;
		Tasks tasks;
		tasks.Spawn([&] { EXPECT_EQ(-12, weft_race_each(Step::Run, steps.data(), steps.size())); });
		let_others_run();
		for (size_t i : { 1, 0, 2 }) {
			steps[i].Open(-10 - static_cast<int>(i));
			let_others_run();
		}
		return tasks.Join();
	}));
}

TEST(Race, OfNothingIsRefused)
{
	weft_call none{};
	EXPECT_EQ(0, run_task([&] {
		EXPECT_EQ(WEFT_EINVAL, weft_race_list(&none, nullptr));
		EXPECT_EQ(WEFT_EINVAL, weft_race_each(succeed, static_cast<int *>(nullptr), 0));
		return 0;
	}));
}

/* Promise: What happened wins over a cancel. Two succeed in one turn, or one and the cancel from
 * outside. */
TEST(Race, GivesASecondSuccessBack)
{
	EXPECT_EQ(0, run_task([&] {
		std::array<Step, 3> steps;
		Tasks tasks;
		Cancellable stretch;
		tasks.Spawn([&] {
			EXPECT_EQ(2, stretch.Run([&] {
				return weft_race_each(Step::Run, steps.data(), steps.size(), .undo = Step::Undo);
			}));
		});
		let_others_run();
		steps[2].Open();
		steps[0].Open();
		stretch.Cancel();
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(1, steps[0].undone);
		EXPECT_EQ(0, steps[1].undone);
		EXPECT_EQ(0, steps[2].undone);
		EXPECT_EQ(WEFT_ECANCELED, steps[1].seen);
		return 0;
	}));
}

TEST(Race, UndoMaySuspendThoughTheRaceIsOver)
{
	EXPECT_EQ(0, run_task([&] {
		static int undone;
		undone = -7;
		std::array<int, 2> counts{};
		EXPECT_EQ(0, weft_race_each(
						 succeed, counts.data(), counts.size(),
						 .undo = [](void *) { undone = weft_yield(); }));
		EXPECT_EQ(0, undone);
		return 0;
	}));
}

TEST(Race, CancelFromOutsideIsReturned)
{
	EXPECT_EQ(0, run_task([&] {
		for (int stagger_ms : { 0, 3600000 }) {
			std::array<Step, 3> steps;
			Tasks tasks;
			Cancellable stretch;
			tasks.Spawn([&] {
				EXPECT_EQ(WEFT_ECANCELED, stretch.Run([&] {
					return weft_race_each(
						Step::Run, steps.data(), steps.size(), .stagger_ms = stagger_ms);
				}));
			});
			let_others_run();
			stretch.Cancel();
			EXPECT_EQ(0, tasks.Join());
			for (size_t i = 0; i < 3; i++) {
				EXPECT_EQ(stagger_ms == 0 || i == 0 ? 1 : 0, steps[i].ran) << i;
				EXPECT_EQ(steps[i].ran, steps[i].ended);
			}
		}
		return 0;
	}));
}

TEST(StaggeredRace, StartsTheNextWhenOneHasFailed)
{
	EXPECT_EQ(0, run_task([&] {
		std::array<Step, 4> steps;
		Tasks tasks;
		tasks.Spawn([&] {
			EXPECT_EQ(
				2, weft_race_each(Step::Run, steps.data(), steps.size(), .stagger_ms = 3600000));
		});
		let_others_run();
		EXPECT_EQ(1, steps[0].ran);
		EXPECT_EQ(0, steps[1].ran);
		steps[0].Open(-5);
		let_others_run();
		let_others_run();
		EXPECT_EQ(1, steps[1].ran);
		EXPECT_EQ(0, steps[2].ran);
		steps[1].Open(-6);
		let_others_run();
		let_others_run();
		EXPECT_EQ(1, steps[2].ran);
		steps[2].Open();
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(0, steps[3].ran);
		return 0;
	}));
}

TEST(StaggeredRace, StartsTheNextWhenTheLatestHadItsTime)
{
	EXPECT_EQ(0, run_task([&] {
		std::array<Step, 3> steps;
		int64_t before = weft_now_ms();
		steps[2].Open();
		EXPECT_EQ(2, weft_race_each(Step::Run, steps.data(), steps.size(), .stagger_ms = 2));
		EXPECT_GE(weft_now_ms() - before, 3);
		EXPECT_EQ(WEFT_ECANCELED, steps[0].seen);
		EXPECT_EQ(WEFT_ECANCELED, steps[1].seen);
		return 0;
	}));
}

TEST(StaggeredRace, KeepsToItsLimit)
{
	EXPECT_EQ(0, run_task([&] {
		std::array<Step, 3> steps;
		Tasks tasks;
		tasks.Spawn([&] {
			EXPECT_EQ(2, weft_race_each(Step::Run, steps.data(), steps.size(), .at_once = 2));
		});
		let_others_run();
		EXPECT_EQ(1, steps[1].ran);
		EXPECT_EQ(0, steps[2].ran);
		steps[0].Open(-5);
		steps[2].Open();
		return tasks.Join();
	}));
}

TEST(StaggeredRace, OneThatCannotStartCountsAsFailed)
{
	EXPECT_EQ(0, run_task([&] {
		std::vector<Step> steps(200);
		Tasks tasks;
		/* Leaves memory for a group and a few tasks in reserve. */
		std::array<int, 20> counts{};
		EXPECT_EQ(0, weft_gather_each(succeed, counts.data(), counts.size()));
		int won = -1;
		tasks.Spawn(
			[&] { won = weft_race_each(Step::Run, steps.data(), steps.size(), .at_once = 1000); });
		fail_allocations(true);
		let_others_run();
		EXPECT_EQ(1, steps[0].ran);
		EXPECT_EQ(0, steps[199].ran);
		steps[3].Open();
		let_others_run();
		fail_allocations(false);
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(3, won);
		return 0;
	}));
}

TEST(Calls, AreNestedFreely)
{
	EXPECT_EQ(0, run_task([&] {
		static int count;
		count = 0;
		weft_task_fn *pair = [](void *arg) {
			return weft_gather({ succeed, arg }, { succeed, arg });
		};
		EXPECT_EQ(0, weft_gather({ pair, &count }, { pair, &count }, { succeed, &count }));
		EXPECT_EQ(5, count);
		return 0;
	}));
}

TEST(Calls, ShowTheirArgumentAndNameToTheTask)
{
	EXPECT_EQ(0, run_task([&] {
		weft_task_fn *look = [](void *arg) {
			EXPECT_EQ(arg, weft_task_arg(weft_task_current()));
			EXPECT_NE(nullptr, weft_task_name(weft_task_current()));
			return 0;
		};
		int here = 0;
		EXPECT_EQ(0, weft_gather_each(look, &here, 1, .name = "looking"));
		return weft_gather({ look, &here });
	}));
}

} // namespace
