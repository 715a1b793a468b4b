/* Bodies: lengths, chunks, extensions, trailers, limits; each also cut everywhere. */
#include "tests/net/http_transcript.h"

#include <gtest/gtest.h>
#include <weft/error.h>

namespace
{

std::string chunked(const std::string &body)
{
	return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

/* What the transcript says behind the head. */
std::string behind(const std::string &text)
{
	return text.substr(text.find("chunked\n", text.find("field Transfer-Encoding")) + 8);
}

TEST(HttpBody, ReadsChunks)
{
	EXPECT_EQ(behind(transcript_any_cut(chunked("3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n"))),
		"body 13 abc0123456789\nend\nmore\n");
	EXPECT_EQ(behind(transcript_any_cut(chunked("0\r\n\r\n"))), "end\nmore\n");
	EXPECT_EQ(behind(transcript_any_cut(chunked("000\r\n\r\n"))), "end\nmore\n");
	EXPECT_EQ(behind(transcript_any_cut(chunked("1\r\n\n\r\n1\r\n\r\r\n0\r\n\r\n"))),
		"body 2 \n\r\nend\nmore\n");
}

TEST(HttpBody, LeavesTheNextMessageAlone)
{
	std::string message = chunked("1\r\nx\r\n0\r\n\r\n");
	EXPECT_EQ(messages(transcript_any_cut(message + message)), 2u);
}

TEST(HttpBody, StepsOverExtensions)
{
	for (const char *extension : { ";a", ";a=b", ";a=b;c;d=e", ";a=\"b;\\\"c\"", " ;a", ";a ;b",
			 "\t; a = b", ";a=\"\";b", "; a=\"x\" ;c" }) {
		std::string body = "1" + std::string(extension) + "\r\nx\r\n0" + extension + "\r\n\r\n";
		EXPECT_EQ(behind(transcript_any_cut(chunked(body))), "body 1 x\nend\nmore\n") << extension;
	}
}

TEST(HttpBody, RefusesChunks)
{
	struct {
		const char *body, *name;
	} const cases[] = {
		{ "\r\n", "CHUNK_SIZE" },
		{ ";a\r\n", "CHUNK_SIZE" },
		{ "g\r\n", "CHUNK_SIZE" },
		{ "-1\r\n", "CHUNK_SIZE" },
		{ "+1\r\n", "CHUNK_SIZE" },
		{ " 1\r\n", "CHUNK_SIZE" },
		{ "0x1\r\n", "CHUNK_SIZE" },
		{ "1_0\r\n", "CHUNK_SIZE" },
		{ "1,\r\n", "CHUNK_SIZE" },
		{ "1\n", "BARE_LF" },
		{ "\n", "BARE_LF" },
		{ "1\r\r\n", "BARE_CR" },
		{ "1\rx", "BARE_CR" },
		{ "8000000000000000\r\n", "CHUNK_RANGE" },
		{ "ffffffffffffffff\r\n", "CHUNK_RANGE" },
		{ "00000000000000001\r\n", "CHUNK_RANGE" },
		{ "1 \r\n", "CHUNK_EXTENSION" },
		{ "1 1\r\n", "CHUNK_EXTENSION" },
		{ "1;\r\n", "CHUNK_EXTENSION" },
		{ "1;=b\r\n", "CHUNK_EXTENSION" },
		{ "1;a=\r\n", "CHUNK_EXTENSION" },
		{ "1;a \r\n", "CHUNK_EXTENSION" },
		{ "1;a b\r\n", "CHUNK_EXTENSION" },
		{ "1;a=b=c\r\n", "CHUNK_EXTENSION" },
		{ "1;a=b \r\n", "CHUNK_EXTENSION" },
		{ "1;a=\"b\r\n", "CHUNK_EXTENSION" },
		{ "1;a=\"b\"c\r\n", "CHUNK_EXTENSION" },
		{ "1;a=\"b\\\r\n", "CHUNK_EXTENSION" },
		{ "1;a\n", "BARE_LF" },
		{ "1;a=\"\n", "BARE_LF" },
		{ "1;a\x01\r\n", "CHUNK_EXTENSION" },
		{ "1\r\nxx", "CHUNK_END" },
		{ "1\r\nx\n", "BARE_LF" },
		{ "1\r\nx\rx", "CHUNK_END" },
		{ "1\r\nx0\r\n\r\n", "CHUNK_END" },
		{ "0\r\n\n", "BARE_LF" },
		{ "0\r\n\rx", "BARE_CR" },
	};
	for (const auto &each : cases)
		EXPECT_EQ(refusal(transcript_any_cut(chunked(each.body))), each.name) << each.body;
}

TEST(HttpBody, TakesTheLargestChunkThereIs)
{
	EXPECT_EQ(behind(transcript_any_cut(chunked("7fffffffffffffff\r\nxy"))), "more\n");
	EXPECT_EQ(
		refusal(transcript_any_cut(chunked("1\r\nx\r\n7fffffffffffffff\r\nxy"))), "BODY_LARGE");
}

TEST(HttpBody, BoundsTheExtensionsOfAChunk)
{
	std::string fits = "1;" + std::string(254, 'a') + "\r\nx\r\n0\r\n\r\n";
	std::string above = "1;" + std::string(255, 'a') + "\r\nx\r\n0\r\n\r\n";
	EXPECT_EQ(refusal(transcript(chunked(fits))), "");
	EXPECT_EQ(refusal(transcript(chunked(above))), "CHUNK_EXTENSION_LARGE");
}

TEST(HttpBody, BoundsTheExtensionsOfAllChunksAgainstTheirContent)
{
	std::string wasteful, fair;
	for (int i = 0; i < 100; i++) {
		wasteful += "1;" + std::string(200, 'a') + "\r\nx\r\n";
		fair += "c8;" + std::string(200, 'a') + "\r\n" + std::string(200, 'x') + "\r\n";
	}
	EXPECT_EQ(refusal(transcript(chunked(wasteful))), "CHUNK_EXTENSION_LARGE");
	EXPECT_EQ(refusal(transcript(chunked(fair + "0\r\n\r\n"))), "");
}

TEST(HttpBody, KeepsTrailersOrDropsThem)
{
	std::string message = chunked("1\r\nx\r\n0\r\nA: 1 \r\nDigest:\tx y\r\n\r\n");
	EXPECT_EQ(behind(transcript_any_cut(message)),
		"body 1 x\ntrailer A: 1\ntrailer Digest: x y\nend\nmore\n");
	Reading reading;
	reading.trailer_room = 0;
	EXPECT_EQ(behind(transcript_any_cut(message, reading)), "body 1 x\nend\nmore\n");
}

TEST(HttpBody, RefusesTrailers)
{
	for (const char *trailer : { " A: 1\r\n", "A : 1\r\n", ": 1\r\n", "A\r\n", "A: 1\r\n b\r\n",
			 "A: \x01\r\n", "(: 1\r\n" })
		EXPECT_EQ(refusal(transcript_any_cut(chunked("0\r\n" + std::string(trailer) + "\r\n"))),
			"TRAILER")
			<< trailer;
	EXPECT_EQ(refusal(transcript_any_cut(chunked("0\r\nA: 1\n\r\n"))), "BARE_LF");
	EXPECT_EQ(refusal(transcript_any_cut(chunked("0\r\nA\n\r\n"))), "BARE_LF");
	EXPECT_EQ(refusal(transcript_any_cut(chunked("0\r\nA: 1\rB: 2\r\n\r\n"))), "BARE_CR");
	for (const char *name : { "Transfer-Encoding", "content-length", "Host", "TRAILER",
			 "Content-Type", "Authorization", "Set-Cookie", "Connection" })
		EXPECT_EQ(refusal(transcript_any_cut(chunked("0\r\n" + std::string(name) + ": 1\r\n\r\n"))),
			"TRAILER")
			<< name;
}

TEST(HttpBody, BoundsTrailers)
{
	Reading reading;
	reading.trailer_room = 9;
	EXPECT_EQ(
		refusal(transcript_any_cut(chunked("0\r\nA: 123\r\n\r\n"), reading)), "TRAILER_LARGE");
	EXPECT_EQ(refusal(transcript_any_cut(chunked("0\r\nA: 12\r\n\r\n"), reading)), "");
	reading.trailer_room = 0;
	std::string line = "A: " + std::string(1000, 'x') + "\r\n", many;
	for (int i = 0; i < 9; i++) many += line;
	EXPECT_EQ(refusal(transcript(chunked("0\r\n" + many + "\r\n"), {}, reading)), "TRAILER_LARGE");
	many.clear();
	for (int i = 0; i < 17; i++) many += "A: 1\r\n";
	EXPECT_EQ(refusal(transcript(chunked("0\r\n" + many + "\r\n"))), "MANY_FIELDS");
}

TEST(HttpBody, HoldsTheBodyToItsLimit)
{
	Reading reading;
	reading.body_limit = 4;
	std::string fits = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd";
	std::string above = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
	EXPECT_EQ(messages(transcript_any_cut(fits, reading)), 1u);
	EXPECT_EQ(refusal(transcript_any_cut(above, reading)), "BODY_LARGE");
	EXPECT_EQ(refusal(transcript_any_cut(chunked("2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"), reading)), "");
	EXPECT_EQ(behind(transcript_any_cut(chunked("2\r\nab\r\n3\r\ncd"), reading)),
		"body 2 ab\nrefused 413 BODY_LARGE\n");
	reading.body_limit = 0;
	EXPECT_EQ(refusal(transcript_any_cut(chunked("0\r\n\r\n"), reading)), "");
	EXPECT_EQ(refusal(transcript_any_cut(chunked("1\r\n"), reading)), "BODY_LARGE");
}

TEST(HttpBody, LetsContentBeReadStraightToWhereItBelongs)
{
	wf_http_body body;
	const char *piece;
	size_t used, size;
	ASSERT_EQ(wf_http_body_init(&body, WF_BODY_LENGTH, 10, -1), 0);
	EXPECT_EQ(wf_http_body_direct(&body), 10);
	EXPECT_EQ(wf_http_body_skip(&body, 4), 0);
	EXPECT_EQ(wf_http_body_take(&body, "abcdefgh", 8, &used, &piece, &size), WF_HTTP_PIECE);
	EXPECT_EQ(size, 6u);
	EXPECT_TRUE(wf_http_body_ended(&body));
	EXPECT_EQ(wf_http_body_direct(&body), 0);

	ASSERT_EQ(wf_http_body_init(&body, WF_BODY_CHUNKED, -1, -1), 0);
	EXPECT_EQ(wf_http_body_direct(&body), 0);
	EXPECT_EQ(wf_http_body_take(&body, "5\r\n", 3, &used, &piece, &size), WF_HTTP_MORE);
	EXPECT_EQ(wf_http_body_direct(&body), 5);
	EXPECT_EQ(wf_http_body_skip(&body, 5), 0);
	EXPECT_EQ(wf_http_body_direct(&body), 0);
	EXPECT_EQ(wf_http_body_take(&body, "\r\n0\r\n\r\nG", 8, &used, &piece, &size), WF_HTTP_DONE);
	EXPECT_EQ(used, 7u);
}

TEST(HttpBody, KnowsWhetherTheConnectionMayEndHere)
{
	wf_http_body body;
	const char *piece;
	size_t used, size;
	ASSERT_EQ(wf_http_body_init(&body, WF_BODY_LENGTH, 1, -1), 0);
	EXPECT_EQ(wf_http_body_close(&body), WEFT_EOF);
	ASSERT_EQ(wf_http_body_init(&body, WF_BODY_LENGTH, 0, 0), 0);
	EXPECT_EQ(wf_http_body_close(&body), WF_HTTP_DONE);
	ASSERT_EQ(wf_http_body_init(&body, WF_BODY_CHUNKED, 0, -1), 0);
	EXPECT_EQ(wf_http_body_close(&body), WEFT_EOF);
	ASSERT_EQ(wf_http_body_init(&body, WF_BODY_CLOSE, 0, 3), 0);
	EXPECT_EQ(wf_http_body_take(&body, "ab", 2, &used, &piece, &size), WF_HTTP_PIECE);
	EXPECT_EQ(wf_http_body_take(&body, "cd", 2, &used, &piece, &size), WF_HTTP_EBODY_LARGE);
	EXPECT_EQ(wf_http_body_close(&body), WF_HTTP_EBODY_LARGE);
	ASSERT_EQ(wf_http_body_init(&body, WF_BODY_CLOSE, 0, -1), 0);
	EXPECT_EQ(wf_http_body_take(&body, "ab", 2, &used, &piece, &size), WF_HTTP_PIECE);
	EXPECT_EQ(wf_http_body_close(&body), WF_HTTP_DONE);
	EXPECT_TRUE(wf_http_body_ended(&body));
}

} // namespace
