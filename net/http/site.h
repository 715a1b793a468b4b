/* A server on one worker: its listener, its connections, and what their requests share.
 *
 * Nothing in it is shared with another worker; only what it points to above itself (wf_server) is,
 * and that does not change while there are sites.
 *
 * Thread: the worker's. */
#ifndef WF_HTTP_SITE_H
#define WF_HTTP_SITE_H

#include <weft/listener.h>
#include <weft/server.h>

#include "context/context.h"
#include "context/random.h"
#include "executor/platform.h"
#include "net/http/census.h"
#include "net/http/connection.h"
#include "net/http/http_date.h"
#include "net/http/output.h"
#include "net/http/router.h"
#include "net/transport/nap.h"

enum {
	WF_SPARE_REQUESTS = 64, /* kept by a site, warm */
	WF_SPARE_OUTPUTS = 16,
	WF_FAREWELL_MS = 1000, /* what a connection that never spoke is given when the server drains */
	WF_STUCK_MS = 5000,    /* after the cancel, until those that ignore it are named */
};

/* The options with their defaults filled in; -1 is no limit. */
typedef struct wf_http_settings {
	wf_http_limits limits;
	int64_t max_body;
	int64_t header_ns, idle_ns, timeout_ns, write_ns, drain_ns;
	int body_rate;
	unsigned connections;
} wf_http_settings;

typedef struct wf_server {
	const weft_server_options *options;
	const weft_route *routes;
	wf_http_settings settings;
	wf_router *router;
	weft_context *context; /* what requests start from */
	weft_group *group;     /* of the sites' tasks and the requests' */
	weft_group *background;
	char address[WEFT_ADDRESS_TEXT];
	int64_t began_ns;
	int site_count;
	wf_site *sites;
} wf_server;

/* What `.console = true` adds; they are of a floor above, which reads the sites
 * (net/export/console.c). */
enum { WF_CONSOLE_ROUTES = 3 };
extern const weft_route wf_console_routes[WF_CONSOLE_ROUTES];

/* A status line with the Date behind it, renewed once a second. */
#define WF_OPENING       "HTTP/1.1 200 OK\r\nDate: "
#define WF_OPENING_BYTES (sizeof WF_OPENING - 1 + WF_HTTP_DATE_BYTES + 2)
typedef struct wf_opening {
	char text[WF_OPENING_BYTES];
	int64_t until_ns;
	char date[WF_HTTP_DATE_BYTES];
} wf_opening;

typedef struct wf_site_counts {
	uint64_t accepted, requests, errors; /* errors: answers of 500 and above */
	uint64_t refused;                    /* connections closed because something was full */
	uint64_t evicted;
	uint64_t bytes_in, bytes_out; /* of connections that are closed */
} wf_site_counts;

/* What the console was last told, and by what the next answer is measured. The totals may be read
 * by any worker, relaxed, when this one does not answer. */
typedef struct wf_site_told {
	int64_t at_ns, cpu_ns;
	double busy_percent;
	uint64_t requests, errors;
	/* All that it said the last time, for when it does not answer; the console's own. */
	wf_spin lock; /* guards `last` */
	void *last;
	void (*forget)(void *last);
} wf_site_told;

struct wf_site {
	wf_server *server;
	wf_worker *worker;
	weft_listener *listener;
	int error; /* of opening it */

	wf_list connections; /* all, oldest first */
	wf_list slow;        /* wf_partial: heads that are not complete, oldest first */
	wf_list *hand;       /* where eviction looks next */
	unsigned count;
	bool draining;
	bool cancelled;
	wf_nap *nap; /* of the site's task, while it waits for a connection to end, or to rest */

	weft_request *spare_requests;
	unsigned spare_request_count;
	char *spare_outputs; /* each begins with a pointer to the next */
	unsigned spare_output_count;

	wf_opening opening; /* of a 200 */
	wf_random random;
	uint64_t last_id;
	wf_site_counts counts;
	wf_site_told told;
	wf_census census;
};

/* Opens the listener of this worker: a task of each worker runs it before any site serves. */
int wf_site_listen(wf_site *site);
/* Accepts until drained, then waits until the last connection has ended. Thread: task. */
int wf_site_serve(wf_site *site);
/* Frees what it kept. Its listener and its connections are closed. Thread: any, after the last. */
void wf_site_fini(wf_site *site);

/* A connection has come, or gone. */
void wf_site_add(wf_site *site, wf_connection *c);
void wf_site_remove(wf_site *site, wf_connection *c);

/* A connection has come to rest, or only wastes time: who waits for room may have it. */
void wf_site_rested(wf_site *site);

/* A request, reset, with its input empty. NULL without memory. */
weft_request *wf_site_take_request(wf_site *site);
void wf_site_give_request(wf_site *site, weft_request *rq);

/* WF_OUTPUT_SIZE bytes, or NULL. */
char *wf_site_take_output(wf_site *site);
void wf_site_give_output(wf_site *site, char *buffer);

/* The opening of a 200, at the worker's current second. */
const wf_opening *wf_site_opening(wf_site *site);

#endif
