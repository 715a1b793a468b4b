#include <gtest/gtest.h>

#include <weft/error.h>
#include <weft/group.h>
#include <weft/post.h>
#include <weft/scope.h>
#include <weft/timer.h>

#include <atomic>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/runtime/support.h"
#include "tests/runtime/tasks.h"

namespace
{

int add_one(void *arg)
{
	static_cast<std::atomic<int> *>(arg)->fetch_add(1);
	return 0;
}

int sleep_long(void *arg)
{
	(void)arg;
	return weft_sleep_ms(3600000);
}

int fail_with(void *arg)
{
	return *static_cast<int *>(arg);
}

TEST(Group, JoinsEveryChildOnEveryWorker)
{
	std::atomic<int> count{ 0 };
	EXPECT_EQ(0, run_task([&] {
		weft_group *group = weft_group_open();
		for (int i = 0; i < 100; i++) weft_spawn(group, add_one, &count);
		for (int i = 0; i < 100; i++) weft_spawn(group, add_one, &count, .worker = 2);
		weft_spawn(group, add_one, &count, .worker = WEFT_EACH);
		for (int i = 0; i < 100; i++) weft_spawn(group, add_one, &count, .worker = WEFT_ANYWHERE);
		return weft_group_join(group, 0);
	}));
	EXPECT_EQ(302, count);
}

TEST(Group, FirstFailureCancelsTheOthersAndIsReturned)
{
	static int code = -71;
	for (int worker : { 1, 2 }) {
		EXPECT_EQ(-71, run_task([&] {
			weft_group *group = weft_group_open();
			for (int i = 1; i <= 2; i++) weft_spawn(group, sleep_long, nullptr, .worker = i);
			weft_spawn(group, fail_with, &code, .worker = worker);
			return weft_group_join(group, 0);
		})) << "failed on worker "
			<< worker;
	}
}

TEST(Group, FailedBodyCancelsTheChildren)
{
	EXPECT_EQ(-5, run_task([&] {
		weft_group *group = weft_group_open();
		weft_spawn(group, sleep_long, nullptr);
		weft_spawn(group, sleep_long, nullptr, .worker = 2);
		return weft_group_join(group, -5);
	}));
}

TEST(Group, KeepsEveryFailureWithItsPlace)
{
	static int codes[] = { -3, -4, -5 };
	EXPECT_EQ(0, run_task([&] {
		weft_group *group = weft_group_open(.keep_going = true);
		for (int &code : codes) weft_spawn(group, fail_with, &code, .name = "failing", .worker = 2);
		weft_task *done;
		weft_spawn(group, sleep_long, nullptr, .service = true);
		weft_failure list[8];
		while (weft_group_failures(group, list, 8) < 3) EXPECT_EQ(0, weft_sleep_ms(1));
		for (int i = 0; i < 3; i++) {
			EXPECT_EQ(codes[i], list[i].code);
			EXPECT_EQ(2, list[i].worker);
			EXPECT_STREQ("failing", list[i].name);
			EXPECT_NE(nullptr, std::strstr(list[i].site, "group_test.cc:"));
		}
		for (int code : codes) {
			EXPECT_EQ(1, weft_group_next(group, &done));
			EXPECT_EQ(code, weft_task_result(done));
		}
		EXPECT_EQ(0u, weft_group_failures(group, list, 8)) << "next has shown them";
		EXPECT_EQ(0, weft_group_next(group, &done)) << "only the service is left";
		return weft_group_join(group, 0);
	}));
}

TEST(Group, NextGivesChildrenAsTheyComplete)
{
	EXPECT_EQ(0, run_task([&] {
		static int ms[] = { 30, 1, 15 };
		weft_group *group = weft_group_open();
		for (int &m : ms)
			weft_spawn(
				group, [](void *arg) { return weft_sleep_ms(*static_cast<int *>(arg)); }, &m);
		std::vector<int> seen;
		weft_task *done;
		int rc;
		while ((rc = weft_group_next(group, &done)) > 0)
			seen.push_back(*static_cast<int *>(weft_task_arg(done)));
		EXPECT_EQ(0, rc);
		EXPECT_EQ((std::vector<int>{ 1, 15, 30 }), seen);
		return weft_group_join(group, 0);
	}));
}

TEST(Group, DeadlineCancelsItsChildrenAndSaysSo)
{
	EXPECT_EQ(WEFT_EDEADLINE, run_task([&] {
		weft_group *group = weft_group_open(.timeout_ms = 5);
		weft_spawn(group, sleep_long, nullptr);
		weft_spawn(group, sleep_long, nullptr, .worker = 2);
		return weft_group_join(group, 0);
	}));
}

TEST(Group, CancelOfTheOpenersScopeReachesChildrenOnOtherWorkers)
{
	EXPECT_EQ(0, run_task([&] {
		weft_scope *scope = weft_scope_open(.timeout_ms = 5);
		weft_group *group = weft_group_open();
		weft_spawn(group, sleep_long, nullptr, .worker = 2);
		int rc = weft_group_join(group, 0);
		EXPECT_EQ(0, rc) << "a cancel from outside is no failure of the group";
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, weft_yield()));
		return 0;
	}));
}

/* Members spawn where they run, never through the home. */
struct Tree {
	weft_group *group;
	std::atomic<int> ran{ 0 };
};

int grow_tree(void *arg)
{
	auto *tree = static_cast<Tree *>(arg);
	int left = 400 - tree->ran.fetch_add(1);
	if (left <= 0) return 0;
	weft_spawn(tree->group, grow_tree, tree);
	if (left % 5 == 0) weft_spawn(tree->group, grow_tree, tree, .worker = 1 + left % 2);
	return left % 3 == 0 ? weft_yield() : 0;
}

TEST(Group, MembersMaySpawnFromAnyWorker)
{
	for (int i = 0; i < 20; i++) {
		Tree tree;
		EXPECT_EQ(0, run_task([&] {
			tree.group = weft_group_open();
			weft_spawn(tree.group, grow_tree, &tree, .worker = 2);
			weft_spawn(tree.group, grow_tree, &tree);
			return weft_group_join(tree.group, 0);
		}));
		EXPECT_GE(tree.ran, 400);
	}
}

TEST(Group, ReleaseRunsOnceWhateverBecomesOfTheChild)
{
	static std::atomic<int> released;
	released = 0;
	auto release = [](void *) { released++; };
	EXPECT_EQ(0, run_task([&] {
		weft_task *done;
		weft_group *group = weft_group_open();
		std::atomic<int> count{ 0 };
		weft_spawn(group, add_one, &count, .release = release);
		EXPECT_EQ(1, weft_group_next(group, &done));
		EXPECT_EQ(0, released) << "the child that next gave is still readable";
		weft_spawn(group, add_one, &count, .worker = 2, .release = release);
		weft_spawn(group, add_one, &count, .forget = true, .release = release);
		weft_spawn(group, add_one, &count, .worker = 2, .forget = true, .release = release);
		int rc = weft_group_join(group, 0);
		EXPECT_EQ(4, released);
		return rc;
	}));
}

TEST(Group, SpawnWithoutMemoryFailsTheGroupAndReleases)
{
	static int released;
	released = 0;
	EXPECT_EQ(0, run_task([&] {
		weft_group *group = weft_group_open();
		std::atomic<int> count{ 0 };
		fail_allocations(true);
		int rc = 0;
		int spawned = 0;
		while (rc == 0 && spawned++ < 10000)
			rc = weft_spawn(
				group, add_one, &count, .release = [](void *) { released++; });
		fail_allocations(false);
		EXPECT_EQ(WEFT_ENOMEM, rc);
		EXPECT_EQ(WEFT_ENOMEM, weft_group_join(group, 0));
		EXPECT_EQ(spawned, released);
		return 0;
	}));
}

TEST(Group, WithoutMemoryEverySpawnFailsAndJoinSaysSo)
{
	EXPECT_EQ(0, run_task([&] {
		fail_allocations(true);
		weft_group *group = weft_group_open();
		fail_allocations(false);
		EXPECT_EQ(WEFT_ENOMEM, weft_spawn(group, sleep_long, nullptr));
		EXPECT_EQ(WEFT_ENOMEM, weft_group_join(group, 0));
		return 0;
	}));
}

TEST(Group, AtOnceHoldsTheSpawnerBack)
{
	static int running, most;
	running = most = 0;
	EXPECT_EQ(0, run_task([&] {
		weft_group *group = weft_group_open(.at_once = 3);
		for (int i = 0; i < 20; i++) {
			int rc = weft_spawn(
				group,
				[](void *) {
					most = std::max(most, ++running);
					int slept = weft_sleep_ms(1);
					running--;
					return slept;
				},
				nullptr);
			EXPECT_EQ(0, rc);
		}
		return weft_group_join(group, 0);
	}));
	EXPECT_EQ(3, most);
}

TEST(Group, ServicesEndWithTheLastOrdinaryChild)
{
	for (int worker : { 1, 2 }) {
		EXPECT_EQ(0, run_task([&] {
			weft_group *group = weft_group_open();
			weft_spawn(group, sleep_long, nullptr, .worker = worker, .service = true);
			weft_spawn(
				group, [](void *) { return weft_sleep_ms(2); }, nullptr, .worker = 3 - worker);
			return weft_group_join(group, 0);
		}));
	}
}

int until_draining(void *arg)
{
	int rc = weft_drain_wait();
	if (rc == 0) static_cast<std::atomic<int> *>(arg)->fetch_add(1);
	return rc;
}

TEST(Group, DrainAsksFirstAndCancelsAfterwards)
{
	std::atomic<int> drained{ 0 };
	EXPECT_EQ(0, run_task([&] {
		weft_group *group = weft_group_open();
		weft_spawn(group, until_draining, &drained, .worker = WEFT_EACH);
		EXPECT_EQ(0, weft_yield());
		EXPECT_EQ(0, weft_group_drain(group, 60000));
		EXPECT_EQ(2, drained);
		EXPECT_EQ(0, weft_group_join(group, 0));

		group = weft_group_open();
		weft_spawn(group, sleep_long, nullptr, .worker = WEFT_EACH);
		EXPECT_EQ(WEFT_EDEADLINE, weft_group_drain(group, 5));
		return weft_group_join(group, 0) == WEFT_EDEADLINE ? 0 : -1;
	}));
}

TEST(Group, CancelsOneChildOnAnotherWorker)
{
	EXPECT_EQ(0, run_task([&] {
		std::vector<weft_task *> tasks;
		weft_group *group = weft_group_open();
		static weft_task *first;
		first = nullptr;
		weft_spawn(
			group,
			[](void *) {
				first = weft_task_current();
				return weft_sleep_ms(3600000);
			},
			nullptr, .worker = 2);
		weft_task *done;
		EXPECT_EQ(0, weft_call_on(
						 2, [](void *) { return 0; }, nullptr));
		while (__atomic_load_n(&first, __ATOMIC_ACQUIRE) == nullptr) EXPECT_EQ(0, weft_sleep_ms(1));
		weft_task_cancel(first);
		EXPECT_EQ(1, weft_group_next(group, &done));
		EXPECT_EQ(WEFT_ECANCELED, weft_task_result(done));
		return weft_group_join(group, 0);
	}));
}

TEST(CallOn, ReturnsWhatTheFunctionReturnedThoughItWasCancelled)
{
	EXPECT_EQ(7, run_task([] {
		weft_scope *scope = weft_scope_open(.timeout_ms = 1);
		int rc = weft_call_on(
			2, [](void *) { return weft_sleep_ms(3600000) == WEFT_ECANCELED ? 7 : 0; }, nullptr);
		return weft_scope_close(scope, rc);
	}));
}

/* Promise: A task that was cancelled before it began still runs. */
TEST(Task, CancelledBeforeItsFirstRunStillRunsItsBody)
{
	static bool ran;
	static int first;
	ran = false;
	EXPECT_EQ(0, run_task([&] {
		weft_group *group = weft_group_open();
		weft_spawn(
			group,
			[](void *) {
				ran = true;
				first = weft_yield();
				return first;
			},
			nullptr);
		weft_group_cancel(group);
		return weft_group_join(group, 0);
	}));
	EXPECT_TRUE(ran);
	EXPECT_EQ(WEFT_ECANCELED, first);
}

TEST(Task, ArenaLivesAsLongAsTheTask)
{
	EXPECT_EQ(0, run_task([&] {
		std::vector<char *> texts;
		for (int i = 0; i < 3000; i++) texts.push_back(weft_format("text %d", i));
		for (int i = 0; i < 3000; i++) EXPECT_EQ("text " + std::to_string(i), texts[i]);
		char *large = static_cast<char *>(weft_alloc(1 << 20));
		std::memset(large, 1, 1 << 20);
		return 0;
	}));
}

TEST(Task, ReturningWithAGroupOpenIsCaught)
{
	EXPECT_DEATH((void)run_task([&] {
		weft_group_open();
		return 0;
	}),
		"open_groups == 0");
}

/* Promise: No orphans. Random trees over two workers, with failures and cancels. */
struct Random {
	std::mt19937 engine;
	std::atomic<int> live{ 0 };
};

struct Node {
	Random *random;
	int depth;
	unsigned seed;
};

int random_tree(void *arg)
{
	Node node = *static_cast<Node *>(arg);
	std::mt19937 random(node.seed);
	node.random->live++;
	int rc = 0;
	weft_group *group = weft_group_open(.keep_going = random() % 2 == 0);
	Node children[5];
	for (int i = 0; i < 5 && node.depth > 0 && random() % 3 != 0; i++) {
		children[i] = { node.random, node.depth - 1, static_cast<unsigned>(random()) };
		weft_spawn(group, random_tree, &children[i], .worker = 1 + static_cast<int>(random() % 2));
	}
	switch (random() % 8) {
	case 0:
		weft_group_cancel(group);
		break;
	case 1:
		rc = -33;
		break;
	case 2:
		rc = weft_sleep_ms(1);
		break;
	case 3:
		rc = weft_yield();
		break;
	default:
		break;
	}
	rc = weft_group_join(group, rc);
	node.random->live--;
	return rc;
}

TEST(Group, LeavesNoOrphansInRandomTrees)
{
	Random random;
	EXPECT_EQ(0, run_task([&] {
		for (unsigned seed = 1; seed <= 300; seed++) {
			Node root{ &random, 5, seed };
			int rc = random_tree(&root);
			EXPECT_TRUE(rc == 0 || rc == -33 || rc == WEFT_ECANCELED) << rc;
			EXPECT_EQ(0, random.live) << "seed " << seed;
		}
		return 0;
	}));
}

/* A worker to which the group has sent nothing yet. */
TEST(Group, RemembersASpawnThatFailedWhereItHasNoPart)
{
	EXPECT_EQ(0, run_task([] {
		static weft_group *group;
		for (bool keep_going : { false, true }) {
			group = weft_group_open(.keep_going = keep_going);
			int waiter_got = 1;
			weft_event go{};
			std::function<int()> waiter = [&] { return waiter_got = weft_event_wait(&go); };
			EXPECT_EQ(0, weft_spawn(group, call_function, &waiter));
			auto spawn_badly = [](void *) {
				auto nothing = [](void *) { return 0; };
				for (int i = 0; i < 3; i++)
					EXPECT_EQ(WEFT_EINVAL, weft_spawn(group, nothing, nullptr, .worker = 99));
				return 0;
			};
			EXPECT_EQ(0, weft_call_on(2, spawn_badly, nullptr));
			weft_event_set(&go); /* the failure came before the end of the call */
			EXPECT_EQ(WEFT_EINVAL, weft_group_join(group, 0));
			EXPECT_EQ(keep_going ? 0 : WEFT_ECANCELED, waiter_got);
		}
		return 0;
	}));
}

/* Whoever comes when a place is free, but promised, stands behind the one it is promised to. */
TEST(Group, GivesAFreePlaceToWhoHasWaitedLongest)
{
	EXPECT_EQ(0, run_task([] {
		std::string order;
		weft_event go{};
		weft_group *limited = weft_group_open(.at_once = 1);
		auto say = [&](const char *what) {
			return [&order, what] {
				order += what;
				return 0;
			};
		};
		std::function<int()> hold = [&] { return weft_event_wait(&go); };
		std::function<int()> a = say("a"), b = say("b"), late = say("l");
		EXPECT_EQ(0, weft_spawn(limited, call_function, &hold));
		Tasks spawners;
		spawners.Spawn([&] { return weft_spawn(limited, call_function, &a); });
		spawners.Spawn([&] { return weft_spawn(limited, call_function, &b); });
		EXPECT_EQ(0, weft_yield());
		weft_event_set(&go);
		EXPECT_EQ(0, weft_yield()); /* the holder ends; those who wait have not run yet */
		EXPECT_EQ(0, weft_spawn(limited, call_function, &late));
		EXPECT_EQ(0, spawners.Join());
		EXPECT_EQ(0, weft_group_join(limited, 0));
		EXPECT_EQ("abl", order);
		return 0;
	}));
}

TEST(Group, GivesThePlaceOfOneThatWasCancelledToTheNext)
{
	EXPECT_EQ(0, run_task([] {
		std::string order;
		weft_event go{};
		Cancellable first;
		weft_group *limited = weft_group_open(.at_once = 1, .keep_going = true);
		std::function<int()> hold = [&] { return weft_event_wait(&go); };
		std::function<int()> a = [&] { return order += "a", 0; };
		std::function<int()> b = [&] { return order += "b", 0; };
		EXPECT_EQ(0, weft_spawn(limited, call_function, &hold));
		Tasks spawners;
		int first_got = 0;
		spawners.Spawn(
			[&] { first_got = first.Run([&] { return weft_spawn(limited, call_function, &a); }); });
		spawners.Spawn([&] { return weft_spawn(limited, call_function, &b); });
		EXPECT_EQ(0, weft_yield());
		first.Cancel();
		weft_event_set(&go);
		EXPECT_EQ(0, spawners.Join());
		EXPECT_EQ(WEFT_ECANCELED, first_got);
		EXPECT_EQ(WEFT_ECANCELED, weft_group_join(limited, 0)) << "that spawn's";
		EXPECT_EQ("b", order);
		return 0;
	}));
}

} // namespace
