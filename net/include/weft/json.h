/* JSON that arrived (RFC 8259), read by path: weft_json_i64(json, "user.id", &id).
 *
 * A path is names and positions with dots between: "items.3.name". "" is the value itself. A name
 * that holds a dot is reached by weft_json_member.
 *
 * The reader is strict: valid UTF-8 without a byte order mark, no comments, no trailing commas, no
 * half surrogate pairs, no numbers beyond a double. A name that comes twice in one object is
 * refused, since two readers would differ about what it says. Values nest 64 deep at most.
 *
 * All getters return 0, or WEFT_EBADJSON when the value is missing or of another type, and then
 * leave the outputs alone. As a handler's result that is a 400 which names the path; what it says
 * comes from weft_json_complaint.
 *
 * Thread: a document belongs to one user at a time, for reading too (it keeps the complaint). */
#ifndef WEFT_JSON_H
#define WEFT_JSON_H
#include <weft/error.h>
WEFT_BEGIN
typedef struct weft_json weft_json;

typedef enum weft_json_kind {
	WEFT_JSON_MISSING,
	WEFT_JSON_NULL,
	WEFT_JSON_BOOL,
	WEFT_JSON_NUMBER,
	WEFT_JSON_TEXT,
	WEFT_JSON_ARRAY,
	WEFT_JSON_OBJECT
} weft_json_kind;

/* Never fails: what is not there is MISSING. For optional members. */
WEFT_API weft_json_kind weft_json_kind_of(const weft_json *json, const char *path);

/* A whole number that fits, however it is written: 1, 1.0 and 1e0 alike. With a point or an
 * exponent it is the nearest double that counts, and it must lie below 2^53, where doubles are
 * still exact. */
WEFT_API WEFT_MUST int weft_json_i64(const weft_json *json, const char *path, int64_t *out);
/* Any number, rounded to the nearest double. */
WEFT_API WEFT_MUST int weft_json_real(const weft_json *json, const char *path, double *out);
WEFT_API WEFT_MUST int weft_json_bool(const weft_json *json, const char *path, bool *out);
/* The text without its escapes, valid UTF-8, NUL-ended; it lives as long as the document. A text
 * that holds U+0000 itself would look cut off and is refused: see weft_json_text_size. */
WEFT_API WEFT_MUST int weft_json_text(const weft_json *json, const char *path, const char **out);
/* The same for texts that may hold U+0000, with their size in bytes. */
WEFT_API WEFT_MUST int weft_json_text_size(
	const weft_json *json, const char *path, const char **out, size_t *size);
/* How many elements an array has, or members an object. */
WEFT_API WEFT_MUST int weft_json_count(const weft_json *json, const char *path, size_t *out);
/* The value itself, of any type, for going on from there; it lives as long as the document. */
WEFT_API WEFT_MUST int weft_json_at(const weft_json *json, const char *path, const weft_json **out);
/* The member of exactly that name. */
WEFT_API WEFT_MUST int weft_json_member(
	const weft_json *json, const char *name, const weft_json **out);

/* One after the other, in the order of the text: the first element or member of an array or object,
 * and the one after a value; NULL when there is none. A position in a path is counted from the
 * start each time, so this is the way through a long array. */
WEFT_API const weft_json *weft_json_first(const weft_json *json);
WEFT_API const weft_json *weft_json_next(const weft_json *json);
/* The name of a member; NULL for an element or a whole document. */
WEFT_API const char *weft_json_name(const weft_json *json);

/* What the last getter that failed on this document had to say, such as "user.id: missing" or
 * "items.3: not a whole number"; "" when none did. Until the next one. */
WEFT_API const char *weft_json_complaint(const weft_json *json);

/* Where and why a text is no JSON; `text` is a constant. */
typedef struct weft_json_error {
	size_t at; /* in bytes from the start */
	const char *text;
} weft_json_error;

/* Reads a text that did not come as a request's body, a WebSocket message perhaps. On success
 * `*out` is the caller's, to be given to weft_json_free; it keeps nothing of `text`. `error` may
 * be NULL; it is set for WEFT_EBADJSON only. At most 65,536 values are read.
 * Errors: WEFT_EBADJSON, WEFT_ENOMEM. Thread: any. */
WEFT_API WEFT_MUST int weft_json_parse(
	const char *text, size_t size, weft_json **out, weft_json_error *error);
/* Takes what weft_json_parse gave, or NULL. */
WEFT_API void weft_json_free(weft_json *json);
WEFT_END
#endif
