#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace
{

namespace fs = std::filesystem;
const fs::path docs = WF_SOURCE_DIR "/docs";

std::string read_file(const fs::path &path)
{
	std::ifstream file(path);
	std::ostringstream all;
	all << file.rdbuf();
	return all.str();
}

/* What stands between `open` and `close`, each time. */
std::vector<std::string> pieces(
	const std::string &text, const std::string &open, const std::string &close)
{
	std::vector<std::string> found;
	size_t end = 0;
	for (size_t at = text.find(open); at != std::string::npos; at = text.find(open, end)) {
		at += open.size();
		end = text.find(close, at);
		if (end == std::string::npos) break;
		found.push_back(text.substr(at, end - at));
		end += close.size();
	}
	return found;
}

std::vector<std::string> excerpts(const std::string &page)
{
	std::vector<std::string> found = pieces(page, "```c\n", "```");
	/* A whole program is compiled by the check of the documents. */
	auto whole = [](const std::string &block) {
		return block.find("#include <weft/") != std::string::npos;
	};
	found.erase(std::remove_if(found.begin(), found.end(), whole), found.end());
	return found;
}

/* The programs that a page points to: files, or folders of them. */
std::string programs(const std::string &page)
{
	std::string all;
	for (const std::string &link : pieces(page, "](../examples/", ")")) {
		fs::path path = docs / "../examples" / link;
		if (!fs::is_directory(path)) {
			all += read_file(path);
			continue;
		}
		for (const auto &file : fs::directory_iterator(path)) all += read_file(file.path());
	}
	return all;
}

std::vector<std::string> pages_with_excerpts()
{
	std::vector<std::string> names;
	for (const auto &file : fs::directory_iterator(docs)) {
		if (file.path().extension() == ".md" && !excerpts(read_file(file.path())).empty())
			names.push_back(file.path().stem().string());
	}
	std::sort(names.begin(), names.end());
	return names;
}

class Page : public ::testing::TestWithParam<std::string>
{
};

TEST_P(Page, ShowsOnlyCodeOfTheProgramsItPointsTo)
{
	std::string page = read_file(docs / (GetParam() + ".md"));
	std::string example = programs(page);
	for (const std::string &excerpt : excerpts(page))
		EXPECT_NE(std::string::npos, example.find(excerpt)) << excerpt;
}

INSTANTIATE_TEST_SUITE_P(Docs, Page, ::testing::ValuesIn(pages_with_excerpts()),
	[](const auto &page) { return page.param; });

} // namespace
