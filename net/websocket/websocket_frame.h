/* The frames of RFC 6455, read and written without I/O and without allocation.
 *
 * The decoder is fed whatever arrived, in pieces of any size, and works on the caller's bytes: it
 * unmasks them in place and hands out pointers into them. It keeps a header that came in parts and
 * a control frame that came in parts, nothing else, so that a message costs the same memory
 * however many fragments it has. A text is checked while it arrives and refused at the first byte
 * after which it cannot become valid.
 *
 * Thread: a decoder belongs to one user at a time; everything else any. Nothing suspends. */
#ifndef WF_WEBSOCKET_FRAME_H
#define WF_WEBSOCKET_FRAME_H

#include "net/http/utf8_check.h"

WEFT_BEGIN

/* Section 5.2. */
enum {
	WF_WEBSOCKET_CONTINUATION = 0x0,
	WF_WEBSOCKET_TEXT = 0x1,
	WF_WEBSOCKET_BINARY = 0x2,
	WF_WEBSOCKET_CLOSE = 0x8,
	WF_WEBSOCKET_PING = 0x9,
	WF_WEBSOCKET_PONG = 0xA,
	WF_WEBSOCKET_RSV1 = 0x40, /* combined with an opcode: compressed, RFC 7692 */
	WF_WEBSOCKET_FIN = 0x80,  /* combined with an opcode: the last frame of its message */
};

enum {
	WF_WEBSOCKET_HEADER_MAX = 14,       /* bytes of the longest frame header */
	WF_WEBSOCKET_CONTROL_MAX = 125,     /* payload bytes of a control frame (section 5.5) */
	WF_WEBSOCKET_REASON_MAX = 123,      /* of them, for the reason of a close */
	WF_WEBSOCKET_MESSAGE_MAX = 1 << 20, /* bytes of a message, unless told otherwise */
};

/* Section 7.4.1 and the registry that IANA keeps. */
enum {
	WF_WEBSOCKET_NORMAL = 1000,
	WF_WEBSOCKET_GOING_AWAY = 1001,
	WF_WEBSOCKET_PROTOCOL_ERROR = 1002,
	WF_WEBSOCKET_UNSUPPORTED_DATA = 1003,
	WF_WEBSOCKET_NO_STATUS = 1005, /* a close without a code; never sent */
	WF_WEBSOCKET_ABNORMAL = 1006,  /* the connection broke; never sent */
	WF_WEBSOCKET_INVALID_DATA = 1007,
	WF_WEBSOCKET_POLICY = 1008,
	WF_WEBSOCKET_TOO_BIG = 1009,
	WF_WEBSOCKET_MANDATORY_EXTENSION = 1010,
	WF_WEBSOCKET_INTERNAL_ERROR = 1011,
	WF_WEBSOCKET_SERVICE_RESTART = 1012,
	WF_WEBSOCKET_TRY_AGAIN = 1013,
	WF_WEBSOCKET_BAD_GATEWAY = 1014,
};

/* Everything a peer can do wrong: name, result of the call, close code, reason. */
#define WF_WEBSOCKET_ERRORS(X)                                                                     \
	X(RESERVED_BIT, -EPROTO, 1002, "a reserved bit is set")                                        \
	X(RESERVED_OPCODE, -EPROTO, 1002, "the opcode is reserved")                                    \
	X(FRAGMENTED_CONTROL, -EPROTO, 1002, "a control frame is fragmented")                          \
	X(LONG_CONTROL, -EPROTO, 1002, "a control frame is longer than 125 bytes")                     \
	X(NOTHING_TO_CONTINUE, -EPROTO, 1002, "a continuation without a message to continue")          \
	X(MESSAGE_UNFINISHED, -EPROTO, 1002, "a new message before the last one has ended")            \
	X(NOT_MASKED, -EPROTO, 1002, "a frame from a client is not masked")                            \
	X(MASKED, -EPROTO, 1002, "a frame from a server is masked")                                    \
	X(LENGTH_NOT_MINIMAL, -EPROTO, 1002, "the length is not in its shortest form")                 \
	X(LENGTH_HIGH_BIT, -EPROTO, 1002, "the length has its highest bit set")                        \
	X(FRAME_TOO_BIG, -EMSGSIZE, 1009, "the frame is too big")                                      \
	X(MESSAGE_TOO_BIG, -EMSGSIZE, 1009, "the message is too big")                                  \
	X(TEXT_NOT_UTF8, -EILSEQ, 1007, "the text is not UTF-8")                                       \
	X(CLOSE_TOO_SHORT, -EPROTO, 1002, "a close with one byte")                                     \
	X(CLOSE_CODE, -EPROTO, 1002, "a close with a code that may not be sent")                       \
	X(CLOSE_NOT_UTF8, -EILSEQ, 1007, "the reason of a close is not UTF-8")

typedef enum wf_websocket_error {
	WF_WEBSOCKET_NO_ERROR,
#define WF_WEBSOCKET_ERROR_NAME_(name, rc, code, text) WF_WEBSOCKET_##name,
	WF_WEBSOCKET_ERRORS(WF_WEBSOCKET_ERROR_NAME_)
#undef WF_WEBSOCKET_ERROR_NAME_
} wf_websocket_error;

/* Zero is the default throughout. */
typedef struct wf_websocket_rules {
	/* Bytes of a message as sent, over all its frames; 0: WF_WEBSOCKET_MESSAGE_MAX. */
	uint64_t message_max WEFT_DEFAULT;
	/* Bytes of one data frame; 0: no limit but the message's. */
	uint64_t frame_max WEFT_DEFAULT;
	/* Frames must be masked; otherwise they must not be. */
	bool from_client WEFT_DEFAULT;
	/* RSV1 is allowed on the first frame of a message (RFC 7692). */
	bool may_be_compressed WEFT_DEFAULT;
} wf_websocket_rules;

/* The fields are the decoder's own. */
typedef struct wf_websocket_decoder {
	uint64_t frame_left;    /* payload bytes of the current frame still to come */
	uint64_t message_bytes; /* payload bytes that the frames of the current message announced */
	wf_websocket_rules rules;
	wf_utf8 utf8;
	uint8_t error;       /* a wf_websocket_error; final */
	uint8_t header_got;  /* bytes kept in `header` */
	uint8_t control_got; /* bytes kept in `control` */
	uint8_t frame;       /* first byte of the current frame, FIN and opcode */
	uint8_t message;     /* opcode of the current message, RSV1 with it; 0: none */
	uint8_t key[4];
	uint8_t phase;   /* position in the key */
	bool in_payload; /* the header is done, the payload is not */
	bool begun;      /* part of the current message was handed out */
	bool closed;     /* a close has come; what follows is discarded */
	uint8_t header[WF_WEBSOCKET_HEADER_MAX];
	uint8_t control[WF_WEBSOCKET_CONTROL_MAX];
} wf_websocket_decoder;

/* What a step met. `data` points into the caller's input or the decoder, until the next step. */
typedef struct wf_websocket_event {
	uint8_t *data;
	size_t size;
	uint64_t frame_left; /* data: bytes of this frame still to come, for those who size buffers */
	uint8_t opcode;      /* TEXT and BINARY come in pieces; CLOSE, PING and PONG whole */
	bool compressed;     /* data: the message is; its text is then the caller's to check */
	bool begins, ends;   /* data: this is the first piece, the last piece of its message */
	uint16_t close_code; /* close: 1005 when it carried none; `data` is the reason */
} wf_websocket_event;

/* `rules` may be NULL: messages of a client, no compression, the default limit. */
void wf_websocket_decoder_init(wf_websocket_decoder *decoder, const wf_websocket_rules *rules);

/* Goes on through the input until something is worth telling: 1, and `*out` says what; 0, and all
 * of the input is used up. `*used` says how many bytes were taken, in either case; go on with the
 * rest. Bytes handed out in `*out` were unmasked in place. Empty fragments are not told, unless
 * they end a message. After a close 0, and all that follows it is discarded (section 1.4).
 *
 * Errors: -EPROTO, -EMSGSIZE, -EILSEQ: the peer broke a rule and the connection must be failed
 * (section 7.1.7) with wf_websocket_decoder_code; every further call says the same again. `*out`
 * and `*used` are untouched. */
int wf_websocket_decode(
	wf_websocket_decoder *decoder, void *input, size_t size, wf_websocket_event *out, size_t *used);

/* What went wrong: NO_ERROR as long as nothing did. */
wf_websocket_error wf_websocket_decoder_error(const wf_websocket_decoder *decoder);

/* True between messages, when a fresh decoder could take this one's place: an idle connection need
 * not keep it. */
bool wf_websocket_decoder_at_rest(const wf_websocket_decoder *decoder);

/* The code to close with, 0 for NO_ERROR; and the reason, which fits a close frame. */
int wf_websocket_error_code(wf_websocket_error error);
const char *wf_websocket_error_text(wf_websocket_error error);

/* True for a code that may stand in a close frame: defined by the RFC or registered with IANA, or
 * between 3000 and 4999 (section 7.4). */
bool wf_websocket_code_may_be_sent(unsigned code);

/* Writes the header of a frame with `size` payload bytes and returns its length, 2 to 14. `first`
 * is an opcode, with WF_WEBSOCKET_FIN and WF_WEBSOCKET_RSV1 as due. `key` is NULL for a server; a
 * client masks the payload with the same key (websocket_mask.h). Header and payload may then go
 * out in one writev. */
size_t wf_websocket_header(
	uint8_t out[WF_WEBSOCKET_HEADER_MAX], unsigned first, uint64_t size, const uint8_t key[4]);

/* Writes the payload of a close frame and returns its size. 1005 gives an empty one; any other
 * code must be one that may be sent. A reason is cut before the character that does not fit, or
 * that is not UTF-8. `reason` may be NULL. */
size_t wf_websocket_close_payload(
	uint8_t out[WF_WEBSOCKET_CONTROL_MAX], unsigned code, const char *reason);

WEFT_END
#endif
