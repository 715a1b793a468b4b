/* The one-way proxy and its three classical bugs: no backpressure, reading ahead, closing too
 * early. Source and destination are plain sockets of other threads where the run must not know
 * them. */
#include "tests/net/delivery.h"

namespace
{

struct Proxy : OnBackend {
};

ON_EACH_BACKEND(Proxy);

enum { BUFFER = 16384 };

int naive_proxy(weft_stream *in, weft_stream *out)
{
	char buffer[BUFFER];
	size_t got;
	int rc;
	while ((rc = weft_stream_read(in, buffer, sizeof buffer, &got)) > 0) {
		rc = weft_stream_write(out, buffer, got);
		if (rc < 0) return rc;
	}
	return rc;
}

TEST_P(Proxy, TakesNoMoreFromItsSourceThanItsDestinationTook)
{
	int rc = run([] {
		weft_stream *source, *in, *out, *destination;
		make_pair(Kind::tcp, &source, &in);
		make_pair(Kind::tcp, &out, &destination);
		weft_group *group = weft_group_open(.keep_going = true);
		spawn(group, [&] {
			std::string much(1 << 20, 'x');
			int result = 0;
			while (result == 0) result = write_text(source, much);
			return result;
		});
		spawn(group, [&] { return naive_proxy(in, out); });

		weft_stream_stats pushed = {}, taken = {}, given = {};
		uint64_t last = 1;
		/* Until everything stands still, and a while longer. */
		for (int still = 0; still < 50; still++) {
			EXPECT_EQ(0, weft_sleep_ms(1));
			weft_stream_get_stats(source, &pushed);
			weft_stream_get_stats(in, &taken);
			weft_stream_get_stats(out, &given);
			EXPECT_LE(taken.received - given.sent, static_cast<uint64_t>(BUFFER));
			if (pushed.sent + taken.received + given.sent != last) still = 0;
			last = pushed.sent + taken.received + given.sent;
		}
		EXPECT_GT(pushed.sent, 0u);
		EXPECT_LT(pushed.sent, 64u << 20);
		weft_group_cancel(group);
		int result = weft_group_join(group, 0);
		weft_stream_abort(source);
		weft_stream_abort(in);
		weft_stream_abort(out);
		weft_stream_abort(destination);
		return result;
	});
	EXPECT_EQ(0, rc) << weft_error_name(rc);
}

TEST_P(Proxy, LeavesInTheKernelWhatNobodyReads)
{
	int rc = run([] {
		weft_stream *source, *in;
		make_pair(Kind::tcp, &source, &in);
		EXPECT_EQ(0, write_text(source, std::string(50000, 'x')));
		EXPECT_EQ("xxx", read_n(in, 3));
		let_others_run();
		weft_stream_stats stats;
		weft_stream_get_stats(in, &stats);
		EXPECT_EQ(3u, stats.received);
		weft_stream_close(source);
		EXPECT_EQ(49997u, read_all(in).size());
		weft_stream_close(in);
		return 0;
	});
	EXPECT_EQ(0, rc) << weft_error_name(rc);
}

TEST_P(Proxy, DeliversEveryByteAndAnOrderlyEndThoughMainReturnsAtOnce)
{
	expect_all_delivered(GetParam(), "", 20, 22);
}

TEST_P(Proxy, DeliversEveryByteThoughTheDestinationTalksBack)
{
	expect_all_delivered(GetParam(), "nobody reads this", 10, 22);
}

TEST_P(Proxy, LeavesToTheKernelWhatWasWrittenBeforeAClose)
{
	for (int i = 0; i < 5; i++) {
		std::string sent = pattern(200000), got, address;
		int end = -1;
		Socket listener(listen_plainly(&address));
		std::thread destination(
			[&] { receive_slowly(listener.fd, i % 2 ? "hm" : "", &got, &end); });
		int rc = run([&] {
			weft_stream *s;
			connect_to(address, &s);
			int result = write_text(s, sent);
			weft_stream_close(s);
			return result;
		});
		EXPECT_EQ(0, rc);
		destination.join();
		EXPECT_EQ(0, end);
		EXPECT_TRUE(got == sent) << got.size() << " of " << sent.size();
	}
}

TEST_P(Proxy, SaysSoWhenNotEverythingWasDelivered)
{
	std::string address;
	Socket listener(listen_plainly(&address));
	std::thread destination([&] {
		Socket s(accept(listener.fd, nullptr, nullptr));
		char c;
		EXPECT_EQ(1, recv(s.fd, &c, 1, 0));
		struct linger reset = { 1, 0 };
		EXPECT_EQ(0, setsockopt(s.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
	});
	int rc = run([&] {
		weft_stream *s;
		connect_to(address, &s);
		int result = write_text(s, pattern(1 << 20));
		if (result == 0) result = weft_stream_finish(s);
		weft_stream_close(s);
		return result;
	});
	EXPECT_TRUE(rc == WEFT_ECONNRESET || rc == WEFT_EPIPE) << weft_error_name(rc);
	destination.join();
}

TEST_P(Proxy, TellsHowMuchIsStillOnItsWayWhenItIsInterrupted)
{
	std::string address;
	Socket listener(listen_plainly(&address));
	int rc = run([&] {
		weft_stream *s;
		connect_to(address, &s);
		std::string text = pattern(100000);
		weft_scope *scope = weft_scope_open(.timeout_ms = 20);
		int result = write_text(s, text);
		if (result == 0) result = weft_stream_finish(s);
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, result));
		weft_stream_stats stats;
		weft_stream_get_stats(s, &stats);
		EXPECT_EQ(text.size(), stats.sent);
		EXPECT_GT(stats.in_flight, 0u);
		EXPECT_LT(stats.in_flight, stats.sent + 1);
		/* It may be asked again. */
		std::thread destination([&] {
			std::string got;
			int end;
			receive_slowly(listener.fd, "", &got, &end);
			EXPECT_TRUE(got == text);
		});
		result = weft_stream_finish(s);
		weft_stream_close(s);
		destination.join();
		return result;
	});
	EXPECT_EQ(0, rc) << weft_error_name(rc);
}

} // namespace
