#include "net/http/number.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>
#include <string>

namespace
{

double read(const std::string &text)
{
	double value = -42;
	EXPECT_EQ(0, wf_number_read(text.data(), text.size(), &value)) << text;
	return value;
}

std::string written(double value)
{
	char out[WF_NUMBER_ROOM];
	size_t size = wf_number_write(value, out);
	EXPECT_EQ(strlen(out), size);
	return out;
}

TEST(Number, IsReadToTheNearestDouble)
{
	for (const char *text :
		{ "0", "1", "0.1", "0.2", "0.3", "123.456", "1e22", "1e23", "1e-22", "9007199254740993",
			"9007199254740992", "9007199254740991.5", "2.2250738585072011e-308",
			"2.2250738585072014e-308", "4.9e-324", "2.4e-324", "1.7976931348623157e308", "0.000001",
			"123456789012345678901234567890", "8.41e21", "5e-324", "0.5e1", "1E5",
			"100000000000000000000000", "1.00000000000000011102230246251565",
			"1.00000000000000011102230246251566", "6.02214076e23",
			"0.00000000000000000000000000001", "0e99999", "0.0e-99999", "00000001e1" })
		EXPECT_EQ(strtod(text, nullptr), read(text)) << text;
}

TEST(Number, KeepsTheSignOfZero)
{
	EXPECT_TRUE(std::signbit(read("-0")));
	EXPECT_TRUE(std::signbit(read("-0.0e5")));
	EXPECT_FALSE(std::signbit(read("0")));
	EXPECT_EQ("-0", written(-0.0));
	EXPECT_EQ("0", written(0.0));
}

TEST(Number, BeyondTheLargestDoubleIsARangeErrorAndBelowTheSmallestIsZero)
{
	double value = -42;
	for (std::string text : { "1e309", "-1e309", "1e999999999999", "1.8e308" }) {
		EXPECT_EQ(-ERANGE, wf_number_read(text.data(), text.size(), &value));
		EXPECT_EQ(-42, value);
	}
	EXPECT_EQ(0.0, read("1e-999999999999"));
	EXPECT_EQ(0.0, read("1e-400"));
}

TEST(Number, HasALongestForm)
{
	std::string digits(WF_NUMBER_BYTES_MAX - 2, '3');
	EXPECT_EQ(strtod(("0." + digits).c_str(), nullptr), read("0." + digits));
	double value = -42;
	EXPECT_EQ(-ERANGE, wf_number_read(("0." + digits + "3").data(), digits.size() + 3, &value));
	EXPECT_EQ(-42, value);
}

TEST(Number, IsWrittenInAFormThatPeopleWouldChoose)
{
	EXPECT_EQ("0.1", written(0.1));
	EXPECT_EQ("1", written(1));
	EXPECT_EQ("-2.5", written(-2.5));
	EXPECT_EQ("100000", written(1e5));
	EXPECT_EQ("1e+300", written(1e300));
	EXPECT_EQ("0.30000000000000004", written(0.1 + 0.2));
	EXPECT_EQ("1.7976931348623157e+308", written(std::numeric_limits<double>::max()));
	EXPECT_EQ("4.94065645841247e-324", written(std::numeric_limits<double>::denorm_min()));
}

TEST(Number, ReadsBackTheSameDoubleThatWasWritten)
{
	std::mt19937_64 random(1);
	for (int round = 0; round < 20000; round++) {
		uint64_t bits = random();
		double value;
		memcpy(&value, &bits, sizeof value);
		if (round % 3 == 1) value = (double)(int64_t)bits;
		if (round % 3 == 2) value = (double)((int64_t)bits % 1000000) / 1000;
		if (!std::isfinite(value)) continue;
		double back = read(written(value));
		ASSERT_EQ(0, memcmp(&value, &back, sizeof value)) << written(value);
	}
}

TEST(Number, AgreesWithTheLibraryOnRandomText)
{
	std::mt19937 random(2);
	for (int round = 0; round < 20000; round++) {
		std::string text = random() % 2 ? "-" : "";
		text += std::to_string(random() % 10);
		size_t digits = random() % 25;
		if (digits > 0) text += ".";
		while (digits-- > 0) text += (char)('0' + random() % 10);
		if (random() % 2) text += "e" + std::to_string((int)(random() % 60) - 30);
		double value = strtod(text.c_str(), nullptr), got = read(text);
		ASSERT_EQ(0, memcmp(&value, &got, sizeof value)) << text;
	}
}

/* Whatever locale the program has set, JSON's decimal point is a dot. The one of Germany is built
 * here, since few machines have it. */
TEST(Number, DoesNotAskTheLocale)
{
	std::string folder = testing::TempDir() + "weft-locale-XXXXXX";
	ASSERT_NE(nullptr, mkdtemp(folder.data()));
	std::string command =
		"localedef -i de_DE -f UTF-8 " + folder + "/de_DE.UTF-8 >" + folder + "/log 2>&1";
	std::string before = setlocale(LC_ALL, nullptr);
	bool built = system(command.c_str()) == 0;
	setenv("LOCPATH", folder.c_str(), 1);
	bool comma = built && setlocale(LC_ALL, "de_DE.UTF-8") && *localeconv()->decimal_point == ',';
	EXPECT_EQ("0.30000000000000004", written(0.1 + 0.2));
	EXPECT_EQ(1.00000000000000011102230246251566, read("1.00000000000000011102230246251566"));
	setlocale(LC_ALL, before.c_str());
	unsetenv("LOCPATH");
	std::filesystem::remove_all(folder);
	if (!comma) GTEST_SKIP() << "localedef cannot make a locale with a decimal comma here";
}

} // namespace
