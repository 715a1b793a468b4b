#include <gtest/gtest.h>

#include <weft/report.h>
#include <weft/sync.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "tests/runtime/tasks.h"

namespace
{

class Mutex : public ::testing::TestWithParam<bool>
{
  protected:
	void SetUp() override
	{
		Reset();
	}
	void Reset()
	{
		mutex = {};
		if (GetParam()) weft_mutex_init_shared(&mutex);
	}
	int Lock()
	{
		return weft_mutex_lock(&mutex);
	}
	void Unlock()
	{
		weft_mutex_unlock(&mutex);
	}
	weft_mutex mutex{};
};
INSTANTIATE_TEST_SUITE_P(Kinds, Mutex, ::testing::Bool(),
	[](const auto &kind) { return kind.param ? "Shared" : "Local"; });

TEST_P(Mutex, IsHeldByOneAtATime)
{
	EXPECT_EQ(0, run_task([&] {
		Tasks tasks;
		int inside = 0;
		for (int i = 0; i < 10; i++) {
			tasks.Spawn([&] {
				for (int k = 0; k < 20; k++) {
					EXPECT_EQ(0, Lock());
					EXPECT_EQ(1, ++inside);
					EXPECT_EQ(0, weft_yield());
					inside--;
					Unlock();
				}
			});
		}
		return tasks.Join();
	}));
}

TEST_P(Mutex, GoesToWhoWaitsLongest)
{
	EXPECT_EQ(0, run_task([&] {
		Tasks tasks;
		std::vector<int> order;
		EXPECT_EQ(0, Lock());
		for (int i = 0; i < 5; i++) {
			tasks.Spawn([&, i] {
				EXPECT_EQ(0, Lock());
				order.push_back(i);
				Unlock();
			});
		}
		let_others_run();
		Unlock();
		EXPECT_EQ(WEFT_EAGAIN, weft_mutex_try_lock(&mutex)) << "it was handed over already";
		int rc = tasks.Join();
		EXPECT_EQ((std::vector<int>{ 0, 1, 2, 3, 4 }), order);
		return rc;
	}));
}

/* Promise: Locks are fair. */
TEST_P(Mutex, LetsTwoWhoLoopAlternate)
{
	EXPECT_EQ(0, run_task([&] {
		Tasks tasks;
		std::string order;
		for (char name : { 'a', 'b' }) {
			tasks.Spawn([&, name] {
				for (int i = 0; i < 50; i++) {
					EXPECT_EQ(0, Lock());
					order += name;
					if (i == 0) {
						EXPECT_EQ(0, weft_yield());
					}
					Unlock();
				}
			});
		}
		int rc = tasks.Join();
		std::string wanted;
		for (int i = 0; i < 50; i++) wanted += "ab";
		EXPECT_EQ(wanted, order);
		return rc;
	}));
}

TEST_P(Mutex, TriesWithoutWaiting)
{
	EXPECT_EQ(WEFT_ENORUN, weft_mutex_try_lock(&mutex));
	EXPECT_EQ(0, run_task([&] {
		Tasks tasks;
		EXPECT_EQ(0, weft_mutex_try_lock(&mutex));
		tasks.Spawn([&] { EXPECT_EQ(WEFT_EAGAIN, weft_mutex_try_lock(&mutex)); });
		int rc = tasks.Join();
		Unlock();
		EXPECT_EQ(0, weft_mutex_try_lock(&mutex));
		Unlock();
		return rc;
	}));
}

TEST_P(Mutex, RefusesToWaitForItself)
{
	EXPECT_EQ(0, run_task([&] {
		EXPECT_EQ(0, Lock());
		EXPECT_EQ(WEFT_EDEADLK, Lock());
		EXPECT_EQ(WEFT_EDEADLK, weft_mutex_try_lock(&mutex));
		Unlock();
		EXPECT_EQ(0, Lock());
		Unlock();
		return 0;
	}));
}

TEST_P(Mutex, IsNotLockedInACancelledScope)
{
	EXPECT_EQ(0, run_task([&] {
		weft_scope *scope = weft_scope_open();
		weft_scope_cancel(scope);
		EXPECT_EQ(WEFT_ECANCELED, Lock());
		EXPECT_EQ(0, weft_mutex_try_lock(&mutex)) << "try is no checkpoint";
		Unlock();
		return weft_scope_close(scope, 0);
	}));
}

TEST_P(Mutex, CancelledHeadPassesItToTheNext)
{
	EXPECT_EQ(0, run_task([&] {
		Tasks tasks;
		Cancellable stretch;
		bool second = false;
		EXPECT_EQ(0, Lock());
		tasks.Spawn([&] { EXPECT_EQ(WEFT_ECANCELED, stretch.Run([&] { return Lock(); })); });
		tasks.Spawn([&] {
			EXPECT_EQ(0, Lock());
			second = true;
			Unlock();
		});
		let_others_run();
		stretch.Cancel();
		Unlock();
		int rc = tasks.Join();
		EXPECT_TRUE(second);
		EXPECT_EQ(0, weft_mutex_try_lock(&mutex));
		Unlock();
		return rc;
	}));
}

/* Promise: What happened wins over a cancel. */
TEST_P(Mutex, LockThatCameBeforeTheCancelIsKept)
{
	EXPECT_EQ(0, run_task([&] {
		Tasks tasks;
		Cancellable stretch;
		EXPECT_EQ(0, Lock());
		tasks.Spawn([&] {
			return stretch.Run([&] {
				EXPECT_EQ(0, Lock());
				EXPECT_EQ(WEFT_ECANCELED, weft_yield());
				Unlock();
				return 0;
			});
		});
		let_others_run();
		Unlock();
		stretch.Cancel();
		return tasks.Join();
	}));
}

int reports;

void count_report(const weft_log_record *record, void *arg)
{
	(void)record;
	(void)arg;
	reports++;
}

/* Promise: Locks are fair. */
TEST_P(Mutex, TellsTheNextOwnerThatTheLastOneDied)
{
	static const weft_log_sink hook = { count_report, nullptr };
	weft_report_set(&hook);
	for (bool waiting : { true, false }) {
		Reset();
		reports = 0;
		EXPECT_EQ(0, run_task([&] {
			Tasks tasks;
			weft_mutex other{};
			tasks.Spawn([&] {
				EXPECT_EQ(0, weft_mutex_lock(&other));
				EXPECT_EQ(0, Lock());
				return weft_yield();
			});
			if (!waiting) {
				EXPECT_EQ(0, tasks.Join());
				EXPECT_EQ(1, reports);
			} else {
				EXPECT_EQ(0, weft_yield());
			}
			EXPECT_EQ(WEFT_EOWNERDEAD, Lock());
			EXPECT_EQ(WEFT_EDEADLK, Lock()) << "it is ours";
			Unlock();
			EXPECT_EQ(0, Lock()) << "told once";
			Unlock();
			EXPECT_EQ(WEFT_EOWNERDEAD, weft_mutex_try_lock(&other));
			weft_mutex_unlock(&other);
			return waiting ? tasks.Join() : 0;
		}));
	}
	weft_report_set(nullptr);
}

/* With AddressSanitizer locals lie elsewhere, and it reports the mistake itself. */
#ifndef __SANITIZE_ADDRESS__
TEST_P(Mutex, OnTheStackOfATaskThatEndsIsForgotten)
{
	EXPECT_EQ(0, run_task([&] {
		Tasks tasks;
		tasks.Spawn([&] {
			weft_mutex own{};
			if (GetParam()) weft_mutex_init_shared(&own);
			return weft_mutex_lock(&own);
		});
		return tasks.Join();
	}));
}
#endif

TEST_P(Mutex, MayBeUnlockedInAnyOrder)
{
	std::array<weft_mutex, 4> mutexes{};
	EXPECT_EQ(0, run_task([&] {
		for (size_t i = 0; i < 4; i++) EXPECT_EQ(0, weft_mutex_lock(&mutexes[i]));
		for (size_t i : { 1, 3, 0, 2 }) weft_mutex_unlock(&mutexes[i]);
		for (size_t i = 0; i < 4; i++) EXPECT_EQ(0, weft_mutex_lock(&mutexes[i]));
		for (size_t i = 0; i < 4; i++) weft_mutex_unlock(&mutexes[i]);
		return 0;
	}));
}

TEST_P(Mutex, AbortsWhenAnotherThanTheOwnerUnlocks)
{
	EXPECT_DEATH((void)run_task([&] {
		Tasks tasks;
		EXPECT_EQ(0, Lock());
		tasks.Spawn([&] { Unlock(); });
		return tasks.Join();
	}),
		"owner == task");
}

TEST(LocalMutex, AbortsOnAnotherWorkerThanItsOwners)
{
	weft_mutex mutex{};
	EXPECT_DEATH((void)run_task([&] {
		Tasks tasks;
		EXPECT_EQ(0, weft_mutex_lock(&mutex));
		tasks.Spawn([&] { return weft_mutex_lock(&mutex); }, 2);
		return tasks.Join();
	}),
		"owner->worker == task->worker");
}

/* Cancels the stretches of its worker at random while any of the others is at work. */
void torment(std::array<Cancellable, 4> &stretches, const int &left, unsigned seed)
{
	std::mt19937 random(seed);
	while (left > 0) {
		if (random() % 3 == 0) stretches[random() % 4].Cancel();
		EXPECT_EQ(0, weft_yield());
	}
}

/* On both workers four tasks do `work(stretch)` `times` times, and somebody cancels them. */
int on_both_workers(int times, const std::function<void(Cancellable &)> &work)
{
	Tasks workers;
	for (int worker : { 1, 2 }) {
		workers.Spawn(
			[&, worker] {
				std::array<Cancellable, 4> stretches;
				Tasks tasks;
				int left = 4;
				for (Cancellable &stretch : stretches) {
					tasks.Spawn([&] {
						for (int i = 0; i < times; i++) work(stretch);
						left--;
					});
				}
				tasks.Spawn([&] { torment(stretches, left, static_cast<unsigned>(worker)); });
				return tasks.Join();
			},
			worker);
	}
	return workers.Join();
}

TEST(SharedMutex, ExcludesAcrossWorkersUnderRandomCancels)
{
	weft_mutex mutex;
	weft_mutex_init_shared(&mutex);
	long count = 0; /* no atomic: the mutex is what guards it */
	std::atomic<long> wanted{ 0 };
	EXPECT_EQ(0, run_task([&] {
		return on_both_workers(2000, [&](Cancellable &stretch) {
			int rc = stretch.Run([&] { return weft_mutex_lock(&mutex); });
			if (rc != 0) {
				EXPECT_EQ(WEFT_ECANCELED, rc);
				return;
			}
			count++;
			wanted++;
			if (count % 16 == 0) {
				EXPECT_EQ(0, weft_yield());
			}
			weft_mutex_unlock(&mutex);
		});
	}));
	EXPECT_EQ(wanted, count);
}

class Semaphore : public ::testing::TestWithParam<bool>
{
  protected:
	void Init(int permits)
	{
		if (GetParam())
			weft_semaphore_init_shared(&semaphore, permits);
		else
			weft_semaphore_init(&semaphore, permits);
	}
	weft_semaphore semaphore{};
};
INSTANTIATE_TEST_SUITE_P(Kinds, Semaphore, ::testing::Bool(),
	[](const auto &kind) { return kind.param ? "Shared" : "Local"; });

TEST_P(Semaphore, LetsInAsManyAsItHasPermits)
{
	EXPECT_EQ(0, run_task([&] {
		Init(3);
		Tasks tasks;
		int inside = 0, most = 0;
		for (int i = 0; i < 20; i++) {
			tasks.Spawn([&] {
				EXPECT_EQ(0, weft_semaphore_acquire(&semaphore));
				most = std::max(most, ++inside);
				EXPECT_EQ(0, weft_yield());
				inside--;
				weft_semaphore_release(&semaphore);
			});
		}
		int rc = tasks.Join();
		EXPECT_EQ(3, most);
		for (int i = 0; i < 3; i++) EXPECT_EQ(0, weft_semaphore_try_acquire(&semaphore));
		EXPECT_EQ(WEFT_EAGAIN, weft_semaphore_try_acquire(&semaphore));
		return rc;
	}));
}

TEST_P(Semaphore, PermitGoesToWhoWaitsLongestAndIsNeverLost)
{
	EXPECT_EQ(0, run_task([&] {
		Init(0);
		Tasks tasks;
		std::array<Cancellable, 2> stretches;
		std::vector<int> order;
		for (size_t i = 0; i < 2; i++) {
			tasks.Spawn([&, i] {
				int rc = stretches[i].Run([&] { return weft_semaphore_acquire(&semaphore); });
				EXPECT_EQ(WEFT_ECANCELED, rc);
			});
		}
		for (int i = 0; i < 2; i++) {
			tasks.Spawn([&, i] {
				EXPECT_EQ(0, weft_semaphore_acquire(&semaphore));
				order.push_back(i);
			});
		}
		let_others_run();
		for (Cancellable &stretch : stretches) stretch.Cancel();
		for (int i = 0; i < 3; i++) weft_semaphore_release(&semaphore);
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ((std::vector<int>{ 0, 1 }), order);
		EXPECT_EQ(0, weft_semaphore_try_acquire(&semaphore));
		EXPECT_EQ(WEFT_EAGAIN, weft_semaphore_try_acquire(&semaphore));

		weft_scope *scope = weft_scope_open();
		weft_scope_cancel(scope);
		weft_semaphore_release(&semaphore);
		EXPECT_EQ(WEFT_ECANCELED, weft_semaphore_acquire(&semaphore));
		EXPECT_EQ(0, weft_scope_close(scope, 0));
		return weft_semaphore_try_acquire(&semaphore);
	}));
}

TEST(SharedSemaphore, ConservesPermitsUnderRandomCancels)
{
	weft_semaphore semaphore;
	weft_semaphore_init_shared(&semaphore, 3);
	std::atomic<int> inside{ 0 };
	EXPECT_EQ(0, run_task([&] {
		return on_both_workers(2000, [&](Cancellable &stretch) {
			if (stretch.Run([&] { return weft_semaphore_acquire(&semaphore); }) != 0) return;
			EXPECT_LE(++inside, 3);
			if (inside == 3) {
				EXPECT_EQ(0, weft_yield());
			}
			inside--;
			weft_semaphore_release(&semaphore);
		});
	}));
	for (int i = 0; i < 3; i++) EXPECT_EQ(0, weft_semaphore_try_acquire(&semaphore));
	EXPECT_EQ(WEFT_EAGAIN, weft_semaphore_try_acquire(&semaphore));
}

class Event : public ::testing::TestWithParam<bool>
{
  protected:
	void SetUp() override
	{
		if (GetParam()) weft_event_init_shared(&event);
	}
	weft_event event{};
};
INSTANTIATE_TEST_SUITE_P(Kinds, Event, ::testing::Bool(),
	[](const auto &kind) { return kind.param ? "Shared" : "Local"; });

TEST_P(Event, WakesAllOnceItIsSetAndHoldsNobodyUpAfterwards)
{
	EXPECT_EQ(0, run_task([&] {
		Tasks tasks;
		int woken = 0;
		for (int i = 0; i < 5; i++) {
			tasks.Spawn([&] {
				EXPECT_EQ(0, weft_event_wait(&event));
				woken++;
			});
		}
		let_others_run();
		EXPECT_EQ(0, woken);
		EXPECT_FALSE(weft_event_is_set(&event));
		weft_event_set(&event);
		weft_event_set(&event);
		EXPECT_TRUE(weft_event_is_set(&event));
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(5, woken);
		return weft_event_wait(&event);
	}));
}

TEST_P(Event, ClearedIsWaitedForAgainButTheWokenStayWoken)
{
	EXPECT_EQ(0, run_task([&] {
		Tasks tasks;
		int woken = 0;
		tasks.Spawn([&] {
			EXPECT_EQ(0, weft_event_wait(&event));
			woken++;
			EXPECT_EQ(0, weft_event_wait(&event));
			woken++;
		});
		let_others_run();
		weft_event_set(&event);
		weft_event_clear(&event);
		let_others_run();
		EXPECT_EQ(1, woken);
		weft_event_set(&event);
		return tasks.Join();
	}));
}

TEST_P(Event, CancelEndsTheWait)
{
	EXPECT_EQ(0, run_task([&] {
		Tasks tasks;
		std::array<Cancellable, 3> stretches;
		for (Cancellable &stretch : stretches) {
			tasks.Spawn([&] {
				int rc = stretch.Run([&] { return weft_event_wait(&event); });
				EXPECT_EQ(&stretch == &stretches[1] ? 0 : WEFT_ECANCELED, rc);
			});
		}
		let_others_run();
		stretches[0].Cancel();
		stretches[2].Cancel();
		weft_event_set(&event);
		stretches[1].Cancel();
		EXPECT_EQ(0, tasks.Join());
		weft_scope *scope = weft_scope_open();
		weft_scope_cancel(scope);
		EXPECT_EQ(WEFT_ECANCELED, weft_event_wait(&event)) << "though it would not have waited";
		return weft_scope_close(scope, 0);
	}));
}

TEST(SharedEvent, WakesTasksOfEveryWorker)
{
	for (int i = 0; i < 50; i++) {
		weft_event event;
		weft_event_init_shared(&event);
		EXPECT_EQ(0, run_task([&] {
			Tasks tasks;
			for (int k = 0; k < 8; k++)
				tasks.Spawn([&] { return weft_event_wait(&event); }, 1 + k % 2);
			if (i % 2 == 0) {
				EXPECT_EQ(0, weft_yield());
			}
			weft_event_set(&event);
			return tasks.Join();
		}));
	}
}

TEST(LocalEvent, AbortsOnAnotherWorkerThanWhoWaits)
{
	weft_event event{};
	EXPECT_DEATH((void)run_task([&] {
		Tasks tasks;
		tasks.Spawn([&] { return weft_event_wait(&event); });
		EXPECT_EQ(0, weft_yield());
		tasks.Spawn([&] { weft_event_set(&event); }, 2);
		return tasks.Join();
	}),
		"worker == wf_worker_here");
}

} // namespace
