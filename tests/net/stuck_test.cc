/* Work that never ends: a look-up without an answer, a read that nobody feeds. It is bounded and
 * named, and holds nobody else up. */
#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include <gtest/gtest.h>
#include <weft/error.h>
#include <weft/group.h>
#include <weft/limiter.h>
#include <weft/offload.h>
#include <weft/scope.h>
#include <weft/tcp.h>
#include <weft/timer.h>

namespace
{

std::atomic<int> hanging;
std::atomic<bool> answered;

void hang()
{
	hanging++;
	while (!answered) usleep(1000);
	hanging--;
}

} // namespace

/* In place of the C library's. */
extern "C" int getaddrinfo(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	using Real = int(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	static Real *real = reinterpret_cast<Real *>(dlsym(RTLD_NEXT, "getaddrinfo"));
	if (host != nullptr && strcmp(host, "hangs.test") == 0) {
		hang();
		return EAI_AGAIN;
	}
	return real(host, service, hints, found);
}

namespace
{

int look_up(void *)
{
	weft_address list[1];
	size_t n;
	int rc = weft_resolve("hangs.test:80", list, 1, &n);
	EXPECT_EQ(WEFT_ECANCELED, rc) << "whoever asked goes on";
	return rc == WEFT_ECANCELED ? 0 : -1;
}

/* It is given up when it has begun. */
int look_up_in_vain(void *)
{
	weft_group *group = weft_group_open();
	weft_spawn(group, look_up, nullptr);
	while (hanging == 0) EXPECT_EQ(0, weft_sleep_ms(1));
	weft_group_cancel(group);
	return weft_group_join(group, 0);
}

TEST(Stuck, ALookUpWithoutAnAnswerHoldsUpNobodyButTheEndOfItsThread)
{
	answered = false;
	EXPECT_EQ(0, weft_run(
					 [](void *) {
						 int rc = look_up_in_vain(nullptr);
						 EXPECT_EQ(1, hanging) << "it is still being looked up";
						 EXPECT_EQ(0, weft_offload([](void *) { return 0; }, nullptr));
						 answered = true;
						 return rc;
					 },
					 nullptr, .workers = 1, .keep_signals = true));
	EXPECT_EQ(0, hanging) << "the run has waited for it";
}

void run_and_leave(weft_task_fn *fn, weft_on_stuck on_stuck)
{
	answered = false;
	int rc = weft_run(fn, nullptr, .workers = 2, .drain_ms = 1, .cancel_ms = 1,
		.keep_signals = true, .on_stuck = on_stuck);
	_exit(rc == WEFT_ESTUCK ? 3 : 4);
}

TEST(StuckDeathTest, ALookUpIsNamedWhenTheRunIsLeft)
{
	EXPECT_EXIT(run_and_leave(look_up_in_vain, WEFT_STUCK_RETURN), testing::ExitedWithCode(3),
		"a job has not ended.*name=resolve");
}

TEST(StuckDeathTest, ALookUpIsNamedWhenTheProcessEnds)
{
	EXPECT_EXIT(run_and_leave(look_up_in_vain, WEFT_STUCK_EXIT), testing::ExitedWithCode(70),
		"a job has not ended.*name=resolve");
}

/* A pipe that nobody writes to, as standard input of a service is. */
int ends[2];
std::atomic<bool> reading;

int read_in_a_job(void *)
{
	return weft_offload(
		[](void *) {
			char c;
			reading = true;
			return static_cast<int>(read(ends[0], &c, 1));
		},
		nullptr);
}

int read_in_vain(void *)
{
	if (pipe(ends) != 0) return -errno;
	weft_group *group = weft_group_open();
	weft_spawn(group, read_in_a_job, nullptr, .name = "reader");
	while (!reading) EXPECT_EQ(0, weft_sleep_ms(1));
	EXPECT_EQ(0, weft_drain());
	return weft_group_join(group, 0);
}

TEST(StuckDeathTest, AReadThatNobodyFeedsIsNamedWithTheTaskThatWaitsForIt)
{
	const char named[] = "still alive.*name=reader.*waits_for=\"a job\"(.|\n)*"
						 "a job has not ended.*submitted=.*stuck_test.cc";
	EXPECT_EXIT(run_and_leave(read_in_vain, WEFT_STUCK_RETURN), testing::ExitedWithCode(3), named);
	EXPECT_EXIT(run_and_leave(read_in_vain, WEFT_STUCK_EXIT), testing::ExitedWithCode(70), named);
}

/* A token says that the work is going on: it does while its thread is at it, whatever was
 * cancelled. */
TEST(Stuck, AJobKeepsItsTokenUntilItsThreadIsThrough)
{
	answered = false;
	static weft_limiter *one;
	ASSERT_EQ(0, weft_limiter_new(&one, .at_once = 1));
	auto main = [](void *) {
		weft_group *group = weft_group_open();
		auto work = [](void *) {
			auto job = [](void *) {
				hang();
				return 7;
			};
			int rc = weft_offload(job, nullptr, .limiter = one);
			EXPECT_EQ(7, rc) << "it did happen";
			return 0;
		};
		weft_spawn(group, work, nullptr);
		while (hanging == 0) EXPECT_EQ(0, weft_sleep_ms(1));
		weft_group_cancel(group);
		for (int i = 0; i < 10; i++) {
			EXPECT_EQ(WEFT_EAGAIN, weft_limiter_try(one)) << "cancelled, and still at it";
			EXPECT_EQ(0, weft_sleep_ms(1));
		}
		answered = true;
		int rc = weft_group_join(group, 0);
		EXPECT_EQ(0, weft_limiter_try(one)) << "now it is through";
		weft_limiter_give(one);
		return rc;
	};
	EXPECT_EQ(0, weft_run(main, nullptr, .workers = 1, .keep_signals = true));
	weft_limiter_free(one);
}

} // namespace
