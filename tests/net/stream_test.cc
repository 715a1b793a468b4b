#include <random>
#include <tuple>

#include "tests/net/support.h"

namespace
{

using Parameter = std::tuple<Backend, Kind>;

struct Stream : testing::TestWithParam<Parameter> {
	weft_stream *a = nullptr, *b = nullptr;

	Kind kind() const
	{
		return std::get<1>(GetParam());
	}
	/* Runs `body` with a connected pair, which it closes and sets to NULL, or leaves to us. */
	void run(Body body)
	{
		int rc = OnBackend::run_with(std::get<0>(GetParam()), 1, [&] {
			make_pair(kind(), &a, &b);
			int result = a && b ? body() : -1;
			weft_stream_close(a);
			weft_stream_close(b);
			return result;
		});
		EXPECT_EQ(0, rc) << weft_error_name(rc);
	}
};

std::string name_of_parameter(const testing::TestParamInfo<Parameter> &info)
{
	static const char *const kinds[] = { "tcp", "local", "memory", "pipe" };
	return name_of(std::get<0>(info.param)) + "_" +
		   kinds[static_cast<int>(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(On, Stream,
	testing::Combine(testing::Values(Backend::poll, Backend::late),
		testing::Values(Kind::tcp, Kind::local, Kind::memory, Kind::pipe)),
	name_of_parameter);

TEST_P(Stream, CarriesBytesBothWays)
{
	run([&] {
		EXPECT_EQ(0, write_text(a, "ping"));
		EXPECT_EQ("ping", read_n(b, 4));
		EXPECT_EQ(0, write_text(b, "pong"));
		EXPECT_EQ("pong", read_n(a, 4));
		return 0;
	});
}

TEST_P(Stream, WaitsForBytesWithoutHoldingUpOthers)
{
	run([&] {
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			EXPECT_EQ("late", read_n(b, 4));
			return 0;
		});
		let_others_run();
		EXPECT_EQ(0, write_text(a, "late"));
		return weft_group_join(group, 0);
	});
}

TEST_P(Stream, CarriesMoreThanFitsIntoItsBuffers)
{
	std::string sent = pattern(3 << 20);
	run([&] {
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			EXPECT_EQ(0, write_text(a, sent));
			return weft_stream_finish(a);
		});
		EXPECT_TRUE(read_all(b) == sent);
		return weft_group_join(group, 0);
	});
}

TEST_P(Stream, ReadsNothingIntoNothing)
{
	run([&] {
		char c;
		size_t got;
		EXPECT_EQ(WEFT_EINVAL, weft_stream_read(a, &c, 0, &got));
		return 0;
	});
}

TEST_P(Stream, ReadExactTellsWhatCameBeforeTheEnd)
{
	run([&] {
		char buffer[8];
		size_t done = 0;
		EXPECT_EQ(0, write_text(a, "abc"));
		EXPECT_EQ(0, weft_stream_shutdown(a));
		EXPECT_EQ(WEFT_EOF, weft_stream_read_exact(b, buffer, sizeof buffer, &done));
		EXPECT_EQ(3u, done);
		EXPECT_EQ(0, memcmp(buffer, "abc", 3));
		return 0;
	});
}

TEST_P(Stream, EndsOnceAndForAll)
{
	run([&] {
		char c;
		size_t got = 7;
		EXPECT_EQ(0, weft_stream_shutdown(a));
		EXPECT_EQ(0, weft_stream_read(b, &c, 1, &got));
		EXPECT_EQ(0u, got);
		EXPECT_EQ(0, weft_stream_read(b, &c, 1, &got));
		return 0;
	});
}

TEST_P(Stream, CanStillReadAfterItsOwnEnd)
{
	run([&] {
		EXPECT_EQ(0, write_text(a, "question"));
		EXPECT_EQ(0, weft_stream_finish(a));
		EXPECT_EQ("question", read_all(b));
		EXPECT_EQ(0, write_text(b, "answer"));
		EXPECT_EQ(0, weft_stream_finish(b));
		EXPECT_EQ("answer", read_all(a));
		return 0;
	});
}

TEST_P(Stream, RefusesToWriteAfterItsOwnEnd)
{
	run([&] {
		EXPECT_EQ(0, weft_stream_shutdown(a));
		EXPECT_EQ(WEFT_EPIPE, write_text(a, "more"));
		EXPECT_EQ(0, weft_stream_shutdown(a));
		EXPECT_EQ(0, weft_stream_finish(a));
		return 0;
	});
}

TEST_P(Stream, RefusesASecondReader)
{
	run([&] {
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			EXPECT_EQ("x", read_n(a, 1));
			return 0;
		});
		let_others_run();
		char c;
		size_t got;
		EXPECT_EQ(WEFT_EBUSY, weft_stream_read(a, &c, 1, &got));
		EXPECT_EQ(0, write_text(b, "x"));
		return weft_group_join(group, 0);
	});
}

TEST_P(Stream, RefusesASecondWriter)
{
	std::string much = pattern(8 << 20);
	run([&] {
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			EXPECT_EQ(0, write_text(a, much));
			return weft_stream_finish(a);
		});
		let_others_run();
		EXPECT_EQ(WEFT_EBUSY, write_text(a, "x"));
		EXPECT_EQ(WEFT_EBUSY, weft_stream_finish(a));
		EXPECT_TRUE(read_all(b) == much);
		return weft_group_join(group, 0);
	});
}

TEST_P(Stream, WakesItsWaitersWhenItIsClosed)
{
	std::string much = pattern(8 << 20);
	run([&] {
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			char c;
			size_t got;
			EXPECT_EQ(WEFT_ECLOSED, weft_stream_read(a, &c, 1, &got));
			return 0;
		});
		spawn(group, [&] {
			EXPECT_EQ(WEFT_ECLOSED, write_text(a, much));
			return 0;
		});
		let_others_run();
		weft_stream_close(a);
		a = nullptr;
		return weft_group_join(group, 0);
	});
}

TEST_P(Stream, LosesNothingToACancelledRead)
{
	run([&] {
		std::string got_before;
		for (int i = 0; i < 20; i++) {
			weft_group *group = weft_group_open();
			spawn(group, [&] {
				char c;
				size_t got;
				int rc = weft_stream_read(b, &c, 1, &got);
				if (rc == 1) got_before += c;
				return rc < 0 ? rc : 0;
			});
			if (i % 3 == 0) let_others_run(1);
			if (i % 2 == 0) {
				EXPECT_EQ(0, write_text(a, std::string(1, static_cast<char>('a' + i))));
			}
			if (i % 3 == 1) let_others_run(1);
			weft_group_cancel(group);
			EXPECT_EQ(0, weft_group_join(group, 0));
		}
		EXPECT_EQ(0, weft_stream_shutdown(a));
		EXPECT_EQ("acegikmoqs", got_before + read_all(b));
		return 0;
	});
}

TEST_P(Stream, LeavesTheCallersMemoryAloneAfterACancelledCallReturned)
{
	run([&] {
		for (int i = 0; i < 20; i++) {
			char buffer[64];
			size_t got;
			weft_group *group = weft_group_open();
			spawn(group,
				[&] { return weft_stream_read(b, buffer, sizeof buffer, &got) < 0 ? 0 : 1; });
			EXPECT_EQ(0, weft_yield());
			weft_group_cancel(group);
			EXPECT_EQ(0, weft_group_join(group, 0));
			memset(buffer, 'm', sizeof buffer);
			EXPECT_EQ(0, write_text(a, "theirs"));
			let_others_run(3);
			EXPECT_EQ(std::string(sizeof buffer, 'm'), std::string(buffer, sizeof buffer));
			EXPECT_EQ("theirs", read_n(b, 6));
		}
		return 0;
	});
}

/* A call that is given up after a random while, again and again. */
template <class Call> int with_random_end(std::mt19937 &random, Call call)
{
	weft_group *group = weft_group_open();
	int result = 0;
	spawn(group, [&] {
		result = call();
		return 0;
	});
	for (int n = std::uniform_int_distribution<>(0, 3)(random); n > 0; n--) {
		if (weft_yield() != 0) break;
	}
	weft_group_cancel(group);
	EXPECT_EQ(0, weft_group_join(group, 0));
	return result;
}

TEST_P(Stream, ConservesEveryByteHoweverOftenBothSidesAreCancelled)
{
	std::string sent = pattern(20000), received;
	run([&] {
		std::mt19937 random(11);
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			for (size_t at = 0; at < sent.size();) {
				size_t part = std::min<size_t>(1 + random() % 700, sent.size() - at), done = 0;
				with_random_end(random,
					[&] { return weft_stream_write_some(a, sent.data() + at, part, &done); });
				at += done;
			}
			return weft_stream_shutdown(a);
		});
		int rc = 1;
		while (rc != 0) {
			char buffer[600];
			size_t got = 0;
			rc = with_random_end(
				random, [&] { return weft_stream_read(b, buffer, 1 + random() % 600, &got); });
			if (rc > 0) received.append(buffer, got);
			if (rc < 0) {
				EXPECT_EQ(WEFT_ECANCELED, rc);
			}
		}
		return weft_group_join(group, 0);
	});
	EXPECT_TRUE(received == sent) << received.size();
}

TEST_P(Stream, StopsItsWriterWhenThePeerStopsReading)
{
	std::string message(100000, 'm');
	run([&] {
		int whole = 0;
		weft_scope *scope = weft_scope_open(.timeout_ms = 50);
		int rc = 0;
		while (rc == 0) {
			rc = write_text(a, message);
			if (rc == 0) whole++;
		}
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, rc));
		EXPECT_LT(whole, 200) << "what the kernel's buffers hold, and one message";
		weft_stream_stats stats;
		weft_stream_get_stats(a, &stats);
		EXPECT_LE(stats.sent, (static_cast<uint64_t>(whole) + 1) * message.size());
		return 0;
	});
}

TEST_P(Stream, FailsInACancelledScopeEvenWhenItNeedNotWait)
{
	run([&] {
		EXPECT_EQ(0, write_text(a, "x"));
		weft_scope *scope = weft_scope_open();
		weft_scope_cancel(scope);
		char c;
		size_t got = 7;
		EXPECT_EQ(WEFT_ECANCELED, weft_stream_read(b, &c, 1, &got));
		EXPECT_EQ(7u, got);
		EXPECT_EQ(WEFT_ECANCELED, write_text(a, "y"));
		EXPECT_EQ(WEFT_ECANCELED, weft_stream_finish(a));
		(void)!weft_scope_close(scope, 0);
		EXPECT_EQ("x", read_n(b, 1));
		EXPECT_EQ(0, write_text(a, "z"));
		EXPECT_EQ("z", read_n(b, 1));
		return 0;
	});
}

TEST_P(Stream, SaysHowMuchOfATornWriteWentAndRefusesMore)
{
	std::string much = pattern(16 << 20);
	run([&] {
		struct iovec all = { much.data(), much.size() };
		size_t done = 0;
		weft_scope *scope = weft_scope_open(.timeout_ms = 30);
		int rc = weft_stream_writev(a, &all, 1, &done);
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, rc));
		EXPECT_GT(done, 0u);
		EXPECT_LT(done, much.size());
		EXPECT_EQ(WEFT_ETORN, write_text(a, "x"));
		EXPECT_EQ(WEFT_ETORN, weft_stream_finish(a));

		EXPECT_EQ(0, write_text(b, "still here"));
		EXPECT_EQ("still here", read_n(a, 10));
		weft_stream_close(a);
		a = nullptr;
		EXPECT_TRUE(read_all(b) == much.substr(0, done));
		return 0;
	});
}

TEST_P(Stream, WritesAVectorOfAnyShape)
{
	run([&] {
		std::string text = pattern(1000);
		std::vector<struct iovec> vector;
		for (size_t at = 0, i = 0; at < text.size(); i++) {
			size_t part = std::min(i % 7 * 10, text.size() - at);
			vector.push_back({ part ? text.data() + at : nullptr, part });
			at += part;
		}
		size_t done = 0;
		EXPECT_EQ(0, weft_stream_writev(a, vector.data(), static_cast<int>(vector.size()), &done));
		EXPECT_EQ(text.size(), done);
		EXPECT_EQ(text, read_n(b, text.size()));
		EXPECT_EQ(0, weft_stream_writev(a, nullptr, 0, &done));
		EXPECT_EQ(0u, done);
		EXPECT_EQ(0, weft_stream_write(a, "", 0));
		EXPECT_EQ(WEFT_EINVAL, weft_stream_writev(a, nullptr, -1, &done));
		return 0;
	});
}

TEST_P(Stream, WritesSomeWithoutTearing)
{
	std::string much = pattern(16 << 20);
	run([&] {
		size_t total = 0;
		weft_scope *scope = weft_scope_open(.timeout_ms = 30);
		int rc;
		size_t done;
		while (
			(rc = weft_stream_write_some(a, much.data() + total, much.size() - total, &done)) == 0)
			total += done;
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, rc));
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			EXPECT_EQ(0, weft_stream_write(a, much.data() + total, much.size() - total));
			return weft_stream_finish(a);
		});
		EXPECT_TRUE(read_all(b) == much);
		return weft_group_join(group, 0);
	});
}

TEST_P(Stream, PrintsTextOfAnyLength)
{
	run([&] {
		std::string word(5000, 'w');
		EXPECT_EQ(0, weft_stream_print(a, "%d %s", 42, "short"));
		EXPECT_EQ("42 short", read_n(b, 8));
		EXPECT_EQ(0, weft_stream_print(a, "[%s]", word.c_str()));
		EXPECT_EQ("[" + word + "]", read_n(b, word.size() + 2));
		return 0;
	});
}

TEST_P(Stream, DeliversWhatWasWrittenThoughInputIsUnread)
{
	std::string text = pattern(100000);
	run([&] {
		EXPECT_EQ(0, write_text(b, "never read"));
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			int rc = write_text(a, text);
			weft_stream_close(a);
			a = nullptr;
			return rc;
		});
		let_others_run();
		EXPECT_TRUE(read_all(b) == text);
		return weft_group_join(group, 0);
	});
}

TEST_P(Stream, ShowsAnAbortAsAReset)
{
	run([&] {
		/* A local socket knows a reset only as "not everything was read". */
		if (kind() == Kind::local) {
			EXPECT_EQ(0, write_text(b, "unread"));
		}
		weft_stream_abort(a);
		a = nullptr;
		char c;
		size_t got;
		/* A pipe knows only one kind of end. */
		int expected = kind() == Kind::pipe ? 0 : WEFT_ECONNRESET;
		EXPECT_EQ(expected, weft_stream_read(b, &c, 1, &got));
		return 0;
	});
}

TEST_P(Stream, FailsToWriteWhenNobodyReadsAnyMore)
{
	run([&] {
		weft_stream_abort(b);
		b = nullptr;
		let_others_run(3);
		int rc = 0;
		for (int i = 0; i < 100 && rc == 0; i++) rc = write_text(a, "x");
		EXPECT_TRUE(rc == WEFT_EPIPE || rc == WEFT_ECONNRESET) << weft_error_name(rc);
		return 0;
	});
}

TEST_P(Stream, ForwardsEverythingAndTheEnd)
{
	std::string text = pattern(1 << 20);
	run([&] {
		weft_stream *c = nullptr, *d = nullptr;
		make_pair(kind(), &c, &d);
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			EXPECT_EQ(0, write_text(a, text));
			return weft_stream_finish(a);
		});
		spawn(group, [&] { return weft_stream_forward(b, c); });
		EXPECT_TRUE(read_all(d) == text);
		EXPECT_EQ(0, weft_group_join(group, 0));
		weft_stream_stats in, out;
		weft_stream_get_stats(b, &in);
		weft_stream_get_stats(c, &out);
		EXPECT_EQ(text.size(), in.received);
		EXPECT_EQ(text.size(), out.sent);
		EXPECT_EQ(0u, out.in_flight);
		weft_stream_close(c);
		weft_stream_close(d);
		return 0;
	});
}

TEST_P(Stream, KnowsItsPeerAlsoAfterItIsGone)
{
	run([&] {
		weft_stream_abort(a);
		a = nullptr;
		let_others_run(3);
		std::string peer = weft_stream_peer(b);
		static const char *const begins[] = { "127.0.0.1:", "u", "memory", "pipe" };
		std::string begin = begins[static_cast<int>(kind())];
		EXPECT_EQ(0u, peer.find(begin)) << peer;
		EXPECT_EQ(nullptr, weft_stream_app(b));
		return 0;
	});
}

TEST(PipeStream, MayHaveOneHalfOnly)
{
	int ends[2];
	ASSERT_EQ(0, pipe(ends));
	int rc = OnBackend::run_with(Backend::poll, 1, [&] {
		weft_stream *from, *to, *none;
		EXPECT_EQ(WEFT_EINVAL, weft_stream_pipe(-1, -1, &none));
		EXPECT_EQ(WEFT_EINVAL, weft_stream_pipe(ends[0], ends[0], &none));
		EXPECT_EQ(-EBADF, weft_stream_pipe(19999, -1, &none));
		EXPECT_EQ(0, weft_stream_pipe(ends[0], -1, &from));
		EXPECT_EQ(0, weft_stream_pipe(-1, ends[1], &to));
		EXPECT_EQ(-EBADF, write_text(from, "x"));
		char c;
		size_t got;
		EXPECT_EQ(-EBADF, weft_stream_read(to, &c, 1, &got));
		EXPECT_EQ(0, write_text(to, "x"));
		EXPECT_EQ(0, weft_stream_finish(to));
		EXPECT_EQ("x", read_all(from));
		weft_stream_close(from);
		weft_stream_close(to);
		return 0;
	});
	EXPECT_EQ(0, rc);
}

TEST(StreamOutside, ClosesNull)
{
	weft_stream_close(nullptr);
	weft_stream_abort(nullptr);
}

TEST(StreamOutside, IsNotMadeOutsideARun)
{
	weft_stream *a, *b;
	EXPECT_EQ(WEFT_ENORUN, weft_stream_pair(&a, &b));
	EXPECT_EQ(WEFT_ENORUN, weft_stream_pipe(0, 1, &a));
	EXPECT_EQ(WEFT_ENORUN, weft_tcp_connect("127.0.0.1:1", &a));
}

/* Takes one byte a call, and none after `limit` until it is interrupted or cancelled. */
struct Scripted {
	std::string taken;
	size_t limit = 0;
	weft_event never = {};
	bool interrupted = false, freed = false;
};

int scripted_read(void *, void *, size_t, size_t *)
{
	return 0;
}

int scripted_write(void *self, const struct iovec *vector, int, size_t *done)
{
	auto *s = static_cast<Scripted *>(self);
	if (s->taken.size() == s->limit) {
		int rc = weft_event_wait(&s->never);
		return rc ? rc : WEFT_ECLOSED;
	}
	s->taken += *static_cast<char *>(vector->iov_base);
	*done = 1;
	return 0;
}

int scripted_shutdown(void *)
{
	return 0;
}

void scripted_interrupt(void *self)
{
	static_cast<Scripted *>(self)->interrupted = true;
	weft_event_set(&static_cast<Scripted *>(self)->never);
}

void scripted_free(void *self, bool, bool)
{
	static_cast<Scripted *>(self)->freed = true;
}

const weft_stream_ops scripted = {
	.size = sizeof(weft_stream_ops),
	.read = scripted_read,
	.write = scripted_write,
	.shutdown = scripted_shutdown,
	.interrupt = scripted_interrupt,
	.free = scripted_free,
};

TEST(OwnStream, TellsExactlyWhatWentAtEveryByteOfATornWrite)
{
	int rc = OnBackend::run_with(Backend::poll, 1, [&] {
		std::string text = pattern(64);
		for (size_t limit = 0; limit < text.size(); limit++) {
			Scripted self;
			self.limit = limit;
			weft_stream *s;
			EXPECT_EQ(0, weft_stream_new(&scripted, &self, &s));
			size_t done = 99;
			weft_group *group = weft_group_open();
			spawn(group, [&] {
				struct iovec all = { text.data(), text.size() };
				return weft_stream_writev(s, &all, 1, &done);
			});
			let_others_run(1);
			weft_group_cancel(group);
			EXPECT_EQ(0, weft_group_join(group, 0));
			EXPECT_EQ(limit, done);
			EXPECT_EQ(text.substr(0, limit), self.taken);
			self.limit = 1000;
			EXPECT_EQ(limit == 0 ? 0 : WEFT_ETORN, write_text(s, "x"));
			weft_stream_close(s);
			EXPECT_TRUE(self.freed);
			EXPECT_FALSE(self.interrupted);
		}
		return 0;
	});
	EXPECT_EQ(0, rc);
}

TEST(OwnStream, IsInterruptedBeforeItIsFreed)
{
	int rc = OnBackend::run_with(Backend::poll, 1, [&] {
		Scripted self;
		weft_stream *s;
		EXPECT_EQ(0, weft_stream_new(&scripted, &self, &s));
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			EXPECT_EQ(WEFT_ECLOSED, write_text(s, "x"));
			EXPECT_TRUE(self.freed);
			return 0;
		});
		let_others_run(1);
		weft_stream_close(s);
		EXPECT_TRUE(self.interrupted);
		EXPECT_FALSE(self.freed);
		return weft_group_join(group, 0);
	});
	EXPECT_EQ(0, rc);
}

TEST(OwnStream, NeedsWhatItNeeds)
{
	weft_stream_ops incomplete = scripted;
	incomplete.free = nullptr;
	weft_stream *s;
	EXPECT_EQ(WEFT_EINVAL, weft_stream_new(&incomplete, nullptr, &s));
	EXPECT_EQ(WEFT_EINVAL, weft_stream_new(nullptr, nullptr, &s));
}

} // namespace
