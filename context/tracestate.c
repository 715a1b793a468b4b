#include "context/tracestate.h"

#include <string.h>
#include <weft/error.h>

enum { key_max = 256, tenant_max = 241, system_max = 14, value_max = 256 };

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool starts_key(char c)
{
	return is_lower(c) || (c >= '0' && c <= '9');
}

static bool in_key(char c)
{
	return starts_key(c) || c == '_' || c == '-' || c == '*' || c == '/';
}

/* `tenant@system` (level 1, 3.3.1.3.1), `at` being the length of the tenant. */
static bool system_is_valid(const char *key, size_t length, size_t at)
{
	size_t system = length - at - 1;
	return at <= tenant_max && system > 0 && system <= system_max && is_lower(key[at + 1]);
}

static bool key_is_valid(const char *key, size_t length)
{
	size_t at = length;
	if (length == 0 || length > key_max || !starts_key(key[0])) return false;
	for (size_t i = 0; i < length; i++) {
		if (in_key(key[i])) continue;
		if (key[i] != '@' || at < length) return false;
		at = i;
	}
	return at == length || system_is_valid(key, length, at);
}

/* The caller has taken the blanks around it away, so the last character is no blank. */
static bool value_is_valid(const char *value, size_t length)
{
	if (length == 0 || length > value_max) return false;
	for (size_t i = 0; i < length; i++) {
		if (value[i] < ' ' || value[i] > '~' || value[i] == ',' || value[i] == '=') return false;
	}
	return true;
}

static bool parse_member(const char *text, size_t length, wf_tracestate_member *member)
{
	const char *equals = memchr(text, '=', length);
	if (equals == NULL) return false;
	size_t key_length = (size_t)(equals - text);
	*member = (wf_tracestate_member){ text, length, key_length };
	return key_is_valid(text, key_length) && value_is_valid(equals + 1, length - key_length - 1);
}

static size_t find(const wf_tracestate *list, const wf_tracestate_member *wanted)
{
	for (size_t i = 0; i < list->count; i++) {
		const wf_tracestate_member *m = &list->members[i];
		if (m->key_length == wanted->key_length &&
			memcmp(m->text, wanted->text, m->key_length) == 0)
			return i;
	}
	return list->count;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool append(wf_tracestate *list, const char *text, size_t length)
{
	wf_tracestate_member member;
	while (length > 0 && is_blank(text[0])) text++, length--;
	while (length > 0 && is_blank(text[length - 1])) length--;
	if (length == 0) return true;
	if (!parse_member(text, length, &member)) return false;
	if (list->count == WF_TRACESTATE_MEMBERS_MAX) return false;
	if (find(list, &member) < list->count) return false;
	list->members[list->count++] = member;
	return true;
}

void wf_tracestate_init(wf_tracestate *list)
{
	list->count = 0;
	list->invalid = false;
}

int wf_tracestate_add(wf_tracestate *list, const char *text, size_t length)
{
	while (!list->invalid) {
		const char *comma = length ? memchr(text, ',', length) : NULL;
		size_t here = comma ? (size_t)(comma - text) : length;
		list->invalid = !append(list, text, here);
		if (comma == NULL) break;
		text += here + 1;
		length -= here + 1;
	}
	if (!list->invalid) return 0;
	list->count = 0;
	return WEFT_EINVAL;
}

int wf_tracestate_put(wf_tracestate *list, const char *text, size_t length)
{
	wf_tracestate_member member;
	if (list->invalid || length == 0 || is_blank(text[length - 1])) return WEFT_EINVAL;
	if (!parse_member(text, length, &member)) return WEFT_EINVAL;
	size_t hole = find(list, &member);
	if (hole == list->count) {
		if (list->count < WF_TRACESTATE_MEMBERS_MAX) {
			list->count++;
		} else {
			hole--;
		}
	}
	memmove(&list->members[1], &list->members[0], hole * sizeof(member));
	list->members[0] = member;
	return 0;
}

/* Which members to send: bit i stands for member i. Each costs its length and a comma. */
static uint32_t choose(const wf_tracestate *list)
{
	uint32_t chosen = 0;
	size_t length = 0;
	for (size_t i = 0; i < list->count; i++) {
		chosen |= UINT32_C(1) << i;
		length += list->members[i].length + 1;
	}
	for (int pass = 0; pass < 2; pass++) {
		size_t longer_than = pass == 0 ? WF_TRACESTATE_MEMBER_LONG : 0;
		for (size_t i = list->count; i-- > 0 && length > WF_TRACESTATE_TEXT_MAX + 1;) {
			bool there = chosen >> i & 1;
			if (!there || list->members[i].length <= longer_than) continue;
			chosen &= ~(UINT32_C(1) << i);
			length -= list->members[i].length + 1;
		}
	}
	return chosen;
}

size_t wf_tracestate_format(const wf_tracestate *list, char text[WF_TRACESTATE_TEXT_MAX + 1])
{
	uint32_t chosen = choose(list);
	size_t length = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (!(chosen >> i & 1)) continue;
		if (length > 0) text[length++] = ',';
		memcpy(text + length, list->members[i].text, list->members[i].length);
		length += list->members[i].length;
	}
	text[length] = '\0';
	return length;
}
