/* Heads and chunk frames. The status lines are ready-made; the table maps a status to its row. */
#include "net/http/http_write.h"
#include "net/http/http_scan.h"

#include <weft/error.h>

/* The registry of RFC 9110 section 16.2.1, by status. */
/* clang-format off */
#define STATUSES(X) \
	X(100, "Continue") X(101, "Switching Protocols") X(102, "Processing") X(103, "Early Hints") \
	X(200, "OK") X(201, "Created") X(202, "Accepted") X(203, "Non-Authoritative Information") \
	X(204, "No Content") X(205, "Reset Content") X(206, "Partial Content") \
	X(207, "Multi-Status") X(208, "Already Reported") X(226, "IM Used") \
	X(300, "Multiple Choices") X(301, "Moved Permanently") X(302, "Found") X(303, "See Other") \
	X(304, "Not Modified") X(305, "Use Proxy") X(307, "Temporary Redirect") \
	X(308, "Permanent Redirect") \
	X(400, "Bad Request") X(401, "Unauthorized") X(402, "Payment Required") X(403, "Forbidden") \
	X(404, "Not Found") X(405, "Method Not Allowed") X(406, "Not Acceptable") \
	X(407, "Proxy Authentication Required") X(408, "Request Timeout") X(409, "Conflict") \
	X(410, "Gone") X(411, "Length Required") X(412, "Precondition Failed") \
	X(413, "Content Too Large") X(414, "URI Too Long") X(415, "Unsupported Media Type") \
	X(416, "Range Not Satisfiable") X(417, "Expectation Failed") X(421, "Misdirected Request") \
	X(422, "Unprocessable Content") X(423, "Locked") X(424, "Failed Dependency") \
	X(425, "Too Early") X(426, "Upgrade Required") X(428, "Precondition Required") \
	X(429, "Too Many Requests") X(431, "Request Header Fields Too Large") \
	X(451, "Unavailable For Legal Reasons") \
	X(500, "Internal Server Error") X(501, "Not Implemented") X(502, "Bad Gateway") \
	X(503, "Service Unavailable") X(504, "Gateway Timeout") X(505, "HTTP Version Not Supported") \
	X(506, "Variant Also Negotiates") X(507, "Insufficient Storage") X(508, "Loop Detected") \
	X(511, "Network Authentication Required")
/* clang-format on */

typedef struct status_row {
	const char *line; /* with its CRLF */
	size_t size;
	const char *reason;
} status_row;

enum {
	ROW_NONE,
#define STATUS_ENUM(status, reason) ROW_##status,
	STATUSES(STATUS_ENUM)
#undef STATUS_ENUM
};

static const status_row status_rows[] = { { "", 0, "" },
#define STATUS_ROW(status, reason)                                                                 \
	{ "HTTP/1.1 " #status " " reason "\r\n", sizeof("HTTP/1.1 000 " reason "\r\n") - 1, reason },
	STATUSES(STATUS_ROW)
#undef STATUS_ROW
};

static const uint8_t row_of_status[512 - 100] = {
#define STATUS_INDEX(status, reason) [status - 100] = ROW_##status,
	STATUSES(STATUS_INDEX)
#undef STATUS_INDEX
};

static const status_row *find_status(int status)
{
	return &status_rows[status >= 100 && status < 512 ? row_of_status[status - 100] : ROW_NONE];
}

const char *wf_http_status_text(int status)
{
	return find_status(status)->reason;
}

static int refuse(wf_http_writer *writer)
{
	if (writer->error == 0) writer->error = WEFT_EINVAL;
	return WEFT_EINVAL;
}

int wf_http_write_status(wf_http_writer *writer, int status)
{
	const status_row *row = find_status(status);
	if (wf_likely(row->size != 0)) {
		wf_http_write_raw(writer, row->line, row->size);
		return 0;
	}
	if (status < 100 || status > 999) return refuse(writer);
	char line[] = "HTTP/1.1 000 \r\n";
	line[9] = (char)('0' + status / 100);
	line[10] = (char)('0' + status / 10 % 10);
	line[11] = (char)('0' + status % 10);
	wf_http_write_raw(writer, line, sizeof line - 1);
	return 0;
}

static bool is_token(const char *text, size_t size)
{
	return size > 0 && wf_scan_token(text, text + size, text) == text + size;
}

int wf_http_write_request(wf_http_writer *writer, const char *method, size_t method_size,
	const char *target, size_t target_size)
{
	if (!is_token(method, method_size) || target_size == 0) return refuse(writer);
	if (wf_scan_target(target, target + target_size, target) != target + target_size)
		return refuse(writer);
	wf_http_write_raw(writer, method, method_size);
	WF_HTTP_WRITE(writer, " ");
	wf_http_write_raw(writer, target, target_size);
	WF_HTTP_WRITE(writer, " HTTP/1.1\r\n");
	return 0;
}

int wf_http_write_field(wf_http_writer *writer, const char *name, size_t name_size,
	const char *value, size_t value_size)
{
	if (!is_token(name, name_size)) return refuse(writer);
	if (wf_scan_value(value, value + value_size, value) != value + value_size)
		return refuse(writer);
	wf_http_write_raw(writer, name, name_size);
	WF_HTTP_WRITE(writer, ": ");
	wf_http_write_raw(writer, value, value_size);
	WF_HTTP_WRITE(writer, "\r\n");
	return 0;
}

char *wf_http_put_length(char *at, uint64_t content_length)
{
	static const char name[] = "Content-Length: ";
	uint64_t left = content_length;
	memcpy(at, name, sizeof name - 1);
	at += sizeof name;
	while ((left /= 10) != 0) at++;
	char *digit = at;
	do {
		*--digit = (char)('0' + content_length % 10);
		content_length /= 10;
	} while (content_length != 0);
	memcpy(at, "\r\n", 2);
	return at + 2;
}

void wf_http_write_length(wf_http_writer *writer, uint64_t content_length)
{
	char line[WF_HTTP_LENGTH_BYTES];
	wf_http_write_raw(writer, line, (size_t)(wf_http_put_length(line, content_length) - line));
}

int wf_http_write_end(wf_http_writer *writer)
{
	WF_HTTP_WRITE(writer, "\r\n");
	if (writer->error != 0) return writer->error;
	return writer->size <= writer->room ? 0 : WEFT_EFULL;
}

wf_http_framing wf_http_frame_response(
	wf_http_method request_method, int minor_version, int status, int64_t length)
{
	wf_http_framing framing = { WF_BODY_NONE, false };
	if (status < 200 || status == 204 || status == 304) return framing;
	if (request_method == WF_METHOD_CONNECT && status < 300) return framing;
	if (length >= 0)
		framing.kind = WF_BODY_LENGTH;
	else
		framing.kind = minor_version > 0 ? WF_BODY_CHUNKED : WF_BODY_CLOSE;
	framing.content = request_method != WF_METHOD_HEAD && length != 0;
	return framing;
}

void wf_http_write_framing(wf_http_writer *writer, wf_http_framing framing, int64_t length)
{
	if (framing.kind == WF_BODY_LENGTH) wf_http_write_length(writer, (uint64_t)length);
	if (framing.kind == WF_BODY_CHUNKED) WF_HTTP_WRITE(writer, "Transfer-Encoding: chunked\r\n");
}

size_t wf_http_chunk_head(char out[WF_HTTP_CHUNK_HEAD_BYTES], size_t size, bool first)
{
	static const char digits[] = "0123456789abcdef";
	char *at = out;
	if (!first) {
		*at++ = '\r';
		*at++ = '\n';
	}
	int shift = 60;
	while (shift > 0 && (uint64_t)size >> shift == 0) shift -= 4;
	for (; shift >= 0; shift -= 4) *at++ = digits[(uint64_t)size >> shift & 15];
	*at++ = '\r';
	*at++ = '\n';
	return (size_t)(at - out);
}
