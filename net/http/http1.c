/* The loop's side: what an idle connection costs is decided here.
 *
 * A request object is borrowed to read into, so that a complete head already lies where its handler
 * will find it: nothing is copied. When the head is not complete its bytes go to the connection's
 * `partial` and the object goes back. */
#include "net/http/http1.h"

#include <weft/group.h>

#include "net/http/answer.h"
#include "net/http/request.h"
#include "net/http/site.h"
#include "net/http/upgrade.h"
#include "runtime/group.h"

static void read_now(wf_connection *c);

static void on_readable(wf_io *io)
{
	wf_plain_connection *plain = wf_container_of(io, wf_plain_connection, fd.io);
	read_now(&plain->connection);
}

/* Of a stream that only a task can read from. */
static void on_stream_ready(void *arg);

void wf_http1_listen(wf_connection *c)
{
	int rc = c->io != NULL ? wf_io_ready(c->io, on_readable)
						   : wf_stream_ready(c->stream, on_stream_ready, c);
	if (rc == 0) return;
	c->site->counts.refused++;
	wf_connection_close(c, WF_CLOSE_ENDED);
}

void wf_http1_open(wf_connection *c)
{
	c->state = WF_CONNECTION_FRESH;
	wf_connection_deadline(c, c->site->worker->now_ns + c->site->server->settings.header_ns);
	/* The first request has mostly arrived with the connection. */
	if (c->io != NULL)
		read_now(c);
	else
		wf_http1_listen(c);
}

static void attach(wf_connection *c, weft_request *rq)
{
	c->request = rq;
	c->state = WF_CONNECTION_HANDLING;
	rq->connection = c;
	wf_output_init(&rq->output, c);
}

/* There is no task, and no memory for one, or none is worth it: says so if the kernel takes it at
 * once. */
static void refuse(wf_connection *c, weft_request *rq, int status)
{
	c->site->counts.refused++;
	attach(c, rq);
	bool sent = wf_answer_at_once(rq, status);
	c->request = NULL;
	wf_site_give_request(c->site, rq);
	wf_connection_close(c, sent ? WF_CLOSE_LINGER : WF_CLOSE_ABORT);
}

static void start_task(wf_connection *c, weft_request *rq)
{
	static const weft_spawn_options options = {
		.size = sizeof options, .site = "weft_http_serve", .name = "request", .forget = true
	};
	attach(c, rq);
	int rc = wf_group_spawn(c->site->server->group, wf_answer_batch, rq, &options);
	if (wf_unlikely(rc != 0)) refuse(c, rq, 503);
}

/* The head is not complete. */
static void keep_part(wf_connection *c, weft_request *rq)
{
	if (wf_connection_keep(c, rq) != 0) {
		refuse(c, rq, 503);
		return;
	}
	wf_site_give_request(c->site, rq);
	wf_connection_rest(c, WF_CONNECTION_READING);
}

/* Looks at what was read. */
static void look(wf_connection *c, weft_request *rq)
{
	int rc = wf_http_parse(&rq->head, rq->input + rq->begin, rq->end - rq->begin);
	if (rc == WF_HTTP_MORE) {
		keep_part(c, rq);
		return;
	}
	wf_connection_forget(c);
	rq->refusal = rc < 0 ? rc : 0;
	start_task(c, rq);
}

static void on_end(wf_connection *c, weft_request *rq, ssize_t rc)
{
	wf_site_give_request(c->site, rq);
	if (rc == -EAGAIN)
		wf_http1_listen(c);
	else
		wf_connection_close(c, WF_CLOSE_ENDED);
}

static weft_request *borrow(wf_connection *c)
{
	weft_request *rq = wf_site_take_request(c->site);
	if (rq == NULL) return NULL;
	if (c->partial != NULL)
		wf_connection_restore(c, rq);
	else
		wf_http_head_init(
			&rq->head, WF_HTTP_REQUEST, rq->fields, &c->site->server->settings.limits);
	return rq;
}

static void read_now(wf_connection *c)
{
	weft_request *rq = borrow(c);
	if (wf_unlikely(rq == NULL)) {
		c->site->counts.refused++;
		wf_connection_close(c, WF_CLOSE_ABORT);
		return;
	}
	ssize_t n = wf_io_take(c->io, rq->input + rq->end, rq->room - rq->end);
	if (wf_unlikely(n <= 0)) {
		on_end(c, rq, n);
		return;
	}
	c->stream->received += (uint64_t)n;
	rq->end += (uint32_t)n;
	look(c, rq);
}

static void on_stream_ready(void *arg)
{
	wf_connection *c = arg;
	weft_request *rq = borrow(c);
	if (rq == NULL) {
		wf_connection_close(c, WF_CLOSE_ABORT);
		return;
	}
	rq->refusal = WF_HTTP_MORE;
	start_task(c, rq);
}

void wf_http1_timer(wf_timer *timer)
{
	wf_connection *c = wf_container_of(timer, wf_connection, timer);
	switch ((wf_connection_state)c->state) {
	case WF_CONNECTION_FRESH:
	case WF_CONNECTION_IDLE:
		wf_connection_close(c, WF_CLOSE_ENDED);
		break;
	case WF_CONNECTION_READING: {
		weft_request *rq = borrow(c);
		if (rq == NULL)
			wf_connection_close(c, WF_CLOSE_ENDED);
		else
			refuse(c, rq, 408);
		break;
	}
	case WF_CONNECTION_HANDLING:
		wf_request_timer(c->request);
		break;
	case WF_CONNECTION_GIVEN:
		c->given_ops->timer(c, c->given_self);
		break;
	}
}
