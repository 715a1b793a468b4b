/* What a message is made of: the frame of a server (RFC 6455 section 5.2) as it goes on the wire,
 * so that sending it to a thousand peers encodes it once.
 *
 *   bytes   [WF_MESSAGE_HEADER - header_size, WF_MESSAGE_HEADER)   the frame's header
 *           [WF_MESSAGE_HEADER, WF_MESSAGE_HEADER + size)          the payload, then a NUL
 *
 * While a message is being received it has one holder and may move; from wf_message_seal on it
 * never changes. */
#ifndef WF_WEBSOCKET_MESSAGE_H
#define WF_WEBSOCKET_MESSAGE_H

#include <weft/message.h>

#include "context/base.h"

WEFT_BEGIN

/* A server's longest header: no key. */
enum { WF_MESSAGE_HEADER = 10 };

struct weft_message {
	size_t size;
	uint32_t refs;
	bool binary;
	uint8_t header_size;
	char bytes[];
};

/* Room for `room` bytes of payload, not sealed. NULL without memory. */
weft_message *wf_message_alloc(size_t room);
/* The same message with more room, or NULL, and the old one is as it was. */
weft_message *wf_message_grow(weft_message *m, size_t room);
/* The payload is there. */
void wf_message_seal(weft_message *m, size_t size, bool binary);

static inline char *wf_message_payload(weft_message *m)
{
	return m->bytes + WF_MESSAGE_HEADER;
}

static inline const char *wf_message_frame(const weft_message *m)
{
	return m->bytes + WF_MESSAGE_HEADER - m->header_size;
}

static inline size_t wf_message_frame_size(const weft_message *m)
{
	return m->header_size + m->size;
}

WEFT_END
#endif
