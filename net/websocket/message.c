#include "net/websocket/message.h"

#include <stdio.h>
#include <string.h>

#include "context/alloc.h"
#include "net/http/utf8_check.h"
#include "net/websocket/websocket_frame.h"

enum { PRINT_ON_STACK = 1024 };

static size_t block_size(size_t room)
{
	return sizeof(weft_message) + WF_MESSAGE_HEADER + room + 1;
}

weft_message *wf_message_alloc(size_t room)
{
	weft_message *m = wf_alloc(block_size(room));
	if (m == NULL) return NULL;
	m->refs = 1;
	m->size = 0;
	m->binary = false;
	m->header_size = 0;
	return m;
}

weft_message *wf_message_grow(weft_message *m, size_t room)
{
	wf_debug_assert(m->header_size == 0);
	return wf_realloc(m, block_size(room));
}

void wf_message_seal(weft_message *m, size_t size, bool binary)
{
	uint8_t header[WF_WEBSOCKET_HEADER_MAX];
	unsigned opcode = binary ? WF_WEBSOCKET_BINARY : WF_WEBSOCKET_TEXT;
	size_t length = wf_websocket_header(header, WF_WEBSOCKET_FIN | opcode, size, NULL);
	memcpy(m->bytes + WF_MESSAGE_HEADER - length, header, length);
	m->header_size = (uint8_t)length;
	m->size = size;
	m->binary = binary;
	wf_message_payload(m)[size] = '\0';
}

int weft_message_new(const void *data, size_t size, bool binary, weft_message **out)
{
	if (size > WEFT_MESSAGE_MAX) return WEFT_EMSGSIZE;
	if (!binary && !wf_utf8_valid(data, size)) return -EILSEQ;
	weft_message *m = wf_message_alloc(size);
	if (m == NULL) return WEFT_ENOMEM;
	if (size > 0) memcpy(wf_message_payload(m), data, size);
	wf_message_seal(m, size, binary);
	*out = m;
	return 0;
}

/* Too long for the stack: formats again, in place. */
WEFT_PRINTF(3, 0)
static int print_long(weft_message **out, size_t size, const char *format, va_list list)
{
	if (size > WEFT_MESSAGE_MAX) return WEFT_EMSGSIZE;
	weft_message *m = wf_message_alloc(size);
	if (m == NULL) return WEFT_ENOMEM;
	char *text = wf_message_payload(m);
	/* The arguments may have changed between the two, if others can write to them. */
	int length = vsnprintf(text, size + 1, format, list);
	int rc = length < 0 || (size_t)length != size ? WEFT_EINVAL : 0;
	if (rc == 0 && !wf_utf8_valid(text, size)) rc = -EILSEQ;
	if (rc != 0) {
		wf_free(m);
		return rc;
	}
	wf_message_seal(m, size, false);
	*out = m;
	return 0;
}

int weft_message_vprint(weft_message **out, const char *format, va_list list)
{
	char text[PRINT_ON_STACK];
	va_list again;
	va_copy(again, list);
	int length = vsnprintf(text, sizeof text, format, list);
	int rc;
	if (length < 0)
		rc = WEFT_EINVAL;
	else if ((size_t)length < sizeof text)
		rc = weft_message_new(text, (size_t)length, false, out);
	else
		rc = print_long(out, (size_t)length, format, again);
	va_end(again);
	return rc;
}

int weft_message_print(weft_message **out, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int rc = weft_message_vprint(out, format, list);
	va_end(list);
	return rc;
}

/* Relaxed: a new reference is made from one that keeps the message alive. */
weft_message *weft_message_ref(const weft_message *m)
{
	weft_message *message = (weft_message *)m;
	__atomic_fetch_add(&message->refs, 1, __ATOMIC_RELAXED);
	return message;
}

/* Release, so that what this holder read was read before the memory goes; acquire, so that whoever
 * frees comes after them all. */
void weft_message_unref(weft_message *m)
{
	if (m == NULL) return;
	if (__atomic_fetch_sub(&m->refs, 1, __ATOMIC_ACQ_REL) == 1) wf_free(m);
}

const char *weft_message_text(const weft_message *m)
{
	return m->bytes + WF_MESSAGE_HEADER;
}

size_t weft_message_size(const weft_message *m)
{
	return m->size;
}

bool weft_message_binary(const weft_message *m)
{
	return m->binary;
}
