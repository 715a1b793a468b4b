#include "net/http/output.h"

#include <string.h>
#include <weft/error.h>

#include "net/http/connection.h"
#include "net/http/request.h"
#include "net/http/site.h"

void wf_output_init(wf_output *output, wf_connection *connection)
{
	*output = (wf_output){ .connection = connection };
}

static void release_buffer(wf_output *output)
{
	output->begin = output->end = 0;
	if (output->buffer == NULL) return;
	wf_site_give_output(output->connection->site, output->buffer);
	output->buffer = NULL;
}

static void fail(wf_output *output, int error)
{
	if (output->error == 0) output->error = error;
	output->begin = output->end;
}

static void wake(wf_output *output)
{
	weft_task *task = output->waiter;
	if (task == NULL || output->sending) return;
	wf_wait_end(task, output->ticket, 0);
}

/* An operation has completed. */
static void take_result(wf_output *output)
{
	ssize_t sent = output->op.result;
	output->sending = false;
	if (sent < 0) {
		fail(output, (int)sent);
		return;
	}
	output->begin += (uint32_t)sent;
	output->connection->stream->sent += (uint64_t)sent;
}

static void on_sent(wf_op *op);

/* Sends until the kernel is full. The buffer goes back when it is empty. */
static void pump(wf_output *output)
{
	while (!output->sending && output->begin < output->end) {
		output->vector =
			(struct iovec){ output->buffer + output->begin, output->end - output->begin };
		output->op = (wf_op){ .kind = WF_OP_SEND,
			.io = output->connection->io,
			.done = on_sent,
			.owner = output,
			.send = { .vector = &output->vector, .count = 1 } };
		output->sending = true;
		if (wf_io_submit(&output->op)) take_result(output);
	}
	if (!output->sending) release_buffer(output);
}

static void on_sent(wf_op *op)
{
	wf_output *output = op->owner;
	take_result(output);
	pump(output);
	wake(output);
}

void wf_output_start(wf_output *output)
{
	if (output->connection->io != NULL && !output->sending && !output->through) pump(output);
}

bool wf_output_put(wf_output *output)
{
	size_t size = output->end - output->begin;
	ssize_t sent = wf_io_put(output->connection->io, output->buffer + output->begin, size);
	if (sent > 0) output->connection->stream->sent += (uint64_t)sent;
	return sent == (ssize_t)size;
}

/* Waits for the operation that is out, if there is one. */
static int wait_for_op(wf_output *output, unsigned flags)
{
	if (!output->sending) return output->error;
	weft_request *rq = output->connection->request;
	int64_t limit = output->connection->site->server->settings.write_ns;
	wf_request_wait(rq, WF_CLIENT_WRITE, wf_worker_here()->now_ns + limit);
	output->waiter = wf_task_here();
	output->ticket = wf_wait_open(flags, "the client to read", output);
	int cause = wf_wait_park();
	output->waiter = NULL;
	wf_request_wait_over(rq);
	if (output->error != 0 && rq->now.timed_out) output->error = WEFT_ETIMEDOUT;
	if (output->error != 0) return output->error;
	return cause == WF_CAUSE_CANCEL ? WEFT_ECANCELED : 0;
}

/* Of a stream that only a task can write to: gathered bytes, then `data`. Also the way of long data
 * on a plain socket. */
static int write_through(wf_output *output, const void *data, size_t size)
{
	weft_request *rq = output->connection->request;
	int64_t limit = output->connection->site->server->settings.write_ns;
	struct iovec vector[2] = {
		{ output->buffer ? output->buffer + output->begin : NULL, output->end - output->begin },
		{ (void *)data, size },
	};
	size_t done = 0;
	wf_request_wait(rq, WF_CLIENT_WRITE, wf_worker_here()->now_ns + limit);
	output->through = true;
	int rc = weft_stream_writev(output->connection->stream, vector, 2, &done);
	output->through = false;
	wf_request_wait_over(rq);
	if (rc != 0 && rq->now.timed_out) rc = WEFT_ETIMEDOUT;
	if (rc != 0 && (done > 0 || rc != WEFT_ECANCELED))
		fail(output, rc);
	else if (rc == 0)
		output->begin = output->end;
	if (output->begin == output->end) release_buffer(output);
	return rc;
}

int wf_output_flush(wf_output *output)
{
	if (output->connection->io == NULL) {
		if (output->error != 0 || wf_output_is_empty(output)) return output->error;
		return write_through(output, NULL, 0);
	}
	wf_output_start(output);
	while (output->error == 0 && !wf_output_is_empty(output)) {
		int rc = wait_for_op(output, 0);
		if (rc != 0) return rc;
	}
	return output->error;
}

void wf_output_settle(wf_output *output)
{
	while (output->sending) (void)!wait_for_op(output, WF_WAIT_UNCANCELABLE);
	output->begin = output->end;
	release_buffer(output);
}

static int take_buffer(wf_output *output)
{
	if (output->buffer != NULL) return 0;
	output->buffer = wf_site_take_output(output->connection->site);
	output->begin = output->end = 0;
	return output->buffer ? 0 : WEFT_ENOMEM;
}

int wf_output_reserve_slowly(wf_output *output, size_t size, char **out)
{
	wf_assert(size <= WF_OUTPUT_SIZE);
	int rc = output->error;
	if (rc == 0 && WF_OUTPUT_SIZE - output->end < size) rc = wf_output_flush(output);
	if (rc == 0) rc = take_buffer(output);
	if (rc != 0) return rc;
	*out = output->buffer + output->end;
	return 0;
}

int wf_output_write(wf_output *output, const void *data, size_t size)
{
	char *to;
	if (output->error != 0) return output->error;
	if (size == 0) return 0;
	if (size <= WF_OUTPUT_SIZE - output->end) {
		int rc = wf_output_reserve(output, size, &to);
		if (rc != 0) return rc;
		memcpy(to, data, size);
		wf_output_commit(output, size);
		return 0;
	}
	/* Bytes of an operation that is out are the kernel's to take first. */
	while (output->sending) {
		int rc = wait_for_op(output, 0);
		if (rc != 0) return rc;
	}
	return write_through(output, data, size);
}
