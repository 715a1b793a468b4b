/* A group whose children are C++ callables, and small things that tests of waiting need. */
#ifndef WF_TESTS_RUNTIME_TASKS_H
#define WF_TESTS_RUNTIME_TASKS_H

#include <gtest/gtest.h>

#include <weft/error.h>
#include <weft/group.h>
#include <weft/post.h>
#include <weft/scope.h>

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

#endif
