/* Each program is run with the n-th allocation failing, for every n: what fails says so, nothing
 * hangs, nothing leaks. */
#include <gtest/gtest.h>

#include <weft/channel.h>
#include <weft/error.h>
#include <weft/fd.h>
#include <weft/group.h>
#include <weft/offload.h>
#include <weft/post.h>
#include <weft/scope.h>
#include <weft/select.h>
#include <weft/signal.h>
#include <weft/timer.h>

#include <csignal>
#include <unistd.h>

#include <atomic>

#include "tests/runtime/support.h"

namespace
{

int nap(void *arg)
{
	(void)arg;
	return weft_sleep_ms(1);
}

int sleep_long(void *arg)
{
	(void)arg;
	return weft_sleep_ms(3600000);
}

/* Children here and there, one that fails, one that serves. */
int groups()
{
	weft_group *group = weft_group_open(.name = "swept", .timeout_ms = 60000);
	for (int worker = 1; worker <= 2; worker++) {
		weft_spawn(group, nap, nullptr, .worker = worker);
		weft_spawn(group, sleep_long, nullptr, .worker = worker, .service = true);
	}
	weft_spawn(group, nap, nullptr, .worker = WEFT_EACH, .forget = true);
	weft_task *done;
	int rc = weft_group_next(group, &done);
	return weft_group_join(group, rc < 0 ? rc : 0);
}

/* Members that spawn on both workers. */
int members()
{
	static weft_group *group;
	group = weft_group_open();
	auto spawn_here_and_there = [](void *) {
		for (int worker = 1; worker <= 2; worker++)
			weft_spawn(group, nap, nullptr, .worker = worker);
		return 0;
	};
	weft_spawn(group, spawn_here_and_there, nullptr, .worker = 2);
	weft_spawn(group, spawn_here_and_there, nullptr);
	return weft_group_join(group, 0);
}

const weft_key key = { .name = "swept" };

int scopes()
{
	static int value;
	weft_scope *outer = weft_scope_open(.timeout_ms = 60000);
	int rc = weft_scope_set(&key, &value);
	weft_scope *inner = weft_scope_open(.shield_ms = 60000);
	int deferred = weft_scope_defer([](void *) { (void)!weft_sleep_ms(1); }, nullptr);
	if (rc == 0) rc = deferred;
	if (rc == 0) rc = weft_sleep_ms(1);
	if (rc == 0 && weft_format("%d", 7) == nullptr) rc = WEFT_ENOMEM;
	return weft_scope_close(outer, weft_scope_close(inner, rc));
}

int posts()
{
	weft_handle *handle = weft_handle_current();
	weft_future *future = nullptr;
	int rc = weft_post(handle, nap, nullptr, .worker = 2, .future = &future);
	if (rc == 0) rc = weft_await(future);
	weft_future_unref(future);
	weft_handle_unref(handle);
	return rc == 0 ? weft_call_on(2, nap, nullptr) : rc;
}

int offloads()
{
	auto job = [](void *) { return 0; };
	int rc = weft_offload(job, nullptr);
	return rc == 0 ? weft_offload(job, nullptr) : rc;
}

int drains()
{
	weft_group *group = weft_group_open();
	weft_spawn(group, sleep_long, nullptr, .worker = 2);
	int drained = weft_group_drain(group, 1);
	int rc = weft_group_join(group, 0);
	if (rc == 0 && drained != WEFT_EDEADLINE) rc = drained;
	int asked = weft_drain();
	int waited = weft_drain_wait();
	return rc == WEFT_EDEADLINE ? (asked < 0 ? asked : waited) : rc;
}

int tickers()
{
	weft_ticker *ticker;
	int rc = weft_ticker_open(1, &ticker);
	if (rc != 0) return rc;
	rc = weft_ticker_next(ticker);
	weft_ticker_close(ticker);
	return rc < 0 ? rc : 0;
}

/* A channel between workers, its ends cloned, and the first of several things. */
int exchanges()
{
	static weft_sender *tx;
	weft_receiver *rx;
	weft_sender *other = nullptr;
	int rc = weft_channel_open(int, 1, &tx, &rx, .shared = true);
	if (rc != 0) return rc;
	rc = weft_sender_clone(tx, &other);
	weft_group *group = weft_group_open();
	auto send = [](void *) {
		int item = 7;
		int sent = weft_sender_send(tx, &item);
		return sent == WEFT_ECLOSED ? 0 : sent;
	};
	weft_spawn(group, send, nullptr, .worker = 2);
	int item = 0, got = 0;
	/* Nobody sends when the spawn has failed: the time is up then. */
	int which = rc == 0 ? weft_select(weft_on_next(rx, &item, &got), weft_on_ms(50)) : rc;
	if (which < 0) rc = which;
	weft_receiver_close(rx);
	rc = weft_group_join(group, rc);
	weft_sender_close(other);
	weft_sender_close(tx);
	return rc;
}

int contests()
{
	int numbers[4] = { 1, 2, 3, 4 };
	int rc = weft_gather({ nap, nullptr }, { nap, nullptr });
	if (rc >= 0) rc = weft_race({ nap, nullptr }, { sleep_long, nullptr });
	if (rc >= 0) rc = weft_gather_each(nap, numbers, 4, .at_once = 2);
	if (rc >= 0) rc = weft_race_each(nap, numbers, 4, .stagger_ms = 1);
	return rc < 0 ? rc : 0;
}

int limits()
{
	weft_limiter *limiter;
	int rc = weft_limiter_new(&limiter, .at_once = 1, .per_second = 2000);
	if (rc != 0) return rc;
	auto job = [](void *) { return 0; };
	rc = weft_offload(job, nullptr, .limiter = limiter);
	if (rc == 0) rc = weft_limiter_take(limiter);
	if (rc == 0) {
		rc = weft_sleep_ms(1);
		weft_limiter_give(limiter);
	}
	weft_limiter_free(limiter);
	return rc;
}

int descriptors()
{
	int ends[2];
	if (pipe(ends) != 0) return -errno;
	int rc = weft_fd_wait(ends[1], WEFT_WRITABLE);
	close(ends[0]);
	close(ends[1]);
	weft_scope *scope = weft_scope_open(.timeout_ms = 1);
	rc = weft_scope_close(scope, rc < 0 ? rc : weft_signal_wait(SIGUSR2));
	return rc == WEFT_EDEADLINE ? 0 : rc;
}

/* Whatever was asked for is either done or refused for want of memory. */
void expect_done_or_refused(int rc, long n)
{
	bool fine = rc == 0 || rc == WEFT_ENOMEM || rc == WEFT_ECANCELED || rc == WEFT_EDEADLINE ||
				rc == WEFT_EAGAIN;
	EXPECT_TRUE(fine) << rc << " at " << n;
}

/* What fails is what the program does; that the run itself survives is another test. A sticky
 * failure ends with the program: what was accepted must be able to end. */
void sweep(int (*program)(), failing_allocator_mode mode)
{
	long failed = 1;
	for (long n = 0; failed > 0 && n < 300 && !testing::Test::HasFailure(); n++) {
		EXPECT_EQ(0, run_task([&] {
			failing_allocator_fail_at(n, mode);
			int rc = program();
			failed = failing_allocator_failures();
			failing_allocator_fail_at(-1, mode);
			expect_done_or_refused(rc, n);
			EXPECT_TRUE(failed > 0 || rc == 0) << rc << " though nothing failed";
			return 0;
		})) << "at "
			<< n;
	}
	EXPECT_EQ(0, failed);
}

class OutOfMemory : public testing::TestWithParam<int (*)()>
{
};

TEST_P(OutOfMemory, OnceIsSurvivedAnywhere)
{
	sweep(GetParam(), FAIL_ONCE);
}

/* A post that was accepted waits for memory as long as there is none: it is left out here. */
TEST_P(OutOfMemory, FromSomewhereOnIsSurvived)
{
	if (GetParam() != posts) sweep(GetParam(), FAIL_STICKY);
}

INSTANTIATE_TEST_SUITE_P(Programs, OutOfMemory,
	testing::Values(groups, members, scopes, posts, offloads, drains, tickers, exchanges, contests,
		limits, descriptors));

} // namespace
