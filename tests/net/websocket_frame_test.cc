/* The framing of RFC 6455: sections 5.2 to 5.8, both directions, and the limits. */
#include "tests/net/websocket_frame_log.h"

#include <cerrno>
#include <random>
#include <set>
#include <vector>

using namespace frames;

namespace
{

/* Section 5.7 has one of each. */
TEST(WebsocketFrame, ReadsTheExamplesOfTheRfc)
{
	auto bytes = [](std::initializer_list<int> values) {
		std::string out;
		for (int value : values) out += (char)value;
		return out;
	};
	EXPECT_EQ(
		"TEXT(Hello)", read(bytes({ 0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f }), from_server));
	EXPECT_EQ("TEXT(Hello)",
		read(bytes({ 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58 })));
	EXPECT_EQ("TEXT(Hello)",
		read(bytes({ 0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f }), from_server));
	EXPECT_EQ(
		"PING(Hello)", read(bytes({ 0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f }), from_server));
	EXPECT_EQ("PONG(Hello)",
		read(bytes({ 0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58 })));
	std::string binary(256, 'x'), large(65536, 'y');
	EXPECT_EQ(
		"BINARY(" + binary + ")", read(bytes({ 0x82, 0x7E, 0x01, 0x00 }) + binary, from_server));
	EXPECT_EQ("BINARY(" + large + ")",
		read(bytes({ 0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0 }) + large, from_server));
}

TEST(WebsocketFrame, ReadsTextAndBinaryOfEveryFormOfLength)
{
	for (size_t size : { 0, 1, 124, 125, 126, 127, 128, 255, 256, 65535, 65536, 65537 }) {
		std::string payload(size, '*');
		EXPECT_EQ("TEXT(" + payload + ")", read(frame(FIN | TEXT, payload)));
		EXPECT_EQ("BINARY(" + payload + ")", read(frame(FIN | BINARY, payload)));
		EXPECT_EQ("TEXT(" + payload + ")", read(frame(FIN | TEXT, payload, false), from_server));
	}
}

TEST(WebsocketFrame, ReadsALargeMessageInChopsOfEverySize)
{
	std::string payload(65536, '*'), input = frame(FIN | TEXT, payload);
	for (size_t chop : { 3, 64, 997, 1000, 2048, 4096 }) {
		Log log(from_client);
		for (size_t at = 0; at < input.size(); at += chop) log.feed(input.substr(at, chop));
		EXPECT_EQ("TEXT(" + payload + ")", log.text);
	}
}

TEST(WebsocketFrame, HandsOutTheCallersOwnBytes)
{
	std::string input = frame(FIN | BINARY, "payload") + frame(FIN | PING, "ping");
	wf_websocket_decoder decoder;
	wf_websocket_decoder_init(&decoder, nullptr);
	wf_websocket_event event;
	size_t used;
	ASSERT_EQ(1, wf_websocket_decode(&decoder, input.data(), input.size(), &event, &used));
	EXPECT_EQ((uint8_t *)input.data() + 6, event.data);
	EXPECT_EQ("payload", input.substr(6, 7));
	size_t first = used;
	ASSERT_EQ(1,
		wf_websocket_decode(&decoder, input.data() + first, input.size() - first, &event, &used));
	EXPECT_EQ((uint8_t *)input.data() + first + 6, event.data);
	EXPECT_EQ(input.size(), first + used);
}

TEST(WebsocketFrame, TellsHowMuchOfAFrameIsStillToCome)
{
	std::string input = frame(FIN | BINARY, std::string(1000, 'x'));
	wf_websocket_decoder decoder;
	wf_websocket_decoder_init(&decoder, nullptr);
	wf_websocket_event event;
	size_t used;
	ASSERT_EQ(1, wf_websocket_decode(&decoder, input.data(), 108, &event, &used));
	EXPECT_EQ(100u, event.size);
	EXPECT_EQ(900u, event.frame_left);
	EXPECT_TRUE(event.begins);
	EXPECT_FALSE(event.ends);
	ASSERT_EQ(1, wf_websocket_decode(&decoder, &input[108], 900, &event, &used));
	EXPECT_EQ(0u, event.frame_left);
	EXPECT_FALSE(event.begins);
	EXPECT_TRUE(event.ends);
}

TEST(WebsocketFrame, UsesNothingOfNoInput)
{
	wf_websocket_decoder decoder;
	wf_websocket_decoder_init(&decoder, nullptr);
	wf_websocket_event event;
	size_t used = 7;
	EXPECT_EQ(0, wf_websocket_decode(&decoder, nullptr, 0, &event, &used));
	EXPECT_EQ(0u, used);
}

TEST(WebsocketFrame, RefusesReservedBitsAtTheFirstByte)
{
	for (unsigned bits = 0x10; bits <= 0x70; bits += 0x10)
		for (unsigned opcode : { TEXT, BINARY, CLOSE, PING, PONG }) {
			std::string input = frame(FIN | bits | opcode, "");
			EXPECT_EQ("1002", read(input));
			EXPECT_EQ(0u, bytes_taken(input));
		}
}

TEST(WebsocketFrame, RefusesReservedBitsAfterAGoodMessageToo)
{
	EXPECT_EQ("TEXT(a) 1002", read(frame(FIN | TEXT, "a") + frame(FIN | 0x20 | TEXT, "b")));
	EXPECT_EQ("TEXT(a) 1002", read(frame(FIN | TEXT, "a") + frame(FIN | 0x40 | PING, "b")));
}

TEST(WebsocketFrame, RefusesReservedOpcodesAtTheFirstByte)
{
	for (unsigned opcode : { 3, 4, 5, 6, 7, 11, 12, 13, 14, 15 })
		for (unsigned fin : { 0u, 0x80u }) {
			std::string input = frame(FIN | TEXT, "a") + frame(fin | opcode, "b");
			EXPECT_EQ("TEXT(a) 1002", read(input));
			EXPECT_EQ(frame(FIN | TEXT, "a").size(), bytes_taken(input));
		}
}

TEST(WebsocketFrame, RefusesFramesThatAreNotMaskedFromClientsAndMaskedOnesFromServers)
{
	for (unsigned opcode : { TEXT, BINARY, CLOSE, PING, PONG }) {
		std::string bare = frame(FIN | opcode, "", false), masked = frame(FIN | opcode, "");
		EXPECT_EQ("1002", read(bare));
		EXPECT_EQ(1u, bytes_taken(bare));
		EXPECT_EQ("1002", read(masked, from_server));
		EXPECT_EQ(1u, bytes_taken(masked, from_server));
	}
}

std::string with_length(unsigned seven, std::initializer_list<int> rest)
{
	std::string out = { (char)(FIN | BINARY), (char)(0x80 | seven) };
	for (int byte : rest) out += (char)byte;
	return out + std::string("\0\0\0\0", 4);
}

TEST(WebsocketFrame, RefusesLengthsThatAreNotInTheirShortestForm)
{
	EXPECT_EQ("1002", read(with_length(126, { 0, 0 })));
	EXPECT_EQ("1002", read(with_length(126, { 0, 125 })));
	EXPECT_EQ("", read(with_length(126, { 0, 126 })));
	EXPECT_EQ("1002", read(with_length(127, { 0, 0, 0, 0, 0, 0, 0, 0 })));
	EXPECT_EQ("1002", read(with_length(127, { 0, 0, 0, 0, 0, 0, 0, 126 })));
	EXPECT_EQ("1002", read(with_length(127, { 0, 0, 0, 0, 0, 0, 0xFF, 0xFF })));
	EXPECT_EQ("", read(with_length(127, { 0, 0, 0, 0, 0, 1, 0, 0 })));
}

TEST(WebsocketFrame, RefusesALengthWithItsHighestBitSet)
{
	Log log(from_client);
	EXPECT_EQ(-EPROTO, log.feed(with_length(127, { 0x80, 0, 0, 0, 0, 0, 0, 1 })));
	EXPECT_EQ(WF_WEBSOCKET_LENGTH_HIGH_BIT, wf_websocket_decoder_error(&log.decoder));
	EXPECT_EQ("1002", read(with_length(127, { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF })));
}

TEST(WebsocketFrame, RefusesTheLargestLengthByTheLimitAndNotByOverflow)
{
	std::string largest = with_length(127, { 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF });
	EXPECT_EQ("1009", read(largest));
	wf_websocket_rules rules = { .message_max = INT64_MAX, .from_client = true };
	EXPECT_EQ("", read(largest, rules));
	std::string second = frame(BINARY, "a") + largest;
	second[frame(BINARY, "a").size()] = (char)(FIN | MORE);
	EXPECT_EQ("1009", read(second, rules));
}

TEST(WebsocketFrame, AcceptsAMessageAtTheLimitAndRefusesTheHeaderOfOneBeyondIt)
{
	wf_websocket_rules rules = { .message_max = 10, .from_client = true };
	EXPECT_EQ("TEXT(0123456789)", read(frame(FIN | TEXT, "0123456789"), rules));
	std::string beyond = frame(FIN | TEXT, "0123456789a");
	EXPECT_EQ("1009", read(beyond, rules));
	EXPECT_EQ(5u, bytes_taken(beyond, rules)) << "the payload is not waited for";
}

TEST(WebsocketFrame, CountsAllFragmentsIntoTheLimitAndControlFramesNot)
{
	wf_websocket_rules rules = { .message_max = 10, .from_client = true };
	std::string start = frame(TEXT, "01234") + frame(FIN | PING, std::string(125, 'p'));
	EXPECT_EQ("PING(" + std::string(125, 'p') + ") TEXT(0123456789)",
		read(start + frame(FIN | MORE, "56789"), rules));
	EXPECT_EQ("PING(" + std::string(125, 'p') + ") 1009",
		read(start + frame(FIN | MORE, "56789a"), rules));
	EXPECT_EQ("TEXT(0123456789) TEXT(0123456789)",
		read(frame(FIN | TEXT, "0123456789") + frame(FIN | TEXT, "0123456789"), rules));
}

TEST(WebsocketFrame, LimitsAMessageToOneMebibyteUnlessToldOtherwise)
{
	Log log(from_client);
	EXPECT_EQ(0, log.feed(frame(FIN | BINARY, std::string(WF_WEBSOCKET_MESSAGE_MAX, 'x'))));
	EXPECT_EQ(
		-EMSGSIZE, log.feed(frame(FIN | BINARY, std::string(WF_WEBSOCKET_MESSAGE_MAX + 1, 'x'))));
	EXPECT_EQ(WF_WEBSOCKET_MESSAGE_TOO_BIG, wf_websocket_decoder_error(&log.decoder));
}

TEST(WebsocketFrame, RefusesAFrameBeyondItsOwnLimit)
{
	wf_websocket_rules rules = { .frame_max = 4, .from_client = true };
	EXPECT_EQ("TEXT(01234567)", read(frame(TEXT, "0123") + frame(FIN | MORE, "4567"), rules));
	EXPECT_EQ("1009", read(frame(FIN | TEXT, "01234"), rules));
	EXPECT_EQ("PING(01234)", read(frame(FIN | PING, "01234"), rules));
}

TEST(WebsocketFrame, AllowsRsv1OnTheFirstFrameOfAMessageWhenCompressionIsOn)
{
	wf_websocket_rules rules = { .from_client = true, .may_be_compressed = true };
	EXPECT_EQ("TEXT*(ab) TEXT(c)",
		read(frame(RSV1 | TEXT, "a") + frame(FIN | MORE, "b") + frame(FIN | TEXT, "c"), rules));
	EXPECT_EQ("BINARY*(a)", read(frame(FIN | RSV1 | BINARY, "a"), rules));
	EXPECT_EQ("1002", read(frame(TEXT, "a") + frame(FIN | RSV1 | MORE, "b"), rules));
	EXPECT_EQ("1002", read(frame(FIN | RSV1 | PING, "a"), rules));
	EXPECT_EQ("1002", read(frame(FIN | 0x20 | TEXT, "a"), rules));
	EXPECT_EQ("1002", read(frame(FIN | RSV1 | 0x10 | TEXT, "a"), rules));
}

TEST(WebsocketFrame, LeavesTheTextOfACompressedMessageToWhoeverInflatesIt)
{
	wf_websocket_rules rules = { .from_client = true, .may_be_compressed = true };
	EXPECT_EQ("TEXT*(\xFF)", read(frame(FIN | RSV1 | TEXT, "\xFF"), rules));
	EXPECT_EQ("1007", read(frame(FIN | TEXT, "\xFF"), rules));
}

TEST(WebsocketFrame, CostsNoMemoryPerFragment)
{
	Log log({ .message_max = 2000000, .from_client = true });
	std::string one = frame(MORE, "x"), many;
	for (int i = 0; i < 1000; i++) many += one;
	ASSERT_EQ(0, log.feed(frame(BINARY, "x")));
	for (int i = 0; i < 1000; i++) ASSERT_EQ(0, log.feed(many));
	ASSERT_EQ(0, log.feed(frame(FIN | MORE, "x")));
	EXPECT_EQ(strlen("BINARY()") + 1000002, log.text.size());
	EXPECT_LE(sizeof(wf_websocket_decoder), 256u);
}

TEST(WebsocketFrame, DoesNotTellOfEmptyFragmentsThatEndNothing)
{
	Log log(from_client);
	std::string input = frame(TEXT, "");
	for (int i = 0; i < 1000; i++) input += frame(MORE, "");
	EXPECT_EQ(0, log.feed(input + frame(FIN | MORE, "")));
	EXPECT_EQ("TEXT()", log.text);
	EXPECT_EQ(1u, log.pieces);
}

TEST(WebsocketFrame, IsAtRestBetweenMessagesOnly)
{
	Log log(from_client);
	EXPECT_TRUE(wf_websocket_decoder_at_rest(&log.decoder));
	std::string input = frame(TEXT, "ab") + frame(FIN | PING, "cd") + frame(FIN | MORE, "ef");
	for (size_t i = 0; i < input.size(); i++) {
		EXPECT_EQ(i == 0, wf_websocket_decoder_at_rest(&log.decoder)) << i;
		log.feed(input.substr(i, 1));
	}
	EXPECT_TRUE(wf_websocket_decoder_at_rest(&log.decoder));
	log.feed(frame(FIN | CLOSE, ""));
	EXPECT_FALSE(wf_websocket_decoder_at_rest(&log.decoder));
}

TEST(WebsocketFrame, SaysTheSameErrorAgainAndTouchesNothing)
{
	Log log(from_client);
	EXPECT_EQ(-EPROTO, log.feed(frame(FIN | MORE, "")));
	std::string good = frame(FIN | TEXT, "a"), copy = good;
	wf_websocket_event event;
	event.size = 42;
	size_t used = 43;
	EXPECT_EQ(-EPROTO, wf_websocket_decode(&log.decoder, good.data(), good.size(), &event, &used));
	EXPECT_EQ(42u, event.size);
	EXPECT_EQ(43u, used);
	EXPECT_EQ(copy, good);
	EXPECT_EQ(WF_WEBSOCKET_NOTHING_TO_CONTINUE, wf_websocket_decoder_error(&log.decoder));
}

TEST(WebsocketFrame, HasAReasonOfItsOwnForEachErrorThatFitsACloseFrame)
{
	std::set<std::string> texts;
	for (int error = WF_WEBSOCKET_NO_ERROR; error <= WF_WEBSOCKET_CLOSE_NOT_UTF8; error++) {
		const char *text = wf_websocket_error_text((wf_websocket_error)error);
		EXPECT_TRUE(texts.insert(text).second) << text;
		EXPECT_LE(strlen(text), (size_t)WF_WEBSOCKET_REASON_MAX);
		int code = wf_websocket_error_code((wf_websocket_error)error);
		EXPECT_EQ(error != WF_WEBSOCKET_NO_ERROR, wf_websocket_code_may_be_sent((unsigned)code));
	}
}

TEST(WebsocketFrame, WritesTheHeadersThatTheRfcDescribes)
{
	for (uint64_t size : { 0ull, 1ull, 125ull, 126ull, 65535ull, 65536ull }) {
		std::string payload(size, '\0');
		for (bool masked : { false, true })
			for (unsigned first : { FIN | TEXT, +BINARY, +MORE, FIN | RSV1 | TEXT }) {
				uint8_t out[WF_WEBSOCKET_HEADER_MAX];
				size_t n = wf_websocket_header(out, first, size, masked ? key : nullptr);
				std::string wanted = frame(first, payload, masked);
				EXPECT_EQ(wanted.substr(0, wanted.size() - size), std::string((char *)out, n));
			}
	}
	uint8_t out[WF_WEBSOCKET_HEADER_MAX];
	EXPECT_EQ(10u, wf_websocket_header(out, FIN | BINARY, INT64_MAX, nullptr));
	EXPECT_EQ(0, memcmp(out, "\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 10));
}

TEST(WebsocketFrame, ReadsWhatItWrites)
{
	std::mt19937 random(3);
	for (int round = 0; round < 200; round++) {
		std::string payload(random() % 3 ? random() % 300 : random() % 70000, '\0');
		for (char &byte : payload) byte = (char)(random() % 128);
		uint8_t header[WF_WEBSOCKET_HEADER_MAX];
		size_t n = wf_websocket_header(header, FIN | TEXT, payload.size(), key);
		std::string wire = payload;
		wf_websocket_mask(wire.data(), wire.size(), key, 0);
		Log log(from_client);
		log.feed(std::string((char *)header, n) + wire);
		EXPECT_EQ("TEXT(" + payload + ")", log.text);
	}
}

TEST(WebsocketFrame, WritesClosePayloadsAndCutsLongReasonsBetweenCharacters)
{
	uint8_t out[WF_WEBSOCKET_CONTROL_MAX];
	EXPECT_EQ(0u, wf_websocket_close_payload(out, WF_WEBSOCKET_NO_STATUS, "not sent"));
	EXPECT_EQ(2u, wf_websocket_close_payload(out, 1000, nullptr));
	EXPECT_EQ(0, memcmp(out, "\x03\xE8", 2));
	EXPECT_EQ(5u, wf_websocket_close_payload(out, 4999, "bye"));
	EXPECT_EQ(0, memcmp(out,
					 "\x13\x87"
					 "bye",
					 5));
	std::string fits(123, 'x'), cut = std::string(122, 'x') + "\xC3\xA9";
	EXPECT_EQ(125u, wf_websocket_close_payload(out, 1000, fits.c_str()));
	EXPECT_EQ(125u, wf_websocket_close_payload(out, 1000, (fits + "yz").c_str()));
	EXPECT_EQ(124u, wf_websocket_close_payload(out, 1000, cut.c_str()));
	EXPECT_EQ(3u, wf_websocket_close_payload(out, 1000,
					  "a\xFF"
					  "b"));
}

TEST(WebsocketFrameDeathTest, RefusesToWriteWhatMayNotBeSent)
{
	uint8_t out[WF_WEBSOCKET_CONTROL_MAX];
	EXPECT_DEATH(wf_websocket_close_payload(out, 1006, nullptr), "broken promise");
	EXPECT_DEATH(wf_websocket_header(out, FIN | PING, 126, nullptr), "broken promise");
	EXPECT_DEATH(wf_websocket_header(out, PING, 1, nullptr), "broken promise");
}

} // namespace
