#include "net/websocket/websocket_handshake.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>
#include <weft/error.h>

namespace
{

using Fields = std::vector<std::pair<std::string, std::string>>;

bool find(const void *arg, const char *name, size_t nth, const char **value, size_t *size)
{
	for (const auto &[field, text] : *static_cast<const Fields *>(arg)) {
		if (strcasecmp(field.c_str(), name) != 0 || nth-- > 0) continue;
		*value = text.data();
		*size = text.size();
		return true;
	}
	return false;
}

/* The request of section 1.2. */
const Fields good = { { "Host", "server.example.com" }, { "Upgrade", "websocket" },
	{ "Connection", "Upgrade" }, { "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==" },
	{ "Origin", "http://example.com" }, { "Sec-WebSocket-Version", "13" } };

Fields without(const std::string &name, Fields fields = good)
{
	std::erase_if(fields, [&](const auto &field) { return field.first == name; });
	return fields;
}

Fields with(const std::string &name, const std::string &value)
{
	Fields fields = without(name);
	fields.emplace_back(name, value);
	return fields;
}

Fields and_also(const std::string &name, const std::string &value, Fields fields = good)
{
	fields.emplace_back(name, value);
	return fields;
}

struct Answer : wf_websocket_answer {
	/* "Allow: GET; " */
	std::string lines() const
	{
		std::string out;
		for (const char *const *at = fields; *at != nullptr; at += 2)
			out += std::string(at[0]) + ": " + at[1] + "; ";
		return out;
	}
};

wf_websocket_upgrade upgrade_of(const Fields &fields)
{
	wf_websocket_upgrade upgrade{};
	upgrade.method = "GET";
	upgrade.version = 11;
	upgrade.field = find;
	upgrade.arg = &fields;
	return upgrade;
}

Answer judge(const wf_websocket_upgrade &upgrade)
{
	Answer answer{};
	EXPECT_EQ(0, wf_websocket_judge_upgrade(&upgrade, &answer));
	bool accepted = answer.status == 101 || answer.status == 200;
	EXPECT_EQ(accepted, answer.text == nullptr);
	EXPECT_EQ(answer.status == 101, answer.accept[0] != '\0');
	EXPECT_TRUE(accepted || answer.subprotocol == nullptr);
	return answer;
}

Answer judge(const Fields &fields)
{
	return judge(upgrade_of(fields));
}

const char switch_lines[] = "Upgrade: websocket; Connection: Upgrade; ";

TEST(WebsocketHandshake, AcceptsTheRequestOfTheRfc)
{
	Answer answer = judge(good);
	EXPECT_EQ(101, answer.status);
	EXPECT_STREQ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer.accept);
	EXPECT_EQ(switch_lines, answer.lines());
	EXPECT_EQ(nullptr, answer.subprotocol);
}

TEST(WebsocketHandshake, TakesUpgradeAndConnectionAsListsInAnyCase)
{
	for (const char *value :
		{ "WebSocket", "WEBSOCKET", "h2c, websocket", "websocket,foo", ",websocket" })
		EXPECT_EQ(101, judge(with("Upgrade", value)).status) << value;
	for (const char *value : { "upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade,close" })
		EXPECT_EQ(101, judge(with("Connection", value)).status) << value;
	EXPECT_EQ(
		101, judge(and_also("Connection", "Upgrade", with("Connection", "keep-alive"))).status);
	EXPECT_EQ(101, judge(and_also("Upgrade", "websocket", with("Upgrade", "h2c"))).status);
}

TEST(WebsocketHandshake, Answers426ToWhoeverDoesNotAskForAWebSocket)
{
	wf_websocket_upgrade old = upgrade_of(good);
	old.version = 10;
	for (const Answer &answer : { judge(Fields{ { "Host", "a" } }), judge(without("Upgrade")),
			 judge(with("Upgrade", "h2c")), judge(with("Upgrade", "websockets")), judge(old) }) {
		EXPECT_EQ(426, answer.status);
		EXPECT_EQ(switch_lines, answer.lines());
	}
}

TEST(WebsocketHandshake, Answers405ToOtherMethods)
{
	for (const char *method : { "POST", "HEAD", "OPTIONS", "CONNECT", "get", "" }) {
		wf_websocket_upgrade upgrade = upgrade_of(good);
		upgrade.method = method;
		Answer answer = judge(upgrade);
		EXPECT_EQ(405, answer.status) << method;
		EXPECT_EQ("Allow: GET; ", answer.lines());
	}
}

TEST(WebsocketHandshake, Answers426WithTheVersionItSpeaksToAnyOther)
{
	for (const Fields &fields : { without("Sec-WebSocket-Version"),
			 with("Sec-WebSocket-Version", "8"), with("Sec-WebSocket-Version", "013"),
			 with("Sec-WebSocket-Version", "13, 8"), with("Sec-WebSocket-Version", "") }) {
		Answer answer = judge(fields);
		EXPECT_EQ(426, answer.status);
		EXPECT_EQ(std::string(switch_lines) + "Sec-WebSocket-Version: 13; ", answer.lines());
	}
}

TEST(WebsocketHandshake, Answers400ToAConnectionThatDoesNotNameUpgrade)
{
	EXPECT_EQ(400, judge(without("Connection")).status);
	EXPECT_EQ(400, judge(with("Connection", "keep-alive")).status);
	EXPECT_EQ(400, judge(with("Connection", "upgraded")).status);
}

TEST(WebsocketHandshake, Answers400ToFieldsThatAreMissingOrComeTwice)
{
	EXPECT_EQ(400, judge(without("Host")).status);
	EXPECT_EQ(400, judge(with("Host", "")).status);
	EXPECT_EQ(400, judge(without("Sec-WebSocket-Key")).status);
	for (const char *name : { "Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin" })
		for (const auto &[field, value] : good)
			if (field == name) {
				Answer answer = judge(and_also(field, value));
				EXPECT_EQ(400, answer.status) << name;
				EXPECT_EQ("", answer.lines());
			}
}

TEST(WebsocketHandshake, WantsAKeyOfSixteenBytes)
{
	for (const char *key : { "", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=",
			 "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBsZSBub25j",
			 "dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub25j Q==", "dGhlIHNhbXBsZSBub25_ZQ==",
			 "dGhlIHNhbXBs-SBub25jZQ==", "========================", "dGhl=HNhbXBsZSBub25jZQ==" })
		EXPECT_EQ(400, judge(with("Sec-WebSocket-Key", key)).status) << key;
	/* Section 4.1 gives this one as an example, though its last letter should be an A. */
	EXPECT_EQ(101, judge(with("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC==")).status);
}

TEST(WebsocketHandshake, TakesTheFirstSubprotocolOfTheClientThatTheServiceSpeaks)
{
	const char *const spoken[] = { "chat", "superchat", nullptr };
	auto chosen = [&](const Fields &fields) {
		wf_websocket_upgrade upgrade = upgrade_of(fields);
		upgrade.subprotocols = spoken;
		Answer answer = judge(upgrade);
		EXPECT_EQ(101, answer.status);
		return std::string(answer.subprotocol != nullptr ? answer.subprotocol : "none");
	};
	const char name[] = "Sec-WebSocket-Protocol";
	EXPECT_EQ("none", chosen(good));
	EXPECT_EQ("chat", chosen(and_also(name, "chat")));
	EXPECT_EQ("superchat", chosen(and_also(name, "superchat, chat")));
	EXPECT_EQ("chat", chosen(and_also(name, "soap,,chat , superchat")));
	EXPECT_EQ("none", chosen(and_also(name, "Chat, chatter, cha")));
	EXPECT_EQ("superchat", chosen(and_also(name, "superchat", and_also(name, "wamp"))));
	EXPECT_EQ(nullptr, judge(and_also(name, "chat")).subprotocol) << "none are spoken";
}

TEST(WebsocketHandshake, Answers400ToSubprotocolsThatAreNoTokens)
{
	for (const char *value : { "a b", "chat, a/b", "\"chat\"", "a;b=1", "\xC3\xA9" })
		EXPECT_EQ(400, judge(and_also("Sec-WebSocket-Protocol", value)).status) << value;
}

TEST(WebsocketHandshake, Answers403WhenTheOriginMayNotConnect)
{
	wf_websocket_upgrade upgrade = upgrade_of(good);
	upgrade.origin_allowed = wf_websocket_same_origin;
	EXPECT_EQ(403, judge(upgrade).status);
	Fields own = with("Origin", "http://server.example.com");
	upgrade.arg = &own;
	EXPECT_EQ(101, judge(upgrade).status);
	Fields none = without("Origin");
	upgrade.arg = &none;
	EXPECT_EQ(101, judge(upgrade).status) << "programs that are no browsers send no origin";
}

TEST(WebsocketHandshake, HandsTheOriginPolicyWhatCame)
{
	static std::string seen;
	wf_websocket_upgrade upgrade = upgrade_of(good);
	upgrade.origin_arg = &seen;
	upgrade.origin_allowed = [](void *arg, const char *origin, size_t origin_size, const char *host,
								 size_t host_size) {
		*static_cast<std::string *>(arg) =
			std::string(origin, origin_size) + " " + std::string(host, host_size);
		return true;
	};
	EXPECT_EQ(101, judge(upgrade).status);
	EXPECT_EQ("http://example.com server.example.com", seen);
}

TEST(WebsocketHandshake, TakesAnOriginForTheSameWhenItsHostAndPortAre)
{
	auto same = [](const char *origin, const char *host) {
		return wf_websocket_same_origin(nullptr, origin, strlen(origin), host, strlen(host));
	};
	EXPECT_TRUE(same("http://a.example", "a.example"));
	EXPECT_TRUE(same("https://A.example", "a.EXAMPLE"));
	EXPECT_TRUE(same("https://a.example", "a.example:443"));
	EXPECT_TRUE(same("http://a.example:80", "a.example"));
	EXPECT_TRUE(same("http://a.example:8080", "a.example:8080"));
	EXPECT_TRUE(same("http://[::1]:8080", "[::1]:8080"));
	EXPECT_FALSE(same("http://a.example:8080", "a.example"));
	EXPECT_FALSE(same("http://a.example:443", "a.example"));
	EXPECT_FALSE(same("https://a.example", "a.example:80"));
	EXPECT_FALSE(same("http://b.example", "a.example"));
	EXPECT_FALSE(same("http://a.example.evil", "a.example"));
	EXPECT_FALSE(same("http://evil.a.example", "a.example"));
	EXPECT_FALSE(same("null", "a.example"));
	EXPECT_FALSE(same("", ""));
	EXPECT_FALSE(same("http://", ""));
	EXPECT_FALSE(same("file://a.example", "a.example"));
}

TEST(WebsocketHandshake, OverHttp2IsAnExtendedConnectWithoutKey)
{
	const Fields fields = { { "Host", "a" }, { "Sec-WebSocket-Version", "13" },
		{ "Sec-WebSocket-Protocol", "chat" } };
	const char *const spoken[] = { "chat", nullptr };
	wf_websocket_upgrade upgrade = upgrade_of(fields);
	upgrade.version = 20;
	upgrade.method = "CONNECT";
	upgrade.protocol = "websocket";
	upgrade.subprotocols = spoken;
	Answer answer = judge(upgrade);
	EXPECT_EQ(200, answer.status);
	EXPECT_EQ("", answer.lines());
	EXPECT_STREQ("chat", answer.subprotocol);
	upgrade.protocol = "connect-udp";
	EXPECT_EQ(400, judge(upgrade).status);
	upgrade.protocol = nullptr;
	EXPECT_EQ(400, judge(upgrade).status);
	upgrade.protocol = "websocket";
	upgrade.method = "GET";
	EXPECT_EQ(400, judge(upgrade).status);
	Fields old = { { "Host", "a" }, { "Sec-WebSocket-Version", "8" } };
	upgrade.method = "CONNECT";
	upgrade.arg = &old;
	EXPECT_EQ(426, judge(upgrade).status);
	EXPECT_EQ("sec-websocket-version: 13; ", judge(upgrade).lines());
}

TEST(WebsocketHandshake, MakesKeysOfRandomBytes)
{
	char key[WF_WEBSOCKET_KEY_SIZE], accept[WF_WEBSOCKET_ACCEPT_SIZE];
	wf_websocket_key((const uint8_t *)"the sample nonce", key);
	EXPECT_STREQ("dGhlIHNhbXBsZSBub25jZQ==", key);
	ASSERT_EQ(0, wf_websocket_accept(key, strlen(key), accept));
	EXPECT_STREQ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", accept);
	uint8_t ones[16];
	memset(ones, 0xFF, sizeof ones);
	wf_websocket_key(ones, key);
	EXPECT_STREQ("/////////////////////w==", key);
}

/* The response of section 1.3. */
const Fields good_response = { { "Upgrade", "websocket" }, { "Connection", "Upgrade" },
	{ "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" } };

struct Verdict {
	int rc;
	const char *subprotocol = "untouched", *why = "untouched";
};

Verdict judge_response(const Fields &fields, int status = 101,
	const char *key = "dGhlIHNhbXBsZSBub25jZQ==", bool extensions_offered = false)
{
	static const char *const offered[] = { "chat", "superchat", nullptr };
	wf_websocket_response response{};
	response.status = status;
	response.field = find;
	response.arg = &fields;
	response.key = key;
	response.subprotocols = offered;
	response.extensions_offered = extensions_offered;
	Verdict v;
	v.rc = wf_websocket_judge_response(&response, &v.subprotocol, &v.why);
	return v;
}

TEST(WebsocketHandshake, AcceptsTheResponseOfTheRfc)
{
	Verdict v = judge_response(good_response);
	EXPECT_EQ(0, v.rc);
	EXPECT_EQ(nullptr, v.subprotocol);
	EXPECT_STREQ("untouched", v.why);
	v = judge_response(and_also("Sec-WebSocket-Protocol", "superchat", good_response));
	EXPECT_EQ(0, v.rc);
	EXPECT_STREQ("superchat", v.subprotocol);
}

TEST(WebsocketHandshake, RefusesAResponseThatBreaksTheRules)
{
	auto changed = [](const char *name, const char *value) {
		return and_also(name, value, without(name, good_response));
	};
	const Fields bad[] = {
		without("Upgrade", good_response),
		without("Connection", good_response),
		without("Sec-WebSocket-Accept", good_response),
		changed("Upgrade", "h2c"),
		changed("Upgrade", "h2c, websocket"),
		changed("Connection", "close"),
		changed("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOO="),
		changed("Sec-WebSocket-Accept", "S3PPLMBITXAQ9KYGZZHZRBK+XOO="),
		changed("Sec-WebSocket-Accept", ""),
		and_also("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", good_response),
		and_also("Sec-WebSocket-Protocol", "soap", good_response),
		and_also("Sec-WebSocket-Protocol", "Chat", good_response),
		and_also("Sec-WebSocket-Protocol", "chat, superchat", good_response),
		and_also("Sec-WebSocket-Protocol", "", good_response),
		and_also("Sec-WebSocket-Extensions", "permessage-deflate", good_response),
	};
	for (const Fields &fields : bad) {
		Verdict v = judge_response(fields);
		EXPECT_EQ(WEFT_EPROTO, v.rc) << v.why;
		EXPECT_STREQ("untouched", v.subprotocol);
		EXPECT_STRNE("untouched", v.why);
	}
	EXPECT_EQ(WEFT_EPROTO, judge_response(good_response, 200).rc);
	EXPECT_EQ(WEFT_EPROTO, judge_response(good_response, 401).rc);
}

TEST(WebsocketHandshake, LeavesExtensionsToWhoeverOfferedThem)
{
	Fields fields = and_also("Sec-WebSocket-Extensions", "permessage-deflate", good_response);
	EXPECT_EQ(0, judge_response(fields, 101, "dGhlIHNhbXBsZSBub25jZQ==", true).rc);
}

TEST(WebsocketHandshake, TakesAnyGoodStatusForAnAnswerOverHttp2)
{
	EXPECT_EQ(0, judge_response({}, 200, nullptr).rc);
	EXPECT_EQ(WEFT_EPROTO, judge_response({}, 404, nullptr).rc);
	EXPECT_EQ(WEFT_EPROTO, judge_response({}, 101, nullptr).rc);
}

} // namespace
