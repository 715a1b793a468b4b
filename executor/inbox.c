/* A ck_stack that its one consumer takes as a whole and reverses, a gate that counts the posts, and
 * a flag that says that the consumer sleeps.
 *
 * Who may run beside whom:
 *               post  push  drain  may_sleep/awake  seal  settled  empty  fini
 *   post, push  yes   yes   yes    yes              yes   yes      yes    yes
 *   the others are the owner's and follow one another; empty is anybody's
 *
 * Linearization points. post: the CAS on the gate, which accepts or refuses; post and push: the CAS
 * on the head of the stack, which gives the message its place. drain: the exchange of the head.
 * seal: the OR on the gate. A post whose CAS came first is counted, and stays so until the drain
 * that takes it: the seal cannot overlook it, though its push may come later.
 *
 * Orders.
 *   [A] the push (CAS of the head) before the load of `sleeping`; pairs with [B] the store of
 *       `sleeping` before the load of the head. Both are full fences: of the two loads at least
 *       one sees the other side's store, so either the producer wakes or the owner stays up.
 *       Without either of them wakes are lost, in practice and not only on paper.
 *   [C] the fields of a message are written before the push that publishes it (ck_stack fences the
 *       store, the CAS of x86 orders the rest); pairs with the exchange of the head and the load
 *       fence behind it in ck_stack_batch_pop.
 *   [D] `waking` is raised before `sleeping` is claimed; pairs with fini, which lowers `sleeping`
 *       before it reads `waking`. Either the producer finds nobody asleep, or fini waits for it.
 *
 * Only the producer that lowers `sleeping` calls wake(): one call for each sleep. */
#include "executor/inbox.h"
#include "executor/platform.h"
#include "executor/sanitizer.h"

#include <ck_pr.h>
#include <weft/error.h>

#define SEALED ((uint64_t)1 << 63)
#define COUNT  (SEALED - 1)

int wf_inbox_init(wf_inbox *inbox, unsigned limit, wf_inbox_wake_fn *wake)
{
	if (limit > INT32_MAX || wake == NULL) return WEFT_EINVAL;
	ck_stack_init(&inbox->stack);
	inbox->gate = 0;
	inbox->sleeping = 0;
	inbox->waking = 0;
	inbox->limit = limit ? limit : WF_INBOX_LIMIT;
	inbox->wake = wake;
	return 0;
}

/* Lowers the flag if it is up. The gain of the check: a producer that finds nobody asleep reads a
 * line that it shares with all others, and writes nothing. */
static bool claim_sleeper(wf_inbox *inbox)
{
	return ck_pr_load_32(&inbox->sleeping) != 0 && ck_pr_fas_32(&inbox->sleeping, 0) != 0;
}

__attribute__((noinline, cold)) static void rouse(wf_inbox *inbox)
{
	ck_pr_inc_32(&inbox->waking);
	ck_pr_fence_atomic(); /* [D] */
	if (claim_sleeper(inbox)) inbox->wake(inbox);
	ck_pr_fence_release(); /* wake() is over before `waking` says so */
	ck_pr_dec_32(&inbox->waking);
}

static inline void put(wf_inbox *inbox, wf_message *message)
{
	WF_HANDS_OVER(message);
	ck_stack_push_upmc(&inbox->stack, &message->entry); /* [C] */
	/* The message may be gone from here on. */
	ck_pr_fence_atomic_load(); /* [A] */
	if (wf_unlikely(ck_pr_load_32(&inbox->sleeping) != 0)) rouse(inbox);
}

static inline int enter(wf_inbox *inbox)
{
	uint64_t gate = ck_pr_load_64(&inbox->gate);
	do {
		if (gate & SEALED) return WEFT_ESHUTDOWN;
		if (gate >= inbox->limit) return WEFT_EFULL;
	} while (!ck_pr_cas_64_value(&inbox->gate, gate, gate + 1, &gate));
	return 0;
}

int wf_inbox_post(wf_inbox *inbox, wf_message *message)
{
	int rc = enter(inbox);
	if (wf_unlikely(rc != 0)) return rc;
	message->posted = true;
	put(inbox, message);
	return 0;
}

void wf_inbox_push(wf_inbox *inbox, wf_message *message)
{
	message->posted = false;
	put(inbox, message);
}

/* Turns the newest-first chain round. */
static ck_stack_entry_t *reverse(ck_stack_entry_t *entry, unsigned *posts)
{
	ck_stack_entry_t *oldest = NULL;
	while (entry != NULL) {
		ck_stack_entry_t *next = entry->next;
		*posts += wf_container_of(entry, wf_message, entry)->posted;
		entry->next = oldest;
		oldest = entry;
		entry = next;
	}
	return oldest;
}

unsigned wf_inbox_drain(wf_inbox *inbox)
{
	unsigned count = 0, posts = 0;
	if (wf_inbox_empty(inbox)) return 0;
	ck_stack_entry_t *entry = reverse(ck_stack_batch_pop_upmc(&inbox->stack), &posts); /* [C] */
	/* Before the deliveries: what they post in turn finds the room. */
	if (posts != 0) ck_pr_sub_64(&inbox->gate, posts);
	while (entry != NULL) {
		wf_message *message = wf_container_of(entry, wf_message, entry);
		entry = entry->next;
		WF_TAKES_OVER(message);
		message->deliver(message);
		count++;
	}
	return count;
}

bool wf_inbox_empty(const wf_inbox *inbox)
{
	return ck_pr_load_ptr(&inbox->stack.head) == NULL;
}

bool wf_inbox_may_sleep(wf_inbox *inbox)
{
	ck_pr_store_32(&inbox->sleeping, 1);
	ck_pr_fence_store_load(); /* [B] */
	if (wf_inbox_empty(inbox)) return true;
	wf_inbox_awake(inbox);
	return false;
}

void wf_inbox_awake(wf_inbox *inbox)
{
	ck_pr_store_32(&inbox->sleeping, 0);
}

void wf_inbox_seal(wf_inbox *inbox)
{
	ck_pr_or_64(&inbox->gate, SEALED);
}

bool wf_inbox_settled(const wf_inbox *inbox)
{
	return (ck_pr_load_64(&inbox->gate) & COUNT) == 0 && wf_inbox_empty(inbox);
}

void wf_inbox_fini(wf_inbox *inbox)
{
	wf_inbox_seal(inbox);
	ck_pr_store_32(&inbox->sleeping, 0);
	ck_pr_fence_store_load(); /* [D] */
	while (ck_pr_load_32(&inbox->waking) != 0) wf_thread_yield();
}
