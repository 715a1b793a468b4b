/* Records as lines. The ids stand at the end, where they do not get between a reader and the
 * message, yet must survive when the fields do not fit: so the end is written first, aside, and
 * message and fields get what it leaves. */
#include "context/line.h"
#include "context/log.h"

#include <math.h>
#include <string.h>
#include <weft/error.h>

typedef struct dialect {
	enum wf_line_style style;
	bool (*put_key)(wf_line *line, const char *key); /* with what parts it from the last one */
	void (*put_text)(wf_line *line, const char *text, size_t length);
	const char *closing; /* whatever the line, this fits behind a value that was cut */
	const char *truncated;
} dialect;

static const char *level_name(enum weft_log_level level)
{
	static const char *const names[] = { "debug", "debug", "info", "warning", "error" };
	return (unsigned)level < WEFT_COUNT(names) ? names[level] : "error";
}

/* Keys are the program's own; this only keeps a wrong one from breaking the line. */
static bool put_text_key(wf_line *line, const char *key)
{
	bool fits = wf_line_put(line, " ", 1);
	for (; fits && *key != '\0'; key++) {
		bool plain = *key > ' ' && *key <= '~' && *key != '=' && *key != '"' && *key != '\\';
		fits = wf_line_put(line, plain ? key : "_", 1);
	}
	return fits && wf_line_put(line, "=", 1);
}

static bool is_bare(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		if (c <= ' ' || c > '~' || c == '=' || c == '"' || c == '\\') return false;
	}
	return length > 0;
}

/* The closing quote may take the room that the end of the line has reserved for it. */
static void put_quoted(wf_line *line, const char *text, size_t length, enum wf_line_style style)
{
	if (!wf_line_put(line, "\"", 1)) return;
	wf_line_put_escaped(line, text, length, style);
	line->text[line->length++] = '"';
}

static void put_text_text(wf_line *line, const char *text, size_t length)
{
	if (is_bare(text, length) && length <= line->limit - line->length) {
		(void)wf_line_put(line, text, length);
	} else {
		put_quoted(line, text, length, WF_LINE_TEXT);
	}
}

static bool is_ours(const char *key)
{
	static const char *const ours[] = { "time", "level", "topic", "message", "truncated",
		"request_id", "trace_id", "span_id", "trace_flags" };
	for (size_t i = 0; i < WEFT_COUNT(ours); i++) {
		if (strcmp(key, ours[i]) == 0) return true;
	}
	return false;
}

static bool put_json_name(wf_line *line, const char *prefix, const char *key)
{
	bool cut = line->cut;
	if (!wf_line_puts(line, prefix)) return false;
	line->cut = false;
	wf_line_put_escaped(line, key, strlen(key), WF_LINE_JSON);
	bool whole = !line->cut;
	line->cut |= cut;
	return whole && wf_line_put(line, "\":", 2);
}

static bool put_json_key(wf_line *line, const char *key)
{
	return put_json_name(line, ",\"", key);
}

static void put_json_text(wf_line *line, const char *text, size_t length)
{
	put_quoted(line, text, length, WF_LINE_JSON);
}

static const dialect as_text = { WF_LINE_TEXT, put_text_key, put_text_text, "\n",
	" truncated=true" };
static const dialect as_json = { WF_LINE_JSON, put_json_key, put_json_text, "}\n",
	",\"truncated\":true" };

static void put_string(wf_line *line, const dialect *in, const char *text)
{
	in->put_text(line, text, strlen(text));
}

static void put_real(wf_line *line, const dialect *in, double number)
{
	if (isfinite(number)) {
		(void)wf_line_put_real(line, number);
	} else {
		put_string(line, in, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
	}
}

/* A code nobody named is told by its number. */
static void put_code(wf_line *line, const dialect *in, int64_t rc)
{
	const char *name = weft_error_name((int)rc);
	if (strcmp(name, "EUNKNOWN") == 0) {
		(void)wf_line_put_int(line, rc);
	} else {
		put_string(line, in, name);
	}
}

static void put_value(wf_line *line, const dialect *in, const weft_log_field *field)
{
	switch (field->kind) {
	case WEFT_LOG_KIND_INT:
		(void)wf_line_put_int(line, field->value.integer);
		break;
	case WEFT_LOG_KIND_UINT:
		(void)wf_line_put_uint(line, field->value.natural);
		break;
	case WEFT_LOG_KIND_REAL:
		put_real(line, in, field->value.real);
		break;
	case WEFT_LOG_KIND_BOOL:
		(void)wf_line_puts(line, field->value.truth ? "true" : "false");
		break;
	case WEFT_LOG_KIND_CODE:
		put_code(line, in, field->value.integer);
		break;
	case WEFT_LOG_KIND_SECRET:
		put_string(line, in, "[redacted]");
		break;
	case WEFT_LOG_KIND_TEXT:
	default:
		if (field->value.text == NULL) {
			(void)wf_line_puts(line, "null");
		} else {
			in->put_text(line, field->value.text, field->length);
		}
	}
}

/* A text may be cut; anything else stands whole or not at all. */
static void put_field(wf_line *line, const dialect *in, const weft_log_field *field)
{
	size_t before = line->length;
	bool cut = line->cut;
	line->cut = false;
	bool ours = in->style == WF_LINE_JSON && is_ours(field->key);
	bool begun = ours ? put_json_name(line, ",\"_", field->key) : in->put_key(line, field->key);
	size_t value_at = line->length;
	if (begun) put_value(line, in, field);
	bool is_text = field->kind == WEFT_LOG_KIND_TEXT && line->length > value_at;
	if (line->cut && !is_text) line->length = before;
	line->cut |= cut;
}

static void put_id(wf_line *line, const dialect *in, const char *key, const char *id)
{
	if (id[0] == '\0') return;
	(void)in->put_key(line, key);
	put_string(line, in, id);
}

/* At most 40 + 32 + 16 characters of ids, their names and quotes: a fraction of WEFT_LOG_LINE_MIN.
 */
static void put_ids(wf_line *line, const dialect *in, const weft_log_record *record)
{
	put_id(line, in, "request_id", record->request_id);
	put_id(line, in, "trace_id", record->trace_id);
	put_id(line, in, "span_id", record->span_id);
	if (record->trace_id[0] == '\0') return;
	char flags[2] = { "0123456789abcdef"[record->trace_flags >> 4],
		"0123456789abcdef"[record->trace_flags & 15] };
	(void)in->put_key(line, "trace_flags");
	in->put_text(line, flags, sizeof(flags));
}

static void put_head(wf_line *line, const dialect *in, const weft_log_record *record)
{
	bool json = in->style == WF_LINE_JSON;
	if (json) (void)wf_line_puts(line, "{\"time\":\"");
	(void)wf_line_put_time(line, record->wall_ns);
	(void)wf_line_puts(line, json ? "\",\"level\":\"" : " ");
	(void)wf_line_puts(line, level_name(record->level));
	if (json) (void)wf_line_puts(line, "\"");
	if (record->topic != NULL) {
		(void)in->put_key(line, "topic");
		put_string(line, in, record->topic);
	}
}

/* In text the message stands without quotes where it cannot be taken for fields. */
static void put_message(wf_line *line, const dialect *in, const char *message)
{
	size_t length = strlen(message);
	if (in->style == WF_LINE_JSON) {
		(void)put_json_key(line, "message");
		put_json_text(line, message, length);
		return;
	}
	(void)wf_line_put(line, " ", 1);
	if (strpbrk(message, "=\"\\") != NULL) {
		put_quoted(line, message, length, WF_LINE_TEXT);
	} else {
		wf_line_put_escaped(line, message, length, WF_LINE_TEXT);
	}
}

static size_t format_record(
	const dialect *in, const weft_log_record *record, char *text, size_t size)
{
	char end[WEFT_LOG_LINE_MIN / 2];
	wf_line ids = { end, 0, sizeof(end) - 1, false };
	wf_assert(size >= WEFT_LOG_LINE_MIN);
	put_ids(&ids, in, record);
	size_t reserved = 1 + strlen(in->truncated) + ids.length + strlen(in->closing);
	wf_line line = { text, 0, size - reserved, record->truncated };
	put_head(&line, in, record);
	put_message(&line, in, record->message);
	for (const weft_log_field *field = record->fields; field->key != NULL; field++)
		put_field(&line, in, field);
	line.limit = size;
	if (line.cut) (void)wf_line_puts(&line, in->truncated);
	(void)wf_line_put(&line, end, ids.length);
	(void)wf_line_puts(&line, in->closing);
	return line.length;
}

size_t weft_log_format_text(const weft_log_record *record, char *line, size_t size)
{
	return format_record(&as_text, record, line, size);
}

size_t weft_log_format_json(const weft_log_record *record, char *line, size_t size)
{
	return format_record(&as_json, record, line, size);
}
