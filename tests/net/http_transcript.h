/* What the codec makes of a connection, as text: two ways of cutting the same bytes must read the
 * same. One line for each thing that happened:
 *   request GET /path 1.1 close host=a path=/path query=… body=chunked …
 *   field name: value
 *   body 12 <content>
 *   trailer name: value
 *   end
 * and at the end of the bytes `more`, or `refused 400 NAME`. */
#ifndef WF_TESTS_NET_HTTP_TRANSCRIPT_H
#define WF_TESTS_NET_HTTP_TRANSCRIPT_H

#include "net/http/http_body.h"

#include <string>
#include <utility>
#include <vector>

struct Reading {
	wf_http_kind kind = WF_HTTP_REQUEST;
	wf_http_method answered = WF_METHOD_GET; /* by a response */
	wf_http_limits limits = { WF_HTTP_HEAD_BYTES, WF_HTTP_TARGET_BYTES, WF_HTTP_FIELDS };
	int64_t body_limit = -1;
	uint32_t trailer_room = 1024;
};

/* One complete message, for comparing with what another parser read. */
struct Message {
	std::string method, target, body;
	int minor_version = 0;
	bool keep_alive = false, upgrade = false;
	std::vector<std::pair<std::string, std::string>> fields; /* trailers behind */
};

/* The messages read before the refusal, if there was one: *refused is its name or empty. */
std::vector<Message> read_messages(
	const std::string &bytes, std::string *refused, const Reading &reading = {});

/* The bytes arrive in pieces that end at `cuts` and at their end. */
std::string transcript(
	const std::string &bytes, const std::vector<size_t> &cuts = {}, const Reading &reading = {});

/* The transcript, after claiming that it is the same for every cut in two, byte by byte, and in
 * threes. */
std::string transcript_any_cut(const std::string &bytes, const Reading &reading = {});

/* Of such a transcript: "LENGTH_TWICE" where the last line is a refusal, "" if it is none. */
std::string refusal(const std::string &transcript);
/* How many messages were complete. */
size_t messages(const std::string &transcript);

#endif
