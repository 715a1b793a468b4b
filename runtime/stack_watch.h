/* Tells a stack overflow from any other fault: a SIGSEGV whose address lies in the guard of a live
 * stack is answered with one line on stderr that names the task, before the process dies as it
 * would have anyway. All other faults go where they went before.
 *
 * The handler needs a stack of its own, as the faulting one is full; so each thread that runs
 * tasks opens a watch. */
#ifndef WF_RUNTIME_STACK_WATCH_H
#define WF_RUNTIME_STACK_WATCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <weft/api.h>

WEFT_BEGIN

typedef struct wf_stack_watch {
	bool open;
	void *memory; /* NULL: the thread had an alternate signal stack already, which stays */
} wf_stack_watch;

/* Gives this thread an alternate signal stack, unless it has one, and installs the handler of the
 * process, unless another watch did. Handlers found in place are called for faults that are not
 * ours, and after ours was reported.
 * Thread: any. Errors: ENOMEM. */
int wf_stack_watch_open(wf_stack_watch *watch);
/* Undoes open, on the same thread. The last one puts the former handler back, unless somebody has
 * since installed a third, which then keeps calling ours. Accepts one that is all zero. */
void wf_stack_watch_close(wf_stack_watch *watch);

/* What a range has to say about an address within it. */
typedef struct wf_stack_fault {
	const char *task; /* NULL: unknown */
	const char *site; /* NULL: unknown */
	size_t size;      /* of the stack that overflowed */
} wf_stack_fault;

/* false: the address is in no guard. Runs in the signal handler: it may only read. */
typedef bool wf_stack_lookup_fn(const void *owner, uintptr_t address, wf_stack_fault *fault);

/* Makes the handler ask lookup(owner, address, ...) about [low, low + size). The answer is a ticket
 * for remove, or negative.
 * Thread: any. Errors: WEFT_EFULL when 4096 ranges are known. */
int wf_stack_watch_add(const void *low, size_t size, wf_stack_lookup_fn *lookup, const void *owner);
/* No thread may run on the range any more; the handler may be running for another one. */
void wf_stack_watch_remove(int ticket);

WEFT_END
#endif
