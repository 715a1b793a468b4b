/* The context goes along wherever work goes. Every log line says to whom it belongs, by the
 * context; and whose it should be, by what the code around it knows. The sink compares. */
#include <gtest/gtest.h>

#include <weft/channel.h>
#include <weft/context.h>
#include <weft/error.h>
#include <weft/future.h>
#include <weft/group.h>
#include <weft/log.h>
#include <weft/offload.h>
#include <weft/post.h>
#include <weft/scope.h>
#include <weft/task.h>
#include <weft/timer.h>
#include <weft/trace.h>

#include <atomic>
#include <cstring>
#include <string>

#include "tests/runtime/flow.h"
#include "tests/runtime/support.h"

namespace
{

std::atomic<long> lines, wrong;

/* Field "owner" is the id of the request that the line is about; "" for nobody's. */
void compare(const weft_log_record *record, void *)
{
	lines++;
	for (const weft_log_field *field = record->fields; field->key != nullptr; field++)
		if (strcmp(field->key, "owner") == 0 &&
			(field->length != strlen(record->request_id) ||
				memcmp(field->value.text, record->request_id, field->length) != 0))
			wrong++;
}

const weft_log_sink comparing = { compare, nullptr };

struct Request {
	char id[24];
	weft_handle *run;
	weft_sender *tx;
};

void say(const char *where, const char *owner)
{
	weft_log(WEFT_LOG_INFO, where, weft_log_text("owner", owner));
}

int said(void *arg)
{
	say("elsewhere", static_cast<Request *>(arg)->id);
	return 0;
}

int said_after_waits(void *arg)
{
	auto *request = static_cast<Request *>(arg);
	say("begun", request->id);
	int rc = weft_yield();
	say("after a yield", request->id);
	if (rc == 0) rc = weft_sleep_ms(1);
	say("after a timer", request->id);
	return rc;
}

int said_on_a_thread(void *arg)
{
	auto *request = static_cast<Request *>(arg);
	say("in a job", request->id);
	/* And back, from the pool's thread to a worker. */
	weft_future *future;
	int rc = weft_post(request->run, said, request, .worker = 2, .future = &future);
	if (rc != 0) return rc;
	rc = weft_future_join(future);
	weft_future_unref(future);
	say("in a job that has waited", request->id);
	return rc;
}

/* A future that another request's task, or nobody's thread, completes. */
int said_after_a_future(void *arg)
{
	auto *request = static_cast<Request *>(arg);
	weft_future *future;
	int rc = weft_future_new(&future);
	if (rc != 0) return rc;
	weft_context_scope quiet;
	rc = weft_context_suppress(&quiet);
	weft_group *group = weft_group_open();
	weft_spawn(
		group,
		[](void *set) {
			say("suppressed", "");
			return weft_future_set(static_cast<weft_future *>(set), 0, nullptr);
		},
		future, .worker = 2);
	if (rc == 0) weft_context_restore(&quiet);
	if (rc == 0) rc = weft_await(future);
	say("after a future", request->id);
	rc = weft_group_join(group, rc);
	weft_future_unref(future);
	return rc;
}

/* Whatever one request can do with others under way; the name of each place is its own. */
int serve(void *arg)
{
	auto *request = static_cast<Request *>(arg);
	weft_context *context;
	int rc = weft_trace_start(nullptr, &context, .request_id = request->id);
	if (rc != 0) return rc;
	weft_context_scope entered;
	weft_context_enter(context, &entered);
	weft_context_unref(context);
	say("a request", request->id);
	weft_group *group = weft_group_open();
	weft_spawn(group, said_after_waits, request);
	weft_spawn(group, said_after_waits, request, .worker = 2);
	weft_spawn(group, said_after_a_future, request, .worker = WEFT_ANYWHERE);
	if (rc == 0) rc = weft_call_on(2, said, request);
	say("after a call", request->id);
	if (rc == 0) rc = weft_offload(said_on_a_thread, request);
	say("after a job", request->id);
	/* Whoever receives it is somebody else's task, and goes on under its own context. */
	if (rc == 0) rc = weft_sender_send(request->tx, &request);
	say("after a send", request->id);
	rc = weft_group_join(group, rc);
	say("after the join", request->id);
	weft_context_restore(&entered);
	say("afterwards", "");
	return rc;
}

weft_receiver *handed_over;

/* Items come from requests; the one who handles them belongs to none. */
int handle_items(void *)
{
	Request *request;
	int rc;
	while ((rc = weft_receiver_next(handed_over, &request)) > 0) say("an item's handler", "");
	say("no more items", "");
	return rc;
}

int serve_many(int count)
{
	weft_sender *tx;
	int rc = weft_channel_open(Request *, 4, &tx, &handed_over, .shared = true);
	if (rc != 0) return rc;
	weft_handle *run = weft_handle_current();
	weft_group *handlers = weft_group_open();
	weft_spawn(handlers, handle_items, nullptr, .worker = 2);
	weft_group *requests = weft_group_open(.at_once = 30);
	for (int i = 0; i < count; i++) {
		auto *request = new Request{ {}, run, tx };
		snprintf(request->id, sizeof request->id, "request-%d", i);
		weft_spawn(
			requests, serve, request, .forget = true,
			.release = [](void *arg) { delete static_cast<Request *>(arg); });
	}
	rc = weft_group_join(requests, 0);
	weft_sender_close(tx);
	rc = weft_group_join(handlers, rc);
	weft_receiver_close(handed_over);
	weft_handle_unref(run);
	say("the end", "");
	/* A thread of the pool that has served requests carries none of them. */
	return rc == 0 ? weft_offload(
						 [](void *) {
							 say("a job of nobody's", "");
							 return 0;
						 },
						 nullptr)
				   : rc;
}

} // namespace

void expect_no_line_to_be_somebody_elses(long count)
{
	lines = wrong = 0;
	weft_log_sink_set(&comparing);
	while (lines < count)
		ASSERT_EQ(0, run_task([&] {
			return serve_many(static_cast<int>(std::min(count / LINES_OF_A_REQUEST + 1, 1000L)));
		}));
	weft_log_sink_set(nullptr);
	EXPECT_EQ(0, wrong) << "of " << lines;
}
