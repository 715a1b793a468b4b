/* An HTTP server: accept, limits, drain.
 *
 * Serving ends when the run drains (the first SIGINT or SIGTERM, weft_drain), or the group around
 * it does: no more connections are accepted once the kernel's queue is empty, idle ones are closed
 * at once, requests in flight are answered with `Connection: close`. What is still at work after
 * drain_ms is cancelled; what ignores that is named in a report.
 *
 * A connection between two requests holds neither a stack nor a buffer. */
#ifndef WEFT_SERVER_H
#define WEFT_SERVER_H
#include <weft/route.h>
#include <weft/run.h>
WEFT_BEGIN

typedef struct weft_server_options {
	size_t size;
	WEFT_NAMED_ONLY;
	const char *listen WEFT_DEFAULT;              /* as weft_listener_open; NULL: "[::]:8080" */
	void *app WEFT_DEFAULT;                       /* for weft_request_app */
	weft_handler_fn *const *through WEFT_DEFAULT; /* middleware around every route, NULL-ended */
	int drain_ms WEFT_DEFAULT;    /* from the drain to the cancel; 0: 5000; -1: no limit */
	int connections WEFT_DEFAULT; /* at once on each worker; 0: 10 000, or what descriptors allow */
	const char *tls_certificate WEFT_DEFAULT;
	const char *tls_key WEFT_DEFAULT;
	bool console WEFT_DEFAULT; /* the live page at /weft/, for peers of this machine only */
	/* Once, when connections are accepted: `address` as a client writes it, with the port it got.
	 */
	void (*listening)(void *app, const char *address) WEFT_DEFAULT;

	/* Limits. Beyond one of them the client gets the status named here, and the connection is
	 * closed. 0 is the default, given behind it; -1 is no limit, where that is possible. */
	int header_bytes WEFT_DEFAULT;      /* of a request's head: 16 KiB, at most 1 MiB; 431 */
	int header_count WEFT_DEFAULT;      /* 100, at most 1000; 431 */
	int uri_bytes WEFT_DEFAULT;         /* 8 KiB; 414 */
	int64_t max_body WEFT_DEFAULT;      /* 1 MiB, or the route's; -1; 413 */
	int header_timeout_ms WEFT_DEFAULT; /* from the first byte of a head to its last: 10 s; 408 */
	int idle_timeout_ms WEFT_DEFAULT;   /* between requests: 60 s; closed without a word */
	int timeout_ms WEFT_DEFAULT;        /* of handling, or the route's: 60 s; -1; 504 */
	int write_timeout_ms WEFT_DEFAULT;  /* without the client taking a byte: 30 s; reset */
	int body_rate WEFT_DEFAULT;         /* bytes a second, after header_timeout_ms: 240; -1; 408 */
} weft_server_options;

/* Listens on every worker and serves until drained; 0 then. Routes, options and what they point to
 * must live until it returns. Thread: task. Suspends.
 * Errors: of weft_listener_open; EINVAL (an option out of range, a malformed pattern), EEXIST (two
 * routes for the same requests), ENOTSUP (a kind of route or an option that this build has not),
 * ENOMEM; ECANCELED. What is wrong with a route is reported. */
WEFT_API WEFT_MUST int weft_http_serve_with(
	const weft_route *routes, size_t n, const weft_server_options *options);
#define weft_http_serve(...) WEFT_HTTP_SERVE_(__VA_ARGS__, )
#define WEFT_HTTP_SERVE_(routes, ...)                                                              \
	weft_http_serve_with(routes, WEFT_COUNT(routes), WEFT_OPTIONS(weft_server_options, __VA_ARGS__))

/* A whole program: run, serve, print an error in one line, exit status: 0, or 1. Blocks the thread.
 */
WEFT_API int weft_http_main_with(
	const weft_route *routes, size_t n, const weft_server_options *options);
#define weft_http_main(...) WEFT_HTTP_MAIN_(__VA_ARGS__, )
#define WEFT_HTTP_MAIN_(routes, ...)                                                               \
	weft_http_main_with(routes, WEFT_COUNT(routes), WEFT_OPTIONS(weft_server_options, __VA_ARGS__))

WEFT_END
#endif
