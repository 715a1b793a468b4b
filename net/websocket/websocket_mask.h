/* The masking of RFC 6455 section 5.3: byte i of a payload is combined with byte i mod 4 of the
 * key. Done twice it undoes itself. Thread: any. */
#ifndef WF_WEBSOCKET_MASK_H
#define WF_WEBSOCKET_MASK_H

#include "context/base.h"

WEFT_BEGIN

/* Masks or unmasks in place. `offset` is the position of data[0] in its payload; only its last two
 * bits matter. No alignment is asked for. */
void wf_websocket_mask(void *data, size_t size, const uint8_t key[4], size_t offset);

WEFT_END
#endif
