/* Pairs of things that may happen at once on different threads, met again and again. What must hold
 * is counted: nothing happens twice, nothing is lost, and a result says what happened. */
#include <gtest/gtest.h>

#include <weft/channel.h>
#include <weft/error.h>
#include <weft/future.h>
#include <weft/offload.h>
#include <weft/post.h>
#include <weft/select.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "tests/runtime/tasks.h"

namespace
{

enum { RACE_MS = 1500, WORKERS = 2, TASKS_AT_ONCE = 12 };

const int THE_ITEM = 42;

/* Several tasks on each worker do the same, each with its own random numbers, for a while: as often
 * as this build can. */
int on_all_workers(const std::function<int(std::minstd_rand &)> &fn)
{
	int64_t until = weft_now_ms() + RACE_MS;
	return run_task(
		[&] {
			Tasks tasks;
			for (int i = 0; i < TASKS_AT_ONCE; i++) {
				tasks.Spawn(
					[&fn, until, i] {
						std::minstd_rand random(static_cast<unsigned>(i) + 1);
						int rc = 0;
						while (rc == 0 && weft_now_ms() < until) rc = fn(random);
						return rc;
					},
					1 + i % WORKERS);
			}
			return tasks.Join();
		},
		WORKERS);
}

/* Runs `fn` in a scope that a sibling cancels at some moment, perhaps too late. */
int cancelled_at_some_moment(std::minstd_rand &random, const std::function<int()> &fn)
{
	Tasks tasks;
	Cancellable stretch;
	unsigned moment = random() % 6;
	tasks.Spawn([&] {
		int rc = 0;
		for (unsigned i = 0; i < moment && rc == 0; i++) rc = weft_yield();
		stretch.Cancel();
		return rc;
	});
	int rc = stretch.Run(fn);
	int joined = tasks.Join();
	return joined == 0 ? rc : joined;
}

std::atomic<long> ran, told;

int run_and_count(void *)
{
	ran++;
	return 7;
}

TEST(OffloadRace, ACancelAndTheJobAgreeAboutWhatHappened)
{
	ran = told = 0;
	EXPECT_EQ(0, on_all_workers([](std::minstd_rand &random) {
		int rc =
			cancelled_at_some_moment(random, [] { return weft_offload(run_and_count, nullptr); });
		if (rc == 7) told++;
		return rc == 7 || rc == WEFT_ECANCELED ? 0 : rc;
	}));
	EXPECT_EQ(ran, told);
}

TEST(CallRace, ACancelAndTheOtherWorkerAgreeAboutWhatHappened)
{
	ran = told = 0;
	EXPECT_EQ(0, on_all_workers([](std::minstd_rand &random) {
		int worker = 1 + static_cast<int>(random() % WORKERS);
		int rc = cancelled_at_some_moment(
			random, [worker] { return weft_call_on(worker, run_and_count, nullptr); });
		if (rc == 7) told++;
		return rc == 7 || rc == WEFT_ECANCELED ? 0 : rc;
	}));
	EXPECT_EQ(ran, told);
}

/* A wake that comes late belongs to a wait that is over. The next wait, for something that never
 * happens, must not be ended by it. */
TEST(WakeRace, ALateWakeEndsNoLaterWait)
{
	EXPECT_EQ(0, on_all_workers([](std::minstd_rand &random) {
		weft_future *future, *never;
		int rc = weft_future_new(&future);
		if (rc == 0) rc = weft_future_new(&never);
		if (rc != 0) return rc;
		Tasks setters;
		setters.Spawn([future] { return weft_future_set(future, 7, nullptr); },
			1 + static_cast<int>(random() % WORKERS));
		rc = cancelled_at_some_moment(random, [future] { return weft_await(future); });
		EXPECT_TRUE(rc == 7 || rc == WEFT_ECANCELED) << rc;
		weft_scope *patience = weft_scope_open(.timeout_ms = 1);
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(patience, weft_await(never)));
		rc = setters.Join();
		EXPECT_EQ(7, weft_future_status(future)) << "the result is there, whoever looked";
		EXPECT_FALSE(weft_future_cancel(never));
		weft_future_unref(future);
		EXPECT_EQ(0, weft_future_set(never, 0, nullptr));
		weft_future_unref(never);
		return rc;
	}));
}

/* Exactly one of several things that other workers do at the same time. */
TEST(SelectRace, TakesOneOfWhatComesTogether)
{
	EXPECT_EQ(0, on_all_workers([](std::minstd_rand &random) {
		weft_sender *tx;
		weft_receiver *rx;
		weft_future *future;
		weft_event event;
		weft_event_init_shared(&event);
		int rc = weft_channel_open(int, 1, &tx, &rx, .shared = true);
		if (rc == 0) rc = weft_future_new(&future);
		if (rc != 0) return rc;
		Tasks others;
		int other = 1 + static_cast<int>(random() % WORKERS);
		others.Spawn([tx] { return weft_sender_send(tx, &THE_ITEM); }, other);
		others.Spawn([future] { return weft_future_set(future, 0, nullptr); });
		others.Spawn([&event] { weft_event_set(&event); }, other);
		int item = 0, got = -1;
		int which = weft_select(
			weft_on_next(rx, &item, &got), weft_on_future(future), weft_on_event(&event));
		EXPECT_TRUE(which >= 0 && which < 3) << which;
		EXPECT_EQ(which == 0, got == 1);
		rc = others.Join();
		EXPECT_EQ(which == 0 ? int{ WEFT_EAGAIN } : 1, weft_receiver_try_next(rx, &item));
		EXPECT_EQ(THE_ITEM, item) << "it came once, now or then";
		weft_sender_close(tx);
		weft_receiver_close(rx);
		weft_future_unref(future);
		return rc;
	}));
}

/* Groups whose parts end, fail, spawn and are cancelled on all workers at once. */
TEST(GroupRace, JoinsWhateverItsPartsDo)
{
	static std::atomic<long> alive;
	alive = 0;
	struct Member {
		weft_group *group;
		int depth;
	};
	static weft_task_fn *const live = [](void *arg) {
		Member member = *static_cast<Member *>(arg);
		alive++;
		int rc = weft_yield();
		for (int worker = 1; rc == 0 && member.depth > 0 && worker <= WORKERS; worker++) {
			auto *below = new Member{ member.group, member.depth - 1 };
			weft_spawn(
				member.group, live, below, .worker = worker,
				.release = [](void *old) { delete static_cast<Member *>(old); });
		}
		alive--;
		return rc == 0 && member.depth == 3 ? int{ WEFT_EPROTO } : rc;
	};
	EXPECT_EQ(0, on_all_workers([](std::minstd_rand &random) {
		weft_group *group = weft_group_open(.keep_going = random() % 2 == 0);
		int how = static_cast<int>(random() % 4);
		auto *first = new Member{ group, how == 0 ? 3 : 2 };
		weft_spawn(
			group, live, first, .worker = 1 + static_cast<int>(random() % WORKERS),
			.release = [](void *old) { delete static_cast<Member *>(old); });
		int rc = 0;
		for (unsigned i = random() % 4; i > 0 && rc == 0; i--) rc = weft_yield();
		if (how == 1) weft_group_cancel(group);
		if (how == 2) weft_group_drain(group, 0);
		rc = weft_group_join(group, rc);
		bool fine = rc == 0 || rc == WEFT_EPROTO || rc == WEFT_EDEADLINE;
		return fine ? 0 : rc;
	}));
	EXPECT_EQ(0, alive);
}

std::atomic<long> sent, received, dropped;

/* Threads that the run does not know, beside its tasks, at both ends of one channel. */
TEST(ChannelRace, ThreadsAndTasksConserveItsItems)
{
	for (int round = 0; round < 40; round++) {
		sent = received = dropped = 0;
		EXPECT_EQ(0, run_task([] {
			weft_sender *tx;
			weft_receiver *rx;
			int rc = weft_channel_open(
				int, 3, &tx, &rx, .shared = true, .drop = [](void *) { dropped++; });
			if (rc != 0) return rc;
			std::vector<std::thread> threads;
			std::atomic<bool> over{ false };
			for (int i = 0; i < 2; i++) {
				weft_sender *in;
				weft_receiver *out;
				rc = weft_sender_clone(tx, &in);
				if (rc == 0) rc = weft_receiver_clone(rx, &out);
				if (rc != 0) return rc;
				threads.emplace_back([in, out, &over] {
					int item = 1;
					while (!over) {
						sent += weft_sender_try_send(in, &item) == 0;
						received += weft_receiver_try_next(out, &item) == 1;
					}
					weft_sender_close(in);
					weft_receiver_close(out);
				});
			}
			Tasks tasks;
			for (int i = 0; i < 4; i++) {
				tasks.Spawn(
					[tx, rx, i] {
						std::minstd_rand random(static_cast<unsigned>(i) + 1);
						int result = 0, item = 1;
						for (int k = 0; k < 200 && result == 0; k++) {
							result = cancelled_at_some_moment(random, [&] {
								int one = i % 2 == 0 ? weft_sender_send(tx, &item)
													 : weft_receiver_next(rx, &item);
								if (i % 2 == 0) sent += one == 0;
								if (i % 2 != 0) received += one == 1;
								return one == WEFT_ECANCELED || one == 1 ? 0 : one;
							});
						}
						return result;
					},
					1 + i % 2);
			}
			rc = tasks.Join();
			over = true;
			for (auto &thread : threads) thread.join();
			weft_sender_close(tx);
			weft_receiver_close(rx);
			return rc;
		}));
		EXPECT_EQ(sent, received + dropped);
		EXPECT_GT(received, 0);
	}
}

/* Handles outlive the run, posts meet its end, futures of posts are joined by threads. */
TEST(PostRace, IsDoneOrRefusedAndItsFutureAlwaysSet)
{
	for (int round = 0; round < 60; round++) {
		ran = told = 0;
		std::atomic<weft_handle *> handle{ nullptr };
		std::vector<std::thread> threads;
		for (int i = 0; i < 3; i++) {
			threads.emplace_back([&handle, i] {
				while (handle == nullptr) std::this_thread::yield();
				weft_handle *mine = weft_handle_ref(handle);
				for (;;) {
					weft_future *future;
					int rc =
						weft_post(mine, run_and_count, nullptr, .worker = i % 3, .future = &future);
					if (rc == WEFT_ESHUTDOWN) break;
					ASSERT_EQ(0, rc);
					if (i == 0) (void)!weft_future_cancel(future);
					rc = weft_future_join(future);
					ASSERT_TRUE(rc == 7 || rc == WEFT_ECANCELED) << rc;
					told += rc == 7;
					weft_future_unref(future);
				}
				weft_handle_unref(mine);
			});
		}
		std::function<int()> main = [&] {
			handle = weft_handle_current();
			int rc = 0;
			while (ran < 50 && rc == 0) rc = weft_yield();
			return rc;
		};
		EXPECT_EQ(0, weft_run(call_function, &main, .workers = WORKERS, .keep_signals = true));
		for (auto &thread : threads) thread.join();
		weft_handle_unref(handle);
		EXPECT_EQ(ran, told);
	}
}

} // namespace
