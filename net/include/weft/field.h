/* JSON to be sent, as typed fields: weft_text("name", name), weft_i64("id", id). What is written
 * is always valid JSON, whatever the values hold.
 *
 *   weft_reply_json(rq, 200, weft_i64("id", 7),
 *       weft_object("user", weft_text("name", name), weft_bool("admin", false)),
 *       weft_array("tags", weft_text(NULL, "new"), weft_text(NULL, "red")));
 *
 * A field points to its texts and to the fields inside it; nothing is copied until it is written.
 * The lists that the macros make live until the end of the block they stand in (C) or of the whole
 * expression (C++). Thread: any. */
#ifndef WEFT_FIELD_H
#define WEFT_FIELD_H
#include <weft/api.h>
WEFT_BEGIN

/* Made by the functions below only; all-zero ends a list. A value type: no C++ defaults, or Clang
 * refuses it as a C result. */
typedef struct weft_field {
	const char *name;
	const char *text;
	const struct weft_field *fields;
	int64_t i64;
	double real;
	int kind;
} weft_field;

/* The names, and the texts, are UTF-8; each piece that is not becomes U+FFFD. The name of an
 * element of an array is not written and may be NULL; so may that of an object's field, which is
 * then "". A NULL text is written as null. */
WEFT_API weft_field weft_text(const char *name, const char *value);
/* Readers in JavaScript keep whole numbers exact up to 2^53 only; larger ones go as text. */
WEFT_API weft_field weft_i64(const char *name, int64_t value);
/* Written so that it reads back as the same double. JSON has no word for infinity and NaN: null. */
WEFT_API weft_field weft_real(const char *name, double value);
WEFT_API weft_field weft_bool(const char *name, bool value);
WEFT_API weft_field weft_null(const char *name);

/* Fields inside: weft_object("user", weft_text("name", name), …). They nest 64 deep at most. */
#define weft_object(...) WEFT_OBJECT_(__VA_ARGS__, )
#define weft_array(...)  WEFT_ARRAY_(__VA_ARGS__, )
/* For lists made at run time: an array of fields whose last one is all-zero. NULL is none. */
WEFT_API weft_field weft_object_list(const char *name, const weft_field *fields);
WEFT_API weft_field weft_array_list(const char *name, const weft_field *elements);

#define WEFT_OBJECT_(name, ...) weft_object_list(name, WEFT_LIST(weft_field, __VA_ARGS__))
#define WEFT_ARRAY_(name, ...)  weft_array_list(name, WEFT_LIST(weft_field, __VA_ARGS__))
WEFT_END
#endif
