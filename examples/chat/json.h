/* Writes one JSON object into memory that grows: what the chat says.
 *
 *     chat_json_begin(&j, "ack");
 *     chat_json_i64(&j, "id", 7);
 *     const char *text = chat_json_end(&j);     {"type":"ack","id":7}
 *
 * Out of memory is remembered, and told by chat_json_end. A zeroed one is ready; it can be used
 * again and again. Not for several threads at once. */
#ifndef CHAT_JSON_H
#define CHAT_JSON_H

#include <weft/error.h>

WEFT_BEGIN

typedef struct chat_json {
	char *text;
	size_t length, room;
	bool failed;
} chat_json;

/* Forgets what was there and starts an object; `type` may be NULL. */
void chat_json_begin(chat_json *j, const char *type);
/* Opens a list ('[') or an object ('{') called `name`, NULL inside a list; the bracket that closes
 * it is the same one. */
void chat_json_open(chat_json *j, const char *name, char bracket);
void chat_json_close(chat_json *j, char bracket);
void chat_json_text(chat_json *j, const char *name, const char *value);
void chat_json_i64(chat_json *j, const char *name, int64_t value);
void chat_json_bool(chat_json *j, const char *name, bool value);
/* Ends the object; valid until the next use of `j`. NULL when memory ran out. */
const char *chat_json_end(chat_json *j);
/* Gives the memory back; zeroed afterwards. */
void chat_json_fini(chat_json *j);

WEFT_END
#endif
