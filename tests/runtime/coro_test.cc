/* The switch itself, run three times: with this machine's assembly, with the portable switch, and
 * (coro_cross_test.c) with the assembly of other machines. */
#include "runtime/coro.h"

#include <gtest/gtest.h>
#include <unwind.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "runtime/coro_machine.h"

/* The two programs must not share the names of their cases. */
#ifdef WF_CORO_PORTABLE
#define Coro          CoroPortable
#define CoroDeathTest CoroPortableDeathTest
#endif

namespace
{

constexpr size_t kStackSize = 256 << 10;

struct Stack {
	Stack() : memory(new char[kStackSize])
	{
	}
	std::unique_ptr<char[]> memory;
};

/* A coroutine that runs `body(this)` and then leaves for good. */
struct Runner {
	using Body = void(Runner &);
	explicit Runner(Body *body_, void *user_ = nullptr) : body(body_), user(user_)
	{
		wf_coro_init_thread(&home);
		wf_coro_init(&coro, stack.memory.get(), kStackSize, enter, this);
	}
	~Runner()
	{
		wf_coro_fini(&coro);
		wf_coro_fini(&home);
	}
	void resume()
	{
		wf_coro_switch(&home, &coro);
	}
	void yield()
	{
		wf_coro_switch(&coro, &home);
	}
	static void enter(void *arg)
	{
		Runner *self = static_cast<Runner *>(arg);
		self->body(*self);
		self->ended = true;
		wf_coro_switch_last(&self->coro, &self->home);
	}
	Stack stack;
	wf_coro coro, home;
	Body *body;
	void *user;
	int steps = 0;
	bool ended = false;
};

TEST(Coro, RunsFromTheFirstSwitchToTheLast)
{
	Runner runner([](Runner &r) {
		r.steps = 1;
		r.yield();
		r.steps = 2;
	});
	EXPECT_EQ(runner.steps, 0);
	runner.resume();
	EXPECT_EQ(runner.steps, 1);
	EXPECT_FALSE(runner.ended);
	runner.resume();
	EXPECT_EQ(runner.steps, 2);
	EXPECT_TRUE(runner.ended);
}

TEST(Coro, MayEndWithoutEverHavingRun)
{
	Runner runner([](Runner &) {});
	EXPECT_FALSE(runner.ended);
}

TEST(Coro, RunsOnTheGivenStackWithTheAlignmentOfTheAbi)
{
	Runner runner([](Runner &r) {
		/* What a compiler may assume of a frame; an aligned vector store would fault otherwise. */
		alignas(16) volatile char local[16] = {};
		local[0] = 1;
		r.steps = static_cast<int>(reinterpret_cast<uintptr_t>(&local[0]) % 16);
		r.user = __builtin_frame_address(0);
	});
	runner.resume();
	EXPECT_EQ(runner.steps, 0);
	EXPECT_GE(static_cast<char *>(runner.user), runner.stack.memory.get());
	EXPECT_LT(static_cast<char *>(runner.user), runner.stack.memory.get() + kStackSize);
	EXPECT_EQ(reinterpret_cast<uintptr_t>(runner.user) % 16, 0u);
}

/* Values that live across a switch are kept in callee-saved registers or in the frame: both must
 * survive what the other side does with them. */
uint64_t churn(Runner &r, uint64_t seed, int rounds, bool resume)
{
	uint64_t a = seed, b = seed * 3, c = seed * 5, d = seed * 7, e = seed * 11, f = seed * 13;
	double x = static_cast<double>(seed), y = x * 2, z = x * 4;
	for (int i = 0; i < rounds; i++) {
		a += b;
		b ^= c;
		c += d;
		d ^= e;
		e += f;
		f ^= a;
		x += y;
		y = z - x;
		z += 1;
		if (resume)
			r.resume();
		else
			r.yield();
	}
	return a + b + c + d + e + f + static_cast<uint64_t>(static_cast<int64_t>(x + y + z));
}

TEST(Coro, KeepsTheRegistersOfBothSides)
{
	static uint64_t inside;
	Runner runner([](Runner &r) { inside = churn(r, 0x1234567, 40, false); });
	uint64_t outside = churn(runner, 0x7654321, 40, true);
	runner.resume();
	ASSERT_TRUE(runner.ended);

	Runner again([](Runner &r) { inside -= churn(r, 0x1234567, 40, false); });
	EXPECT_EQ(outside, churn(again, 0x7654321, 40, true));
	again.resume();
	EXPECT_EQ(inside, 0u);
}

TEST(Coro, ThousandsTakeTurnsInARing)
{
	constexpr int kCount = 2000, kRounds = 5;
	struct Ring {
		std::vector<std::unique_ptr<Runner>> all;
		std::vector<int> order;
	} ring;
	for (int i = 0; i < kCount; i++)
		ring.all.push_back(std::make_unique<Runner>(
			[](Runner &r) {
				for (int round = 0; round < kRounds; round++) {
					r.steps++;
					r.yield();
				}
			},
			&ring));
	for (int round = 1; round <= kRounds; round++)
		for (auto &runner : ring.all) {
			runner->resume();
			ASSERT_EQ(runner->steps, round);
		}
	for (auto &runner : ring.all) {
		runner->resume();
		ASSERT_TRUE(runner->ended);
	}
}

TEST(Coro, SwitchesToOneAnotherWithoutAThreadBetween)
{
	struct Pair {
		wf_coro home, left, right;
		std::vector<int> order;
	} pair;
	Stack left, right;
	wf_coro_init_thread(&pair.home);
	wf_coro_init(
		&pair.left, left.memory.get(), kStackSize,
		[](void *arg) {
			Pair *p = static_cast<Pair *>(arg);
			p->order.push_back(1);
			wf_coro_switch(&p->left, &p->right);
			p->order.push_back(3);
			wf_coro_switch(&p->left, &p->right);
			p->order.push_back(5);
			wf_coro_switch_last(&p->left, &p->home);
		},
		&pair);
	wf_coro_init(
		&pair.right, right.memory.get(), kStackSize,
		[](void *arg) {
			Pair *p = static_cast<Pair *>(arg);
			p->order.push_back(2);
			wf_coro_switch(&p->right, &p->left);
			p->order.push_back(4);
			wf_coro_switch_last(&p->right, &p->left);
		},
		&pair);
	wf_coro_switch(&pair.home, &pair.left);
	wf_coro_fini(&pair.left);
	wf_coro_fini(&pair.right);
	wf_coro_fini(&pair.home);
	EXPECT_EQ(pair.order, (std::vector<int>{ 1, 2, 3, 4, 5 }));
}

TEST(Coro, AStackServesOneCoroutineAfterAnother)
{
	Stack stack;
	struct State {
		wf_coro home, coro;
		int runs;
	} state = {};
	wf_coro_init_thread(&state.home);
	for (int i = 0; i < 1000; i++) {
		wf_coro_init(
			&state.coro, stack.memory.get(), kStackSize,
			[](void *arg) {
				State *s = static_cast<State *>(arg);
				/* Frames with redzones, left behind poisoned by the last switch. */
				volatile char scratch[512];
				memset(const_cast<char *>(scratch), s->runs, sizeof scratch);
				s->runs += scratch[17] == static_cast<char>(s->runs);
				wf_coro_switch_last(&s->coro, &s->home);
			},
			&state);
		wf_coro_switch(&state.home, &state.coro);
		wf_coro_fini(&state.coro);
	}
	EXPECT_EQ(state.runs, 1000);
}

struct Trace {
	std::vector<void *> functions;
	_Unwind_Reason_Code end;
	bool has(void (*function)(Runner &)) const
	{
		for (void *each : functions)
			if (each == reinterpret_cast<void *>(function)) return true;
		return false;
	}
};

/* noinline and not static: so that each keeps a frame. */
__attribute__((noinline)) void take_trace(void *arg)
{
	Trace *trace = static_cast<Trace *>(arg);
	trace->functions.clear();
	trace->end = _Unwind_Backtrace(
		[](_Unwind_Context *context, void *to) {
			auto pc = reinterpret_cast<void *>(_Unwind_GetIP(context) - 1);
			static_cast<Trace *>(to)->functions.push_back(_Unwind_FindEnclosingFunction(pc));
			return _URC_NO_REASON;
		},
		trace);
}

__attribute__((noinline)) void dig_and_trace(Runner &r)
{
	take_trace(r.user);
	r.steps++;
}

TEST(Coro, ATraceEndsWhereTheStackBegins)
{
	Trace trace = {};
	Runner runner(dig_and_trace, &trace);
	runner.resume();
	EXPECT_TRUE(trace.has(dig_and_trace));
	EXPECT_EQ(trace.end, _URC_END_OF_STACK);
	EXPECT_LT(trace.functions.size(), 10u);
}

#ifdef WF_CORO_UCONTEXT
TEST(Coro, AnotherStackCannotBeVisited)
{
	Runner runner([](Runner &r) { r.yield(); });
	runner.resume();
	EXPECT_FALSE(wf_coro_visit(
		&runner.coro, [](void *) { FAIL(); }, nullptr));
	runner.resume();
}
#else
__attribute__((noinline)) void dig_and_sleep(Runner &r)
{
	r.yield();
	r.steps++;
}

TEST(Coro, TheTraceOfASuspendedOneIsTakenFromOutside)
{
	Trace trace = {};
	Runner runner(dig_and_sleep), other(dig_and_sleep);
	runner.resume();
	ASSERT_TRUE(wf_coro_visit(&runner.coro, take_trace, &trace));
	EXPECT_TRUE(trace.has(dig_and_sleep));
	EXPECT_FALSE(trace.has(dig_and_trace));
	EXPECT_EQ(trace.end, _URC_END_OF_STACK);
	EXPECT_LT(trace.functions.size(), 12u);
	runner.resume();
	EXPECT_EQ(runner.steps, 1) << "and it goes on as if nothing had been";
	EXPECT_TRUE(runner.ended);
}

TEST(Coro, OneThatHasNotRunYetHasATraceOfOneFrame)
{
	Trace trace = {};
	Runner runner(dig_and_sleep);
	ASSERT_TRUE(wf_coro_visit(&runner.coro, take_trace, &trace));
	EXPECT_EQ(trace.end, _URC_END_OF_STACK);
	EXPECT_FALSE(trace.has(dig_and_sleep));
	EXPECT_LE(trace.functions.size(), 4u);
}
#endif

TEST(Coro, ExceptionsStayWithinOneStack)
{
	Runner runner([](Runner &r) {
		try {
			r.yield();
			throw 42;
		} catch (int value) {
			r.steps = value;
		}
		r.yield();
	});
	runner.resume();
	try {
		throw 7;
	} catch (int) {
		runner.steps = 0;
	}
	runner.resume();
	EXPECT_EQ(runner.steps, 42);
	runner.resume();
	EXPECT_TRUE(runner.ended);
}

void run_a_function_that_returns()
{
	Stack stack;
	wf_coro home, coro;
	wf_coro_init_thread(&home);
	wf_coro_init(
		&coro, stack.memory.get(), kStackSize, [](void *) {}, nullptr);
	wf_coro_switch(&home, &coro);
}

void resume_one_that_has_ended()
{
	Runner runner([](Runner &) {});
	runner.resume();
	runner.resume();
}

TEST(CoroDeathTest, AReturnFromTheFunctionIsCaught)
{
	EXPECT_DEATH(run_a_function_that_returns(), "");
}

TEST(CoroDeathTest, AnEndedOneCannotBeResumed)
{
	EXPECT_DEATH(resume_one_that_has_ended(), "not resumed after its last switch");
}

} // namespace
