#include "net/http/http_date.h"

#include <ctime>
#include <gtest/gtest.h>
#include <weft/error.h>

namespace
{

const int64_t in_1994 = 784111777;

std::string format(int64_t unix_s)
{
	char text[WF_HTTP_DATE_BYTES];
	return wf_http_date_format(unix_s, text) == 0 ? std::string(text, sizeof text) : "";
}

int64_t parse(const std::string &text, int64_t now_s = in_1994)
{
	int64_t unix_s = -1;
	int rc = wf_http_date_parse(text.data(), text.size(), now_s, &unix_s);
	if (rc != 0) {
		EXPECT_EQ(unix_s, -1) << text;
	}
	return rc == 0 ? unix_s : rc;
}

TEST(HttpDate, FormatsTheDatesOfTheRfc)
{
	EXPECT_EQ(format(in_1994), "Sun, 06 Nov 1994 08:49:37 GMT");
	EXPECT_EQ(format(0), "Thu, 01 Jan 1970 00:00:00 GMT");
	EXPECT_EQ(format(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
	EXPECT_EQ(format(951827696), "Tue, 29 Feb 2000 12:34:56 GMT");
	EXPECT_EQ(format(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
	EXPECT_EQ(format(-62135596800), "Mon, 01 Jan 0001 00:00:00 GMT");
	EXPECT_EQ(format(253402300800), "");
	EXPECT_EQ(format(-62135596801), "");
}

TEST(HttpDate, AgreesWithTheLibraryOnEveryDay)
{
	for (int64_t day = -800; day < 60000; day++) {
		time_t at = day * 86400 + (day * 7919) % 86400;
		char text[64];
		struct tm parts;
		gmtime_r(&at, &parts);
		strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
		ASSERT_EQ(format(at), text);
		ASSERT_EQ(parse(text), at);
	}
}

TEST(HttpDate, ReadsTheThreeForms)
{
	EXPECT_EQ(parse("Sun, 06 Nov 1994 08:49:37 GMT"), in_1994);
	EXPECT_EQ(parse("Sunday, 06-Nov-94 08:49:37 GMT"), in_1994);
	EXPECT_EQ(parse("Sun Nov  6 08:49:37 1994"), in_1994);
	EXPECT_EQ(parse("Sun Nov 06 08:49:37 1994"), in_1994);
	EXPECT_EQ(parse("Thu, 31 Dec 1998 23:59:60 GMT"), 915148800);
}

TEST(HttpDate, TakesAYearOfTwoDigitsAsAtMostFiftyAhead)
{
	const int64_t in_2024 = 1720000000;
	EXPECT_EQ(format(parse("Sunday, 06-Nov-74 08:49:37 GMT", in_2024)).substr(12, 4), "2074");
	EXPECT_EQ(format(parse("Sunday, 06-Nov-75 08:49:37 GMT", in_2024)).substr(12, 4), "1975");
	EXPECT_EQ(format(parse("Sunday, 06-Nov-44 08:49:37 GMT", in_1994)).substr(12, 4), "2044");
	EXPECT_EQ(format(parse("Sunday, 06-Nov-45 08:49:37 GMT", in_1994)).substr(12, 4), "1945");
}

TEST(HttpDate, RefusesWhatIsNoDate)
{
	for (const char *text :
		{ "", "Sun", "Sun, 06 Nov 1994 08:49:37", "sun, 06 Nov 1994 08:49:37 GMT",
			"Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
			"Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
			"Sun, 06 Nov 1994 08:00:61 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
			"Sun, 29 Feb 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT",
			"Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT",
			"Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 -1:49:37 GMT",
			"Sun, 06 Foo 1994 08:49:37 GMT", "Sun Nov  0 08:49:37 1994", "Sun Nov 6 08:49:37 1994",
			"Sunday, 06-Nov-1994 08:49:37 GMT", "0", "Sun, 06 Nov 19" })
		EXPECT_EQ(parse(text), WEFT_EINVAL) << text;
}

} // namespace
