#include "net/http/field.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>
#include <weft/error.h>
#include <weft/json.h>

#include "net/http/utf8_check.h"

namespace
{

std::string written(const weft_field *fields)
{
	size_t need = 0;
	EXPECT_EQ(0, wf_field_write(fields, nullptr, 0, &need));
	std::string out(need, '?');
	EXPECT_EQ(0, wf_field_write(fields, out.data(), out.size(), &need));
	EXPECT_EQ(out.size(), need);
	return out;
}

#define WRITTEN(...) written(WEFT_LIST(weft_field, __VA_ARGS__, ))

std::string escaped(std::string_view text)
{
	size_t need;
	wf_field_write_text(text.data(), text.size(), nullptr, 0, &need);
	std::string out(need, '?');
	wf_field_write_text(text.data(), text.size(), out.data(), out.size(), &need);
	EXPECT_EQ(out.size(), need);
	return out;
}

TEST(Field, WritesEachType)
{
	EXPECT_EQ(R"({"t":"x","i":-7,"r":2.5,"yes":true,"no":false,"none":null})",
		WRITTEN(weft_text("t", "x"), weft_i64("i", -7), weft_real("r", 2.5), weft_bool("yes", true),
			weft_bool("no", false), weft_null("none")));
}

TEST(Field, WritesObjectsAndArraysInsideOneAnother)
{
	EXPECT_EQ(R"({"user":{"first":"a","tags":["x",1,[],{}]},"end":0})",
		WRITTEN(weft_object("user", weft_text("first", "a"),
					weft_array("tags", weft_text(nullptr, "x"), weft_i64(nullptr, 1),
						weft_array(nullptr), weft_object(nullptr))),
			weft_i64("end", 0)));
}

TEST(Field, WritesListsMadeAtRunTime)
{
	std::vector<weft_field> list;
	for (int i = 0; i < 5; i++) list.push_back(weft_i64(nullptr, i));
	list.push_back(weft_field{});
	EXPECT_EQ(R"({"list":[0,1,2,3,4],"none":[],"nothing":{}})",
		WRITTEN(weft_array_list("list", list.data()), weft_array_list("none", nullptr),
			weft_object_list("nothing", nullptr)));
	EXPECT_EQ("{}", written(nullptr));
}

TEST(Field, WritesTheExtremesOfNumbers)
{
	EXPECT_EQ(R"({"a":-9223372036854775808,"b":9223372036854775807})",
		WRITTEN(weft_i64("a", INT64_MIN), weft_i64("b", INT64_MAX)));
	EXPECT_EQ(R"({"a":1.7976931348623157e+308,"b":0.1,"c":-0})",
		WRITTEN(weft_real("a", std::numeric_limits<double>::max()), weft_real("b", 0.1),
			weft_real("c", -0.0)));
	EXPECT_EQ(R"({"a":null,"b":null,"c":null})",
		WRITTEN(weft_real("a", INFINITY), weft_real("b", -INFINITY), weft_real("c", NAN)));
}

TEST(Field, WritesNullForATextThatIsNotThereAndNothingForSuchAName)
{
	EXPECT_EQ(R"({"a":null,"":1})", WRITTEN(weft_text("a", nullptr), weft_i64(nullptr, 1)));
}

TEST(Field, EscapesQuotesBackslashesAndControlsInTextsAndNames)
{
	EXPECT_EQ(R"("\"\\\b\f\n\r\t")", escaped("\"\\\b\f\n\r\t"));
	EXPECT_EQ(R"("a\u0000b\u0001\u001f")", escaped(std::string_view("a\0b\1\x1F", 5)));
	EXPECT_EQ("\"/\x7F\xC3\xA9\"", escaped("/\x7F\xC3\xA9"));
	EXPECT_EQ(R"({"\"},{\"x":"\"},{\"y"})", WRITTEN(weft_text("\"},{\"x", "\"},{\"y")));
}

TEST(Field, PutsAReplacementForEachPieceThatIsNotUtf8)
{
#define BAD "\xEF\xBF\xBD"
	EXPECT_EQ("\"a" BAD "b\"", escaped("a\xFF"
									   "b"));
	EXPECT_EQ("\"" BAD BAD BAD "\"", escaped("\xED\xA0\x80"));
	EXPECT_EQ("\"" BAD "x\"", escaped("\xF0\x9F\x98x"));
	EXPECT_EQ("\"\xC3\xA9" BAD "\"", escaped("\xC3\xA9\xE2\x82"));
	EXPECT_EQ("{\"" BAD "\":\"" BAD "\"}", WRITTEN(weft_text("\x80", "\xC0")));
}

TEST(Field, MeasuresWhatDoesNotFitAndWritesNothingBeyond)
{
	const weft_field elements[] = { weft_i64(nullptr, 12), weft_field{} };
	const weft_field fields[] = { weft_text("name", "v\xC3\xA9\n"), weft_array_list("a", elements),
		weft_field{} };
	std::string whole = written(fields);
	for (size_t size = 0; size <= whole.size() + 2; size++) {
		std::string out(whole.size() + 8, '#');
		size_t need = 0;
		EXPECT_EQ(0, wf_field_write(fields, out.data(), size, &need));
		EXPECT_EQ(whole.size(), need);
		size_t fits = std::min(size, whole.size());
		EXPECT_EQ(whole.substr(0, fits), out.substr(0, fits));
		EXPECT_EQ(std::string(out.size() - fits, '#'), out.substr(fits));
	}
}

TEST(Field, NestsSixtyFourDeepAndNoDeeper)
{
	std::vector<weft_field> fields(2 * (WF_FIELD_DEPTH_MAX + 1), weft_field{});
	auto nest = [&](int depth) {
		fields[0] = weft_null("x");
		for (int i = 1; i < depth; i++)
			fields[2 * (size_t)i] = weft_object_list("x", &fields[2 * (size_t)(i - 1)]);
		return &fields[2 * (size_t)(depth - 1)];
	};
	size_t need = 42;
	EXPECT_EQ(WEFT_EINVAL, wf_field_write(nest(WF_FIELD_DEPTH_MAX + 1), nullptr, 0, &need));
	EXPECT_EQ(42u, need);
	EXPECT_EQ(0, wf_field_write(nest(WF_FIELD_DEPTH_MAX), nullptr, 0, &need));
}

TEST(Field, IsReadBackAsItWasWritten)
{
	std::mt19937_64 random(1);
	for (int round = 0; round < 2000; round++) {
		std::string text(random() % 60, '\0');
		for (char &c : text) c = (char)(random() % (round % 2 ? 128 : 256));
		uint64_t bits = random();
		double real;
		memcpy(&real, &bits, sizeof real);
		int64_t whole = (int64_t)random();
		const weft_field elements[] = { weft_real(nullptr, real), weft_i64(nullptr, whole),
			weft_field{} };
		const weft_field fields[] = { weft_text("t", text.c_str()), weft_array_list("a", elements),
			weft_field{} };
		std::string out = written(fields);
		weft_json *json;
		weft_json_error error = { 0, "" };
		ASSERT_EQ(0, weft_json_parse(out.data(), out.size(), &json, &error)) << out << error.text;
		const char *t;
		int64_t i;
		double r;
		EXPECT_EQ(0, weft_json_text(json, "t", &t));
		bool valid = wf_utf8_valid(text.c_str(), strlen(text.c_str()));
		EXPECT_TRUE(!valid || t == std::string(text.c_str()));
		EXPECT_EQ(0, weft_json_i64(json, "a.1", &i));
		EXPECT_EQ(whole, i);
		if (std::isfinite(real)) {
			EXPECT_EQ(0, weft_json_real(json, "a.0", &r));
			EXPECT_EQ(real, r);
		}
		weft_json_free(json);
	}
}

} // namespace
