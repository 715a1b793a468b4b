#include "context/alloc.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "tests/support/failing_allocator.h"

namespace
{

TEST(Alloc, HandsOutMemoryThatCanBeGivenBack)
{
	for (size_t size : { 0, 1, 7, 4096 }) {
		void *block = wf_alloc(size);
		ASSERT_NE(nullptr, block);
		memset(block, 1, size);
		wf_free(block);
	}
	wf_free(nullptr);
}

TEST(Alloc, ClearsWhatIsAskedForClear)
{
	auto *bytes = static_cast<unsigned char *>(wf_zalloc(1000));
	for (int i = 0; i < 1000; i++) ASSERT_EQ(0, bytes[i]);
	wf_free(bytes);
}

TEST(Alloc, AlignsAsAskedForAnySize)
{
	for (size_t alignment : { 16, 64, 128, 4096 }) {
		EXPECT_EQ(nullptr, wf_alloc_aligned(alignment, SIZE_MAX - 2));
		for (size_t size : { 0, 1, 100, 128 }) {
			void *block = wf_alloc_aligned(alignment, size);
			ASSERT_EQ(0u, reinterpret_cast<uintptr_t>(block) % alignment);
			memset(block, 1, size);
			wf_free(block);
		}
	}
}

TEST(Alloc, CopiesStrings)
{
	char *copy = wf_strdup("weft");
	EXPECT_STREQ("weft", copy);
	copy = static_cast<char *>(wf_realloc(copy, 100));
	EXPECT_STREQ("weft", copy);
	wf_free(copy);
}

TEST(Alloc, GoesThroughTheAllocatorThatWasSet)
{
	failing_allocator_install();
	void *blocks[] = { wf_alloc(1), wf_zalloc(1), wf_alloc_aligned(64, 1), wf_realloc(nullptr, 1),
		wf_strdup("x") };
	EXPECT_EQ(5, failing_allocator_attempts());
	EXPECT_EQ(5, failing_allocator_live());
	for (void *block : blocks) wf_free(block);
	EXPECT_EQ(0, failing_allocator_live());
	failing_allocator_remove();
	wf_free(wf_alloc(1));
	EXPECT_EQ(5, failing_allocator_attempts());
}

TEST(Alloc, ReturnsNullAndKeepsTheOldBlockWhenMemoryEnds)
{
	failing_allocator_install();
	char *text = wf_strdup("old");
	failing_allocator_fail_at(0, FAIL_STICKY);
	EXPECT_EQ(nullptr, wf_alloc(1));
	EXPECT_EQ(nullptr, wf_zalloc(1));
	EXPECT_EQ(nullptr, wf_alloc_aligned(64, 1));
	EXPECT_EQ(nullptr, wf_strdup("x"));
	EXPECT_EQ(nullptr, wf_realloc(text, 100));
	EXPECT_STREQ("old", text);
	EXPECT_EQ(5, failing_allocator_failures());
	wf_free(text);
	EXPECT_EQ(0, failing_allocator_live());
	failing_allocator_remove();
}

TEST(Alloc, RefusesHalfAnAllocator)
{
	weft_allocator half = { malloc, aligned_alloc, realloc, nullptr };
	EXPECT_EQ(-EINVAL, weft_allocator_set(&half));
	EXPECT_EQ(0, weft_allocator_set(nullptr));
}

} // namespace
