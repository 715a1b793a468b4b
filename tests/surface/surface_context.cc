#include "tests/surface/surface.h"

#include <cstdlib>

namespace
{

/* What is allocated here is the test's own: it neither fails nor counts. */
const weft_key plain = { .name = "plain", .flags = WEFT_KEY_DIAGNOSTIC };
int value;

/* For those that neither fail nor touch anything of a run. */
Entry anywhere(const char *name, const Stage::Call &call)
{
	return { name, [call](Stage &stage) { stage.check(Place::any, call); } };
}

int with_context(const std::function<int(weft_context *)> &fn)
{
	weft_context *context;
	int rc = weft_context_with(nullptr, &plain, &value, &context);
	if (rc != 0) return rc;
	rc = fn(context);
	weft_context_unref(context);
	return rc;
}

int with_bound(const std::function<int(weft_bound *)> &fn)
{
	weft_bound *bound;
	int rc = weft_context_bind([](void *) { return 7; }, nullptr, &bound);
	return rc != 0 ? rc : fn(bound);
}

weft_log_record record()
{
	static const weft_log_field none = {};
	weft_log_record r = {};
	r.size = sizeof r;
	r.level = WEFT_LOG_INFO;
	r.site = "here";
	r.message = "said";
	r.fields = &none;
	r.request_id = "";
	return r;
}

int never_ends_here()
{
	static int closed = -1;
	return closed;
}

void silent(const weft_log_record *, void *)
{
}

const weft_log_sink silence = { silent, nullptr };

Entries values()
{
	return {
		anywhere("weft_context_get",
			[] {
				EXPECT_EQ(nullptr, weft_context_get(&plain));
				return 0;
			}),
		anywhere("weft_context_get_from",
			[] {
				return with_context([](weft_context *context) {
					EXPECT_EQ(&value, weft_context_get_from(context, &plain));
					return 0;
				});
			}),
		anywhere("weft_context_require",
			[] {
				void *got = &value;
				EXPECT_EQ(WEFT_ENOCONTEXT, weft_context_require(&plain, &got));
				EXPECT_EQ(&value, got);
				return 0;
			}),
		anywhere("weft_context_capture",
			[] {
				weft_context_unref(weft_context_capture());
				return 0;
			}),
		anywhere("weft_context_ref",
			[] {
				return with_context([](weft_context *context) {
					weft_context_unref(weft_context_ref(context));
					return 0;
				});
			}),
		anywhere("weft_context_unref",
			[] {
				weft_context_unref(nullptr);
				return 0;
			}),
		anywhere(
			"weft_context_with", [] { return with_context([](weft_context *) { return 0; }); }),
		anywhere("weft_context_run",
			[] {
				return with_context([](weft_context *context) {
					auto read = [](void *) { return weft_context_get(&plain) == &value ? 0 : -1; };
					return weft_context_run(context, read, nullptr);
				});
			}),
		anywhere("weft_context_visit",
			[] {
				return with_context([](weft_context *context) {
					int seen = 0;
					weft_context_visit(
						context,
						[](const weft_key *, const char *, void *arg) {
							return ++*static_cast<int *>(arg) < 9;
						},
						&seen);
					EXPECT_EQ(1, seen);
					return 0;
				});
			}),
		anywhere("weft_context_stats",
			[] {
				weft_context_counts counts;
				weft_context_stats(&counts);
				return 0;
			}),
	};
}

Entries scopes()
{
	return {
		anywhere("weft_context_bind",
			[] {
				return with_bound([](weft_bound *bound) {
					weft_bound_free(bound);
					return 0;
				});
			}),
		anywhere("weft_bound_call",
			[] {
				return with_bound([](weft_bound *bound) {
					EXPECT_EQ(7, weft_bound_call(bound));
					weft_bound_free(bound);
					return 0;
				});
			}),
		anywhere("weft_bound_call_once",
			[] {
				return with_bound([](weft_bound *bound) {
					weft_bound_call_once(bound);
					return 0;
				});
			}),
		anywhere("weft_bound_free",
			[] {
				weft_bound_free(nullptr);
				return 0;
			}),
		anywhere("weft_context_suppress",
			[] {
				weft_context_scope scope;
				int rc = weft_context_suppress(&scope);
				if (rc == 0) weft_context_restore(&scope);
				return rc;
			}),
		anywhere("weft_context_enter",
			[] {
				return with_context([](weft_context *context) {
					weft_context_scope scope;
					weft_context_enter(context, &scope);
					weft_context_restore(&scope);
					return 0;
				});
			}),
		anywhere("weft_context_restore",
			[] {
				return with_context([](weft_context *context) {
					weft_context_scope scope;
					weft_context_enter(context, &scope);
					weft_context_restore(&scope);
					EXPECT_EQ(nullptr, weft_context_get(&plain));
					return 0;
				});
			}),
	};
}

Entries traces()
{
	return {
		anywhere("weft_request_id",
			[] {
				EXPECT_STREQ("", weft_request_id());
				return 0;
			}),
		anywhere("weft_trace_id",
			[] {
				char text[WEFT_TRACE_ID_SIZE];
				EXPECT_FALSE(weft_trace_id(text));
				return 0;
			}),
		anywhere("weft_span_id",
			[] {
				char text[WEFT_SPAN_ID_SIZE];
				EXPECT_FALSE(weft_span_id(text));
				return 0;
			}),
		anywhere("weft_trace_sampled",
			[] {
				EXPECT_FALSE(weft_trace_sampled());
				return 0;
			}),
		anywhere("weft_traceparent",
			[] {
				char text[WEFT_TRACEPARENT_SIZE];
				EXPECT_FALSE(weft_traceparent(text));
				return 0;
			}),
		anywhere("weft_tracestate",
			[] {
				EXPECT_STREQ("", weft_tracestate());
				return 0;
			}),
		anywhere("weft_trace_start_with",
			[] {
				weft_context *context;
				int rc = weft_trace_start(nullptr, &context);
				if (rc == 0) weft_context_unref(context);
				return rc;
			}),
	};
}

Entries fields()
{
	return {
		anywhere("weft_log_text", [] { return static_cast<int>(weft_log_text("k", "v").kind); }),
		anywhere(
			"weft_log_bytes", [] { return static_cast<int>(weft_log_bytes("k", "v", 1).kind); }),
		anywhere("weft_log_int", [] { return static_cast<int>(weft_log_int("k", 1).kind); }),
		anywhere("weft_log_uint", [] { return static_cast<int>(weft_log_uint("k", 1).kind); }),
		anywhere("weft_log_real", [] { return static_cast<int>(weft_log_real("k", 1).kind); }),
		anywhere("weft_log_bool", [] { return static_cast<int>(weft_log_bool("k", true).kind); }),
		anywhere("weft_log_code", [] { return static_cast<int>(weft_log_code("k", -1).kind); }),
		anywhere("weft_log_secret", [] { return static_cast<int>(weft_log_secret("k").kind); }),
	};
}

Entries logs()
{
	return {
		anywhere("weft_log_sink_set",
			[] {
				weft_log_sink_set(&silence);
				weft_log_sink_set(nullptr);
				return 0;
			}),
		anywhere("weft_log_write",
			[] {
				weft_log_sink_set(&silence);
				weft_log(WEFT_LOG_ERROR, "said", weft_log_int("n", 1));
				weft_log_sink_set(nullptr);
				return 0;
			}),
		anywhere("weft_report_set",
			[] {
				weft_report_set(&silence);
				weft_report_set(nullptr);
				return 0;
			}),
		anywhere("weft_report_write",
			[] {
				weft_report_set(&silence);
				weft_report("surface", "said");
				weft_report_set(nullptr);
				return 0;
			}),
		anywhere("weft_log_threshold_set",
			[] {
				weft_log_threshold_set(WEFT_LOG_INFO);
				return 0;
			}),
		anywhere("weft_log_redact_set",
			[] {
				weft_log_redact_set(nullptr);
				return 0;
			}),
		anywhere("weft_log_lost", [] { return static_cast<int>(weft_log_lost()); }),
		anywhere("weft_log_sink_text",
			[] {
				weft_log_record r = record();
				int nowhere = never_ends_here();
				weft_log_sink_text(&r, &nowhere);
				return 0;
			}),
		anywhere("weft_log_sink_json",
			[] {
				weft_log_record r = record();
				int nowhere = never_ends_here();
				weft_log_sink_json(&r, &nowhere);
				return 0;
			}),
		anywhere("weft_log_format_text",
			[] {
				char line[WEFT_LOG_LINE_MIN];
				weft_log_record r = record();
				return static_cast<int>(weft_log_format_text(&r, line, sizeof line));
			}),
		anywhere("weft_log_format_json",
			[] {
				char line[WEFT_LOG_LINE_MIN];
				weft_log_record r = record();
				return static_cast<int>(weft_log_format_json(&r, line, sizeof line));
			}),
	};
}

Entries others()
{
	return {
		anywhere("weft_error_name", [] { return weft_error_name(0) != nullptr ? 0 : -1; }),
		anywhere("weft_error_text", [] { return weft_error_text(0) != nullptr ? 0 : -1; }),
		{ "weft_allocator_set",
			[](Stage &stage) {
				/* Only while nothing is alive; but half an allocator is refused at any time. */
				stage.check_once([] {
					weft_allocator half = {};
					half.malloc = malloc;
					EXPECT_EQ(WEFT_EINVAL, weft_allocator_set(&half));
					return 0;
				});
			} },
	};
}

} // namespace

Entries context_entries()
{
	Entries all;
	for (auto part : { values, scopes, traces, fields, logs, others })
		for (auto &entry : part()) all.push_back(entry);
	return all;
}
