#include "net/http/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include <weft/alloc.h>

namespace
{

/* The memory of one document: what was given out, and when to stop. */
struct Arena {
	std::vector<std::unique_ptr<char[]>> blocks;
	size_t bytes = 0;
	size_t allocations_left = SIZE_MAX;
};

void *arena_alloc(void *arg, size_t size)
{
	auto *arena = static_cast<Arena *>(arg);
	if (arena->allocations_left-- == 0) return nullptr;
	arena->bytes += size;
	arena->blocks.emplace_back(new char[size]);
	memset(arena->blocks.back().get(), 0xA5, size);
	return arena->blocks.back().get();
}

class Json
{
  public:
	explicit Json(std::string_view text, size_t values_max = 0)
	{
		/* Of exactly that size, so that a sanitizer sees each step past the end. */
		std::unique_ptr<char[]> copy(new char[text.size()]);
		memcpy(copy.get(), text.data(), text.size());
		rc = wf_json_parse(copy.get(), text.size(), values_max, arena_alloc, &arena, &root, &error);
	}

	Arena arena;
	weft_json *root = nullptr;
	weft_json_error error = { 0, "" };
	int rc;
};

const char *const accepted[] = { "null", "true", "false", "0", "-0", "1", "-1", "12", "0.0", "0.5",
	"-0.5", "1e5", "1E5", "1e+5", "1e-5", "1.5e10", "0e0", "0e+1", "123456789012345678901234567890",
	"1e-400", "\"\"", "\"a\"", "[]", "{}", "[ ]", "{ }", "[[]]", "[{}]", "{\"\":0}", "{\"a\":{}}",
	"[null,1,\"1\",{}]", " [1]", "[1] ", "\t\n\r [\t\n\r 1\t\n\r ,\t\n\r 2\t\n\r ]\t\n\r ",
	" { \"a\" : 1 , \"b\" : 2 } ", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0060\\u012a\\u12AB\"",
	"\"\\uD801\\udc37\"", "\"\\ud83d\\ude39\\ud83d\\udc8d\"", "\"\\u0000\"", "\"\\uFFFF\"",
	"\"\\uDBFF\\uDFFF\"", "\"\\uD800\\uDC00\"", "\"\x7F\"", "\"\xC3\xA9\"", "\"\xE2\x82\xAC\"",
	"\"\xF0\x9D\x84\x9E\"", "\"\xE2\x80\xA8\xE2\x80\xA9\"", "\"\xEF\xBF\xBE\"", "\"\xEF\xBB\xBF\"",
	"{\"a.b\":1}", "{\"a\":1,\"A\":2}", "[\"a\",\"a\"]", "[{\"a\":1},{\"a\":1}]",
	"{\"a\":{\"a\":{\"a\":1}}}", "-9223372036854775808", "9223372036854775808",
	"1.7976931348623157e308", "4.9e-324", "\"/\"", "\"\\\\u0000\"", "[1,\n2\n,3]", "[false , true]",
	"{\"min\":-1.0e+28,\"max\":1.0e+28}", "[-0.0]", "[20e1]" };

const char *const refused[] = { "", " ", "\n", "[", "]", "{", "}", ",", ":", "\"", "[1,]", "[,1]",
	"[1,,2]", "[,]", "[1", "[1,", "[1 2]", "[1:2]", "[1}", "{1}", "{\"a\"", "{\"a\":", "{\"a\":1",
	"{\"a\":1,", "{\"a\":1,}", "{,\"a\":1}", "{\"a\",1}", "{\"a\" 1}", "{\"a\"::1}", "{a:1}",
	"{'a':1}", "{1:1}", "{null:1}", "{\"a\":1]", "{\"a\":1 \"b\":2}", "{\"a\":1,,\"b\":2}",
	"{[]:1}", "[1]]", "[1]x", "[1],", "[][]", "{}{}", "1 2", "{}#", "// c\n1", "/**/1", "[1/**/]",
	"# c", "nul", "nulll", "NULL", "Null", "tru", "truee", "True", "fals", "FALSE", "undefined",
	"nil", "NaN", "Infinity", "-Infinity", "[NaN]", "[-Infinity]", "+1", "-", "--1", "-a", "01",
	"-01", "00", "-00", "1.", ".5", "-.5", "1.e5", "1e", "1e+", "1e-", "1E", "1ee5", "1e5.5",
	"1.5.5", "0x10", "1_000", "1,000", "0b1", "1f", "1a", "1e1000", "-1e1000", "1 000.0", "0e",
	"0.3e", "0.3e+", "9.e+", "2.e3", "1.0e-", "1eE2", "0.1.2", "- 1", "\xEF\xBC\x91", "'a'", "\"a",
	"a\"", "\"\\\"", "\"\\", "\"\\\\\"\"", "\"\\a\"", "\"\\x00\"", "\"\\'\"", "\"\\0\"",
	"\"\\U0041\"", "\"\\u\"", "\"\\u0\"", "\"\\u00\"", "\"\\u000\"", "\"\\u000g\"", "\"\\u 123\"",
	"\"\\u+123\"", "\"\\u00A", "\"\\uD800\"", "\"\\uDC00\"", "\"\\uD800\\uD800\"", "\"\\uD800a\"",
	"\"\\uD800\\n\"", "\"\\uD800\\u0041\"", "\"\\uDFFF\\uD800\"", "\"\\uD834\\uDd\"", "\"\\uD834\\",
	"\"\\uD834\\u\"", "\"\x01\"", "\"\x1F\"", "\"\n\"", "\"\t\"", "\"\r\"", "\"a\nb\"", "\x01",
	"[\x0C]", "[\x0B]", "\xC2\xA0[]", "\xE2\x81\xA0[]", "\xEF\xBB\xBF{}", "\xEF\xBB\xBF",
	"\"\xFF\"", "\"\xC0\x80\"", "\"\xC3\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"", "\"\x80\"",
	"\"\xE0\xFF\"", "\"\xFC\x80\x80\x80\x80\x80\"", "\xFF", "[\xFF]", "{\"\xFF\":1}",
	"{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":1}", "{\"\":0,\"\":0}",
	"[{\"a\":1,\"b\":2,\"a\":1}]", "<.>", "[<null>]", "\"\" \"\"", "[\"a\" \"b\"]",
	"{\"a\":\"b\"}}", "[\"x\"", "[\"\"", "{\"a\":tru", "@", "\\u0031", "*", "{\"a\":1 ;}", "(1)" };

TEST(Json, AcceptsWhatRfc8259Allows)
{
	for (const char *text : accepted) {
		Json json(text);
		EXPECT_EQ(0, json.rc) << text << ": " << json.error.text;
	}
}

TEST(Json, RefusesEverythingElseAndSaysWhyAndWhere)
{
	for (const char *text : refused) {
		Json json(text);
		EXPECT_EQ(WEFT_EBADJSON, json.rc) << text;
		EXPECT_LE(json.error.at, strlen(text)) << text;
		EXPECT_GT(strlen(json.error.text), 0u) << text;
		EXPECT_EQ(nullptr, json.root) << "outputs are untouched on failure";
	}
}

TEST(Json, RefusesEachProperPrefixOfAContainer)
{
	std::string text =
		R"({"a":[1,-2.5e3,"x\n\u00e9\ud83d\ude39",true,false,null,{}],"b":{"c":[]}})";
	ASSERT_EQ(0, Json(text).rc);
	for (size_t size = 0; size < text.size(); size++)
		EXPECT_EQ(WEFT_EBADJSON, Json(text.substr(0, size)).rc) << text.substr(0, size);
}

TEST(Json, RefusesNulBytesAnywhereButEscaped)
{
	EXPECT_EQ(WEFT_EBADJSON, Json(std::string_view("\"a\0b\"", 5)).rc);
	EXPECT_EQ(WEFT_EBADJSON, Json(std::string_view("1\0", 2)).rc);
	EXPECT_EQ(WEFT_EBADJSON, Json(std::string_view("[\0]", 3)).rc);
	EXPECT_EQ(WEFT_EBADJSON, Json(std::string_view("\"\\\0\"", 4)).rc);
}

struct Place {
	const char *text;
	size_t at;
	const char *why;
};

TEST(Json, NamesTheByteThatIsWrong)
{
	const Place places[] = {
		{ "", 0, "nothing but white space" },
		{ "  ", 2, "nothing but white space" },
		{ "[1,]", 3, "a value is due here" },
		{ "[1 2]", 3, "',' or ']' is due here" },
		{ "{\"a\":1 2}", 7, "',' or '}' is due here" },
		{ "{\"a\" 1}", 5, "':' is due here" },
		{ "{\"a\":1,}", 7, "a name is due here" },
		{ "[1] x", 4, "more than one value" },
		{ "[1", 2, "it ends too early" },
		{ "\"abc", 4, "it ends too early" },
		{ "\"a\\x\"", 2, "no such escape" },
		{ "\"a\\u12\"", 2, "\\u wants four hexadecimal digits" },
		{ "\"a\\ud800\"", 2, "half a surrogate pair" },
		{ "\"a\nb\"", 2, "a control character in a string" },
		{ "[0, 012]", 4, "a number may not begin with 0" },
		{ "[1.]", 3, "a number wants a digit here" },
		{ "[1e999]", 1, "a number beyond the largest double, or too long" },
		{ "[\"a\xFF\"]", 3, "not UTF-8" },
		{ "{\"a\":1,\"a\":2}", 12, "a name comes twice in the object that ends here" },
	};
	for (const Place &place : places) {
		Json json(place.text);
		EXPECT_EQ(place.at, json.error.at) << place.text;
		EXPECT_STREQ(place.why, json.error.text) << place.text;
	}
}

TEST(Json, ReadsEachType)
{
	Json json(
		R"({"i":-7,"r":2.5,"t":"x\u00e9","yes":true,"no":false,"none":null,"a":[1,2],"o":{}})");
	int64_t i = 0;
	double r = 0;
	bool yes = false, no = true;
	const char *t = nullptr;
	size_t n = 0;
	ASSERT_EQ(0, json.rc);
	EXPECT_EQ(0, weft_json_i64(json.root, "i", &i));
	EXPECT_EQ(-7, i);
	EXPECT_EQ(0, weft_json_real(json.root, "r", &r));
	EXPECT_EQ(2.5, r);
	EXPECT_EQ(0, weft_json_real(json.root, "i", &r));
	EXPECT_EQ(-7.0, r);
	EXPECT_EQ(0, weft_json_text(json.root, "t", &t));
	EXPECT_STREQ("x\xC3\xA9", t);
	EXPECT_EQ(0, weft_json_bool(json.root, "yes", &yes));
	EXPECT_TRUE(yes);
	EXPECT_EQ(0, weft_json_bool(json.root, "no", &no));
	EXPECT_FALSE(no);
	EXPECT_EQ(0, weft_json_count(json.root, "a", &n));
	EXPECT_EQ(2u, n);
	EXPECT_EQ(0, weft_json_count(json.root, "o", &n));
	EXPECT_EQ(0u, n);
	EXPECT_EQ(0, weft_json_count(json.root, "", &n));
	EXPECT_EQ(8u, n);
	const weft_json_kind kinds[] = { WEFT_JSON_NUMBER, WEFT_JSON_NUMBER, WEFT_JSON_TEXT,
		WEFT_JSON_BOOL, WEFT_JSON_BOOL, WEFT_JSON_NULL, WEFT_JSON_ARRAY, WEFT_JSON_OBJECT };
	const char *names[] = { "i", "r", "t", "yes", "no", "none", "a", "o" };
	for (int k = 0; k < 8; k++) EXPECT_EQ(kinds[k], weft_json_kind_of(json.root, names[k]));
	EXPECT_EQ(WEFT_JSON_MISSING, weft_json_kind_of(json.root, "x"));
}

TEST(Json, FollowsPathsThroughObjectsAndArrays)
{
	Json json(R"({"user":{"id":7,"":5},"items":[{},{"name":"b"},[10,[20]]],"a.b":{"c":1}})");
	int64_t i;
	const char *t;
	const weft_json *sub;
	EXPECT_EQ(0, weft_json_i64(json.root, "user.id", &i));
	EXPECT_EQ(7, i);
	EXPECT_EQ(0, weft_json_text(json.root, "items.1.name", &t));
	EXPECT_STREQ("b", t);
	EXPECT_EQ(0, weft_json_i64(json.root, "items.2.1.0", &i));
	EXPECT_EQ(20, i);
	EXPECT_EQ(0, weft_json_i64(json.root, "user.", &i));
	EXPECT_EQ(5, i);
	EXPECT_EQ(WEFT_EBADJSON, weft_json_i64(json.root, "a.b.c", &i));
	ASSERT_EQ(0, weft_json_member(json.root, "a.b", &sub));
	EXPECT_EQ(0, weft_json_i64(sub, "c", &i));
	EXPECT_EQ(1, i);
	ASSERT_EQ(0, weft_json_at(json.root, "items.2", &sub));
	EXPECT_EQ(0, weft_json_i64(sub, "0", &i));
	EXPECT_EQ(10, i);
}

TEST(Json, TakesPositionsInTheirPlainFormOnly)
{
	Json json("[0,1,2,3,4,5,6,7,8,9,10]");
	int64_t i;
	EXPECT_EQ(0, weft_json_i64(json.root, "10", &i));
	EXPECT_EQ(10, i);
	for (const char *path : { "11", "-1", "+1", "01", "00", "1x", " 1", "1.", ".1", "1e0",
			 "4294967296", "18446744073709551616", "99999999999999999999" })
		EXPECT_EQ(WEFT_EBADJSON, weft_json_i64(json.root, path, &i)) << path;
}

TEST(Json, LeavesOutputsAloneAndNamesThePathWhenAValueIsMissingOrOfAnotherType)
{
	Json json(R"({"a":{"b":[1,"x",1.5,{"c":null}]},"s":"\u0000"})");
	int64_t i = 42;
	double r = 42;
	bool b = true;
	const char *t = "kept";
	size_t n = 42;
	const weft_json *sub = json.root;
	EXPECT_STREQ("", weft_json_complaint(json.root));
	auto complaint = [&](int rc) {
		EXPECT_EQ(WEFT_EBADJSON, rc);
		return std::string(weft_json_complaint(json.root));
	};
	EXPECT_EQ("x.y: missing", complaint(weft_json_i64(json.root, "x.y", &i)));
	EXPECT_EQ("a.b.9: missing", complaint(weft_json_at(json.root, "a.b.9", &sub)));
	EXPECT_EQ("a.b.0.c: missing", complaint(weft_json_at(json.root, "a.b.0.c", &sub)));
	EXPECT_EQ("z: missing", complaint(weft_json_member(json.root, "z", &sub)));
	EXPECT_EQ("a.b.1: not a whole number", complaint(weft_json_i64(json.root, "a.b.1", &i)));
	EXPECT_EQ("a.b.2: not a whole number", complaint(weft_json_i64(json.root, "a.b.2", &i)));
	EXPECT_EQ("a: not a number", complaint(weft_json_real(json.root, "a", &r)));
	EXPECT_EQ("a.b.0: neither true nor false", complaint(weft_json_bool(json.root, "a.b.0", &b)));
	EXPECT_EQ("a.b.0: not a text", complaint(weft_json_text(json.root, "a.b.0", &t)));
	EXPECT_EQ("a.b.3.c: not a text", complaint(weft_json_text_size(json.root, "a.b.3.c", &t, &n)));
	EXPECT_EQ("s: a text with a NUL in it", complaint(weft_json_text(json.root, "s", &t)));
	EXPECT_EQ("s: neither an array nor an object", complaint(weft_json_count(json.root, "s", &n)));
	EXPECT_EQ("not a text", complaint(weft_json_text(json.root, "", &t)));
	EXPECT_EQ(42, i);
	EXPECT_EQ(42.0, r);
	EXPECT_TRUE(b);
	EXPECT_STREQ("kept", t);
	EXPECT_EQ(42u, n);
	EXPECT_EQ(json.root, sub);
}

TEST(Json, NamesThePathFromTheRootWhenAskedOfAValueInside)
{
	Json json(R"({"items":[0,{"name":{"first":1}}]})");
	const weft_json *sub;
	int64_t i;
	ASSERT_EQ(0, weft_json_at(json.root, "items.1.name", &sub));
	EXPECT_EQ(WEFT_EBADJSON, weft_json_i64(sub, "last", &i));
	EXPECT_STREQ("items.1.name.last: missing", weft_json_complaint(json.root));
	EXPECT_EQ(WEFT_EBADJSON, weft_json_i64(sub, "", &i));
	EXPECT_STREQ("items.1.name: not a whole number", weft_json_complaint(sub));
}

TEST(Json, CutsAComplaintThatIsTooLong)
{
	std::string name(500, 'n');
	Json json("{\"" + name + "\":{\"" + name + "\":1}}");
	const weft_json *sub = weft_json_first(weft_json_first(json.root));
	const char *t;
	EXPECT_EQ(WEFT_EBADJSON, weft_json_text(sub, name.c_str(), &t));
	EXPECT_LT(strlen(weft_json_complaint(json.root)), (size_t)WF_JSON_COMPLAINT_SIZE);
}

TEST(Json, WalksFromOneValueToTheNext)
{
	Json json(R"({"b":1,"a":[10,20,30],"":null})");
	std::string names;
	for (const weft_json *m = weft_json_first(json.root); m != nullptr; m = weft_json_next(m))
		names += std::string(weft_json_name(m)) + ";";
	EXPECT_EQ("b;a;;", names);
	const weft_json *list;
	int64_t sum = 0, i;
	ASSERT_EQ(0, weft_json_at(json.root, "a", &list));
	for (const weft_json *e = weft_json_first(list); e != nullptr; e = weft_json_next(e)) {
		EXPECT_EQ(nullptr, weft_json_name(e));
		ASSERT_EQ(0, weft_json_i64(e, "", &i));
		sum += i;
	}
	EXPECT_EQ(60, sum);
	EXPECT_EQ(nullptr, weft_json_first(weft_json_first(json.root)));
	EXPECT_EQ(nullptr, weft_json_next(json.root));
	EXPECT_EQ(nullptr, weft_json_name(json.root));
}

TEST(Json, TakesWholeNumbersHoweverTheyAreWrittenAsLongAsTheyAreExact)
{
	const std::pair<const char *, int64_t> exact[] = { { "0", 0 }, { "-0", 0 }, { "-0.0", 0 },
		{ "1.0", 1 }, { "1e3", 1000 }, { "120e-1", 12 }, { "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN }, { "9007199254740991.0", (INT64_C(1) << 53) - 1 },
		{ "-9007199254740991e0", 1 - (INT64_C(1) << 53) } };
	for (auto [text, wanted] : exact) {
		Json json(text);
		int64_t i = -1;
		ASSERT_EQ(0, json.rc);
		EXPECT_EQ(0, weft_json_i64(json.root, "", &i)) << text;
		EXPECT_EQ(wanted, i) << text;
	}
	for (const char *text : { "9223372036854775808", "-9223372036854775809", "1e300", "-1e300",
			 "18446744073709551616", "9007199254740992.0", "9007199254740993.0",
			 "-9007199254740992e0", "0.5", "1e-1", "-1.5" }) {
		Json json(text);
		int64_t i = -1;
		ASSERT_EQ(0, json.rc);
		EXPECT_EQ(WEFT_EBADJSON, weft_json_i64(json.root, "", &i)) << text;
		EXPECT_EQ(-1, i);
	}
}

TEST(Json, UndoesEscapes)
{
	Json json(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\uDE00\u0000z")");
	const char *text;
	size_t size;
	ASSERT_EQ(0, weft_json_text_size(json.root, "", &text, &size));
	EXPECT_EQ(std::string("\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\0z", 20),
		std::string(text, size));
	EXPECT_EQ('\0', text[size]);
}

TEST(Json, FindsTheEndOfAStringAtEveryPlaceOfAWord)
{
	for (size_t before = 0; before < 40; before++)
		for (const char *special : { "\\n", "\\\\", "\\\"", "\\u0041", "\xC3\xA9", "" }) {
			std::string inside = std::string(before, '!') + special + std::string(20, '~');
			Json json("[\"" + inside + "\",\"x\"]");
			const char *text, *x;
			ASSERT_EQ(0, json.rc) << inside;
			ASSERT_EQ(0, weft_json_text(json.root, "0", &text));
			ASSERT_EQ(0, weft_json_text(json.root, "1", &x));
			EXPECT_EQ(std::string(before, '!'), std::string(text, before));
			EXPECT_STREQ("x", x);
			for (char control : { '\x01', '\x1F', '\n' })
				EXPECT_EQ(WEFT_EBADJSON,
					Json("\"" + std::string(before, '!') + control + "2345678\"").rc);
		}
}

TEST(Json, NestsSixtyFourDeepAndNoDeeper)
{
	for (bool objects : { false, true }) {
		std::string open, close;
		for (int i = 0; i < WF_JSON_DEPTH_MAX; i++) {
			open += objects ? "{\"a\":" : "[";
			close += objects ? "}" : "]";
		}
		EXPECT_EQ(0, Json(open + "1" + close).rc);
		Json json(open + (objects ? "{}" : "[]") + close);
		EXPECT_EQ(WEFT_EBADJSON, json.rc);
		EXPECT_STREQ("nested too deep", json.error.text);
	}
	EXPECT_EQ(WEFT_EBADJSON, Json(std::string(1000000, '[')).rc);
}

TEST(Json, BoundsItsMemoryByValuesAndBytes)
{
	std::string text = "[0";
	for (int i = 1; i < 1000; i++) text += ",0";
	text += "]";
	Json enough(text, 1001), less(text, 1000);
	EXPECT_EQ(0, enough.rc);
	EXPECT_EQ(WEFT_EBADJSON, less.rc);
	EXPECT_STREQ("too many values", less.error.text);
	EXPECT_LE(enough.arena.bytes, text.size() + 2 * 1001 * sizeof(weft_json) + 1024);
	std::string many = "[0";
	for (int i = 1; i < WF_JSON_VALUES_MAX; i++) many += ",0";
	EXPECT_STREQ("too many values", Json(many + "]").error.text);
}

TEST(Json, RefusesNamesThatComeTwiceAmongManyToo)
{
	for (int count : { 2, 7, 8, 9, 10, 100, 5000 }) {
		for (int twice : { 0, 1, count / 2, count - 2 }) {
			std::string text = "{";
			for (int i = 0; i < count; i++)
				text += "\"n" + std::to_string(i * 7919 % 10007) + "\":0,";
			EXPECT_EQ(0, Json(text + "\"last\":1}").rc) << count;
			text += "\"n" + std::to_string(twice * 7919 % 10007) + "\":1}";
			EXPECT_EQ(WEFT_EBADJSON, Json(text).rc) << count << " with " << twice << " again";
		}
	}
}

TEST(Json, ReportsEachAllocationThatFails)
{
	std::string text = "{\"a\":[1,2,3,{\"b\":\"text\"}]";
	for (int i = 0; i < 40; i++) text += ",\"m" + std::to_string(i) + "\":" + std::to_string(i);
	text += "}";
	for (size_t n = 0;; n++) {
		Arena arena;
		arena.allocations_left = n;
		weft_json *root = nullptr;
		weft_json_error error;
		int rc = wf_json_parse(text.data(), text.size(), 0, arena_alloc, &arena, &root, &error);
		if (rc == 0) {
			EXPECT_GE(n, 4u);
			break;
		}
		ASSERT_EQ(WEFT_ENOMEM, rc);
		ASSERT_EQ(nullptr, root);
	}
}

long live_blocks, blocks_until_failure;

void *counting_malloc(size_t size)
{
	if (blocks_until_failure-- == 0) return nullptr;
	live_blocks++;
	return malloc(size);
}

void counting_free(void *block)
{
	if (block != nullptr) live_blocks--;
	free(block);
}

TEST(Json, OwnsItsMemoryWhenNobodyElseDoesAndGivesAllOfItBack)
{
	const weft_allocator counting = { counting_malloc, aligned_alloc, realloc, counting_free };
	ASSERT_EQ(0, weft_allocator_set(&counting));
	std::string text = "{\"a\":\"b\",\"list\":[";
	for (int i = 0; i < 100; i++) text += std::to_string(i) + ",";
	text += "0]}";
	bool done = false;
	for (long n = 0; !done; n++) {
		weft_json *json = nullptr;
		live_blocks = 0;
		blocks_until_failure = n;
		int rc = weft_json_parse(text.data(), text.size(), &json, nullptr);
		done = rc == 0;
		EXPECT_TRUE(done || rc == WEFT_ENOMEM);
		EXPECT_EQ(done, live_blocks > 0);
		weft_json_free(json);
		EXPECT_EQ(0, live_blocks);
	}
	weft_json_error error;
	weft_json *json = nullptr;
	blocks_until_failure = -1;
	EXPECT_EQ(WEFT_EBADJSON, weft_json_parse("[1,x]", 5, &json, &error));
	EXPECT_EQ(3u, error.at);
	EXPECT_EQ(0, live_blocks);
	weft_json_free(nullptr);
	ASSERT_EQ(0, weft_allocator_set(nullptr));
}

} // namespace
