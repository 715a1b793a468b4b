#include "runtime/stack_watch.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <weft/error.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <vector>

#include "runtime/coro.h"
#include "runtime/stack.h"
#include "tests/support/failing_allocator.h"

namespace
{

struct Owner {
	const char *task, *site;
};

void describe(const wf_stack *stack, const char **task, const char **site)
{
	const Owner *owner = static_cast<const Owner *>(stack->owner);
	*task = owner->task;
	*site = owner->site;
}

__attribute__((noinline)) int recurse(int depth)
{
	volatile char frame[200];
	frame[depth % 200] = static_cast<char>(depth);
	int below = depth > 1000000000 ? 0 : recurse(depth + 1);
	return below + frame[depth % 200];
}

void overflow(void *)
{
	_exit(recurse(0) == 12345 ? 0 : 1);
}

/* Runs out of the stack taken after `others`. */
void overflow_a_stack(bool guard_by_mprotect, int others, Owner *owner, size_t size = 0)
{
	wf_stack_pool pool;
	wf_stack_watch watch;
	wf_coro home, coro;
	if (wf_stack_pool_init(&pool, 0, 0) != 0 || wf_stack_watch_open(&watch) != 0) _exit(1);
	pool.guard_by_mprotect = guard_by_mprotect;
	pool.describe = describe;
	for (int i = 0; i < others; i++) (void)wf_stack_take(&pool);
	wf_stack *stack = wf_stack_take_size(&pool, size);
	stack->owner = owner;
	wf_coro_init_thread(&home);
	wf_coro_init(&coro, stack->low, stack->size, overflow, nullptr);
	wf_coro_switch(&home, &coro);
	_exit(1);
}

constexpr const char *kNamed =
	"weft: stack overflow in task digger \\(spawned at hole.c:7\\): 64 KiB are not enough";

TEST(StackWatchDeathTest, AnOverflowNamesTheTask)
{
	Owner digger = { "digger", "hole.c:7" };
	EXPECT_DEATH(overflow_a_stack(false, 0, &digger), kNamed);
}

TEST(StackWatchDeathTest, SoDoesOneBehindManyOthers)
{
	Owner digger = { "digger", "hole.c:7" };
	EXPECT_DEATH(overflow_a_stack(false, 2000, &digger), kNamed);
}

TEST(StackWatchDeathTest, SoDoesOneInTheFallback)
{
	Owner digger = { "digger", "hole.c:7" };
	EXPECT_DEATH(overflow_a_stack(true, 70, &digger), kNamed);
}

TEST(StackWatchDeathTest, SaysTheSizeThatDidNotSuffice)
{
	Owner digger = { "digger", nullptr };
	EXPECT_DEATH(overflow_a_stack(false, 5, &digger, 1 << 20),
		"overflow in task digger: 1024 KiB are not enough");
}

TEST(StackWatchDeathTest, ATaskThatIsNotKnownIsReportedToo)
{
	EXPECT_DEATH(
		overflow_a_stack(false, 0, nullptr), "overflow in a task that is not known: 64 KiB");
}

#if !defined(WF_CORO_ASAN) && !defined(WF_CORO_TSAN)
TEST(StackWatchDeathTest, TheProcessDiesOfTheFaultItself)
{
	Owner digger = { "digger", "hole.c:7" };
	EXPECT_EXIT(overflow_a_stack(false, 0, &digger), testing::KilledBySignal(SIGSEGV), kNamed);
}
#endif

int theirs_ran;

void theirs(int)
{
	theirs_ran++;
}

/* Makes the page it faulted on accessible, so that the instruction succeeds when repeated. */
void theirs_that_mends(int, siginfo_t *info, void *)
{
	theirs_ran++;
	if (mprotect(info->si_addr, 4096, PROT_READ | PROT_WRITE) != 0) _exit(1);
}

struct sigaction handler_now()
{
	struct sigaction found;
	sigaction(SIGSEGV, nullptr, &found);
	return found;
}

TEST(StackWatch, OtherFaultsGoWhereTheyWentBefore)
{
	struct sigaction mending = {}, old;
	mending.sa_sigaction = theirs_that_mends;
	mending.sa_flags = SA_SIGINFO;
	sigaction(SIGSEGV, &mending, &old);
	theirs_ran = 0;
	wf_stack_watch watch;
	ASSERT_EQ(wf_stack_watch_open(&watch), 0);
	volatile char *page =
		static_cast<char *>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	page[0] = 1;
	EXPECT_EQ(theirs_ran, 1);
	munmap(const_cast<char *>(page), 4096);
	wf_stack_watch_close(&watch);
	EXPECT_EQ(handler_now().sa_sigaction, theirs_that_mends);
	sigaction(SIGSEGV, &old, nullptr);
}

TEST(StackWatch, ASignalThatWasSentIsHandedOn)
{
	struct sigaction counting = {}, ignoring = {}, old;
	counting.sa_handler = theirs;
	ignoring.sa_handler = SIG_IGN;
	sigaction(SIGSEGV, &counting, &old);
	theirs_ran = 0;
	wf_stack_watch watch;
	ASSERT_EQ(wf_stack_watch_open(&watch), 0);
	raise(SIGSEGV);
	EXPECT_EQ(theirs_ran, 1);
	wf_stack_watch_close(&watch);

	sigaction(SIGSEGV, &ignoring, nullptr);
	ASSERT_EQ(wf_stack_watch_open(&watch), 0);
	raise(SIGSEGV);
	wf_stack_watch_close(&watch);
	EXPECT_EQ(theirs_ran, 1);
	sigaction(SIGSEGV, &old, nullptr);
}

void die_of_a_sent_signal()
{
	signal(SIGSEGV, SIG_DFL);
	wf_stack_watch watch;
	if (wf_stack_watch_open(&watch) != 0) _exit(1);
	raise(SIGSEGV);
	_exit(1);
}

TEST(StackWatchDeathTest, ASignalThatWasSentKillsWhereItDidBefore)
{
	EXPECT_EXIT(die_of_a_sent_signal(), testing::KilledBySignal(SIGSEGV), "");
}

TEST(StackWatch, TheLastOneClosedPutsTheFormerHandlerBack)
{
	struct sigaction before = handler_now();
	wf_stack_watch first, second;
	ASSERT_EQ(wf_stack_watch_open(&first), 0);
	ASSERT_EQ(wf_stack_watch_open(&second), 0);
	struct sigaction ours = handler_now();
	EXPECT_NE(
		reinterpret_cast<void *>(ours.sa_sigaction), reinterpret_cast<void *>(before.sa_sigaction));
	wf_stack_watch_close(&first);
	EXPECT_EQ(handler_now().sa_sigaction, ours.sa_sigaction);
	wf_stack_watch_close(&second);
	EXPECT_EQ(handler_now().sa_sigaction, before.sa_sigaction);
	wf_stack_watch_close(&second); /* closed already */
}

TEST(StackWatch, LeavesALaterHandlerInPlace)
{
	struct sigaction before = handler_now(), later = {};
	wf_stack_watch watch;
	ASSERT_EQ(wf_stack_watch_open(&watch), 0);
	struct sigaction ours = handler_now();
	later.sa_handler = theirs;
	sigaction(SIGSEGV, &later, nullptr);
	wf_stack_watch_close(&watch);
	EXPECT_EQ(handler_now().sa_handler, theirs);
	ASSERT_EQ(wf_stack_watch_open(&watch), 0);
	EXPECT_EQ(handler_now().sa_handler, theirs) << "ours is below it still";
	sigaction(SIGSEGV, &ours, nullptr);
	wf_stack_watch_close(&watch);
	EXPECT_EQ(handler_now().sa_sigaction, before.sa_sigaction);
}

TEST(StackWatch, KeepsAnAlternateStackThatIsThere)
{
	static char mine[64 << 10];
	stack_t given = {}, found, old;
	given.ss_sp = mine;
	given.ss_size = sizeof mine;
	sigaltstack(&given, &old);
	wf_stack_watch watch;
	ASSERT_EQ(wf_stack_watch_open(&watch), 0);
	sigaltstack(nullptr, &found);
	EXPECT_EQ(found.ss_sp, mine);
	wf_stack_watch_close(&watch);
	sigaltstack(nullptr, &found);
	EXPECT_EQ(found.ss_sp, mine);

	stack_t none = {};
	none.ss_flags = SS_DISABLE;
	sigaltstack(&none, nullptr);
	ASSERT_EQ(wf_stack_watch_open(&watch), 0);
	sigaltstack(nullptr, &found);
	EXPECT_FALSE(found.ss_flags & SS_DISABLE);
	wf_stack_watch_close(&watch);
	sigaltstack(nullptr, &found);
	EXPECT_TRUE(found.ss_flags & SS_DISABLE);
	sigaltstack(&old, nullptr);
}

TEST(StackWatch, OpenSaysWhenThereIsNoMemory)
{
	stack_t none = {}, old;
	none.ss_flags = SS_DISABLE;
	sigaltstack(&none, &old);
	struct sigaction before = handler_now();
	failing_allocator_install();
	failing_allocator_fail_at(0, FAIL_ONCE);
	wf_stack_watch watch;
	EXPECT_EQ(wf_stack_watch_open(&watch), WEFT_ENOMEM);
	EXPECT_EQ(handler_now().sa_sigaction, before.sa_sigaction);
	failing_allocator_remove();
	sigaltstack(&old, nullptr);
}

bool nowhere(const void *, uintptr_t, wf_stack_fault *)
{
	return false;
}

TEST(StackWatch, RefusesWhenItsTableIsFull)
{
	std::vector<int> tickets;
	int ticket;
	while ((ticket = wf_stack_watch_add(&tickets, 1, nowhere, nullptr)) >= 0)
		tickets.push_back(ticket);
	EXPECT_EQ(ticket, WEFT_EFULL);
	EXPECT_EQ(tickets.size(), 4096u);

	wf_stack_pool pool;
	ASSERT_EQ(wf_stack_pool_init(&pool, 0, 0), 0);
	EXPECT_EQ(wf_stack_take(&pool), nullptr);
	for (int each : tickets) wf_stack_watch_remove(each);
	wf_stack *stack = wf_stack_take(&pool);
	ASSERT_NE(stack, nullptr);
	wf_stack_give(&pool, stack);
	wf_stack_pool_fini(&pool);
}

} // namespace
