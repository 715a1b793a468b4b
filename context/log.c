/* Records are made here and leave through one pointer. The sink, the redacted keys and the
 * threshold are single words that any thread may replace at any time; release and acquire carry
 * along what they point to. */
#include "context/log.h"
#include "context/clock.h"
#include "context/context.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const weft_log_sink default_sink = { weft_log_sink_text, NULL };
static const weft_log_sink *current_sink = &default_sink;

static const char *const default_redacted[] = { "password", "passwd", "secret", "token", "api_key",
	"authorization", "cookie", "set-cookie", NULL };
static const char *const *redacted = default_redacted;

int weft_log_threshold_now = WEFT_LOG_INFO;

static size_t lost;

void weft_log_threshold_set(enum weft_log_level level)
{
	__atomic_store_n(&weft_log_threshold_now, (int)level, __ATOMIC_RELAXED);
}

void weft_log_sink_set(const weft_log_sink *sink)
{
	__atomic_store_n(&current_sink, sink ? sink : &default_sink, __ATOMIC_RELEASE);
}

void weft_log_redact_set(const char *const *keys)
{
	__atomic_store_n(&redacted, keys ? keys : default_redacted, __ATOMIC_RELEASE);
}

size_t weft_log_lost(void)
{
	return __atomic_load_n(&lost, __ATOMIC_RELAXED);
}

static weft_log_field text_field(const char *key, const char *text, size_t length)
{
	weft_log_field field = { .key = key, .kind = WEFT_LOG_KIND_TEXT, .length = length };
	field.value.text = text;
	return field;
}

weft_log_field weft_log_text(const char *key, const char *text)
{
	return text_field(key, text, text ? strlen(text) : 0);
}

weft_log_field weft_log_bytes(const char *key, const char *bytes, size_t length)
{
	return text_field(key, bytes, length);
}

weft_log_field weft_log_int(const char *key, int64_t number)
{
	return (weft_log_field){ .key = key, .kind = WEFT_LOG_KIND_INT, .value.integer = number };
}

weft_log_field weft_log_uint(const char *key, uint64_t number)
{
	return (weft_log_field){ .key = key, .kind = WEFT_LOG_KIND_UINT, .value.natural = number };
}

weft_log_field weft_log_real(const char *key, double number)
{
	return (weft_log_field){ .key = key, .kind = WEFT_LOG_KIND_REAL, .value.real = number };
}

weft_log_field weft_log_bool(const char *key, bool truth)
{
	return (weft_log_field){ .key = key, .kind = WEFT_LOG_KIND_BOOL, .value.truth = truth };
}

weft_log_field weft_log_code(const char *key, int rc)
{
	return (weft_log_field){ .key = key, .kind = WEFT_LOG_KIND_CODE, .value.integer = rc };
}

weft_log_field weft_log_secret(const char *key)
{
	return (weft_log_field){ .key = key, .kind = WEFT_LOG_KIND_SECRET };
}

static bool is_redacted(const char *const *names, const char *key)
{
	for (; *names != NULL; names++) {
		if (strcasecmp(*names, key) == 0) return true;
	}
	return false;
}

static bool copy_fields(weft_log_field *to, const weft_log_field *from)
{
	const char *const *names = __atomic_load_n(&redacted, __ATOMIC_ACQUIRE);
	size_t count = 0;
	for (; from[count].key != NULL && count < WEFT_LOG_FIELDS_MAX; count++) {
		const weft_log_field *field = &from[count];
		to[count] = is_redacted(names, field->key) ? weft_log_secret(field->key) : *field;
	}
	to[count].key = NULL;
	return from[count].key == NULL;
}

void wf_log_record_fill(wf_log_record *made, enum weft_log_level level, const char *site,
	const char *message, const weft_log_field *fields)
{
	weft_log_record *record = &made->record;
	record->size = sizeof(*record);
	record->level = level;
	record->wall_ns = wf_wall_ns();
	record->site = site;
	record->topic = NULL;
	record->message = message;
	record->fields = made->fields;
	record->truncated = !copy_fields(made->fields, fields);
	record->trace_flags = wf_context_trace()->flags;
	record->request_id = wf_context_trace()->request_id;
	weft_trace_id(record->trace_id);
	weft_span_id(record->span_id);
}

void wf_log_emit(const weft_log_record *record)
{
	const weft_log_sink *sink = __atomic_load_n(&current_sink, __ATOMIC_ACQUIRE);
	sink->fn(record, sink->arg);
}

void weft_log_write(
	enum weft_log_level level, const char *site, const char *message, const weft_log_field *fields)
{
	int saved = errno;
	wf_log_record made;
	wf_log_record_fill(&made, level, site, message, fields);
	wf_log_emit(&made.record);
	errno = saved;
}

/* One call, so that lines of several threads and processes do not mix. A second one for the rest of
 * a line that went out in part would break that promise; it is lost instead. */
static void write_line(const char *line, size_t length, const int *fd)
{
	ssize_t wrote;
	do {
		wrote = write(fd ? *fd : STDERR_FILENO, line, length);
	} while (wrote < 0 && errno == EINTR);
	if (wrote != (ssize_t)length) __atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
}

void weft_log_sink_text(const weft_log_record *record, void *arg)
{
	char line[WEFT_LOG_LINE_MAX];
	write_line(line, weft_log_format_text(record, line, sizeof(line)), arg);
}

void weft_log_sink_json(const weft_log_record *record, void *arg)
{
	char line[WEFT_LOG_LINE_MAX];
	write_line(line, weft_log_format_json(record, line, sizeof(line)), arg);
}
