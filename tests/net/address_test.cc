#include <weft/address.h>

#include <string>

#include <gtest/gtest.h>

namespace
{

std::string round_trip(const char *text)
{
	weft_address address;
	char out[WEFT_ADDRESS_TEXT];
	int rc = weft_address_parse(text, &address);
	if (rc == 0) rc = weft_address_format(&address, out, sizeof out);
	return rc ? weft_error_name(rc) : out;
}

TEST(Address, ReadsAndWritesWhatItKnows)
{
	EXPECT_EQ("127.0.0.1:8080", round_trip("127.0.0.1:8080"));
	EXPECT_EQ("0.0.0.0:0", round_trip("0.0.0.0:0"));
	EXPECT_EQ("[::]:65535", round_trip("[::]:65535"));
	EXPECT_EQ("[::]:80", round_trip(":80"));
	EXPECT_EQ("[::1]:80", round_trip("[0:0:0:0:0:0:0:1]:80"));
	EXPECT_EQ("[fe80::1%lo]:80", round_trip("[fe80::1%lo]:80"));
	EXPECT_EQ("unix:/run/x y", round_trip("unix:/run/x y"));
	EXPECT_EQ("unix:@name", round_trip("unix:@name"));
	EXPECT_EQ(
		"unix:" + std::string(107, 'p'), round_trip(("unix:" + std::string(107, 'p')).c_str()));
}

TEST(Address, WritesAnIPv4AddressInIPv6AsIPv4)
{
	EXPECT_EQ("10.1.2.3:80", round_trip("[::ffff:10.1.2.3]:80"));
}

TEST(Address, RefusesWhatIsNone)
{
	for (const char *text : { "", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:-1",
			 "127.0.0.1:65536", "127.0.0.1:+80", "127.0.0.1: 80", "::1:80", "[::1]", "[::1]80",
			 "[::1:80", "[1.2.3.4]:80", "[]:80", "unix:", "[::g]:80" })
		EXPECT_EQ("EINVAL", round_trip(text)) << text;
	EXPECT_EQ("ENAMETOOLONG", round_trip(("unix:" + std::string(108, 'p')).c_str()).substr(0, 12));
	EXPECT_EQ("EINVAL", round_trip((std::string(300, 'h') + ":80").c_str()));
}

TEST(Address, LeavesNamesToTheResolver)
{
	EXPECT_EQ("ENOENT", round_trip("localhost:80"));
	EXPECT_EQ("ENOENT", round_trip("1.2.3:80"));
	EXPECT_EQ("ENOENT", round_trip("[fe80::1%nosuchlink]:80"));
}

TEST(Address, SaysWhenThereIsNoRoom)
{
	weft_address address;
	char small[4] = "abc";
	ASSERT_EQ(0, weft_address_parse("127.0.0.1:80", &address));
	EXPECT_EQ(-ENOSPC, weft_address_format(&address, small, sizeof small));
	EXPECT_EQ(80, weft_address_port(&address));
	weft_address none = {};
	EXPECT_EQ(WEFT_EINVAL, weft_address_format(&none, small, sizeof small));
	EXPECT_EQ(0, weft_address_port(&none));
}

} // namespace
