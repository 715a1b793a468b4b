#include <weft/log.h>

#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <fcntl.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>
#include <weft/error.h>
#include <weft/report.h>

#include "context/clock.h"
#include "tests/support/failing_allocator.h"

namespace
{

int64_t fixed_wall()
{
	return INT64_C(1795248499123456789); /* 2026-11-21T08:08:19.123456789Z */
}

const wf_clock fixed_clock = { fixed_wall, fixed_wall };

/* Everything that arrives, in both formats. */
struct Lines {
	std::vector<std::string> text, json;
};

void keep(const weft_log_record *record, void *arg)
{
	char line[WEFT_LOG_LINE_MAX];
	auto *lines = static_cast<Lines *>(arg);
	lines->text.emplace_back(line, weft_log_format_text(record, line, sizeof(line)));
	lines->json.emplace_back(line, weft_log_format_json(record, line, sizeof(line)));
}

class Log : public testing::Test
{
  protected:
	void SetUp() override
	{
		wf_clock_set(&fixed_clock);
		weft_log_sink_set(&sink_);
	}

	void TearDown() override
	{
		weft_log_sink_set(nullptr);
		weft_report_set(nullptr);
		weft_log_redact_set(nullptr);
		weft_log_threshold_set(WEFT_LOG_INFO);
		wf_clock_set(nullptr);
	}

	/* What one record looks like after its time and level. */
	std::string text(const weft_log_field &field)
	{
		weft_log(WEFT_LOG_INFO, "m", field);
		return lines_.text.back().substr(sizeof("2026-11-21T08:08:19.123456Z info m ") - 1);
	}

	std::string json(const weft_log_field &field)
	{
		weft_log(WEFT_LOG_INFO, "m", field);
		std::string head = R"({"time":"2026-11-21T08:08:19.123456Z","level":"info","message":"m",)";
		EXPECT_EQ(head, lines_.json.back().substr(0, head.size()));
		return lines_.json.back().substr(head.size());
	}

	Lines lines_;
	weft_log_sink sink_ = { keep, &lines_ };
};

TEST_F(Log, WritesALineOfTextOrJson)
{
	weft_log(WEFT_LOG_WARNING, "disk is filling up", weft_log_text("mount", "/var"),
		weft_log_int("percent", 93));
	EXPECT_EQ("2026-11-21T08:08:19.123456Z warning disk is filling up mount=/var percent=93\n",
		lines_.text[0]);
	EXPECT_EQ(R"({"time":"2026-11-21T08:08:19.123456Z","level":"warning",)"
			  R"("message":"disk is filling up","mount":"/var","percent":93})"
			  "\n",
		lines_.json[0]);
}

TEST_F(Log, NeedsNoFields)
{
	weft_log(WEFT_LOG_ERROR, "out");
	EXPECT_EQ("2026-11-21T08:08:19.123456Z error out\n", lines_.text[0]);
}

TEST_F(Log, ShowsEachKindOfValue)
{
	EXPECT_EQ("k=-9223372036854775808\n", text(weft_log_int("k", INT64_MIN)));
	EXPECT_EQ("k=18446744073709551615\n", text(weft_log_uint("k", UINT64_MAX)));
	EXPECT_EQ("k=0\n", text(weft_log_int("k", 0)));
	EXPECT_EQ("k=0.1\n", text(weft_log_real("k", 0.1)));
	EXPECT_EQ("k=-1e+300\n", text(weft_log_real("k", -1e300)));
	EXPECT_EQ("k=0.30000000000000004\n", text(weft_log_real("k", 0.1 + 0.2)));
	EXPECT_EQ("k=NaN\n", text(weft_log_real("k", NAN)));
	EXPECT_EQ("\"k\":\"-Infinity\"}\n", json(weft_log_real("k", -INFINITY)));
	EXPECT_EQ("k=true\n", text(weft_log_bool("k", true)));
	EXPECT_EQ("\"k\":false}\n", json(weft_log_bool("k", false)));
	EXPECT_EQ("k=ECONNRESET\n", text(weft_log_code("k", WEFT_ECONNRESET)));
	EXPECT_EQ("\"k\":-6000}\n", json(weft_log_code("k", -6000)));
	EXPECT_EQ("k=null\n", text(weft_log_text("k", nullptr)));
	EXPECT_EQ("\"k\":null}\n", json(weft_log_text("k", nullptr)));
	EXPECT_EQ("k=\"\"\n", text(weft_log_text("k", "")));
	EXPECT_EQ("k=ab\n", text(weft_log_bytes("k", "abc", 2)));
	EXPECT_EQ("k=[redacted]\n", text(weft_log_secret("k")));
}

TEST_F(Log, CannotBeMadeToForgeALineOrAField)
{
	EXPECT_EQ("k=\"a\\nb\"\n", text(weft_log_text("k", "a\nb")));
	EXPECT_EQ("k=\"a b=c\"\n", text(weft_log_text("k", "a b=c")));
	EXPECT_EQ("k=\"\\\" x=\\\"\"\n", text(weft_log_text("k", "\" x=\"")));
	EXPECT_EQ("k=\"\\x1b[31m\"\n", text(weft_log_text("k", "\x1b[31m")));
	EXPECT_EQ("k=\"\\x9b\"\n", text(weft_log_text("k", "\xc2\x9b")));
	EXPECT_EQ("k=\"\\u2028\\u202e\"\n", text(weft_log_text("k", "\u2028\u202e")));
	EXPECT_EQ("k=\"\\xff\\xc3\"\n", text(weft_log_text("k", "\xff\xc3")));
	EXPECT_EQ("k=\"\\x00\"\n", text(weft_log_bytes("k", "\0", 1)));
	EXPECT_EQ("k=\"gr\u00fc\u00dfe\"\n", text(weft_log_text("k", "gr\u00fc\u00dfe")));
	EXPECT_EQ("a_b_c=1\n", text(weft_log_int("a b=c", 1)));
	weft_log(WEFT_LOG_INFO, "x=1\nfake");
	EXPECT_EQ("2026-11-21T08:08:19.123456Z info \"x=1\\nfake\"\n", lines_.text.back());
}

TEST_F(Log, WritesJsonThatIsJson)
{
	EXPECT_EQ(R"("k":"\"\\\n\r\t\u0000\u001b\u007f"})"
			  "\n",
		json(weft_log_bytes("k", "\"\\\n\r\t\0\x1b\x7f", 8)));
	EXPECT_EQ(R"("k":"\ufffd\ufffd\ufffd"})"
			  "\n",
		json(weft_log_text("k", "\xff\xc0\xaf")));
	EXPECT_EQ("\"k\":\"\U0001f9f5\"}\n", json(weft_log_text("k", "\U0001f9f5")));
	EXPECT_EQ("\"a\\\"b\":1}\n", json(weft_log_int("a\"b", 1)));
	EXPECT_EQ("\"_level\":1}\n", json(weft_log_int("level", 1)));
	EXPECT_EQ("\"_trace_id\":1}\n", json(weft_log_int("trace_id", 1)));
}

TEST_F(Log, LeavesOutWhatDoesNotFitAndSaysSo)
{
	std::string big(5000, 'x');
	weft_log(WEFT_LOG_INFO, "m", weft_log_int("a", 1), weft_log_text("big", big.c_str()),
		weft_log_int("b", 2));
	for (const std::string &line : { lines_.text[0], lines_.json[0] }) {
		EXPECT_LE(line.size(), size_t{ WEFT_LOG_LINE_MAX });
		EXPECT_GT(line.size(), size_t{ WEFT_LOG_LINE_MAX - 8 });
	}
	std::string text_end = "x\" truncated=true\n", json_end = "x\",\"truncated\":true}\n";
	EXPECT_EQ(text_end, lines_.text[0].substr(lines_.text[0].size() - text_end.size()));
	EXPECT_EQ(json_end, lines_.json[0].substr(lines_.json[0].size() - json_end.size()));
	weft_log(WEFT_LOG_INFO, big.c_str(), weft_log_int("b", 2));
	EXPECT_EQ(json_end, lines_.json[1].substr(lines_.json[1].size() - json_end.size()));
}

/* Every length of the value, so that each part once is the one that does not fit. */
TEST_F(Log, IsWellFormedWhereverItIsCut)
{
	for (size_t length = 3800; length < 4100; length++) {
		std::string value(length, 'x');
		weft_log(WEFT_LOG_INFO, "m", weft_log_text("k", value.c_str()), weft_log_int("n", 12345),
			weft_log_text("t", "a \" b"), weft_log_bool("b", true));
		const std::string &json = lines_.json.back(), &text = lines_.text.back();
		ASSERT_LE(json.size(), size_t{ WEFT_LOG_LINE_MAX });
		ASSERT_LE(text.size(), size_t{ WEFT_LOG_LINE_MAX });
		ASSERT_EQ("}\n", json.substr(json.size() - 2));
		bool escaped = false, quoted = false;
		for (char c : json) {
			if (c == '"' && !escaped) quoted = !quoted;
			escaped = c == '\\' && !escaped;
		}
		ASSERT_FALSE(quoted) << length;
		bool whole = json.find("\"b\":true}") != std::string::npos;
		ASSERT_NE(whole, json.find("\"truncated\":true}") != std::string::npos) << length;
		size_t n = json.find("\"n\":");
		ASSERT_TRUE(n == std::string::npos || json.compare(n, 9, "\"n\":12345") == 0) << length;
	}
}

TEST_F(Log, KeepsSoManyFieldsAndSaysWhenThereWereMore)
{
	std::vector<weft_log_field> fields(WEFT_LOG_FIELDS_MAX + 2, weft_log_int("k", 1));
	fields.back().key = nullptr;
	weft_log_write(WEFT_LOG_INFO, "here:1", "m", fields.data());
	EXPECT_NE(std::string::npos, lines_.text[0].find(" truncated=true\n"));
	weft_log_write(WEFT_LOG_INFO, "here:1", "m", fields.data() + 1);
	EXPECT_EQ(std::string::npos, lines_.text[1].find("truncated"));
}

TEST_F(Log, TellsTheTraceAndTheRequest)
{
	weft_context *context = nullptr;
	ASSERT_EQ(0, weft_trace_start(nullptr, &context,
					 .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
					 .request_id = "req-7"));
	char span[WEFT_SPAN_ID_SIZE];
	weft_context_scope scope;
	weft_context_enter(context, &scope);
	weft_span_id(span);
	std::string big(5000, 'x');
	weft_log(WEFT_LOG_INFO, "m", weft_log_text("big", big.c_str()));
	weft_context_restore(&scope);
	weft_context_unref(context);
	std::string end = std::string(" request_id=req-7 trace_id=0af7651916cd43dd8448eb211c80319c"
								  " span_id=") +
					  span + " trace_flags=01\n";
	EXPECT_EQ(end, lines_.text[0].substr(lines_.text[0].size() - end.size()));
	end = std::string(R"("request_id":"req-7","trace_id":"0af7651916cd43dd8448eb211c80319c",)"
					  R"("span_id":")") +
		  span + R"(","trace_flags":"01"})" + "\n";
	EXPECT_EQ(end, lines_.json[0].substr(lines_.json[0].size() - end.size()));
}

TEST_F(Log, HidesSecretsFromEverySink)
{
	EXPECT_EQ("Authorization=[redacted]\n", text(weft_log_text("Authorization", "Bearer x")));
	EXPECT_EQ("\"password\":\"[redacted]\"}\n", json(weft_log_int("password", 1234)));
	static const char *const mine[] = { "pin", nullptr };
	weft_log_redact_set(mine);
	EXPECT_EQ("PIN=[redacted]\n", text(weft_log_int("PIN", 1234)));
	EXPECT_EQ("password=x\n", text(weft_log_text("password", "x")));
}

TEST_F(Log, DoesAndEvaluatesNothingBelowTheThreshold)
{
	int evaluated = 0;
	weft_log(WEFT_LOG_DEBUG, "no", weft_log_int("k", ++evaluated));
	EXPECT_EQ(0, evaluated);
	weft_log_threshold_set(WEFT_LOG_DEBUG);
	weft_log(WEFT_LOG_DEBUG, "yes", weft_log_int("k", ++evaluated));
	EXPECT_EQ(1, evaluated);
	weft_log_threshold_set(WEFT_LOG_OFF);
	weft_log(WEFT_LOG_ERROR, "no", weft_log_int("k", ++evaluated));
	EXPECT_EQ(1, evaluated);
	EXPECT_EQ(1u, lines_.text.size());
}

TEST_F(Log, AllocatesNothingAndLeavesErrnoAlone)
{
	int null = open("/dev/null", O_WRONLY);
	weft_log_sink text_sink = { weft_log_sink_text, &null },
				  json_sink = { weft_log_sink_json, &null };
	failing_allocator_install();
	failing_allocator_fail_at(0, FAIL_STICKY);
	errno = EDOM;
	weft_log_sink_set(&text_sink);
	weft_log(WEFT_LOG_INFO, "m", weft_log_real("k", 0.1), weft_log_text("t", "a b"));
	weft_log_sink_set(&json_sink);
	weft_log(WEFT_LOG_INFO, "m", weft_log_real("k", 0.1), weft_log_text("t", "a b"));
	weft_report("topic", "m");
	EXPECT_EQ(EDOM, errno);
	EXPECT_EQ(0, failing_allocator_attempts());
	failing_allocator_remove();
	weft_log_sink_set(&sink_);
	close(null);
}

/* Lines of the two threads may stand in any order, but never inside one another. */
TEST_F(Log, WritesEachLineInOnePiece)
{
	int ends[2];
	ASSERT_EQ(0, pipe(ends));
	weft_log_sink sink = { weft_log_sink_text, &ends[1] };
	weft_log_sink_set(&sink);
	constexpr int each = 500;
	std::string got;
	std::thread reader([&] {
		char buffer[8192];
		for (ssize_t n; (n = read(ends[0], buffer, sizeof(buffer))) > 0;)
			got.append(buffer, static_cast<size_t>(n));
	});
	auto write_all = [](const char *who) {
		std::string filler(1500, *who);
		for (int i = 0; i < each; i++)
			weft_log(WEFT_LOG_INFO, "m", weft_log_text("filler", filler.c_str()));
	};
	std::thread a(write_all, "a"), b(write_all, "b");
	a.join();
	b.join();
	weft_log_sink_set(&sink_);
	close(ends[1]);
	reader.join();
	close(ends[0]);
	std::string head = "2026-11-21T08:08:19.123456Z info m filler=";
	int lines = 0;
	for (size_t at = 0; at < got.size(); lines++) {
		size_t end = got.find('\n', at);
		ASSERT_NE(std::string::npos, end);
		std::string line = got.substr(at, end - at);
		ASSERT_EQ(head + std::string(1500, line.back()), line);
		at = end + 1;
	}
	EXPECT_EQ(2 * each, lines);
}

TEST_F(Log, CountsTheLinesItLoses)
{
	int closed = -1;
	weft_log_sink sink = { weft_log_sink_text, &closed };
	weft_log_sink_set(&sink);
	size_t before = weft_log_lost();
	weft_log(WEFT_LOG_INFO, "m");
	EXPECT_EQ(before + 1, weft_log_lost());
	weft_log_sink_set(&sink_);
}

TEST_F(Log, DatesEverySecondRight)
{
	struct {
		int64_t seconds;
		const char *date;
	} dates[] = {
		{ 0, "1970-01-01T00:00:00" },
		{ -1, "1969-12-31T23:59:59" },
		{ 951782400, "2000-02-29T00:00:00" },
		{ 951868799, "2000-02-29T23:59:59" },
		{ 951868800, "2000-03-01T00:00:00" },
		{ 1078012800, "2004-02-29T00:00:00" },
		{ 1767225599, "2025-12-31T23:59:59" },
		{ 4107542400, "2100-03-01T00:00:00" },
		{ -2203891200, "1900-03-01T00:00:00" },
	};
	for (const auto &d : dates) {
		weft_log_field none = {};
		weft_log_record record = {};
		record.wall_ns = d.seconds * 1000000000;
		record.level = WEFT_LOG_INFO;
		record.message = "m";
		record.fields = &none;
		record.request_id = "";
		char line[WEFT_LOG_LINE_MIN];
		size_t n = weft_log_format_text(&record, line, sizeof(line));
		EXPECT_EQ(std::string(d.date) + ".000000Z info m\n", std::string(line, n));
	}
}

TEST_F(Log, HearsReportsAsWarnings)
{
	weft_report("stall", "a worker does not come back", weft_log_int("ms", 200));
	EXPECT_EQ(
		"2026-11-21T08:08:19.123456Z warning topic=stall a worker does not come back ms=200\n",
		lines_.text[0]);
	weft_log_threshold_set(WEFT_LOG_ERROR);
	weft_report("stall", "a worker does not come back");
	EXPECT_EQ(1u, lines_.text.size());
}

TEST_F(Log, LetsAHookTakeTheReports)
{
	Lines heard;
	weft_log_sink hook = { keep, &heard };
	weft_report_set(&hook);
	weft_log_threshold_set(WEFT_LOG_OFF);
	weft_report("stuck", "a task refuses to end", weft_log_text("token", "x"));
	EXPECT_EQ(0u, lines_.text.size());
	ASSERT_EQ(1u, heard.json.size());
	EXPECT_EQ(R"({"time":"2026-11-21T08:08:19.123456Z","level":"warning","topic":"stuck",)"
			  R"("message":"a task refuses to end","token":"[redacted]"})"
			  "\n",
		heard.json[0]);
}

} // namespace
