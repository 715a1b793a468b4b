/* Answering: the part of HTTP/1 that runs as a task. */
#ifndef WF_HTTP_ANSWER_H
#define WF_HTTP_ANSWER_H

#include <weft/request.h>

#include "context/base.h"

/* The task: answers the request at hand (rq->refusal says if it is none) and all that were read
 * with it, then lets the connection rest, or closes it; gives the request back. Always 0. */
int wf_answer_batch(void *rq);

/* Without a task: an answer of this status that ends the connection, if the kernel takes it at
 * once. Thread: the connection's worker, on its loop. */
bool wf_answer_at_once(weft_request *rq, int status);

#endif
