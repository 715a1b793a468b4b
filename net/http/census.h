/* What a site remembers of its requests, for whoever looks: the last ones, in a ring.
 *
 * Thread: the site's worker. A reader on another worker has it run there (weft_call_on). */
#ifndef WF_HTTP_CENSUS_H
#define WF_HTTP_CENSUS_H

#include <weft/request.h>

#include "context/context.h"

enum { WF_CENSUS_LAST = 128, WF_CENSUS_PATH = 80 };

/* One answered request. Not more than three cache lines: each request writes one. */
typedef struct wf_census_entry {
	int64_t ended_ns; /* of the monotonic clock; 0: empty */
	int64_t duration_ns;
	uint8_t trace_id[16];
	char request_id[WF_REQUEST_ID_SIZE];
	uint16_t status; /* 0: there was no answer */
	uint8_t method;  /* wf_http_method */
	uint8_t path_size;
	char path[WF_CENSUS_PATH]; /* its beginning, without NUL */
} wf_census_entry;

typedef struct wf_census {
	wf_census_entry last[WF_CENSUS_LAST];
	uint32_t next;
} wf_census;

typedef struct wf_site wf_site;

/* A connection as it is at this moment, in the words of docs/console.md. */
typedef struct wf_census_connection {
	uint64_t id;
	char peer[64];
	const char *protocol, *state;
	uint32_t requests;
	int64_t age_ns;
	uint64_t bytes_in, bytes_out;
} wf_census_connection;

void wf_census_note(wf_census *census, const weft_request *rq, int64_t ended_ns);

/* The `i`-th of the last ones, 0 the newest; NULL when there are not so many. */
const wf_census_entry *wf_census_at(const wf_census *census, uint32_t i);

/* At most `room` of the site's connections, oldest first. Returns how many were written. */
uint32_t wf_census_connections(const wf_site *site, wf_census_connection *list, uint32_t room);

#endif
