/* Writing HTTP/1 heads and chunk frames into the caller's memory.
 *
 * A writer is a cursor that goes on counting when the buffer is full: write the whole head without
 * looking at results and ask once at the end; if it did not fit, the count is the exact size
 * needed. Names and values that would break the head (CR, LF, NUL and other control bytes, an empty
 * name) are refused, nothing of them is written, and the refusal is remembered.
 *
 * Thread: any; a writer belongs to one at a time. Nothing here allocates, suspends or blocks. */
#ifndef WF_HTTP_WRITE_H
#define WF_HTTP_WRITE_H

#include "net/http/http_body.h"

#include <string.h>

WEFT_BEGIN

typedef struct wf_http_writer {
	char *buffer;
	size_t room;
	size_t size; /* bytes asked for so far; above `room` they are not all there */
	int error;   /* the first refusal */
} wf_http_writer;

/* `buffer` may be NULL when `room` is 0: then only the size is found. */
static inline void wf_http_writer_init(wf_http_writer *writer, char *buffer, size_t room)
{
	writer->buffer = buffer;
	writer->room = room;
	writer->size = 0;
	writer->error = 0;
}

/* As it is; for text the library made itself. */
static inline void wf_http_write_raw(wf_http_writer *writer, const char *text, size_t size)
{
	if (writer->size <= writer->room && size <= writer->room - writer->size)
		memcpy(writer->buffer + writer->size, text, size);
	writer->size += size;
}

/* For a string literal. */
#define WF_HTTP_WRITE(writer, literal) wf_http_write_raw(writer, "" literal, sizeof(literal) - 1)

/* "OK" for 200; "" for a status without a registered reason. */
const char *wf_http_status_text(int status);

/* "HTTP/1.1 200 OK" CRLF. The version is always 1.1 (RFC 9110 section 6.2). 0, or WEFT_EINVAL for a
 * status outside 100 to 999. */
int wf_http_write_status(wf_http_writer *writer, int status);
/* "GET /path HTTP/1.1" CRLF. 0 or WEFT_EINVAL. */
int wf_http_write_request(wf_http_writer *writer, const char *method, size_t method_size,
	const char *target, size_t target_size);
/* "name: value" CRLF. 0 or WEFT_EINVAL. */
int wf_http_write_field(wf_http_writer *writer, const char *name, size_t name_size,
	const char *value, size_t value_size);
void wf_http_write_length(wf_http_writer *writer, uint64_t content_length);
/* The same to where there is room for it: "Content-Length: 13" CRLF. Returns its end. */
#define WF_HTTP_LENGTH_BYTES 38
char *wf_http_put_length(char *at, uint64_t content_length);
/* The empty line. 0, the first refusal, or WEFT_EFULL when writer->size is above the room. */
WEFT_MUST int wf_http_write_end(wf_http_writer *writer);

/* How a response is framed (RFC 9110 section 8.6, RFC 9112 section 6). */
typedef struct wf_http_framing {
	wf_http_body_kind kind; /* NONE: no framing field; LENGTH; CHUNKED; CLOSE: keep_alive is off */
	bool content;           /* bytes of content follow the head; not so for HEAD */
} wf_http_framing;

/* `length` is that of the content, negative when it is not known before. `minor_version` is that of
 * the request. */
wf_http_framing wf_http_frame_response(
	wf_http_method request_method, int minor_version, int status, int64_t length);
/* The field that says so, if there is one. */
void wf_http_write_framing(wf_http_writer *writer, wf_http_framing framing, int64_t length);

/* Chunks: head, content, head, content, …, WF_HTTP_LAST_CHUNK or last head, trailers, empty line.
 * The CRLF behind a chunk's content is written with the head that follows it, so that each piece of
 * content costs one entry of an iovec before it. */
#define WF_HTTP_CHUNK_HEAD_BYTES 20
#define WF_HTTP_LAST_CHUNK       "0\r\n\r\n"
/* `first`: no content stands before. `size` 0 is the last chunk's head, for trailers to follow.
 * Returns how many bytes of `out` were used. */
size_t wf_http_chunk_head(char out[WF_HTTP_CHUNK_HEAD_BYTES], size_t size, bool first);

WEFT_END
#endif
