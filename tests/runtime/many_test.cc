/* A great many tasks at once, each with a guard below its stack. */
#include <gtest/gtest.h>

#include <weft/error.h>
#include <weft/group.h>
#include <weft/post.h>
#include <weft/sync.h>
#include <weft/timer.h>

#include <sys/mman.h>

#include <atomic>
#include <string>

#include "tests/runtime/support.h"
#include "tests/support/measure.h"

namespace
{

/* Under a sanitizer each task costs memory that is not weft's. */
constexpr int MANY = SANITIZED ? 10000 : 100000;

/* Otherwise each guard is a mapping, and the kernel allows some 32 000 tasks. */
bool guards_are_no_mappings()
{
	enum { GUARD_INSTALL = 102 };
	size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	void *at = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool is_there = madvise(at, page, GUARD_INSTALL) == 0;
	munmap(at, page);
	return is_there;
}

std::atomic<int> begun;

__attribute__((noinline)) int dig(int depth)
{
	volatile char frame[200];
	frame[depth % 200] = static_cast<char>(depth);
	int below = depth > 1000000000 ? 0 : dig(depth + 1);
	return below + frame[depth % 200];
}

weft_event somebody_digs;

int sleep_long(void *digs)
{
	begun++;
	if (digs == nullptr) return weft_sleep_ms(3600000);
	int rc = weft_event_wait(&somebody_digs);
	return rc == 0 ? dig(0) : rc;
}

/* They all sleep when this returns. The one at `digger` waits to overflow its stack. */
int spawn_many(weft_group *group, int digger)
{
	int rc = 0;
	begun = 0;
	for (int i = 0; i < MANY && rc == 0; i++)
		rc = weft_spawn(group, sleep_long, i == digger ? &begun : nullptr,
			.name = i == digger ? "digger" : "sleeper", .worker = 1 + i % 2);
	while (rc == 0 && begun < MANY) rc = weft_yield();
	return rc;
}

TEST(Many, SleepInFewMappingsAndLittleMemory)
{
	if (!guards_are_no_mappings()) GTEST_SKIP() << "this kernel has no MADV_GUARD_INSTALL";
	EXPECT_EQ(0, run_task([] {
		long regions = mappings(), resident = resident_bytes();
		weft_group *group = weft_group_open();
		int rc = spawn_many(group, -1);
		EXPECT_EQ(0, rc) << weft_error_name(rc);
		if (!SANITIZED) {
			EXPECT_LT(mappings() - regions, 1000);
			EXPECT_LE((resident_bytes() - resident) / MANY, 8192);
		}
		weft_group_cancel(group);
		return weft_group_join(group, rc);
	}));
}

class ManyDeathTest : public testing::TestWithParam<int>
{
};

TEST_P(ManyDeathTest, AnOverflowOfAnyOfThemNamesIt)
{
	if (!guards_are_no_mappings()) GTEST_SKIP() << "this kernel has no MADV_GUARD_INSTALL";
	EXPECT_DEATH((void)run_task([] {
		weft_event_init_shared(&somebody_digs);
		weft_group *group = weft_group_open();
		int rc = spawn_many(group, GetParam());
		if (rc == 0) weft_event_set(&somebody_digs);
		return weft_group_join(group, rc);
	}),
		"stack overflow in task digger .*many_test.cc:.*64 KiB are not enough");
}

INSTANTIATE_TEST_SUITE_P(
	Of, ManyDeathTest, testing::Values(0, 1, MANY / 3, MANY / 2 + 1, MANY - 2, MANY - 1));

} // namespace
