#include <gtest/gtest.h>

#include <climits>
#include <cstring>
#include <set>
#include <string>
#include <weft/error.h>

namespace
{

TEST(Error, NamesItsOwnCodes)
{
	EXPECT_STREQ("ENORUN", weft_error_name(WEFT_ENORUN));
	EXPECT_STREQ("ECANCELED", weft_error_name(WEFT_ECANCELED));
	EXPECT_STREQ("EOF", weft_error_name(WEFT_EOF));
	EXPECT_STREQ("EDEADLINE", weft_error_name(-5005));
	EXPECT_STREQ("not inside a run", weft_error_text(WEFT_ENORUN));
}

TEST(Error, LetsErrnoValuesPassThrough)
{
	EXPECT_STREQ("EIO", weft_error_name(-EIO));
	EXPECT_STREQ("ENOSPC", weft_error_name(-ENOSPC));
	EXPECT_STREQ("Input/output error", weft_error_text(-EIO));
	EXPECT_EQ(-EBUSY, WEFT_EBUSY);
	EXPECT_EQ(-EOWNERDEAD, WEFT_EOWNERDEAD);
}

TEST(Error, KnowsTheValuesOfLibuvThatAreNoErrno)
{
	EXPECT_STREQ("EAI_NONAME", weft_error_name(-3008));
	EXPECT_STREQ("ECHARSET", weft_error_name(-4080));
}

TEST(Error, CallsEveryResultThatIsNoErrorOk)
{
	EXPECT_STREQ("OK", weft_error_name(0));
	EXPECT_STREQ("OK", weft_error_name(3));
	EXPECT_STREQ("OK", weft_error_name(INT_MAX));
	EXPECT_STREQ("success", weft_error_text(0));
}

TEST(Error, HasANameAndATextForEveryInt)
{
	for (int rc = 1; rc > -7000; rc--) {
		ASSERT_NE(nullptr, weft_error_name(rc)) << rc;
		ASSERT_NE(nullptr, weft_error_text(rc)) << rc;
	}
	EXPECT_STREQ("EUNKNOWN", weft_error_name(-6000));
	EXPECT_STREQ("EUNKNOWN", weft_error_name(INT_MIN));
	EXPECT_STREQ("unknown error", weft_error_text(INT_MIN));
}

TEST(Error, GivesEachCodeOneNameAndEachNameOneCode)
{
	std::set<int> codes;
	std::set<std::string> names;
#define WEFT_ONE(name, value, text)                                                                \
	EXPECT_TRUE(codes.insert(value).second) << #name;                                              \
	EXPECT_TRUE(names.insert(#name).second) << #name;                                              \
	EXPECT_NE('.', text[strlen(text) - 1]) << #name;
	WEFT_ERRORS(WEFT_ONE)
#undef WEFT_ONE
}

} // namespace
