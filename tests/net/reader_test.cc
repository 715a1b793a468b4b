#include <weft/reader.h>

#include <vector>

#include "tests/net/support.h"

namespace
{

struct Reader : OnBackend {
	weft_stream *to = nullptr, *from = nullptr;
	weft_reader *r = nullptr;

	/* Runs `body` with a reader of `size` bytes at the other end of `to`. */
	void with(size_t size, Body body)
	{
		int rc = run([&] {
			make_pair(Kind::tcp, &to, &from);
			EXPECT_EQ(0, weft_reader_open(from, size, &r));
			int result = body();
			weft_reader_close(r);
			weft_stream_close(to);
			weft_stream_close(from);
			return result;
		});
		EXPECT_EQ(0, rc) << weft_error_name(rc);
	}
	void send(const std::string &text, bool end = true)
	{
		EXPECT_EQ(0, write_text(to, text));
		if (end) {
			EXPECT_EQ(0, weft_stream_finish(to));
		}
	}
	std::vector<std::string> lines()
	{
		std::vector<std::string> all;
		char *line;
		int rc;
		while ((rc = weft_reader_next_line(r, &line)) > 0) all.emplace_back(line);
		if (rc < 0) all.emplace_back(weft_error_name(rc));
		return all;
	}
};

ON_EACH_BACKEND(Reader);

using Lines = std::vector<std::string>;

TEST_P(Reader, GivesLinesWithoutTheirEnds)
{
	with(64, [&] {
		send("one\ntwo\r\n\n\r\nthree\rfour\n");
		EXPECT_EQ((Lines{ "one", "two", "", "", "three\rfour" }), lines());
		return 0;
	});
}

TEST_P(Reader, GivesALastLineWithoutAnEnd)
{
	with(64, [&] {
		send("one\ntwo");
		EXPECT_EQ((Lines{ "one", "two" }), lines());
		return 0;
	});
}

TEST_P(Reader, GivesNothingOfNothing)
{
	with(64, [&] {
		send("");
		EXPECT_EQ(Lines{}, lines());
		EXPECT_EQ(Lines{}, lines());
		return 0;
	});
}

TEST_P(Reader, GivesLinesAsLongAsItsSizeAndRefusesLonger)
{
	with(8, [&] {
		send("1234567\n12345678\n");
		EXPECT_EQ((Lines{ "1234567", "EMSGSIZE" }), lines());
		EXPECT_EQ((Lines{ "EMSGSIZE" }), lines());
		char rest[9];
		size_t done;
		EXPECT_EQ(0, weft_reader_read_exact(r, rest, sizeof rest, &done));
		EXPECT_EQ("12345678\n", std::string(rest, done));
		return 0;
	});
}

TEST_P(Reader, FindsADelimiterThatComesInPieces)
{
	with(64, [&] {
		weft_group *group = weft_group_open();
		spawn(group, [&] {
			for (char c : std::string("a-b--c---d")) {
				send(std::string(1, c), false);
				let_others_run(1);
			}
			return weft_stream_finish(to);
		});
		char *data;
		size_t size;
		EXPECT_EQ(1, weft_reader_next_until(r, "--", &data, &size));
		EXPECT_EQ("a-b", std::string(data, size));
		EXPECT_EQ(1, weft_reader_next_until(r, "---", &data, &size));
		EXPECT_EQ("c", std::string(data, size));
		EXPECT_STREQ("c", data);
		EXPECT_EQ(WEFT_EOF, weft_reader_next_until(r, "-", &data, &size));
		EXPECT_EQ((Lines{ "d" }), lines());
		EXPECT_EQ(0, weft_reader_next_until(r, "-", &data, &size));
		EXPECT_EQ(WEFT_EINVAL, weft_reader_next_until(r, "", &data, &size));
		return weft_group_join(group, 0);
	});
}

TEST_P(Reader, CarriesNulBytes)
{
	with(64, [&] {
		send(std::string("a\0b|c", 5));
		char *data;
		size_t size;
		EXPECT_EQ(1, weft_reader_next_until(r, "|", &data, &size));
		EXPECT_EQ(std::string("a\0b", 3), std::string(data, size));
		return 0;
	});
}

TEST_P(Reader, GivesBackWhatItReadAhead)
{
	with(64, [&] {
		send("line\nthe rest");
		/* Until all of it has come. */
		let_others_run();
		char *line;
		EXPECT_EQ(1, weft_reader_next_line(r, &line));
		EXPECT_STREQ("line", line);
		const void *data;
		size_t size;
		weft_reader_left(r, &data, &size);
		std::string left(static_cast<const char *>(data), size);
		EXPECT_EQ("the rest", left + read_all(from));
		return 0;
	});
}

TEST_P(Reader, ReadsWhatIsBufferedFirst)
{
	with(64, [&] {
		send("ab\ncdefgh");
		char *line;
		EXPECT_EQ(1, weft_reader_next_line(r, &line));
		std::string rest;
		char c[2];
		size_t got;
		int rc;
		while ((rc = weft_reader_read(r, c, sizeof c, &got)) > 0) rest.append(c, got);
		EXPECT_EQ(0, rc);
		EXPECT_EQ("cdefgh", rest);
		size_t done = 7;
		EXPECT_EQ(WEFT_EOF, weft_reader_read_exact(r, c, 1, &done));
		EXPECT_EQ(0u, done);
		return 0;
	});
}

TEST_P(Reader, GoesOnAfterACancel)
{
	with(64, [&] {
		send("begun", false);
		weft_scope *scope = weft_scope_open(.timeout_ms = 10);
		char *line;
		int rc = weft_reader_next_line(r, &line);
		EXPECT_EQ(WEFT_EDEADLINE, weft_scope_close(scope, rc));
		send(" and ended\n");
		EXPECT_EQ((Lines{ "begun and ended" }), lines());
		return 0;
	});
}

TEST(ReaderOutside, NeedsRoom)
{
	weft_reader *r;
	EXPECT_EQ(WEFT_EINVAL, weft_reader_open(nullptr, 0, &r));
	weft_reader_close(nullptr);
}

} // namespace
