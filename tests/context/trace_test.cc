#include "context/hex.h"
#include "context/trace.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
#include <weft/error.h>

#include "tests/support/failing_allocator.h"

namespace
{

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"
#define ZERO  "00000000000000000000000000000000"

struct Case {
	const char *claim;
	std::string_view text;
	int flags; /* -1: it must be refused */
};

/* W3C Trace Context level 2, 3.2. */
const Case cases[] = {
	{ "sampled", "00-" TRACE "-" SPAN "-01", 1 },
	{ "not sampled", "00-" TRACE "-" SPAN "-00", 0 },
	{ "random", "00-" TRACE "-" SPAN "-02", 2 },
	{ "sampled and random", "00-" TRACE "-" SPAN "-03", 3 },
	{ "unknown flags are dropped", "00-" TRACE "-" SPAN "-ff", 3 },
	{ "unknown flags alone", "00-" TRACE "-" SPAN "-fc", 0 },
	{ "flag 08 is not sampled", "00-" TRACE "-" SPAN "-08", 0 },
	{ "flag 09 is sampled", "00-" TRACE "-" SPAN "-09", 1 },
	{ "smallest ids", "00-00000000000000000000000000000001-0000000000000001-00", 0 },
	{ "largest ids", "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-00", 0 },
	{ "one nonzero byte in front", "00-01000000000000000000000000000000-0100000000000000-00", 0 },
	{ "a version to come", "cc-" TRACE "-" SPAN "-01", 1 },
	{ "version 01", "01-" TRACE "-" SPAN "-01", 1 },
	{ "the last version", "fe-" TRACE "-" SPAN "-00", 0 },
	{ "more fields in a version to come", "cc-" TRACE "-" SPAN "-01-what-the-future-brings", 1 },
	{ "an empty field in a version to come", "cc-" TRACE "-" SPAN "-01-", 1 },
	{ "only sampled is known of a version to come", "01-" TRACE "-" SPAN "-03", 1 },

	{ "version ff", "ff-" TRACE "-" SPAN "-01", -1 },
	{ "version ff with more", "ff-" TRACE "-" SPAN "-01-more", -1 },
	{ "version in upper case", "CC-" TRACE "-" SPAN "-01", -1 },
	{ "version not hexadecimal", ".0-" TRACE "-" SPAN "-01", -1 },
	{ "version not hexadecimal at its end", "0.-" TRACE "-" SPAN "-01", -1 },
	{ "version of one digit", "0-" TRACE "-" SPAN "-01", -1 },
	{ "version of three digits", "000-" TRACE "-" SPAN "-01", -1 },
	{ "version of four digits", "0000-" TRACE "-" SPAN "-01", -1 },
	{ "no version", "-" TRACE "-" SPAN "-01", -1 },
	{ "version 00 with more fields", "00-" TRACE "-" SPAN "-01-what-the-future-brings", -1 },
	{ "version 00 with a dash behind", "00-" TRACE "-" SPAN "-01-", -1 },
	{ "version 00 with a full stop behind", "00-" TRACE "-" SPAN "-01.", -1 },
	{ "version 00 with a digit behind", "00-" TRACE "-" SPAN "-011", -1 },
	{ "later version with no dash behind", "cc-" TRACE "-" SPAN "-01.what", -1 },
	{ "later version with a longer flags field", "cc-" TRACE "-" SPAN "-011", -1 },
	{ "later version cut short", "cc-" TRACE "-" SPAN "-0", -1 },
	{ "trace id zero", "00-" ZERO "-" SPAN "-01", -1 },
	{ "trace id zero in a later version", "01-" ZERO "-" SPAN "-01", -1 },
	{ "trace id in upper case", "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", -1 },
	{ "trace id one letter in upper case", "00-0aF7651916cd43dd8448eb211c80319c-" SPAN "-01", -1 },
	{ "trace id not hexadecimal", "00-.af7651916cd43dd8448eb211c80319c-" SPAN "-01", -1 },
	{ "trace id not hexadecimal at its end", "00-0af7651916cd43dd8448eb211c80319.-" SPAN "-01",
		-1 },
	{ "trace id too long", "00-" TRACE "0-" SPAN "-01", -1 },
	{ "trace id too short", "00-0af7651916cd43dd8448eb211c80319-" SPAN "-01", -1 },
	{ "trace id with a g", "00-gaf7651916cd43dd8448eb211c80319c-" SPAN "-01", -1 },
	{ "span id zero", "00-" TRACE "-0000000000000000-01", -1 },
	{ "span id in upper case", "00-" TRACE "-B7AD6B7169203331-01", -1 },
	{ "span id not hexadecimal", "00-" TRACE "-.7ad6b7169203331-01", -1 },
	{ "span id not hexadecimal at its end", "00-" TRACE "-b7ad6b716920333.-01", -1 },
	{ "span id too long", "00-" TRACE "-b7ad6b71692033310-01", -1 },
	{ "span id too short", "00-" TRACE "-b7ad6b716920333-01", -1 },
	{ "flags not hexadecimal", "00-" TRACE "-" SPAN "-.0", -1 },
	{ "flags not hexadecimal at their end", "00-" TRACE "-" SPAN "-0.", -1 },
	{ "flags in upper case", "00-" TRACE "-" SPAN "-0F", -1 },
	{ "flags of three digits", "00-" TRACE "-" SPAN "-001", -1 },
	{ "flags of one digit", "00-" TRACE "-" SPAN "-1", -1 },
	{ "no flags", "00-" TRACE "-" SPAN "-", -1 },
	{ "no flags and no dash", "00-" TRACE "-" SPAN, -1 },
	{ "underscores for dashes", "00_" TRACE "_" SPAN "_01", -1 },
	{ "second dash missing", "00-" TRACE "0" SPAN "-01", -1 },
	{ "third dash missing", "00-" TRACE "-" SPAN "001", -1 },
	{ "empty", "", -1 },
	{ "a blank in front", " 00-" TRACE "-" SPAN "-01", -1 },
	{ "a blank behind", "00-" TRACE "-" SPAN "-01 ", -1 },
	{ "two in one field", "00-" TRACE "-" SPAN "-01,00-" TRACE "-" SPAN "-01", -1 },
	{ "a NUL inside", std::string_view("00-" TRACE "\0" SPAN "-01", 55), -1 },
	{ "a byte above ASCII",
		"00-\xe9"
		"af7651916cd43dd8448eb211c80319c-" SPAN "-01",
		-1 },
};

std::string format(const wf_trace &trace)
{
	char text[WEFT_TRACEPARENT_SIZE];
	wf_traceparent_format(&trace, text);
	return text;
}

/* A copy of exactly its length, so that reading beyond it is seen. */
int parse(std::string_view text, wf_trace *trace)
{
	std::vector<char> exact(text.begin(), text.end());
	return wf_traceparent_parse(exact.data(), exact.size(), trace);
}

TEST(Traceparent, IsReadAsTheStandardSays)
{
	for (const Case &c : cases) {
		wf_trace trace = {};
		int rc = parse(c.text, &trace);
		EXPECT_EQ(c.flags < 0 ? WEFT_EINVAL : 0, rc) << c.claim;
		if (rc != 0) continue;
		EXPECT_EQ(c.flags, trace.flags) << c.claim;
		EXPECT_EQ(
			std::string("00") + std::string(c.text.substr(2, 51)), format(trace).substr(0, 53))
			<< c.claim;
	}
}

TEST(Traceparent, LeavesItsOutputAloneWhenItIsRefused)
{
	for (const Case &c : cases) {
		if (c.flags >= 0) continue;
		wf_trace trace, before;
		memset(&trace, 0x5a, sizeof(trace));
		before = trace;
		parse(c.text, &trace);
		EXPECT_EQ(0, memcmp(&before, &trace, sizeof(trace))) << c.claim;
	}
}

TEST(Traceparent, IsRefusedWhereverItIsCut)
{
	std::string whole = "00-" TRACE "-" SPAN "-01";
	for (size_t n = 0; n < whole.size(); n++) {
		wf_trace trace = {};
		EXPECT_EQ(WEFT_EINVAL, parse(whole.substr(0, n), &trace)) << n;
	}
}

class Trace : public testing::Test
{
  protected:
	void SetUp() override
	{
		live_ = wf_context_live();
		wf_random_init_seeded(&random_, 7);
	}

	void TearDown() override
	{
		EXPECT_EQ(live_, wf_context_live());
	}

	weft_context *accept(const wf_trace_incoming &incoming, weft_context *base = wf_context_root())
	{
		weft_context *out = nullptr;
		EXPECT_EQ(0, wf_trace_accept(base, &incoming, &random_, &out));
		return out;
	}

	wf_random random_;

  private:
	size_t live_ = 0;
};

wf_trace_incoming incoming(std::string_view traceparent)
{
	wf_trace_incoming in = {};
	in.traceparent = traceparent.data();
	in.traceparent_length = traceparent.size();
	return in;
}

std::string hex(const uint8_t *bytes, size_t size)
{
	std::string digits(2 * size, ' ');
	wf_hex_encode(bytes, size, digits.data());
	return digits;
}

TEST_F(Trace, ContinuesWhatTheSenderBegan)
{
	weft_context *c = accept(incoming("00-" TRACE "-" SPAN "-03"));
	EXPECT_EQ(TRACE, hex(c->trace.trace_id, 16));
	EXPECT_EQ(SPAN, hex(c->trace.parent_id, 8));
	EXPECT_NE(SPAN, hex(c->trace.span_id, 8));
	EXPECT_EQ(3, c->trace.flags);
	EXPECT_EQ(16u, strlen(c->trace.request_id));
	weft_context_unref(c);
}

TEST_F(Trace, StartsAnewWithoutAUsableHeader)
{
	wf_trace_incoming twice = incoming("00-" TRACE "-" SPAN "-01");
	twice.repeated = true;
	for (const wf_trace_incoming &in : { wf_trace_incoming{}, incoming("junk"), twice }) {
		weft_context *c = accept(in);
		EXPECT_TRUE(wf_trace_exists(&c->trace));
		EXPECT_NE(TRACE, hex(c->trace.trace_id, 16));
		EXPECT_EQ("0000000000000000", hex(c->trace.parent_id, 8));
		EXPECT_EQ(WF_TRACE_RANDOM, c->trace.flags);
		weft_context_unref(c);
	}
}

TEST_F(Trace, CarriesTracestateOnlyWithAValidParent)
{
	wf_tracestate list;
	wf_tracestate_init(&list);
	ASSERT_EQ(0, wf_tracestate_add(&list, "foo=1, bar=2", 12));
	wf_trace_incoming in = incoming("00-" TRACE "-" SPAN "-01");
	in.tracestate = &list;
	weft_context *c = accept(in);
	weft_context_run(
		c,
		[](void *) {
			EXPECT_STREQ("foo=1,bar=2", weft_tracestate());
			return 0;
		},
		nullptr);
	in.traceparent_length--;
	weft_context *fresh = accept(in, c);
	weft_context_run(
		fresh,
		[](void *) {
			EXPECT_STREQ("", weft_tracestate());
			return 0;
		},
		nullptr);
	weft_context_unref(fresh);
	weft_context_unref(c);
}

TEST_F(Trace, TakesOverARequestIdThatCannotFoolALog)
{
	const std::pair<std::string, bool> ids[] = {
		{ "0b3e5f2a-7c1d-4e8f-9a6b-5c4d3e2f1a0b", true },
		{ std::string(39, 'x'), true },
		{ std::string(40, 'x'), false },
		{ "", false },
		{ "a b", false },
		{ "a\nb", false },
		{ "a\"b", false },
		{ std::string("a\0b", 3), false },
		{ "caf\xc3\xa9", false },
		{ "a/b+c=:@._-", true },
	};
	for (const auto &[id, good] : ids) {
		wf_trace_incoming in = {};
		in.request_id = id.data();
		in.request_id_length = id.size();
		weft_context *c = accept(in);
		if (good) {
			EXPECT_EQ(id, c->trace.request_id);
		} else {
			EXPECT_EQ(16u, strlen(c->trace.request_id)) << id;
		}
		weft_context_unref(c);
	}
}

TEST_F(Trace, IsNowhereAtTheRoot)
{
	char trace[WEFT_TRACE_ID_SIZE], span[WEFT_SPAN_ID_SIZE], parent[WEFT_TRACEPARENT_SIZE];
	EXPECT_FALSE(weft_trace_id(trace));
	EXPECT_FALSE(weft_span_id(span));
	EXPECT_FALSE(weft_traceparent(parent));
	EXPECT_FALSE(weft_trace_sampled());
	EXPECT_STREQ("", trace);
	EXPECT_STREQ("", span);
	EXPECT_STREQ("", parent);
	EXPECT_STREQ("", weft_request_id());
	EXPECT_STREQ("", weft_tracestate());
}

TEST_F(Trace, IsToldToTheNextServerByItsHeader)
{
	weft_context *c = nullptr;
	ASSERT_EQ(0, weft_trace_start(nullptr, &c, .traceparent = "00-" TRACE "-" SPAN "-01",
					 .tracestate = "foo=1", .request_id = "req-1"));
	weft_context_scope scope;
	weft_context_enter(c, &scope);
	char parent[WEFT_TRACEPARENT_SIZE], trace[WEFT_TRACE_ID_SIZE], span[WEFT_SPAN_ID_SIZE];
	ASSERT_TRUE(weft_traceparent(parent));
	ASSERT_TRUE(weft_trace_id(trace));
	ASSERT_TRUE(weft_span_id(span));
	EXPECT_STREQ(TRACE, trace);
	EXPECT_EQ(std::string("00-") + trace + "-" + span + "-01", parent);
	EXPECT_STREQ("foo=1", weft_tracestate());
	EXPECT_STREQ("req-1", weft_request_id());
	EXPECT_TRUE(weft_trace_sampled());

	weft_context *quiet = nullptr;
	ASSERT_EQ(0, weft_context_with(nullptr, &weft_key_suppress_instrumentation, &c, &quiet));
	weft_context_scope inner;
	weft_context_enter(quiet, &inner);
	EXPECT_FALSE(weft_traceparent(parent));
	EXPECT_STREQ(TRACE, (weft_trace_id(trace), trace));
	weft_context_restore(&inner);
	weft_context_restore(&scope);
	weft_context_unref(quiet);
	weft_context_unref(c);
}

TEST_F(Trace, StaysWhenValuesChange)
{
	static const weft_key key = { .name = "key", .ref = nullptr };
	weft_context *c = accept({}), *d = nullptr;
	ASSERT_EQ(0, weft_context_with(c, &key, &random_, &d));
	EXPECT_STREQ(c->trace.request_id, d->trace.request_id);
	weft_context_unref(c);
	weft_context_unref(d);
}

TEST_F(Trace, CostsOneAllocationAndSurvivesItsFailure)
{
	failing_allocator_install();
	wf_tracestate list;
	wf_tracestate_init(&list);
	ASSERT_EQ(0, wf_tracestate_add(&list, "foo=1", 5));
	wf_trace_incoming plain = {}, full = incoming("00-" TRACE "-" SPAN "-01");
	full.tracestate = &list;
	weft_context_unref(accept(plain));
	EXPECT_EQ(1, failing_allocator_attempts());
	for (long n = 0, failed = 1; failed; n++) {
		failing_allocator_fail_at(n, FAIL_ONCE);
		weft_context *c = nullptr;
		int rc = wf_trace_accept(wf_context_root(), &full, &random_, &c);
		failed = failing_allocator_failures();
		EXPECT_EQ(failed ? WEFT_ENOMEM : 0, rc);
		weft_context_unref(c);
		EXPECT_EQ(0, failing_allocator_live());
	}
	failing_allocator_remove();
}

TEST_F(Trace, UsesAContextAgainThatNobodyKept)
{
	weft_context *first = accept({}), *again = nullptr;
	std::string id = first->trace.request_id, trace = hex(first->trace.trace_id, 16);
	wf_trace_incoming in = {};
	ASSERT_EQ(0, wf_trace_accept_again(first, wf_context_root(), &in, &random_, &again));
	EXPECT_EQ(first, again);
	EXPECT_NE(id, again->trace.request_id);
	EXPECT_NE(trace, hex(again->trace.trace_id, 16));
	weft_context_unref(again);
}

TEST_F(Trace, LeavesAContextAloneThatSomebodyKept)
{
	weft_context *first = accept({}), *again = nullptr;
	weft_context *kept = weft_context_ref(first);
	std::string id = first->trace.request_id;
	wf_trace_incoming in = {};
	ASSERT_EQ(0, wf_trace_accept_again(first, wf_context_root(), &in, &random_, &again));
	EXPECT_NE(kept, again);
	EXPECT_EQ(id, kept->trace.request_id);
	weft_context_unref(again);
	weft_context_unref(kept);
}

TEST_F(Trace, DoesNotHandOnATracestateWithAContextUsedAgain)
{
	wf_tracestate list;
	wf_tracestate_init(&list);
	ASSERT_EQ(0, wf_tracestate_add(&list, "foo=1", 5));
	wf_trace_incoming full = incoming("00-" TRACE "-" SPAN "-01"), none = {};
	full.tracestate = &list;
	weft_context *c = accept(full);
	ASSERT_EQ(0, wf_trace_accept_again(c, wf_context_root(), &none, &random_, &c));
	EXPECT_EQ(nullptr, wf_context_find(c, &wf_tracestate_key));
	ASSERT_EQ(0, wf_trace_accept_again(c, wf_context_root(), &full, &random_, &c));
	EXPECT_STREQ("foo=1", static_cast<char *>(wf_context_find(c, &wf_tracestate_key)));

	/* A base that has one: what is made from it must lose it each time. */
	weft_context *plain = nullptr;
	ASSERT_EQ(0, wf_trace_accept(c, &none, &random_, &plain));
	ASSERT_EQ(0, wf_trace_accept_again(plain, c, &none, &random_, &plain));
	EXPECT_EQ(nullptr, wf_context_find(plain, &wf_tracestate_key));
	weft_context_unref(plain);
	weft_context_unref(c);
}

TEST_F(Trace, GivesUpTheSpareContextWhenMemoryIsShort)
{
	failing_allocator_install();
	wf_tracestate list;
	wf_tracestate_init(&list);
	ASSERT_EQ(0, wf_tracestate_add(&list, "foo=1", 5));
	wf_trace_incoming full = incoming("00-" TRACE "-" SPAN "-01");
	full.tracestate = &list;
	for (long n = 1, failed = 1; failed; n++) {
		failing_allocator_fail_at(n, FAIL_ONCE);
		weft_context *spare = accept({}), *c = nullptr;
		int rc = wf_trace_accept_again(spare, wf_context_root(), &full, &random_, &c);
		failed = failing_allocator_failures();
		EXPECT_EQ(failed ? WEFT_ENOMEM : 0, rc);
		weft_context_unref(c);
		EXPECT_EQ(0, failing_allocator_live());
	}
	failing_allocator_remove();
}

TEST(Random, IsRepeatableWithASeedAndDifferentWithAnother)
{
	wf_random a, b, c;
	wf_random_init_seeded(&a, 1);
	wf_random_init_seeded(&b, 1);
	wf_random_init_seeded(&c, 2);
	uint64_t x[4], y[4], z[4];
	wf_random_fill(&a, x, 4);
	wf_random_fill(&b, y, 4);
	wf_random_fill(&c, z, 4);
	EXPECT_EQ(0, memcmp(x, y, sizeof(x)));
	EXPECT_NE(0, memcmp(x, z, sizeof(x)));

	wf_random_shared_seed(9);
	wf_random_fill(nullptr, x, 4);
	wf_random_shared_seed(9);
	wf_random_fill(nullptr, y, 4);
	wf_random_shared_seed(0);
	wf_random_fill(nullptr, z, 4);
	EXPECT_EQ(0, memcmp(x, y, sizeof(x)));
	EXPECT_NE(0, memcmp(x, z, sizeof(x)));
}

TEST(Random, NeverGivesTwoThreadsTheSameNumber)
{
	constexpr int threads = 4, each = 20000;
	std::vector<std::vector<uint64_t>> drawn(threads, std::vector<uint64_t>(each));
	std::vector<std::thread> running;
	wf_random_shared_seed(0);
	for (auto &mine : drawn) {
		running.emplace_back([&mine] {
			for (size_t i = 0; i < each; i += 5) wf_random_fill(nullptr, &mine[i], 5);
		});
	}
	for (auto &t : running) t.join();
	std::set<uint64_t> all;
	for (auto &mine : drawn) all.insert(mine.begin(), mine.end());
	EXPECT_EQ(size_t{ threads } * each, all.size());
}

TEST(Random, SetsEachBitAboutHalfOfTheTime)
{
	wf_random own;
	wf_random_init(&own);
	for (wf_random *source : { &own, static_cast<wf_random *>(nullptr) }) {
		int ones[64] = {};
		for (int i = 0; i < 10000; i++) {
			uint64_t number;
			wf_random_fill(source, &number, 1);
			for (int bit = 0; bit < 64; bit++) ones[bit] += number >> bit & 1;
		}
		/* Eight standard deviations; a sound generator fails this once in 10^13 runs. */
		for (int bit = 0; bit < 64; bit++) EXPECT_NEAR(5000, ones[bit], 400) << bit;
	}
}

TEST(RequestId, IsShortPrintableAndNew)
{
	std::set<std::string> seen;
	std::set<char> letters;
	wf_trace trace = {};
	for (int i = 0; i < 10000; i++) {
		wf_request_id_new(nullptr, &trace);
		std::string id = trace.request_id;
		ASSERT_EQ(16u, id.size());
		letters.insert(id.begin(), id.end());
		ASSERT_TRUE(seen.insert(id).second);
	}
	EXPECT_EQ("0123456789abcdefghjkmnpqrstvwxyz", std::string(letters.begin(), letters.end()));
}

} // namespace
