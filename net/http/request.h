/* A request while it is answered.
 *
 * The struct is pooled by its site and carries a whole batch, one message after the other: the
 * bytes that were read together lie in `input`, and strings point into them. What belongs to one
 * message alone is in wf_message_state and is cleared for the next.
 *
 *   input   [0, begin)   done with
 *           [begin, …)   the head at hand, head.size bytes; strings in it are ended in place
 *           [at, end)    read, and neither head nor taken by the body yet
 *
 * Time: while it is handled, the connection's timer stands for whichever comes first of the
 * request's own deadline and the bound of the wait for its client (body or write). */
#ifndef WF_HTTP_REQUEST_H
#define WF_HTTP_REQUEST_H

#include <weft/request.h>
#include <weft/route.h>

#include "net/http/http_body.h"
#include "net/http/http_write.h"
#include "net/http/output.h"
#include "net/http/router.h"
#include "net/http/site.h"
#include "runtime/arena.h"
#include "runtime/bracket.h"

enum {
	WF_REQUEST_MAGIC = 0x72657175,
	WF_REQUEST_FIRST = 1024,     /* bytes of its own that the arena begins with */
	WF_REQUEST_BODY_ROOM = 4096, /* at least so much input is free behind a head */
	WF_DISCARD_MAX = 64 * 1024,  /* of an unread body that is worth keeping the connection */
};

typedef enum wf_reply_stage {
	WF_REPLY_NONE,
	WF_REPLY_BEGUN, /* the head is out, or gathered */
	WF_REPLY_ENDED, /* all of it */
} wf_reply_stage;

/* A field of the reply, in the arena. */
typedef struct wf_reply_field {
	struct wf_reply_field *next;
	const char *name, *value;
	uint32_t name_size, value_size;
} wf_reply_field;

typedef enum wf_client_wait { WF_CLIENT_NONE, WF_CLIENT_READ, WF_CLIENT_WRITE } wf_client_wait;

typedef struct wf_message_state {
	const weft_route *route;
	weft_handler_fn *const *through; /* middleware to come */
	bool inside;                     /* of the server's, then of the route's */
	wf_route_result found;
	const char *path;
	size_t path_size;
	weft_context *context;
	weft_group *group;
	int64_t began_ns;
	int64_t deadline_ns; /* INT64_MAX: none */

	/* The body. */
	wf_http_body body;
	int body_error; /* stays; as the handler's result it means the status below */
	int body_status;
	const char *body_text;
	bool continued; /* "100 Continue" was sent, or is not waited for */
	bool timed_out; /* the client was too slow, reading or writing */
	bool wasting;   /* the reply is complete, and what nobody read of the body is waited for */
	bool guard_due; /* see wf_request_guard */
	bool watched;   /* the client's end cancels the handler */
	int64_t body_got, body_waited_ns;
	char *overflow; /* where it is read when input has no room; NULL: input */
	char *whole;    /* of weft_request_body */
	size_t whole_size, whole_room;
	bool whole_given;
	char *trailers;
	wf_http_head trailer_head;
	weft_json *json;
	weft_json_error json_error;

	/* The reply. */
	wf_reply_stage stage;
	int status;
	int reply_error;
	const char *type, *own_type; /* content-type: what fits, and what the handler set */
	wf_reply_field *fields, **fields_last;
	size_t fields_size;
	int64_t length; /* of the content; -1: not known */
	int64_t written;
	wf_http_framing framing;
	bool chunk_open;     /* a chunk's closing CRLF is due */
	bool close;          /* the connection ends with this reply */
	bool offers_upgrade; /* a field of the reply does */
	bool abort;          /* and the client shall see that the reply is not whole */
} wf_message_state;

struct weft_request {
	uint32_t magic;
	weft_request *next; /* among the site's spare ones */
	wf_connection *connection;
	wf_site *site;
	weft_task *task;

	char *input;
	uint32_t room, begin, at, end;
	wf_http_head head;
	int refusal; /* of the head at `begin`, or WF_REFUSE_… */
	wf_http_field *fields;

	weft_context *spare_context; /* of the message before, when nobody has kept it */

	bool gone;        /* the client went away while a handler ran */
	bool handling;    /* `scope` is open */
	int64_t ended_ns; /* the message before, or when the batch began */
	wf_client_wait waiting;
	int64_t wait_until_ns;
	uint64_t wait_mark; /* bytes sent when the wait began */

	const wf_given_ops *given_ops; /* who gets the connection */
	void *given_self;

	weft_scope scope; /* of the handler */
	wf_output output;
	wf_message_state now;
	wf_route_match match;
	wf_arena arena;
	_Alignas(max_align_t) char first[WF_REQUEST_FIRST];
	/* Then the fields, then the input. */
};

/* Errors: ENOMEM gives NULL. */
weft_request *wf_request_new(const wf_http_settings *settings);
void wf_request_free(weft_request *rq);
/* Clears what belonged to the message before; `input` is left alone. */
void wf_request_begin(weft_request *rq);
/* Gives back what the message held. */
void wf_request_end(weft_request *rq);

/* A span of the head as a string, ended in place. */
char *wf_request_string(weft_request *rq, wf_http_span span);

/* Around a call that waits for the client: when nothing comes (goes) by then, the call is
 * interrupted and fails. */
void wf_request_wait(weft_request *rq, wf_client_wait what, int64_t until_ns);
void wf_request_wait_over(weft_request *rq);
/* The wait for the client, if there is one, is over as soon as may be. */
void wf_request_wait_no_more(weft_request *rq);
/* The connection's timer fired while a task handles. */
void wf_request_timer(weft_request *rq);
/* Sets its timer, and watches its client unless the route says half_close. That nothing can happen
 * to a request before its task suspends is what makes this due only then: most never do. */
void wf_request_guard(weft_request *rq);
/* Its handler is done: nothing cancels it any more. */
void wf_request_unguard(weft_request *rq);
/* From here on it has no deadline, and its client is not watched. */
void wf_request_unbound(weft_request *rq);
/* Makes what waits on the connection return. */
void wf_request_interrupt(weft_request *rq);

/* body.c */

/* Sets up the body of the head at hand. Errors: EMSGSIZE when it says at once that it is too long.
 */
int wf_body_begin(weft_request *rq, int64_t limit);
/* Reads to the end what is short enough, and puts what was read behind it where the next message is
 * looked for; the head's strings are gone then. False: the connection cannot be kept. Suspends. */
bool wf_body_discard(weft_request *rq);
/* Whether what is unread is known to be short. */
bool wf_body_is_short(const weft_request *rq);
bool wf_body_is_read(const weft_request *rq);
/* What was wrong with the JSON, or NULL. */
const char *wf_body_json_complaint(weft_request *rq);

/* reply.c */

/* Writes the head, and says how the content is framed. `length` -1: not known. */
int wf_reply_begin(weft_request *rq, int status, int64_t length);
/* An error in one piece; `detail` may be NULL. */
int wf_reply_problem(weft_request *rq, int status, const char *detail);
/* Completes what the handler began; false: it cannot be completed. Suspends. */
bool wf_reply_end(weft_request *rq);

#endif
