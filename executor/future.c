/* Who may run beside whom: everybody beside everybody, as long as each holds a reference.
 *
 * Linearization points. set: the store of SET, under the lock; a second set finds it there. watch:
 * under the lock, before or after that store, so that a waiter is either refused or claimed; there
 * is no third. cancel: the store of CANCELLED under the lock, before SET or not at all.
 *
 * Orders. SET is stored with release after status and value and loaded with acquire by those who
 * read them without the lock; they never change again. The last unref pairs release with acquire,
 * so that the one who frees sees what the others did.
 *
 * Why nobody touches a waiter that is gone: the completer touches waiters under the lock only, and
 * unwatch takes it; after it, either the node was taken off by unwatch, or the completer had taken
 * it off and is past its claim. Why the descriptor is not written after it is closed: the completer
 * holds a reference, and only the last one closes. */
#include "executor/future.h"
#include "context/alloc.h"
#include "context/clock.h"

#include <sys/eventfd.h>
#include <unistd.h>
#include <weft/error.h>
#include <weft/report.h>

enum { SET = 1, CANCELLED = 2, READ = 4 };

static bool has(const weft_future *future, uint32_t flag)
{
	return (__atomic_load_n(&future->flags, __ATOMIC_ACQUIRE) & flag) != 0;
}

static void raise_flag(weft_future *future, uint32_t flag)
{
	__atomic_fetch_or(&future->flags, flag, __ATOMIC_RELEASE);
}

void wf_future_init(weft_future *future, wf_future_free_fn *free, const char *site)
{
	*future = (weft_future){ .refs = 1, .fd = -1, .free = free, .site = site };
	wf_list_init(&future->waiters);
}

void wf_future_on_cancel(weft_future *future, wf_future_cancel_fn *fn, void *arg)
{
	future->on_cancel = fn;
	future->cancel_arg = arg;
}

static void free_plain(weft_future *future)
{
	wf_free(future);
}

int weft_future_new_with(const weft_future_options *options, weft_future **out)
{
	weft_future *future = wf_alloc(sizeof(*future));
	if (future == NULL) return WEFT_ENOMEM;
	wf_future_init(future, free_plain, options->site);
	wf_future_on_cancel(future, options->on_cancel, options->arg);
	*out = future;
	return 0;
}

weft_future *weft_future_ref(weft_future *future)
{
	uint32_t refs = __atomic_fetch_add(&future->refs, 1, __ATOMIC_RELAXED);
	wf_assert(refs != 0 && refs != UINT32_MAX);
	return future;
}

/* A failure that somebody asked for is no news. */
static void report_unread(const weft_future *future)
{
	bool wanted = future->status == WEFT_ECANCELED && has(future, CANCELLED);
	if (!has(future, SET) || future->status >= 0 || has(future, READ) || wanted) return;
	const weft_log_field fields[] = { weft_log_code("error", future->status), { 0 } };
	weft_report_write("unread", future->site, "a failure was released unread", fields);
}

void weft_future_unref(weft_future *future)
{
	if (future == NULL) return;
	uint32_t refs = __atomic_fetch_sub(&future->refs, 1, __ATOMIC_ACQ_REL);
	wf_assert(refs != 0);
	if (refs != 1) return;
	wf_assert(wf_list_empty(&future->waiters));
	report_unread(future);
	if (future->fd >= 0) close(future->fd);
	future->free(future);
}

bool wf_wake_chain_claim(wf_wake_chain *chain, wf_waiter *waiter)
{
	wf_wake *wake = waiter->claim(waiter);
	if (wake == NULL) return false;
	wake->next = NULL;
	*chain->last = wake;
	chain->last = &wake->next;
	return true;
}

void wf_wake_chain_send(wf_wake_chain *chain)
{
	for (wf_wake *wake = chain->first, *next; wake != NULL; wake = next) {
		next = wake->next; /* the wake may be in use again as soon as it is sent */
		if (wake->home != NULL) {
			wf_inbox_send(wake->home, &wake->message);
		} else {
			wake->message.deliver(&wake->message);
		}
	}
	wf_wake_chain_init(chain);
}

/* Cannot fail: the counter is far from its maximum, and EINTR is not for eventfds that do not
 * block. */
static void make_readable(int fd)
{
	ssize_t written = write(fd, &(uint64_t){ 1 }, sizeof(uint64_t));
	wf_assert(written == sizeof(uint64_t));
}

int weft_future_set(weft_future *future, int status, void *value)
{
	wf_wake_chain chain;
	wf_wake_chain_init(&chain);
	wf_spin_lock(&future->lock);
	if (has(future, SET)) {
		wf_spin_unlock(&future->lock);
		return WEFT_EALREADY;
	}
	future->status = status;
	future->value = value;
	raise_flag(future, SET);
	wf_list *link;
	while ((link = wf_list_pop_front(&future->waiters)) != NULL) {
		wf_wake_chain_claim(&chain, wf_list_entry(link, wf_waiter, link));
	}
	int fd = future->fd;
	wf_spin_unlock(&future->lock);
	if (fd >= 0) make_readable(fd);
	wf_wake_chain_send(&chain);
	return 0;
}

bool weft_future_is_set(const weft_future *future)
{
	return has(future, SET);
}

int weft_future_status(weft_future *future)
{
	if (!has(future, SET)) return WEFT_EAGAIN;
	if (future->status < 0 && !has(future, READ)) raise_flag(future, READ);
	return future->status;
}

void *weft_future_value(const weft_future *future)
{
	return has(future, SET) ? future->value : NULL;
}

bool weft_future_cancel(weft_future *future)
{
	wf_spin_lock(&future->lock);
	bool first = !has(future, SET | CANCELLED);
	if (first) raise_flag(future, CANCELLED);
	wf_spin_unlock(&future->lock);
	return first && future->on_cancel != NULL && future->on_cancel(future->cancel_arg);
}

bool weft_future_cancelled(const weft_future *future)
{
	return has(future, CANCELLED);
}

bool wf_future_watch(weft_future *future, wf_waiter *waiter)
{
	wf_spin_lock(&future->lock);
	bool set = has(future, SET);
	if (!set) wf_list_push_back(&future->waiters, &waiter->link);
	wf_spin_unlock(&future->lock);
	return !set;
}

void wf_future_unwatch(weft_future *future, wf_waiter *waiter)
{
	wf_spin_lock(&future->lock);
	wf_list_remove(&waiter->link);
	wf_spin_unlock(&future->lock);
}

/* Two may come at once: each makes a descriptor outside the lock, the first to return keeps its. */
int weft_future_fd(weft_future *future)
{
	wf_spin_lock(&future->lock);
	int fd = future->fd;
	wf_spin_unlock(&future->lock);
	if (fd >= 0) return fd;
	int made = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (made < 0) return -errno;
	wf_spin_lock(&future->lock);
	fd = future->fd;
	bool late = fd < 0 && has(future, SET);
	if (fd < 0) future->fd = made;
	wf_spin_unlock(&future->lock);
	if (fd >= 0) {
		close(made);
		return fd;
	}
	if (late) make_readable(made);
	return made;
}

/* A blocked thread: its wake is delivered by the completer itself, and unparks it. */
typedef struct joiner {
	wf_waiter waiter;
	wf_wake wake;
	wf_parker parker;
	bool claimed; /* under the future's lock */
} joiner;

static wf_wake *claim_joiner(wf_waiter *waiter)
{
	joiner *join = wf_container_of(waiter, joiner, waiter);
	join->claimed = true;
	return &join->wake;
}

static void unpark_joiner(wf_message *message)
{
	wf_unpark(&wf_container_of(message, joiner, wake.message)->parker);
}

/* Parks until claimed or late. A claim that was won sends its wake in any case, so that the parker
 * must not go before it has come. */
static void await_claim(weft_future *future, joiner *join, int64_t until_ns)
{
	bool woken = wf_park(&join->parker, until_ns);
	wf_future_unwatch(future, &join->waiter);
	if (join->claimed && !woken) wf_park(&join->parker, WF_FOREVER);
}

int wf_future_join_until(weft_future *future, int64_t until_ns)
{
	if (wf_inbox_here != NULL) return WEFT_EDEADLK;
	if (!has(future, SET)) {
		joiner join = { .wake.message.deliver = unpark_joiner };
		wf_waiter_init(&join.waiter, claim_joiner);
		int rc = wf_parker_init(&join.parker);
		if (rc != 0) return rc;
		if (wf_future_watch(future, &join.waiter)) await_claim(future, &join, until_ns);
		wf_parker_fini(&join.parker);
		if (!has(future, SET)) return WEFT_EDEADLINE;
	}
	return weft_future_status(future);
}

int weft_future_join(weft_future *future)
{
	return wf_future_join_until(future, WF_FOREVER);
}

int weft_future_join_ms(weft_future *future, int64_t timeout_ms)
{
	int64_t now_ns = wf_now_ns();
	bool for_ever = timeout_ms < 0 || timeout_ms > (WF_FOREVER - now_ns) / 1000000;
	return wf_future_join_until(future, for_ever ? WF_FOREVER : now_ns + timeout_ms * 1000000);
}
