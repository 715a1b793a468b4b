#include "tests/surface/surface.h"

#include <csignal>
#include <unistd.h>

namespace
{

int done(void *)
{
	return 0;
}

/* Succeeds whatever is cancelled, so that only the group's own call can fail. */
int nothing(void *)
{
	return 0;
}

struct Channel {
	weft_sender *tx = nullptr;
	weft_receiver *rx = nullptr;

	explicit Channel(size_t filled)
	{
		EXPECT_EQ(0, weft_channel_open(int, 256, &tx, &rx, .shared = true));
		for (size_t i = 0; i < filled; i++) {
			int item = 1;
			EXPECT_EQ(0, weft_sender_try_send(tx, &item));
		}
	}
	~Channel()
	{
		weft_sender_close(tx);
		weft_receiver_close(rx);
	}
};

Entries channels()
{
	return {
		{ "weft_channel_open_with",
			[](Stage &stage) {
				stage.check(Place::worker, [] {
					weft_sender *tx;
					weft_receiver *rx;
					int rc = weft_channel_open(int, 1, &tx, &rx);
					if (rc != 0) return rc;
					weft_sender_close(tx);
					weft_receiver_close(rx);
					return 0;
				});
				stage.check(Place::any, [] {
					weft_sender *tx;
					weft_receiver *rx;
					int rc = weft_channel_open(int, 1, &tx, &rx, .shared = true);
					if (rc != 0) return rc;
					weft_sender_close(tx);
					weft_receiver_close(rx);
					return 0;
				});
			} },
	};
}

Entries senders()
{
	return {
		{ "weft_sender_send_n",
			[](Stage &stage) {
				Channel channel(0);
				int item = 1;
				stage.check(Place::suspends, [&] { return weft_sender_send(channel.tx, &item); });
			} },
		{ "weft_sender_try_send_n",
			[](Stage &stage) {
				Channel channel(0);
				int item = 1;
				stage.check(Place::any, [&] { return weft_sender_try_send(channel.tx, &item); });
			} },
		{ "weft_sender_clone",
			[](Stage &stage) {
				Channel channel(0);
				stage.check(Place::any, [&] {
					weft_sender *other;
					int rc = weft_sender_clone(channel.tx, &other);
					if (rc == 0) weft_sender_close(other);
					return rc;
				});
			} },
		{ "weft_sender_close",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_sender_close(nullptr);
					return 0;
				});
			} },
	};
}

Entries receivers()
{
	return {
		{ "weft_receiver_next_n",
			[](Stage &stage) {
				Channel channel(100);
				int item;
				stage.check(Place::suspends, [&] { return weft_receiver_next(channel.rx, &item); });
			} },
		{ "weft_receiver_try_next_n",
			[](Stage &stage) {
				Channel channel(100);
				int item;
				stage.check(Place::any, [&] { return weft_receiver_try_next(channel.rx, &item); });
			} },
		{ "weft_receiver_clone",
			[](Stage &stage) {
				Channel channel(0);
				stage.check(Place::any, [&] {
					weft_receiver *other;
					int rc = weft_receiver_clone(channel.rx, &other);
					if (rc == 0) weft_receiver_close(other);
					return rc;
				});
			} },
		{ "weft_receiver_close",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_receiver_close(nullptr);
					return 0;
				});
			} },
	};
}

Entries descriptors()
{
	return {
		{ "weft_fd_wait",
			[](Stage &stage) {
				int ends[2];
				ASSERT_EQ(0, pipe(ends));
				stage.check(Place::suspends, [&] { return weft_fd_wait(ends[1], WEFT_WRITABLE); });
				close(ends[0]);
				close(ends[1]);
			} },
		{ "weft_worker_uv_loop",
			[](Stage &stage) {
				stage.check(Place::worker,
					[] { return weft_worker_uv_loop() != nullptr ? 0 : int{ NOTHING }; });
			} },
		{ "weft_signal_wait",
			[](Stage &stage) {
				stage.check_once([] {
					weft_scope *scope = weft_scope_open(.timeout_ms = 2);
					EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, weft_signal_wait(SIGUSR2)));
					return 0;
				});
				stage.check(Place::suspends, [] {
					/* It never comes; refused numbers are refused after the place was judged. */
					int rc = weft_signal_wait(SIGKILL);
					return rc == WEFT_EINVAL ? 0 : rc;
				});
			} },
	};
}

Entries groups()
{
	return {
		{ "weft_group_open_with",
			[](Stage &stage) {
				stage.check(Place::task, [] { return weft_group_join(weft_group_open(), 0); });
			} },
		{ "weft_spawn_with",
			[](Stage &stage) {
				/* The one call that leaves a task behind, until the join. */
				stage.check(Place::task, [] {
					weft_group *group = weft_group_open();
					weft_spawn(group, nothing, nullptr);
					return weft_group_join(group, 0);
				});
			} },
		{ "weft_group_next",
			[](Stage &stage) {
				stage.check(Place::suspends, [] {
					weft_group *group = weft_group_open();
					weft_task *child;
					int rc = weft_group_next(group, &child);
					int joined = weft_group_join(group, 0);
					return rc < 0 ? rc : joined;
				});
			} },
		{ "weft_group_failures",
			[](Stage &stage) {
				weft_group *group = weft_group_open();
				stage.check(Place::owner,
					[&] { return static_cast<int>(weft_group_failures(group, nullptr, 0)); });
				EXPECT_EQ(0, weft_group_join(group, 0));
			} },
		{ "weft_group_cancel",
			[](Stage &stage) {
				weft_group *group = weft_group_open();
				stage.check(Place::owner, [&] {
					weft_group_cancel(group);
					return 0;
				});
				EXPECT_EQ(0, weft_group_join(group, 0));
			} },
		{ "weft_group_drain",
			[](Stage &stage) {
				stage.check(Place::shielded, [] {
					weft_group *group = weft_group_open();
					int rc = weft_group_drain(group, 1000);
					int joined = weft_group_join(group, 0);
					return rc < 0 ? rc : joined;
				});
			} },
		{ "weft_group_join",
			[](Stage &stage) {
				stage.check(Place::shielded, [] { return weft_group_join(weft_group_open(), 0); });
			} },
	};
}

Entries calls()
{
	return {
		{ "weft_gather_list",
			[](Stage &stage) {
				stage.check(Place::suspends, [] {
					return weft_gather({ [](void *) { return weft_yield(); } }, { nothing });
				});
			} },
		{ "weft_race_list",
			[](Stage &stage) {
				stage.check(Place::suspends, [] {
					return weft_race({ [](void *) { return weft_yield(); } },
						{ [](void *) { return weft_sleep_ms(3600000); } });
				});
			} },
		{ "weft_gather_each_with",
			[](Stage &stage) {
				static int elements[3];
				stage.check(Place::suspends, [] {
					return weft_gather_each([](void *) { return weft_yield(); }, elements, 3);
				});
			} },
		{ "weft_race_each_with",
			[](Stage &stage) {
				static int elements[3];
				stage.check(Place::suspends, [] {
					return weft_race_each([](void *) { return weft_yield(); }, elements, 3);
				});
			} },
		{ "weft_offload_with",
			[](Stage &stage) {
				stage.check(Place::suspends, [] { return weft_offload(done, nullptr); });
			} },
		{ "weft_call_on",
			[](Stage &stage) {
				stage.check(Place::suspends, [] {
					return weft_call_on(
						1, [](void *) { return weft_yield(); }, nullptr);
				});
			} },
	};
}

Entries posts()
{
	return {
		{ "weft_handle_current",
			[](Stage &stage) {
				stage.check(Place::worker, [] {
					weft_handle *handle = weft_handle_current();
					weft_handle_unref(handle);
					return handle != nullptr ? 0 : int{ NOTHING };
				});
			} },
		{ "weft_handle_ref",
			[](Stage &stage) {
				weft_handle *handle = weft_handle_current();
				stage.check(Place::any, [&] {
					weft_handle_unref(weft_handle_ref(handle));
					return 0;
				});
				weft_handle_unref(handle);
			} },
		{ "weft_handle_unref",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_handle_unref(nullptr);
					return 0;
				});
			} },
		{ "weft_post_with",
			[](Stage &stage) {
				/* It leaves a post behind, and nothing when it fails. */
				weft_handle *handle = weft_handle_current();
				stage.check_once([&] {
					weft_future *future;
					int rc = weft_post(handle, done, nullptr, .future = &future);
					if (rc != 0) return rc;
					rc = weft_await(future);
					weft_future_unref(future);
					return rc;
				});
				stage.check(Place::any, [&] {
					int rc = weft_post(handle, done, nullptr, .worker = 99);
					return rc == WEFT_EINVAL ? 0 : rc;
				});
				weft_handle_unref(handle);
			} },
		{ "weft_workers",
			[](Stage &stage) {
				stage.check(Place::worker, [] { return weft_workers() == 1 ? 0 : int{ NOTHING }; });
			} },
		{ "weft_worker_id",
			[](Stage &stage) {
				stage.check(
					Place::worker, [] { return weft_worker_id() == 1 ? 0 : int{ NOTHING }; });
			} },
	};
}

Entries runs()
{
	auto nested = [](int rc) { return rc == WEFT_EBUSY || rc == 7 ? 0 : rc; };
	return {
		{ "weft_run_with",
			[nested](Stage &stage) {
				/* On a thread it is a run of its own, elsewhere it is refused. */
				stage.check(Place::any, [nested] {
					auto main = [](void *) { return 7; };
					return nested(weft_run(main, nullptr, .workers = 1, .keep_signals = true));
				});
			} },
		{ "weft_main_with",
			[](Stage &stage) {
				stage.check_once([] {
					testing::internal::CaptureStderr();
					int status = weft_main(done, nullptr, .workers = 1, .keep_signals = true);
					EXPECT_EQ(1, status);
					std::string said = testing::internal::GetCapturedStderr();
					EXPECT_NE(std::string::npos, said.find("in use by another")) << said;
					return 0;
				});
			} },
		{ "weft_drain",
			[](Stage &stage) {
				/* The first one arms the bound of the drain; further ones ask for nothing new. */
				drain_first();
				stage.check(Place::worker, [] { return weft_drain(); });
			} },
		{ "weft_draining",
			[](Stage &stage) {
				stage.check(Place::any, [] { return weft_draining() ? -1 : 0; });
			} },
		{ "weft_drain_wait",
			[](Stage &stage) {
				drain_first();
				stage.check(Place::suspends, [] { return weft_drain_wait(); });
			} },
	};
}

const weft_key plain = { .name = "plain" };

Entries scopes()
{
	return {
		{ "weft_scope_open_with",
			[](Stage &stage) {
				stage.check(Place::task, [] {
					weft_scope *scope = weft_scope_open();
					int rc = weft_scope_close(scope, 0);
					return rc == WEFT_ENORUN ? int{ NOTHING } : rc;
				});
			} },
		{ "weft_scope_close",
			[](Stage &stage) {
				stage.check(Place::task, [] {
					weft_scope *scope = weft_scope_open(.timeout_ms = 60000, .shield_ms = 60000);
					int rc = weft_scope_close(scope, 0);
					return rc == WEFT_ENORUN ? int{ NOTHING } : rc;
				});
			} },
		{ "weft_scope_cancel",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_scope_cancel(nullptr);
					return 0;
				});
			} },
		{ "weft_cancel_reason",
			[](Stage &stage) {
				stage.check(Place::any, [] { return int{ weft_cancel_reason(nullptr) }; });
			} },
		{ "weft_scope_set",
			[](Stage &stage) {
				static int value;
				stage.check(Place::task, [] { return weft_scope_set(&plain, &value); });
			} },
		{ "weft_scope_defer",
			[](Stage &stage) {
				stage.check(Place::task, [] {
					weft_scope *scope = weft_scope_open();
					int rc = weft_scope_defer([](void *) {}, nullptr);
					int closed = weft_scope_close(scope, rc);
					return scope != nullptr ? closed : rc;
				});
			} },
	};
}

Entry case_of(const char *name, const std::function<int()> &call)
{
	return { name, [call](Stage &stage) { stage.check(Place::suspends, call); } };
}

Entries selects()
{
	return {
		{ "weft_on_next_n",
			[](Stage &stage) {
				Channel channel(100);
				int item, got;
				stage.check(Place::suspends,
					[&] { return weft_select(weft_on_next(channel.rx, &item, &got)); });
			} },
		{ "weft_on_send_n",
			[](Stage &stage) {
				Channel channel(0);
				int item = 1, got;
				stage.check(Place::suspends,
					[&] { return weft_select(weft_on_send(channel.tx, &item, &got)); });
			} },
		{ "weft_on_event",
			[](Stage &stage) {
				weft_event event = {};
				weft_event_set(&event);
				stage.check(Place::suspends, [&] { return weft_select(weft_on_event(&event)); });
			} },
		{ "weft_on_future",
			[](Stage &stage) {
				weft_future *future;
				ASSERT_EQ(0, weft_future_new(&future));
				EXPECT_EQ(0, weft_future_set(future, 0, nullptr));
				stage.check(Place::suspends, [&] { return weft_select(weft_on_future(future)); });
				weft_future_unref(future);
			} },
		case_of("weft_on_ms", [] { return weft_select(weft_on_ms(1)); }),
		case_of("weft_on_drain", [] { return weft_select(weft_on_drain(), weft_on_ms(0)); }),
		case_of("weft_select_list", [] { return weft_select(weft_on_ms(0)); }),
	};
}

Entries mutexes()
{
	auto init = [](Stage &stage) {
		stage.check(Place::any, [] {
			weft_mutex mutex;
			weft_mutex_init_shared(&mutex);
			return 0;
		});
	};
	auto lock = [](Stage &stage) {
		weft_mutex mutex = {};
		stage.check(Place::suspends, [&] {
			int rc = weft_mutex_lock(&mutex);
			if (rc == 0) weft_mutex_unlock(&mutex);
			return rc;
		});
	};
	auto try_lock = [](Stage &stage) {
		weft_mutex mutex = {};
		stage.check(Place::task, [&] {
			int rc = weft_mutex_try_lock(&mutex);
			if (rc == 0) weft_mutex_unlock(&mutex);
			return rc;
		});
	};
	return {
		{ "weft_mutex_init_shared", init },
		{ "weft_mutex_lock", lock },
		{ "weft_mutex_try_lock", try_lock },
		{ "weft_mutex_unlock", lock },
	};
}

Entry with_permits(const char *name, Place place, int (*call)(weft_semaphore *))
{
	return { name, [place, call](Stage &stage) {
				weft_semaphore semaphore;
				weft_semaphore_init_shared(&semaphore, 1000);
				stage.check(place, [&] { return call(&semaphore); });
			} };
}

Entries semaphores()
{
	auto init = [](weft_semaphore *) {
		weft_semaphore other;
		weft_semaphore_init(&other, 1);
		return 0;
	};
	auto init_shared = [](weft_semaphore *) { return 0; };
	auto release = [](weft_semaphore *semaphore) {
		weft_semaphore_release(semaphore);
		return 0;
	};
	return {
		with_permits("weft_semaphore_init", Place::any, init),
		with_permits("weft_semaphore_init_shared", Place::any, init_shared),
		with_permits("weft_semaphore_acquire", Place::suspends, weft_semaphore_acquire),
		with_permits("weft_semaphore_try_acquire", Place::any, weft_semaphore_try_acquire),
		with_permits("weft_semaphore_release", Place::any, release),
	};
}

Entry with_event(const char *name, Place place, int (*call)(weft_event *))
{
	return { name, [place, call](Stage &stage) {
				weft_event event;
				weft_event_init_shared(&event);
				weft_event_set(&event);
				stage.check(place, [&] { return call(&event); });
			} };
}

Entries events()
{
	auto none = [](weft_event *) { return 0; };
	auto set = [](weft_event *event) {
		weft_event_set(event);
		return 0;
	};
	auto clear = [](weft_event *event) {
		weft_event_clear(event);
		return 0;
	};
	auto is_set = [](weft_event *event) { return weft_event_is_set(event) ? 0 : -1; };
	auto take = [](Stage &stage) {
		weft_limiter *limiter;
		ASSERT_EQ(0, weft_limiter_new(&limiter, .at_once = 1));
		stage.check(Place::suspends, [&] {
			int rc = weft_limiter_take(limiter);
			if (rc == 0) weft_limiter_give(limiter);
			return rc;
		});
		weft_limiter_free(limiter);
	};
	return {
		with_event("weft_event_init_shared", Place::any, none),
		with_event("weft_event_wait", Place::suspends, weft_event_wait),
		with_event("weft_event_set", Place::any, set),
		with_event("weft_event_clear", Place::any, clear),
		with_event("weft_event_is_set", Place::any, is_set),
		{ "weft_limiter_take", take },
	};
}

Entry of_this_task(const char *name, int (*call)(weft_task *))
{
	return { name, [call](Stage &stage) {
				weft_task *task = weft_task_current();
				stage.check(Place::owner, [&] { return call(task); });
			} };
}

Entries tasks()
{
	auto await = [](Stage &stage) {
		weft_future *future;
		ASSERT_EQ(0, weft_future_new(&future));
		EXPECT_EQ(0, weft_future_set(future, 0, nullptr));
		stage.check(Place::suspends, [&] { return weft_await(future); });
		weft_future_unref(future);
	};
	return {
		{ "weft_task_current",
			[](Stage &stage) {
				stage.check(Place::task,
					[] { return weft_task_current() != nullptr ? 0 : int{ NOTHING }; });
			} },
		of_this_task("weft_task_name",
			[](weft_task *task) { return weft_task_name(task) != nullptr ? 0 : -1; }),
		of_this_task("weft_task_arg",
			[](weft_task *task) { return weft_task_arg(task) != nullptr ? 0 : -1; }),
		of_this_task("weft_task_result", [](weft_task *task) { return weft_task_result(task); }),
		of_this_task(
			"weft_task_id", [](weft_task *task) { return weft_task_id(task) > 0 ? 0 : -1; }),
		of_this_task("weft_task_cancel",
			[](weft_task *task) {
				weft_task_cancel(task);
				return 0;
			}),
		{ "weft_yield", [](Stage &stage) { stage.check(Place::suspends, weft_yield); } },
		{ "weft_await", await },
		{ "weft_alloc",
			[](Stage &stage) {
				stage.check(
					Place::task, [] { return weft_alloc(8) != nullptr ? 0 : int{ NOTHING }; });
			} },
		{ "weft_format",
			[](Stage &stage) {
				stage.check(Place::task,
					[] { return weft_format("%d", 7) != nullptr ? 0 : int{ NOTHING }; });
			} },
	};
}

Entries timers()
{
	auto next = [](Stage &stage) {
		weft_ticker *ticker;
		ASSERT_EQ(0, weft_ticker_open(1, &ticker));
		stage.check(Place::suspends, [&] { return weft_ticker_next(ticker); });
		weft_ticker_close(ticker);
	};
	return {
		{ "weft_now_ms",
			[](Stage &stage) {
				stage.check(Place::any, [] { return weft_now_ms() >= 0 ? 0 : -1; });
			} },
		{ "weft_sleep_ms",
			[](Stage &stage) { stage.check(Place::suspends, [] { return weft_sleep_ms(1); }); } },
		{ "weft_ticker_open",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_ticker *ticker;
					int rc = weft_ticker_open(1, &ticker);
					if (rc == 0) weft_ticker_close(ticker);
					return rc;
				});
			} },
		{ "weft_ticker_next", next },
		{ "weft_ticker_close",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_ticker_close(nullptr);
					return 0;
				});
			} },
	};
}

} // namespace

Entries runtime_entries()
{
	Entries all;
	for (auto part : { channels, senders, receivers, descriptors, groups, calls, posts, runs,
			 scopes, selects, mutexes, semaphores, events, tasks, timers })
		for (auto &entry : part()) all.push_back(entry);
	return all;
}
