#include "context/context.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>
#include <weft/error.h>

#include "tests/support/failing_allocator.h"

namespace
{

std::atomic<int> destroyed;
std::atomic<int> references;
std::atomic<weft_context *> current_in_destructor;

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

TEST_F(Context, HoldsSoManyKeysAndRefusesOneMore)
{
	std::vector<weft_key> keys(WEFT_CONTEXT_KEYS_MAX + 1, weft_key{ .name = "k", .ref = nullptr });
	weft_context *full = weft_context_ref(wf_context_root());
	for (int i = 0; i < WEFT_CONTEXT_KEYS_MAX; i++) {
		weft_context *more = with(full, &keys[static_cast<size_t>(i)], &one);
		weft_context_unref(full);
		full = more;
	}
	weft_context *out = nullptr;
	EXPECT_EQ(WEFT_EFULL, weft_context_with(full, &keys.back(), &one, &out));
	EXPECT_EQ(nullptr, out);
	weft_context *replaced = with(full, &keys[0], &two);
	EXPECT_EQ(&two, weft_context_get_from(replaced, &keys[0]));
	EXPECT_EQ(&one, weft_context_get_from(replaced, &keys[WEFT_CONTEXT_KEYS_MAX - 1]));
	weft_context_unref(replaced);
	weft_context_unref(full);
}

TEST_F(Context, FallsBackToWhatTheKeySays)
{
	const weft_key key = { .name = "limit", .fallback = &two };
	const weft_key strict = { .name = "strict", .flags = WEFT_KEY_REQUIRED, .fallback = &two };
	void *value = nullptr;
	EXPECT_EQ(&two, weft_context_get(&key));
	EXPECT_EQ(nullptr, weft_context_get(&strict));
	EXPECT_EQ(WEFT_ENOCONTEXT, weft_context_require(&key, &value));
	weft_context *a = with(nullptr, &key, &one);
	EXPECT_EQ(&one, weft_context_get_from(a, &key));
	weft_context_unref(a);
}

TEST_F(Context, ChangesSeveralValuesAtOnce)
{
	weft_context *a = with(nullptr, &plain, &one), *b = nullptr;
	weft_context *c = with(a, &owned, malloc(1));
	const wf_context_change changes[] = {
		{ &other, &two, false },
		{ &plain, nullptr, true },
		{ &owned, nullptr, true },
		{ &counted, &one, false },
		{ &policy, nullptr, false },
	};
	references = 1;
	ASSERT_EQ(0, wf_context_derive(c, nullptr, changes, 4, &b));
	EXPECT_EQ(&two, wf_context_find(b, &other));
	EXPECT_EQ(nullptr, wf_context_find(b, &plain));
	EXPECT_EQ(nullptr, wf_context_find(b, &owned));
	EXPECT_EQ(2, b->count);
	EXPECT_EQ(0, destroyed);
	weft_context_unref(b);
	EXPECT_EQ(0, references);
	references = 1;
	EXPECT_EQ(WEFT_EINVAL, wf_context_derive(c, nullptr, changes, 5, &b));
	EXPECT_EQ(0, references) << "the value was not given up";
	weft_context_unref(a);
	weft_context_unref(c);
	EXPECT_EQ(1, destroyed);
}

TEST_F(Context, GivesTheValueUpAndNothingElseWhenMemoryEnds)
{
	weft_context *base = with(nullptr, &owned, malloc(1));
	failing_allocator_install();
	for (long n = 0, failed = 1; failed; n++) {
		weft_context *out = nullptr;
		destroyed = 0;
		references = 1;
		failing_allocator_fail_at(n, FAIL_ONCE);
		const wf_context_change changes[] = { { &owned, malloc(1), false },
			{ &counted, &one, false } };
		int rc = wf_context_derive(base, nullptr, changes, 2, &out);
		failed = failing_allocator_failures();
		EXPECT_EQ(failed ? WEFT_ENOMEM : 0, rc);
		EXPECT_EQ(failed ? 1 : 0, destroyed);
		EXPECT_EQ(failed ? 0 : 1, references);
		EXPECT_EQ(failed == 0, out != nullptr);
		weft_context_unref(out);
		EXPECT_EQ(0, failing_allocator_live());
	}
	failing_allocator_fail_at(0, FAIL_STICKY);
	weft_context_scope scope;
	weft_bound *bound = nullptr;
	EXPECT_EQ(WEFT_ENOMEM, weft_context_suppress(&scope));
	EXPECT_EQ(WEFT_ENOMEM, weft_context_bind([](void *) { return 0; }, nullptr, &bound));
	EXPECT_EQ(nullptr, bound);
	failing_allocator_remove();
	destroyed = 0;
	weft_context_unref(base);
	EXPECT_EQ(1, destroyed);
}

TEST_F(Context, IsBoundToAFunctionForWhoeverCallsIt)
{
	struct Seen {
		void *value;
		int calls;
	} seen = { nullptr, 0 };
	auto look = [](void *arg) {
		auto *s = static_cast<Seen *>(arg);
		s->value = weft_context_get(&plain);
		return ++s->calls;
	};
	weft_context *a = with(nullptr, &plain, &one);
	weft_context_scope scope;
	weft_bound *often = nullptr, *once = nullptr;
	weft_context_enter(a, &scope);
	ASSERT_EQ(0, weft_context_bind(look, &seen, &often));
	ASSERT_EQ(0, weft_context_bind(look, &seen, &once));
	weft_context_restore(&scope);
	weft_context_unref(a);
	std::thread([&] {
		EXPECT_EQ(1, weft_bound_call(often));
		EXPECT_EQ(&one, seen.value);
		EXPECT_EQ(2, weft_bound_call(often));
		seen.value = nullptr;
		weft_bound_call_once(once);
		EXPECT_EQ(&one, seen.value);
		EXPECT_EQ(wf_context_root(), wf_context_current());
	}).join();
	weft_bound_free(often);
	weft_bound_free(nullptr);
}

TEST_F(Context, BindsToTheRootWhereTheFlowIsSuppressed)
{
	weft_context *a = with(nullptr, &plain, &one);
	weft_context_scope use, quiet;
	weft_bound *bound = nullptr;
	weft_context_enter(a, &use);
	ASSERT_EQ(0, weft_context_suppress(&quiet));
	ASSERT_EQ(0, weft_context_bind(
					 [](void *) { return weft_context_get(&plain) ? 1 : 0; }, nullptr, &bound));
	weft_context_restore(&quiet);
	EXPECT_EQ(0, weft_bound_call(bound));
	weft_context_restore(&use);
	weft_bound_free(bound);
	weft_context_unref(a);
}

/* Setting a value inside must not open the door again. */
TEST_F(Context, StaysSuppressedWhenAValueIsSet)
{
	weft_context_scope quiet, use;
	ASSERT_EQ(0, weft_context_suppress(&quiet));
	weft_context *a = with(nullptr, &plain, &one);
	weft_context_enter(a, &use);
	EXPECT_EQ(wf_context_root(), weft_context_capture());
	weft_context_restore(&use);
	weft_context_restore(&quiet);
	weft_context_unref(a);
}

TEST_F(Context, LetsAnExporterSayThatItIsNotToBeTraced)
{
	EXPECT_TRUE(wf_context_wants_spans());
	weft_context *quiet = with(nullptr, &weft_key_suppress_instrumentation, &one);
	weft_context *deeper = with(quiet, &plain, &one);
	weft_context *loud = with(deeper, &weft_key_suppress_instrumentation, nullptr);
	auto wants = [](void *) -> int { return wf_context_wants_spans(); };
	EXPECT_EQ(0, weft_context_run(quiet, wants, nullptr));
	EXPECT_EQ(0, weft_context_run(deeper, wants, nullptr));
	EXPECT_EQ(1, weft_context_run(loud, wants, nullptr));
	weft_context_unref(quiet);
	weft_context_unref(deeper);
	weft_context_unref(loud);
}

#ifdef WF_DEBUG
TEST_F(Context, AbortsOnScopesOutOfOrder)
{
	GTEST_FLAG_SET(death_test_style, "threadsafe");
	weft_context *a = with(nullptr, &plain, &one);
	weft_context_scope outer, inner;
	weft_context_enter(a, &outer);
	weft_context_enter(wf_context_root(), &inner);
	EXPECT_DEATH(weft_context_restore(&outer), "broken promise");
	weft_context_restore(&inner);
	weft_context_restore(&outer);
	EXPECT_DEATH(weft_context_restore(&outer), "broken promise");
	weft_context_unref(a);
}
#else
TEST_F(Context, CountsScopesOutOfOrderAndRestores)
{
	weft_context_counts before, after;
	weft_context_stats(&before);
	weft_context *a = with(nullptr, &plain, &one);
	weft_context_scope outer, inner;
	weft_context_enter(a, &outer);
	weft_context_enter(wf_context_root(), &inner);
	weft_context_restore(&outer);
	EXPECT_EQ(wf_context_root(), wf_context_current());
	weft_context_stats(&after);
	EXPECT_EQ(before.mismatches + 1, after.mismatches);
	weft_context_unref(a);
}
#endif

struct Note {
	std::string all;
	int most;
};

bool note(const weft_key *key, const char *text, void *arg)
{
	auto *n = static_cast<Note *>(arg);
	n->all += std::string(key->name) + "=" + text + ";";
	return --n->most > 0;
}

TEST_F(Context, ShowsWhatHelpsAReaderAndNoSecret)
{
	auto print = [](const void *value, char *text, size_t size) {
		return snprintf(text, size, "%300d", *static_cast<const int *>(value));
	};
	const weft_key shown = { .name = "shown", .flags = WEFT_KEY_DIAGNOSTIC, .print = print };
	const weft_key bare = { .name = "bare", .flags = WEFT_KEY_DIAGNOSTIC };
	const weft_key secret = {
		.name = "secret", .flags = WEFT_KEY_DIAGNOSTIC | WEFT_KEY_REDACT, .print = print
	};
	weft_context *a = with(nullptr, &shown, &one), *b = with(a, &secret, &one);
	weft_context *c = with(b, &plain, &one), *d = with(c, &bare, &one);
	Note all = { "", 9 }, some = { "", 2 }, none = { "", 9 };
	weft_context_visit(d, note, &all);
	EXPECT_EQ("shown=" + std::string(255, ' ') + ";secret=[redacted];bare=(set);", all.all);
	weft_context_visit(d, note, &some);
	EXPECT_EQ("shown=" + std::string(255, ' ') + ";secret=[redacted];", some.all);
	weft_context_visit(nullptr, note, &none);
	EXPECT_EQ("", none.all);
	for (weft_context *context : { a, b, c, d }) weft_context_unref(context);
}

struct Name {
	char text[8];
};

WEFT_KEY_STATIC(name, const Name)
WEFT_KEY_DECLARE(title, Name)
WEFT_KEY_DEFINE(title, Name, .unref = count_destroyed)

TEST_F(Context, IsReachedByTypedFunctions)
{
	static const Name ada = { "Ada" };
	weft_context *a = nullptr, *b = nullptr;
	ASSERT_EQ(0, name_with(nullptr, &ada, &a));
	ASSERT_EQ(0, title_with(a, static_cast<Name *>(calloc(1, sizeof(Name))), &b));
	weft_context_scope scope;
	EXPECT_EQ(nullptr, name_get());
	weft_context_enter(b, &scope);
	EXPECT_STREQ("Ada", name_get()->text);
	EXPECT_STREQ("", title_get()->text);
	weft_context_restore(&scope);
	weft_context_unref(a);
	weft_context_unref(b);
	EXPECT_EQ(1, destroyed);
	EXPECT_STREQ("title", title_key.name);
}

TEST_F(Context, IsNotCountedAtTheRoot)
{
	weft_context *root = weft_context_ref(wf_context_root());
	EXPECT_EQ(wf_context_root(), root);
	for (int i = 0; i < 3; i++) weft_context_unref(root);
	weft_context_unref(nullptr);
	EXPECT_EQ(wf_context_root(), weft_context_capture());
}

/* Contexts and values cross threads all the time: each of these threads makes contexts from a
 * shared one, passes them on, and lets go of what the others made. */
TEST_F(Context, SurvivesManyThreadsAndDestroysEachValueOnce)
{
	constexpr int threads = 4, rounds = 3000;
	std::atomic<weft_context *> box[threads] = {};
	references = 1;
	weft_context *shared = with(nullptr, &owned, malloc(1));
	weft_context *base = with(shared, &counted, &one);
	weft_context_unref(shared);
	std::atomic<int> made{ 1 };
	auto work = [&](int self) {
		for (int i = 0; i < rounds; i++) {
			weft_context_scope scope;
			weft_context *mine = nullptr;
			weft_context_enter(base, &scope);
			ASSERT_EQ(0, weft_context_with(
							 nullptr, i % 2 ? &owned : &other, i % 2 ? malloc(1) : &two, &mine));
			made += i % 2;
			weft_context *flows = weft_context_capture();
			weft_context_restore(&scope);
			weft_context_unref(flows);
			weft_context_unref(box[(self + i) % threads].exchange(mine));
		}
	};
	std::vector<std::thread> running;
	for (int i = 0; i < threads; i++) running.emplace_back(work, i);
	for (auto &t : running) t.join();
	for (auto &slot : box) weft_context_unref(slot.load());
	EXPECT_EQ(made - 1, destroyed);
	weft_context_unref(base);
	EXPECT_EQ(made, destroyed);
	EXPECT_EQ(0, references);
}

} // namespace
