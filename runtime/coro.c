/* The switch as the sanitizers and Valgrind must see it. Without them only switch_last is here;
 * the rest is inline in the header.
 *
 * Each of them keeps a notion of "the current stack" that a bare swap would falsify:
 * - AddressSanitizer moves frames to a fake stack per real one. Every departure stores the fake
 *   stack of `from` (or destroys it: the last one), every arrival hands back the own one, the first
 *   arrival with none. What an earlier owner left poisoned on a reused stack is cleared at init.
 * - ThreadSanitizer keeps clocks and a shadow call stack per fiber. The switch synchronizes (flag
 *   0): coroutines of one thread run one after the other, so they cannot race.
 * - Valgrind tells a switch from a huge allocation by knowing the stacks. */
#include "runtime/coro.h"

#include "context/base.h"

#ifdef WF_CORO_ASAN
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WF_CORO_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#ifdef WF_CORO_VALGRIND
#include <valgrind/valgrind.h>
#endif

#ifdef WF_CORO_ANNOTATED

/* `departing_for_good` frees the fake stack of `from` instead of keeping it. */
WF_CORO_UNTRACED static inline void depart(wf_coro *from, wf_coro *to, bool departing_for_good)
{
	(void)from, (void)to, (void)departing_for_good;
#ifdef WF_CORO_ASAN
	__sanitizer_start_switch_fiber(
		departing_for_good ? NULL : &from->fake_stack, to->stack_low, to->stack_size);
#endif
#ifdef WF_CORO_TSAN
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
}

WF_CORO_UNTRACED static inline void arrive(wf_coro *c)
{
	(void)c;
#ifdef WF_CORO_ASAN
	__sanitizer_finish_switch_fiber(c->fake_stack, NULL, NULL);
#endif
}

/* Nothing here may need the fake stack before `arrive`. */
WF_CORO_UNTRACED static void first_frame(void *arg)
{
	wf_coro *c = arg;
	arrive(c);
	c->fn(c->arg);
	wf_assert_failed("a coroutine switches away and never returns", __FILE__, __LINE__, __func__);
}

void wf_coro_init(wf_coro *c, void *stack_low, size_t stack_size, wf_coro_fn *fn, void *arg)
{
	*c = (wf_coro){ .fn = fn, .arg = arg };
#ifdef WF_CORO_ASAN
	__asan_unpoison_memory_region(stack_low, stack_size);
	c->stack_low = stack_low;
	c->stack_size = stack_size;
#endif
#ifdef WF_CORO_TSAN
	c->fiber = __tsan_create_fiber(0);
#endif
#ifdef WF_CORO_VALGRIND
	c->valgrind_stack = VALGRIND_STACK_REGISTER(stack_low, (char *)stack_low + stack_size);
#endif
	c->sp = wf_coro_prepare(stack_low, stack_size, first_frame, c);
}

#ifdef WF_CORO_ASAN
static void find_thread_stack(wf_coro *c)
{
	pthread_attr_t attributes;
	wf_assert(pthread_getattr_np(pthread_self(), &attributes) == 0);
	void *low;
	wf_assert(pthread_attr_getstack(&attributes, &low, &c->stack_size) == 0);
	c->stack_low = low;
	(void)pthread_attr_destroy(&attributes);
}
#endif

void wf_coro_init_thread(wf_coro *c)
{
	*c = (wf_coro){ .is_thread = true };
#ifdef WF_CORO_ASAN
	find_thread_stack(c);
#endif
#ifdef WF_CORO_TSAN
	c->fiber = __tsan_get_current_fiber();
#endif
}

WF_CORO_UNTRACED void wf_coro_switch(wf_coro *from, wf_coro *to)
{
	depart(from, to, false);
	wf_coro_swap(&from->sp, to->sp);
	arrive(from);
}

void wf_coro_fini(wf_coro *c)
{
	if (c->is_thread) {
		c->sp = NULL;
		return;
	}
#ifdef WF_CORO_TSAN
	__tsan_destroy_fiber(c->fiber);
	c->fiber = NULL;
#endif
#ifdef WF_CORO_VALGRIND
	VALGRIND_STACK_DEREGISTER(c->valgrind_stack);
#endif
	c->sp = NULL;
}

#endif

WF_CORO_UNTRACED void wf_coro_switch_last(wf_coro *from, wf_coro *to)
{
#ifdef WF_CORO_ANNOTATED
	depart(from, to, true);
#endif
	wf_coro_swap(&from->sp, to->sp);
	wf_assert_failed(
		"a coroutine is not resumed after its last switch", __FILE__, __LINE__, __func__);
}
