#include "net/http/uri.h"

#include <gtest/gtest.h>
#include <weft/error.h>

namespace
{

/* The path, or the error's number. */
std::string normalise(const std::string &path)
{
	std::string text = path;
	size_t size = text.size();
	int rc = wf_uri_path_normalise(text.data(), &size);
	if (rc != 0) {
		EXPECT_EQ(size, path.size());
	}
	return rc == 0 ? text.substr(0, size) : std::to_string(rc);
}

std::string decode(std::string text, bool plus = false)
{
	size_t size = 12345;
	int rc = wf_uri_decode(text.data(), text.size(), plus, text.data(), &size);
	if (rc != 0) {
		EXPECT_EQ(size, 12345u);
	}
	return rc == 0 ? text.substr(0, size) : std::to_string(rc);
}

const std::string refused = std::to_string(WEFT_EINVAL);

TEST(Uri, BringsPathsToOneSpelling)
{
	struct {
		const char *path, *normal;
	} const cases[] = {
		{ "/", "/" },
		{ "/a/b.c/", "/a/b.c/" },
		{ "/%61%2d%7E%5f", "/a-~_" },
		{ "/%2f%3a%c3%a9", "/%2F%3A%C3%A9" },
		{ "/a/./b", "/a/b" },
		{ "/a/.", "/a/" },
		{ "/a/b/..", "/a/" },
		{ "/a/../b", "/b" },
		{ "/a/..", "/" },
		{ "/.", "/" },
		{ "/a/%2e%2E/b", "/b" },
		{ "/a/.%2e", "/" },
		{ "/a//b", "/a//b" },
		{ "//a//", "//a//" },
		{ "/a//../b", "/a/b" },
		{ "/.a/..b/...", "/.a/..b/..." },
		{ "/a/b/c/../../d", "/a/d" },
		{ "/%252e%252e/", "/%252e%252e/" },
	};
	for (const auto &each : cases) {
		EXPECT_EQ(normalise(each.path), each.normal) << each.path;
		EXPECT_EQ(normalise(each.normal), each.normal) << "not final";
	}
}

TEST(Uri, RefusesPathsThatLeadOutOrHoldBrokenEscapes)
{
	for (const char *path : { "", "a", "*", "/..", "/../a", "/a/../..", "/%2e%2e", "/a/..//../..",
			 "/%", "/%4", "/%4g", "/%g4", "/%00", "/a%", "/%%41" })
		EXPECT_EQ(normalise(path), refused) << path;
}

/* No path that was accepted has a "." or ".." left, decoded or not. */
TEST(Uri, LeavesNothingThatClimbs)
{
	const char *const parts[] = { ".", "..", "%2e", "%2E.", "a", "", ".%2e", "%2f", "..a" };
	for (const char *a : parts)
		for (const char *b : parts)
			for (const char *c : parts)
				for (const char *d : parts) {
					std::string path = std::string("/") + a + "/" + b + "/" + c + "/" + d;
					std::string normal = normalise(path);
					if (normal == refused) continue;
					EXPECT_EQ((normal + "/").find("/../"), std::string::npos) << path;
					EXPECT_EQ((normal + "/").find("/./"), std::string::npos) << path;
					EXPECT_EQ(normal[0], '/') << path;
					EXPECT_LE(normal.size(), path.size()) << path;
				}
}

TEST(Uri, Decodes)
{
	EXPECT_EQ(decode("a%20b+c%2B%c3%A9"), "a b+c+\xc3\xa9");
	EXPECT_EQ(decode("a%20b+c%2B", true), "a b c+");
	EXPECT_EQ(decode(""), "");
	for (const char *text : { "%", "%1", "%zz", "a%0", "%00", "a%00b" })
		EXPECT_EQ(decode(text), refused) << text;
	EXPECT_EQ(decode(std::string("a\0b", 3)), refused);
}

TEST(Uri, WalksSegments)
{
	auto walk = [](const std::string &path) {
		std::string read;
		const char *at = path.data(), *segment;
		size_t size;
		while (wf_uri_segment_next(&at, path.data() + path.size(), &segment, &size))
			read += "[" + std::string(segment, size) + "]";
		return read;
	};
	EXPECT_EQ(walk("/"), "[]");
	EXPECT_EQ(walk("/a"), "[a]");
	EXPECT_EQ(walk("/a//bc/"), "[a][][bc][]");
}

TEST(Uri, WalksQueries)
{
	std::string query = "&a=1&&b&c==2&=d&e=", read;
	const char *at = query.data();
	wf_uri_pair pair;
	while (wf_uri_query_next(&at, query.data() + query.size(), &pair))
		read += "[" + std::string(pair.name, pair.name_size) + "|" +
				std::string(pair.value, pair.value_size) + "]";
	EXPECT_EQ(read, "[a|1][b|][c|=2][|d][e|]");
}

TEST(Uri, FindsNamesHoweverTheyAreEscaped)
{
	std::string query = "x%=1&na%6De=2&a+b=3&name=4&a%00=5";
	wf_uri_pair pair;
	auto find = [&](const char *name) {
		if (!wf_uri_query_find(query.data(), query.size(), name, &pair)) return std::string("-");
		return std::string(pair.value, pair.value_size);
	};
	EXPECT_EQ(find("name"), "2");
	EXPECT_EQ(find("a b"), "3");
	EXPECT_EQ(find("nam"), "-");
	EXPECT_EQ(find("names"), "-");
	EXPECT_EQ(find("a"), "-");
	EXPECT_EQ(find("x"), "-");
}

} // namespace
