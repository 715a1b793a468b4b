/* Response heads, and what of the bytes behind them is their body. */
#include "tests/net/http_transcript.h"

#include <gtest/gtest.h>

namespace
{

const Reading responses = { .kind = WF_HTTP_RESPONSE };

TEST(HttpResponse, ReadsStatusLines)
{
	struct {
		const char *line, *read;
	} const cases[] = {
		{ "HTTP/1.1 200 OK", "response 200 OK 1.1 " },
		{ "HTTP/1.0 404 Not  Found\t\x80", "response 404 Not  Found\t\x80 1.0 " },
		{ "HTTP/1.1 599 ", "response 599  1.1 " },
		{ "HTTP/1.1 200", "response 200  1.1 " },
	};
	for (const auto &each : cases) {
		std::string bytes = std::string(each.line) + "\r\nContent-Length: 0\r\n\r\n";
		std::string text = transcript_any_cut(bytes, responses);
		EXPECT_EQ(text.substr(0, strlen(each.read)), each.read);
		EXPECT_EQ(messages(text), 1u);
	}
}

TEST(HttpResponse, RefusesStatusLines)
{
	struct {
		const char *bytes, *name;
	} const cases[] = {
		{ "\r\nHTTP/1.1 200 OK\r\n", "VERSION" },
		{ "HTTP/1.1  200 OK\r\n", "STATUS_LINE" },
		{ "HTTP/1.1\t200 OK\r\n", "STATUS_LINE" },
		{ "HTTP/1.1 20 OK\r\n", "STATUS_LINE" },
		{ "HTTP/1.1 2000 OK\r\n", "STATUS_LINE" },
		{ "HTTP/1.1 099 OK\r\n", "STATUS_LINE" },
		{ "HTTP/1.1 200\tOK\r\n", "STATUS_LINE" },
		{ "HTTP/1.1 200 O\x01K\r\n", "STATUS_LINE" },
		{ "HTTP/1.1 200 OK\n", "BARE_LF" },
		{ "HTTP/1.1 200\n", "BARE_LF" },
		{ "HTTP/1.1 200 OK\rx", "BARE_CR" },
		{ "HTTP/2.0 200 OK\r\n", "VERSION_UNSUPPORTED" },
		{ "ICY 200 OK\r\n", "VERSION" },
		{ "HTTP/1.1 200 OK\r\n A: b\r\n", "LEADING_SPACE" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n", "LENGTH_TWICE" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
			"LENGTH_AND_CODING" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "CODING_NOT_LAST" },
		{ "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "CODING_VERSION" },
	};
	for (const auto &each : cases)
		EXPECT_EQ(refusal(transcript_any_cut(each.bytes, responses)), each.name) << each.bytes;
}

TEST(HttpResponse, FramesTheBody)
{
	struct {
		const char *line, *fields;
		wf_http_method answered;
		wf_http_body_kind kind;
	} const cases[] = {
		{ "200", "", WF_METHOD_GET, WF_BODY_CLOSE },
		{ "200", "Content-Length: 3\r\n", WF_METHOD_GET, WF_BODY_LENGTH },
		{ "200", "Content-Length: 0\r\n", WF_METHOD_GET, WF_BODY_NONE },
		{ "200", "Transfer-Encoding: chunked\r\n", WF_METHOD_GET, WF_BODY_CHUNKED },
		{ "200", "Content-Length: 3\r\n", WF_METHOD_HEAD, WF_BODY_NONE },
		{ "200", "Transfer-Encoding: chunked\r\n", WF_METHOD_HEAD, WF_BODY_NONE },
		{ "204", "Content-Length: 3\r\n", WF_METHOD_GET, WF_BODY_NONE },
		{ "304", "Content-Length: 3\r\n", WF_METHOD_GET, WF_BODY_NONE },
		{ "100", "", WF_METHOD_POST, WF_BODY_NONE },
		{ "101", "", WF_METHOD_GET, WF_BODY_NONE },
		{ "200", "Content-Length: 3\r\n", WF_METHOD_CONNECT, WF_BODY_NONE },
		{ "407", "Content-Length: 3\r\n", WF_METHOD_CONNECT, WF_BODY_LENGTH },
		{ "200", "Host: a\r\n", WF_METHOD_GET, WF_BODY_CLOSE },
	};
	for (const auto &each : cases) {
		std::string bytes = std::string("HTTP/1.1 ") + each.line + " X\r\n" + each.fields + "\r\n";
		std::vector<wf_http_field> fields(4);
		wf_http_head head;
		wf_http_head_init(&head, WF_HTTP_RESPONSE, fields.data(), &responses.limits);
		ASSERT_EQ(wf_http_parse(&head, bytes.data(), bytes.size()), WF_HTTP_DONE);
		EXPECT_EQ(wf_http_response_body(&head, each.answered), each.kind) << bytes;
	}
}

TEST(HttpResponse, ReadsOneBehindTheOther)
{
	std::string text = transcript_any_cut("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
										  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
										  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
										  "1\r\nx\r\n0\r\nT: u\r\n\r\n"
										  "HTTP/1.0 200 OK\r\n\r\nuntil the end",
		responses);
	EXPECT_EQ(messages(text), 3u) << text;
	EXPECT_NE(text.find("trailer T: u\n"), std::string::npos) << text;
}

TEST(HttpResponse, DoesNotMindWhatOnlyRequestsMean)
{
	std::string fields = "Host: ?\r\nHost: ?\r\nExpect: x\r\nContent-Length: 0\r\n\r\n";
	EXPECT_EQ(refusal(transcript_any_cut("HTTP/1.1 200 OK\r\n" + fields, responses)), "");
}

} // namespace
