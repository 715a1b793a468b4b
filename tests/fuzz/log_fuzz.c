/* Whatever a stranger gets into a log record, it stays one line of valid UTF-8 that does nothing to
 * a terminal. The first byte says how long the line may get; the rest is message, value and text,
 * one a line. */
#include "context/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <weft/log.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *line, size_t length, size_t room)
{
	uint32_t c;
	if (length == 0 || length > room || line[length - 1] != '\n') abort();
	for (size_t at = 0; at < length - 1;) {
		size_t taken = wf_utf8_decode(line + at, length - at, &c);
		if (taken == 0 || wf_utf8_is_control(c)) abort();
		at += taken;
	}
}

/* Quotes open and close, and the braces are the outermost. */
static void check_json(const char *line, size_t length)
{
	bool quoted = false;
	if (line[0] != '{' || line[length - 2] != '}') abort();
	for (size_t i = 1; i < length - 2; i++) {
		if (line[i] == '\\' && quoted) {
			i++;
		} else if (line[i] == '"') {
			quoted = !quoted;
		}
	}
	if (quoted) abort();
}

static size_t take_line(const char **text, size_t *left)
{
	const char *end = *left ? memchr(*text, '\n', *left) : NULL;
	size_t length = end ? (size_t)(end - *text) : *left;
	*text += length + (end != NULL);
	*left -= length + (end != NULL);
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char line[WEFT_LOG_LINE_MIN + 255];
	char message[256], key[32];
	if (size == 0) return 0;
	size_t room = WEFT_LOG_LINE_MIN + data[0], left = size - 1;
	const char *text = (const char *)data + 1, *from = text;
	size_t length = take_line(&text, &left);
	if (length >= sizeof(message)) length = sizeof(message) - 1;
	memcpy(message, from, length);
	message[length] = '\0';
	from = text;
	length = take_line(&text, &left);
	if (length >= sizeof(key)) length = sizeof(key) - 1;
	memcpy(key, from, length);
	key[length] = '\0';
	const weft_log_field fields[] = { weft_log_bytes(key, text, left), weft_log_real("r", 0.1),
		weft_log_text(key, message), { .key = NULL } };
	weft_log_record record = { .size = sizeof(record),
		.level = WEFT_LOG_INFO,
		.message = message,
		.fields = fields,
		.request_id = "req-1",
		.trace_id = "0af7651916cd43dd8448eb211c80319c",
		.span_id = "b7ad6b7169203331",
		.trace_flags = 1 };
	length = weft_log_format_text(&record, line, room);
	check_line(line, length, room);
	length = weft_log_format_json(&record, line, room);
	check_line(line, length, room);
	check_json(line, length);
	return 0;
}
