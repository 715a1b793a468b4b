/* Paths and queries. See uri.h for the order in which they are to be used. */
#include "net/http/uri.h"
#include "net/http/http_scan.h"

#include <weft/error.h>

static int hex_value(char byte)
{
	int letter = byte | 0x20;
	return letter >= 'a' ? letter - 'a' + 10 : byte - '0';
}

/* The byte that "%41" at `at` names, or WEFT_EINVAL. */
static int escape_value(const char *at, const char *end)
{
	if (end - at < 3) return WEFT_EINVAL;
	if (!wf_byte_is(at[1], WF_BYTE_HEX) || !wf_byte_is(at[2], WF_BYTE_HEX)) return WEFT_EINVAL;
	int value = hex_value(at[1]) << 4 | hex_value(at[2]);
	return value != 0 ? value : WEFT_EINVAL;
}

static bool is_unreserved(int byte)
{
	int letter = byte | 0x20;
	return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
		   byte == '.' || byte == '_' || byte == '~';
}

/* Whether there is no escape, and no segment that begins with a dot. */
static bool is_normal(const char *path, size_t size)
{
	char before = '/';
	for (size_t i = 0; i < size; i++) {
		if (path[i] == '%' || (path[i] == '.' && before == '/')) return false;
		before = path[i];
	}
	return true;
}

static int normalise_escapes(char *path, size_t *size)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = path, *end = path + *size;
	char *out = path;
	while (at < end) {
		if (*at != '%') {
			*out++ = *at++;
			continue;
		}
		int value = escape_value(at, end);
		if (value < 0) return value;
		at += 3;
		if (is_unreserved(value)) {
			*out++ = (char)value;
			continue;
		}
		*out++ = '%';
		*out++ = digits[value >> 4];
		*out++ = digits[value & 15];
	}
	*size = (size_t)(out - path);
	return 0;
}

/* Each turn takes one segment with the slash before it. `out` never overtakes `at`. */
static int remove_dots(char *path, size_t *size)
{
	const char *at = path, *end = path + *size, *segment;
	size_t segment_size;
	char *out = path;
	while (wf_uri_segment_next(&at, end, &segment, &segment_size)) {
		bool last = at == end;
		bool one = segment_size == 1 && segment[0] == '.';
		bool two = segment_size == 2 && segment[0] == '.' && segment[1] == '.';
		if (two) {
			if (out == path) return WEFT_EINVAL;
			while (*--out != '/') continue;
		}
		if (one || two) {
			if (last) *out++ = '/';
			continue;
		}
		*out++ = '/';
		memmove(out, segment, segment_size);
		out += segment_size;
	}
	*size = (size_t)(out - path);
	return 0;
}

int wf_uri_path_normalise(char *path, size_t *size)
{
	if (*size == 0 || *path != '/') return WEFT_EINVAL;
	if (is_normal(path, *size)) return 0;
	size_t left = *size;
	int rc = normalise_escapes(path, &left);
	if (rc == 0) rc = remove_dots(path, &left);
	if (rc == 0) *size = left;
	return rc;
}

int wf_uri_decode(const char *text, size_t size, bool plus, char *out, size_t *out_size)
{
	const char *at = text, *end = text + size;
	char *to = out;
	while (at < end) {
		if (*at == '%') {
			int value = escape_value(at, end);
			if (value < 0) return value;
			*to++ = (char)value;
			at += 3;
			continue;
		}
		if (*at == '\0') return WEFT_EINVAL;
		*to++ = plus && *at == '+' ? ' ' : *at;
		at++;
	}
	*out_size = (size_t)(to - out);
	return 0;
}

bool wf_uri_segment_next(
	const char **at, const char *end, const char **segment, size_t *segment_size)
{
	if (*at == end) return false;
	const char *from = *at + 1, *to = from;
	while (to < end && *to != '/') to++;
	*segment = from;
	*segment_size = (size_t)(to - from);
	*at = to;
	return true;
}

bool wf_uri_query_next(const char **at, const char *end, wf_uri_pair *pair)
{
	while (*at < end && **at == '&') ++*at;
	if (*at == end) return false;
	const char *from = *at, *to = from, *equals = NULL;
	for (; to < end && *to != '&'; to++)
		if (*to == '=' && equals == NULL) equals = to;
	if (equals == NULL) equals = to;
	pair->name = from;
	pair->name_size = (size_t)(equals - from);
	pair->value = equals < to ? equals + 1 : to;
	pair->value_size = (size_t)(to - pair->value);
	*at = to;
	return true;
}

/* Whether `text`, decoded, is `plain`. */
static bool decodes_to(const char *text, size_t size, const char *plain)
{
	const char *at = text, *end = text + size;
	for (; at < end && *plain != '\0'; plain++) {
		int byte = *at == '+' ? ' ' : (unsigned char)*at;
		if (*at == '%') {
			byte = escape_value(at, end);
			if (byte < 0) return false;
			at += 2;
		}
		at++;
		if (byte != (unsigned char)*plain) return false;
	}
	return at == end && *plain == '\0';
}

bool wf_uri_query_find(const char *query, size_t size, const char *name, wf_uri_pair *pair)
{
	const char *at = query;
	wf_uri_pair each;
	while (wf_uri_query_next(&at, query + size, &each)) {
		if (!decodes_to(each.name, each.name_size, name)) continue;
		*pair = each;
		return true;
	}
	return false;
}
