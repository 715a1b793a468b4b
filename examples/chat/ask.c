/* A recursive descent over the bytes; `at` only ever moves forward, and never beyond `end`. Strings
 * are written into the caller's buffer: unescaped they are never longer than as they were read. */
#include "ask.h"

#include <string.h>

enum { deepest = 8, digits_most = 15 }; /* 15 digits are exact in every JSON reader */

typedef struct reader {
	const char *at, *end;
	char *buffer;
} reader;

static void skip_space(reader *r)
{
	while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL && *r->at != '\0') r->at++;
}

static bool take(reader *r, char c)
{
	skip_space(r);
	if (r->at == r->end || *r->at != c) return false;
	r->at++;
	return true;
}

static int hex_of(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	if (c >= 'A' && c <= 'F') return c - 'A' + 10;
	return -1;
}

/* Four digits behind "\u"; -1 when they are not. */
static int32_t take_hex(reader *r)
{
	int32_t value = 0;
	if (r->end - r->at < 4) return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_of(*r->at++);
		if (digit < 0) return -1;
		value = value * 16 + digit;
	}
	return value;
}

static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* A pair of surrogates is one character; half of one is none, and neither is NUL. */
static bool take_unicode(reader *r, char **to)
{
	int32_t c = take_hex(r);
	if (c <= 0 || (c >= 0xdc00 && c <= 0xdfff)) return false;
	if (c >= 0xd800 && c <= 0xdbff) {
		if (r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u') return false;
		r->at += 2;
		int32_t low = take_hex(r);
		if (low < 0xdc00 || low > 0xdfff) return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	*to = put_utf8(*to, (uint32_t)c);
	return true;
}

static bool take_escape(reader *r, char **to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	if (r->at == r->end) return false;
	char c = *r->at++;
	if (c == 'u') return take_unicode(r, to);
	const char *found = c == '\0' ? NULL : strchr(from, c);
	if (found == NULL) return false;
	*(*to)++ = into[found - from];
	return true;
}

static bool take_string(reader *r, const char **out)
{
	if (!take(r, '"')) return false;
	char *to = r->buffer;
	while (r->at < r->end && *r->at != '"') {
		unsigned char c = (unsigned char)*r->at++;
		if (c < 0x20) return false;
		if (c != '\\')
			*to++ = (char)c;
		else if (!take_escape(r, &to))
			return false;
	}
	if (r->at == r->end) return false;
	r->at++;
	*to++ = '\0'; /* where the closing quote was, at the latest */
	*out = r->buffer;
	r->buffer = to;
	return true;
}

static size_t take_digits(reader *r)
{
	const char *start = r->at;
	while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
	return (size_t)(r->at - start);
}

/* A number by the grammar; *out is -1 unless it is a whole one from 0 with few digits. */
static bool take_number(reader *r, int64_t *out)
{
	skip_space(r);
	const char *start = r->at;
	bool whole = true;
	int64_t value = 0;
	if (r->at < r->end && *r->at == '-') r->at++, whole = false;
	const char *first = r->at;
	size_t digits = take_digits(r);
	if (digits == 0 || (digits > 1 && *first == '0')) return false;
	if (r->at < r->end && *r->at == '.') {
		r->at++, whole = false;
		if (take_digits(r) == 0) return false;
	}
	if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
		r->at++, whole = false;
		if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
		if (take_digits(r) == 0) return false;
	}
	whole = whole && digits <= digits_most;
	for (const char *c = start; whole && c < r->at; c++) value = value * 10 + (*c - '0');
	*out = whole ? value : -1;
	return true;
}

static bool take_word(reader *r, const char *word)
{
	size_t size = strlen(word);
	if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0) return false;
	r->at += size;
	return true;
}

static bool skip_value(reader *r, int depth);

static bool skip_inside(reader *r, int depth, char close)
{
	const char *name;
	if (depth == deepest) return false;
	if (take(r, close)) return true;
	do {
		if (close == '}' && !(take_string(r, &name) && take(r, ':'))) return false;
		if (!skip_value(r, depth + 1)) return false;
	} while (take(r, ','));
	return take(r, close);
}

static bool skip_value(reader *r, int depth)
{
	const char *text;
	int64_t number;
	skip_space(r);
	if (r->at == r->end) return false;
	switch (*r->at) {
	case '{':
		r->at++;
		return skip_inside(r, depth, '}');
	case '[':
		r->at++;
		return skip_inside(r, depth, ']');
	case '"':
		return take_string(r, &text);
	case 't':
		return take_word(r, "true");
	case 'f':
		return take_word(r, "false");
	case 'n':
		return take_word(r, "null");
	default:
		return take_number(r, &number);
	}
}

/* A known field of the wrong type counts as missing: the kind it is needed for will say so. */
static bool take_field(reader *r, chat_ask *ask, const char **type)
{
	const char *name, **text = NULL;
	int64_t *number = NULL;
	if (!take_string(r, &name) || !take(r, ':')) return false;
	if (strcmp(name, "type") == 0) text = type;
	if (strcmp(name, "key") == 0) text = &ask->key;
	if (strcmp(name, "text") == 0) text = &ask->text;
	if (strcmp(name, "id") == 0) number = &ask->id;
	if (strcmp(name, "after") == 0) number = &ask->after;
	if (strcmp(name, "before") == 0) number = &ask->before;
	skip_space(r);
	bool quoted = r->at < r->end && *r->at == '"';
	bool digit = r->at < r->end && *r->at >= '0' && *r->at <= '9';
	if (text != NULL && quoted) return take_string(r, text);
	if (number != NULL && digit) return take_number(r, number);
	return skip_value(r, 1);
}

static bool take_object(reader *r, chat_ask *ask, const char **type)
{
	if (!take(r, '{')) return false;
	if (!take(r, '}')) {
		do {
			if (!take_field(r, ask, type)) return false;
		} while (take(r, ','));
		if (!take(r, '}')) return false;
	}
	skip_space(r);
	return r->at == r->end;
}

/* What is missing for the kind, or NULL. */
static const char *missing(const chat_ask *ask)
{
	switch (ask->kind) {
	case CHAT_SAY:
		if (!chat_token_fine(ask->key, 1)) return "`say` needs a key of letters, digits, - and _";
		return ask->text == NULL ? "`say` needs a text" : NULL;
	case CHAT_HISTORY:
		return (ask->after < 0) == (ask->before <= 0) ? "`history` needs after or before" : NULL;
	case CHAT_SEEN:
		return ask->id < 0 ? "`seen` needs an id" : NULL;
	case CHAT_MEMBERS:
	case CHAT_TYPING:
	case CHAT_PING:
		break;
	}
	return NULL;
}

static int refuse(const char **why, const char *text)
{
	*why = text;
	return WEFT_EBADJSON;
}

int chat_ask_read(const char *json, size_t size, char *buffer, chat_ask *out, const char **why)
{
	static const char *const kinds[] = { [CHAT_SAY] = "say",
		[CHAT_HISTORY] = "history",
		[CHAT_MEMBERS] = "members",
		[CHAT_SEEN] = "seen",
		[CHAT_TYPING] = "typing",
		[CHAT_PING] = "ping" };
	reader r = { json, json + size, buffer };
	chat_ask ask = { .id = -1, .after = -1, .before = -1 };
	const char *type = NULL;

	if (!take_object(&r, &ask, &type)) return refuse(why, "that was no JSON object");
	if (type == NULL) return refuse(why, "there is no type");
	size_t kind = 0;
	while (kind < WEFT_COUNT(kinds) && strcmp(kinds[kind], type) != 0) kind++;
	if (kind == WEFT_COUNT(kinds)) return refuse(why, "there is no such type");
	ask.kind = (enum chat_ask_kind)kind;
	const char *lacks = missing(&ask);
	if (lacks != NULL) return refuse(why, lacks);
	*out = ask;
	return 0;
}

static bool only(const char *text, const char *allowed, size_t least, size_t most)
{
	if (text == NULL) return false;
	size_t size = strlen(text);
	return size >= least && size <= most && strspn(text, allowed) == size;
}

bool chat_room_fine(const char *room)
{
	return only(room, "abcdefghijklmnopqrstuvwxyz0123456789-_", 1, CHAT_ROOM_MAX);
}

bool chat_token_fine(const char *token, size_t least)
{
	return only(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", least,
		CHAT_KEY_MAX);
}

bool chat_name_fine(const char *name)
{
	size_t size = name ? strlen(name) : 0;
	if (size == 0 || size > CHAT_NAME_MAX || name[0] == ' ' || name[size - 1] == ' ') return false;
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)name[i];
		if (c < 0x20 || c == 0x7f) return false;
		if (c == 0xc2 && (unsigned char)name[i + 1] < 0xa0) return false; /* C1 controls */
	}
	return true;
}

bool chat_text_empty(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}
