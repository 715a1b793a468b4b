#include "runtime/stack.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft/error.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/coro.h"
#include "runtime/stack_watch.h"
#include "tests/support/failing_allocator.h"

#ifdef WF_STACK_ANNOTATED
#include <sanitizer/lsan_interface.h>
#endif

#if defined(WF_CORO_ASAN) || defined(WF_CORO_TSAN)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

namespace
{

struct Report {
	int rc = 0;
	int count = 0;
	std::string text;
};

void note_report(void *arg, int rc, const char *text)
{
	Report *report = static_cast<Report *>(arg);
	report->rc = rc;
	report->count++;
	report->text = text;
}

struct Pool {
	explicit Pool(size_t stack_size = 0, size_t max = 0)
	{
		EXPECT_EQ(wf_stack_pool_init(&pool, stack_size, max), 0);
		pool.report = note_report;
		pool.report_arg = &report;
	}
	~Pool()
	{
		for (wf_stack *stack : taken) wf_stack_give(&pool, stack);
		wf_stack_pool_fini(&pool);
	}
	/* Given back at the end. */
	wf_stack *take(size_t size = 0)
	{
		wf_stack *stack = wf_stack_take_size(&pool, size);
		if (stack != nullptr) taken.push_back(stack);
		return stack;
	}
	void give_all()
	{
		while (!taken.empty()) {
			wf_stack_give(&pool, taken.back());
			taken.pop_back();
		}
	}
	wf_stack_pool pool;
	Report report;
	std::vector<wf_stack *> taken;
};

void touch(wf_stack *stack, size_t depth)
{
	memset(stack->low + stack->size - depth, 0x5a, depth);
}

long lines_of(const char *path)
{
	std::ifstream file(path);
	std::string line;
	long count = 0;
	while (std::getline(file, line)) count++;
	return count;
}

long resident_bytes()
{
	std::ifstream file("/proc/self/statm");
	long size = 0, resident = 0;
	file >> size >> resident;
	return resident * sysconf(_SC_PAGESIZE);
}

TEST(Stack, IsUsableFromEndToEnd)
{
	Pool pool;
	wf_stack *stack = pool.take();
	ASSERT_NE(stack, nullptr);
	EXPECT_EQ(stack->size, WF_STACK_SIZE_DEFAULT);
	memset(stack->low, 1, stack->size);
	EXPECT_EQ(stack->low[0], 1);
	EXPECT_EQ(stack->low[stack->size - 1], 1);
}

TEST(Stack, GivesTheOneUsedLastFirst)
{
	Pool pool;
	wf_stack *first = pool.take(), *second = pool.take();
	pool.taken.clear();
	wf_stack_give(&pool.pool, first);
	wf_stack_give(&pool.pool, second);
	EXPECT_EQ(pool.take(), second);
	EXPECT_EQ(pool.take(), first);
}

TEST(Stack, NoTwoInUseOverlap)
{
	Pool pool;
	std::set<char *> lows;
	for (int i = 0; i < 300; i++) {
		wf_stack *stack = pool.take(i % 3 == 0 ? 256 << 10 : 0);
		ASSERT_NE(stack, nullptr);
		auto above = lows.upper_bound(stack->low);
		if (above != lows.end()) {
			EXPECT_LE(stack->low + stack->size, *above);
		}
		lows.insert(stack->low);
		touch(stack, 64);
	}
	EXPECT_EQ(lows.size(), 300u);
}

TEST(Stack, EachSizeHasAClassOfItsOwn)
{
	Pool pool(20 << 10);
	wf_stack *by_default = pool.take();
	EXPECT_EQ(by_default->size, 32u << 10);
	for (size_t size = WF_STACK_SIZE_MIN; size <= WF_STACK_SIZE_MAX; size *= 2) {
		EXPECT_EQ(pool.take(size)->size, size);
		EXPECT_EQ(pool.take(size - 1)->size, size);
	}
	wf_stack *large = pool.take(1 << 20);
	pool.give_all();
	EXPECT_EQ(pool.take(), by_default);
	EXPECT_EQ(pool.take(1 << 20)->size, large->size);
}

TEST(Stack, RefusesMoreThanEightMebibytes)
{
	wf_stack_pool none;
	EXPECT_EQ(wf_stack_pool_init(&none, WF_STACK_SIZE_MAX + 1, 0), WEFT_EINVAL);
	Pool pool;
	EXPECT_EQ(pool.take(WF_STACK_SIZE_MAX + 1), nullptr);
	EXPECT_EQ(pool.pool.error, WEFT_EINVAL);
}

TEST(Stack, RefusesAboveItsLimitOverAllSizes)
{
	Pool pool(0, 3);
	wf_stack *first = pool.take();
	EXPECT_NE(pool.take(1 << 20), nullptr);
	EXPECT_NE(pool.take(), nullptr);
	EXPECT_EQ(pool.take(), nullptr);
	EXPECT_EQ(pool.pool.error, WEFT_EFULL);
	EXPECT_EQ(pool.take(1 << 20), nullptr);
	EXPECT_EQ(pool.report.rc, WEFT_EFULL);
	EXPECT_EQ(pool.report.text, "all 3 stacks of this worker are in use");
	EXPECT_EQ(pool.report.count, 1) << "said once, not at every spawn";

	pool.taken.erase(pool.taken.begin());
	wf_stack_give(&pool.pool, first);
	EXPECT_NE(pool.take(32 << 10), nullptr);
	EXPECT_EQ(pool.take(), nullptr) << "a free stack of another size does not raise the limit";
}

TEST(Stack, SurvivesAnyFailedAllocation)
{
	failing_allocator_install();
	for (int mode : { FAIL_ONCE, FAIL_STICKY })
		for (long n = 0, failed = 1; failed; n++) {
			{
				Pool pool;
				int refused = 0;
				failing_allocator_fail_at(n, static_cast<failing_allocator_mode>(mode));
				for (int i = 0; i < 200; i++)
					if (pool.take(i % 50 == 0 ? 1 << 20 : 0) == nullptr) {
						EXPECT_EQ(pool.pool.error, WEFT_ENOMEM);
						EXPECT_EQ(pool.report.rc, WEFT_ENOMEM);
						refused++;
					}
				failed = failing_allocator_failures();
				EXPECT_EQ(refused > 0, failed > 0);
				failing_allocator_fail_at(-1, FAIL_ONCE);
				wf_stack *stack = pool.take();
				ASSERT_NE(stack, nullptr) << "a refusal is not for ever";
				touch(stack, 64);
			}
			ASSERT_EQ(failing_allocator_live(), 0);
		}
	failing_allocator_remove();
}

#if !defined(WF_CORO_ASAN) && !defined(WF_CORO_TSAN)
/* In a child, whose address space is short; a sanitizer's shadow would not fit. */
void refuse_without_address_space()
{
	Pool pool;
	rlimit limit;
	std::ifstream file("/proc/self/statm");
	rlim_t pages = 0;
	file >> pages;
	limit.rlim_cur = limit.rlim_max = pages * 4096 + (10 << 20);
	if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(1);
	int made = 0;
	while (pool.take() != nullptr) made++;
	bool as_told = pool.pool.error == WEFT_ENOMEM && pool.report.rc == WEFT_ENOMEM;
	_exit(as_told && made >= 50 && made < 200 ? 0 : 2);
}

TEST(StackDeathTest, MakesDoWithLessAddressSpaceAndThenRefuses)
{
	EXPECT_EXIT(refuse_without_address_space(), testing::ExitedWithCode(0), "");
}
#endif

TEST(StackDeathTest, FiniRefusesWhileOneIsInUse)
{
	wf_stack_pool pool;
	ASSERT_EQ(wf_stack_pool_init(&pool, 0, 0), 0);
	wf_stack *stack = wf_stack_take(&pool);
	EXPECT_DEATH(wf_stack_pool_fini(&pool), "taken == 0");
	wf_stack_give(&pool, stack);
	wf_stack_pool_fini(&pool);
	wf_stack_pool_fini(&pool); /* all zero by now */
}

TEST(Stack, KnowsHowDeepItWasUsed)
{
	Pool pool;
	wf_stack *stack = pool.take();
	EXPECT_EQ(wf_stack_used(stack), 0u);
	touch(stack, 1000);
	EXPECT_EQ(wf_stack_used(stack), 1000u);
	touch(stack, 50000);
	EXPECT_EQ(wf_stack_used(stack), 50000u);
	touch(stack, stack->size);
	EXPECT_EQ(wf_stack_used(stack), stack->size);
	wf_stack_forget(stack);
	EXPECT_EQ(wf_stack_used(stack), 0u);
}

TEST(Stack, TrimReleasesOnlyWhatWasNotUsedSinceTheLast)
{
	Pool pool;
	std::vector<wf_stack *> all;
	for (int i = 0; i < 10; i++) {
		all.push_back(pool.take());
		touch(all.back(), 100);
	}
	pool.give_all();
	EXPECT_FALSE(wf_stack_pool_trim(&pool.pool));
	for (wf_stack *stack : all) EXPECT_NE(wf_stack_used(stack), 0u) << "all were used just now";

	std::vector<wf_stack *> hot = { pool.take(), pool.take(), pool.take() };
	pool.give_all();
	EXPECT_FALSE(wf_stack_pool_trim(&pool.pool));
	size_t released = 0;
	for (wf_stack *stack : all) released += wf_stack_used(stack) == 0;
	EXPECT_EQ(released, 7u);
	for (wf_stack *stack : hot) EXPECT_NE(wf_stack_used(stack), 0u);

	for (int i = 0; i < 10; i++) touch(pool.take(), 100); /* the released ones serve again */
	pool.give_all();
	EXPECT_FALSE(wf_stack_pool_trim(&pool.pool));
	for (wf_stack *stack : all) EXPECT_NE(wf_stack_used(stack), 0u);
}

TEST(Stack, TrimIsBoundedAndSaysWhenThereIsMore)
{
	Pool pool;
	for (size_t i = 0; i < WF_STACK_TRIM_MAX + 10; i++) touch(pool.take(), 1);
	std::vector<wf_stack *> all = pool.taken;
	pool.give_all();
	EXPECT_FALSE(wf_stack_pool_trim(&pool.pool)); /* a new period begins */
	EXPECT_TRUE(wf_stack_pool_warm(&pool.pool));
	EXPECT_TRUE(wf_stack_pool_trim(&pool.pool));
	EXPECT_TRUE(wf_stack_pool_warm(&pool.pool));
	EXPECT_FALSE(wf_stack_pool_trim(&pool.pool));
	EXPECT_FALSE(wf_stack_pool_warm(&pool.pool));
	for (wf_stack *stack : all) EXPECT_EQ(wf_stack_used(stack), 0u);
}

/* Not under ASan: with no mapping left to be had it ends the process itself. */
#ifndef __SANITIZE_ADDRESS__
#if !defined(WF_CORO_TSAN) /* whose own runtime dies where no mapping is left */
TEST(Stack, TheFallbackReportsTheKernelsLimitOfMappings)
{
	long most = 0;
	std::ifstream("/proc/sys/vm/max_map_count") >> most;
	if (most > 200000) GTEST_SKIP() << "vm.max_map_count is " << most << ": too many to fill";
	Pool pool(16 << 10);
	pool.pool.guard_by_mprotect = true;
	pool.taken.reserve(most);
	while (pool.take() != nullptr) {
	}
	size_t made = pool.taken.size();
	EXPECT_EQ(pool.pool.error, WEFT_EFULL);
	EXPECT_EQ(pool.report.rc, WEFT_EFULL);
	EXPECT_NE(
		pool.report.text.find("vm.max_map_count is " + std::to_string(most)), std::string::npos)
		<< pool.report.text;
	EXPECT_GT(made, static_cast<size_t>(most) / 2 - 4000);
	EXPECT_LT(made, static_cast<size_t>(most));
	EXPECT_EQ(pool.take(), nullptr);
	EXPECT_EQ(pool.report.count, 1);
	pool.give_all();
	EXPECT_NE(pool.take(), nullptr) << "those that exist still serve";
}
#endif
#endif

struct Sleeper {
	wf_coro coro;
	wf_coro *home;
	wf_stack *stack;
	static void run(void *arg)
	{
		Sleeper *self = static_cast<Sleeper *>(arg);
		wf_coro_switch(&self->coro, self->home);
		wf_coro_switch_last(&self->coro, self->home);
	}
};

TEST(Stack, AHundredThousandSleepInFewMappingsAndLittleMemory)
{
	const size_t count = kSanitized ? 10000 : 100000;
	Pool pool;
	ASSERT_NE(pool.take(), nullptr);
	if (pool.pool.guard_by_mprotect)
		GTEST_SKIP() << "this kernel has no MADV_GUARD_INSTALL (Linux 6.13): about 32,000 at most";
	pool.give_all();
	long mappings = lines_of("/proc/self/maps"), resident = resident_bytes();
	wf_coro home;
	wf_coro_init_thread(&home);
	std::vector<Sleeper> sleepers(count);
	for (Sleeper &sleeper : sleepers) {
		sleeper.home = &home;
		sleeper.stack = pool.take();
		ASSERT_NE(sleeper.stack, nullptr) << pool.report.text;
		wf_coro_init(
			&sleeper.coro, sleeper.stack->low, sleeper.stack->size, Sleeper::run, &sleeper);
		wf_coro_switch(&home, &sleeper.coro);
	}
	if (!kSanitized) {
		EXPECT_LT(lines_of("/proc/self/maps") - mappings, 100);
		double each = static_cast<double>(resident_bytes() - resident) / static_cast<double>(count);
		EXPECT_LE(each, 4096 + 200);
		RecordProperty("bytes_each", static_cast<int>(each));
	}
	for (Sleeper &sleeper : sleepers) {
		wf_coro_switch(&home, &sleeper.coro);
		wf_coro_fini(&sleeper.coro);
	}
	wf_coro_fini(&home);
}

#ifdef WF_STACK_ANNOTATED
TEST(Stack, TheLeakCheckerSeesWhatASleepingTaskHolds)
{
	struct Holder : Sleeper {
		static void hold(void *arg)
		{
			Holder *self = static_cast<Holder *>(arg);
			char *volatile block = new char[321];
			wf_coro_switch(&self->coro, self->home);
			delete[] block;
			wf_coro_switch_last(&self->coro, self->home);
		}
	} holder;
	Pool pool;
	wf_coro home;
	wf_coro_init_thread(&home);
	holder.home = &home;
	holder.stack = pool.take();
	wf_coro_init(&holder.coro, holder.stack->low, holder.stack->size, Holder::hold, &holder);
	wf_coro_switch(&home, &holder.coro);
	EXPECT_EQ(__lsan_do_recoverable_leak_check(), 0);
	wf_coro_switch(&home, &holder.coro);
	wf_coro_fini(&holder.coro);
	wf_coro_fini(&home);
}
#endif

} // namespace
