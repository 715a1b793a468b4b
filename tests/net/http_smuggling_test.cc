/* Messages that two readers could understand differently. Each is followed by what an attacker
 * would want to be taken for a second request; whatever the message, and however it is cut, there
 * is one refusal and never that second request. */
#include "tests/net/http_transcript.h"

#include <gtest/gtest.h>

namespace
{

const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
const std::string smuggled = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";

struct Case {
	std::string bytes;
	const char *name;
};

void expect_refused(const std::vector<Case> &cases, int status = 400)
{
	for (const Case &each : cases) {
		std::string text = transcript_any_cut(each.bytes + smuggled);
		EXPECT_EQ(refusal(text), each.name) << each.bytes;
		EXPECT_EQ(text.find("/admin"), std::string::npos) << text;
		EXPECT_EQ(messages(text), 0u) << text;
		EXPECT_NE(text.find("refused " + std::to_string(status)), std::string::npos) << text;
	}
}

TEST(HttpSmuggling, RefusesLengthWithCoding)
{
	std::string length = "Content-Length: 5\r\n", coding = "Transfer-Encoding: chunked\r\n";
	expect_refused({
		{ post + length + coding + "\r\n0\r\n\r\n", "LENGTH_AND_CODING" },
		{ post + coding + length + "\r\n0\r\n\r\n", "LENGTH_AND_CODING" },
		{ post + coding + "Content-Length: 0\r\n\r\n0\r\n\r\n", "LENGTH_AND_CODING" },
		{ post + coding + "X: y\r\n" + length + coding + "\r\n0\r\n\r\n", "LENGTH_AND_CODING" },
		{ post + length + "Transfer-Encoding: identity\r\n\r\n", "LENGTH_AND_CODING" },
		{ post + length + "Transfer-Encoding: xchunked\r\n\r\n", "LENGTH_AND_CODING" },
	});
}

TEST(HttpSmuggling, RefusesLengthsThatAreNoNumber)
{
	std::vector<Case> cases;
	for (const char *value : { "", "+5", "-5", "5 5", "5,5", "5, 5", "0x5", "5.0", "5e0", "5;",
			 "\"5\"", "five", "5\x80", "_5", "1_0", "5\t5" })
		cases.push_back({ post + "Content-Length: " + value + "\r\n\r\nabcde", "LENGTH" });
	for (const char *value :
		{ "9223372036854775808", "18446744073709551615", "18446744073709551621",
			"340282366920938463463374607431768211461", "99999999999999999999999999999999" })
		cases.push_back({ post + "Content-Length: " + value + "\r\n\r\nabcde", "LENGTH_RANGE" });
	cases.push_back({ post + "Content-Length: 5\x0b\r\n\r\nabcde", "FIELD_VALUE" });
	cases.push_back({ post + std::string("Content-Length: 5\0\r\n\r\nabcde", 26), "FIELD_VALUE" });
	expect_refused(cases);
}

TEST(HttpSmuggling, RefusesSeveralLengths)
{
	expect_refused({
		{ post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", "LENGTH_TWICE" },
		{ post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", "LENGTH_TWICE" },
		{ post + "Content-Length: 5\r\ncontent-length: 0\r\n\r\nabcde", "LENGTH_TWICE" },
		{ post + "Content-Length: 0\r\nX: y\r\nCONTENT-LENGTH: 5\r\n\r\nabcde", "LENGTH_TWICE" },
	});
}

TEST(HttpSmuggling, RefusesCodingsThatAreNotChunkedAtTheEnd)
{
	std::vector<Case> cases;
	for (const char *value : { "identity", "gzip", "chunked, gzip", "chunked, identity", "xchunked",
			 "chunkedx", "x-chunked", "chunked;q=1", "chunked; foo", "chunked, chunked",
			 "chunked, gzip, chunked", "Chunked, CHUNKED" })
		cases.push_back(
			{ post + "Transfer-Encoding: " + value + "\r\n\r\n0\r\n\r\n", "CODING_NOT_LAST" });
	for (const char *value : { "", ",", "chunked,", ", chunked", "chunked,,chunked",
			 "chunked chunked", "\"chunked\"", "'chunked' x", "chunked\x80", "[chunked]",
			 "\xef\xbb\xbf"
			 "chunked",
			 "ch unked", "chunk\xc5\xbf", ";chunked" })
		cases.push_back({ post + "Transfer-Encoding: " + value + "\r\n\r\n0\r\n\r\n", "CODING" });
	cases.push_back(
		{ post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
			"CODING_NOT_LAST" });
	cases.push_back(
		{ post + "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
			"CODING_NOT_LAST" });
	cases.push_back({ post + "Transfer-Encoding: \x0b"
							 "chunked\r\n\r\n0\r\n\r\n",
		"FIELD_VALUE" });
	expect_refused(cases);
	expect_refused(
		{ { post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "CODING_UNKNOWN" },
			{ post + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
				"CODING_UNKNOWN" } },
		501);
}

TEST(HttpSmuggling, RefusesCodingsInTheOldVersion)
{
	expect_refused({ { "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"CODING_VERSION" } });
}

TEST(HttpSmuggling, RefusesNamesThatLookLikeFraming)
{
	expect_refused({
		{ post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "SPACE_BEFORE_COLON" },
		{ post + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", "SPACE_BEFORE_COLON" },
		{ post + "Content-Length : 5\r\n\r\nabcde", "SPACE_BEFORE_COLON" },
		{ post + " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "OBS_FOLD" },
		{ post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "CODING" },
		{ post + "X:\r\n chunked\r\n\r\n0\r\n\r\n", "OBS_FOLD" },
		{ post + "Content-Length\x0b: 5\r\n\r\nabcde", "FIELD_NAME" },
		{ post + "Content-Length\r\n: 5\r\n\r\nabcde", "FIELD_NAME" },
		{ post + std::string("Content-Length\0: 5\r\n\r\nabcde", 26), "FIELD_NAME" },
		{ post + "\"Content-Length\": 5\r\n\r\nabcde", "FIELD_NAME" },
		{ post + "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "BARE_CR" },
		{ post + "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "BARE_LF" },
		{ post + "X: y\r\n\n0\r\n\r\n", "BARE_LF" },
		{ post + "X: y\n\r\n0\r\n\r\n", "BARE_LF" },
		{ post + "X: y\r\n\rContent-Length: 5\r\n\r\nabcde", "BARE_CR" },
	});
}

TEST(HttpSmuggling, RefusesChunksThatEndInTwoPlaces)
{
	std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
	expect_refused({
		{ chunked + "5\nabcde\r\n0\r\n\r\n", "BARE_LF" },
		{ chunked + "5\rabcde\r\n0\r\n\r\n", "BARE_CR" },
		{ chunked + "5\r\nabcde0\r\n\r\n", "CHUNK_END" },
		{ chunked + "5\r\nabcde\n0\r\n\r\n", "BARE_LF" },
		{ chunked + "5\r\nabcdef\r\n0\r\n\r\n", "CHUNK_END" },
		{ chunked + "5;\nabcde\r\n0\r\n\r\n", "BARE_LF" },
		{ chunked + "5;a\nabcde\r\n0\r\n\r\n", "BARE_LF" },
		{ chunked + "5;a=\"\nabcde\r\n0\r\n\r\n", "BARE_LF" },
		{ chunked + "5 \r\nabcde\r\n0\r\n\r\n", "CHUNK_EXTENSION" },
		{ chunked + "0x5\r\nabcde\r\n0\r\n\r\n", "CHUNK_SIZE" },
		{ chunked + "+5\r\nabcde\r\n0\r\n\r\n", "CHUNK_SIZE" },
		{ chunked + "-0\r\n\r\n", "CHUNK_SIZE" },
		{ chunked + "\r\n\r\n", "CHUNK_SIZE" },
		{ chunked + "10000000000000005\r\nabcde\r\n0\r\n\r\n", "CHUNK_RANGE" },
		{ chunked + "0\n\r\n", "BARE_LF" },
		{ chunked + "0\r\nContent-Length: 5\r\n\r\n", "TRAILER" },
		{ chunked + "0\r\nTransfer-Encoding: chunked\r\n\r\n", "TRAILER" },
		{ chunked + "0\r\nHost: b\r\n\r\n", "TRAILER" },
	});
}

TEST(HttpSmuggling, RefusesTargetsAndHostsInTwoVoices)
{
	expect_refused({
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HOST_TWICE" },
		{ "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "HOST" },
		{ "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "HOST" },
		{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "HOST" },
		{ "GET / HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n", "LEADING_SPACE" },
		{ "GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n", "HOST" },
		{ "GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n", "VERSION" },
		{ "GET /\r\nHost: a\r\n\r\n", "VERSION" },
		{ "GET / x HTTP/1.1\r\nHost: a\r\n\r\n", "VERSION" },
		{ "GET /\x0b HTTP/1.1\r\nHost: a\r\n\r\n", "TARGET" },
		{ "GET\x0b/ HTTP/1.1\r\nHost: a\r\n\r\n", "METHOD" },
	});
}

TEST(HttpSmuggling, ReadsABodyAsOneWhateverItHolds)
{
	std::string length = std::to_string(smuggled.size());
	std::string text =
		transcript_any_cut(post + "Content-Length: " + length + "\r\n\r\n" + smuggled);
	EXPECT_EQ(messages(text), 1u);
	char size[17];
	snprintf(size, sizeof size, "%zx", smuggled.size());
	text = transcript_any_cut(
		post + "Transfer-Encoding: Chunked\r\n\r\n" + size + "\r\n" + smuggled + "\r\n0\r\n\r\n");
	EXPECT_EQ(messages(text), 1u);
	text = transcript_any_cut(post + "Content-Length: 0005\r\n\r\nabcde" + smuggled);
	EXPECT_EQ(messages(text), 2u);
}

} // namespace
