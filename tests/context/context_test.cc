#include "context/context.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>
#include <weft/error.h>

namespace
{

std::atomic<int> destroyed;
std::atomic<int> references;
weft_context *current_in_destructor;

void count_destroyed(void *value)
{
	current_in_destructor = wf_context_current();
	destroyed++;
	free(value);
}

void counted_ref(void *)
{
	references++;
}

void counted_unref(void *)
{
	references--;
}

const weft_key plain = { .name = "plain", .ref = nullptr };
const weft_key other = { .name = "other", .ref = nullptr };
const weft_key owned = { .name = "owned", .unref = count_destroyed };
const weft_key counted = { .name = "counted", .ref = counted_ref, .unref = counted_unref };
const weft_key policy = { .name = "policy", .flags = WEFT_KEY_REQUIRED };

int one = 1, two = 2;

/* Each test must leave as many contexts behind as it found. */
class Context : public testing::Test
{
  protected:
	void SetUp() override
	{
		destroyed = 0;
		references = 0;
		live_ = wf_context_live();
		ASSERT_EQ(wf_context_root(), wf_context_current());
	}

	void TearDown() override
	{
		EXPECT_EQ(wf_context_root(), wf_context_current());
		EXPECT_EQ(live_, wf_context_live());
	}

	static weft_context *with(weft_context *base, const weft_key *key, void *value)
	{
		weft_context *out = nullptr;
		EXPECT_EQ(0, weft_context_with(base, key, value, &out));
		return out;
	}

  private:
	size_t live_ = 0;
};

TEST_F(Context, IsTheRootWhereNothingWasSet)
{
	EXPECT_EQ(nullptr, weft_context_get(&plain));
	weft_context *seen = nullptr;
	std::thread([&] { seen = wf_context_current(); }).join();
	EXPECT_EQ(wf_context_root(), seen);
}

TEST_F(Context, KeepsWhatWasSetAndLeavesItsBaseAlone)
{
	weft_context *a = with(nullptr, &plain, &one);
	weft_context *b = with(a, &other, &two);
	weft_context *c = with(b, &plain, &two);
	EXPECT_EQ(&one, weft_context_get_from(a, &plain));
	EXPECT_EQ(nullptr, weft_context_get_from(a, &other));
	EXPECT_EQ(&one, weft_context_get_from(b, &plain));
	EXPECT_EQ(&two, weft_context_get_from(b, &other));
	EXPECT_EQ(&two, weft_context_get_from(c, &plain));
	EXPECT_EQ(&two, weft_context_get_from(c, &other));
	weft_context_unref(a);
	weft_context_unref(b);
	weft_context_unref(c);
}

TEST_F(Context, UnsetsAValueNobodyOwnsWithNull)
{
	weft_context *a = with(nullptr, &plain, &one);
	weft_context *b = with(a, &other, &two);
	weft_context *c = with(b, &plain, nullptr);
	EXPECT_EQ(nullptr, weft_context_get_from(c, &plain));
	EXPECT_EQ(&two, weft_context_get_from(c, &other));
	weft_context_unref(a);
	weft_context_unref(b);
	weft_context_unref(c);
}

TEST_F(Context, TakesNullForAnOwnedValueAsAFailedAllocation)
{
	weft_context *out = nullptr;
	EXPECT_EQ(WEFT_ENOMEM, weft_context_with(nullptr, &owned, nullptr, &out));
	EXPECT_EQ(nullptr, out);
}

TEST_F(Context, DestroysAValueOnceWhenTheLastContextWithItHasGone)
{
	weft_context *a = with(nullptr, &owned, malloc(1));
	weft_context *b = with(a, &plain, &one);
	weft_context *c = with(b, &plain, &two);
	weft_context_unref(a);
	weft_context_unref(c);
	EXPECT_EQ(0, destroyed);
	weft_context_unref(b);
	EXPECT_EQ(1, destroyed);
}

TEST_F(Context, ReplacesAnOwnedValueWithoutTouchingTheOld)
{
	weft_context *a = with(nullptr, &owned, malloc(1));
	weft_context *b = with(a, &owned, malloc(1));
	EXPECT_EQ(0, destroyed);
	weft_context_unref(b);
	EXPECT_EQ(1, destroyed);
	weft_context_unref(a);
	EXPECT_EQ(2, destroyed);
}

TEST_F(Context, HoldsOneReferencePerContextToAValueThatCountsItself)
{
	references = 1;
	weft_context *a = with(nullptr, &counted, &one);
	EXPECT_EQ(1, references);
	weft_context *b = with(a, &plain, &one);
	EXPECT_EQ(2, references);
	weft_context_unref(a);
	weft_context_unref(b);
	EXPECT_EQ(0, references);
}

TEST_F(Context, DestroysUnderTheRoot)
{
	weft_context *a = with(nullptr, &plain, &one);
	weft_context *b = with(a, &owned, malloc(1));
	weft_context_scope scope;
	weft_context_enter(a, &scope);
	current_in_destructor = nullptr;
	weft_context_unref(b);
	EXPECT_EQ(wf_context_root(), current_in_destructor);
	EXPECT_EQ(a, wf_context_current());
	weft_context_restore(&scope);
	weft_context_unref(a);
}

TEST_F(Context, RunsAFunctionUnderItAndRestores)
{
	weft_context *a = with(nullptr, &plain, &one);
	int rc = weft_context_run(
		a, [](void *) { return *static_cast<int *>(weft_context_get(&plain)) + 41; }, nullptr);
	EXPECT_EQ(42, rc);
	EXPECT_EQ(nullptr, weft_context_get(&plain));
	weft_context_unref(a);
}

TEST_F(Context, FlowsWhatIsCurrentUnlessSuppressed)
{
	weft_context *a = with(nullptr, &plain, &one);
	weft_context_scope outer, inner, use;
	weft_context_enter(a, &use);
	weft_context *flows = weft_context_capture();
	EXPECT_EQ(a, flows);
	ASSERT_EQ(0, weft_context_suppress(&outer));
	ASSERT_EQ(0, weft_context_suppress(&inner));
	EXPECT_EQ(&one, weft_context_get(&plain));
	EXPECT_EQ(wf_context_root(), weft_context_capture());
	weft_context_restore(&inner);
	EXPECT_EQ(wf_context_root(), weft_context_capture());
	weft_context_restore(&outer);
	EXPECT_EQ(a, wf_context_current());
	weft_context_restore(&use);
	weft_context_unref(flows);
	weft_context_unref(a);
}

TEST_F(Context, RefusesWhereARequiredValueIsAbsentOrSuppressed)
{
	void *value = &two;
	EXPECT_EQ(WEFT_ENOCONTEXT, weft_context_require(&policy, &value));
	EXPECT_EQ(&two, value);
	weft_context *a = with(nullptr, &policy, &one), *b = nullptr;
	EXPECT_EQ(WEFT_EINVAL, weft_context_with(a, &policy, nullptr, &b));
	weft_context_scope use, quiet;
	weft_context_enter(a, &use);
	EXPECT_EQ(0, weft_context_require(&policy, &value));
	EXPECT_EQ(&one, value);
	ASSERT_EQ(0, weft_context_suppress(&quiet));
	EXPECT_EQ(WEFT_ENOCONTEXT, weft_context_require(&policy, &value));
	weft_context_restore(&quiet);
	weft_context_restore(&use);
	weft_context_unref(a);
}

} // namespace
