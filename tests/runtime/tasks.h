/* A group whose children are C++ callables, and small things that tests of waiting need. */
#ifndef WF_TESTS_RUNTIME_TASKS_H
#define WF_TESTS_RUNTIME_TASKS_H

#include <gtest/gtest.h>

#include <weft/error.h>
#include <weft/group.h>
#include <weft/post.h>
#include <weft/scope.h>
#include <weft/sync.h>
#include <weft/timer.h>

#include <atomic>
#include <deque>
#include <functional>
#include <type_traits>

#include "tests/runtime/support.h"

class Tasks
{
  public:
	Tasks() : group_(weft_group_open())
	{
	}
	~Tasks()
	{
		EXPECT_EQ(nullptr, group_) << "not joined";
	}

	/* What returns nothing succeeds. */
	template <class Fn> void Spawn(Fn fn, int worker = WEFT_HERE)
	{
		functions_.emplace_back([fn]() mutable {
			if constexpr (std::is_void_v<decltype(fn())>) {
				fn();
				return 0;
			} else {
				return fn();
			}
		});
		EXPECT_EQ(0, weft_spawn(group_, call_function, &functions_.back(), .worker = worker));
	}

	int Join(int rc = 0)
	{
		weft_group *group = group_;
		group_ = nullptr;
		return weft_group_join(group, rc);
	}

	weft_group *group()
	{
		return group_;
	}

  private:
	weft_group *group_;
	std::deque<std::function<int()>> functions_;
};

/* A stretch that another task of the worker may cancel. */
struct Cancellable {
	weft_scope *scope = nullptr;

	int Run(const std::function<int()> &fn)
	{
		scope = weft_scope_open();
		int rc = fn();
		weft_scope *ending = scope;
		scope = nullptr;
		return weft_scope_close(ending, rc);
	}

	void Cancel()
	{
		if (scope != nullptr) weft_scope_cancel(scope);
	}
};

/* Every other task of this worker runs until it waits. */
inline void let_others_run()
{
	for (int i = 0; i < 3; i++) EXPECT_EQ(0, weft_yield());
}

/* Memory has run out on this worker to the point that no timer can be armed, until End. */
class NoTimers
{
  public:
	NoTimers()
	{
		/* More than a worker's first heap of timers has room for. */
		for (int i = 0; i < 200; i++) {
			sleepers_.Spawn([this] {
				int rc = weft_event_wait(&go_);
				if (rc == 0) rc = weft_sleep_ms(3600000);
				EXPECT_TRUE(rc == WEFT_ENOMEM || rc == WEFT_ECANCELED);
				refused_ += rc == WEFT_ENOMEM;
			});
		}
		let_others_run();
		fail_allocations(true);
		weft_event_set(&go_);
		let_others_run();
		EXPECT_GT(refused_, 0);
	}

	int End()
	{
		fail_allocations(false);
		weft_group_cancel(sleepers_.group());
		return sleepers_.Join();
	}

  private:
	Tasks sleepers_;
	weft_event go_{};
	int refused_ = 0;
};

#endif
