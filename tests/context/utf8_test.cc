#include "context/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace
{

size_t decode(const std::string &text, uint32_t *c)
{
	std::string exact(text);
	return wf_utf8_decode(exact.data(), exact.size(), c);
}

std::string encode(uint32_t c)
{
	if (c < 0x80) return { static_cast<char>(c) };
	std::string out;
	int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	out += static_cast<char>(lead[more] | c >> 6 * more);
	while (more-- > 0) out += static_cast<char>(0x80 | (c >> 6 * more & 0x3f));
	return out;
}

TEST(Utf8, ReadsEveryCharacterAndNoSurrogate)
{
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		uint32_t read = ~0u;
		std::string text = encode(c);
		bool surrogate = c >= 0xd800 && c <= 0xdfff;
		ASSERT_EQ(surrogate ? 0 : text.size(), decode(text + "x", &read)) << c;
		ASSERT_EQ(surrogate ? ~0u : c, read);
	}
}

TEST(Utf8, RefusesWhatIsNoCharacter)
{
	uint32_t c;
	for (const char *text :
		{ "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2x", "\xe0\x80\x80", "\xe0\x9f\xbf",
			"\xe2\x82", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
			"\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff" })
		EXPECT_EQ(0u, decode(text, &c)) << text;
}

TEST(Utf8, KnowsWhatWouldChangeALine)
{
	for (uint32_t c : { 0u, 9u, 10u, 27u, 0x7fu, 0x80u, 0x9bu, 0x9fu, 0x61cu, 0x200eu, 0x2028u,
			 0x2029u, 0x202eu, 0x2066u, 0x2069u, 0xfeffu })
		EXPECT_TRUE(wf_utf8_is_control(c)) << c;
	for (uint32_t c : { 0x20u, 0x7eu, 0xa0u, 0xfcu, 0x61bu, 0x200du, 0x2027u, 0x202fu, 0x1f9f5u })
		EXPECT_FALSE(wf_utf8_is_control(c)) << c;
}

} // namespace
