#include "net/websocket/websocket_mask.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace
{

const uint8_t key[4] = { 0x37, 0xFA, 0x21, 0x3D };

/* Section 5.3, to the letter. */
void mask_slowly(uint8_t *data, size_t size, size_t offset)
{
	for (size_t i = 0; i < size; i++) data[i] ^= key[(offset + i) % 4];
}

TEST(WebsocketMask, MasksTheExampleOfTheRfc)
{
	char text[] = "Hello";
	wf_websocket_mask(text, 5, key, 0);
	EXPECT_EQ(0, memcmp("\x7F\x9F\x4D\x51\x58", text, 5));
}

TEST(WebsocketMask, AgreesWithTheRfcAtEveryLengthAlignmentAndOffset)
{
	std::mt19937 random(1);
	std::vector<uint8_t> block(64 + 400 + 64);
	for (size_t size = 0; size <= 300; size++)
		for (size_t alignment = 0; alignment < 33; alignment++) {
			size_t offset = random() % 1000;
			for (uint8_t &byte : block) byte = (uint8_t)random();
			std::vector<uint8_t> wanted = block;
			mask_slowly(&wanted[alignment], size, offset);
			wf_websocket_mask(&block[alignment], size, key, offset);
			ASSERT_EQ(wanted, block) << size << " bytes at " << alignment << " from " << offset;
		}
}

TEST(WebsocketMask, UndoesItselfInPiecesOfAnySize)
{
	std::mt19937 random(2);
	std::vector<uint8_t> plain(100000), data;
	for (uint8_t &byte : plain) byte = (uint8_t)random();
	data = plain;
	wf_websocket_mask(data.data(), data.size(), key, 0);
	for (size_t at = 0; at < data.size();) {
		size_t piece = std::min<size_t>(data.size() - at, random() % 700);
		wf_websocket_mask(&data[at], piece, key, at);
		at += piece;
	}
	EXPECT_EQ(plain, data);
}

} // namespace
