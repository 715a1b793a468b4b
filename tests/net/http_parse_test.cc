/* Request heads: what is accepted and understood, and what is refused with which status. Every
 * message is also read in pieces cut everywhere, with the same result. */
#include "tests/net/http_transcript.h"

#include <gtest/gtest.h>

namespace
{

std::string get(const std::string &fields, const std::string &line = "GET / HTTP/1.1")
{
	return line + "\r\n" + fields + "\r\n";
}

/* A request that has all it needs besides `fields`. */
std::string with(const std::string &fields)
{
	return get("Host: a\r\n" + fields);
}

std::string first_line(const std::string &text)
{
	return text.substr(0, text.find('\n'));
}

TEST(HttpParse, ReadsAPlainRequest)
{
	EXPECT_EQ(transcript_any_cut("GET /a/b?c=d&e HTTP/1.1\r\nHost: example.org:80\r\n"
								 "Accept: */*\r\n\r\n"),
		"request GET#1 /a/b?c=d&e origin path=/a/b query=c=d&e host=example.org:80 1.1 length=-1 "
		"keep-alive\nfield Host: example.org:80\nfield Accept: */*\nend\nmore\n");
}

TEST(HttpParse, ReadsPipelinedRequests)
{
	std::string text = transcript_any_cut(
		with("Content-Length: 2\r\n") + "ab" + with("") + with("Connection: close\r\n"));
	EXPECT_EQ(messages(text), 3u);
	EXPECT_NE(text.find("body 2 ab\nend\nrequest"), std::string::npos) << text;
}

TEST(HttpParse, TrimsSpaceAroundValuesAndKeepsItInside)
{
	std::string text = transcript_any_cut(with("A:b\r\nC: \t d e\t \r\nF:\r\nG:   \r\n"));
	EXPECT_NE(text.find("field A: b\nfield C: d e\nfield F: \nfield G: \nend"), std::string::npos)
		<< text;
}

TEST(HttpParse, KnowsTheStandardMethodsAndTakesOthers)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE",
		"PATCH" };
	for (const char *name : names) {
		std::string text =
			transcript_any_cut(get("Host: a\r\n", std::string(name) + " / HTTP/1.1"));
		wf_http_method id = wf_http_method_of(name, strlen(name));
		EXPECT_EQ(text.find("request " + std::string(name) + "#" + std::to_string(id) + " "), 0u);
		EXPECT_NE(id, WF_METHOD_OTHER);
	}
	EXPECT_EQ(transcript_any_cut(get("Host: a\r\n", "get / HTTP/1.1")).find("request get#0 "), 0u);
	EXPECT_EQ(
		transcript_any_cut(get("Host: a\r\n", "M-SEARCH /x HTTP/1.1")).find("request M-SEARCH#0"),
		0u);
}

TEST(HttpParse, TellsTheFormsOfTargetsApart)
{
	struct {
		const char *line, *read;
	} const cases[] = {
		{ "GET http://b.example:81/p?q HTTP/1.1",
			"http://b.example:81/p?q absolute path=/p query=q host=b.example:81" },
		{ "GET HTTPS://b HTTP/1.1", "HTTPS://b absolute path= query=- host=b" },
		{ "GET http://b?q HTTP/1.1", "http://b?q absolute path= query=q host=b" },
		{ "OPTIONS * HTTP/1.1", "* asterisk path=* query=- host=a" },
		{ "CONNECT b:443 HTTP/1.1", "b:443 authority path= query=- host=a" },
		{ "CONNECT [::1]:443 HTTP/1.1", "[::1]:443 authority path= query=- host=a" },
		{ "GET /? HTTP/1.1", "/? origin path=/ query= host=a" },
		{ "GET //x/../y;z=%41?{|}^`\\ HTTP/1.1",
			"//x/../y;z=%41?{|}^`\\ origin path=//x/../y;z=%41 query={|}^`\\ host=a" },
	};
	for (const auto &each : cases) {
		std::string text = first_line(transcript_any_cut(get("Host: a\r\n", each.line)));
		EXPECT_NE(text.find(each.read), std::string::npos) << text;
	}
}

TEST(HttpParse, RefusesRequestLines)
{
	struct {
		const char *bytes, *name;
	} const cases[] = {
		{ " GET / HTTP/1.1\r\n", "LEADING_SPACE" },
		{ "\tGET / HTTP/1.1\r\n", "LEADING_SPACE" },
		{ "\r\n\r\nGET / HTTP/1.1\r\n", "EMPTY_LINE" },
		{ "\nGET / HTTP/1.1\r\n", "BARE_LF" },
		{ "\rGET / HTTP/1.1\r\n", "BARE_CR" },
		{ "\r\n\nGET / HTTP/1.1\r\n", "BARE_LF" },
		{ "G@T / HTTP/1.1\r\n", "METHOD" },
		{ "GET\t/ HTTP/1.1\r\n", "METHOD" },
		{ "GET\r\n", "METHOD" },
		{ "GET\n", "BARE_LF" },
		{ "\x16\x03\x01\x02", "METHOD" },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n", "METHOD_LONG" },
		{ "GET  / HTTP/1.1\r\n", "TARGET" },
		{ "GET /\x80 HTTP/1.1\r\n", "TARGET" },
		{ "GET /\x7f HTTP/1.1\r\n", "TARGET" },
		{ "GET /a\tb HTTP/1.1\r\n", "TARGET" },
		{ "GET /a#b HTTP/1.1\r\n", "TARGET" },
		{ "GET /a\"b HTTP/1.1\r\n", "TARGET" },
		{ "GET /<> HTTP/1.1\r\n", "TARGET" },
		{ "GET a HTTP/1.1\r\n", "TARGET_FORM" },
		{ "GET * HTTP/1.1\r\n", "TARGET_FORM" },
		{ "OPTIONS ** HTTP/1.1\r\n", "TARGET_FORM" },
		{ "GET ftp://a/ HTTP/1.1\r\n", "TARGET_FORM" },
		{ "GET http:// HTTP/1.1\r\n", "TARGET_FORM" },
		{ "GET http:///a HTTP/1.1\r\n", "HOST" },
		{ "GET http://u@a/ HTTP/1.1\r\n", "HOST" },
		{ "CONNECT /a HTTP/1.1\r\n", "TARGET_FORM" },
		{ "CONNECT a HTTP/1.1\r\n", "TARGET_FORM" },
		{ "CONNECT a: HTTP/1.1\r\n", "TARGET_FORM" },
		{ "CONNECT a:99999 HTTP/1.1\r\n", "TARGET_FORM" },
		{ "GET /\r\n", "VERSION" },
		{ "GET /\n", "BARE_LF" },
		{ "GET / \r\n", "VERSION" },
		{ "GET / HTTP/1.1 \r\n", "VERSION" },
		{ "GET / b HTTP/1.1\r\n", "VERSION" },
		{ "GET / http/1.1\r\n", "VERSION" },
		{ "GET / HTTP/11\r\n", "VERSION" },
		{ "GET / HTTP/1.\r\n", "VERSION" },
		{ "GET / HTTP/1.10\r\n", "VERSION" },
		{ "GET / HTTP/2.0\r\n", "VERSION_UNSUPPORTED" },
		{ "GET / HTTP/0.9\r\n", "VERSION_UNSUPPORTED" },
		{ "GET / HTTP/1.1\n", "BARE_LF" },
		{ "GET / HTTP/1.1\rH", "BARE_CR" },
		{ "GET / HTTP/1.1\r\r\n", "BARE_CR" },
	};
	for (const auto &each : cases)
		EXPECT_EQ(refusal(transcript_any_cut(each.bytes)), each.name) << each.bytes;
}

TEST(HttpParse, TakesOneEmptyLineBeforeARequest)
{
	std::string text = transcript_any_cut("\r\n" + with("") + "\r\n" + with(""));
	EXPECT_EQ(messages(text), 2u) << text;
}

TEST(HttpParse, TakesLaterMinorVersionsAsTheOneItKnows)
{
	EXPECT_NE(
		transcript_any_cut(get("Host: a\r\n", "GET / HTTP/1.7")).find(" 1.1 "), std::string::npos);
}

TEST(HttpParse, RefusesFieldLines)
{
	struct {
		const char *fields, *name;
	} const cases[] = {
		{ " X: y\r\n", "OBS_FOLD" },
		{ "X: y\r\n z\r\n", "OBS_FOLD" },
		{ "X: y\r\n\tz\r\n", "OBS_FOLD" },
		{ "X: y\r\n \r\n", "OBS_FOLD" },
		{ "X : y\r\n", "SPACE_BEFORE_COLON" },
		{ "X\t: y\r\n", "SPACE_BEFORE_COLON" },
		{ "X y: z\r\n", "SPACE_BEFORE_COLON" },
		{ ": y\r\n", "FIELD_NAME" },
		{ "X\r\n", "FIELD_NAME" },
		{ "X(y): z\r\n", "FIELD_NAME" },
		{ "X\x80: z\r\n", "FIELD_NAME" },
		{ "X{: z\r\n", "FIELD_NAME" },
		{ "X\n", "BARE_LF" },
		{ "\n", "BARE_LF" },
		{ "X: y\n", "BARE_LF" },
		{ "X: y\nZ: y\r\n", "BARE_LF" },
		{ "X: y\rZ: y\r\n", "BARE_CR" },
		{ "X: y\r\r\n", "BARE_CR" },
		{ "X: y\x01z\r\n", "FIELD_VALUE" },
		{ "X: y\x7fz\r\n", "FIELD_VALUE" },
		{ "X: \x0bz\r\n", "FIELD_VALUE" },
		{ "\rX", "BARE_CR" },
	};
	for (const auto &each : cases)
		EXPECT_EQ(refusal(transcript_any_cut(with(each.fields))), each.name) << each.fields;
	EXPECT_EQ(refusal(transcript_any_cut(get(" Host: a\r\n"))), "LEADING_SPACE");
	EXPECT_EQ(refusal(transcript_any_cut(with(std::string("X: y\0z\r\n", 8)))), "FIELD_VALUE");
	EXPECT_EQ(refusal(transcript_any_cut(with(std::string("X\0: z\r\n", 7)))), "FIELD_NAME");
}

TEST(HttpParse, TakesEveryTokenByteInNamesAndEveryTextByteInValues)
{
	std::string name =
		"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	std::string value = "x";
	for (int byte = 0x20; byte < 0x100; byte++)
		if (byte != 0x7f) value += static_cast<char>(byte);
	value += "\tx";
	std::string text = transcript_any_cut(with(name + ": " + value + "\r\n"));
	EXPECT_NE(text.find("field " + name + ": " + value + "\n"), std::string::npos) << text;
}

/* Sixteen places, so that each byte meets each lane of a vector and both of its tails. */
TEST(HttpParse, RefusesEveryOtherByteWhereverItStands)
{
	const std::string tokens = "!#$%&'*+-.^_`|~";
	for (int byte = 0; byte < 0x100; byte++) {
		char c = static_cast<char>(byte);
		bool token = isalnum(byte) || (byte != 0 && tokens.find(c) != std::string::npos);
		bool value = (byte >= 0x20 && byte != 0x7f) || c == '\t';
		bool target = byte > 0x20 && byte < 0x7f && !strchr("\"#<>", byte);
		for (size_t place = 0; place < 17; place++) {
			std::string name(place, 'n'), text(place, 'v'), path(place, 'p');
			if (c != ':') {
				EXPECT_EQ(transcript(with("X" + name + c + "Y: z\r\n")).back() == '\n' &&
							  refusal(transcript(with("X" + name + c + "Y: z\r\n"))).empty(),
					token)
					<< byte << " in a name at " << place;
			}
			EXPECT_EQ(refusal(transcript(with("X: v" + text + c + "w\r\n"))).empty(), value)
				<< byte << " in a value at " << place;
			if (c != ' ') {
				EXPECT_EQ(refusal(transcript(get("Host: a\r\n", "GET /" + path + c + "q HTTP/1.1")))
							  .empty(),
					target)
					<< byte << " in a target at " << place;
			}
		}
	}
}

TEST(HttpParse, WantsExactlyOneValidHost)
{
	EXPECT_EQ(refusal(transcript_any_cut(get("X: y\r\n"))), "HOST_MISSING");
	EXPECT_EQ(refusal(transcript_any_cut(get(""))), "HOST_MISSING");
	EXPECT_EQ(refusal(transcript_any_cut(get("", "GET / HTTP/1.0"))), "");
	EXPECT_EQ(refusal(transcript_any_cut(with("host: a\r\n"))), "HOST_TWICE");
	EXPECT_EQ(refusal(transcript_any_cut(with("HOST: b\r\n"))), "HOST_TWICE");
	EXPECT_EQ(
		refusal(transcript_any_cut(get("Host: a\r\nHost: a\r\n", "GET / HTTP/1.0"))), "HOST_TWICE");
	EXPECT_EQ(
		refusal(transcript_any_cut(get("X: y\r\n", "GET http://a/ HTTP/1.1"))), "HOST_MISSING");
	for (const char *host : { "a", "a.b-c_d~e", "127.0.0.1:8080", "a:", "a:0", "a:65535", "[::1]",
			 "[2001:db8::1]:80", "a%20b", "x!$&'()*+,;=y", "0123456789.abcdefghijklmnop:443" })
		EXPECT_EQ(refusal(transcript_any_cut(get("Host: " + std::string(host) + "\r\n"))), "")
			<< host;
	for (const char *host : { "", " ", "a b", "a,b c", "a/b", "a?b", "u@a", "a:b", "a:65536",
			 "a:-1", "a:1:2", ":80", "[::1", "::1", "[]", "[1.2.3.4]", "[::1]x", "[fe80::1%25en0]",
			 "a%2", "a%zz", "a\\b", "\"a\"", "<a>", "a\x80", "0123456789.abcdefghijklmnop^" })
		EXPECT_EQ(refusal(transcript_any_cut(get("Host: " + std::string(host) + "\r\n"))), "HOST")
			<< host;
}

TEST(HttpParse, TakesTheHostOfTheTargetOverThatOfTheField)
{
	for (const char *fields : { "Host: other\r\n", "X: y\r\nHost: other\r\n" })
		EXPECT_NE(transcript_any_cut(get(fields, "GET http://real/ HTTP/1.1")).find("host=real "),
			std::string::npos);
}

TEST(HttpParse, DecidesWhetherTheConnectionStays)
{
	struct {
		const char *version, *fields;
		bool stays;
	} const cases[] = {
		{ "1.1", "", true },
		{ "1.1", "Connection: close\r\n", false },
		{ "1.1", "Connection: Keep-Alive\r\n", true },
		{ "1.1", "Connection: keep-alive, CLOSE\r\n", false },
		{ "1.1", "Connection: x,,close ,y\r\n", false },
		{ "1.1", "Connection: closed\r\n", true },
		{ "1.1", "Connection: \"close\"\r\n", true },
		{ "1.1", "Connection: x\r\nConnection: close\r\n", false },
		{ "1.1", "Connection: \"x, close\r\n", false },
		{ "1.0", "", false },
		{ "1.0", "Connection: keep-alive\r\n", true },
		{ "1.0", "connection: KEEP-ALIVE\r\n", true },
		{ "1.0", "Connection: keep-alive\r\nConnection: close\r\n", false },
	};
	for (const auto &each : cases) {
		std::string fields = std::string("Host: a\r\n") + each.fields;
		std::string text =
			transcript_any_cut(get(fields, std::string("GET / HTTP/") + each.version));
		EXPECT_EQ(first_line(text).find(" keep-alive") != std::string::npos, each.stays) << text;
	}
}

TEST(HttpParse, SeesAnUpgradeOnlyWhenConnectionNamesIt)
{
	auto upgrades = [](const std::string &text) {
		return first_line(text).find(" upgrade") != std::string::npos;
	};
	std::string both = "Host: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";
	EXPECT_TRUE(upgrades(transcript_any_cut(get(both))));
	EXPECT_FALSE(upgrades(transcript_any_cut(get(both, "GET / HTTP/1.0"))));
	EXPECT_FALSE(upgrades(transcript_any_cut(with("Upgrade: websocket\r\n"))));
	EXPECT_FALSE(upgrades(transcript_any_cut(with("Connection: upgrade\r\n"))));
	EXPECT_FALSE(upgrades(transcript_any_cut(with("Connection: upgrade\r\nUpgrade: \r\n"))));
}

TEST(HttpParse, UnderstandsExpectations)
{
	std::string length = "Content-Length: 1\r\n";
	EXPECT_NE(transcript_any_cut(with(length + "Expect: 100-Continue\r\n")).find(" expect"),
		std::string::npos);
	EXPECT_EQ(
		transcript_any_cut(with("Expect: 100-continue\r\n")).find(" expect"), std::string::npos);
	for (const char *value : { "200-ok", "100-continue, x", "", "100-continues" })
		EXPECT_EQ(transcript_any_cut(with("Expect: " + std::string(value) + "\r\n")),
			"refused 417 EXPECTATION\n");
	std::string old = get(length + "Expect: 100-continue\r\n", "POST / HTTP/1.0");
	EXPECT_EQ(first_line(transcript_any_cut(old)).find(" expect"), std::string::npos);
	EXPECT_EQ(refusal(transcript_any_cut(get("Expect: x\r\n", "GET / HTTP/1.0"))), "");
}

TEST(HttpParse, HoldsTheTargetToItsLimit)
{
	Reading reading;
	reading.limits.target_bytes = 20;
	std::string fits = "GET /" + std::string(19, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
	std::string above = "GET /" + std::string(20, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
	std::string bad = "GET /" + std::string(20, 'a') + "\x01 HTTP/1.1\r\nHost: a\r\n\r\n";
	EXPECT_EQ(refusal(transcript_any_cut(fits, reading)), "");
	EXPECT_EQ(transcript_any_cut(above, reading), "refused 414 TARGET_LONG\n");
	EXPECT_EQ(refusal(transcript_any_cut(bad, reading)), "TARGET_LONG");
	EXPECT_EQ(refusal(transcript("GET /" + std::string(9000, 'a'))), "TARGET_LONG");
	reading.limits.head_bytes = 10;
	EXPECT_EQ(refusal(transcript_any_cut(fits, reading)), "TARGET_LONG");
}

TEST(HttpParse, HoldsTheHeadToItsLimit)
{
	std::string head = with("X: 0123456789\r\n");
	Reading reading;
	reading.limits.head_bytes = static_cast<uint32_t>(head.size());
	EXPECT_EQ(refusal(transcript_any_cut(head, reading)), "");
	EXPECT_EQ(messages(transcript_any_cut(head + head, reading)), 2u);
	for (uint32_t limit = 14; limit < head.size(); limit++) {
		reading.limits.head_bytes = limit;
		EXPECT_EQ(transcript_any_cut(head, reading), "refused 431 HEAD_LARGE\n") << limit;
	}
	EXPECT_EQ(refusal(transcript(with("X: " + std::string(17000, 'x')))), "HEAD_LARGE");
	EXPECT_EQ(refusal(transcript(with(std::string(17000, 'x')))), "HEAD_LARGE");
	EXPECT_EQ(refusal(transcript(with("X:" + std::string(17000, ' ')))), "HEAD_LARGE");
}

TEST(HttpParse, HoldsTheFieldsToTheirLimit)
{
	Reading reading;
	reading.limits.fields = 3;
	EXPECT_EQ(refusal(transcript_any_cut(with("A: 1\r\nB: 2\r\n"), reading)), "");
	EXPECT_EQ(
		transcript_any_cut(with("A: 1\r\nB: 2\r\nC: 3\r\n"), reading), "refused 431 MANY_FIELDS\n");
	std::string many;
	for (int i = 0; i < 100; i++) many += "A: 1\r\n";
	EXPECT_EQ(refusal(transcript(with(many))), "MANY_FIELDS");
}

/* A sender of single bytes may not make the parser read the head again and again: whatever stood on
 * the lines before the current one is spoiled, and nothing comes of it. */
TEST(HttpParse, ReadsNoByteOfAFinishedLineAgain)
{
	std::string head =
		"GET /abcdefghijklmnopqrstuvwxyz HTTP/1.1\r\nHost: a\r\nX-Name: value\r\n\r\n";
	Reading reading;
	std::vector<wf_http_field> fields(4);
	wf_http_head parsed;
	wf_http_head_init(&parsed, WF_HTTP_REQUEST, fields.data(), &reading.limits);
	std::string seen = head;
	int rc = WF_HTTP_MORE;
	for (size_t size = 1; size <= head.size(); size++) {
		ASSERT_EQ(rc, WF_HTTP_MORE);
		rc = wf_http_parse(&parsed, seen.data(), size);
		size_t done = size < 2 ? std::string::npos : head.rfind("\r\n", size - 2);
		if (done != std::string::npos)
			std::fill(seen.begin(), seen.begin() + static_cast<long>(done), '\n');
	}
	EXPECT_EQ(rc, WF_HTTP_DONE);
	EXPECT_EQ(parsed.size, head.size());
	EXPECT_EQ(parsed.field_count, 2u);
}

TEST(HttpParse, FindsFieldsInAnyCase)
{
	std::string head = with("Accept: a\r\nX-A: 1\r\naccept: b\r\n");
	Reading reading;
	std::vector<wf_http_field> fields(8);
	wf_http_head parsed;
	wf_http_head_init(&parsed, WF_HTTP_REQUEST, fields.data(), &reading.limits);
	ASSERT_EQ(wf_http_parse(&parsed, head.data(), head.size()), WF_HTTP_DONE);
	const wf_http_field *found = wf_http_find(&parsed, head.data(), "ACCEPT", 6);
	ASSERT_EQ(found, &fields[1]);
	found = wf_http_find_next(&parsed, head.data(), found, "ACCEPT", 6);
	ASSERT_EQ(found, &fields[3]);
	EXPECT_EQ(wf_http_find_next(&parsed, head.data(), found, "ACCEPT", 6), nullptr);
	EXPECT_EQ(wf_http_find(&parsed, head.data(), "x_a", 3), nullptr);
}

TEST(HttpParse, FindsNamesOfEverySize)
{
	for (size_t size = 1; size <= 70; size++) {
		std::string name(size, 'n'), head = with(name + ": 1\r\n");
		Reading reading;
		std::vector<wf_http_field> fields(8);
		wf_http_head parsed;
		wf_http_head_init(&parsed, WF_HTTP_REQUEST, fields.data(), &reading.limits);
		ASSERT_EQ(wf_http_parse(&parsed, head.data(), head.size()), WF_HTTP_DONE);
		EXPECT_EQ(wf_http_find(&parsed, head.data(), name.data(), size), &fields[1]);
		std::string longer = name + std::string(32, 'n');
		EXPECT_EQ(wf_http_find(&parsed, head.data(), longer.data(), longer.size()), nullptr);
	}
}

/* http_parse.h promises that these bytes may be overwritten. */
TEST(HttpParse, LeavesRoomToEndStringsInPlace)
{
	std::string head = "GET /p?q HTTP/1.1\r\nHost:a\r\nEmpty:\r\nX: y \r\n\r\n", next = head + "G";
	Reading reading;
	std::vector<wf_http_field> fields(8);
	wf_http_head parsed;
	wf_http_head_init(&parsed, WF_HTTP_REQUEST, fields.data(), &reading.limits);
	ASSERT_EQ(wf_http_parse(&parsed, next.data(), next.size()), WF_HTTP_DONE);
	auto end = [&](wf_http_span span) { next[span.at + span.size] = '\0'; };
	end(parsed.method);
	end(parsed.path);
	end(parsed.query);
	for (uint32_t i = 0; i < parsed.field_count; i++) {
		end(fields[i].name);
		end(fields[i].value);
	}
	EXPECT_STREQ(&next[parsed.method.at], "GET");
	EXPECT_STREQ(&next[parsed.path.at], "/p");
	EXPECT_STREQ(&next[parsed.query.at], "q");
	EXPECT_STREQ(&next[fields[1].name.at], "Empty");
	EXPECT_STREQ(&next[fields[1].value.at], "");
	EXPECT_STREQ(&next[fields[2].value.at], "y");
	EXPECT_EQ(next[parsed.size], 'G');
}

TEST(HttpList, WalksElementsAndMindsQuotes)
{
	std::string list = " a ,,\"b,c\" , d;q=\"x\\\",y\" ,", read;
	const char *at = list.data(), *item;
	size_t size;
	while (wf_http_list_next(&at, list.data() + list.size(), &item, &size))
		read += "[" + std::string(item, size) + "]";
	EXPECT_EQ(read, "[a][\"b,c\"][d;q=\"x\\\",y\"]");
	EXPECT_TRUE(wf_http_list_has("x, WebSocket", 12, "websocket"));
	EXPECT_FALSE(wf_http_list_has("x, WebSocket2", 13, "websocket"));
	EXPECT_FALSE(wf_http_list_has("", 0, "websocket"));
}

TEST(HttpError, NamesEveryRefusalWithItsStatus)
{
	for (int rc = WF_HTTP_ERROR_BASE + 1; rc < WF_HTTP_ERROR_END; rc++) {
		EXPECT_GE(wf_http_error_status(rc), 400);
		EXPECT_NE(wf_http_error_name(rc), nullptr);
		EXPECT_NE(wf_http_error_text(rc), nullptr);
	}
	for (int rc : { 0, 1, -1, int{ WF_HTTP_ERROR_BASE }, int{ WF_HTTP_ERROR_END } }) {
		EXPECT_EQ(wf_http_error_status(rc), 0);
		EXPECT_EQ(wf_http_error_name(rc), nullptr);
	}
}

} // namespace
