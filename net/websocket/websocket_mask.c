/* The key is turned so that it begins at data[0] and laid out as a vector; since every step is a
 * multiple of four bytes it never has to be turned again. The compiler's own vectors give SSE2 on
 * x86-64 and NEON on AArch64; AVX2 is taken where the machine has it and the payload is long. */
#include "net/websocket/websocket_mask.h"

#include <string.h>

/* Loaded and stored where they lie, whatever the alignment and whatever the bytes were before. */
typedef uint32_t lanes16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint32_t lanes32 __attribute__((vector_size(32), aligned(1), may_alias));

/* Below this the look at the processor costs more than it saves. */
enum { WIDE_BYTES_MIN = 256 };

#if defined(__x86_64__)
/* Masks as many whole groups of 128 bytes as there are; returns the bytes done. */
__attribute__((target("avx2"))) static size_t mask_wide(uint8_t *data, size_t size, uint32_t key)
{
	const lanes32 keys = { key, key, key, key, key, key, key, key };
	size_t i = 0;
	for (; size - i >= 128; i += 128) {
		lanes32 *v = (lanes32 *)(void *)(data + i);
		v[0] ^= keys;
		v[1] ^= keys;
		v[2] ^= keys;
		v[3] ^= keys;
	}
	return i;
}

static bool has_wide(void)
{
	return __builtin_cpu_supports("avx2");
}
#else
static size_t mask_wide(uint8_t *data, size_t size, uint32_t key)
{
	(void)data, (void)size, (void)key;
	return 0;
}

static bool has_wide(void)
{
	return false;
}
#endif

/* The key as it lies in memory, beginning with the byte for `offset`. */
static uint32_t turned(const uint8_t key[4], size_t offset)
{
	uint8_t twice[8];
	uint32_t word;
	memcpy(twice, key, 4);
	memcpy(twice + 4, key, 4);
	memcpy(&word, twice + (offset & 3), sizeof word);
	return word;
}

void wf_websocket_mask(void *payload, size_t size, const uint8_t key[4], size_t offset)
{
	uint8_t *data = payload;
	uint32_t word = turned(key, offset);
	size_t i = 0;
	if (size >= WIDE_BYTES_MIN && has_wide()) i = mask_wide(data, size, word);
	const lanes16 keys = { word, word, word, word };
	for (; size - i >= 64; i += 64) {
		lanes16 *v = (lanes16 *)(void *)(data + i);
		v[0] ^= keys;
		v[1] ^= keys;
		v[2] ^= keys;
		v[3] ^= keys;
	}
	for (; size - i >= 16; i += 16) *(lanes16 *)(void *)(data + i) ^= keys;
	for (; size - i >= 4; i += 4) {
		uint32_t v;
		memcpy(&v, data + i, sizeof v);
		v ^= word;
		memcpy(data + i, &v, sizeof v);
	}
	for (; i < size; i++) data[i] ^= key[(offset + i) & 3];
}
