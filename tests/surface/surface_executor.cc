#include "tests/surface/surface.h"

namespace
{

int with_future(const std::function<int(weft_future *)> &fn)
{
	weft_future *future;
	int rc = weft_future_new(&future);
	if (rc != 0) return rc;
	rc = fn(future);
	weft_future_unref(future);
	return rc;
}

Entry of_future(const char *name, const std::function<int(weft_future *)> &fn)
{
	return { name,
		[fn](Stage &stage) { stage.check(Place::any, [fn] { return with_future(fn); }); } };
}

Entries futures()
{
	return {
		of_future("weft_future_new_with", [](weft_future *) { return 0; }),
		of_future("weft_future_ref",
			[](weft_future *future) {
				weft_future_unref(weft_future_ref(future));
				return 0;
			}),
		of_future("weft_future_unref",
			[](weft_future *) {
				weft_future_unref(nullptr);
				return 0;
			}),
		of_future("weft_future_set",
			[](weft_future *future) {
				EXPECT_EQ(0, weft_future_set(future, 3, nullptr));
				EXPECT_EQ(WEFT_EALREADY, weft_future_set(future, 4, nullptr));
				return 0;
			}),
		of_future("weft_future_is_set",
			[](weft_future *future) { return weft_future_is_set(future) ? -1 : 0; }),
		of_future("weft_future_status",
			[](weft_future *future) {
				EXPECT_EQ(WEFT_EAGAIN, weft_future_status(future));
				return 0;
			}),
		of_future("weft_future_value",
			[](weft_future *future) { return weft_future_value(future) == nullptr ? 0 : -1; }),
		of_future("weft_future_cancel",
			[](weft_future *future) { return weft_future_cancel(future) ? -1 : 0; }),
		of_future("weft_future_cancelled",
			[](weft_future *future) { return weft_future_cancelled(future) ? -1 : 0; }),
		of_future("weft_future_fd", [](weft_future *future) { return weft_future_fd(future); }),
	};
}

/* They block the thread, which a worker's must not be. */
Entry joins(const char *name, const std::function<int(weft_future *)> &join)
{
	return { name, [join](Stage &stage) {
				stage.check(Place::any, [join] {
					return with_future([join](weft_future *future) {
						EXPECT_EQ(0, weft_future_set(future, 3, nullptr));
						EXPECT_EQ(weft_worker_id() != 0 ? int{ WEFT_EDEADLK } : 3, join(future));
						return 0;
					});
				});
			} };
}

int with_limiter(const std::function<int(weft_limiter *)> &fn)
{
	weft_limiter *limiter;
	int rc = weft_limiter_new(&limiter, .at_once = 1);
	if (rc != 0) return rc;
	rc = fn(limiter);
	weft_limiter_free(limiter);
	return rc;
}

Entry of_limiter(const char *name, const std::function<int(weft_limiter *)> &fn)
{
	return { name,
		[fn](Stage &stage) { stage.check(Place::any, [fn] { return with_limiter(fn); }); } };
}

Entries limiters()
{
	auto take_and_give = [](weft_limiter *limiter) {
		EXPECT_EQ(0, weft_limiter_try(limiter));
		EXPECT_EQ(WEFT_EAGAIN, weft_limiter_try(limiter));
		weft_limiter_give(limiter);
		return 0;
	};
	auto count = [](weft_limiter *limiter) {
		weft_limiter_counts counts;
		weft_limiter_stats(limiter, &counts);
		return static_cast<int>(counts.out);
	};
	return {
		of_limiter("weft_limiter_new_with", [](weft_limiter *) { return 0; }),
		of_limiter("weft_limiter_free",
			[](weft_limiter *) {
				weft_limiter_free(nullptr);
				return 0;
			}),
		of_limiter("weft_limiter_try", take_and_give),
		of_limiter("weft_limiter_give", take_and_give),
		of_limiter("weft_limiter_stats", count),
	};
}

/* A pool ends by blocking its thread: not on a worker, so these are freed by a job. */
void free_in_a_job(weft_pool *pool)
{
	auto free_it = [](void *arg) {
		weft_pool_free(static_cast<weft_pool *>(arg));
		return 0;
	};
	EXPECT_EQ(0, weft_offload(free_it, pool));
}

struct Pool {
	weft_pool *pool = nullptr;

	Pool()
	{
		EXPECT_EQ(0, weft_pool_new(&pool, .threads = 1));
	}
	~Pool()
	{
		free_in_a_job(pool);
	}
};

Entries pools()
{
	return {
		{ "weft_pool_new_with",
			[](Stage &stage) {
				weft_pool *pool = nullptr;
				stage.check_once([&] { return weft_pool_new(&pool, .threads = 1); });
				free_in_a_job(pool);
			} },
		{ "weft_pool_free",
			[](Stage &stage) {
				stage.check(Place::any, [] {
					weft_pool_free(nullptr);
					return 0;
				});
			} },
		{ "weft_pool_submit_with",
			[](Stage &stage) {
				Pool pool;
				stage.check(Place::any, [&] {
					weft_future *future;
					int rc = weft_pool_submit(
						pool.pool, [](void *) { return 0; }, nullptr, &future);
					if (rc == 0) weft_future_unref(future);
					return rc;
				});
			} },
		{ "weft_pool_stats",
			[](Stage &stage) {
				Pool pool;
				stage.check(Place::any, [&] {
					weft_pool_counts counts;
					weft_pool_stats(pool.pool, &counts);
					return static_cast<int>(counts.queued);
				});
			} },
		{ "weft_job_cancelled",
			[](Stage &stage) {
				stage.check(Place::any, [] { return weft_job_cancelled() ? -1 : 0; });
			} },
	};
}

} // namespace

Entries executor_entries()
{
	Entries all = {
		joins("weft_future_join", [](weft_future *future) { return weft_future_join(future); }),
		joins("weft_future_join_ms",
			[](weft_future *future) { return weft_future_join_ms(future, 1000); }),
	};
	for (auto part : { futures, limiters, pools })
		for (auto &entry : part()) all.push_back(entry);
	return all;
}
