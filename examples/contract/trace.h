/* What the harness of W3C Trace Context asks of a service: a request that makes it ask others. */
#ifndef CONTRACT_TRACE_H
#define CONTRACT_TRACE_H

#include <weft/request.h>

/* A JSON list of {"url": …, "arguments": …}: POSTs each `arguments` to its `url`, one after the
 * other, with the trace context of this request, then answers 200; 502 when one cannot be reached.
 */
int contract_trace(weft_request *rq);

#endif
