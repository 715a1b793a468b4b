#include <gtest/gtest.h>

#include <weft/channel.h>

#include <array>
#include <random>
#include <thread>
#include <vector>

#include "tests/runtime/tasks.h"

namespace
{

struct Ends {
	weft_sender *tx = nullptr;
	weft_receiver *rx = nullptr;

	explicit Ends(size_t capacity, bool shared = false)
	{
		EXPECT_EQ(0, weft_channel_open(int, capacity, &tx, &rx, .shared = shared));
	}
	void CloseSender()
	{
		weft_sender_close(tx);
		tx = nullptr;
	}
	void CloseReceiver()
	{
		weft_receiver_close(rx);
		rx = nullptr;
	}
	~Ends()
	{
		CloseSender();
		CloseReceiver();
	}
	int Send(int item)
	{
		return weft_sender_send(tx, &item);
	}
	int TrySend(int item)
	{
		return weft_sender_try_send(tx, &item);
	}
	/* The item, or -1000 and whatever else came instead of one. */
	int Next()
	{
		int item = -1;
		int rc = weft_receiver_next(rx, &item);
		return rc == 1 ? item : rc - 1000;
	}
	int TryNext()
	{
		int item = -1;
		int rc = weft_receiver_try_next(rx, &item);
		return rc == 1 ? item : rc - 1000;
	}
};

enum { ENDED = -1000, CANCELLED = WEFT_ECANCELED - 1000, CLOSED = WEFT_ECLOSED - 1000 };

class Channel : public ::testing::TestWithParam<bool>
{
  protected:
	static bool Shared()
	{
		return GetParam();
	}
};
INSTANTIATE_TEST_SUITE_P(Kinds, Channel, ::testing::Bool(),
	[](const auto &kind) { return kind.param ? "Shared" : "Local"; });

TEST_P(Channel, GivesItemsInTheOrderInWhichTheyCame)
{
	for (size_t capacity : { 0, 1, 3, 100 }) {
		EXPECT_EQ(0, run_task([&] {
			Ends ends(capacity, Shared());
			Tasks tasks;
			tasks.Spawn([&] {
				for (int i = 0; i < 1000; i++) EXPECT_EQ(0, ends.Send(i));
				ends.CloseSender();
				return 0;
			});
			for (int i = 0; i < 1000; i++) EXPECT_EQ(i, ends.Next());
			EXPECT_EQ(ENDED, ends.Next());
			EXPECT_EQ(ENDED, ends.Next());
			return tasks.Join();
		}));
	}
}

TEST_P(Channel, WithoutRoomReturnsFromSendWhenTheItemIsTaken)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(0, Shared());
		Tasks tasks;
		int sent = 0;
		tasks.Spawn([&] {
			for (int i = 0; i < 3; i++, sent++) EXPECT_EQ(0, ends.Send(i));
			return 0;
		});
		for (int i = 0; i < 3; i++) {
			let_others_run();
			EXPECT_EQ(i, sent);
			EXPECT_EQ(i, ends.Next());
		}
		return tasks.Join();
	}));
}

TEST_P(Channel, HoldsTheSenderBackWhenItIsFull)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(4, Shared());
		Tasks tasks;
		int sent = 0;
		tasks.Spawn([&] {
			for (; sent < 100; sent++) EXPECT_EQ(0, ends.Send(sent));
			return 0;
		});
		for (int taken = 0; taken < 100; taken++) {
			let_others_run();
			EXPECT_EQ(std::min(100, taken + 4), sent);
			EXPECT_EQ(taken, ends.Next());
		}
		return tasks.Join();
	}));
}

TEST_P(Channel, ServesWhoWaitsLongestFirst)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(0, Shared());
		Tasks receivers, senders;
		std::array<int, 3> got{};
		for (int &g : got) receivers.Spawn([&] { g = ends.Next(); });
		let_others_run();
		for (int i = 0; i < 3; i++) EXPECT_EQ(0, ends.Send(10 + i));
		EXPECT_EQ(0, receivers.Join());
		EXPECT_EQ((std::array<int, 3>{ 10, 11, 12 }), got);

		for (int i = 0; i < 3; i++) senders.Spawn([&, i] { return ends.Send(20 + i); });
		let_others_run();
		for (int i = 0; i < 3; i++) EXPECT_EQ(20 + i, ends.Next());
		return senders.Join();
	}));
}

TEST_P(Channel, EndsWhenTheLastSenderIsClosedAndNothingIsLeft)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(4, Shared());
		weft_sender *other;
		EXPECT_EQ(0, weft_sender_clone(ends.tx, &other));
		EXPECT_EQ(0, ends.Send(1));
		ends.CloseSender();
		int item = 2;
		EXPECT_EQ(0, weft_sender_send(other, &item)) << "the clone keeps it open";
		weft_sender_close(other);
		EXPECT_EQ(1, ends.Next());
		EXPECT_EQ(2, ends.Next());
		EXPECT_EQ(ENDED, ends.Next());
		EXPECT_EQ(ENDED, ends.TryNext());
		return 0;
	}));
}

TEST_P(Channel, EndReachesEveryWaitingReceiver)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(4, Shared());
		Tasks tasks;
		int ended = 0;
		for (int i = 0; i < 3; i++) tasks.Spawn([&] { ended += ends.Next() == ENDED; });
		let_others_run();
		ends.CloseSender();
		int rc = tasks.Join();
		EXPECT_EQ(3, ended);
		return rc;
	}));
}

TEST_P(Channel, FailsSendersWhenTheLastReceiverIsClosed)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(1, Shared());
		Tasks tasks;
		weft_receiver *other;
		EXPECT_EQ(0, weft_receiver_clone(ends.rx, &other));
		int failed = 0;
		EXPECT_EQ(0, ends.Send(1));
		for (int i = 0; i < 3; i++) {
			tasks.Spawn([&] { failed += ends.Send(7) == WEFT_ECLOSED; });
		}
		let_others_run();
		ends.CloseReceiver();
		let_others_run();
		EXPECT_EQ(0, failed) << "the clone keeps it open";
		weft_receiver_close(other);
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(3, failed);
		EXPECT_EQ(WEFT_ECLOSED, ends.Send(2));
		EXPECT_EQ(WEFT_ECLOSED, ends.TrySend(2));
		return 0;
	}));
}

TEST_P(Channel, CloseOfAnEndWakesThoseWhoWaitWithItAndNobodyElse)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(0, Shared());
		Tasks tasks;
		weft_receiver *other;
		EXPECT_EQ(0, weft_receiver_clone(ends.rx, &other));
		int first = 0, second = 0, item = 0;
		tasks.Spawn([&] { first = ends.Next(); });
		tasks.Spawn([&] { second = weft_receiver_next(other, &item); });
		let_others_run();
		ends.CloseReceiver();
		let_others_run();
		EXPECT_EQ(CLOSED, first);
		EXPECT_EQ(0, second);
		EXPECT_EQ(0, ends.Send(5));
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(1, second);
		EXPECT_EQ(5, item);
		weft_receiver_close(other);
		return 0;
	}));
}

TEST_P(Channel, CloseOfASenderWakesThoseWhoWaitWithItAndKeepsTheirItems)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(0, Shared());
		Tasks tasks;
		weft_sender *other;
		EXPECT_EQ(0, weft_sender_clone(ends.tx, &other));
		int first = 0, second = -1;
		tasks.Spawn([&] { first = ends.Send(1); });
		tasks.Spawn([&] {
			int item = 2;
			second = weft_sender_send(other, &item);
		});
		let_others_run();
		ends.CloseSender();
		EXPECT_EQ(2, ends.Next());
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(WEFT_ECLOSED, first);
		EXPECT_EQ(0, second);
		weft_sender_close(other);
		EXPECT_EQ(ENDED, ends.Next());
		return 0;
	}));
}

TEST_P(Channel, LivesUntilTheLastWaiterHasGone)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(0, Shared());
		Tasks tasks;
		tasks.Spawn([&] { EXPECT_EQ(CLOSED, ends.Next()); });
		let_others_run();
		ends.CloseReceiver();
		ends.CloseSender();
		return tasks.Join();
	}));
}

TEST_P(Channel, TriesWithoutWaiting)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(1, Shared()), direct(0, Shared());
		EXPECT_EQ(WEFT_EAGAIN - 1000, ends.TryNext());
		EXPECT_EQ(0, ends.TrySend(1));
		EXPECT_EQ(WEFT_EAGAIN, ends.TrySend(2));
		EXPECT_EQ(1, ends.TryNext());

		Tasks tasks;
		EXPECT_EQ(WEFT_EAGAIN, direct.TrySend(3)) << "nobody waits for it";
		tasks.Spawn([&] { EXPECT_EQ(3, direct.Next()); });
		let_others_run();
		EXPECT_EQ(0, direct.TrySend(3));
		EXPECT_EQ(0, tasks.Join());

		Tasks senders;
		senders.Spawn([&] { return direct.Send(4); });
		let_others_run();
		EXPECT_EQ(4, direct.TryNext());
		return senders.Join();
	}));
}

/* Whether it would have had to wait or not: the cancel is seen, and nothing happened. */
TEST_P(Channel, DoesNothingInACancelledScope)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(2, Shared());
		EXPECT_EQ(0, ends.Send(1));
		weft_scope *scope = weft_scope_open();
		weft_scope_cancel(scope);
		EXPECT_EQ(WEFT_ECANCELED, ends.Send(2));
		EXPECT_EQ(CANCELLED, ends.Next());
		EXPECT_EQ(0, ends.TrySend(3)) << "try is no checkpoint";
		EXPECT_EQ(1, ends.TryNext());
		EXPECT_EQ(0, weft_scope_close(scope, 0));
		EXPECT_EQ(3, ends.Next());
		return 0;
	}));
}

TEST_P(Channel, CancelledSendHasSentNothing)
{
	for (size_t capacity : { 0, 1 }) {
		EXPECT_EQ(0, run_task([&] {
			Ends ends(capacity, Shared());
			Tasks tasks;
			Cancellable stretch;
			if (capacity > 0) {
				EXPECT_EQ(0, ends.Send(0));
			}
			tasks.Spawn([&] {
				EXPECT_EQ(WEFT_ECANCELED, stretch.Run([&] { return ends.Send(1); }));
				return ends.Send(2);
			});
			let_others_run();
			stretch.Cancel();
			let_others_run();
			if (capacity > 0) {
				EXPECT_EQ(0, ends.Next());
			}
			EXPECT_EQ(2, ends.Next());
			return tasks.Join();
		}));
	}
}

TEST_P(Channel, CancelledNextHasTakenNothing)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(1, Shared());
		Tasks tasks;
		Cancellable stretch;
		int item = -7;
		tasks.Spawn([&] {
			EXPECT_EQ(
				WEFT_ECANCELED, stretch.Run([&] { return weft_receiver_next(ends.rx, &item); }));
			return 0;
		});
		let_others_run();
		stretch.Cancel();
		EXPECT_EQ(0, ends.Send(1)) << "in the same turn: the receiver has not run yet";
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(-7, item);
		EXPECT_EQ(1, ends.Next());
		return 0;
	}));
}

TEST_P(Channel, CancelledHeadPassesTheItemToTheNextReceiver)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(0, Shared());
		Tasks tasks;
		Cancellable stretch;
		int first = 0, second = 0;
		tasks.Spawn([&] { first = stretch.Run([&] { return ends.Next(); }); });
		tasks.Spawn([&] { second = ends.Next(); });
		let_others_run();
		stretch.Cancel();
		EXPECT_EQ(0, ends.TrySend(9));
		EXPECT_EQ(0, tasks.Join());
		EXPECT_EQ(CANCELLED, first);
		EXPECT_EQ(9, second);
		return 0;
	}));
}

TEST_P(Channel, CancelledHeadPassesItsTurnToTheNextSender)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(0, Shared());
		Tasks tasks;
		Cancellable stretch;
		tasks.Spawn([&] {
			EXPECT_EQ(WEFT_ECANCELED, stretch.Run([&] { return ends.Send(1); }));
			return 0;
		});
		tasks.Spawn([&] { return ends.Send(2); });
		let_others_run();
		stretch.Cancel();
		EXPECT_EQ(2, ends.TryNext());
		return tasks.Join();
	}));
}

/* A completed wait beats the cancel that comes after it, in the same turn. */
TEST_P(Channel, ItemThatArrivedBeforeTheCancelIsKept)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(0, Shared());
		Tasks tasks;
		Cancellable stretch;
		tasks.Spawn([&] {
			return stretch.Run([&] {
				EXPECT_EQ(5, ends.Next());
				EXPECT_EQ(WEFT_ECANCELED, weft_yield()) << "the next checkpoint sees the cancel";
				return 0;
			});
		});
		let_others_run();
		EXPECT_EQ(0, ends.TrySend(5));
		stretch.Cancel();
		return tasks.Join();
	}));
}

TEST_P(Channel, DropsWhatNobodyWillReceive)
{
	static std::vector<int> dropped;
	dropped.clear();
	auto drop = [](void *item) { dropped.push_back(*static_cast<int *>(item)); };
	EXPECT_EQ(0, run_task([&] {
		weft_sender *tx;
		weft_receiver *rx;
		EXPECT_EQ(0, weft_channel_open(int, 3, &tx, &rx, .shared = Shared(), .drop = drop));
		for (int i = 0; i < 3; i++) EXPECT_EQ(0, weft_sender_send(tx, &i));
		int item;
		EXPECT_EQ(1, weft_receiver_next(rx, &item));
		item = 3;
		EXPECT_EQ(0, weft_sender_send(tx, &item));
		weft_sender_close(tx);
		EXPECT_TRUE(dropped.empty());
		weft_receiver_close(rx);
		EXPECT_EQ((std::vector<int>{ 1, 2, 3 }), dropped);
		return 0;
	}));
}

TEST_P(Channel, CarriesItemsOfAnySize)
{
	struct Odd {
		char text[13];
	};
	EXPECT_EQ(0, run_task([&] {
		weft_sender *tx;
		weft_receiver *rx;
		EXPECT_EQ(0, weft_channel_open(Odd, 3, &tx, &rx, .shared = Shared()));
		for (int i = 0; i < 10; i++) {
			Odd in{}, out{};
			snprintf(in.text, sizeof in.text, "number %d", i);
			EXPECT_EQ(0, weft_sender_send(tx, &in));
			EXPECT_EQ(1, weft_receiver_next(rx, &out));
			EXPECT_STREQ(in.text, out.text);
		}
		weft_sender_close(tx);
		weft_receiver_close(rx);
		return 0;
	}));
}

TEST_P(Channel, RefusesWithoutMemoryAndLeavesTheOutputsAlone)
{
	EXPECT_EQ(0, run_task([&] {
		weft_sender *tx = nullptr, *more = nullptr;
		weft_receiver *rx = nullptr, *others = nullptr;
		fail_allocations(true);
		EXPECT_EQ(WEFT_ENOMEM, weft_channel_open(int, 1, &tx, &rx, .shared = Shared()));
		fail_allocations(false);
		EXPECT_EQ(nullptr, tx);
		EXPECT_EQ(nullptr, rx);
		EXPECT_EQ(WEFT_EINVAL, weft_channel_open(int, SIZE_MAX / 2, &tx, &rx));
		EXPECT_EQ(WEFT_EINVAL, weft_channel_open(int, SIZE_MAX / sizeof(int), &tx, &rx));

		Ends ends(1, Shared());
		fail_allocations(true);
		EXPECT_EQ(WEFT_ENOMEM, weft_sender_clone(ends.tx, &more));
		EXPECT_EQ(WEFT_ENOMEM, weft_receiver_clone(ends.rx, &others));
		EXPECT_EQ(0, ends.Send(1)) << "nothing else needs memory";
		EXPECT_EQ(1, ends.Next());
		fail_allocations(false);
		EXPECT_EQ(nullptr, more);
		EXPECT_EQ(nullptr, others);
		ends.CloseSender();
		EXPECT_EQ(ENDED, ends.Next()) << "the failed clone does not keep it open";
		return 0;
	}));
}

/* Promise: Fair turns. */
TEST_P(Channel, LetsOthersRunThoughItNeverWaits)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(1, Shared());
		Tasks tasks;
		int turns = 0;
		tasks.Spawn([&] {
			for (; turns < 1000; turns++) EXPECT_EQ(0, weft_yield());
		});
		for (int i = 0; i < 1280; i++) {
			EXPECT_EQ(0, ends.Send(i));
			EXPECT_EQ(i, ends.Next());
		}
		EXPECT_GE(turns, 15);
		return tasks.Join();
	}));
}

/* Promise: Checkpoints are static. */
TEST_P(Channel, TryCloneAndCloseRunNobodyElse)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(1, Shared());
		Tasks tasks;
		bool ran = false;
		tasks.Spawn([&] { ran = true; });
		for (int i = 0; i < 1000; i++) {
			EXPECT_EQ(0, ends.TrySend(i));
			EXPECT_EQ(i, ends.TryNext());
			weft_sender *more;
			EXPECT_EQ(0, weft_sender_clone(ends.tx, &more));
			weft_sender_close(more);
		}
		EXPECT_FALSE(ran);
		return tasks.Join();
	}));
}

TEST(LocalChannel, NeedsARunUnlessItIsShared)
{
	weft_sender *tx;
	weft_receiver *rx;
	EXPECT_EQ(WEFT_ENORUN, weft_channel_open(int, 1, &tx, &rx));
	Ends ends(1, true);
	EXPECT_EQ(WEFT_ENORUN, ends.Send(1));
	EXPECT_EQ(0, ends.TrySend(1)) << "any thread";
	EXPECT_EQ(1, ends.TryNext());
}

TEST(LocalChannel, AbortsOnAnotherWorkerAndOnTheWrongSize)
{
	EXPECT_DEATH((void)run_task([&] {
		Ends ends(1);
		Tasks tasks;
		tasks.Spawn([&] { return ends.Send(1); }, 2);
		return tasks.Join();
	}),
		"home == wf_worker_here");
	EXPECT_DEATH((void)run_task([&] {
		Ends ends(1);
		long item = 1;
		return weft_sender_send(ends.tx, &item);
	}),
		"item_size == size");
}

TEST(SharedChannel, TakesItemsFromAThreadOfYours)
{
	EXPECT_EQ(0, run_task([&] {
		Ends ends(0, true);
		std::thread thread([&] {
			for (int i = 0; i < 1000; i++) {
				while (ends.TrySend(i) == WEFT_EAGAIN) std::this_thread::yield();
			}
		});
		for (int i = 0; i < 1000; i++) EXPECT_EQ(i, ends.Next());
		thread.join();
		return 0;
	}));
}

TEST(SharedChannel, RunsBetweenWorkers)
{
	for (size_t capacity : { 0, 1, 16 }) {
		EXPECT_EQ(0, run_task([&] {
			Ends there(capacity, true), back(capacity, true);
			Tasks tasks;
			tasks.Spawn(
				[&] {
					for (int i = 0; i < 2000; i++) EXPECT_EQ(0, back.Send(there.Next()));
					return 0;
				},
				2);
			for (int i = 0; i < 2000; i++) {
				EXPECT_EQ(0, there.Send(i));
				EXPECT_EQ(i, back.Next());
			}
			return tasks.Join();
		}));
	}
}

/* Promise: Nothing is lost under cancels. Senders and receivers on both workers, and somebody on
 * each who cancels them at random. Every item that a send reported as sent is received once, or
 * still in the channel. */
struct Conservation {
	enum { SENDERS = 4, PER_SENDER = 4000 };

	Ends ends;
	std::atomic<int> sending{ SENDERS };
	std::vector<std::atomic<int>> seen;

	explicit Conservation(size_t capacity) : ends(capacity, true), seen(SENDERS * PER_SENDER)
	{
	}

	int Send(Cancellable &stretch, int sender)
	{
		for (int i = 0; i < PER_SENDER; i++) {
			int item = sender * PER_SENDER + i, rc;
			do rc = stretch.Run([&] { return ends.Send(item); });
			while (rc == WEFT_ECANCELED);
			EXPECT_EQ(0, rc);
		}
		if (sending.fetch_sub(1) == 1) ends.CloseSender();
		return 0;
	}

	int Receive(Cancellable &stretch)
	{
		for (;;) {
			int item, rc;
			rc = stretch.Run([&] { return weft_receiver_next(ends.rx, &item); });
			if (rc == WEFT_ECANCELED) continue;
			if (rc != 1) return rc;
			seen[static_cast<size_t>(item)]++;
		}
	}

	/* On each worker: two of each, and the one who cancels them. */
	int Serve(int worker)
	{
		std::array<Cancellable, 4> stretches;
		std::mt19937 random(static_cast<unsigned>(worker));
		Tasks tasks;
		int left = 4;
		for (int i = 0; i < 2; i++) {
			tasks.Spawn([&, i] {
				int rc = Send(stretches[i], (worker - 1) * 2 + i);
				left--;
				return rc;
			});
			tasks.Spawn([&, i] {
				int rc = Receive(stretches[2 + i]);
				left--;
				return rc;
			});
		}
		tasks.Spawn([&] {
			while (left > 0) {
				if (random() % 3 == 0) stretches[random() % 4].Cancel();
				EXPECT_EQ(0, weft_yield());
			}
			return 0;
		});
		return tasks.Join();
	}
};

TEST(SharedChannel, LosesAndDoublesNothingUnderRandomCancels)
{
	for (size_t capacity : { 0, 1, 7 }) {
		Conservation all(capacity);
		EXPECT_EQ(0, run_task([&] {
			Tasks workers;
			for (int worker : { 1, 2 })
				workers.Spawn([&, worker] { return all.Serve(worker); }, worker);
			return workers.Join();
		}));
		for (auto &seen : all.seen) ASSERT_EQ(1, seen);
	}
}

} // namespace
