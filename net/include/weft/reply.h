/* The answer to a request. A failed reply is remembered by the request; the result may be passed
 * on. */
#ifndef WEFT_REPLY_H
#define WEFT_REPLY_H
#include <weft/field.h>
#include <weft/request.h>
WEFT_BEGIN
WEFT_API int weft_reply_header(weft_request *rq, const char *name, const char *value);
WEFT_API int weft_reply_text(weft_request *rq, int status, const char *format, ...)
	WEFT_PRINTF(3, 4);
/* weft_reply_json(rq, 200, weft_text("name", name), weft_i64("id", id)): escaped and typed. */
WEFT_API int weft_reply_json_list(weft_request *rq, int status, const weft_field *fields);
#define weft_reply_json(...) WEFT_REPLY_JSON_(__VA_ARGS__, )
#define WEFT_REPLY_JSON_(rq, status, ...)                                                          \
	weft_reply_json_list(rq, status, WEFT_LIST(weft_field, __VA_ARGS__))
WEFT_API int weft_reply_bytes(
	weft_request *rq, int status, const char *type, const void *data, size_t size);
WEFT_API int weft_reply_problem(weft_request *rq, int status, const char *format, ...)
	WEFT_PRINTF(3, 4);
/* Streaming: begin, write…, and the end of the handler ends it. */
WEFT_API WEFT_MUST int weft_reply_begin(weft_request *rq, int status);
WEFT_API WEFT_MUST int weft_reply_write(weft_request *rq, const void *data, size_t size);
WEFT_END
#endif
