/* C++ cannot include ck_stack.h; this is an inbox as gtest sees it: what goes in is a number. */
#ifndef WF_TESTS_EXECUTOR_INBOX_SHIM_H
#define WF_TESTS_EXECUTOR_INBOX_SHIM_H

#include <weft/api.h>

WEFT_BEGIN

typedef struct test_box test_box;

test_box *box_new(unsigned limit);
void box_free(test_box *box);
int box_post(test_box *box, int number);
void box_push(test_box *box, int number);
void box_send(test_box *box, int number);
/* Delivering `number` posts `next` in turn. */
void box_push_chain(test_box *box, int number, int next);
unsigned box_drain(test_box *box);
/* What was delivered so far; the next call starts anew. */
size_t box_take(test_box *box, int *numbers, size_t room);
bool box_empty(test_box *box);
bool box_may_sleep(test_box *box);
void box_awake(test_box *box);
void box_seal(test_box *box);
bool box_settled(test_box *box);
void box_fini(test_box *box);
unsigned box_wakes(test_box *box);
/* This thread is the owner, or no longer. */
void box_own(test_box *box, bool own);
int box_init_with(unsigned limit, bool wake);

/* NULL for NULL. */
struct wf_inbox *box_inbox(test_box *box);

typedef struct box_counts {
	uint64_t accepted, refused, executed, after_end;
} box_counts;

/* `threads` producers post to one sleeping consumer until it seals, after `executed` deliveries. */
box_counts box_storm(unsigned threads, unsigned limit, uint64_t executed);

/* One message at a time goes in while the consumer falls asleep; returns how many came out. */
uint64_t box_ping(uint64_t rounds);

WEFT_END
#endif
