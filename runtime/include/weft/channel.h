/* A bounded queue of values between tasks, with two ends. */
#ifndef WEFT_CHANNEL_H
#define WEFT_CHANNEL_H
#include <weft/api.h>
WEFT_BEGIN
typedef struct weft_sender weft_sender;
typedef struct weft_receiver weft_receiver;
WEFT_API WEFT_MUST int weft_channel_open_n(
	size_t item_size, size_t capacity, weft_sender **tx, weft_receiver **rx);
/* weft_channel_open(int, 16, &tx, &rx) */
#define weft_channel_open(type, capacity, tx, rx)                                                  \
	weft_channel_open_n(sizeof(type), capacity, tx, rx)
/* Copies the item in. ECLOSED when no receiver is left. Suspends. */
WEFT_API WEFT_MUST int weft_sender_send_n(weft_sender *tx, const void *item, size_t size);
/* The size is checked at the door. */
#define weft_sender_send(tx, item) weft_sender_send_n(tx, item, sizeof *(item))
WEFT_API WEFT_MUST int weft_sender_clone(weft_sender *tx, weft_sender **out);
WEFT_API void weft_sender_close(weft_sender *tx);
/* 1 an item was copied out, 0 the last sender closed, negative error. Suspends. */
WEFT_API WEFT_MUST int weft_receiver_next_n(weft_receiver *rx, void *item, size_t size);
#define weft_receiver_next(rx, item) weft_receiver_next_n(rx, item, sizeof *(item))
WEFT_API WEFT_MUST int weft_receiver_clone(weft_receiver *rx, weft_receiver **out);
WEFT_API void weft_receiver_close(weft_receiver *rx);
WEFT_END
#endif
