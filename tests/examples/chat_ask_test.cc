// What the chat reads from its clients and writes to them.
#include "examples/chat/ask.h"
#include "examples/chat/json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace
{
struct Read {
	int rc;
	chat_ask ask;
	std::string key, text, why;
	std::vector<char> buffer;
};

Read read(const std::string &json)
{
	Read r = { 1, { CHAT_PING, nullptr, nullptr, 0, 0, 0 }, "", "", "", {} };
	// Exactly as large as promised, so that a sanitizer sees one byte too many.
	const std::vector<char> bytes(json.begin(), json.end());
	r.buffer.resize(json.size());
	const char *why = "";
	r.rc = chat_ask_read(bytes.data(), bytes.size(), r.buffer.data(), &r.ask, &why);
	r.why = why;
	if (r.rc == 0 && r.ask.key != nullptr) r.key = r.ask.key;
	if (r.rc == 0 && r.ask.text != nullptr) r.text = r.ask.text;
	return r;
}

TEST(ChatAsk, ReadsAMessage)
{
	const Read r = read(R"({"type":"say","key":"k-1","text":"hello"})");
	ASSERT_EQ(r.rc, 0) << r.why;
	EXPECT_EQ(r.ask.kind, CHAT_SAY);
	EXPECT_EQ(r.key, "k-1");
	EXPECT_EQ(r.text, "hello");
	EXPECT_EQ(r.ask.after, -1);
}

TEST(ChatAsk, ReadsAllKinds)
{
	EXPECT_EQ(read(R"({"type":"ping"})").ask.kind, CHAT_PING);
	EXPECT_EQ(read(R"({"type":"typing"})").ask.kind, CHAT_TYPING);
	EXPECT_EQ(read(R"({"type":"members"})").ask.kind, CHAT_MEMBERS);
	EXPECT_EQ(read(R"({"id":12,"type":"seen"})").ask.id, 12);
	EXPECT_EQ(read(R"({"type":"history","after":0})").ask.after, 0);
	EXPECT_EQ(read(R"({"type":"history","before":999999999999999})").ask.before, 999999999999999);
}

TEST(ChatAsk, ReadsEveryEscape)
{
	const Read r = read(
		R"( { "type" : "say" , "key" : "k" , "text" : "\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83e\uddf5" } )");
	ASSERT_EQ(r.rc, 0) << r.why;
	EXPECT_EQ(r.text, "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\xa7\xb5");
}

TEST(ChatAsk, SkipsWhatItDoesNotKnow)
{
	EXPECT_EQ(read(R"({"new":{"a":[1,-2.5e+3,true,null,{"b":[]}]},"type":"ping","x":"y"})").rc, 0);
}

TEST(ChatAsk, CountsAFieldOfTheWrongTypeAsMissing)
{
	EXPECT_EQ(read(R"({"type":"seen","id":"12"})").rc, WEFT_EBADJSON);
	EXPECT_EQ(read(R"({"type":"seen","id":-1})").rc, WEFT_EBADJSON);
	EXPECT_EQ(read(R"({"type":"seen","id":1.5})").rc, WEFT_EBADJSON);
	EXPECT_EQ(read(R"({"type":"seen","id":12345678901234567890})").rc, WEFT_EBADJSON);
	EXPECT_EQ(read(R"({"type":"say","key":7,"text":"x"})").rc, WEFT_EBADJSON);
	EXPECT_EQ(read(R"({"type":"say","key":"k","text":["x"]})").rc, WEFT_EBADJSON);
}

TEST(ChatAsk, SaysWhatIsMissing)
{
	EXPECT_NE(read(R"({})").why.find("no type"), std::string::npos);
	EXPECT_NE(read(R"({"type":"dance"})").why.find("no such type"), std::string::npos);
	EXPECT_NE(read(R"({"type":"say","text":"x"})").why.find("key"), std::string::npos);
	EXPECT_NE(read(R"({"type":"say","key":"a b","text":"x"})").why.find("key"), std::string::npos);
	EXPECT_NE(read(R"({"type":"say","key":"k"})").why.find("text"), std::string::npos);
	EXPECT_NE(read(R"({"type":"history"})").why.find("after or before"), std::string::npos);
	EXPECT_EQ(read(R"({"type":"history","after":1,"before":2})").rc, WEFT_EBADJSON);
}

TEST(ChatAsk, RefusesWhatIsNoJson)
{
	for (const char *bad : { "", " ", "{", "}", "[]", "1", "\"x\"", "{\"type\"}", "{\"type\":}",
			 "{\"type\":\"ping\"", "{\"type\":\"ping\"}}", "{\"type\":\"ping\",}", "{,}",
			 "{\"type\":\"ping\"} x", "{'type':'ping'}", "{\"type\":\"ping\",\"x\":01}",
			 "{\"type\":\"ping\",\"x\":1.}", "{\"type\":\"ping\",\"x\":1e}",
			 "{\"type\":\"ping\",\"x\":-}", "{\"type\":\"ping\",\"x\":tru}",
			 "{\"type\":\"ping\",\"x\":[1,]}", "{\"type\":\"ping\",\"x\":[1}",
			 "{\"type\":\"ping\",\"x\":\"\\x\"}", "{\"type\":\"ping\",\"x\":\"\\u12\"}",
			 "{\"type\":\"ping\",\"x\":\"a\nb\"}", "{\"type\":\"pi" })
		EXPECT_EQ(read(bad).rc, WEFT_EBADJSON) << bad;
}

TEST(ChatAsk, RefusesHalfCharactersAndNul)
{
	for (const char *bad :
		{ "\\u0000", "\\ud800", "\\udc00", "\\ud800x", "\\ud800\\u0041", "\\ud83e\\ud83e" })
		EXPECT_EQ(read(std::string(R"({"type":"ping","x":")") + bad + "\"}").rc, WEFT_EBADJSON)
			<< bad;
	EXPECT_EQ(read(std::string("{\"type\":\"ping\"}\0", 16)).rc, WEFT_EBADJSON);
}

TEST(ChatAsk, RefusesDeepNesting)
{
	const auto nested = [](size_t depth) {
		return R"({"type":"ping","x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
	};
	EXPECT_EQ(read(nested(7)).rc, 0);
	EXPECT_EQ(read(nested(8)).rc, WEFT_EBADJSON);
	EXPECT_EQ(read(nested(100000)).rc, WEFT_EBADJSON);
}

TEST(ChatAsk, NeverReadsBeyondACutMessage)
{
	const std::string whole =
		R"({"type":"say","key":"k","text":"a\ud83e\uddf5","n":[-1.5e3,{"a":null}]})";
	for (size_t size = 0; size < whole.size(); size++)
		EXPECT_EQ(read(whole.substr(0, size)).rc, WEFT_EBADJSON) << size;
	EXPECT_EQ(read(whole).rc, 0);
}

TEST(ChatAsk, KnowsFineNames)
{
	EXPECT_TRUE(chat_room_fine("lobby-2_x"));
	for (const char *bad : { "", "Lobby", "a b", "ä", "a/b", "abcdefghijklmnopqrstuvwxyz0123456" })
		EXPECT_FALSE(chat_room_fine(bad)) << bad;
	EXPECT_FALSE(chat_room_fine(nullptr));
	EXPECT_TRUE(chat_name_fine("Ada Lovelace"));
	EXPECT_TRUE(chat_name_fine("日本"));
	for (const char *bad : { "", " Ada", "Ada ", "A\nda", "A\x7f", "A\xc2\x85" })
		EXPECT_FALSE(chat_name_fine(bad)) << bad;
	EXPECT_FALSE(chat_name_fine(nullptr));
	EXPECT_FALSE(chat_name_fine(std::string(65, 'a').c_str()));
	EXPECT_TRUE(chat_token_fine("0123456789abcdef", 16));
	EXPECT_FALSE(chat_token_fine("0123456789abcde", 16));
	EXPECT_FALSE(chat_token_fine(nullptr, 0));
	EXPECT_TRUE(chat_text_empty(" \n\t"));
	EXPECT_FALSE(chat_text_empty(" x "));
}

TEST(ChatJson, WritesAnObject)
{
	chat_json j = {};
	chat_json_begin(&j, "members");
	chat_json_open(&j, "members", '[');
	for (int i = 1; i <= 2; i++) {
		chat_json_open(&j, nullptr, '{');
		chat_json_i64(&j, "author", i);
		chat_json_close(&j, '{');
	}
	chat_json_close(&j, '[');
	chat_json_bool(&j, "more", false);
	chat_json_i64(&j, "least", INT64_MIN);
	EXPECT_STREQ(chat_json_end(&j),
		R"({"type":"members","members":[{"author":1},{"author":2}],"more":false,"least":-9223372036854775808})");
	chat_json_begin(&j, nullptr);
	EXPECT_STREQ(chat_json_end(&j), "{}");
	chat_json_fini(&j);
}

TEST(ChatJson, EscapesWhatItMust)
{
	chat_json j = {};
	chat_json_begin(&j, nullptr);
	chat_json_text(&j, "text",
		"a\"b\\c\nd\x01"
		"é{[");
	chat_json_text(&j, "next", "");
	EXPECT_STREQ(chat_json_end(&j), R"({"text":"a\"b\\c\nd\u0001é{[","next":""})");
	chat_json_fini(&j);
}

TEST(ChatJson, IsReadBackAsItWasWritten)
{
	std::string text;
	for (int c = 1; c < 128; c++) text.push_back(static_cast<char>(c));
	for (int i = 0; i < 12; i++) text += text.substr(0, 127); // grows several times
	chat_json j = {};
	chat_json_begin(&j, "say");
	chat_json_text(&j, "key", "k");
	chat_json_text(&j, "text", text.c_str());
	const Read r = read(chat_json_end(&j));
	EXPECT_EQ(r.rc, 0) << r.why;
	EXPECT_EQ(r.text, text);
	chat_json_fini(&j);
}
} // namespace
