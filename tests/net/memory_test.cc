/* Memory ends at every single allocation, once or from there on: nothing may crash, leak or hang.
 */
#include <weft/protocol.h>
#include <weft/reader.h>

#include "tests/net/support.h"
#include "tests/support/failing_allocator.h"

namespace
{

int echo_lines(weft_stream *s)
{
	weft_reader *r;
	char *line;
	int rc = weft_reader_open(s, 64, &r);
	if (rc != 0) return rc;
	while ((rc = weft_reader_next_line(r, &line)) > 0) {
		rc = weft_stream_print(s, "%s\n", line);
		if (rc != 0) break;
	}
	weft_reader_close(r);
	return rc;
}

int echo_data(weft_connection *c, const char *data, size_t size)
{
	return weft_connection_post(c, data, size);
}

const weft_protocol echo_protocol = { .data = echo_data };

/* A question and its answer; whatever fails on the way is a result. */
int ask(const char *address)
{
	weft_stream *s;
	char answer[6];
	int rc = weft_tcp_connect(address, &s);
	if (rc != 0) return rc;
	rc = weft_stream_write(s, "hello\n", 6);
	if (rc == 0) rc = weft_stream_read_exact(s, answer, sizeof answer, nullptr);
	if (rc == 0) rc = weft_stream_finish(s);
	std::string peer = weft_stream_peer(s);
	EXPECT_TRUE(peer == address || peer == "unknown") << peer;
	weft_stream_close(s);
	return rc;
}

int serve_and_ask(bool handlers)
{
	weft_listener *l;
	int rc = weft_listener_open("127.0.0.1:0", &l);
	if (rc != 0) return rc;
	weft_group *group = weft_group_open();
	spawn(group, [&] {
		return handlers ? weft_protocol_serve(l, group, &echo_protocol, nullptr)
						: weft_listener_serve(l, group, echo_lines, nullptr);
	});
	weft_scope *scope = weft_scope_open(.timeout_ms = 300);
	rc = weft_scope_close(scope, ask(weft_listener_address(l)));
	weft_group_drain(group, 300);
	rc = weft_group_join(group, rc);
	weft_listener_close(l);
	return rc;
}

int pair_and_copy()
{
	weft_stream *a, *b, *c, *d;
	int rc = weft_stream_pair(&a, &b);
	if (rc != 0) return rc;
	rc = weft_stream_pair(&c, &d);
	if (rc == 0) {
		rc = weft_stream_write(a, "hello", 5);
		if (rc == 0) rc = weft_stream_finish(a);
		if (rc == 0) rc = weft_stream_forward(b, c);
		char text[5];
		if (rc == 0) rc = weft_stream_read_exact(d, text, sizeof text, nullptr);
		weft_stream_close(c);
		weft_stream_close(d);
	}
	weft_stream_close(a);
	weft_stream_close(b);
	return rc;
}

void sweep(Body scenario)
{
	failing_allocator_install();
	for (auto mode : { FAIL_ONCE, FAIL_STICKY }) {
		for (long n = 0, failed = 1; failed; n++) {
			failing_allocator_fail_at(n, mode);
			int rc = OnBackend::run_with(Backend::poll, 1, scenario);
			failed = failing_allocator_failures();
			if (!failed) {
				EXPECT_EQ(0, rc) << weft_error_name(rc);
			}
			ASSERT_EQ(0, failing_allocator_live()) << "after failing at " << n << " mode " << mode;
		}
	}
	failing_allocator_remove();
}

TEST(TransportMemory, MayEndAnywhereInAServerOfTasks)
{
	sweep([] { return serve_and_ask(false); });
}

TEST(TransportMemory, MayEndAnywhereInAServerOfHandlers)
{
	sweep([] { return serve_and_ask(true); });
}

TEST(TransportMemory, MayEndAnywhereBetweenPairs)
{
	sweep(pair_and_copy);
}

} // namespace
