/* The body of an HTTP/1 message: where it ends, and what of the bytes that arrive is content.
 *
 * A decoder over the bytes behind the head. Content is handed out in place, as pieces of the
 * caller's own buffer; sizes of chunks, their extensions and line ends are stepped over. Nothing is
 * kept but numbers, so bytes may come in pieces of any size and each is looked at once.
 *
 * Trailers are checked as they pass. They are copied, in the form in which they came, to the buffer
 * given for them, and can then be taken apart; without a buffer they are dropped.
 *
 * Thread: any; a body belongs to one at a time. Nothing here suspends or blocks. */
#ifndef WF_HTTP_BODY_H
#define WF_HTTP_BODY_H

#include "net/http/http_parse.h"

WEFT_BEGIN

/* Extensions of one chunk, up to and with the CR, and of all of them together beyond one byte for
 * each of content: an honest sender signs chunks with some 90 bytes each (RFC 9112 section 7.1.1
 * asks for a limit). */
#define WF_HTTP_CHUNK_EXTENSION_BYTES 256
#define WF_HTTP_CHUNK_OVERHEAD_BYTES  (16 * 1024)
/* The trailer section, when no buffer says otherwise. */
#define WF_HTTP_TRAILER_BYTES (8 * 1024)

typedef enum wf_http_body_kind {
	WF_BODY_NONE,
	WF_BODY_LENGTH,
	WF_BODY_CHUNKED,
	WF_BODY_CLOSE, /* until the connection ends; responses only */
} wf_http_body_kind;

/* To be read only: */
typedef struct wf_http_body {
	int64_t left;    /* content still to come of this length or chunk */
	int64_t content; /* bytes of content announced so far */
	int64_t limit;
	int64_t overhead; /* bytes of extensions minus bytes of content, but not below zero */
	char *trailers;   /* of the caller, or NULL */
	uint32_t trailer_room, trailer_size;
	uint32_t line; /* bytes of this extension, or digits of this chunk size */
	int32_t error;
	uint8_t kind;
	uint8_t state;
} wf_http_body;

/* RFC 9112 section 6.3. */
wf_http_body_kind wf_http_request_body(const wf_http_head *head);
/* `request_method` is the one that is answered: a response to HEAD has no body, nor has one with
 * status 1xx, 204 or 304, nor a 2xx to CONNECT. */
wf_http_body_kind wf_http_response_body(const wf_http_head *head, wf_http_method request_method);

/* `limit` bytes of content at most; below zero there is no limit. 0, or EBODY_LARGE when the length
 * given says at once that it will be more. `length` is used by WF_BODY_LENGTH only. */
WEFT_MUST int wf_http_body_init(
	wf_http_body *body, wf_http_body_kind kind, int64_t length, int64_t limit);

/* Lends a buffer for trailers, to be done before the last chunk has been read. Trailers that do not
 * fit are refused with ETRAILER_LARGE. */
void wf_http_body_keep_trailers(wf_http_body *body, char *buffer, uint32_t size);

/* Takes what stands at `data`. Always sets *used: that many bytes are done with.
 *   PIECE  *piece, of *piece_size > 0 bytes, lies in `data`; call again with the rest
 *   MORE   all of `data` is used
 *   DONE   the body has ended; what is not used belongs to the next message
 * or why it is refused, which is final. */
WEFT_MUST int wf_http_body_take(wf_http_body *body, const char *data, size_t size, size_t *used,
	const char **piece, size_t *piece_size);

/* How many of the next bytes are content for sure; they may be read from the connection straight to
 * where they belong and reported here. 0 when only wf_http_body_take can tell. */
int64_t wf_http_body_direct(const wf_http_body *body);
/* `size` bytes, no more than wf_http_body_direct allowed. 0 or EBODY_LARGE (WF_BODY_CLOSE only). */
WEFT_MUST int wf_http_body_skip(wf_http_body *body, size_t size);

/* Whether take would answer DONE without another byte. */
bool wf_http_body_ended(const wf_http_body *body);
/* The connection ended: DONE if the body may end so, WEFT_EOF if it is cut off. */
WEFT_MUST int wf_http_body_close(wf_http_body *body);

/* The trailers kept, once the body has ended: `head` becomes one of kind WF_HTTP_TRAILERS over
 * body->trailers, with fields up to `room` of them. DONE or a refusal. */
WEFT_MUST int wf_http_body_trailers(
	const wf_http_body *body, wf_http_head *head, wf_http_field *fields, uint32_t room);

WEFT_END
#endif
