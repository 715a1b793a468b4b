/* A bounded queue of values between tasks, with two ends.
 *
 * Items are copied: into the channel by a send, out of it by a next, and straight from one task's
 * memory to the other's where the receiver is already waiting. `capacity` items may be under way;
 * with 0 a send returns when somebody has taken its item. Items come out in the order in which they
 * went in, each to one receiver; whoever waits longest at an end is served first.
 *
 * Each end may be cloned, for as many senders and receivers as you like, and each clone must be
 * closed. When the last sender is closed, receivers get what is left and then the end (0). When
 * the last receiver is closed, sends fail with ECLOSED. Closing an end wakes the tasks that wait
 * with that very end; their calls return ECLOSED.
 *
 * An end may be gone as soon as it is closed. Tasks that wait with it are safe then, on any worker;
 * a call that only begins is not. So what is closed while tasks of other workers may be about to
 * call is never the end that they use: each has a clone, which it closes itself. To end their calls
 * from elsewhere close the other side, or cancel them.
 *
 * A cancelled send has sent nothing, a cancelled next has taken nothing: no item is lost.
 *
 * A channel belongs to the worker it was opened on, and using it on another is a broken promise
 * that aborts. One opened with `.shared = true` may be used on every worker, and closed, tried and
 * cloned on any thread. */
#ifndef WEFT_CHANNEL_H
#define WEFT_CHANNEL_H
#include <weft/api.h>
WEFT_BEGIN

typedef struct weft_sender weft_sender;
typedef struct weft_receiver weft_receiver;

typedef struct weft_channel_options {
	size_t size;
	WEFT_NAMED_ONLY;
	bool shared WEFT_DEFAULT; /* between workers */
	/* Called for each item that is still in the channel when its last receiver is closed, by that
	 * close: for items that own something. Must not suspend. */
	void (*drop)(void *item) WEFT_DEFAULT;
} weft_channel_options;

/* Both ends are the caller's, who closes them. Nothing more is allocated later, save by a clone.
 * Thread: worker; with `.shared`, any.
 * Errors: ENOMEM, EINVAL for items of no size or a capacity beyond all memory, ENORUN. */
WEFT_API WEFT_MUST int weft_channel_open_with(size_t item_size, size_t capacity, weft_sender **tx,
	weft_receiver **rx, const weft_channel_options *options);
/* weft_channel_open(int, 16, &tx, &rx, .shared = true) */
#define weft_channel_open(...) WEFT_CHANNEL_OPEN_(__VA_ARGS__, )
#define WEFT_CHANNEL_OPEN_(type, capacity, tx, rx, ...)                                            \
	weft_channel_open_with(                                                                        \
		sizeof(type), capacity, tx, rx, WEFT_OPTIONS(weft_channel_options, __VA_ARGS__))

/* Copies the item in; waits while the channel is full. A size that is not the channel's aborts, as
 * in all of these calls. Thread: task. Suspends. Errors: ECLOSED, ECANCELED. */
WEFT_API WEFT_MUST int weft_sender_send_n(weft_sender *tx, const void *item, size_t size);
#define weft_sender_send(tx, item) weft_sender_send_n(tx, item, sizeof *(item))

/* The same if it need not wait. Thread: worker; shared, any. Errors: EAGAIN, ECLOSED. */
WEFT_API WEFT_MUST int weft_sender_try_send_n(weft_sender *tx, const void *item, size_t size);
#define weft_sender_try_send(tx, item) weft_sender_try_send_n(tx, item, sizeof *(item))

/* Another sender of the same channel. Thread: worker; shared, any. Errors: ENOMEM. */
WEFT_API WEFT_MUST int weft_sender_clone(weft_sender *tx, weft_sender **out);

/* Accepts NULL. Thread: worker; shared, any. */
WEFT_API void weft_sender_close(weft_sender *tx);

/* 1: an item was copied out. 0: the last sender was closed and nothing is left. Waits while there
 * is neither; `*item` is untouched unless the result is 1. Thread: task. Suspends.
 * Errors: ECANCELED, ECLOSED when this receiver is closed meanwhile. */
WEFT_API WEFT_MUST int weft_receiver_next_n(weft_receiver *rx, void *item, size_t size);
#define weft_receiver_next(rx, item) weft_receiver_next_n(rx, item, sizeof *(item))

/* The same if it need not wait. Thread: worker; shared, any. Errors: EAGAIN. */
WEFT_API WEFT_MUST int weft_receiver_try_next_n(weft_receiver *rx, void *item, size_t size);
#define weft_receiver_try_next(rx, item) weft_receiver_try_next_n(rx, item, sizeof *(item))

/* Another receiver of the same channel. Thread: worker; shared, any. Errors: ENOMEM. */
WEFT_API WEFT_MUST int weft_receiver_clone(weft_receiver *rx, weft_receiver **out);

/* Accepts NULL. Thread: worker; shared, any. */
WEFT_API void weft_receiver_close(weft_receiver *rx);

WEFT_END
#endif
