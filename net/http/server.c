/* A server from its options to its end.
 *
 *   check      the options, the routes: nothing has happened yet
 *   listen     a listener on every worker; the first one decides the port
 *   serve      a site on every worker, until all are drained; then what was left to the background
 *
 * What the sites share is made before the first of them and freed after the last, by the task that
 * serves: it is joined with their tasks, and so with every request. */
#include <weft/server.h>

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <weft/error.h>
#include <weft/report.h>
#include <weft/timer.h>

#include "context/alloc.h"
#include "context/clock.h"
#include "context/context.h"
#include "net/http/site.h"
#include "runtime/run.h"

enum {
	NS_PER_MS = 1000000,
	HEADER_BYTES_MAX = 1 << 20,
	HEADER_COUNT_MAX = 1000,
	CONNECTIONS = 10000,
	DESCRIPTORS_KEPT = 64,
	DRAIN_MS = 5000,
};

#define DEFAULT_LISTEN "[::]:8080"

/* Options. */

/* 0 is the default, -1 none where that is allowed. False: out of range. */
static bool settle(int64_t given, int64_t standard, int64_t most, bool may_be_none, int64_t *out)
{
	if (given < (may_be_none ? -1 : 0) || given > most) return false;
	*out = given ? given : standard;
	return true;
}

static bool settle_ns(int ms, int standard_ms, bool may_be_none, int64_t *out)
{
	if (!settle(ms, standard_ms, INT32_MAX, may_be_none, out)) return false;
	if (*out > 0) *out *= NS_PER_MS;
	return true;
}

static int64_t descriptors_for(int workers)
{
	struct rlimit files = { .rlim_cur = CONNECTIONS };
	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur >= (rlim_t)CONNECTIONS * (unsigned)workers + DESCRIPTORS_KEPT)
		return CONNECTIONS;
	/* The program's own files, the loops and the listeners want some; of few, half. */
	int64_t all = (int64_t)files.rlim_cur;
	int64_t left = all - (all / 2 < DESCRIPTORS_KEPT ? all / 2 : DESCRIPTORS_KEPT);
	return left > workers ? left / workers : 1;
}

static int settle_all(const weft_server_options *o, int workers, wf_http_settings *s)
{
	int64_t head, fields, uri, rate, connections;
	bool fine = settle(o->header_bytes, WF_HTTP_HEAD_BYTES, HEADER_BYTES_MAX, false, &head) &&
				settle(o->header_count, WF_HTTP_FIELDS, HEADER_COUNT_MAX, false, &fields) &&
				settle(o->uri_bytes, WF_HTTP_TARGET_BYTES, HEADER_BYTES_MAX, false, &uri) &&
				settle(o->max_body, 1 << 20, INT64_MAX, true, &s->max_body) &&
				settle(o->body_rate, 240, INT32_MAX, true, &rate) &&
				settle(o->connections, descriptors_for(workers), INT32_MAX, false, &connections);
	fine = fine && settle_ns(o->header_timeout_ms, 10000, false, &s->header_ns) &&
		   settle_ns(o->idle_timeout_ms, 60000, false, &s->idle_ns) &&
		   settle_ns(o->timeout_ms, 60000, true, &s->timeout_ns) &&
		   settle_ns(o->write_timeout_ms, 30000, false, &s->write_ns) &&
		   settle_ns(o->drain_ms, DRAIN_MS, true, &s->drain_ns);
	if (!fine) return WEFT_EINVAL;
	if (o->tls_certificate != NULL || o->tls_key != NULL) return WEFT_ENOTSUP;
	s->limits = (wf_http_limits){ (uint32_t)head, (uint32_t)uri, (uint32_t)fields };
	s->body_rate = (int)rate;
	s->connections = (unsigned)connections;
	return 0;
}

static int add_routes(wf_server *server, const weft_route *routes, size_t n)
{
	char why[256] = "";
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		const weft_route *route = &routes[i];
		if (route->path == NULL)
			rc = WEFT_EINVAL;
		else if (route->handler == NULL)
			rc = WEFT_ENOTSUP;
		else if (route->timeout_ms < WEFT_UNLIMITED || route->max_body < WEFT_UNLIMITED)
			rc = WEFT_EINVAL;
		else
			rc = wf_router_add(server->router, route->method, route->path, route, why, sizeof why);
		if (rc != 0)
			weft_report("server", "a route is refused", weft_log_text("path", route->path),
				weft_log_code("error", rc), weft_log_text("why", why));
	}
	return rc;
}

/* Life. */

static void fini_server(wf_server *server)
{
	for (int i = 0; i < server->site_count; i++) wf_site_fini(&server->sites[i]);
	wf_free(server->sites);
	wf_router_free(server->router);
	wf_context_unref(server->context);
}

static int init_server(
	wf_server *server, const weft_route *routes, size_t n, const weft_server_options *options)
{
	const char *listen = options->listen ? options->listen : DEFAULT_LISTEN;
	wf_worker *here = wf_worker_here();
	int workers = here->run->worker_count;
	*server = (wf_server){ .options = options, .routes = routes, .began_ns = wf_now_ns() };
	if (strlen(listen) >= sizeof server->address) return WEFT_EINVAL;
	strcpy(server->address, listen);
	int rc = settle_all(options, workers, &server->settings);
	if (rc != 0) return rc;
	server->context = wf_context_capture();
	server->router = wf_router_new();
	server->sites = wf_alloc_aligned(WF_CACHE_LINE, (size_t)workers * sizeof *server->sites);
	rc = server->router && server->sites ? add_routes(server, routes, n) : WEFT_ENOMEM;
	if (rc == 0 && options->console) rc = add_routes(server, wf_console_routes, WF_CONSOLE_ROUTES);
	if (server->sites != NULL) {
		memset(server->sites, 0, (size_t)workers * sizeof *server->sites);
		server->site_count = workers;
		for (int i = 0; i < workers; i++) server->sites[i].server = server;
	}
	if (rc != 0) fini_server(server);
	return rc;
}

/* Listening. */

static int listen_there(void *arg)
{
	return wf_site_listen(arg);
}

static int close_there(void *arg)
{
	wf_site *site = arg;
	weft_listener_close(site->listener);
	site->listener = NULL;
	return 0;
}

static int on_each(wf_server *server, int from, weft_task_fn *fn, const char *name)
{
	weft_group *group = weft_group_open(.name = name);
	for (int i = from; i < server->site_count; i++)
		weft_spawn(group, fn, &server->sites[i], .worker = i + 1, .name = name);
	return weft_group_join(group, 0);
}

/* Where the first one listens the others join. `here` is the index of this worker. */
static int listen_on_all(wf_server *server)
{
	wf_site *first = &server->sites[wf_worker_here()->id - 1];
	int rc = wf_site_listen(first);
	if (rc != 0) return rc;
	strcpy(server->address, weft_listener_address(first->listener));
	weft_group *group = weft_group_open(.name = "listen");
	for (int i = 0; i < server->site_count; i++) {
		if (&server->sites[i] == first) continue;
		weft_spawn(group, listen_there, &server->sites[i], .worker = i + 1, .name = "listen");
	}
	rc = weft_group_join(group, 0);
	if (rc != 0) (void)!on_each(server, 0, close_there, "close");
	return rc;
}

/* Serving. */

static int serve_there(void *arg)
{
	return wf_site_serve(arg);
}

typedef struct watcher {
	wf_server *server;
	weft_group *group;
} watcher;

/* A service of the group: it bounds the drain, and is over with it. */
static int bound_drain(void *arg)
{
	watcher *w = arg;
	int64_t drain_ns = w->server->settings.drain_ns;
	int rc = weft_drain_wait();
	if (rc != 0 || drain_ns < 0) return 0;
	rc = weft_sleep_ms(drain_ns / NS_PER_MS);
	if (rc == 0) weft_group_cancel(w->group);
	return 0;
}

static int serve_on_all(wf_server *server)
{
	const weft_server_options *options = server->options;
	weft_group *background = weft_group_open(.name = "background", .keep_going = true);
	weft_group *group = weft_group_open(.name = "server");
	watcher w = { server, group };
	server->background = background;
	server->group = group;
	weft_spawn(group, bound_drain, &w, .name = "drain", .service = true);
	for (int i = 0; i < server->site_count; i++)
		weft_spawn(group, serve_there, &server->sites[i], .worker = i + 1, .name = "serve");
	if (options->listening != NULL) options->listening(options->app, server->address);
	int rc = weft_group_join(group, 0);
	int left = weft_group_join(background, rc);
	if (rc == 0 && left != 0)
		weft_report("server", "a task in the background failed", weft_log_code("error", left));
	return rc;
}

int weft_http_serve_with(const weft_route *routes, size_t n, const weft_server_options *options)
{
	wf_server server;
	int rc = wf_checkpoint();
	if (rc == 0) rc = init_server(&server, routes, n, options);
	if (rc != 0) return rc;
	rc = listen_on_all(&server);
	if (rc == 0) rc = serve_on_all(&server);
	fini_server(&server);
	return rc;
}

/* A whole program. */

typedef struct program {
	const weft_route *routes;
	size_t n;
	const weft_server_options *options;
} program;

static int serve_program(void *arg)
{
	const program *p = arg;
	return weft_http_serve_with(p->routes, p->n, p->options);
}

int weft_http_main_with(const weft_route *routes, size_t n, const weft_server_options *options)
{
	program p = { routes, n, options };
	char failed[sizeof "cannot serve on " + WEFT_ADDRESS_TEXT];
	snprintf(failed, sizeof failed, "cannot serve on %s",
		options->listen ? options->listen : DEFAULT_LISTEN);
	return wf_main(
		serve_program, &p, failed, WEFT_OPTIONS(weft_run_options, .drain_ms = options->drain_ms));
}
