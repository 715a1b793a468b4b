/* The one-way proxy and its three classical bugs: no backpressure, reading ahead, closing too
 * early. Source and destination are plain sockets of other threads where the run must not know
 * them. */
#include "tests/net/delivery.h"

#include <sys/ioctl.h>

#include <fstream>

#include "tests/support/measure.h"

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

/* What four sockets may hold at most. */
uint64_t room_in_the_kernel()
{
	uint64_t sum = 0;
	for (const char *path : { "/proc/sys/net/ipv4/tcp_rmem", "/proc/sys/net/ipv4/tcp_wmem" }) {
		uint64_t least, usual, most = 0;
		std::ifstream(path) >> least >> usual >> most;
		sum += 2 * most;
	}
	return sum;
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
		EXPECT_EQ(0, weft_yield());
		long resident = resident_bytes();
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
		EXPECT_LE(pushed.sent, room_in_the_kernel() + BUFFER) << "the source has been stopped";
		if (!SANITIZED) {
			EXPECT_LT(resident_bytes() - resident, 1 << 20);
		}
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

int waiting_in_the_kernel(int fd)
{
	int n = -1;
	EXPECT_EQ(0, ioctl(fd, FIONREAD, &n));
	return n;
}

/* A second descriptor of the same socket looks on from outside. */
TEST_P(Proxy, LeavesInTheKernelWhatNobodyReads)
{
	int rc = run([] {
		int ends[2];
		EXPECT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
		Socket watcher(dup(ends[0])), source(ends[1]);
		weft_stream *in;
		EXPECT_EQ(0, weft_stream_pipe(ends[0], -1, &in));
		EXPECT_EQ(50000, send(source.fd, pattern(50000).data(), 50000, MSG_NOSIGNAL));
		let_others_run();
		EXPECT_EQ(50000, waiting_in_the_kernel(watcher.fd)) << "nobody has asked";
		EXPECT_EQ(pattern(3), read_n(in, 3));
		let_others_run();
		EXPECT_EQ(49997, waiting_in_the_kernel(watcher.fd)) << "nobody has asked for more";
		weft_stream_stats stats;
		weft_stream_get_stats(in, &stats);
		EXPECT_EQ(3u, stats.received);
		EXPECT_EQ(pattern(50000).substr(3), read_n(in, 49997));
		EXPECT_EQ(0, waiting_in_the_kernel(watcher.fd));
		weft_stream_close(in);
		return 0;
	});
	EXPECT_EQ(0, rc) << weft_error_name(rc);
}

/* The destination takes a third of what the source could give. What the source says now is heard
 * after what the kernel holds and one buffer, and not later. */
TEST_P(Proxy, DelaysAMarkerByNoMoreThanOneBufferBesideTheKernels)
{
	int rc = run([] {
		weft_stream *source, *in, *out, *destination;
		make_pair(Kind::tcp, &source, &in);
		make_pair(Kind::tcp, &out, &destination);
		weft_group *group = weft_group_open(.keep_going = true);
		uint64_t marked_at = 0, seen_at = 0, read = 0;
		spawn(group, [&] {
			int result = 0;
			for (int i = 0; result == 0; i++) {
				if (i == 1000) {
					weft_stream_stats pushed;
					weft_stream_get_stats(source, &pushed);
					marked_at = pushed.sent;
					EXPECT_LE(marked_at - read, room_in_the_kernel() + BUFFER);
				}
				result = write_text(source, i == 1000 ? "M" : std::string(3000, 'x'));
			}
			return result;
		});
		spawn(group, [&] { return naive_proxy(in, out); });
		std::string bite(1000, 0);
		weft_stream_stats taken, given;
		for (size_t got = 0; seen_at == 0; read += got) {
			EXPECT_EQ(1, weft_stream_read(destination, bite.data(), bite.size(), &got));
			size_t marker = bite.find('M');
			if (marker < got) seen_at = read + marker;
			weft_stream_get_stats(in, &taken);
			weft_stream_get_stats(out, &given);
			EXPECT_LE(taken.received - given.sent, static_cast<uint64_t>(BUFFER));
			bite.assign(bite.size(), 0);
		}
		EXPECT_EQ(marked_at, seen_at);
		weft_group_cancel(group);
		int result = weft_group_join(group, 0);
		for (weft_stream *s : { source, in, out, destination }) weft_stream_abort(s);
		return result;
	});
	EXPECT_EQ(0, rc) << weft_error_name(rc);
}

TEST_P(Proxy, DeliversEveryByteAndAnOrderlyEndThoughMainReturnsAtOnce)
{
	expect_all_delivered(GetParam(), "", 20, 4 * MEGABYTES);
}

TEST_P(Proxy, DeliversEveryByteThoughTheDestinationTalksBack)
{
	expect_all_delivered(GetParam(), "nobody reads this", 10, 4 * MEGABYTES);
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

/* The first signal asks to finish up, and this is what it finishes. */
TEST_P(Proxy, DeliversEveryByteThoughASignalComesMeanwhile)
{
	std::mt19937 random(11);
	for (int signo : { SIGTERM, SIGINT }) {
		for (int i = 0; i < 5; i++) {
			std::string sent = pattern(random_size(random, 2 * MEGABYTES) + MEGABYTES), got;
			int end = -1;
			Path path;
			Socket listener(listen_plainly(&path.to));
			std::thread destination, source;
			path.listening = [&](const char *address) {
				destination = std::thread([&] {
					Socket s(accept(listener.fd, nullptr, nullptr));
					char first;
					EXPECT_EQ(1, recv(s.fd, &first, 1, 0));
					got += first;
					kill(getpid(), signo);
					receive_slowly_from(s.fd, &got, &end);
				});
				source =
					std::thread([&, where = std::string(address)] { send_plainly(where, sent); });
			};
			weft_run_options options = {};
			options.size = sizeof options;
			options.workers = 1;
			options.drain_ms = -1;
			EXPECT_EQ(0, test_run_with(GetParam() == Backend::late, 42, &options, proxy, &path));
			source.join();
			destination.join();
			EXPECT_EQ(0, end) << "an orderly end, no reset";
			EXPECT_TRUE(got == sent) << got.size() << " of " << sent.size();
		}
	}
}

/* A cancel in the middle of the end, with some time for it: all was delivered, or the program knows
 * how much of it. */
TEST_P(Proxy, DeliversInItsGraceOrTellsHowManyOfHowManyWere)
{
	for (int round = 0; round < 8; round++) {
		std::string sent = pattern(100000), got, address;
		int end = -1;
		Socket listener(listen_plainly(&address));
		std::atomic<bool> interrupted{ false };
		bool reads_in_time = round % 2 == 0;
		std::thread destination([&] {
			Socket s(accept(listener.fd, nullptr, nullptr));
			while (!reads_in_time && !interrupted) std::this_thread::yield();
			receive_slowly_from(s.fd, &got, &end);
		});
		int64_t missing = -1;
		int rc = run([&] {
			weft_stream *s;
			connect_to(address, &s);
			EXPECT_EQ(0, write_text(s, sent));
			weft_scope *cancelled = weft_scope_open();
			weft_scope_cancel(cancelled);
			weft_scope *grace =
				weft_scope_open(.timeout_ms = reads_in_time ? 60000 : 20, .shield_ms = 60000);
			int result = weft_scope_close(grace, weft_stream_finish(s));
			weft_stream_stats stats;
			weft_stream_get_stats(s, &stats);
			EXPECT_EQ(sent.size(), stats.sent);
			missing = static_cast<int64_t>(stats.in_flight);
			EXPECT_EQ(reads_in_time ? 0 : int{ WEFT_EDEADLINE }, result);
			/* Forgotten at once: what had arrived stays, what was on its way does not come. */
			weft_stream_abort(s);
			interrupted = true;
			return weft_scope_close(cancelled, 0);
		});
		EXPECT_EQ(0, rc) << weft_error_name(rc);
		destination.join();
		EXPECT_EQ(sent.compare(0, got.size(), got), 0) << "from the beginning, without a gap";
		if (reads_in_time) {
			EXPECT_EQ(0, missing);
			EXPECT_EQ(sent.size(), got.size());
		} else {
			EXPECT_GT(missing, 0);
			EXPECT_GE(got.size(), sent.size() - static_cast<size_t>(missing)) << "as was told";
			EXPECT_LE(got.size(), sent.size());
		}
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
