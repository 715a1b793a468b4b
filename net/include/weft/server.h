/* Accept, limits, drain. */
#ifndef WEFT_SERVER_H
#define WEFT_SERVER_H
#include <weft/route.h>
#include <weft/run.h>
WEFT_BEGIN
typedef struct weft_server weft_server;
typedef struct weft_server_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *listen WEFT_DEFAULT;
	void *app WEFT_DEFAULT;
	weft_handler_fn *const *through WEFT_DEFAULT; /* middleware around every route, NULL-ended */
	int drain_ms WEFT_DEFAULT;
	int connections WEFT_DEFAULT;
	const char *tls_certificate WEFT_DEFAULT;
	const char *tls_key WEFT_DEFAULT;
	bool console WEFT_DEFAULT; /* the live page at /weft/, for peers of this machine only */
	/* Once, when connections are accepted: `address` as a client writes it, with the port it got.
	 */
	void (*listening)(void *app, const char *address) WEFT_DEFAULT;
} weft_server_options;
/* Listens on every worker and serves until drained. Suspends. */
WEFT_API WEFT_MUST int weft_http_serve_with(
	const weft_route *routes, size_t n, const weft_server_options *options);
#define weft_http_serve(...) WEFT_HTTP_SERVE_(__VA_ARGS__, )
#define WEFT_HTTP_SERVE_(routes, ...)                                                              \
	weft_http_serve_with(routes, WEFT_COUNT(routes), WEFT_OPTIONS(weft_server_options, __VA_ARGS__))
/* A whole program: run, serve, print an error, exit status. */
WEFT_API int weft_http_main_with(
	const weft_route *routes, size_t n, const weft_server_options *options);
#define weft_http_main(...) WEFT_HTTP_MAIN_(__VA_ARGS__, )
#define WEFT_HTTP_MAIN_(routes, ...)                                                               \
	weft_http_main_with(routes, WEFT_COUNT(routes), WEFT_OPTIONS(weft_server_options, __VA_ARGS__))
WEFT_END
#endif
