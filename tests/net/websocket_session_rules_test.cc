/* The rest of RFC 6455 as the decoder sees it: fragments, pings and pongs, UTF-8 and its fail-fast
 * rule, closing. The groups follow those of the Autobahn test suite. */
#include "tests/net/websocket_frame_log.h"

#include <cerrno>
#include <vector>

using namespace frames;

namespace
{

TEST(WebsocketPing, IsReadWithEveryPayloadUpTo125Bytes)
{
	for (size_t size = 0; size <= 125; size++) {
		std::string payload(size, '\xFE');
		EXPECT_EQ("PING(" + payload + ")", read(frame(FIN | PING, payload)));
		EXPECT_EQ("PONG(" + payload + ")", read(frame(FIN | PONG, payload)));
	}
}

TEST(WebsocketPing, Of126BytesIsRefusedAtItsLength)
{
	for (unsigned opcode : { PING, PONG, CLOSE })
		for (size_t size : { 126, 65536 }) {
			std::string input = frame(FIN | opcode, std::string(size, 'x'));
			EXPECT_EQ("1002", read(input));
			EXPECT_EQ(1u, bytes_taken(input));
		}
}

TEST(WebsocketPing, MayComeManyTimesAndPongsUnasked)
{
	std::string input, wanted;
	for (int i = 0; i < 10; i++) {
		input += frame(FIN | PING, std::to_string(i));
		wanted += "PING(" + std::to_string(i) + ") ";
	}
	EXPECT_EQ(wanted + "PONG(unasked)", read(input + frame(FIN | PONG, "unasked")));
}

TEST(WebsocketFragments, OfControlFramesAreRefusedAtTheFirstByte)
{
	for (unsigned opcode : { PING, PONG, CLOSE }) {
		std::string input = frame(opcode, "a") + frame(FIN | MORE, "b");
		EXPECT_EQ("1002", read(input));
		EXPECT_EQ(0u, bytes_taken(input));
	}
}

TEST(WebsocketFragments, MakeOneMessage)
{
	EXPECT_EQ("TEXT(ab)", read(frame(TEXT, "a") + frame(FIN | MORE, "b")));
	EXPECT_EQ("BINARY(abc)", read(frame(BINARY, "a") + frame(MORE, "b") + frame(FIN | MORE, "c")));
	EXPECT_EQ("TEXT()", read(frame(TEXT, "") + frame(MORE, "") + frame(FIN | MORE, "")));
	EXPECT_EQ("TEXT(x)", read(frame(TEXT, "") + frame(MORE, "x") + frame(FIN | MORE, "")));
}

TEST(WebsocketFragments, LetControlFramesBetweenThem)
{
	EXPECT_EQ("PING(p) TEXT(ab)",
		read(frame(TEXT, "a") + frame(FIN | PING, "p") + frame(FIN | MORE, "b")));
	EXPECT_EQ("PING(1) PONG(2) PING(3) TEXT(abcd) PING(4)",
		read(frame(TEXT, "a") + frame(FIN | PING, "1") + frame(MORE, "b") + frame(FIN | PONG, "2") +
			 frame(FIN | PING, "3") + frame(MORE, "c") + frame(FIN | MORE, "d") +
			 frame(FIN | PING, "4")));
	EXPECT_EQ("CLOSE(1000,)", read(frame(TEXT, "a") + close_frame(1000) + frame(FIN | MORE, "b")));
}

TEST(WebsocketFragments, LetControlFramesBetweenThemInsideACharacter)
{
	EXPECT_EQ("PING(\xFF) TEXT(\xE2\x82\xAC)",
		read(frame(TEXT, "\xE2") + frame(FIN | PING, "\xFF") + frame(FIN | MORE, "\x82\xAC")));
}

TEST(WebsocketFragments, WithoutABeginningAreRefused)
{
	for (unsigned fin : { 0u, 0x80u }) {
		EXPECT_EQ("1002", read(frame(fin | MORE, "a")));
		EXPECT_EQ("TEXT(a) 1002", read(frame(FIN | TEXT, "a") + frame(fin | MORE, "b")));
		EXPECT_EQ("TEXT(ab) 1002",
			read(frame(TEXT, "a") + frame(FIN | MORE, "b") + frame(fin | MORE, "c")));
	}
}

TEST(WebsocketFragments, WithoutAnEndBeforeTheNextMessageAreRefused)
{
	for (unsigned first : { FIN | TEXT, +TEXT, FIN | BINARY, +BINARY }) {
		std::string start = frame(TEXT, "a");
		EXPECT_EQ("1002", read(start + frame(first, "b")));
		EXPECT_EQ(start.size(), bytes_taken(start + frame(first, "b")));
	}
}

const char kosme[] = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

TEST(WebsocketUtf8, MayBeCutIntoFragmentsAnywhere)
{
	std::string text = std::string(kosme) + "\xF0\x9F\x98\x80 \xE2\x82\xAC";
	for (size_t a = 0; a <= text.size(); a++)
		for (size_t b = a; b <= text.size(); b++)
			EXPECT_EQ("TEXT(" + text + ")",
				read(frame(TEXT, text.substr(0, a)) + frame(MORE, text.substr(a, b - a)) +
					 frame(FIN | MORE, text.substr(b))));
}

TEST(WebsocketUtf8, IsRefusedAtTheByteThatSpoilsIt)
{
	/* Text, and the number of the byte that cannot be right. */
	const std::pair<std::string, size_t> cases[] = {
		{ std::string(kosme) + "\xf4\x90\x80\x80"
							   "edited",
			12 },
		{ std::string(kosme) + "\xed\xa0\x80"
							   "edited",
			12 },
		{ "\x80", 0 },
		{ "a\xBF", 1 },
		{ "\xC0\xAF", 0 },
		{ "\xC1\xBF", 0 },
		{ "\xE0\x80\xAF", 1 },
		{ "\xE0\x9F\xBF", 1 },
		{ "\xF0\x80\x80\xAF", 1 },
		{ "\xF0\x8F\xBF\xBF", 1 },
		{ "\xF4\x90\x80\x80", 1 },
		{ "\xF5\x80\x80\x80", 0 },
		{ "\xF8\x88\x80\x80\x80", 0 },
		{ "\xFC\x84\x80\x80\x80\x80", 0 },
		{ "\xFE", 0 },
		{ "\xFF", 0 },
		{ "\xED\xA0\x80", 1 },
		{ "\xED\xAD\xBF\xED\xB0\x80", 1 },
		{ "\xC3(", 1 },
		{ "\xE2\x82(", 2 },
		{ "\xF0\x9F\x98(", 3 },
	};
	for (const auto &[text, at] : cases) {
		SCOPED_TRACE(testing::PrintToString(text));
		EXPECT_EQ("1007", read(frame(FIN | TEXT, text)));
		EXPECT_EQ(6 + at, bytes_taken(frame(FIN | TEXT, text))) << "in one frame";
		std::string fragments, head = frame(TEXT, "");
		for (char byte : text) fragments += frame(MORE, std::string(1, byte));
		EXPECT_EQ("1007", read(head + fragments));
		EXPECT_EQ(head.size() + 7 * at + 6, bytes_taken(head + fragments)) << "in fragments";
		EXPECT_EQ("BINARY(" + text + ")", read(frame(FIN | BINARY, text)));
	}
}

TEST(WebsocketUtf8, IsRefusedAtItsEndWhenACharacterIsHalfDone)
{
	for (std::string text : { "\xC3", "\xE2\x82", "\xF0\x9F\x98", "a\xF0\x9F" }) {
		EXPECT_EQ("1007", read(frame(FIN | TEXT, text)));
		EXPECT_EQ("1007", read(frame(TEXT, text) + frame(FIN | MORE, "")));
		EXPECT_EQ("", read(frame(TEXT, text)));
		EXPECT_EQ("TEXT() 1007", read(frame(FIN | TEXT, "") + frame(FIN | TEXT, text)));
	}
}

TEST(WebsocketUtf8, MayHoldNoncharactersAndTheEdgesOfEachLength)
{
	for (std::string text : { std::string(1, '\0'), std::string("\x7F"), std::string("\xC2\x80"),
			 std::string("\xDF\xBF"), std::string("\xE0\xA0\x80"), std::string("\xEF\xBF\xBF"),
			 std::string("\xEF\xBF\xBE"), std::string("\xED\x9F\xBF"), std::string("\xEE\x80\x80"),
			 std::string("\xF0\x90\x80\x80"), std::string("\xF4\x8F\xBF\xBF"),
			 std::string("\xEF\xBB\xBF") })
		EXPECT_EQ("TEXT(" + text + ")", read(frame(FIN | TEXT, text)));
}

TEST(WebsocketUtf8, OfOneMessageSaysNothingAboutTheNext)
{
	EXPECT_EQ("TEXT(\xC3\xA9) BINARY(\xC3) TEXT(a)",
		read(frame(FIN | TEXT, "\xC3\xA9") + frame(FIN | BINARY, "\xC3") + frame(FIN | TEXT, "a")));
}

TEST(WebsocketClose, IsReadWithAndWithoutCodeAndReason)
{
	EXPECT_EQ("CLOSE(1005,)", read(frame(FIN | CLOSE, "")));
	EXPECT_EQ("CLOSE(1000,)", read(close_frame(1000)));
	EXPECT_EQ("CLOSE(1000,Hello World!)", read(close_frame(1000, "Hello World!")));
	EXPECT_EQ("CLOSE(1000," + std::string(123, '*') + ")",
		read(close_frame(1000, std::string(123, '*'))));
}

TEST(WebsocketClose, WithOneByteIsRefused)
{
	EXPECT_EQ("1002", read(frame(FIN | CLOSE, "a")));
}

TEST(WebsocketClose, WithAReasonOf124BytesIsRefused)
{
	EXPECT_EQ("1002", read(close_frame(1000, std::string(124, '*'))));
}

TEST(WebsocketClose, WithAReasonThatIsNotUtf8IsRefused)
{
	EXPECT_EQ("1007", read(close_frame(1000, std::string(kosme) + "\xed\xa0\x80")));
	EXPECT_EQ("1007", read(close_frame(1000, "\xC3")));
	EXPECT_EQ(std::string("CLOSE(1000,") + kosme + ")", read(close_frame(1000, kosme)));
}

TEST(WebsocketClose, TakesTheCodesOfTheRegistryAndNoOther)
{
	auto sendable = [](unsigned code) {
		return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
			   (code >= 3000 && code <= 4999);
	};
	for (unsigned code = 0; code <= 65535; code++) {
		ASSERT_EQ(sendable(code), wf_websocket_code_may_be_sent(code)) << code;
		Log log(from_client);
		log.feed(close_frame(code));
		ASSERT_EQ(sendable(code) ? "CLOSE(" + std::to_string(code) + ",)" : "1002", log.text);
	}
}

TEST(WebsocketClose, EndsWhatIsReadAndTheRestIsDiscarded)
{
	EXPECT_EQ("CLOSE(1000,)", read(close_frame(1000) + close_frame(1001)));
	EXPECT_EQ("CLOSE(1000,)", read(close_frame(1000) + frame(FIN | TEXT, "a")));
	EXPECT_EQ("CLOSE(1000,)", read(close_frame(1000) + frame(FIN | PING, "a")));
	EXPECT_EQ("CLOSE(1000,)", read(close_frame(1000) + std::string(300, '\xFF')));
}

TEST(WebsocketClose, KeepsItsReasonUntilTheNextStepWhenItCameInParts)
{
	std::string input = close_frame(1001, "going away");
	wf_websocket_decoder decoder;
	wf_websocket_decoder_init(&decoder, nullptr);
	wf_websocket_event event;
	size_t used;
	for (size_t i = 0; i + 1 < input.size(); i++)
		ASSERT_EQ(0, wf_websocket_decode(&decoder, &input[i], 1, &event, &used));
	ASSERT_EQ(1, wf_websocket_decode(&decoder, &input.back(), 1, &event, &used));
	EXPECT_EQ(1001, event.close_code);
	EXPECT_EQ("going away", std::string((char *)event.data, event.size));
}

} // namespace
