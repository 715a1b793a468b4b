/* The writer counts every byte and stores those that fit, so that one pass both measures and
 * writes. Texts are copied in runs: valid UTF-8 that needs no escape goes as it is. */
#include "net/http/field.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <weft/error.h>

#include "net/http/number.h"
#include "net/http/utf8_check.h"

enum { KIND_END, KIND_TEXT, KIND_I64, KIND_REAL, KIND_BOOL, KIND_NULL, KIND_OBJECT, KIND_ARRAY };

typedef struct writer {
	char *buffer;
	size_t size, need;
} writer;

weft_field weft_text(const char *name, const char *value)
{
	return (
		weft_field){ .name = name, .kind = value != NULL ? KIND_TEXT : KIND_NULL, .text = value };
}

weft_field weft_i64(const char *name, int64_t value)
{
	return (weft_field){ .name = name, .kind = KIND_I64, .i64 = value };
}

weft_field weft_real(const char *name, double value)
{
	return (weft_field){ .name = name, .kind = KIND_REAL, .real = value };
}

weft_field weft_bool(const char *name, bool value)
{
	return (weft_field){ .name = name, .kind = KIND_BOOL, .i64 = value };
}

weft_field weft_null(const char *name)
{
	return (weft_field){ .name = name, .kind = KIND_NULL };
}

weft_field weft_object_list(const char *name, const weft_field *fields)
{
	return (weft_field){ .name = name, .kind = KIND_OBJECT, .fields = fields };
}

weft_field weft_array_list(const char *name, const weft_field *elements)
{
	return (weft_field){ .name = name, .kind = KIND_ARRAY, .fields = elements };
}

static void put(writer *w, const char *data, size_t size)
{
	size_t room = w->need < w->size ? w->size - w->need : 0;
	size_t fits = size < room ? size : room;
	if (fits > 0) memcpy(w->buffer + w->need, data, fits);
	w->need += size;
}

static void put_char(writer *w, char c)
{
	put(w, &c, 1);
}

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static void put_escape(writer *w, uint8_t c)
{
	static const char hex[] = "0123456789abcdef", short_forms[] = "\b\f\n\r\t\"\\",
					  names[] = "bfnrt\"\\";
	const char *form = c != '\0' ? strchr(short_forms, c) : NULL;
	if (form != NULL) {
		put(w, (char[]){ '\\', names[form - short_forms] }, 2);
	} else {
		put(w, (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
	}
}

/* Valid UTF-8. */
static void put_valid(writer *w, const char *text, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t run = at;
		while (run < size && is_plain((uint8_t)text[run])) run++;
		put(w, text + at, run - at);
		if (run < size) put_escape(w, (uint8_t)text[run++]);
		at = run;
	}
}

static void put_text(writer *w, const char *text, size_t size)
{
	put_char(w, '"');
	for (size_t at = 0; at < size;) {
		size_t valid = wf_utf8_prefix(text + at, size - at);
		put_valid(w, text + at, valid);
		at += valid;
		if (at == size) break;
		put(w, "\xEF\xBF\xBD", 3);
		at += wf_utf8_ill_formed(text + at, size - at);
	}
	put_char(w, '"');
}

static void put_i64(writer *w, int64_t value)
{
	char digits[24];
	int size = snprintf(digits, sizeof digits, "%lld", (long long)value);
	put(w, digits, (size_t)size);
}

static void put_real(writer *w, double value)
{
	char digits[WF_NUMBER_ROOM];
	if (!isfinite(value))
		put(w, "null", 4);
	else
		put(w, digits, wf_number_write(value, digits));
}

static int put_list(writer *w, const weft_field *fields, int kind, int depth);

static int put_value(writer *w, const weft_field *field, int depth)
{
	switch (field->kind) {
	case KIND_TEXT:
		put_text(w, field->text, strlen(field->text));
		return 0;
	case KIND_I64:
		put_i64(w, field->i64);
		return 0;
	case KIND_REAL:
		put_real(w, field->real);
		return 0;
	case KIND_BOOL:
		put(w, field->i64 ? "true" : "false", field->i64 ? 4 : 5);
		return 0;
	case KIND_OBJECT:
	case KIND_ARRAY:
		return put_list(w, field->fields, field->kind, depth + 1);
	default:
		wf_assert(field->kind == KIND_NULL);
		put(w, "null", 4);
		return 0;
	}
}

/* Goes one frame deeper for each level, of which there are WF_FIELD_DEPTH_MAX at most. */
static int put_list(writer *w, const weft_field *fields, int kind, int depth)
{
	bool object = kind == KIND_OBJECT;
	if (depth > WF_FIELD_DEPTH_MAX) return WEFT_EINVAL;
	put_char(w, object ? '{' : '[');
	for (const weft_field *f = fields; f != NULL && f->kind != KIND_END; f++) {
		if (f != fields) put_char(w, ',');
		if (object) {
			put_text(w, f->name, f->name != NULL ? strlen(f->name) : 0);
			put_char(w, ':');
		}
		int rc = put_value(w, f, depth);
		if (rc != 0) return rc;
	}
	put_char(w, object ? '}' : ']');
	return 0;
}

int wf_field_write(const weft_field *fields, char *buffer, size_t size, size_t *need)
{
	writer w = { .buffer = buffer, .size = buffer != NULL ? size : 0 };
	int rc = put_list(&w, fields, KIND_OBJECT, 1);
	if (rc == 0) *need = w.need;
	return rc;
}

void wf_field_write_text(
	const char *text, size_t text_size, char *buffer, size_t size, size_t *need)
{
	writer w = { .buffer = buffer, .size = buffer != NULL ? size : 0 };
	put_text(&w, text, text_size);
	*need = w.need;
}
