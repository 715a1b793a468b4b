#include "context/tracestate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>
#include <weft/error.h>

namespace
{

/* Adds each field and writes the list; "invalid" when one was refused. */
std::string combine(const std::vector<std::string> &fields)
{
	wf_tracestate list;
	wf_tracestate_init(&list);
	int rc = 0;
	for (const std::string &field : fields) {
		rc = wf_tracestate_add(&list, field.data(), field.size());
	}
	char text[WF_TRACESTATE_TEXT_MAX + 1];
	size_t length = wf_tracestate_format(&list, text);
	EXPECT_EQ(length, strlen(text));
	EXPECT_EQ(list.invalid, rc != 0);
	return list.invalid ? "invalid" : text;
}

std::string numbered(int from, int to)
{
	std::string all;
	for (int i = from; i <= to; i++) {
		std::string n = std::to_string(100 + i).substr(1);
		all += (all.empty() ? "bar" : ",bar") + n + "=" + n;
	}
	return all;
}

TEST(Tracestate, KeepsValidMembersInTheirOrder)
{
	EXPECT_EQ("foo=1", combine({ "foo=1" }));
	EXPECT_EQ("foo=1,bar=2", combine({ "foo=1,bar=2" }));
	EXPECT_EQ(
		"foo=1,bar=2,rojo=1,congo=2,baz=3", combine({ "foo=1,bar=2", "rojo=1,congo=2", "baz=3" }));
}

TEST(Tracestate, IgnoresBlanksAroundMembersAndEmptyOnes)
{
	EXPECT_EQ("foo=1,bar=2,baz=3", combine({ "foo=1 \t , \t bar=2, \t baz=3" }));
	EXPECT_EQ("foo=1", combine({ "\t foo=1 \t" }));
	EXPECT_EQ("foo=1", combine({ "", "foo=1", "" }));
	EXPECT_EQ("foo=1,bar=2", combine({ ",foo=1,, ,bar=2," }));
	EXPECT_EQ("", combine({ "" }));
	EXPECT_EQ("", combine({ " , ,\t" }));
	EXPECT_EQ("foo=a b", combine({ "foo=a b" }));
	EXPECT_EQ("foo= 1", combine({ "foo= 1" }));
}

TEST(Tracestate, TakesEveryAllowedCharacter)
{
	std::string key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/", value;
	for (char c = ' '; c <= '~'; c++) {
		if (c != ',' && c != '=') value += c;
	}
	EXPECT_EQ(key + "=" + value, combine({ key + "=" + value }));
	EXPECT_EQ(key + "@a-z0-9_-*/=" + value, combine({ key + "@a-z0-9_-*/=" + value }));
	EXPECT_EQ("0tenant@s=1", combine({ "0tenant@s=1" }));
	EXPECT_EQ("1=1", combine({ "1=1" }));
}

TEST(Tracestate, RefusesKeysOutsideTheGrammar)
{
	for (const char *field : { "foo =1", "FOO=1", "foo.bar=1", "=1", "foo", "_foo=1", "-=1", "/a=1",
			 "*a=1", "foo@=1,bar=2", "@foo=1,bar=2", "foo@@bar=1,bar=2", "foo@bar@baz=1,bar=2",
			 "foo@1bar=1", "f\xc3\xb6o=1", "foo\n=1" })
		EXPECT_EQ("invalid", combine({ field })) << field;
}

TEST(Tracestate, RefusesValuesOutsideTheGrammar)
{
	for (const char *field : { "foo=bar=baz", "foo=,bar=3", "foo=", "foo= ", "foo=a\tb", "foo=\x7f",
			 "foo=\x01", "foo=caf\xc3\xa9" })
		EXPECT_EQ("invalid", combine({ field })) << field;
	EXPECT_EQ("invalid", combine({ std::string("foo=a\0b", 7) }));
}

TEST(Tracestate, RefusesAKeyTwiceAlsoInSeveralFields)
{
	EXPECT_EQ("invalid", combine({ "foo=1,foo=1" }));
	EXPECT_EQ("invalid", combine({ "foo=1,foo=2" }));
	EXPECT_EQ("invalid", combine({ "foo=1", "foo=2" }));
	EXPECT_EQ("foo=1,fo=1,fooo=1", combine({ "foo=1,fo=1,fooo=1" }));
}

TEST(Tracestate, StaysInvalidOnceItWas)
{
	EXPECT_EQ("invalid", combine({ "FOO=1", "bar=2" }));
}

TEST(Tracestate, LimitsTheLengthOfKeysAndValues)
{
	EXPECT_NE("invalid", combine({ std::string(256, 'z') + "=1" }));
	EXPECT_EQ("invalid", combine({ std::string(257, 'z') + "=1" }));
	EXPECT_NE("invalid", combine({ std::string(241, 't') + "@" + std::string(14, 'v') + "=1" }));
	EXPECT_EQ("invalid", combine({ std::string(242, 't') + "@v=1" }));
	EXPECT_EQ("invalid", combine({ "t@" + std::string(15, 'v') + "=1" }));
	EXPECT_NE("invalid", combine({ "a=" + std::string(256, 'v') }));
	EXPECT_EQ("invalid", combine({ "a=" + std::string(257, 'v') }));
}

TEST(Tracestate, HoldsThirtyTwoMembersAndNotOneMore)
{
	EXPECT_EQ(numbered(1, 32), combine({ numbered(1, 10), numbered(11, 32) }));
	EXPECT_EQ("invalid", combine({ numbered(1, 33) }));
	EXPECT_EQ("invalid", combine({ numbered(1, 32), "one=1" }));
	EXPECT_EQ(numbered(1, 32), combine({ numbered(1, 32), " ,, " }));
}

TEST(Tracestate, CarriesFiveHundredAndTwelveCharacters)
{
	std::string a = "a=" + std::string(253, 'x'), b = "b=" + std::string(254, 'x');
	ASSERT_EQ(512u, a.size() + 1 + b.size());
	EXPECT_EQ(a + "," + b, combine({ a, b }));
	EXPECT_EQ(a, combine({ a, b + "x" }));
}

TEST(Tracestate, DropsLongMembersFirstAndThenTheLast)
{
	std::string big = "big=" + std::string(150, 'x'), members;
	for (char c = 'a'; c < 'e'; c++) members += std::string(1, c) + "=" + std::string(98, c) + ",";
	EXPECT_EQ(
		members + "e=1", combine({ "a=" + std::string(98, 'a'), big, members.substr(101), "e=1" }));
	std::string many;
	for (int i = 0; i < 20; i++)
		many += (i ? ",k" : "k") + std::to_string(10 + i) + "=" + std::string(28, 'v');
	EXPECT_EQ(many.substr(0, 15 * 33 - 1), combine({ many }));
}

TEST(Tracestate, PutsOurOwnMemberInFront)
{
	wf_tracestate list;
	char text[WF_TRACESTATE_TEXT_MAX + 1];
	wf_tracestate_init(&list);
	ASSERT_EQ(0, wf_tracestate_add(&list, "foo=1,ot=th:0,bar=2", 19));
	ASSERT_EQ(0, wf_tracestate_put(&list, "ot=th:8", 7));
	wf_tracestate_format(&list, text);
	EXPECT_STREQ("ot=th:8,foo=1,bar=2", text);
	ASSERT_EQ(0, wf_tracestate_put(&list, "new=1", 5));
	wf_tracestate_format(&list, text);
	EXPECT_STREQ("new=1,ot=th:8,foo=1,bar=2", text);
	EXPECT_EQ(WEFT_EINVAL, wf_tracestate_put(&list, "NEW=1", 5));
	EXPECT_EQ(WEFT_EINVAL, wf_tracestate_put(&list, "new=1 ", 6));
	EXPECT_EQ(WEFT_EINVAL, wf_tracestate_put(&list, "", 0));
	EXPECT_EQ(4u, list.count);
}

TEST(Tracestate, MakesRoomForOurOwnMemberAtItsEnd)
{
	wf_tracestate list;
	char text[WF_TRACESTATE_TEXT_MAX + 1];
	std::string full = numbered(1, 32);
	wf_tracestate_init(&list);
	ASSERT_EQ(0, wf_tracestate_add(&list, full.data(), full.size()));
	ASSERT_EQ(0, wf_tracestate_put(&list, "ot=th:8", 7));
	wf_tracestate_format(&list, text);
	EXPECT_EQ("ot=th:8," + numbered(1, 31), text);
}

} // namespace
