/* What a client of the chat may say, read from its JSON (docs/chat.md): a pure function over bytes
 * that allocates nothing.
 *
 * The object is read strictly (RFC 8259), twice-given names count by their last value, and what is
 * not known is skipped, so that a newer client can say more. Values deeper than eight brackets are
 * refused. */
#ifndef CHAT_ASK_H
#define CHAT_ASK_H

#include <weft/error.h>

WEFT_BEGIN

enum { CHAT_KEY_MAX = 64, CHAT_NAME_MAX = 64, CHAT_ROOM_MAX = 32, CHAT_TEXT_MAX = 16000 };

enum chat_ask_kind { CHAT_SAY, CHAT_HISTORY, CHAT_MEMBERS, CHAT_SEEN, CHAT_TYPING, CHAT_PING };

/* Strings end in NUL and lie in the buffer that was given. Fields that do not belong to the kind
 * are NULL or -1. */
typedef struct chat_ask {
	enum chat_ask_kind kind;
	const char *key, *text;
	int64_t id, after, before;
} chat_ask;

/* Reads `size` bytes of UTF-8. `buffer` has room for as many and must not be them. Returns 0, or
 * WEFT_EBADJSON and *why, a sentence. *out is untouched on failure. Thread: any. */
WEFT_MUST int chat_ask_read(
	const char *json, size_t size, char *buffer, chat_ask *out, const char **why);

/* The rules for the parts of an address and for keys; NULL is never fine. */
bool chat_room_fine(const char *room);
bool chat_name_fine(const char *name);
bool chat_token_fine(const char *token, size_t least);
/* Is there anything but white space? */
bool chat_text_empty(const char *text);

WEFT_END
#endif
