#include "net/http/census.h"

#include <stdio.h>
#include <string.h>

#include "context/clock.h"
#include "net/http/request.h"

void wf_census_note(wf_census *census, const weft_request *rq, int64_t ended_ns)
{
	const wf_message_state *now = &rq->now;
	/* Who looks once a second would soon see nothing but that. */
	if (now->route >= wf_console_routes && now->route < wf_console_routes + WF_CONSOLE_ROUTES)
		return;
	wf_census_entry *entry = &census->last[census->next % WF_CENSUS_LAST];
	size_t size = now->path_size < WF_CENSUS_PATH ? now->path_size : WF_CENSUS_PATH;
	census->next++;
	entry->ended_ns = ended_ns;
	entry->duration_ns = ended_ns - now->began_ns;
	entry->status = (uint16_t)now->status;
	entry->method = rq->refusal == 0 ? rq->head.method_id : WF_METHOD_OTHER;
	entry->path_size = (uint8_t)size;
	memcpy(entry->path, now->path, size);
	const wf_trace *trace = now->context ? &now->context->trace : &wf_context_root()->trace;
	memcpy(entry->trace_id, trace->trace_id, sizeof entry->trace_id);
	memcpy(entry->request_id, trace->request_id, sizeof entry->request_id);
}

const wf_census_entry *wf_census_at(const wf_census *census, uint32_t i)
{
	if (i >= WF_CENSUS_LAST || i >= census->next) return NULL;
	return &census->last[(census->next - 1 - i) % WF_CENSUS_LAST];
}

uint32_t wf_census_connections(const wf_site *site, wf_census_connection *list, uint32_t room)
{
	int64_t now_ns = wf_now_ns();
	uint32_t n = 0;
	wf_list_for_each(node, &site->connections)
	{
		if (n == room) break;
		const wf_connection *c = wf_list_entry(node, wf_connection, link);
		wf_census_connection *out = &list[n++];
		*out = (wf_census_connection){ .id = c->id,
			.protocol = wf_connection_protocol(c),
			.state = wf_connection_state_name(c),
			.requests = c->requests,
			.age_ns = now_ns - c->opened_ns,
			.bytes_in = c->stream->received,
			.bytes_out = c->stream->sent };
		snprintf(out->peer, sizeof out->peer, "%s", weft_stream_peer(c->stream));
	}
	return n;
}
