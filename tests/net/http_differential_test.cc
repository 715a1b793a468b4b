/* The parser beside llhttp, Node's, on generated messages. Where both read a message they must read
 * the same; what we take and llhttp does not, or the other way round, must be on one of the two
 * lists below. Debian's node-llhttp ships llhttp as sources only; without it there is no oracle and
 * the tests say so. */
#include "tests/net/http_transcript.h"

#include <gtest/gtest.h>
#include <random>
#include <set>

#ifdef WF_TEST_LLHTTP
#include <llhttp.h>
#endif

namespace
{

#ifdef WF_TEST_LLHTTP

/* What we refuse and llhttp reads on. */
const std::set<std::string> stricter = {
	"BARE_CR",         /* llhttp skips CR before a request */
	"BARE_LF",         /* llhttp ends request line and fields at LF alone */
	"CHUNK_EXTENSION", /* llhttp takes names without value behind '=' and the like */
	"CODING",          /* llhttp looks at the last element only */
	"CODING_NOT_LAST", /* llhttp does not mind chunked twice, and takes other ends for none */
	"CODING_UNKNOWN",  /* llhttp leaves other codings to its user */
	"CODING_VERSION",  /* llhttp takes Transfer-Encoding in HTTP/1.0 */
	"EMPTY_LINE",      /* llhttp skips any number */
	"EXPECTATION",     /* llhttp leaves it to its user */
	"FIELD_NAME",      /* llhttp takes an empty name */
	"HOST",            /* llhttp does not look at Host */
	"HOST_MISSING", "HOST_TWICE", "LEADING_SPACE", /* llhttp folds the first field too */
	"OBS_FOLD",                                    /* llhttp unfolds */
	"TARGET",      /* llhttp takes double quotes, angle brackets and fragments */
	"TARGET_FORM", /* llhttp takes any form with any method */
	"TRAILER",     /* llhttp takes any field in trailers */
	"VERSION",     /* llhttp takes "GET /", HTTP/0.9 */
};

/* What llhttp refuses, in its words, and we take. */
const std::set<std::string> laxer = {
	"Invalid method encountered",                          /* any token is a method */
	"Expected space after method", "Invalid HTTP version", /* 1.2 to 1.9 */
	"Invalid character in chunk extensions",               /* white space around ';' and '=' */
	"Invalid character in chunk extensions name", "Invalid character in chunk extensions value",
	"Invalid character in chunk size", /* only with such white space: see is_laxer */
};

struct Oracle {
	llhttp_t parser;
	llhttp_settings_t settings;
	std::string error;
	Message message;
	std::vector<Message> messages;
	bool paused = false;
};

Oracle *oracle_of(llhttp_t *parser)
{
	return static_cast<Oracle *>(parser->data);
}

std::string trim(const std::string &text)
{
	size_t from = text.find_first_not_of(" \t"), to = text.find_last_not_of(" \t");
	return from == std::string::npos ? "" : text.substr(from, to - from + 1);
}

int on_begin(llhttp_t *parser)
{
	oracle_of(parser)->message = {};
	return 0;
}

int on_method(llhttp_t *parser, const char *at, size_t size)
{
	oracle_of(parser)->message.method.append(at, size);
	return 0;
}

int on_url(llhttp_t *parser, const char *at, size_t size)
{
	oracle_of(parser)->message.target.append(at, size);
	return 0;
}

int on_field(llhttp_t *parser, const char *at, size_t size)
{
	auto &fields = oracle_of(parser)->message.fields;
	if (fields.empty() || fields.back().second.size() > 0) fields.emplace_back();
	fields.back().first.append(at, size);
	return 0;
}

/* A mark keeps an empty value apart from one that has not come yet. */
int on_field_complete(llhttp_t *parser)
{
	oracle_of(parser)->message.fields.back().second = " ";
	return 0;
}

int on_value(llhttp_t *parser, const char *at, size_t size)
{
	oracle_of(parser)->message.fields.back().second.append(at, size);
	return 0;
}

int on_headers(llhttp_t *parser)
{
	Message &message = oracle_of(parser)->message;
	message.minor_version = parser->http_minor;
	return 0;
}

int on_body(llhttp_t *parser, const char *at, size_t size)
{
	oracle_of(parser)->message.body.append(at, size);
	return 0;
}

int on_end(llhttp_t *parser)
{
	Oracle *oracle = oracle_of(parser);
	oracle->message.keep_alive = llhttp_should_keep_alive(parser) != 0;
	oracle->message.upgrade = parser->upgrade != 0;
	for (auto &field : oracle->message.fields) field.second = trim(field.second);
	oracle->messages.push_back(oracle->message);
	return 0;
}

Oracle ask_oracle(const std::string &bytes)
{
	Oracle oracle;
	llhttp_settings_init(&oracle.settings);
	oracle.settings.on_message_begin = on_begin;
	oracle.settings.on_method = on_method;
	oracle.settings.on_url = on_url;
	oracle.settings.on_header_field = on_field;
	oracle.settings.on_header_field_complete = on_field_complete;
	oracle.settings.on_header_value = on_value;
	oracle.settings.on_headers_complete = on_headers;
	oracle.settings.on_body = on_body;
	oracle.settings.on_message_complete = on_end;
	llhttp_init(&oracle.parser, HTTP_REQUEST, &oracle.settings);
	oracle.parser.data = &oracle;
	llhttp_errno_t rc = llhttp_execute(&oracle.parser, bytes.data(), bytes.size());
	oracle.paused = rc == HPE_PAUSED_UPGRADE;
	if (rc != HPE_OK && !oracle.paused && rc != HPE_CLOSED_CONNECTION)
		oracle.error = llhttp_get_error_reason(&oracle.parser);
	return oracle;
}

std::string describe(const Message &message)
{
	std::string text = message.method + " " + message.target + " 1." +
					   std::to_string(message.minor_version) +
					   (message.keep_alive ? " keep-alive\n" : " close\n");
	for (const auto &[name, value] : message.fields) text += name + ": " + value + "\n";
	return text + "\n" + message.body;
}

/* Connection asks for both, which llhttp decides by the last one, and we by the safe one. */
bool asks_for_both(const Message &message)
{
	bool close = false, keep_alive = false;
	for (const auto &[name, value] : message.fields) {
		if (!wf_http_same(name.data(), name.size(), "connection", 10)) continue;
		close = close || wf_http_list_has(value.data(), value.size(), "close");
		keep_alive = keep_alive || wf_http_list_has(value.data(), value.size(), "keep-alive");
	}
	return close && keep_alive;
}

/* Both stop where the connection would: behind the first message that is its last. */
void cut_at_last(std::vector<Message> *messages)
{
	for (size_t i = 0; i < messages->size(); i++)
		if (!(*messages)[i].keep_alive || (*messages)[i].upgrade) messages->resize(i + 1);
}

bool contains(const std::string &bytes, const std::string &part)
{
	return bytes.find(part) != std::string::npos;
}

/* A folded length reads as an empty one and then a fold; the empty one is refused first. */
bool is_listed(const std::string &refused, const std::string &bytes)
{
	bool folded = contains(bytes, "\r\n ") || contains(bytes, "\r\n\t");
	return stricter.count(refused) != 0 || (folded && refused == "LENGTH");
}

bool is_laxer(const std::string &error, const std::string &bytes)
{
	bool spaced = contains(bytes, " ;") || contains(bytes, "\t;");
	return laxer.count(error) != 0 && (spaced || error != "Invalid character in chunk size");
}

bool is_last(const std::vector<Message> &messages)
{
	return !messages.empty() && (!messages.back().keep_alive || messages.back().upgrade);
}

/* How it went on behind the messages that both read. */
void compare_ends(const std::string &bytes, size_t ours, const std::string &refused, size_t theirs,
	const std::string &error)
{
	if (refused.empty()) {
		ASSERT_EQ(error, "") << bytes;
		ASSERT_EQ(ours, theirs) << bytes;
	} else if (is_listed(refused, bytes)) {
		ASSERT_LE(ours, theirs) << bytes;
	} else {
		ASSERT_NE(error, "") << refused << " in\n" << bytes;
		ASSERT_EQ(ours, theirs) << bytes;
	}
}

/* Adds what we refused to *met. llhttp takes a tab at the end of a value for a part of it and then
 * does not know "chunked" or "close" any more, against RFC 9110 section 5.5; such values are left
 * out. */
void compare(const std::string &bytes, std::set<std::string> *met)
{
	if (contains(bytes, "\t\r")) return;
	std::string refused;
	std::vector<Message> ours = read_messages(bytes, &refused);
	Oracle oracle = ask_oracle(bytes);
	cut_at_last(&ours);
	for (size_t i = 0; i < ours.size() && i < oracle.messages.size(); i++) {
		if (asks_for_both(ours[i])) oracle.messages[i].keep_alive = ours[i].keep_alive;
		/* llhttp upgrades from HTTP/1.0 too. */
		if (ours[i].minor_version == 0) ours[i].upgrade = oracle.messages[i].upgrade;
		ASSERT_EQ(describe(ours[i]), describe(oracle.messages[i])) << bytes;
	}
	cut_at_last(&ours);
	cut_at_last(&oracle.messages);
	if (!refused.empty()) met->insert(refused);
	if (is_laxer(oracle.error, bytes)) return;
	if (is_last(ours)) {
		ASSERT_EQ(ours.size(), oracle.messages.size()) << oracle.error << "\n" << bytes;
		return;
	}
	compare_ends(bytes, ours.size(), refused, oracle.messages.size(), oracle.error);
}

using Random = std::mt19937;

template <class T, size_t n> const T &pick(Random &random, const T (&list)[n])
{
	return list[random() % n];
}

std::string chunks(Random &random)
{
	static const char *const sizes[] = { "3", "03", "3;a", "3;a=b", "003" };
	static const char *const ends[] = { "0\r\n\r\n", "0\r\n\r\n", "00\r\n\r\n", "0;x=y\r\n\r\n",
		"0\r\nX-T: u\r\n\r\n" };
	std::string body;
	for (unsigned n = random() % 3; n > 0; n--)
		body += pick(random, sizes) + std::string("\r\nabc\r\n");
	return body + pick(random, ends);
}

/* A message that is mostly right. */
std::string generate(Random &random)
{
	static const char *const methods[] = { "GET", "GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS",
		"PATCH" };
	static const char *const targets[] = { "/", "/a/b", "/a?b=c", "/%41;x", "http://a/b", "/a|b",
		"/abcdefghijklmnopqrstuvwxyz0123456789?x" };
	static const char *const fields[] = { "Accept: */*\r\n", "X-Empty:\r\n", "X: a b  \r\n",
		"Connection: close\r\n", "Connection: keep-alive\r\n",
		"User-Agent: Mozilla/5.0 (X11; x)\r\n", "connection: x, Keep-Alive\r\n",
		"X_Y: \x80\xff\r\n", "Accept-Encoding:gzip,  br \r\n", "Upgrade: h2c\r\n",
		"Expect: 100-continue\r\n", "Connection: Upgrade\r\n" };
	std::string text = pick(random, methods); /* in steps: compilers order operands as they like */
	text += std::string(" ") + pick(random, targets);
	bool modern = random() % 6 != 0;
	text += modern ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n";
	text += "Host: a.example:80\r\n";
	for (unsigned n = random() % 4; n > 0; n--) text += pick(random, fields);
	switch (random() % (modern ? 4 : 3)) {
	case 0:
		return text + "Content-Length: 5\r\n\r\nabcde";
	case 3:
		return text + "Transfer-Encoding: chunked\r\n\r\n" + chunks(random);
	default:
		return text + "\r\n";
	}
}

/* One change, of the kinds that parsers have fallen for. */
void mutate(Random &random, std::string *text)
{
	static const char *const parts[] = { "\r\n", "\n", "\r", " ", "\t", ":", ",", ";", "0", "5",
		"+", "Content-Length: 5\r\n", "Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n",
		"Transfer-Encoding: gzip\r\n", "Host: b\r\n", " folded\r\n", "chunked, ", "\x0b", "\x7f",
		"\x80", "HTTP/1.1", "X: y\r\n", "\r\n\r\n", "0\r\n\r\n", "#", "\"" };
	size_t place = random() % (text->size() + 1);
	switch (random() % 5) {
	case 0:
		if (place < text->size()) text->erase(place, 1 + random() % 3);
		break;
	case 1:
		if (place < text->size()) (*text)[place] = static_cast<char>(random());
		break;
	case 2: {
		size_t line = text->find('\n', place);
		text->insert(line == std::string::npos ? 0 : line + 1, pick(random, parts));
		break;
	}
	default:
		text->insert(place, pick(random, parts));
	}
}

std::string generate_stream(Random &random)
{
	std::string text = generate(random);
	for (unsigned n = random() % 3; n > 0; n--) text += generate(random);
	return text;
}

TEST(HttpDifferential, ReadsWhatIsRightLikeTheOracle)
{
	Random random(1);
	std::set<std::string> met;
	for (int i = 0; i < 2000 && !HasFatalFailure(); i++) compare(generate_stream(random), &met);
	EXPECT_TRUE(met.empty()) << *met.begin();
}

TEST(HttpDifferential, DiffersFromTheOracleOnlyWhereItIsListed)
{
	Random random(2);
	std::set<std::string> met;
	for (int i = 0; i < 20000 && !HasFatalFailure(); i++) {
		std::string text = generate_stream(random);
		for (unsigned n = 1 + random() % 2; n > 0; n--) mutate(random, &text);
		compare(text, &met);
	}
	EXPECT_GE(met.size(), 20u) << "the generator reaches too little";
}

#else
TEST(HttpDifferential, ReadsWhatIsRightLikeTheOracle)
{
	GTEST_SKIP() << "llhttp is not installed: it is Debian's package node-llhttp";
}
#endif

TEST(HttpDifferential, ReadsGeneratedMessagesAlikeHoweverTheyAreCut)
{
#ifdef WF_TEST_LLHTTP
	Random random(3);
	for (int i = 0; i < 150 && !HasFailure(); i++) {
		std::string text = generate(random);
		if (i % 3 != 0) mutate(random, &text);
		transcript_any_cut(text);
	}
#endif
}

} // namespace
