#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace
{

std::string read_file(const std::string &path)
{
	std::ifstream file(path);
	std::ostringstream all;
	all << file.rdbuf();
	return all.str();
}

/* docs/NAME.md explains by parts of examples/NAME.c, which runs as a test of its own. */
class Page : public ::testing::TestWithParam<const char *>
{
};

TEST_P(Page, ShowsOnlyCodeOfTheExampleThatRuns)
{
	std::string name = GetParam();
	std::string page = read_file(WF_SOURCE_DIR "/docs/" + name + ".md");
	std::string example = read_file(WF_SOURCE_DIR "/examples/" + name + ".c");
	EXPECT_NE(std::string::npos, page.find("(../examples/" + name + ".c)"));
	const std::string fence = "```c\n";
	int blocks = 0;
	for (size_t at = page.find(fence); at != std::string::npos;
		 at = page.find(fence, at), blocks++) {
		at += fence.size();
		size_t end = page.find("```", at);
		ASSERT_NE(std::string::npos, end);
		std::string block = page.substr(at, end - at);
		EXPECT_NE(std::string::npos, example.find(block)) << block;
		at = end + 3;
	}
	EXPECT_GE(blocks, 3);
}

INSTANTIATE_TEST_SUITE_P(Docs, Page,
	::testing::Values("cancellation", "contexts", "scheduling", "shutdown"),
	[](const auto &page) { return std::string(page.param); });

} // namespace
