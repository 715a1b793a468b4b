#include "net/http/upgrade.h"

#include <string.h>
#include <weft/error.h>
#include <weft/reply.h>

#include "net/http/request.h"

int wf_upgrade_switch(weft_request *rq, const char *protocol)
{
	wf_message_state *now = &rq->now;
	/* What stands behind the head would be taken for the new protocol. */
	if (rq->head.has_body) return WEFT_EBADREQUEST;
	int rc = weft_reply_header(rq, "upgrade", protocol);
	if (rc == 0) rc = wf_reply_begin(rq, 101, -1);
	if (rc != 0) return rc;
	now->stage = WF_REPLY_ENDED;
	now->close = true;
	rc = wf_output_flush(&rq->output);
	if (rc != 0) return rc;
	wf_request_unbound(rq);
	return 0;
}

int wf_upgrade_read(weft_request *rq, void *buffer, size_t size, size_t *got)
{
	size_t rest = rq->end - rq->at;
	if (rest == 0) return weft_stream_read(rq->connection->stream, buffer, size, got);
	int rc = wf_checkpoint();
	if (rc != 0) return rc;
	if (rest > size) rest = size;
	memcpy(buffer, rq->input + rq->at, rest);
	rq->at += (uint32_t)rest;
	*got = rest;
	return 1;
}

int wf_upgrade_write(weft_request *rq, const void *data, size_t size)
{
	int rc = wf_checkpoint();
	if (rc == 0) rc = wf_output_write(&rq->output, data, size);
	if (rc == 0 && rq->connection->io == NULL) rc = wf_output_flush(&rq->output);
	return rc;
}

void wf_upgrade_give(weft_request *rq, const wf_given_ops *ops, void *self)
{
	wf_assert(rq->now.status == 101 && rq->given_ops == NULL);
	rq->given_ops = ops;
	rq->given_self = self;
}
