/* A request that arrived. Strings end in NUL and live as long as it does. */
#ifndef WEFT_REQUEST_H
#define WEFT_REQUEST_H
#include <weft/error.h>
#include <weft/json.h>
WEFT_BEGIN
typedef struct weft_request weft_request;
typedef struct weft_json weft_json;
WEFT_API void *weft_request_app(const weft_request *rq);
WEFT_API const char *weft_request_method(const weft_request *rq);
WEFT_API const char *weft_request_path(const weft_request *rq);
WEFT_API const char *weft_request_header(const weft_request *rq, const char *name);
WEFT_API const char *weft_request_param(const weft_request *rq, const char *name);
/* The first `name` of the query, decoded as forms write it; NULL when there is none. */
WEFT_API const char *weft_request_query(const weft_request *rq, const char *name);
WEFT_API WEFT_MUST int weft_request_param_i64(
	const weft_request *rq, const char *name, int64_t *out);
WEFT_API WEFT_MUST int weft_request_json(weft_request *rq, const weft_json **out);
/* 1 a piece of the body, 0 end, negative. */
WEFT_API WEFT_MUST int weft_request_read(weft_request *rq, void *buffer, size_t size, size_t *got);
WEFT_API void *weft_request_alloc(weft_request *rq, size_t size);
/* Middleware: the rest of the chain. A handler's result comes back. */
WEFT_API WEFT_MUST int weft_request_pass(weft_request *rq);
WEFT_END
#endif
