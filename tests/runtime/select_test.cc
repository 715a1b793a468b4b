#include <gtest/gtest.h>

#include <weft/future.h>
#include <weft/select.h>

#include <array>
#include <random>
#include <thread>
#include <vector>

#include "tests/runtime/tasks.h"

namespace
{

template <class Item> struct Pair {
	weft_sender *tx = nullptr;
	weft_receiver *rx = nullptr;

	explicit Pair(size_t capacity, bool shared = false)
	{
		EXPECT_EQ(0, weft_channel_open(Item, capacity, &tx, &rx, .shared = shared));
	}
	~Pair()
	{
		weft_sender_close(tx);
		weft_receiver_close(rx);
	}
	int TrySend(Item item)
	{
		return weft_sender_try_send(tx, &item);
	}
	Item TryNext()
	{
		Item item = -1;
		return weft_receiver_try_next(rx, &item) == 1 ? item : -1;
	}
};

class Select : public ::testing::TestWithParam<bool>
{
  protected:
	static bool Shared()
	{
		return GetParam();
	}
};
INSTANTIATE_TEST_SUITE_P(Kinds, Select, ::testing::Bool(),
	[](const auto &kind) { return kind.param ? "Shared" : "Local"; });

TEST_P(Select, TakesOneItemAndLeavesTheOthers)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> a(2, Shared()), b(2, Shared());
		int from_a = -1, from_b = -1, got = -7;
		EXPECT_EQ(0, a.TrySend(1));
		EXPECT_EQ(0, b.TrySend(2));
		int first =
			weft_select(weft_on_next(a.rx, &from_a, &got), weft_on_next(b.rx, &from_b, &got));
		EXPECT_EQ(1, got);
		EXPECT_EQ(first == 0 ? 1 : -1, from_a);
		EXPECT_EQ(first == 1 ? 2 : -1, from_b);
		EXPECT_EQ(first == 0 ? -1 : 1, a.TryNext());
		EXPECT_EQ(first == 1 ? -1 : 2, b.TryNext());
		return 0;
	}));
}

TEST_P(Select, GivesEachReadyCaseItsTurn)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> a(1, Shared()), b(1, Shared());
		weft_event event{};
		weft_event_set(&event);
		std::array<int, 3> happened{};
		for (int i = 0; i < 300; i++) {
			int item, got;
			(void)!a.TrySend(1);
			(void)!b.TrySend(1);
			int won = weft_select(weft_on_next(a.rx, &item, &got), weft_on_next(b.rx, &item, &got),
				weft_on_event(&event));
			happened[static_cast<size_t>(won)]++;
		}
		for (int times : happened) EXPECT_EQ(100, times);
		return 0;
	}));
}

TEST_P(Select, WaitsForTheFirstToHappen)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> a(0, Shared()), b(0, Shared());
		Tasks tasks;
		int from_a = -1, from_b = -1, got = -7, won = -1;
		tasks.Spawn([&] {
			won = weft_select(weft_on_next(a.rx, &from_a, &got), weft_on_next(b.rx, &from_b, &got),
				weft_on_ms(3600000), weft_on_drain());
		});
		let_others_run();
		EXPECT_EQ(0, b.TrySend(5));
		EXPECT_EQ(WEFT_EAGAIN, a.TrySend(6)) << "it takes no second one";
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(1, won);
		EXPECT_EQ(1, got);
		EXPECT_EQ(-1, from_a);
		EXPECT_EQ(5, from_b);
		EXPECT_EQ(WEFT_EAGAIN, b.TrySend(7));
		return 0;
	}));
}

TEST_P(Select, SendsOrReceivesWhicheverIsWanted)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> in(0, Shared()), out(0, Shared());
		Tasks tasks;
		std::vector<int> order;
		tasks.Spawn([&] {
			int item = -1, offer = 9, got = -7;
			for (int i = 0; i < 2; i++) {
				order.push_back(weft_select(
					weft_on_next(in.rx, &item, &got), weft_on_send(out.tx, &offer, &got)));
				EXPECT_EQ(order.back() == 0 ? 1 : 0, got);
			}
			EXPECT_EQ(4, item);
		});
		let_others_run();
		EXPECT_EQ(9, out.TryNext());
		let_others_run();
		EXPECT_EQ(0, in.TrySend(4));
		EXPECT_EQ(-1, out.TryNext());
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ((std::vector<int>{ 1, 0 }), order);
		return 0;
	}));
}

TEST_P(Select, DoesNotTradeWithItself)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> pair(0, Shared());
		int item = -1, offer = 9, got = -7;
		EXPECT_EQ(2, weft_select(weft_on_next(pair.rx, &item, &got),
						 weft_on_send(pair.tx, &offer, &got), weft_on_ms(1)));
		EXPECT_EQ(-1, item);
		Tasks tasks;
		tasks.Spawn([&] {
			EXPECT_EQ(0, weft_select(weft_on_next(pair.rx, &item, &got),
							 weft_on_send(pair.tx, &offer, &got)));
		});
		let_others_run();
		int other = 3;
		EXPECT_EQ(0, weft_sender_send(pair.tx, &other));
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(3, item);
		return 0;
	}));
}

TEST_P(Select, TwoSelectsMeet)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> pair(0, Shared());
		weft_event never{};
		Tasks tasks;
		tasks.Spawn([&] {
			int item = -1, got = -7;
			EXPECT_EQ(1, weft_select(weft_on_event(&never), weft_on_next(pair.rx, &item, &got)));
			EXPECT_EQ(8, item);
		});
		tasks.Spawn([&] {
			int item = 8, got = -7;
			EXPECT_EQ(0, weft_select(weft_on_send(pair.tx, &item, &got), weft_on_event(&never)));
			EXPECT_EQ(0, got);
		});
		return tasks.Join();
	}));
}

TEST_P(Select, SaysThatAChannelHasEndedOrIsClosed)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> pair(0, Shared()), other(0, Shared());
		Tasks tasks;
		int item = -1, got = -7, sent = -7;
		tasks.Spawn([&] { EXPECT_EQ(0, weft_select(weft_on_next(pair.rx, &item, &got))); });
		tasks.Spawn([&] { EXPECT_EQ(0, weft_select(weft_on_send(other.tx, &item, &sent))); });
		let_others_run();
		weft_sender_close(pair.tx);
		pair.tx = nullptr;
		weft_receiver_close(other.rx);
		other.rx = nullptr;
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(0, got);
		EXPECT_EQ(WEFT_ECLOSED, sent);
		got = sent = -7;
		EXPECT_EQ(0, weft_select(weft_on_next(pair.rx, &item, &got)));
		EXPECT_EQ(0, weft_select(weft_on_send(other.tx, &item, &sent)));
		EXPECT_EQ(0, got);
		EXPECT_EQ(WEFT_ECLOSED, sent);
		return 0;
	}));
}

TEST_P(Select, IsToldWhenItsOwnEndIsClosed)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> pair(0, Shared());
		Tasks tasks;
		int item = -1, got = -7;
		tasks.Spawn([&] {
			EXPECT_EQ(0, weft_select(weft_on_next(pair.rx, &item, &got), weft_on_drain()));
		});
		let_others_run();
		weft_receiver_close(pair.rx);
		weft_sender_close(pair.tx);
		pair.rx = nullptr;
		pair.tx = nullptr;
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(WEFT_ECLOSED, got);
		return 0;
	}));
}

TEST_P(Select, CancelLeavesEverythingUntouched)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> a(1, Shared()), b(0, Shared());
		Tasks tasks;
		Cancellable stretch;
		int item = -1, offer = 2, got = -7;
		tasks.Spawn([&] {
			EXPECT_EQ(WEFT_ECANCELED, stretch.Run([&] {
				return weft_select(
					weft_on_next(a.rx, &item, &got), weft_on_send(b.tx, &offer, &got));
			}));
		});
		let_others_run();
		stretch.Cancel();
		EXPECT_EQ(0, a.TrySend(1));
		EXPECT_EQ(-1, b.TryNext());
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(-7, got);
		EXPECT_EQ(1, a.TryNext());

		weft_scope *scope = weft_scope_open();
		weft_scope_cancel(scope);
		EXPECT_EQ(0, a.TrySend(3));
		EXPECT_EQ(WEFT_ECANCELED, weft_select(weft_on_next(a.rx, &item, &got)));
		EXPECT_EQ(3, a.TryNext());
		return weft_scope_close(scope, 0);
	}));
}

/* Promise: What happened wins over a cancel. */
TEST_P(Select, WhatHappenedBeforeTheCancelIsKept)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> pair(0, Shared());
		Tasks tasks;
		Cancellable stretch;
		tasks.Spawn([&] {
			return stretch.Run([&] {
				int item = -1, got = -7;
				EXPECT_EQ(1, weft_select(weft_on_drain(), weft_on_next(pair.rx, &item, &got)));
				EXPECT_EQ(4, item);
				EXPECT_EQ(WEFT_ECANCELED, weft_yield());
				return 0;
			});
		});
		let_others_run();
		EXPECT_EQ(0, pair.TrySend(4));
		stretch.Cancel();
		return tasks.Join();
	}));
}

TEST_P(Select, WaitsForEvents)
{
	EXPECT_EQ(0, run_task([&] {
		std::array<weft_event, 3> events{};
		if (Shared()) {
			for (weft_event &event : events) weft_event_init_shared(&event);
		}
		Tasks tasks;
		int won = -1;
		tasks.Spawn([&] {
			won = weft_select(
				weft_on_event(&events[0]), weft_on_event(&events[1]), weft_on_event(&events[2]));
		});
		let_others_run();
		weft_event_set(&events[2]);
		weft_event_set(&events[0]);
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(2, won);
		return 0;
	}));
}

TEST(SelectFuture, IsAnsweredByAnyThread)
{
	EXPECT_EQ(0, run_task([&] {
		for (int i = 0; i < 100; i++) {
			weft_future *future, *never;
			EXPECT_EQ(0, weft_future_new(&future));
			EXPECT_EQ(0, weft_future_new(&never));
			std::thread thread([&] { weft_future_set(future, 5, nullptr); });
			EXPECT_EQ(
				1, weft_select(weft_on_future(never), weft_on_future(future), weft_on_drain()));
			EXPECT_EQ(5, weft_future_status(future));
			EXPECT_EQ(0, weft_select(weft_on_future(future)));
			thread.join();
			weft_future_unref(future);
			weft_future_unref(never);
		}
		return 0;
	}));
}

TEST(SelectTime, NoTimeMeansWhatIsThereNow)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> pair(1);
		for (int i = 0; i < 10; i++) {
			int item = -1, got = -7;
			EXPECT_EQ(1, weft_select(weft_on_next(pair.rx, &item, &got), weft_on_ms(0)));
			EXPECT_EQ(0, pair.TrySend(i));
			EXPECT_EQ(0, weft_select(weft_on_next(pair.rx, &item, &got), weft_on_ms(0)));
			EXPECT_EQ(i, item);
		}
		return 0;
	}));
}

TEST(SelectTime, EndsAfterThatLong)
{
	EXPECT_EQ(0, run_task([&] {
		int64_t before = weft_now_ms();
		weft_event never{};
		EXPECT_EQ(1, weft_select(weft_on_event(&never), weft_on_ms(5), weft_on_ms(INT64_MAX)));
		EXPECT_GE(weft_now_ms() - before, 4);
		return 0;
	}));
}

TEST(SelectDrain, HearsOfADrainBeforeAndWhileItWaits)
{
	EXPECT_EQ(0, run_task([&] {
		weft_group *group = weft_group_open();
		weft_spawn(
			group,
			[](void *) {
				weft_event never{};
				EXPECT_EQ(1, weft_select(weft_on_event(&never), weft_on_drain()));
				EXPECT_EQ(0, weft_select(weft_on_drain(), weft_on_event(&never)));
				return 0;
			},
			nullptr);
		let_others_run();
		EXPECT_EQ(0, weft_group_drain(group, 60000));
		return weft_group_join(group, 0);
	}));
}

TEST(SelectMemory, NeedsNoneForSixteenCasesAndSaysSoBeyond)
{
	EXPECT_EQ(0, run_task([&] {
		std::array<weft_event, 17> events{};
		std::vector<weft_case> cases;
		for (weft_event &event : events) cases.push_back(weft_on_event(&event));
		cases.push_back(weft_case{});
		Tasks tasks;
		tasks.Spawn([&] {
			EXPECT_EQ(WEFT_ENOMEM, weft_select_list(cases.data()));
			EXPECT_EQ(15, weft_select_list(cases.data() + 1));
			return 0;
		});
		fail_allocations(true);
		let_others_run();
		weft_event_set(&events[16]);
		let_others_run();
		fail_allocations(false);
		weft_event_clear(&events[16]);
		EXPECT_EQ(0, tasks.Join());

		Tasks more;
		more.Spawn([&] { EXPECT_EQ(16, weft_select_list(cases.data())); });
		let_others_run();
		weft_event_set(&events[16]);
		return more.Join();
	}));
}

TEST(SelectMemory, FailureOfACaseLetsTheOthersGo)
{
	EXPECT_EQ(0, run_task([&] {
		Pair<int> pair(0);
		int item = -1, got = -7;
		NoTimers memory;
		EXPECT_EQ(
			WEFT_ENOMEM, weft_select(weft_on_next(pair.rx, &item, &got), weft_on_ms(3600000)));
		EXPECT_EQ(WEFT_EAGAIN, pair.TrySend(1)) << "nobody waits for it any more";
		return memory.End();
	}));
}

TEST(SelectMisuse, OfNothingIsRefused)
{
	weft_case none{};
	EXPECT_EQ(WEFT_ENORUN, weft_select_list(&none));
	EXPECT_EQ(0, run_task([&] {
		EXPECT_EQ(WEFT_EINVAL, weft_select_list(&none));
		return 0;
	}));
}

/* Promise: Nothing is lost under cancels. Two channels, both workers, both directions, random
 * cancels. */
struct Trade {
	enum { PER_TASK = 2500, TASKS = 4 };

	Pair<int> a, b;
	std::vector<std::atomic<int>> seen;
	std::atomic<int> received{ 0 };
	weft_event done;

	explicit Trade(size_t capacity) : a(capacity, true), b(capacity, true), seen(PER_TASK * TASKS)
	{
		weft_event_init_shared(&done);
	}

	void Send(Cancellable &stretch, int first)
	{
		for (int i = 0; i < PER_TASK; i++) {
			int item = first + i, got = -7, rc;
			do {
				rc = stretch.Run([&] {
					return weft_select(
						weft_on_send(a.tx, &item, &got), weft_on_send(b.tx, &item, &got));
				});
			} while (rc == WEFT_ECANCELED);
			EXPECT_EQ(0, got);
		}
	}

	void Receive(Cancellable &stretch)
	{
		for (;;) {
			int item = -1, got = -7;
			int rc = stretch.Run([&] {
				return weft_select(weft_on_next(a.rx, &item, &got), weft_on_next(b.rx, &item, &got),
					weft_on_event(&done));
			});
			if (rc == 2) return;
			if (rc == WEFT_ECANCELED) continue;
			EXPECT_EQ(1, got);
			seen[static_cast<size_t>(item)]++;
			if (++received == PER_TASK * TASKS) weft_event_set(&done);
		}
	}

	int Serve(int worker)
	{
		std::array<Cancellable, 4> stretches;
		std::mt19937 random(static_cast<unsigned>(worker));
		Tasks tasks;
		int left = 4;
		for (size_t i = 0; i < 2; i++) {
			tasks.Spawn([&, i] {
				Send(stretches[i], ((worker - 1) * 2 + static_cast<int>(i)) * PER_TASK);
				left--;
			});
			tasks.Spawn([&, i] {
				Receive(stretches[2 + i]);
				left--;
			});
		}
		tasks.Spawn([&] {
			while (left > 0) {
				if (random() % 3 == 0) stretches[random() % 4].Cancel();
				EXPECT_EQ(0, weft_yield());
			}
		});
		return tasks.Join();
	}
};

TEST(SharedSelect, LosesAndDoublesNothingUnderRandomCancels)
{
	for (size_t capacity : { 0, 2 }) {
		Trade trade(capacity);
		EXPECT_EQ(0, run_task([&] {
			Tasks workers;
			for (int worker : { 1, 2 })
				workers.Spawn([&, worker] { return trade.Serve(worker); }, worker);
			return workers.Join();
		}));
		for (auto &seen : trade.seen) ASSERT_EQ(1, seen);
	}
}

} // namespace
