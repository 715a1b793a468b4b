/* The opening handshake of RFC 6455 section 4, both sides, and its form for HTTP/2 (RFC 8441). Only
 * the judging: the fields are looked up and the answers are sent by the caller, random bytes are
 * the caller's too. Extensions are left to whoever negotiates them. Thread: any. */
#ifndef WF_WEBSOCKET_HANDSHAKE_H
#define WF_WEBSOCKET_HANDSHAKE_H

#include "context/base.h"

WEFT_BEGIN

enum {
	WF_WEBSOCKET_KEY_SIZE = 25,    /* of Sec-WebSocket-Key, with its NUL */
	WF_WEBSOCKET_ACCEPT_SIZE = 29, /* of Sec-WebSocket-Accept, with its NUL */
};

/* The value of the `nth` field of that name, counted from 0 in the order in which they came,
 * without the white space around it. False when there are no more. `name` is in lower case. */
typedef bool wf_websocket_field_fn(
	const void *arg, const char *name, size_t nth, const char **value, size_t *size);

/* True when pages from `origin` may connect. `host` is what the request was sent to; both are as
 * they came and may be compared, but not trusted to be well formed. */
typedef bool wf_websocket_origin_fn(
	void *arg, const char *origin, size_t origin_size, const char *host, size_t host_size);

/* The policy for services that speak with their own pages: the host of the origin is the request's,
 * default ports aside. `arg` is not used. */
bool wf_websocket_same_origin(
	void *arg, const char *origin, size_t origin_size, const char *host, size_t host_size);

/* A request that asks, or should ask, for a WebSocket. */
typedef struct wf_websocket_upgrade {
	const char *method;           /* NUL-ended */
	int version;                  /* 10, 11, 20: of HTTP */
	const char *protocol;         /* HTTP/2: the pseudo-header :protocol, or NULL */
	wf_websocket_field_fn *field; /* in HTTP/2 :authority is offered as host */
	const void *arg;
	const char *const *subprotocols; /* those the service speaks, NULL-ended; NULL: none */
	/* NULL: any origin may. Programs that are no browsers send no origin; they are not asked about.
	 */
	wf_websocket_origin_fn *origin_allowed;
	void *origin_arg;
} wf_websocket_upgrade;

/* What to answer. All pointers are to constants, or to the upgrade's own subprotocols. */
typedef struct wf_websocket_answer {
	int status;       /* 101, or 200 in HTTP/2: it is a WebSocket; otherwise 400, 403, 405, 426 */
	const char *text; /* of a refusal: why */
	/* Fields to send, name and value in turn, NULL-ended; Accept and Protocol are not among them.
	 */
	const char *const *fields;
	const char *subprotocol;               /* for Sec-WebSocket-Protocol; NULL: not sent */
	char accept[WF_WEBSOCKET_ACCEPT_SIZE]; /* for Sec-WebSocket-Accept; "" when refused or HTTP/2 */
} wf_websocket_answer;

/* Judges by section 4.2.1 and fills `*out`. Of the subprotocols it takes the first that the client
 * names and the service speaks; when there is none the connection goes on without.
 * Errors: -EIO when libcrypto cannot make a SHA-1 (no memory, or a policy forbids it); nothing can
 * be answered then but 500. */
WEFT_MUST int wf_websocket_judge_upgrade(
	const wf_websocket_upgrade *upgrade, wf_websocket_answer *out);

/* The value of Sec-WebSocket-Accept for a key (section 4.2.2). Errors: -EIO as above. */
WEFT_MUST int wf_websocket_accept(
	const char *key, size_t key_size, char out[WF_WEBSOCKET_ACCEPT_SIZE]);

/* A client's Sec-WebSocket-Key from 16 bytes that nobody can guess. */
void wf_websocket_key(const uint8_t random[16], char out[WF_WEBSOCKET_KEY_SIZE]);

/* The answer to a client's request. */
typedef struct wf_websocket_response {
	int status;
	wf_websocket_field_fn *field;
	const void *arg;
	const char *key;                 /* the one that was sent; NULL: HTTP/2, which has none */
	const char *const *subprotocols; /* those that were offered, NULL-ended; NULL: none */
	bool extensions_offered;         /* then the caller looks at what was accepted */
} wf_websocket_response;

/* Judges by section 4.1. `*subprotocol` is the one chosen, a pointer out of those offered, or NULL.
 * Errors: WEFT_EPROTO, with `*why` a constant, and the connection must be failed; -EIO as above. */
WEFT_MUST int wf_websocket_judge_response(
	const wf_websocket_response *response, const char **subprotocol, const char **why);

WEFT_END
#endif
