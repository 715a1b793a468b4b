/* A coroutine is a saved stack pointer: this is the switch from one stack to another and nothing
 * else. Who runs next, where stacks come from and what a task is are decided above.
 *
 * A switch saves the registers that the ABI says a call keeps (not the floating-point control
 * words, which would double its price), so to the compiler it is an ordinary call that takes long.
 * Where a sanitizer or Valgrind is built in, the switch tells it which stack is now in use, and
 * only then does the struct carry more than the pointer.
 *
 * Life: init -> switch to and fro -> switch_last out of it -> fini from another stack. A coroutine
 * that was never switched to may go from init to fini.
 *
 * Thread: the whole life of a coroutine is on one thread. */
#ifndef WF_RUNTIME_CORO_H
#define WF_RUNTIME_CORO_H

#include <stdbool.h>
#include <stddef.h>
#include <weft/api.h>

#include "runtime/coro_machine.h"

#if defined(__SANITIZE_ADDRESS__)
#define WF_CORO_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define WF_CORO_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WF_CORO_ASAN 1
#elif __has_feature(thread_sanitizer)
#define WF_CORO_TSAN 1
#endif
#endif
#if defined(WF_CORO_ASAN) || defined(WF_CORO_TSAN) || defined(WF_CORO_VALGRIND)
#define WF_CORO_ANNOTATED 1
#endif

/* A function that swaps enters in one TSan fiber and leaves in another; with the usual calls at its
 * entry and exit it would push and pop the shadow call stacks of two. Clang's no_sanitize leaves
 * those calls in. */
#if !defined(WF_CORO_TSAN)
#define WF_CORO_UNTRACED
#elif defined(__clang__)
#define WF_CORO_UNTRACED __attribute__((disable_sanitizer_instrumentation))
#else
#define WF_CORO_UNTRACED __attribute__((no_sanitize("thread")))
#endif

WEFT_BEGIN

/* Never returns: its last act is wf_coro_switch_last. Returning is caught and aborts. */
typedef void wf_coro_fn(void *arg);

typedef struct wf_coro {
	void *sp; /* where it was suspended; meaningless while it runs */
#ifdef WF_CORO_ANNOTATED
	wf_coro_fn *fn; /* the real entry; the first frame belongs to the annotations */
	void *arg;
	bool is_thread;
#endif
#ifdef WF_CORO_ASAN
	const void *stack_low; /* what ASan takes for the stack while it runs */
	size_t stack_size;
	void *fake_stack; /* ASan's shadow frames while it does not run */
#endif
#ifdef WF_CORO_TSAN
	void *fiber;
#endif
#ifdef WF_CORO_VALGRIND
	unsigned valgrind_stack;
#endif
} wf_coro;

/* The machine's part: coro_x86_64.S, coro_aarch64.S or coro_portable.c. */

/* Lays out a first frame at the top of the stack; the answer is the sp to swap to. */
void *wf_coro_prepare(void *stack_low, size_t stack_size, wf_coro_fn *fn, void *arg);
/* Saves the caller into *save and continues whoever was saved as `load`. */
void wf_coro_swap(void **save, void *load);
/* Calls fn(arg) on top of the stack suspended at `sp`, as if the suspended frame had called it,
 * and comes back. false, and nothing called, where the machine's part cannot do it (portable). */
bool wf_coro_visit_sp(void *sp, void (*fn)(void *arg), void *arg);

/* Makes `c` ready to run fn(arg) from the first switch to it. The stack stays the caller's; it
 * must hold at least WF_CORO_STACK_MIN bytes and may be freed after fini. Costs a few stores. */
#define WF_CORO_STACK_MIN 4096
#ifdef WF_CORO_ANNOTATED
void wf_coro_init(wf_coro *c, void *stack_low, size_t stack_size, wf_coro_fn *fn, void *arg);
#else
static inline void wf_coro_init(
	wf_coro *c, void *stack_low, size_t stack_size, wf_coro_fn *fn, void *arg)
{
	c->sp = wf_coro_prepare(stack_low, stack_size, fn, arg);
}
#endif

/* Where there is this, a coroutine can also end by returning whom to continue, instead of by
 * wf_coro_switch_last. That spares whoever is continued a miss of the return predictor for each
 * function it is to return from: spawn and join in half the time. */
#if defined(WF_CORO_X86_64) && !defined(WF_CORO_ANNOTATED)
#define WF_CORO_ENDING 1
/* The sp of whom to continue, which must not be the coroutine itself. */
typedef void *wf_coro_ending_fn(void *arg);
void *wf_coro_prepare_ending(void *stack_low, size_t stack_size, wf_coro_ending_fn *fn, void *arg);

static inline void wf_coro_init_ending(
	wf_coro *c, void *stack_low, size_t stack_size, wf_coro_ending_fn *fn, void *arg)
{
	c->sp = wf_coro_prepare_ending(stack_low, stack_size, fn, arg);
}
#endif

/* The running thread's own stack becomes a coroutine that others can switch back to. */
#ifdef WF_CORO_ANNOTATED
void wf_coro_init_thread(wf_coro *c);
#else
static inline void wf_coro_init_thread(wf_coro *c)
{
	c->sp = NULL;
}
#endif

/* Suspends `from`, which must be the one that runs, and continues `to`. Returns when somebody
 * switches back to `from`. As the last statement of a function it becomes a jump, which spares
 * the return predictor one miss. */
#ifdef WF_CORO_ANNOTATED
void wf_coro_switch(wf_coro *from, wf_coro *to);
#else
static inline void wf_coro_switch(wf_coro *from, wf_coro *to)
{
	wf_coro_swap(&from->sp, to->sp);
}
#endif

/* For a coroutine that comes two switches later: fetches where it was suspended. With 10,000 taking
 * turns that makes a switch four times as fast, since their stacks do not fit into the caches. */
static inline void wf_coro_prefetch(const wf_coro *c)
{
	__builtin_prefetch(c->sp);
}

/* Continues `to` for good: `from` will never be resumed. Its stack must stay until fini. */
void wf_coro_switch_last(wf_coro *from, wf_coro *to) __attribute__((noreturn));

/* Releases what the sanitizers keep. Called on another stack, after switch_last or instead of the
 * first switch; for a thread's coroutine, on its thread. `c` holds nothing afterwards. */
#ifdef WF_CORO_ANNOTATED
void wf_coro_fini(wf_coro *c);
#else
static inline void wf_coro_fini(wf_coro *c)
{
	c->sp = NULL;
}
#endif

/* Calls fn(arg) on the stack of `c`, suspended on this thread, so that an unwinder started in fn
 * walks the frames of `c`: that is how a stack trace of a suspended task is taken. fn must not
 * switch. It needs room below the suspended frame; wf_coro_sp tells how much there is. Returns
 * false, without a call, on machines with the portable switch. */
static inline bool wf_coro_visit(wf_coro *c, void (*fn)(void *arg), void *arg)
{
	return wf_coro_visit_sp(c->sp, fn, arg);
}

static inline const void *wf_coro_sp(const wf_coro *c)
{
	return c->sp;
}

WEFT_END
#endif
