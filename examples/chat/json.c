/* A comma is due wherever the last byte neither opens something nor is nothing: no state but the
 * text itself. One byte is always kept free for the NUL. */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { room_least = 256 };

static void add(chat_json *j, const char *bytes, size_t size)
{
	if (j->failed) return;
	if (j->room - j->length <= size) {
		size_t room = j->room < room_least ? room_least : j->room;
		while (room - j->length <= size) room *= 2;
		char *text = realloc(j->text, room);
		if (text == NULL) {
			j->failed = true;
			return;
		}
		j->text = text;
		j->room = room;
	}
	memcpy(j->text + j->length, bytes, size);
	j->length += size;
}

/* Everything but quotes, backslashes and control characters stands for itself; the text is UTF-8.
 */
static void add_quoted(chat_json *j, const char *value)
{
	add(j, "\"", 1);
	while (*value != '\0') {
		size_t plain = 0;
		while ((unsigned char)value[plain] >= 0x20 && value[plain] != '"' && value[plain] != '\\')
			plain++;
		add(j, value, plain);
		value += plain;
		if (*value == '\0') break;
		char escape[8];
		int n = *value == '\n' ? snprintf(escape, sizeof escape, "\\n")
				: *value == '"' || *value == '\\'
					? snprintf(escape, sizeof escape, "\\%c", *value)
					: snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)*value);
		add(j, escape, (size_t)n);
		value++;
	}
	add(j, "\"", 1);
}

static void add_name(chat_json *j, const char *name)
{
	if (j->length > 0 && strchr("{[", j->text[j->length - 1]) == NULL) add(j, ",", 1);
	if (name == NULL) return;
	add_quoted(j, name);
	add(j, ":", 1);
}

void chat_json_begin(chat_json *j, const char *type)
{
	j->length = 0;
	j->failed = false;
	add(j, "{", 1);
	if (type != NULL) chat_json_text(j, "type", type);
}

void chat_json_open(chat_json *j, const char *name, char bracket)
{
	add_name(j, name);
	add(j, &bracket, 1);
}

void chat_json_close(chat_json *j, char bracket)
{
	add(j, bracket == '{' ? "}" : "]", 1);
}

void chat_json_text(chat_json *j, const char *name, const char *value)
{
	add_name(j, name);
	add_quoted(j, value);
}

void chat_json_i64(chat_json *j, const char *name, int64_t value)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%" PRId64, value);
	add_name(j, name);
	add(j, digits, (size_t)n);
}

void chat_json_bool(chat_json *j, const char *name, bool value)
{
	add_name(j, name);
	add(j, value ? "true" : "false", value ? 4 : 5);
}

const char *chat_json_end(chat_json *j)
{
	chat_json_close(j, '{');
	if (j->failed) return NULL;
	j->text[j->length] = '\0';
	return j->text;
}

void chat_json_fini(chat_json *j)
{
	free(j->text);
	*j = (chat_json){ .text = NULL };
}
