/* The head of an HTTP/1 message: request line or status line, fields, the empty line.
 *
 * Give the parser the bytes that arrived so far, from the first one of the message on, in one
 * piece. When the head is not complete it remembers where it stood; offer the same bytes again
 * with more behind them, at the same address or another, and it goes on from there, so that a
 * sender of single bytes costs no more than one that sends the head at once. It allocates nothing,
 * keeps no pointer into the bytes and gives the same answer however they were cut.
 *
 * It is strict: RFC 9110 and 9112 where they say MUST, and the safe side wherever they leave a
 * choice that two parsers could make differently (http_error.h lists the refusals). Deliberate
 * leniency: one empty line before a request, HTTP/1.2 to 1.9 taken as 1.1, a status line without
 * reason and its space, and '\', '^', '`', '{', '|', '}' in targets, which browsers send.
 *
 * Strings can be ended in place: once the head is complete, the byte after the method, the target,
 * each field name and each field value belongs to the head too (a space, '?', ':', or CR), so the
 * caller may overwrite it with NUL. Not so for `host` of an absolute-form target, whose next byte
 * is the '/' of the path, and for `path`, when the '?' or the target as a whole is still wanted.
 *
 * Thread: any; a head belongs to one at a time. Nothing here suspends or blocks. */
#ifndef WF_HTTP_PARSE_H
#define WF_HTTP_PARSE_H

#include "net/http/http_error.h"

WEFT_BEGIN

/* The defaults of a listener. */
#define WF_HTTP_HEAD_BYTES   (16 * 1024)
#define WF_HTTP_TARGET_BYTES (8 * 1024)
#define WF_HTTP_FIELDS       100
/* Longer methods are refused; the longest registered one has 17 letters. */
#define WF_HTTP_METHOD_BYTES 32

/* What the parsers of this folder answer, besides the negative codes of http_error.h. */
enum {
	WF_HTTP_MORE = 0,  /* all is well so far, but not complete */
	WF_HTTP_DONE = 1,  /* complete */
	WF_HTTP_PIECE = 2, /* a piece of the body; see http_body.h */
};

/* Bytes of the message, counted from its first one. */
typedef struct wf_http_span {
	uint32_t at, size;
} wf_http_span;

/* The value is without the white space around it and may be empty. */
typedef struct wf_http_field {
	wf_http_span name, value;
} wf_http_field;

typedef struct wf_http_limits {
	uint32_t head_bytes;   /* with the empty line at its end; at most 2^31 */
	uint32_t target_bytes; /* beyond it 414 rather than 431 */
	uint32_t fields;       /* length of the caller's array */
} wf_http_limits;

typedef enum wf_http_method {
	WF_METHOD_OTHER, /* see the span */
	WF_METHOD_GET,
	WF_METHOD_HEAD,
	WF_METHOD_POST,
	WF_METHOD_PUT,
	WF_METHOD_DELETE,
	WF_METHOD_CONNECT,
	WF_METHOD_OPTIONS,
	WF_METHOD_TRACE,
	WF_METHOD_PATCH,
} wf_http_method;

/* RFC 9112 section 3.2. */
typedef enum wf_http_form {
	WF_FORM_ORIGIN,    /* /path?query */
	WF_FORM_ABSOLUTE,  /* http://host/path?query; `host` is the target's, not the field's */
	WF_FORM_AUTHORITY, /* host:port, CONNECT only */
	WF_FORM_ASTERISK,  /* *, OPTIONS only */
} wf_http_form;

typedef enum wf_http_kind { WF_HTTP_REQUEST, WF_HTTP_RESPONSE, WF_HTTP_TRAILERS } wf_http_kind;

/* Bits of wf_http_head.seen. */
enum {
	WF_SEEN_HOST = 1,
	WF_SEEN_LENGTH = 2,
	WF_SEEN_CODING = 4,
	WF_SEEN_CHUNKED = 8,   /* as the last coding so far */
	WF_SEEN_REPEATED = 16, /* chunked, and then another coding */
	WF_SEEN_UNKNOWN = 32,  /* a coding other than chunked */
	WF_SEEN_CLOSE = 64,    /* option of Connection */
	WF_SEEN_KEEP_ALIVE = 128,
	WF_SEEN_CONNECTION_UPGRADE = 256,
	WF_SEEN_UPGRADE = 512, /* the field */
	WF_SEEN_EXPECT = 1024,
};

/* Everything below `phase` is to be read once the head is complete, and not before. */
typedef struct wf_http_head {
	wf_http_field *fields;
	wf_http_limits limits;

	uint32_t at;    /* where to go on */
	uint32_t token; /* where the token begun last begins */
	int32_t error;  /* after a refusal: given again */
	uint16_t seen;
	uint8_t kind;
	uint8_t phase;

	uint32_t field_count;
	uint32_t name_sizes; /* of the fields: bit n for n bytes, modulo 32 */
	uint32_t size;       /* of the head; what follows is body or the next message */

	wf_http_span method, target, host;
	wf_http_span path; /* of the target up to '?'; empty for "http://host" and for authority-form */
	wf_http_span query; /* without '?'; `at` is 0 when there is none */
	wf_http_span reason;
	int64_t content_length; /* -1 when not given */
	uint16_t status;
	uint8_t method_id;     /* wf_http_method */
	uint8_t form;          /* wf_http_form */
	uint8_t minor_version; /* 0 or 1 */
	bool chunked;
	bool has_body; /* of a request: chunked or a length above 0; see http_body.h for responses */
	bool keep_alive;
	bool upgrade;         /* Connection: upgrade and an Upgrade field, in HTTP/1.1 */
	bool expect_continue; /* and there is a body to wait for */
} wf_http_head;

/* `fields` has room for limits->fields and must live as long as the head is used. */
void wf_http_head_init(
	wf_http_head *head, wf_http_kind kind, wf_http_field *fields, const wf_http_limits *limits);

/* MORE, DONE or why the message is refused, which is final: calling again gives the same.
 * `data` holds all the message's bytes so far; what lies behind the head is not looked at. */
WEFT_MUST int wf_http_parse(wf_http_head *head, const char *data, size_t size);

/* The first field of that name, in any case; NULL when there is none. `data` as given to the
 * parser. Fields may be ended by NUL in place before. */
const wf_http_field *wf_http_find(
	const wf_http_head *head, const char *data, const char *name, size_t name_size);
/* The next one after `field`. */
const wf_http_field *wf_http_find_next(const wf_http_head *head, const char *data,
	const wf_http_field *field, const char *name, size_t name_size);

/* Equal but for the case of ASCII letters. */
bool wf_http_same(const char *a, size_t a_size, const char *b, size_t b_size);

/* The method of that spelling; methods know upper from lower case. */
wf_http_method wf_http_method_of(const char *name, size_t size);
/* Its spelling; "" for OTHER, whose spelling the head has. */
const char *wf_http_method_name(wf_http_method method);

/* Walks "a, b;q=1, c" (RFC 9110 section 5.6.1): *at goes from the first byte to `end`, and each
 * non-empty element comes without the white space around it. Quoted strings may hold commas. */
bool wf_http_list_next(const char **at, const char *end, const char **item, size_t *size);
/* Whether `token` is an element of the list, which is one of tokens, in any case. */
bool wf_http_list_has(const char *list, size_t size, const char *token);

/* A host with an optional port as RFC 9110 section 7.2 allows in Host: not empty, an IPv6 address
 * in brackets or a registered name, the port a number up to 65535 or empty. */
bool wf_http_host_valid(const char *host, size_t size);

WEFT_END
#endif
