/* The switch for machines without an assembly file, by ucontext. Each swap costs two system calls
 * (the signal mask), so this is for getting started on a machine, not for serving.
 *
 * The saved sp points to a ucontext_t on the suspended stack itself: at the top of a stack that
 * has not run yet, in the frame of wf_coro_swap afterwards. So a coroutine is one pointer here
 * too, and a thread's own stack needs no storage. */
#include "runtime/coro_machine.h"

#ifdef WF_CORO_UCONTEXT

#include <stdint.h>
#include <ucontext.h>

#include "context/base.h"
#include "runtime/coro.h"

struct first_frame {
	ucontext_t context; /* first: sp points to it */
	wf_coro_fn *fn;
	void *arg;
};

/* makecontext passes ints: the pointer comes in two halves. */
WF_CORO_UNTRACED static void enter(unsigned high, unsigned low)
{
	const struct first_frame *first = (void *)(((uintptr_t)high << 16 << 16) | (uintptr_t)low);
	first->fn(first->arg);
	wf_assert_failed("a coroutine switches away and never returns", __FILE__, __LINE__, __func__);
}

WF_CORO_UNTRACED void *wf_coro_prepare(
	void *stack_low, size_t stack_size, wf_coro_fn *fn, void *arg)
{
	uintptr_t top = (uintptr_t)stack_low + stack_size - sizeof(struct first_frame);
	struct first_frame *first = (void *)(top & ~(uintptr_t)63);
	wf_assert(getcontext(&first->context) == 0);
	first->fn = fn;
	first->arg = arg;
	first->context.uc_link = NULL;
	first->context.uc_stack.ss_sp = stack_low;
	first->context.uc_stack.ss_size = (size_t)((char *)first - (char *)stack_low);
	first->context.uc_stack.ss_flags = 0;
	uintptr_t self = (uintptr_t)first;
	makecontext(
		&first->context, (void (*)(void))enter, 2, (unsigned)(self >> 16 >> 16), (unsigned)self);
	return first;
}

WF_CORO_UNTRACED void wf_coro_swap(void **save, void *load)
{
	ucontext_t here;
	/* swapcontext leaves the stack's bounds alone, but AddressSanitizer's wrapper reads them. */
	here.uc_stack = (stack_t){ 0 };
	*save = &here;
	wf_assert(swapcontext(&here, load) == 0);
}

bool wf_coro_visit_sp(void *sp, void (*fn)(void *arg), void *arg)
{
	(void)sp, (void)fn, (void)arg;
	return false;
}

#else
typedef int wf_coro_portable_unused; /* ISO C wants a declaration in every file. */
#endif
