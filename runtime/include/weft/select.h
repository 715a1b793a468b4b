/* Wait for the first of several things; exactly one of them happens.
 *
 *     switch (rc = weft_select(weft_on_next(rx, &item, &got), weft_on_ms(1000), weft_on_drain()))
 *
 * The result is the index of the one that did. Nothing has been taken from the others: no item, no
 * result, no readiness. Where several could happen at once each gets its turn. */
#ifndef WEFT_SELECT_H
#define WEFT_SELECT_H
#include <weft/channel.h>
#include <weft/future.h>
#include <weft/sync.h>
#include <weft/timer.h>
WEFT_BEGIN

/* One of the things. Made by the functions below, of this and other headers, only. A value type: no
 * C++ defaults, or Clang refuses it as a C result. */
typedef struct weft_case {
	const struct wf_case_kind *kind;
	void *object;
	void *item;
	int *got;
	int64_t number;
} weft_case;

/* An item from the channel. When it happens, `*got` is what weft_receiver_next would have returned:
 * 1, 0 when the channel has ended, or an error. */
WEFT_API weft_case weft_on_next_n(weft_receiver *rx, void *item, size_t size, int *got);
#define weft_on_next(rx, item, got) weft_on_next_n(rx, item, sizeof *(item), got)
/* An item into the channel. When it happens, `*got` is what weft_sender_send would have returned:
 * 0 or an error. `*item` must stay until then. */
WEFT_API weft_case weft_on_send_n(weft_sender *tx, const void *item, size_t size, int *got);
#define weft_on_send(tx, item, got) weft_on_send_n(tx, item, sizeof *(item), got)
/* The event is set. */
WEFT_API weft_case weft_on_event(weft_event *event);
/* The future has its result, which is read by weft_future_status. */
WEFT_API weft_case weft_on_future(weft_future *future);
/* `ms` milliseconds have passed since this select began; 0 or less: nothing else is there now. */
WEFT_API weft_case weft_on_ms(int64_t ms);
/* The task is asked to finish up: weft_draining. */
WEFT_API weft_case weft_on_drain(void);

/* Index of the one that happened. Up to sixteen cases are served without memory. Thread: task.
 * Suspends. Errors: ECANCELED, EINVAL for no case at all, ENOMEM; none of the cases happened. */
WEFT_API WEFT_MUST int weft_select_list(const weft_case *cases);
#define weft_select(...)  WEFT_SELECT_(__VA_ARGS__, )
#define WEFT_SELECT_(...) weft_select_list(WEFT_LIST(weft_case, __VA_ARGS__))

WEFT_END
#endif
