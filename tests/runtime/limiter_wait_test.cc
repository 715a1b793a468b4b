#include <gtest/gtest.h>

#include <weft/limiter.h>
#include <weft/offload.h>
#include <weft/sync.h>
#include <weft/timer.h>

#include <array>
#include <thread>
#include <vector>

#include "tests/runtime/tasks.h"

namespace
{

struct Limit {
	weft_limiter *limiter = nullptr;

	explicit Limit(int at_once, double per_second = 0, int burst = 0)
	{
		EXPECT_EQ(0, weft_limiter_new(
						 &limiter, .at_once = at_once, .per_second = per_second, .burst = burst));
	}
	~Limit()
	{
		weft_limiter_free(limiter);
	}
	int Take()
	{
		return weft_limiter_take(limiter);
	}
	void Give()
	{
		weft_limiter_give(limiter);
	}
	void ExpectAllBack()
	{
		weft_limiter_counts counts;
		weft_limiter_stats(limiter, &counts);
		EXPECT_EQ(0u, counts.out);
		EXPECT_EQ(0u, counts.waiting);
	}
};

TEST(LimiterTake, WaitsForATokenInTheOrderOfArrival)
{
	EXPECT_EQ(0, run_task([&] {
		Limit limit(1);
		Tasks tasks;
		std::vector<int> order;
		EXPECT_EQ(0, limit.Take());
		for (int i = 0; i < 4; i++) {
			tasks.Spawn([&, i] {
				EXPECT_EQ(0, limit.Take());
				order.push_back(i);
				limit.Give();
			});
		}
		let_others_run();
		EXPECT_TRUE(order.empty());
		limit.Give();
		int rc = tasks.Join();
		EXPECT_EQ((std::vector<int>{ 0, 1, 2, 3 }), order);
		limit.ExpectAllBack();
		return rc;
	}));
}

TEST(LimiterTake, CancelledHeadPassesTheTokenToTheNext)
{
	EXPECT_EQ(0, run_task([&] {
		Limit limit(1);
		Tasks tasks;
		Cancellable stretch;
		bool second = false;
		EXPECT_EQ(0, limit.Take());
		tasks.Spawn([&] { EXPECT_EQ(WEFT_ECANCELED, stretch.Run([&] { return limit.Take(); })); });
		tasks.Spawn([&] {
			EXPECT_EQ(0, limit.Take());
			second = true;
			limit.Give();
		});
		let_others_run();
		stretch.Cancel();
		limit.Give();
		int rc = tasks.Join();
		EXPECT_TRUE(second);
		limit.ExpectAllBack();
		return rc;
	}));
}

/* Promise: What happened wins over a cancel. */
TEST(LimiterTake, TokenThatCameBeforeTheCancelIsKept)
{
	EXPECT_EQ(0, run_task([&] {
		Limit limit(1);
		Tasks tasks;
		Cancellable stretch;
		EXPECT_EQ(0, limit.Take());
		tasks.Spawn([&] {
			return stretch.Run([&] {
				EXPECT_EQ(0, limit.Take());
				EXPECT_EQ(WEFT_ECANCELED, weft_yield());
				limit.Give();
				return 0;
			});
		});
		let_others_run();
		limit.Give();
		stretch.Cancel();
		int rc = tasks.Join();
		limit.ExpectAllBack();
		return rc;
	}));
}

TEST(LimiterTake, TakesNothingInACancelledScope)
{
	EXPECT_EQ(0, run_task([&] {
		Limit limit(1);
		weft_scope *scope = weft_scope_open();
		weft_scope_cancel(scope);
		EXPECT_EQ(WEFT_ECANCELED, limit.Take());
		limit.ExpectAllBack();
		return weft_scope_close(scope, 0);
	}));
	Limit limit(1);
	EXPECT_EQ(WEFT_ENORUN, limit.Take());
}

TEST(LimiterTake, KeepsToTheRate)
{
	EXPECT_EQ(0, run_task([&] {
		Limit limit(0, 500, 1);
		int64_t before = weft_now_ms();
		for (int i = 0; i < 6; i++) {
			EXPECT_EQ(0, limit.Take());
			limit.Give();
		}
		EXPECT_GE(weft_now_ms() - before, 9);
		return 0;
	}));
}

TEST(LimiterTake, CancelWhileItWaitsForTheRateLosesNoTurn)
{
	EXPECT_EQ(0, run_task([&] {
		Limit limit(0, 100, 1);
		Tasks tasks;
		Cancellable stretch;
		EXPECT_EQ(0, limit.Take());
		tasks.Spawn([&] { EXPECT_EQ(WEFT_ECANCELED, stretch.Run([&] { return limit.Take(); })); });
		tasks.Spawn([&] {
			EXPECT_EQ(0, limit.Take());
			limit.Give();
		});
		let_others_run();
		stretch.Cancel();
		int rc = tasks.Join();
		limit.Give();
		limit.ExpectAllBack();
		return rc;
	}));
}

TEST(LimiterTake, GivesItsPlaceUpWhenThereIsNoMemoryForATimer)
{
	EXPECT_EQ(0, run_task([&] {
		Limit limit(0, 1, 1);
		EXPECT_EQ(0, limit.Take());
		limit.Give();
		NoTimers memory;
		EXPECT_EQ(WEFT_ENOMEM, limit.Take());
		limit.ExpectAllBack();
		return memory.End();
	}));
}

TEST(LimiterTake, HoldsForAllWorkersUnderCancels)
{
	Limit limit(3);
	std::atomic<int> inside{ 0 }, taken{ 0 };
	EXPECT_EQ(0, run_task([&] {
		Tasks workers;
		for (int worker : { 1, 2 }) {
			workers.Spawn(
				[&] {
					std::array<Cancellable, 4> stretches;
					Tasks tasks;
					for (Cancellable &stretch : stretches) {
						tasks.Spawn([&] {
							for (int i = 0; i < 1000; i++) {
								if (stretch.Run([&] { return limit.Take(); }) != 0) continue;
								EXPECT_LE(++inside, 3);
								taken++;
								if (i % 7 == 0) {
									EXPECT_EQ(0, weft_yield());
								}
								inside--;
								limit.Give();
								stretches[static_cast<size_t>(i) % 4].Cancel();
							}
						});
					}
					return tasks.Join();
				},
				worker);
		}
		return workers.Join();
	}));
	EXPECT_GT(taken, 0);
	limit.ExpectAllBack();
}

/* Promise: Limits hold in the pool. */
struct Busy {
	std::atomic<int> inside{ 0 }, most{ 0 }, ran{ 0 };

	static int Run(void *arg)
	{
		auto *busy = static_cast<Busy *>(arg);
		int now = ++busy->inside, most = busy->most;
		while (most < now && !busy->most.compare_exchange_weak(most, now)) continue;
		busy->ran++;
		std::this_thread::yield();
		busy->inside--;
		return 0;
	}
};

TEST(OffloadLimit, HoldsForJobs)
{
	EXPECT_EQ(0, run_task([&] {
		Limit limit(4);
		Busy busy;
		Tasks tasks;
		for (int i = 0; i < 100; i++) {
			tasks.Spawn([&] { return weft_offload(Busy::Run, &busy, .limiter = limit.limiter); },
				1 + i % 2);
		}
		int rc = tasks.Join();
		EXPECT_EQ(100, busy.ran);
		EXPECT_LE(busy.most, 4);
		limit.ExpectAllBack();
		return rc;
	}));
}

TEST(OffloadLimit, CombinesWithOthersAroundIt)
{
	EXPECT_EQ(0, run_task([&] {
		Limit all(5), first(3), second(3);
		std::array<Busy, 2> users;
		Busy *everybody = users.data();
		Tasks tasks;
		for (int i = 0; i < 60; i++) {
			tasks.Spawn([&, i] {
				Limit &own = i % 2 ? first : second;
				EXPECT_EQ(0, own.Take());
				int rc = weft_offload(Busy::Run, &everybody[i % 2], .limiter = all.limiter);
				own.Give();
				return rc;
			});
		}
		int rc = tasks.Join();
		for (Busy &user : users) {
			EXPECT_EQ(30, user.ran);
			EXPECT_LE(user.most, 3);
		}
		all.ExpectAllBack();
		return rc;
	}));
}

/* Two stages, of which the outer waits for the inner: one limit for both would be a deadlock. */
TEST(OffloadLimit, TwoStagesWithALimitEachDoNotWaitForEachOther)
{
	EXPECT_EQ(0, run_task([&] {
		Limit outer(2), inner(2);
		Busy busy;
		Tasks tasks;
		for (int i = 0; i < 20; i++) {
			tasks.Spawn([&] {
				EXPECT_EQ(0, outer.Take());
				int rc = weft_offload(Busy::Run, &busy, .limiter = inner.limiter);
				outer.Give();
				return rc;
			});
		}
		int rc = tasks.Join();
		EXPECT_EQ(20, busy.ran);
		return rc;
	}));
}

TEST(OffloadLimit, CancelledInLineNeverRunsTheJob)
{
	EXPECT_EQ(0, run_task([&] {
		Limit limit(1);
		Busy busy;
		Tasks tasks;
		Cancellable stretch;
		EXPECT_EQ(0, limit.Take());
		tasks.Spawn([&] {
			EXPECT_EQ(WEFT_ECANCELED, stretch.Run([&] {
				return weft_offload(Busy::Run, &busy, .limiter = limit.limiter);
			}));
		});
		let_others_run();
		stretch.Cancel();
		int rc = tasks.Join();
		EXPECT_EQ(0, busy.ran);
		limit.Give();
		limit.ExpectAllBack();
		return rc;
	}));
}

} // namespace
