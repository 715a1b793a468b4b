// A file that weft_embed put into this program.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

extern "C" {
extern const char embedded_page[];
extern const size_t embedded_page_size;
}

namespace
{
TEST(Embed, IsTheFileByteForByteWithANulBehindIt)
{
	std::ifstream file(EMBEDDED_FILE, std::ios::binary);
	const std::string bytes(std::istreambuf_iterator<char>(file), {});
	ASSERT_FALSE(bytes.empty());
	EXPECT_EQ(std::string(embedded_page, embedded_page_size), bytes);
	EXPECT_EQ(embedded_page[embedded_page_size], '\0');
}
} // namespace
