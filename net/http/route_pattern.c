/* Patterns are parsed into one block of memory: the pattern with what no target may hold escaped,
 * brought to its one spelling, then cut into segments in place. */
#include "net/http/route_pattern.h"
#include "net/http/http_scan.h"
#include "net/http/uri.h"

#include "context/alloc.h"

#include <weft/error.h>

/* Escapes what a request target cannot hold ("/café" arrives as "/caf%C3%A9"), and '?', which would
 * end the path. */
static size_t escape(const char *text, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	char *at = out;
	for (; *text != '\0'; text++) {
		unsigned byte = (unsigned char)*text;
		if (wf_byte_is(*text, WF_BYTE_TARGET) && byte != '?') {
			*at++ = *text;
			continue;
		}
		*at++ = '%';
		*at++ = digits[byte >> 4];
		*at++ = digits[byte & 15];
	}
	return (size_t)(at - out);
}

static bool is_name(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		bool letter = (text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z';
		bool digit = wf_byte_is(text[i], WF_BYTE_DIGIT);
		if (!letter && text[i] != '_' && (i == 0 || !digit)) return false;
	}
	return size > 0;
}

/* "{name}" or "{name...}", between its braces. */
static const char *parse_parameter(wf_route_pattern *pattern, char *text, size_t size)
{
	wf_route_segment *segment = &pattern->segments[pattern->segment_count];
	segment->kind = WF_SEGMENT_PARAMETER;
	if (size > 3 && memcmp(text + size - 3, "...", 3) == 0) {
		segment->kind = WF_SEGMENT_REST;
		size -= 3;
	}
	if (!is_name(text, size)) return "a parameter's name is made of letters, digits and '_'";
	for (uint32_t i = 0; i < pattern->segment_count; i++) {
		const wf_route_segment *other = &pattern->segments[i];
		if (other->kind == WF_SEGMENT_TEXT || other->size != size) continue;
		if (memcmp(other->text, text, size) == 0) return "two parameters have the same name";
	}
	text[size] = '\0';
	segment->text = text;
	segment->size = size;
	pattern->parameter_count++;
	return NULL;
}

/* NULL or what is wrong. The byte behind the segment may be overwritten when it is a brace. */
static const char *parse_segment(wf_route_pattern *pattern, char *text, size_t size)
{
	wf_route_segment *segment = &pattern->segments[pattern->segment_count];
	if (size >= 2 && text[0] == '{' && text[size - 1] == '}')
		return parse_parameter(pattern, text + 1, size - 2);
	if (memchr(text, '{', size) != NULL || memchr(text, '}', size) != NULL)
		return "a parameter is a whole segment, {name} or at the end {name...}";
	*segment = (wf_route_segment){ WF_SEGMENT_TEXT, text, size };
	return NULL;
}

static int parse_segments(wf_route_pattern *pattern, size_t size, const char **why)
{
	char *at = pattern->memory, *end = at + size;
	bool ended = false;
	pattern->segment_count = pattern->parameter_count = 0;
	while (at < end) {
		char *segment = at + 1;
		for (at = segment; at < end && *at != '/';) at++;
		*why = "too many segments or parameters";
		if (pattern->segment_count == WF_ROUTER_SEGMENTS) return WEFT_EFULL;
		if (pattern->parameter_count == WF_ROUTER_PARAMETERS) return WEFT_EFULL;
		*why = ended ? "{name...} is not at the end"
					 : parse_segment(pattern, segment, (size_t)(at - segment));
		if (*why != NULL) return WEFT_EINVAL;
		ended = pattern->segments[pattern->segment_count++].kind == WF_SEGMENT_REST;
	}
	return 0;
}

int wf_route_pattern_parse(const char *text, wf_route_pattern *pattern, const char **why)
{
	*why = "a pattern begins with '/'";
	if (text == NULL || text[0] != '/') return WEFT_EINVAL;
	pattern->memory = wf_alloc(3 * strlen(text) + 1);
	*why = "out of memory";
	if (pattern->memory == NULL) return WEFT_ENOMEM;
	size_t size = escape(text, pattern->memory);
	*why = "an escape is broken or '..' leads above the root";
	int rc = wf_uri_path_normalise(pattern->memory, &size);
	if (rc == 0) rc = parse_segments(pattern, size, why);
	if (rc == 0) return 0;
	wf_free(pattern->memory);
	pattern->memory = NULL;
	return rc;
}
