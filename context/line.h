/* A line of bounded length under construction, in the caller's memory. What no longer fits is left
 * out whole, and `cut` remembers it. Thread: the owner. */
#ifndef WF_CONTEXT_LINE_H
#define WF_CONTEXT_LINE_H

#include "context/base.h"

WEFT_BEGIN

typedef struct wf_line {
	char *text;
	size_t length, limit; /* limit: how far this part may go; the owner moves it */
	bool cut;
} wf_line;

/* How a character that must not appear as it is, is written. */
enum wf_line_style {
	WF_LINE_TEXT, /* \n \r \t \" \\, a control character as \x1b or \u202e, a broken byte as \xff */
	WF_LINE_JSON, /* RFC 8259; a broken byte becomes U+FFFD */
};

/* All of it or nothing; false: it did not fit. */
bool wf_line_put(wf_line *line, const char *bytes, size_t length);
bool wf_line_puts(wf_line *line, const char *text);
bool wf_line_put_int(wf_line *line, int64_t number);
bool wf_line_put_uint(wf_line *line, uint64_t number);
/* The shortest decimal that reads back as the same number, whatever the locale. Finite only. */
bool wf_line_put_real(wf_line *line, double number);
/* 2026-11-21T08:11:19.123456Z (RFC 3339). */
bool wf_line_put_time(wf_line *line, int64_t wall_ns);
/* As many characters as fit, escaped, without quotes. */
void wf_line_put_escaped(wf_line *line, const char *text, size_t length, enum wf_line_style style);

WEFT_END
#endif
