#include "context/clock.h"
#include "context/context.h"
#include "executor/pool.h"
#include "tests/support/failing_allocator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <latch>
#include <mutex>
#include <random>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>
#include <weft/error.h>

namespace
{

/* A job that says when it runs and goes on when it is told to. */
struct Held {
	std::latch running{ 1 };
	std::binary_semaphore go{ 0 };
	std::atomic<int> hooks{ 0 }, releases{ 0 }, runs{ 0 };
	std::atomic<bool> saw_cancel{ false };
	int result = 0;
};

int hold(void *arg)
{
	Held *held = (Held *)arg;
	held->runs++;
	held->running.count_down();
	held->go.acquire();
	held->saw_cancel = weft_job_cancelled();
	return held->result;
}

void let_go(void *arg)
{
	Held *held = (Held *)arg;
	held->hooks++;
	held->go.release();
}

void count_release(void *arg)
{
	((Held *)arg)->releases++;
}

int add_one(void *arg)
{
	((std::atomic<int> *)arg)->fetch_add(1);
	return 7;
}

int nothing(void *)
{
	return 0;
}

class Pool : public testing::Test
{
  protected:
	void Make(int threads, int queue)
	{
		ASSERT_EQ(0, weft_pool_new(&pool_, .name = "test", .threads = threads, .queue = queue));
	}

	void TearDown() override
	{
		weft_pool_free(pool_);
	}

	/* The only thread of the pool is in `held` when this returns. */
	weft_future *Occupy(Held *held)
	{
		weft_future *future = nullptr;
		EXPECT_EQ(0, weft_pool_submit(pool_, hold, held, &future, .on_cancel = let_go));
		held->running.wait();
		return future;
	}

	static int Finish(Held *held, weft_future *future)
	{
		held->go.release();
		int rc = weft_future_join(future);
		weft_future_unref(future);
		return rc;
	}

	weft_pool_counts Counts()
	{
		weft_pool_counts counts;
		weft_pool_stats(pool_, &counts);
		return counts;
	}

	weft_pool *pool_ = nullptr;
};

TEST_F(Pool, GivesTheResultThroughAFuture)
{
	std::atomic<int> runs{ 0 };
	weft_future *future;
	Make(2, 8);
	ASSERT_EQ(0, weft_pool_submit(pool_, add_one, &runs, &future));
	EXPECT_EQ(7, weft_future_join(future));
	EXPECT_EQ(&runs, weft_future_value(future));
	EXPECT_EQ(1, runs);
	EXPECT_FALSE(weft_future_cancel(future));
	weft_future_unref(future);
}

TEST_F(Pool, RefusesNonsense)
{
	EXPECT_EQ(WEFT_EINVAL, weft_pool_new(&pool_, .threads = -1));
	EXPECT_EQ(WEFT_EINVAL, weft_pool_new(&pool_, .queue = -1));
	EXPECT_EQ(WEFT_EINVAL, weft_pool_new(&pool_, .threads = WEFT_POOL_THREADS_MAX + 1));
	EXPECT_EQ(WEFT_EINVAL, weft_pool_new(&pool_, .queue = WEFT_POOL_QUEUE_MAX + 1));
	EXPECT_EQ(WEFT_EINVAL, weft_pool_new(&pool_, .drain_ms = -1));
	EXPECT_EQ(nullptr, pool_);
}

TEST_F(Pool, RunsAJobUnderTheContextOfWhoeverSubmittedIt)
{
	static const weft_key key = { .name = "key", .ref = nullptr };
	static int value;
	weft_context *context;
	weft_context_scope scope;
	weft_future *future;
	auto look = [](void *) { return weft_context_get(&key) == &value ? 1 : 0; };
	Make(1, 8);
	ASSERT_EQ(0, weft_context_with(nullptr, &key, &value, &context));
	weft_context_enter(context, &scope);
	ASSERT_EQ(0, weft_pool_submit(pool_, look, nullptr, &future));
	weft_context_restore(&scope);
	weft_context_unref(context);
	EXPECT_EQ(1, weft_future_join(future));
	weft_future_unref(future);
	ASSERT_EQ(0, weft_pool_submit(pool_, look, nullptr, &future));
	EXPECT_EQ(0, weft_future_join(future));
	weft_future_unref(future);
	EXPECT_EQ(0u, wf_context_live());
}

TEST_F(Pool, RefusesWorkWhenTheQueueIsFull)
{
	Held held;
	std::atomic<int> runs{ 0 };
	Make(1, 2);
	weft_future *first = Occupy(&held);
	EXPECT_EQ(0, weft_pool_submit(pool_, add_one, &runs, nullptr));
	EXPECT_EQ(0, weft_pool_submit(pool_, add_one, &runs, nullptr));
	weft_future *untouched = nullptr;
	EXPECT_EQ(WEFT_EFULL, weft_pool_submit(pool_, add_one, &runs, &untouched));
	EXPECT_EQ(nullptr, untouched);
	EXPECT_EQ(2u, Counts().queued);
	EXPECT_EQ(1u, Counts().running);
	EXPECT_EQ(1u, Counts().rejected);
	EXPECT_GE(Counts().oldest_wait_ns, 0);
	EXPECT_EQ(0, Finish(&held, first));
	weft_pool_free(pool_);
	pool_ = nullptr;
	EXPECT_EQ(2, runs);
}

TEST_F(Pool, StartsNoMoreThreadsThanThereAreJobsAtOnce)
{
	Make(8, 8);
	EXPECT_EQ(0u, Counts().threads);
	for (int i = 0; i < 200; i++) {
		weft_future *future;
		ASSERT_EQ(0, weft_pool_submit(pool_, nothing, nullptr, &future));
		ASSERT_EQ(0, weft_future_join(future));
		weft_future_unref(future);
	}
	EXPECT_EQ(1u, Counts().threads);
	EXPECT_EQ(200u, Counts().done);
}

TEST_F(Pool, RunsAsManyJobsAtOnceAsItHasThreads)
{
	Held held[4];
	weft_future *futures[4];
	Make(4, 8);
	for (int i = 0; i < 4; i++) futures[i] = Occupy(&held[i]);
	EXPECT_EQ(4u, Counts().running);
	EXPECT_EQ(4u, Counts().threads);
	for (int i = 0; i < 4; i++) EXPECT_EQ(0, Finish(&held[i], futures[i]));
}

TEST_F(Pool, NeverBeginsAJobThatWasCancelledWhileItWaited)
{
	Held held, late;
	weft_future *future;
	Make(1, 8);
	weft_future *first = Occupy(&held);
	ASSERT_EQ(0, weft_pool_submit(
					 pool_, hold, &late, &future, .on_cancel = let_go, .release = count_release));
	EXPECT_TRUE(weft_future_cancel(future));
	EXPECT_TRUE(weft_future_is_set(future));
	EXPECT_EQ(WEFT_ECANCELED, weft_future_status(future));
	EXPECT_EQ(1, late.releases);
	EXPECT_FALSE(weft_future_cancel(future));
	weft_future_unref(future);
	EXPECT_EQ(0, Finish(&held, first));
	EXPECT_EQ(0, late.runs);
	EXPECT_EQ(0, late.hooks);
	EXPECT_EQ(1u, Counts().cancelled);
}

TEST_F(Pool, HasRoomAgainForWhatWasCancelledWhileItWaited)
{
	Held held;
	std::atomic<int> runs{ 0 };
	weft_future *futures[4];
	Make(1, 4);
	weft_future *first = Occupy(&held);
	for (int round = 0; round < 3; round++) {
		for (auto &future : futures) {
			ASSERT_EQ(0, weft_pool_submit(pool_, add_one, &runs, &future));
		}
		ASSERT_EQ(WEFT_EFULL, weft_pool_submit(pool_, add_one, &runs, nullptr));
		for (auto &future : futures) {
			EXPECT_TRUE(weft_future_cancel(future));
			weft_future_unref(future);
		}
	}
	EXPECT_EQ(0u, Counts().queued);
	EXPECT_EQ(0, Finish(&held, first));
	EXPECT_EQ(0, runs);
}

TEST_F(Pool, KeepsTheOrderOfThoseThatStayWhenOthersWereCancelled)
{
	struct Entry {
		std::vector<int> *order;
		int number;
	};
	Held held;
	std::vector<int> order;
	Entry entries[4];
	weft_future *futures[4];
	auto note = [](void *arg) {
		Entry *entry = (Entry *)arg;
		entry->order->push_back(entry->number);
		return 0;
	};
	Make(1, 3);
	weft_future *first = Occupy(&held);
	for (int i = 0; i < 4; i++) {
		entries[i] = { &order, i };
		EXPECT_EQ(i == 3, i == 3 && weft_future_cancel(futures[1]));
		ASSERT_EQ(0, weft_pool_submit(pool_, note, &entries[i], &futures[i]));
	}
	EXPECT_EQ(0, Finish(&held, first));
	for (auto future : futures) {
		(void)!weft_future_join(future);
		weft_future_unref(future);
	}
	EXPECT_EQ((std::vector<int>{ 0, 2, 3 }), order);
}

TEST_F(Pool, CallsTheHookOnceWhenARunningJobIsCancelled)
{
	Held held;
	held.result = 5;
	Make(1, 8);
	weft_future *future = Occupy(&held);
	EXPECT_FALSE(weft_future_cancel(future));
	EXPECT_EQ(5, weft_future_join(future));
	EXPECT_FALSE(weft_future_cancel(future));
	EXPECT_TRUE(held.saw_cancel);
	EXPECT_EQ(1, held.hooks);
	weft_future_unref(future);
}

TEST_F(Pool, DoesNotEndAJobBeforeItsHook)
{
	struct Slow {
		std::latch running{ 1 }, in_hook{ 1 }, returning{ 1 };
		std::atomic<bool> hook_over{ false };
	} slow;
	Make(1, 8);
	weft_future *future;
	auto job = [](void *arg) {
		Slow *slow = (Slow *)arg;
		slow->running.count_down();
		slow->in_hook.wait();
		slow->returning.count_down();
		return 0;
	};
	auto hook = [](void *arg) {
		Slow *slow = (Slow *)arg;
		slow->in_hook.count_down();
		slow->returning.wait();
		for (int i = 0; i < 1000; i++) std::this_thread::yield();
		slow->hook_over = true;
	};
	ASSERT_EQ(0, weft_pool_submit(pool_, job, &slow, &future, .on_cancel = hook));
	slow.running.wait();
	std::thread canceller([&] { EXPECT_FALSE(weft_future_cancel(future)); });
	EXPECT_EQ(0, weft_future_join(future));
	EXPECT_TRUE(slow.hook_over);
	canceller.join();
	weft_future_unref(future);
}

TEST_F(Pool, ReleasesTheArgumentOnceAlsoWhenItRefuses)
{
	Held held, other;
	Make(1, 1);
	weft_future *first = Occupy(&held);
	EXPECT_EQ(0, weft_pool_submit(pool_, nothing, &other, nullptr, .release = count_release));
	EXPECT_EQ(
		WEFT_EFULL, weft_pool_submit(pool_, nothing, &other, nullptr, .release = count_release));
	EXPECT_EQ(1, other.releases);
	EXPECT_EQ(0, Finish(&held, first));
	weft_pool_free(pool_);
	pool_ = nullptr;
	EXPECT_EQ(2, other.releases);
}

TEST_F(Pool, IsNobodysJobOutsideAJob)
{
	EXPECT_FALSE(weft_job_cancelled());
}

TEST_F(Pool, BlocksAllSignalsOnItsThreads)
{
	Make(1, 1);
	weft_future *future;
	auto look = [](void *) {
		sigset_t set;
		pthread_sigmask(SIG_SETMASK, nullptr, &set);
		return sigismember(&set, SIGINT) + sigismember(&set, SIGUSR1) + sigismember(&set, SIGHUP);
	};
	ASSERT_EQ(0, weft_pool_submit(pool_, look, nullptr, &future));
	EXPECT_EQ(3, weft_future_join(future));
	weft_future_unref(future);
	sigset_t set;
	pthread_sigmask(SIG_SETMASK, nullptr, &set);
	EXPECT_EQ(0, sigismember(&set, SIGUSR1));
}

TEST_F(Pool, NamesItsThreads)
{
	Make(1, 1);
	weft_future *future;
	static char name[32];
	auto look = [](void *) { return pthread_getname_np(pthread_self(), name, sizeof(name)); };
	ASSERT_EQ(0, weft_pool_submit(pool_, look, nullptr, &future));
	EXPECT_EQ(0, weft_future_join(future));
	weft_future_unref(future);
	EXPECT_STREQ("test-1", name);
}

TEST_F(Pool, CancelsAtItsEndWhatDoesNotFinish)
{
	Held held, waiting;
	weft_future *future;
	ASSERT_EQ(0, weft_pool_new(&pool_, .threads = 1, .drain_ms = 1));
	weft_future *first = Occupy(&held);
	ASSERT_EQ(0, weft_pool_submit(pool_, hold, &waiting, &future));
	ASSERT_EQ(0, wf_pool_shutdown(pool_, WF_FOREVER, nullptr, nullptr));
	EXPECT_EQ(0, weft_future_status(first));
	EXPECT_EQ(1, held.hooks);
	EXPECT_EQ(WEFT_ECANCELED, weft_future_status(future));
	EXPECT_EQ(0, waiting.runs);
	weft_future_unref(first);
	EXPECT_EQ(WEFT_ESHUTDOWN, weft_pool_submit(pool_, nothing, nullptr, nullptr));
	weft_pool_free(pool_);
	pool_ = nullptr;
	EXPECT_FALSE(weft_future_cancel(future));
	weft_future_unref(future); /* after the pool's end */
}

struct Stuck {
	int count = 0;
	std::string name, site, pool;
	void *arg = nullptr;
};

void note_stuck(const wf_stuck_job *job, void *arg)
{
	Stuck *stuck = (Stuck *)arg;
	stuck->count++;
	stuck->name = job->name;
	stuck->site = job->site;
	stuck->pool = job->pool;
	stuck->arg = job->arg;
}

TEST_F(Pool, NamesAJobThatDoesNotEnd)
{
	Held held;
	Stuck stuck;
	weft_future *future, *queued;
	Make(1, 8);
	ASSERT_EQ(0, weft_pool_submit(pool_, hold, &held, &future, .name = "hang"));
	held.running.wait();
	ASSERT_EQ(0, weft_pool_submit(pool_, nothing, nullptr, &queued));
	EXPECT_EQ(1u, wf_pool_shutdown(pool_, wf_now_ns(), note_stuck, &stuck));
	EXPECT_EQ(1, stuck.count);
	EXPECT_EQ("hang", stuck.name);
	EXPECT_EQ("test", stuck.pool);
	EXPECT_NE(std::string::npos, stuck.site.find("pool_test.cc:"));
	EXPECT_EQ(&held, stuck.arg);
	EXPECT_EQ(WEFT_ECANCELED, weft_future_status(queued));
	EXPECT_FALSE(weft_future_is_set(future));
	weft_future_unref(queued);
	EXPECT_EQ(0, Finish(&held, future));
	EXPECT_TRUE(held.saw_cancel);
	EXPECT_EQ(0u, wf_pool_shutdown(pool_, WF_FOREVER, note_stuck, &stuck));
	EXPECT_EQ(1, stuck.count);
}

/* A lent job, as a task that offloads has on its stack. */
struct Lent {
	wf_job job = {};
	Held held;
	std::latch done{ 1 };

	explicit Lent(weft_job_fn *fn)
	{
		job.fn = fn;
		job.arg = &held;
		job.on_cancel = let_go;
		job.done = [](wf_job *job) { ((Lent *)job)->done.count_down(); };
	}
};

TEST_F(Pool, IsDoneOnceWithAJobThatIsLentToIt)
{
	Lent first(hold), second(hold), third(hold);
	second.held.result = 2;
	Make(1, 8);
	ASSERT_EQ(0, wf_pool_start(pool_, &first.job));
	first.held.running.wait();
	ASSERT_EQ(0, wf_pool_start(pool_, &second.job));
	ASSERT_EQ(0, wf_pool_start(pool_, &third.job));
	EXPECT_TRUE(wf_job_cancel(&third.job));
	EXPECT_FALSE(wf_job_cancel(&first.job));
	first.done.wait();
	EXPECT_EQ(1, first.held.hooks);
	second.held.go.release();
	second.done.wait();
	EXPECT_EQ(2, second.job.result);
	EXPECT_FALSE(third.done.try_wait());
	EXPECT_EQ(0, third.held.runs);
}

TEST(AbandonedPool, StillCompletesItsJob)
{
	static weft_pool *immortal; /* reachable, for the leak checker: its memory is never freed */
	Lent lent(hold);
	lent.job.on_cancel = nullptr;
	ASSERT_EQ(0, weft_pool_new(&immortal, .name = "immortal", .threads = 1));
	ASSERT_EQ(0, wf_pool_start(immortal, &lent.job));
	lent.held.running.wait();
	EXPECT_EQ(1u, wf_pool_shutdown(immortal, wf_now_ns(), nullptr, nullptr));
	wf_pool_abandon(immortal);
	lent.held.go.release();
	lent.done.wait();
	EXPECT_TRUE(lent.held.saw_cancel);
}

TEST(PoolMemory, RunsOutWithoutATrace)
{
	failing_allocator_install();
	for (long n = 0, failed = 1; failed; n++) {
		weft_pool *pool = nullptr;
		weft_future *future = nullptr;
		std::atomic<int> runs{ 0 };
		failing_allocator_fail_at(n, FAIL_ONCE);
		int rc = weft_pool_new(&pool, .threads = 1, .queue = 1);
		if (rc == 0) {
			rc = weft_pool_submit(pool, add_one, &runs, &future);
			if (rc == 0) {
				EXPECT_EQ(7, weft_future_join(future));
				weft_future_unref(future);
			} else {
				EXPECT_EQ(nullptr, future);
			}
			weft_pool_free(pool);
			EXPECT_EQ(rc == 0 ? 1 : 0, runs);
		} else {
			EXPECT_EQ(nullptr, pool);
		}
		failed = failing_allocator_failures();
		EXPECT_EQ(failed ? WEFT_ENOMEM : 0, rc);
		EXPECT_EQ(0, failing_allocator_live());
	}
	failing_allocator_remove();
}

/* Submitters, cancellers and a shutdown at once. Each accepted job must end exactly once, in one of
 * three ways; the counts of the pool must agree. */
struct Storm {
	std::atomic<uint64_t> accepted{ 0 }, refused{ 0 }, ran{ 0 }, hooks{ 0 }, released{ 0 };
	std::atomic<uint64_t> won{ 0 }, ended{ 0 }, cancelled{ 0 };
};

int storm_job(void *arg)
{
	((Storm *)arg)->ran++;
	return weft_job_cancelled() ? 1 : 0;
}

void storm_hook(void *arg)
{
	((Storm *)arg)->hooks++;
}

void storm_release(void *arg)
{
	((Storm *)arg)->released++;
}

void settle(Storm *storm, std::vector<weft_future *> *futures)
{
	for (weft_future *future : *futures) {
		int rc = weft_future_join(future);
		(rc == WEFT_ECANCELED ? storm->cancelled : storm->ended)++;
		weft_future_unref(future);
	}
	futures->clear();
}

void submit_until_the_end(weft_pool *pool, Storm *storm, unsigned seed)
{
	std::minstd_rand random(seed);
	std::vector<weft_future *> futures;
	for (;;) {
		weft_future *future;
		int rc = weft_pool_submit(
			pool, storm_job, storm, &future, .on_cancel = storm_hook, .release = storm_release);
		if (rc == 0) {
			storm->accepted++;
			futures.push_back(future);
			if (random() % 3 == 0) {
				weft_future *target = futures[random() % futures.size()];
				if (weft_future_cancel(target)) storm->won++;
			}
		} else {
			storm->refused++;
		}
		if (rc == WEFT_ESHUTDOWN) break;
		if (futures.size() >= 48) settle(storm, &futures);
	}
	settle(storm, &futures);
}

TEST(PoolStorm, EndsEachJobOnce)
{
	for (unsigned round = 0; round < 20; round++) {
		Storm storm;
		weft_pool *pool;
		ASSERT_EQ(0, weft_pool_new(&pool, .threads = 3, .queue = 16));
		std::vector<std::thread> threads;
		for (unsigned i = 0; i < 4; i++) {
			threads.emplace_back(submit_until_the_end, pool, &storm, round * 4 + i + 1);
		}
		while (storm.ran < 300) std::this_thread::yield();
		ASSERT_EQ(0u, wf_pool_shutdown(pool, WF_FOREVER, nullptr, nullptr));
		uint64_t ran = storm.ran;
		for (std::thread &thread : threads) thread.join();
		EXPECT_EQ(ran, storm.ran);
		EXPECT_EQ(storm.accepted, storm.ended + storm.cancelled);
		EXPECT_EQ(storm.ran, storm.ended);
		EXPECT_EQ(storm.accepted + storm.refused, storm.released);
		EXPECT_LE(storm.won, storm.cancelled);
		EXPECT_LE(storm.hooks, storm.ran);
		weft_pool_counts counts;
		weft_pool_stats(pool, &counts);
		EXPECT_EQ(storm.ended, counts.done);
		EXPECT_EQ(storm.cancelled, counts.cancelled);
		EXPECT_EQ(storm.refused, counts.rejected);
		EXPECT_EQ(0u, counts.queued);
		weft_pool_free(pool);
	}
}

} // namespace
