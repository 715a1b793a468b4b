/* The ranges are a table that never moves, so that the handler can walk it at any moment.
 *
 *                 | add/remove (lock)          | handler, any thread
 *   add, remove   | excluded by the lock       | see below
 *   handler       |                            | reads only
 *
 * `end` publishes a slot: add stores it last (release), the handler loads it first (acquire) and
 * once more before it believes what it read; remove clears it first. The handler may thus miss a
 * range that comes or goes at this moment, which no thread runs on, and never asks about one that
 * is gone: a fault in a live range is on a thread that keeps its range alive.
 *
 * Everything the handler calls is async-signal-safe. */
#include "runtime/stack_watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <weft/error.h>

#include "context/alloc.h"
#include "context/base.h"

#define RANGES_MAX 4096
/* For the handler found in place, which gets this stack too; a symbolizer wants some room. */
#define ALTERNATE_STACK_BYTES ((size_t)64 << 10)

typedef struct range {
	_Atomic(uintptr_t) start;
	_Atomic(uintptr_t) end; /* 0: the slot is free */
	_Atomic(wf_stack_lookup_fn *) lookup;
	_Atomic(const void *) owner;
} range;

static range ranges[RANGES_MAX];
static _Atomic(size_t) ranges_used; /* slots that ever held one; the rest are free */

/* Guards the writers of `ranges`, and these. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t watches;
static bool installed;
static struct sigaction previous; /* written only while ours is not installed */

int wf_stack_watch_add(const void *low, size_t size, wf_stack_lookup_fn *lookup, const void *owner)
{
	int ticket = WEFT_EFULL;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < RANGES_MAX; i++) {
		range *slot = &ranges[i];
		if (atomic_load_explicit(&slot->end, memory_order_relaxed) != 0) continue;
		atomic_store_explicit(&slot->start, (uintptr_t)low, memory_order_relaxed);
		atomic_store_explicit(&slot->lookup, lookup, memory_order_relaxed);
		atomic_store_explicit(&slot->owner, owner, memory_order_relaxed);
		atomic_store_explicit(&slot->end, (uintptr_t)low + size, memory_order_release);
		if ((size_t)i >= atomic_load_explicit(&ranges_used, memory_order_relaxed))
			atomic_store_explicit(&ranges_used, (size_t)i + 1, memory_order_release);
		ticket = i;
		break;
	}
	pthread_mutex_unlock(&lock);
	return ticket;
}

void wf_stack_watch_remove(int ticket)
{
	wf_assert(ticket >= 0 && ticket < RANGES_MAX);
	pthread_mutex_lock(&lock);
	wf_assert(atomic_load_explicit(&ranges[ticket].end, memory_order_relaxed) != 0);
	atomic_store_explicit(&ranges[ticket].end, 0, memory_order_relaxed);
	/* Pairs with the fence in find_fault: whoever sees a later content of the slot sees the 0. */
	atomic_thread_fence(memory_order_release);
	pthread_mutex_unlock(&lock);
}

static bool find_fault(uintptr_t address, wf_stack_fault *fault)
{
	size_t used = atomic_load_explicit(&ranges_used, memory_order_acquire);
	for (size_t i = 0; i < used; i++) {
		range *slot = &ranges[i];
		uintptr_t end = atomic_load_explicit(&slot->end, memory_order_acquire);
		uintptr_t start = atomic_load_explicit(&slot->start, memory_order_relaxed);
		if (end == 0 || address < start || address >= end) continue;
		wf_stack_lookup_fn *lookup = atomic_load_explicit(&slot->lookup, memory_order_relaxed);
		const void *owner = atomic_load_explicit(&slot->owner, memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&slot->end, memory_order_relaxed) != end) continue;
		if (lookup(owner, address, fault)) return true;
	}
	return false;
}

typedef struct line {
	char text[512];
	size_t length;
} line;

static void append(line *to, const char *text)
{
	size_t length = strlen(text), room = sizeof to->text - 1 - to->length;
	if (length > room) length = room;
	memcpy(to->text + to->length, text, length);
	to->length += length;
}

static void append_number(line *to, size_t number)
{
	char digits[24];
	size_t at = sizeof digits - 1;
	digits[at] = '\0';
	do digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	append(to, digits + at);
}

/* The process is about to die, and the report hook may allocate: this line goes to stderr. */
static void tell(const wf_stack_fault *fault)
{
	line out = { .length = 0 };
	append(&out, "weft: stack overflow in ");
	append(&out, fault->task != NULL ? "task " : "a task that is not known");
	if (fault->task != NULL) append(&out, fault->task);
	if (fault->site != NULL) {
		append(&out, " (spawned at ");
		append(&out, fault->site);
		append(&out, ")");
	}
	append(&out, ": ");
	append_number(&out, fault->size >> 10);
	append(&out, " KiB are not enough");
	out.text[out.length++] = '\n';
	ssize_t written = write(STDERR_FILENO, out.text, out.length);
	(void)written;
}

/* As if ours had never been there. On return from the default action the instruction faults again
 * and the process dies at the place of the fault; a signal that was sent must be sent again. */
static void hand_on(int number, siginfo_t *info, void *context)
{
	bool sent = info->si_code <= 0;
	if (previous.sa_flags & SA_SIGINFO) {
		previous.sa_sigaction(number, info, context);
	} else if (previous.sa_handler == SIG_DFL || (previous.sa_handler == SIG_IGN && !sent)) {
		struct sigaction standard = { .sa_handler = SIG_DFL };
		(void)sigaction(number, &standard, NULL);
		if (sent) (void)raise(number);
	} else if (previous.sa_handler != SIG_IGN) {
		previous.sa_handler(number);
	}
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	wf_stack_fault fault = { .task = NULL };
	if (info->si_code > 0 && find_fault((uintptr_t)info->si_addr, &fault)) tell(&fault);
	hand_on(number, info, context);
	errno = saved;
}

static void install(void)
{
	struct sigaction ours = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	(void)sigemptyset(&ours.sa_mask);
	(void)sigaction(SIGSEGV, NULL, &previous);
	(void)sigaction(SIGSEGV, &ours, NULL);
	installed = true;
}

static void uninstall(void)
{
	struct sigaction current;
	(void)sigaction(SIGSEGV, NULL, &current);
	if (!(current.sa_flags & SA_SIGINFO) || current.sa_sigaction != on_fault) return;
	(void)sigaction(SIGSEGV, &previous, NULL);
	installed = false;
}

int wf_stack_watch_open(wf_stack_watch *watch)
{
	stack_t found;
	void *memory = NULL;
	(void)sigaltstack(NULL, &found);
	if (found.ss_flags & SS_DISABLE) {
		memory = wf_alloc(ALTERNATE_STACK_BYTES);
		if (memory == NULL) return -ENOMEM;
		stack_t ours = { .ss_sp = memory, .ss_size = ALTERNATE_STACK_BYTES };
		wf_assert(sigaltstack(&ours, NULL) == 0);
	}
	*watch = (wf_stack_watch){ .open = true, .memory = memory };
	pthread_mutex_lock(&lock);
	/* Where a third handler stands above ours, a second entry would make a circle of them. */
	if (watches++ == 0 && !installed) install();
	pthread_mutex_unlock(&lock);
	return 0;
}

void wf_stack_watch_close(wf_stack_watch *watch)
{
	if (!watch->open) return;
	pthread_mutex_lock(&lock);
	if (--watches == 0) uninstall();
	pthread_mutex_unlock(&lock);
	if (watch->memory != NULL) {
		stack_t current, none = { .ss_flags = SS_DISABLE };
		(void)sigaltstack(NULL, &current);
		if (current.ss_sp == watch->memory) (void)sigaltstack(&none, NULL);
		wf_free(watch->memory);
	}
	*watch = (wf_stack_watch){ .open = false };
}
