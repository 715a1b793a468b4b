/* Children that run at once: weft_spawn(…, .direct = true). */
#include <gtest/gtest.h>

#include <weft/context.h>
#include <weft/error.h>
#include <weft/group.h>
#include <weft/post.h>
#include <weft/scope.h>
#include <weft/sync.h>
#include <weft/timer.h>

#include <string>

#include "tests/runtime/support.h"
#include "tests/runtime/tasks.h"

namespace
{

/* Each says when it runs. */
struct Log {
	std::string text;
};

struct Child {
	Log *log;
	const char *says;
	std::function<int()> then = [] { return 0; };
};

int speak(void *arg)
{
	auto *child = static_cast<Child *>(arg);
	child->log->text += child->says;
	return child->then();
}

int spawn_direct(weft_group *group, Child *child)
{
	return weft_spawn(group, speak, child, .direct = true);
}

TEST(Direct, RunsToItsEndBeforeTheSpawnReturns)
{
	EXPECT_EQ(0, run_task([] {
		Log log;
		weft_group *group = weft_group_open();
		Child ready{ &log, "r" }, child{ &log, "c" };
		EXPECT_EQ(0, weft_spawn(group, speak, &ready));
		EXPECT_EQ(0, spawn_direct(group, &child));
		EXPECT_EQ("c", log.text) << "and before what is ready";
		weft_task *ended;
		EXPECT_EQ(1, weft_group_next(group, &ended));
		EXPECT_EQ(&child, weft_task_arg(ended));
		EXPECT_EQ(0, weft_group_join(group, 0));
		EXPECT_EQ("cr", log.text);
		return 0;
	}));
}

TEST(Direct, ComesBackFirstWhenTheChildWaits)
{
	EXPECT_EQ(0, run_task([] {
		Log log;
		weft_event go{};
		weft_group *group = weft_group_open();
		Child ready{ &log, "r" };
		Child child{ &log, "c", [&] {
						int rc = weft_event_wait(&go);
						log.text += "d";
						return rc;
					} };
		EXPECT_EQ(0, weft_spawn(group, speak, &ready));
		EXPECT_EQ(0, spawn_direct(group, &child));
		EXPECT_EQ("c", log.text);
		weft_event_set(&go);
		EXPECT_EQ(0, weft_group_join(group, 0));
		EXPECT_EQ("crd", log.text);
		return 0;
	}));
}

TEST(Direct, ComesBackFirstWhenTheChildYields)
{
	EXPECT_EQ(0, run_task([] {
		Log log;
		weft_group *group = weft_group_open();
		Child ready{ &log, "r" };
		Child child{ &log, "c", [&] {
						int rc = weft_yield();
						log.text += "d";
						return rc;
					} };
		EXPECT_EQ(0, weft_spawn(group, speak, &ready));
		EXPECT_EQ(0, spawn_direct(group, &child));
		log.text += "s";
		EXPECT_EQ(0, weft_group_join(group, 0));
		EXPECT_EQ("csrd", log.text);
		return 0;
	}));
}

TEST(Direct, NestsAndUnwindsInnermostFirst)
{
	EXPECT_EQ(0, run_task([] {
		Log log;
		weft_event go{};
		weft_group *group = weft_group_open();
		Child third{ &log, "3", [&] { return weft_event_wait(&go); } };
		Child second{ &log, "2", [&] {
						 EXPECT_EQ(0, spawn_direct(group, &third));
						 log.text += "b";
						 return weft_event_wait(&go);
					 } };
		Child first{ &log, "1", [&] {
						EXPECT_EQ(0, spawn_direct(group, &second));
						log.text += "a";
						return 0;
					} };
		EXPECT_EQ(0, spawn_direct(group, &first));
		EXPECT_EQ("123ba", log.text);
		weft_event_set(&go);
		return weft_group_join(group, 0);
	}));
}

TEST(Direct, InheritsTheContextAndLeavesTheSpawnersAsItWas)
{
	static weft_key key{};
	static int mine, its;
	EXPECT_EQ(0, run_task([] {
		weft_scope *scope = weft_scope_open();
		EXPECT_EQ(0, weft_scope_set(&key, &mine));
		weft_group *group = weft_group_open();
		Log log;
		Child child{ &log, "", [] {
						EXPECT_EQ(&mine, weft_context_get(&key));
						weft_scope *inner = weft_scope_open();
						EXPECT_EQ(0, weft_scope_set(&key, &its));
						int rc = weft_yield();
						EXPECT_EQ(&its, weft_context_get(&key));
						return weft_scope_close(inner, rc);
					} };
		EXPECT_EQ(0, spawn_direct(group, &child));
		EXPECT_EQ(&mine, weft_context_get(&key));
		return weft_scope_close(scope, weft_group_join(group, 0));
	}));
}

TEST(Direct, ChildThatFailsAtOnceIsTheGroupsFailureNotTheSpawns)
{
	EXPECT_EQ(-77, run_task([] {
		Log log;
		weft_group *group = weft_group_open();
		int sibling_got = 0;
		Child sibling{ &log, "s", [&] { return sibling_got = weft_sleep_ms(3600000); } };
		Child child{ &log, "c", [] { return -77; } };
		EXPECT_EQ(0, spawn_direct(group, &sibling));
		EXPECT_EQ(0, spawn_direct(group, &child));
		weft_failure failure;
		EXPECT_EQ(1u, weft_group_failures(group, &failure, 1));
		EXPECT_EQ(-77, failure.code);
		int rc = weft_group_join(group, 0);
		EXPECT_EQ(WEFT_ECANCELED, sibling_got);
		return rc;
	}));
}

TEST(Direct, StartsCancelledInACancelledGroup)
{
	EXPECT_EQ(0, run_task([] {
		Log log;
		weft_group *group = weft_group_open();
		weft_group_cancel(group);
		Child child{ &log, "c", [] {
						EXPECT_EQ(WEFT_ECANCELED, weft_yield());
						return WEFT_ECANCELED;
					} };
		EXPECT_EQ(0, spawn_direct(group, &child));
		EXPECT_EQ("c", log.text);
		return weft_group_join(group, 0);
	}));
}

/* The spawner is neither parked nor in a wait then: the level must find it all the same. */
TEST(Direct, ChildMayCancelTheSpawnerThatWaitsForIt)
{
	EXPECT_EQ(0, run_task([] {
		Log log;
		Cancellable stretch;
		weft_group *group = weft_group_open();
		Child child{ &log, "c", [&] {
						stretch.Cancel();
						return 0;
					} };
		EXPECT_EQ(WEFT_ECANCELED, stretch.Run([&] {
			EXPECT_EQ(0, spawn_direct(group, &child)) << "it did happen";
			return weft_sleep_ms(3600000);
		}));
		return weft_group_join(group, 0);
	}));
}

int releases;

void count_release(void *arg)
{
	(void)arg;
	releases++;
}

TEST(Direct, IsRefusedForAnotherWorker)
{
	EXPECT_EQ(WEFT_EINVAL, run_task([] {
		Log log;
		Child child{ &log, "c" };
		weft_group *group = weft_group_open();
		releases = 0;
		for (int worker : { 2, static_cast<int>(WEFT_ANYWHERE), static_cast<int>(WEFT_EACH) }) {
			EXPECT_EQ(WEFT_EINVAL, weft_spawn(group, speak, &child, .worker = worker,
									   .direct = true, .release = count_release));
		}
		EXPECT_EQ(3, releases);
		EXPECT_EQ(0, weft_spawn(group, speak, &child, .worker = 1, .direct = true));
		EXPECT_EQ("c", log.text) << "its own, by number";
		return weft_group_join(group, 0);
	}));
}

TEST(Direct, RunsOnAnotherWorkerForWhoIsThere)
{
	EXPECT_EQ(0, run_task([] {
		Log log;
		weft_group *group = weft_group_open();
		Child inner{ &log, "i", [] {
						EXPECT_EQ(2, weft_worker_id());
						return weft_yield();
					} };
		Child outer{ &log, "o", [&] {
						EXPECT_EQ(2, weft_worker_id());
						EXPECT_EQ(0, spawn_direct(group, &inner));
						EXPECT_EQ("oi", log.text);
						EXPECT_EQ(WEFT_EINVAL,
							weft_spawn(group, speak, &inner, .worker = 1, .direct = true));
						return 0;
					} };
		EXPECT_EQ(0, weft_spawn(group, speak, &outer, .worker = 2));
		int rc = weft_group_join(group, 0);
		EXPECT_EQ(WEFT_EINVAL, rc) << "the one refused";
		return 0;
	}));
}

TEST(Direct, IsRefusedWhereTheGroupHasNoPart)
{
	EXPECT_EQ(0, run_task([] {
		static weft_group *group;
		static Log log;
		static Child child{ &log, "c" };
		group = weft_group_open();
		EXPECT_EQ(0, weft_call_on(
						 2,
						 [](void *) {
							 EXPECT_EQ(WEFT_ENOTSUP, spawn_direct(group, &child));
							 return 0;
						 },
						 nullptr));
		EXPECT_EQ("", log.text);
		EXPECT_EQ(WEFT_ENOTSUP, weft_group_join(group, 0));
		return 0;
	}));
}

TEST(Direct, IsRefusedWhenItsWorkerIsFull)
{
	weft_run_options options{};
	options.size = sizeof options;
	options.workers = 1;
	options.tasks = 2;
	options.keep_signals = true;
	EXPECT_EQ(WEFT_EFULL, run_task_with(options, [] {
		Log log;
		weft_event go{};
		weft_group *group = weft_group_open(.keep_going = true);
		Child first{ &log, "1", [&] { return weft_event_wait(&go); } }, second{ &log, "2" };
		EXPECT_EQ(0, spawn_direct(group, &first));
		EXPECT_EQ(WEFT_EFULL, spawn_direct(group, &second));
		EXPECT_EQ("1", log.text);
		weft_event_set(&go);
		EXPECT_EQ(0, weft_yield());
		EXPECT_EQ(0, spawn_direct(group, &second));
		EXPECT_EQ("12", log.text);
		return weft_group_join(group, 0);
	}));
}

TEST(Direct, IsRefusedWithoutMemory)
{
	EXPECT_EQ(WEFT_ENOMEM, run_task([] {
		Log log;
		Child child{ &log, "c" };
		weft_group *group = weft_group_open();
		fail_allocations(true);
		int rc = 0;
		/* Until the worker's first slab is used up. */
		weft_event never{};
		Child waits{ &log, "", [&] { return weft_event_wait(&never); } };
		while (rc == 0) rc = spawn_direct(group, &waits);
		EXPECT_EQ(WEFT_ENOMEM, rc);
		EXPECT_EQ(WEFT_ENOMEM, spawn_direct(group, &child));
		fail_allocations(false);
		EXPECT_EQ("", log.text);
		return weft_group_join(group, 0);
	}));
}

TEST(Direct, ManyInARowLetOthersRun)
{
	EXPECT_EQ(0, run_task([] {
		Log log;
		bool other_ran = false;
		weft_group *group = weft_group_open();
		Child other{ &log, "", [&] {
						other_ran = true;
						return 0;
					} };
		Child child{ &log, "" };
		EXPECT_EQ(0, weft_spawn(group, speak, &other));
		while (!other_ran)
			EXPECT_EQ(0, weft_spawn(group, speak, &child, .forget = true, .direct = true));
		return weft_group_join(group, 0);
	}));
}

} // namespace
