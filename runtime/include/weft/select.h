/* Wait for the first of several; exactly one happens. */
#ifndef WEFT_SELECT_H
#define WEFT_SELECT_H
#include <weft/channel.h>
#include <weft/future.h>
#include <weft/sync.h>
#include <weft/timer.h>
WEFT_BEGIN
/* Made by the functions below only. A value type: no C++ defaults, or Clang refuses it as a C
 * result. */
typedef struct weft_case {
	const void *kind;
	void *object;
	void *item;
	int *got;
	int64_t number;
} weft_case;
/* `got`: what the verb itself would have returned: 1, 0 or negative. */
WEFT_API weft_case weft_on_next_n(weft_receiver *rx, void *item, size_t size, int *got);
#define weft_on_next(rx, item, got) weft_on_next_n(rx, item, sizeof *(item), got)
WEFT_API weft_case weft_on_event(weft_event *event);
WEFT_API weft_case weft_on_future(weft_future *future);
WEFT_API weft_case weft_on_ms(int64_t ms);
WEFT_API weft_case weft_on_drain(void);
/* Index of the one that happened, or negative. */
WEFT_API WEFT_MUST int weft_select_list(const weft_case *cases);
#define weft_select(...)  WEFT_SELECT_(__VA_ARGS__, )
#define WEFT_SELECT_(...) weft_select_list(WEFT_LIST(weft_case, __VA_ARGS__))
WEFT_END
#endif
