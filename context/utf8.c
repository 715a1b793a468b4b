#include "context/utf8.h"

/* By the first byte: how many follow, and the smallest value that needs so many. */
static size_t shape(uint8_t first, uint32_t *bits, uint32_t *smallest)
{
	if (first >= 0xc2 && first <= 0xdf) {
		*bits = first & 0x1f;
		*smallest = 0x80;
		return 1;
	}
	if ((first & 0xf0) == 0xe0) {
		*bits = first & 0x0f;
		*smallest = 0x800;
		return 2;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*bits = first & 0x07;
		*smallest = 0x10000;
		return 3;
	}
	return 0;
}

size_t wf_utf8_decode(const char *text, size_t length, uint32_t *character)
{
	uint32_t bits, smallest;
	const uint8_t *bytes = (const uint8_t *)text;
	if (bytes[0] < 0x80) {
		*character = bytes[0];
		return 1;
	}
	size_t more = shape(bytes[0], &bits, &smallest);
	if (more == 0 || more >= length) return 0;
	for (size_t i = 1; i <= more; i++) {
		if ((bytes[i] & 0xc0) != 0x80) return 0;
		bits = bits << 6 | (bytes[i] & 0x3f);
	}
	if (bits < smallest || bits > 0x10ffff || (bits >= 0xd800 && bits <= 0xdfff)) return 0;
	*character = bits;
	return more + 1;
}

bool wf_utf8_is_control(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
	if (c < 0x61c) return false;
	return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
		   (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}
