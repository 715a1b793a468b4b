/* Why a message was refused, and with which status.
 *
 * The codes are negative like all others and begin where no other table of weft does. A server
 * answers with the status and closes: after any of them the end of the message is not known. A
 * client treats any of them as a bad gateway. */
#ifndef WF_HTTP_ERROR_H
#define WF_HTTP_ERROR_H

#include <weft/api.h>

WEFT_BEGIN

/* clang-format off */
#define WF_HTTP_ERRORS(X) \
	X(METHOD, 400, "the method holds a byte that no method may hold") \
	X(METHOD_LONG, 501, "the method is longer than any known one") \
	X(TARGET, 400, "the request target is malformed") \
	X(TARGET_FORM, 400, "the form of the request target does not fit its method") \
	X(TARGET_LONG, 414, "the request target is longer than the limit") \
	X(VERSION, 400, "the HTTP version is malformed or missing") \
	X(VERSION_UNSUPPORTED, 505, "the major HTTP version is not 1") \
	X(STATUS_LINE, 400, "the status line is malformed") \
	X(EMPTY_LINE, 400, "more than one empty line before the message") \
	X(LEADING_SPACE, 400, "white space before the message or its first field") \
	X(BARE_CR, 400, "a carriage return without a line feed") \
	X(BARE_LF, 400, "a line feed without a carriage return") \
	X(OBS_FOLD, 400, "a field continues on the next line") \
	X(SPACE_BEFORE_COLON, 400, "white space between a field name and its colon") \
	X(FIELD_NAME, 400, "a field name is empty, malformed or without a colon") \
	X(FIELD_VALUE, 400, "a field value holds a control byte") \
	X(HEAD_LARGE, 431, "the head is longer than the limit") \
	X(MANY_FIELDS, 431, "the head has more fields than the limit") \
	X(HOST, 400, "the host is malformed or empty") \
	X(HOST_MISSING, 400, "a request of HTTP/1.1 without Host") \
	X(HOST_TWICE, 400, "more than one Host") \
	X(LENGTH, 400, "Content-Length is not a number") \
	X(LENGTH_RANGE, 400, "Content-Length is not below 2^63") \
	X(LENGTH_TWICE, 400, "more than one Content-Length") \
	X(LENGTH_AND_CODING, 400, "both Content-Length and Transfer-Encoding") \
	X(CODING, 400, "Transfer-Encoding is malformed") \
	X(CODING_NOT_LAST, 400, "Transfer-Encoding does not end in chunked, or names it twice") \
	X(CODING_UNKNOWN, 501, "Transfer-Encoding names a coding other than chunked") \
	X(CODING_VERSION, 400, "Transfer-Encoding in HTTP/1.0") \
	X(EXPECTATION, 417, "Expect asks for something other than 100-continue") \
	X(CHUNK_SIZE, 400, "a chunk size is malformed or missing") \
	X(CHUNK_RANGE, 400, "a chunk size is not below 2^63") \
	X(CHUNK_EXTENSION, 400, "a chunk extension is malformed") \
	X(CHUNK_EXTENSION_LARGE, 400, "chunk extensions are longer than the limit") \
	X(CHUNK_END, 400, "a chunk is not followed by CRLF") \
	X(TRAILER, 400, "a trailer field is malformed or not allowed in trailers") \
	X(TRAILER_LARGE, 431, "the trailers are longer than the limit") \
	X(BODY_LARGE, 413, "the body is longer than the limit")
/* clang-format on */

enum {
	WF_HTTP_ERROR_BASE = -5399, /* the first code is one above */
#define WF_HTTP_ERROR_ENUM(name, status, text) WF_HTTP_E##name,
	WF_HTTP_ERRORS(WF_HTTP_ERROR_ENUM)
#undef WF_HTTP_ERROR_ENUM
		WF_HTTP_ERROR_END,
};

/* All three know every code above and answer 0 or NULL for anything else. Thread: any. */
int wf_http_error_status(int rc);
/* "LENGTH_TWICE": for logs and metric labels. */
const char *wf_http_error_name(int rc);
/* A half sentence for the body of the answer. */
const char *wf_http_error_text(int rc);

WEFT_END
#endif
