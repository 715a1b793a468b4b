#include "net/http/http_write.h"

#include <gtest/gtest.h>
#include <tuple>
#include <weft/error.h>

namespace
{

struct Written {
	int rc;
	std::string text;
	size_t size;
};

/* What `write` writes, with room for `room` bytes and not one more. */
template <class F> Written write(size_t room, F write)
{
	std::unique_ptr<char[]> buffer(new char[room]);
	wf_http_writer writer;
	wf_http_writer_init(&writer, buffer.get(), room);
	write(&writer);
	int rc = wf_http_write_end(&writer);
	return { rc, std::string(buffer.get(), std::min(room, writer.size)), writer.size };
}

int field(wf_http_writer *writer, const std::string &name, const std::string &value)
{
	return wf_http_write_field(writer, name.data(), name.size(), value.data(), value.size());
}

TEST(HttpWrite, WritesAHead)
{
	auto head = [](wf_http_writer *writer) {
		wf_http_write_status(writer, 200);
		field(writer, "Content-Type", "text/plain");
		field(writer, "Empty", "");
		wf_http_write_length(writer, 13);
		WF_HTTP_WRITE(writer, "Server: x\r\n");
	};
	Written written = write(1000, head);
	EXPECT_EQ(written.rc, 0);
	EXPECT_EQ(written.text,
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nEmpty: \r\nContent-Length: 13\r\n"
		"Server: x\r\n\r\n");
}

TEST(HttpWrite, FindsTheExactSizeWhateverTheRoom)
{
	auto head = [](wf_http_writer *writer) {
		wf_http_write_status(writer, 404);
		field(writer, "A", "bcd");
		wf_http_write_length(writer, 0);
	};
	std::string whole = write(1000, head).text;
	for (size_t room = 0; room < whole.size(); room++) {
		Written written = write(room, head);
		EXPECT_EQ(written.rc, WEFT_EFULL);
		EXPECT_EQ(written.size, whole.size());
	}
	EXPECT_EQ(write(whole.size(), head).rc, 0);
	EXPECT_EQ(write(whole.size(), head).text, whole);
	wf_http_writer counter;
	wf_http_writer_init(&counter, nullptr, 0);
	head(&counter);
	EXPECT_EQ(wf_http_write_end(&counter), WEFT_EFULL);
	EXPECT_EQ(counter.size, whole.size());
}

TEST(HttpWrite, RefusesFieldsThatWouldBreakTheHead)
{
	const std::string long_value(40, 'x');
	const std::pair<std::string, std::string> cases[] = { { "", "v" }, { "a b", "v" },
		{ "a:", "v" }, { "a\r\n", "v" }, { "a", "v\r\nSet-Cookie: x" }, { "a", "v\n" },
		{ "a", "\r" }, { "a", std::string("v\0w", 3) }, { "a", "v\x01" }, { "a", "\x7f" },
		{ "a\x80", "v" }, { std::string("a\0", 2), "v" }, { "a", long_value + "\n" + long_value },
		{ long_value + " ", "v" } };
	for (const auto &[name, value] : cases) {
		int rc = 0;
		Written written = write(200, [&, &name = name, &value = value](wf_http_writer *writer) {
			rc = field(writer, name, value);
			field(writer, "Fine", "yes");
		});
		EXPECT_EQ(rc, WEFT_EINVAL) << name << ": " << value;
		EXPECT_EQ(written.rc, WEFT_EINVAL);
		EXPECT_EQ(written.text, "Fine: yes\r\n\r\n");
	}
}

TEST(HttpWrite, KnowsStatusLines)
{
	auto line = [](int status) {
		Written written =
			write(200, [&](wf_http_writer *writer) { wf_http_write_status(writer, status); });
		return written.rc == 0 ? written.text : std::to_string(written.rc);
	};
	EXPECT_EQ(line(100), "HTTP/1.1 100 Continue\r\n\r\n");
	EXPECT_EQ(line(431), "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n");
	EXPECT_EQ(line(511), "HTTP/1.1 511 Network Authentication Required\r\n\r\n");
	EXPECT_EQ(line(512), "HTTP/1.1 512 \r\n\r\n");
	EXPECT_EQ(line(299), "HTTP/1.1 299 \r\n\r\n");
	EXPECT_EQ(line(999), "HTTP/1.1 999 \r\n\r\n");
	for (int status : { 99, 0, -1, 1000 }) EXPECT_EQ(line(status), std::to_string(WEFT_EINVAL));
	EXPECT_STREQ(wf_http_status_text(404), "Not Found");
	EXPECT_STREQ(wf_http_status_text(299), "");
	EXPECT_STREQ(wf_http_status_text(-5), "");
}

TEST(HttpWrite, WritesRequestLines)
{
	auto line = [](const std::string &method, const std::string &target) {
		Written written = write(200, [&](wf_http_writer *writer) {
			wf_http_write_request(
				writer, method.data(), method.size(), target.data(), target.size());
		});
		return written.rc == 0 ? written.text : std::to_string(written.rc);
	};
	EXPECT_EQ(line("GET", "/a?b"), "GET /a?b HTTP/1.1\r\n\r\n");
	for (const auto &[method, target] : { std::pair("", "/"), std::pair("GET", ""),
			 std::pair("G T", "/"), std::pair("GET", "/ HTTP/1.1\r\nX: y"),
			 std::pair("GET", "/a b"), std::pair("GET\r\n", "/"), std::pair("GET", "/\x80") })
		EXPECT_EQ(line(method, target), std::to_string(WEFT_EINVAL)) << method << target;
}

TEST(HttpWrite, WritesLengthsOfEverySize)
{
	for (uint64_t length : { UINT64_C(0), UINT64_C(9), UINT64_C(10), UINT64_C(1234567890),
			 UINT64_C(18446744073709551615) }) {
		Written written =
			write(200, [&](wf_http_writer *writer) { wf_http_write_length(writer, length); });
		EXPECT_EQ(written.text, "Content-Length: " + std::to_string(length) + "\r\n\r\n");
	}
}

TEST(HttpWrite, ChoosesTheFraming)
{
	struct {
		wf_http_method method;
		int minor, status;
		int64_t length;
		wf_http_body_kind kind;
		bool content;
	} const cases[] = {
		{ WF_METHOD_GET, 1, 200, 5, WF_BODY_LENGTH, true },
		{ WF_METHOD_GET, 1, 200, 0, WF_BODY_LENGTH, false },
		{ WF_METHOD_GET, 1, 200, -1, WF_BODY_CHUNKED, true },
		{ WF_METHOD_GET, 0, 200, -1, WF_BODY_CLOSE, true },
		{ WF_METHOD_GET, 0, 200, 5, WF_BODY_LENGTH, true },
		{ WF_METHOD_HEAD, 1, 200, 5, WF_BODY_LENGTH, false },
		{ WF_METHOD_HEAD, 1, 200, -1, WF_BODY_CHUNKED, false },
		{ WF_METHOD_GET, 1, 100, -1, WF_BODY_NONE, false },
		{ WF_METHOD_GET, 1, 101, 5, WF_BODY_NONE, false },
		{ WF_METHOD_GET, 1, 204, 5, WF_BODY_NONE, false },
		{ WF_METHOD_GET, 1, 304, 5, WF_BODY_NONE, false },
		{ WF_METHOD_CONNECT, 1, 200, 5, WF_BODY_NONE, false },
		{ WF_METHOD_CONNECT, 1, 403, 5, WF_BODY_LENGTH, true },
	};
	for (const auto &each : cases) {
		wf_http_framing framing =
			wf_http_frame_response(each.method, each.minor, each.status, each.length);
		EXPECT_EQ(framing.kind, each.kind) << each.status;
		EXPECT_EQ(framing.content, each.content) << each.status;
		std::string text = write(200, [&](wf_http_writer *writer) {
			wf_http_write_framing(writer, framing, each.length);
		}).text;
		EXPECT_EQ(text.find("Content-Length") != std::string::npos, each.kind == WF_BODY_LENGTH);
		EXPECT_EQ(text.find("chunked") != std::string::npos, each.kind == WF_BODY_CHUNKED);
	}
}

TEST(HttpWrite, WritesChunksThatTheReaderTakes)
{
	std::string stream, content;
	char head[WF_HTTP_CHUNK_HEAD_BYTES];
	bool first = true;
	for (size_t size : { 1, 9, 10, 15, 16, 255, 4096, 65535 }) {
		stream.append(head, wf_http_chunk_head(head, size, first));
		stream.append(size, 'x');
		content.append(size, 'x');
		first = false;
	}
	stream.append(head, wf_http_chunk_head(head, 0, first));
	stream += "\r\n";
	wf_http_body body;
	std::string read;
	ASSERT_EQ(wf_http_body_init(&body, WF_BODY_CHUNKED, -1, -1), 0);
	for (size_t at = 0; !wf_http_body_ended(&body);) {
		const char *piece;
		size_t used, size;
		int rc =
			wf_http_body_take(&body, stream.data() + at, stream.size() - at, &used, &piece, &size);
		ASSERT_GE(rc, WF_HTTP_DONE);
		if (rc == WF_HTTP_PIECE) read.append(piece, size);
		at += used;
	}
	EXPECT_EQ(read, content);
	EXPECT_EQ(wf_http_chunk_head(head, SIZE_MAX, false), size_t{ WF_HTTP_CHUNK_HEAD_BYTES });
}

} // namespace
