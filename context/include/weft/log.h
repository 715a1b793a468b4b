/* Structured log records that know which request they belong to.
 *
 *     weft_log(WEFT_LOG_INFO, "user created", weft_log_text("name", name), weft_log_int("id", id));
 *
 * A record has a level, a message that is constant, and typed fields; the ids of the current trace
 * and request are added. Below the threshold nothing is evaluated and nothing happens. A record is
 * put together on the caller's stack and handed to the sink before weft_log returns; nothing is
 * allocated and no lock is taken. The default sink writes one line of text to stderr. */
#ifndef WEFT_LOG_H
#define WEFT_LOG_H
#include <weft/api.h>
#include <weft/trace.h>
WEFT_BEGIN

enum weft_log_level {
	WEFT_LOG_DEBUG = 1,
	WEFT_LOG_INFO,
	WEFT_LOG_WARNING,
	WEFT_LOG_ERROR,
	WEFT_LOG_OFF, /* a threshold, not the level of a record */
};

enum weft_log_kind {
	WEFT_LOG_KIND_TEXT,
	WEFT_LOG_KIND_INT,
	WEFT_LOG_KIND_UINT,
	WEFT_LOG_KIND_REAL,
	WEFT_LOG_KIND_BOOL,
	WEFT_LOG_KIND_CODE,   /* an error; the integer is its code */
	WEFT_LOG_KIND_SECRET, /* without a value */
};

enum {
	WEFT_LOG_FIELDS_MAX = 32, /* of one record; more are left out, and the record says so */
	WEFT_LOG_LINE_MAX = 4096, /* the longest line, as long as a pipe takes in one piece */
	WEFT_LOG_LINE_MIN = 512,  /* the smallest buffer for one */
};

/* Made by the functions below. `key` is a constant: letters, digits, `_`, `.` and `-`. */
typedef struct weft_log_field {
	const char *key; /* NULL ends a list */
	enum weft_log_kind kind;
	size_t length; /* of a text */
	union {
		const char *text; /* may be NULL, need not end in a NUL */
		int64_t integer;
		uint64_t natural;
		double real;
		bool truth;
	} value;
} weft_log_field;

/* `text` may be NULL, and is only read while weft_log runs. Thread: any, for all of these. */
WEFT_API weft_log_field weft_log_text(const char *key, const char *text);
WEFT_API weft_log_field weft_log_bytes(const char *key, const char *bytes, size_t length);
WEFT_API weft_log_field weft_log_int(const char *key, int64_t number);
WEFT_API weft_log_field weft_log_uint(const char *key, uint64_t number);
WEFT_API weft_log_field weft_log_real(const char *key, double number);
WEFT_API weft_log_field weft_log_bool(const char *key, bool truth);
/* Shown by its name (weft_error_name). */
WEFT_API weft_log_field weft_log_code(const char *key, int rc);
/* Says that there was a value, and not which. */
WEFT_API weft_log_field weft_log_secret(const char *key);

/* Makes a record when the level has reached the threshold. errno is left alone. Thread: any. May
 * block the thread as long as the sink does: a sink that writes to a slow place needs a queue and a
 * thread of its own. */
#define weft_log(...) WEFT_LOG_(__VA_ARGS__, )
#define WEFT_LOG_(level, message, ...)                                                             \
	(weft_log_enabled(level)                                                                       \
			? weft_log_write(level, WEFT_SITE, message, WEFT_LIST(weft_log_field, __VA_ARGS__))    \
			: (void)0)
/* The same without the question; `fields` ends with one whose key is NULL. */
WEFT_API void weft_log_write(
	enum weft_log_level level, const char *site, const char *message, const weft_log_field *fields);

/* Records below `level` are not made; INFO unless set. Thread: any, at any time. */
WEFT_API void weft_log_threshold_set(enum weft_log_level level);

extern WEFT_API int weft_log_threshold_now; /* read it by weft_log_enabled */

static inline bool weft_log_enabled(enum weft_log_level level)
{
	return (int)level >= __atomic_load_n(&weft_log_threshold_now, __ATOMIC_RELAXED);
}

/* Fields with one of these keys lose their values before any sink sees them; case does not matter.
 * `keys` ends with NULL and lives as long as the program; NULL restores the default: password,
 * passwd, secret, token, api_key, authorization, cookie, set-cookie. Thread: any. */
WEFT_API void weft_log_redact_set(const char *const *keys);

/* What a sink is given; all of it is gone when the sink returns. */
typedef struct weft_log_record {
	size_t size;
	enum weft_log_level level;
	int64_t wall_ns;   /* since 1970-01-01 UTC */
	const char *site;  /* file:line */
	const char *topic; /* of a report (<weft/report.h>), else NULL */
	const char *message;
	const weft_log_field *fields; /* without secrets; the last one has no key */
	bool truncated;               /* there were more fields than a record holds */
	uint8_t trace_flags;
	char trace_id[WEFT_TRACE_ID_SIZE]; /* "" outside a trace */
	char span_id[WEFT_SPAN_ID_SIZE];
	const char *request_id; /* "" outside a request */
} weft_log_record;

/* Called on whatever thread or task made the record, by several at once; must not suspend, and must
 * not make records. */
typedef void weft_log_sink_fn(const weft_log_record *record, void *arg);

typedef struct weft_log_sink {
	weft_log_sink_fn *fn;
	void *arg;
} weft_log_sink;

/* All records go to `sink` from now on; NULL: to the default. It is not copied, and another thread
 * may still be inside the old one when this returns: let both live as long as the program. Thread:
 * any. */
WEFT_API void weft_log_sink_set(const weft_log_sink *sink);

/* Sinks: a line of text, or of JSON, by one write(2) to the file descriptor that `arg` points to
 * (an int that lives as long as the sink), to stderr when it is NULL. A line that cannot be written
 * is lost and counted. */
WEFT_API void weft_log_sink_text(const weft_log_record *record, void *arg);
WEFT_API void weft_log_sink_json(const weft_log_record *record, void *arg);

/* Lines lost by these two, since the start of the process. Thread: any. */
WEFT_API size_t weft_log_lost(void);

/* For sinks of your own: writes the line, ending in a newline and no NUL, and returns its length.
 * `size` is at least WEFT_LOG_LINE_MIN. What does not fit is left out, and the line says
 * `truncated`. No record can make two lines, forge a field or send commands to a terminal: control
 * characters, quotes and broken UTF-8 come out as escapes. Thread: any. */
WEFT_API size_t weft_log_format_text(const weft_log_record *record, char *line, size_t size);
/* RFC 8259. Fields that take a name of the record's own (time, level, …) get a `_` in front. */
WEFT_API size_t weft_log_format_json(const weft_log_record *record, char *line, size_t size);

WEFT_END
#endif
