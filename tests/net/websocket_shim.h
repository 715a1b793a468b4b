/* Sessions over streams, without HTTP: what an upgrade leaves behind. */
#ifndef WF_TESTS_NET_WEBSOCKET_SHIM_H
#define WF_TESTS_NET_WEBSOCKET_SHIM_H

#include <weft/group.h>
#include <weft/scope.h>
#include <weft/stream.h>
#include <weft/topic.h>

WEFT_BEGIN

typedef struct test_websocket {
	weft_stream *stream;
	bool socket; /* the stream is a plain socket */
	weft_group *group;
	weft_websocket_fn *fn; /* or */
	const weft_websocket_events *events;
	weft_websocket_options options;
	int64_t max_message;
	void *app;
	const char *room;  /* a parameter */
	const void *input; /* came with the handshake */
	size_t input_size;
	/* Afterwards. */
	bool orderly;
} test_websocket;

/* Serves a session to its end, and closes (or aborts) the stream. Negative: it could not open. */
int test_websocket_serve(test_websocket *t);

/* Waits, in a task, for something that other tasks of this worker bring about. */
typedef struct test_gate test_gate;
test_gate *test_gate_new(void);
void test_gate_free(test_gate *gate);
void test_gate_open(test_gate *gate);
int test_gate_wait(test_gate *gate);

/* The kernel keeps as little as it can of what is sent on this one. */
void test_websocket_small_buffer(weft_websocket *ws);
/* The most it would keep, in bytes. */
size_t test_websocket_buffer(weft_websocket *ws);

unsigned test_topic_count(void);
size_t test_websocket_size(void);
/* The code for a handler's result; negative when the operator should hear of it. */
int test_websocket_code_of(int rc, weft_reason reason);

WEFT_END
#endif
