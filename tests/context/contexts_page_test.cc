#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace
{

std::string read_file(const char *path)
{
	std::ifstream file(path);
	std::ostringstream all;
	all << file.rdbuf();
	return all.str();
}

TEST(ContextsPage, ShowsOnlyCodeOfTheExampleThatCompiles)
{
	std::string page = read_file(WF_SOURCE_DIR "/docs/contexts.md");
	std::string example = read_file(WF_SOURCE_DIR "/examples/contexts.c");
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
	EXPECT_GE(blocks, 5);
}

} // namespace
