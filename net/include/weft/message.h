/* A message: a text or some bytes, shared by count and never changed.
 *
 * It is made once and sent to as many peers as there are: what goes on the wire is part of it. */
#ifndef WEFT_MESSAGE_H
#define WEFT_MESSAGE_H
#include <stdarg.h>
#include <weft/error.h>
WEFT_BEGIN

typedef struct weft_message weft_message;

/* The largest payload a message can be made of, in bytes. */
enum { WEFT_MESSAGE_MAX = 1 << 30 };

/* What a queue of messages does with one more than it holds. Whichever it is, it is counted. */
typedef enum weft_when_full {
	WEFT_DROP_OLDEST, /* throws away the one that has waited longest */
	WEFT_DROP_NEWEST, /* throws away the new one */
	WEFT_DISCONNECT,  /* throws away all of them, and ends the subscriber: it was too slow */
} weft_when_full;

/* A copy of `size` bytes; a text must be UTF-8. `*out` is one reference. Thread: any.
 * Errors: EILSEQ (no UTF-8), EMSGSIZE (above WEFT_MESSAGE_MAX), ENOMEM. */
WEFT_API WEFT_MUST int weft_message_new(
	const void *data, size_t size, bool binary, weft_message **out);

/* A text, formatted as printf does. Thread: any. Errors: as new; EINVAL (the format). */
WEFT_API WEFT_MUST int weft_message_print(weft_message **out, const char *format, ...)
	WEFT_PRINTF(2, 3);
WEFT_API WEFT_MUST int weft_message_vprint(weft_message **out, const char *format, va_list list)
	WEFT_PRINTF(2, 0);

/* To keep a message that somebody else holds: one more reference. Thread: any. */
WEFT_API weft_message *weft_message_ref(const weft_message *m);
/* The last one frees. Accepts NULL. Thread: any. */
WEFT_API void weft_message_unref(weft_message *m);

/* The payload, which ends in a NUL that does not count. Thread: any, for the three. */
WEFT_API const char *weft_message_text(const weft_message *m);
WEFT_API size_t weft_message_size(const weft_message *m);
/* It came, or was made, as bytes; otherwise it is UTF-8. */
WEFT_API bool weft_message_binary(const weft_message *m);

WEFT_END
#endif
