/* The console: one page, and the state of the server that it reads.
 *
 * It tells who is connected and what they ask, so it answers this machine only: by the peer's
 * address, and by the host that was asked for, because a name that somebody else owns may be made
 * to mean this machine (DNS rebinding). What a proxy passes on is not from this machine. */
#include <string.h>
#include <strings.h>
#include <weft/reply.h>
#include <weft/scope.h>

#include "context/alloc.h"
#include "net/export/console_state.h"
#include "net/http/request.h"

enum { PATIENCE_MS = 200, NS_PER_MS = 1000000 };

extern const char wf_console_page[];
extern const size_t wf_console_page_size;

/* Who may look. */

static bool starts(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* "127.0.0.1:80", "[::1]:80", "localhost:80", with or without the port. */
static bool is_this_machine(const char *host)
{
	size_t size = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	if (size == strlen("localhost") && strncasecmp(host, "localhost", size) == 0) return true;
	if (size == strlen("[::1]") && starts(host, "[::1]")) return true;
	return starts(host, "127.") && strspn(host, "0123456789.") == size;
}

/* 0, or it was refused, and this is the handler's result. */
static int refuse_others(weft_request *rq)
{
	const char *peer = weft_request_peer(rq), *host = weft_request_host(rq);
	bool here = is_this_machine(peer) || starts(peer, "unix:");
	if (!here)
		return weft_reply_problem(rq, 403,
			"The console answers only to peers of its own machine; this came from %s. "
			"From afar, use a tunnel: ssh -L 8080:127.0.0.1:PORT HOST",
			peer);
	if (weft_request_header(rq, "forwarded") || weft_request_header(rq, "x-forwarded-for"))
		return weft_reply_problem(
			rq, 403, "The console answers only to its own machine, and this came through a proxy.");
	if (host[0] != '\0' && !starts(peer, "unix:") && !is_this_machine(host))
		return weft_reply_problem(rq, 403,
			"The console answers only at localhost, 127.0.0.1 or [::1], not at '%s'.", host);
	return 0;
}

/* What its workers say. */

/* What the worker said, or the last time, since it did not answer now. */
static void take_answer(wf_site *site, wf_console_answer *answer, bool answered)
{
	if (answered) {
		wf_console_keep(answer->sample);
		return;
	}
	wf_console_let_go(answer->sample);
	*answer = (wf_console_answer){ .sample = wf_console_last(site), .stale = true };
}

/* Errors: ECANCELED, by the request's scope. */
static int gather(wf_server *server, wf_console_answer *answers)
{
	bool all = true;
	for (int i = 0; i < server->site_count; i++) {
		answers[i] = (wf_console_answer){ .sample = NULL };
		if (wf_console_ask(&server->sites[i], &answers[i].sample) != 0) answers[i].sample = NULL;
	}
	weft_scope *patience = weft_scope_open(.timeout_ms = PATIENCE_MS);
	for (int i = 0; i < server->site_count; i++) {
		bool asked = answers[i].sample != NULL;
		bool answered = asked && wf_console_answered(answers[i].sample);
		take_answer(&server->sites[i], &answers[i], answered);
		if (asked && !answered) all = false;
	}
	int rc = weft_scope_close(patience, all ? 0 : WEFT_ECANCELED);
	return rc == WEFT_EDEADLINE ? 0 : rc;
}

static int reply_state(weft_request *rq, wf_server *server, const wf_console_answer *answers)
{
	char *text;
	size_t size;
	int rc = wf_console_write(server, answers, (int64_t)PATIENCE_MS * NS_PER_MS, &text, &size);
	if (rc != 0) return rc;
	weft_reply_header(rq, "cache-control", "no-store");
	weft_reply_header(rq, "x-content-type-options", "nosniff");
	rc = weft_reply_bytes(rq, 200, "application/json", text, size);
	wf_free(text);
	return rc;
}

static int get_state(weft_request *rq)
{
	wf_server *server = rq->site->server;
	size_t n = (size_t)server->site_count;
	int rc = refuse_others(rq);
	if (rc != 0 || weft_reply_begun(rq)) return rc;
	wf_console_answer *answers = weft_request_alloc(rq, n * sizeof *answers);
	if (answers == NULL) return WEFT_ENOMEM;
	rc = gather(server, answers);
	if (rc == 0) rc = reply_state(rq, server, answers);
	for (size_t i = 0; i < n; i++) wf_console_let_go(answers[i].sample);
	return rc;
}

/* The page. */

static int get_page(weft_request *rq)
{
	int rc = refuse_others(rq);
	if (rc != 0 || weft_reply_begun(rq)) return rc;
	weft_reply_header(rq, "cache-control", "no-cache");
	weft_reply_header(rq, "x-content-type-options", "nosniff");
	weft_reply_header(rq, "referrer-policy", "no-referrer");
	weft_reply_header(rq, "content-security-policy",
		"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
	return weft_reply_bytes(
		rq, 200, "text/html; charset=utf-8", wf_console_page, wf_console_page_size);
}

/* The page asks for its state by a path of its own, so it must stand where it belongs. */
static int get_place(weft_request *rq)
{
	weft_reply_header(rq, "location", "/weft/");
	return weft_reply_bytes(rq, 308, NULL, "", 0);
}

const weft_route wf_console_routes[WF_CONSOLE_ROUTES] = {
	WEFT_GET("/weft", get_place),
	WEFT_GET("/weft/", get_page),
	WEFT_GET("/weft/api/state", get_state),
};
