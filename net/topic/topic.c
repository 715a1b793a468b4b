/* Publishing, and who gets it.
 *
 * All memory for a publish is taken before the first member sees it: it reaches everybody or
 * nobody. The count of a seat is read with acquire and written with release, so a publisher that
 * knows, by whatever way, that somebody has subscribed sees the seat's count as well. */
#include "net/topic/topic.h"

#include <string.h>

#include "context/alloc.h"
#include "runtime/run.h"

/* Members. */

static void add(_Atomic(uint64_t) *count, uint64_t n)
{
	uint64_t now = atomic_load_explicit(count, memory_order_relaxed);
	atomic_store_explicit(count, now + n, memory_order_relaxed);
}

static void change_members(wf_topic_seat *seat, int change)
{
	unsigned now = atomic_load_explicit(&seat->member_count, memory_order_relaxed);
	/* Release: pairs with has_members. */
	atomic_store_explicit(&seat->member_count, now + (unsigned)change, memory_order_release);
}

static bool has_members(wf_topic_seat *seat)
{
	return atomic_load_explicit(&seat->member_count, memory_order_acquire) > 0;
}

void wf_member_join(wf_member *member, wf_topic *topic, wf_member_fn *take)
{
	wf_topic_seat *seat = wf_topic_seat_here(topic);
	member->topic = topic;
	member->take = take;
	wf_list_push_back(&seat->members, &member->of_seat);
	change_members(seat, 1);
}

void wf_member_leave(wf_member *member)
{
	wf_topic *topic = member->topic;
	if (topic == NULL) return;
	member->topic = NULL;
	wf_list_remove(&member->of_seat);
	change_members(wf_topic_seat_here(topic), -1);
	wf_topic_give(topic);
}

/* To the members here. One may leave while it takes (it is disconnected), and only that one. */
static void deliver(wf_topic_seat *seat, const weft_message *m)
{
	uint64_t delivered = 0, dropped = 0;
	wf_list_for_each(node, &seat->members)
	{
		wf_member *member = wf_list_entry(node, wf_member, of_seat);
		if (member->take(member, m))
			delivered++;
		else
			dropped++;
	}
	add(&seat->delivered, delivered);
	if (dropped > 0) add(&seat->dropped, dropped);
}

/* Letters: a message on its way to another worker. */

typedef struct letter {
	wf_message message;
	wf_topic *topic;
	wf_topic_seat *seat;
	weft_message *payload;
	struct letter *next; /* while they are collected */
	wf_inbox *to;
} letter;

static void on_letter(wf_message *message)
{
	letter *l = wf_container_of(message, letter, message);
	atomic_fetch_sub_explicit(&l->seat->on_the_way, 1, memory_order_relaxed);
	deliver(l->seat, l->payload);
	weft_message_unref(l->payload);
	wf_topic_give(l->topic);
	wf_free(l);
}

static void throw_away(letter *first)
{
	while (first != NULL) {
		letter *l = first;
		first = l->next;
		atomic_fetch_sub_explicit(&l->seat->on_the_way, 1, memory_order_relaxed);
		wf_free(l);
	}
}

/* Errors: EFULL, ENOMEM. */
static int write_letter(wf_topic *topic, wf_topic_seat *seat, wf_inbox *to, letter **first)
{
	int rc = WEFT_EFULL;
	unsigned before = atomic_fetch_add_explicit(&seat->on_the_way, 1, memory_order_relaxed);
	if (before < WEFT_TOPIC_ON_THE_WAY) {
		letter *l = wf_alloc(sizeof *l);
		rc = WEFT_ENOMEM;
		if (l != NULL) {
			*l = (letter){ .topic = topic, .seat = seat, .to = to, .next = *first };
			l->message.deliver = on_letter;
			*first = l;
			return 0;
		}
	}
	atomic_fetch_sub_explicit(&seat->on_the_way, 1, memory_order_relaxed);
	return rc;
}

/* One for each other worker with members; how many, or an error, and there are none. */
static int write_letters(wf_topic *topic, const wf_worker *here, letter **first)
{
	int count = 0;
	for (int i = 0; i < topic->seat_count; i++) {
		wf_worker *worker = &here->run->workers[i];
		if (worker == here || !has_members(&topic->seats[i])) continue;
		int rc = write_letter(topic, &topic->seats[i], &worker->inbox, first);
		if (rc != 0) {
			throw_away(*first);
			return rc;
		}
		count++;
	}
	return count;
}

/* Publishing. */

static int publish(wf_topic *topic, const weft_message *m)
{
	letter *first = NULL;
	int count = write_letters(topic, wf_worker_here(), &first);
	if (count < 0) return count;
	wf_topic_seat *seat = wf_topic_seat_here(topic);
	add(&seat->published, 1);
	if (count > 0) wf_topic_take_more(topic, (unsigned)count);
	while (first != NULL) {
		letter *l = first;
		first = l->next;
		l->payload = weft_message_ref(m);
		wf_inbox_push(l->to, &l->message);
	}
	deliver(seat, m);
	return 0;
}

int weft_topic_publish(const char *name, const weft_message *m)
{
	wf_topic *topic;
	int rc = wf_topic_find(name, &topic);
	if (rc != 0 || topic == NULL) return rc;
	rc = publish(topic, m);
	wf_topic_give(topic);
	return rc;
}

int weft_topic_print(const char *name, const char *format, ...)
{
	weft_message *m = NULL;
	va_list list;
	size_t size;
	int rc = wf_topic_check_name(name, &size);
	if (rc != 0) return rc;
	va_start(list, format);
	rc = weft_message_vprint(&m, format, list);
	va_end(list);
	if (rc != 0) return rc;
	rc = weft_topic_publish(name, m);
	weft_message_unref(m);
	return rc;
}

int weft_topic_get_stats(const char *name, weft_topic_stats *out)
{
	wf_topic *topic;
	int rc = wf_topic_find(name, &topic);
	if (rc != 0) return rc;
	weft_topic_stats sum = { 0 };
	for (int i = 0; topic != NULL && i < topic->seat_count; i++) {
		wf_topic_seat *seat = &topic->seats[i];
		sum.members += atomic_load_explicit(&seat->member_count, memory_order_acquire);
		sum.published += atomic_load_explicit(&seat->published, memory_order_relaxed);
		sum.delivered += atomic_load_explicit(&seat->delivered, memory_order_relaxed);
		sum.dropped += atomic_load_explicit(&seat->dropped, memory_order_relaxed);
	}
	if (topic != NULL) wf_topic_give(topic);
	*out = sum;
	return 0;
}
