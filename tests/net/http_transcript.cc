#include "tests/net/http_transcript.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>

namespace
{

/* Exactly as long as its content, so that a sanitizer sees every read outside. */
struct Block {
	std::unique_ptr<char[]> bytes;
	size_t size;
	Block(const char *from, size_t size) : bytes(new char[size]), size(size)
	{
		std::copy(from, from + size, bytes.get());
	}
};

class Reader
{
  public:
	explicit Reader(const Reading &reading) : reading_(reading), fields_(reading.limits.fields)
	{
		begin();
	}

	/* Takes what arrived; false once the connection is refused. */
	bool take(const std::string &bytes)
	{
		pending_ += bytes;
		while (alive_ && (in_body_ ? take_body() : take_head())) continue;
		return alive_;
	}

	std::string text() const
	{
		return alive_ ? text_ + "more\n" : text_;
	}

	const std::vector<Message> &messages() const
	{
		return messages_;
	}

  private:
	void begin()
	{
		message_ = {};
		in_body_ = false;
		wf_http_head_init(&head_, reading_.kind, fields_.data(), &reading_.limits);
	}

	void refuse(int rc)
	{
		if (!body_.empty()) end_piece();
		text_ += "refused " + std::to_string(wf_http_error_status(rc)) + " ";
		text_ += std::string(wf_http_error_name(rc)) + "\n";
		alive_ = false;
	}

	std::string span(const char *data, wf_http_span span) const
	{
		return std::string(data + span.at, span.size);
	}

	void add_fields(const wf_http_head &head, const char *data, const char *label)
	{
		for (uint32_t i = 0; i < head.field_count; i++) {
			const wf_http_field &field = head.fields[i];
			text_ += label + span(data, field.name) + ": " + span(data, field.value) + "\n";
			message_.fields.emplace_back(span(data, field.name), span(data, field.value));
		}
	}

	void add_head(const char *data)
	{
		static const char *const forms[] = { "origin", "absolute", "authority", "asterisk" };
		if (reading_.kind == WF_HTTP_REQUEST) {
			text_ += "request " + span(data, head_.method) + "#" + std::to_string(head_.method_id) +
					 " " + span(data, head_.target) + " " + forms[head_.form] +
					 " path=" + span(data, head_.path) +
					 " query=" + (head_.query.at ? span(data, head_.query) : "-") +
					 " host=" + span(data, head_.host);
		} else {
			text_ += "response " + std::to_string(head_.status) + " " + span(data, head_.reason);
		}
		message_.method = span(data, head_.method);
		message_.target = span(data, head_.target);
		message_.minor_version = head_.minor_version;
		message_.keep_alive = head_.keep_alive;
		message_.upgrade = head_.upgrade || head_.method_id == WF_METHOD_CONNECT;
		text_ += " 1." + std::to_string(head_.minor_version);
		text_ += " length=" + std::to_string(head_.content_length);
		text_ += head_.chunked ? " chunked" : "";
		text_ += head_.has_body ? " body" : "";
		text_ += head_.keep_alive ? " keep-alive" : " close";
		text_ += head_.upgrade ? " upgrade" : "";
		text_ += head_.expect_continue ? " expect" : "";
		text_ += "\n";
		add_fields(head_, data, "field ");
	}

	bool take_head()
	{
		if (pending_.empty()) return false;
		Block block(pending_.data(), pending_.size());
		int rc = wf_http_parse(&head_, block.bytes.get(), block.size);
		if (rc < 0) {
			EXPECT_EQ(wf_http_parse(&head_, block.bytes.get(), block.size), rc) << "not final";
			refuse(rc);
			return false;
		}
		if (rc == WF_HTTP_MORE) return false;
		add_head(block.bytes.get());
		pending_.erase(0, head_.size);
		wf_http_body_kind kind = reading_.kind == WF_HTTP_REQUEST
									 ? wf_http_request_body(&head_)
									 : wf_http_response_body(&head_, reading_.answered);
		rc = wf_http_body_init(&decoder_, kind, head_.content_length, reading_.body_limit);
		if (rc < 0) refuse(rc);
		trailers_.resize(reading_.trailer_room);
		if (rc == 0 && reading_.trailer_room > 0)
			wf_http_body_keep_trailers(&decoder_, trailers_.data(), reading_.trailer_room);
		in_body_ = true;
		return true;
	}

	void end_piece()
	{
		message_.body = body_;
		text_ += "body " + std::to_string(body_.size()) + " " + body_ + "\n";
		body_.clear();
	}

	void end_message()
	{
		wf_http_head trailers;
		std::vector<wf_http_field> fields(16);
		if (!body_.empty()) end_piece();
		int rc = wf_http_body_trailers(&decoder_, &trailers, fields.data(), 16);
		if (rc < 0) return refuse(rc);
		EXPECT_EQ(rc, WF_HTTP_DONE);
		add_fields(trailers, trailers_.data(), "trailer ");
		text_ += "end\n";
		messages_.push_back(message_);
		begin();
	}

	bool take_body()
	{
		Block block(pending_.data(), pending_.size());
		const char *piece = nullptr;
		size_t used = 0, size = 0;
		int rc = wf_http_body_take(&decoder_, block.bytes.get(), block.size, &used, &piece, &size);
		if (rc < 0) refuse(rc);
		if (rc < 0) return false;
		if (rc == WF_HTTP_PIECE) {
			EXPECT_GT(size, 0u);
			EXPECT_EQ(piece + size, block.bytes.get() + used);
			body_.append(piece, size);
		}
		if (rc == WF_HTTP_MORE) {
			EXPECT_EQ(used, block.size);
		}
		pending_.erase(0, used);
		if (rc == WF_HTTP_DONE) end_message();
		return rc != WF_HTTP_MORE;
	}

	Reading reading_;
	std::vector<wf_http_field> fields_;
	std::vector<char> trailers_;
	wf_http_head head_;
	wf_http_body decoder_;
	std::string pending_, body_, text_;
	Message message_;
	std::vector<Message> messages_;
	bool in_body_ = false, alive_ = true;
};

} // namespace

std::vector<Message> read_messages(
	const std::string &bytes, std::string *refused, const Reading &reading)
{
	Reader reader(reading);
	reader.take(bytes);
	*refused = refusal(reader.text());
	return reader.messages();
}

std::string transcript(
	const std::string &bytes, const std::vector<size_t> &cuts, const Reading &reading)
{
	Reader reader(reading);
	size_t from = 0;
	for (size_t cut : cuts) {
		if (!reader.take(bytes.substr(from, cut - from))) return reader.text();
		from = cut;
	}
	reader.take(bytes.substr(from));
	return reader.text();
}

std::string transcript_any_cut(const std::string &bytes, const Reading &reading)
{
	std::string whole = transcript(bytes, {}, reading);
	std::vector<size_t> all, threes;
	for (size_t cut = 1; cut < bytes.size(); cut++) {
		all.push_back(cut);
		if (cut % 3 == 0) threes.push_back(cut);
		EXPECT_EQ(transcript(bytes, { cut }, reading), whole) << "cut at " << cut << ": " << bytes;
	}
	EXPECT_EQ(transcript(bytes, all, reading), whole) << "byte by byte: " << bytes;
	EXPECT_EQ(transcript(bytes, threes, reading), whole) << "in threes: " << bytes;
	return whole;
}

std::string refusal(const std::string &transcript)
{
	size_t at = transcript.rfind("refused ");
	if (at == std::string::npos) return "";
	return transcript.substr(at + 12, transcript.size() - at - 13);
}

size_t messages(const std::string &transcript)
{
	size_t n = 0;
	for (size_t at = 0; (at = transcript.find("\nend\n", at)) != std::string::npos; at++) n++;
	return n;
}
