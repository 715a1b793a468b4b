/* The public face of a session. */
#include <stdarg.h>
#include <string.h>

#include "net/websocket/session.h"

static void check(const weft_websocket *ws)
{
	wf_assert(ws != NULL && ws->magic == WF_WEBSOCKET_MAGIC);
}

void *weft_websocket_app(const weft_websocket *ws)
{
	check(ws);
	return ws->app;
}

const char *weft_websocket_param(const weft_websocket *ws, const char *name)
{
	check(ws);
	const wf_websocket_extras *extras = ws->extras;
	for (const wf_websocket_param *p = extras ? extras->params : NULL; p != NULL; p = p->next)
		if (strcmp(p->name, name) == 0) return p->value;
	return NULL;
}

weft_request *weft_websocket_request(weft_websocket *ws)
{
	check(ws);
	return ws->stay ? ws->stay->request : NULL;
}

const char *weft_websocket_subprotocol(const weft_websocket *ws)
{
	check(ws);
	return ws->extras ? ws->extras->subprotocol : NULL;
}

const char *weft_websocket_peer(const weft_websocket *ws)
{
	check(ws);
	return weft_stream_peer(ws->stream);
}

void weft_websocket_keep(weft_websocket *ws, void *state)
{
	check(ws);
	ws->kept = state;
}

void *weft_websocket_kept(const weft_websocket *ws)
{
	check(ws);
	return ws->kept;
}

void *weft_websocket_alloc(weft_websocket *ws, size_t size)
{
	check(ws);
	return wf_websocket_take(ws, size);
}

int weft_websocket_close_code(const weft_websocket *ws)
{
	check(ws);
	return ws->code;
}

const char *weft_websocket_close_reason(const weft_websocket *ws)
{
	check(ws);
	return ws->extras && ws->extras->reason ? ws->extras->reason : "";
}

void weft_websocket_get_stats(const weft_websocket *ws, weft_websocket_stats *out)
{
	check(ws);
	*out = (weft_websocket_stats){
		.received = ws->received, .sent = ws->sent, .dropped = ws->dropped, .waiting = ws->out.count
	};
}

void weft_websocket_finish(weft_websocket *ws, int code, const char *reason)
{
	check(ws);
	wf_assert(ws->worker == wf_worker_here());
	/* 1005 says "no code" and is not sent; of who asks for it explicitly it is a mistake. */
	unsigned wanted = code == WF_WEBSOCKET_NO_STATUS || code < 0 ? 0 : (unsigned)code;
	wf_websocket_begin_close(ws, wanted, reason);
}

/* Sending. */

int weft_websocket_send(weft_websocket *ws, const weft_message *m)
{
	check(ws);
	return wf_websocket_send(ws, m);
}

static int send_own(weft_websocket *ws, int rc, weft_message *m)
{
	if (rc != 0) return rc;
	rc = wf_websocket_send(ws, m);
	weft_message_unref(m);
	return rc;
}

int weft_websocket_print(weft_websocket *ws, const char *format, ...)
{
	weft_message *m = NULL;
	va_list list;
	check(ws);
	va_start(list, format);
	int rc = weft_message_vprint(&m, format, list);
	va_end(list);
	return send_own(ws, rc, m);
}

int weft_websocket_text(weft_websocket *ws, const char *text)
{
	weft_message *m = NULL;
	check(ws);
	int rc = weft_message_new(text, strlen(text), false, &m);
	return send_own(ws, rc, m);
}

int weft_websocket_bytes(weft_websocket *ws, const void *data, size_t size)
{
	weft_message *m = NULL;
	check(ws);
	int rc = weft_message_new(data, size, true, &m);
	return send_own(ws, rc, m);
}
