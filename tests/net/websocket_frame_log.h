/* What a decoder made of some bytes, as text: "TEXT(Hello) PING() CLOSE(1000,bye) 1002". Messages
 * and control frames in the order in which they were complete; a refusal is its close code. */
#ifndef WF_TESTS_NET_WEBSOCKET_FRAME_LOG_H
#define WF_TESTS_NET_WEBSOCKET_FRAME_LOG_H

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "net/websocket/websocket_frame.h"
#include "net/websocket/websocket_mask.h"

namespace frames
{

inline const uint8_t key[4] = { 0x37, 0xFA, 0x21, 0x3D };
inline const wf_websocket_rules from_client = { .from_client = true };
inline const wf_websocket_rules from_server = { .from_client = false };

enum : unsigned {
	FIN = WF_WEBSOCKET_FIN,
	RSV1 = WF_WEBSOCKET_RSV1,
	MORE = WF_WEBSOCKET_CONTINUATION,
	TEXT = WF_WEBSOCKET_TEXT,
	BINARY = WF_WEBSOCKET_BINARY,
	CLOSE = WF_WEBSOCKET_CLOSE,
	PING = WF_WEBSOCKET_PING,
	PONG = WF_WEBSOCKET_PONG
};

/* A frame as a client sends it. Written by hand, so that wrong ones can be made too. */
inline std::string frame(unsigned first, std::string_view payload, bool masked = true)
{
	std::string out(1, (char)first);
	size_t size = payload.size();
	unsigned mask_bit = masked ? 0x80 : 0;
	if (size < 126) {
		out += (char)(mask_bit | size);
	} else if (size < 65536) {
		out += (char)(mask_bit | 126);
		for (int shift = 8; shift >= 0; shift -= 8) out += (char)(size >> shift);
	} else {
		out += (char)(mask_bit | 127);
		for (int shift = 56; shift >= 0; shift -= 8) out += (char)(size >> shift);
	}
	if (masked) out.append((const char *)key, 4);
	for (size_t i = 0; i < size; i++)
		out += (char)((uint8_t)payload[i] ^ (masked ? key[i % 4] : 0));
	return out;
}

inline std::string close_frame(unsigned code, std::string_view reason = "")
{
	std::string payload = { (char)(code >> 8), (char)code };
	return frame(FIN | CLOSE, payload.append(reason));
}

class Log
{
  public:
	explicit Log(const wf_websocket_rules &rules)
	{
		wf_websocket_decoder_init(&decoder, &rules);
	}

	/* From a block of just that size, so that a sanitizer sees each step past its end. */
	int feed(std::string_view input)
	{
		std::unique_ptr<uint8_t[]> block(new uint8_t[input.size()]);
		memcpy(block.get(), input.data(), input.size());
		for (size_t at = 0; at < input.size();) {
			wf_websocket_event event;
			size_t used;
			int rc =
				wf_websocket_decode(&decoder, block.get() + at, input.size() - at, &event, &used);
			if (rc < 0) {
				note(std::to_string(wf_websocket_error_code(wf_websocket_decoder_error(&decoder))));
				return rc;
			}
			at += used;
			EXPECT_TRUE(rc == 1 || at == input.size());
			if (rc == 1) take(event);
		}
		return 0;
	}

	wf_websocket_decoder decoder;
	std::string text;
	size_t pieces = 0;

  private:
	void note(const std::string &entry)
	{
		if (!text.empty()) text += ' ';
		text += entry;
	}

	void take(const wf_websocket_event &event)
	{
		std::string payload((const char *)event.data, event.size);
		if (event.opcode == CLOSE) {
			note("CLOSE(" + std::to_string(event.close_code) + "," + payload + ")");
		} else if (event.opcode == PING || event.opcode == PONG) {
			note((event.opcode == PING ? "PING(" : "PONG(") + payload + ")");
		} else {
			take_piece(event, payload);
		}
	}

	void take_piece(const wf_websocket_event &event, const std::string &payload)
	{
		pieces++;
		EXPECT_EQ(!in_message_, event.begins);
		EXPECT_TRUE(event.ends || event.size > 0);
		in_message_ = !event.ends;
		message_ += payload;
		if (!event.ends) return;
		note(std::string(event.opcode == TEXT ? "TEXT" : "BINARY") +
			 (event.compressed ? "*(" : "(") + message_ + ")");
		message_.clear();
	}

	std::string message_;
	bool in_message_ = false;
};

/* How it reads whole, byte by byte, and cut in two at every place; it must all be the same. */
inline std::string read(const std::string &input, const wf_websocket_rules &rules = from_client)
{
	Log whole(rules), bytes(rules);
	whole.feed(input);
	for (size_t i = 0; i < input.size(); i++)
		if (bytes.feed(input.substr(i, 1)) < 0) break;
	EXPECT_EQ(whole.text, bytes.text) << "byte by byte";
	for (size_t cut = 1; cut < input.size() && cut < 1000; cut++) {
		Log halves(rules);
		if (halves.feed(input.substr(0, cut)) == 0) halves.feed(input.substr(cut));
		EXPECT_EQ(whole.text, halves.text) << "cut at " << cut;
	}
	return whole.text;
}

/* How many bytes go in before the refusal: the number of the byte that broke the rule. */
inline size_t bytes_taken(const std::string &input, const wf_websocket_rules &rules = from_client)
{
	Log log(rules);
	size_t taken = 0;
	while (taken < input.size() && log.feed(input.substr(taken, 1)) == 0) taken++;
	return taken;
}

} // namespace frames

#endif
