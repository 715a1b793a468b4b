/* A character is a lead byte and up to three continuation bytes; only the first continuation byte
 * has a range of its own, which the lead byte decides. So the whole state is a count and a range.
 *
 * Long texts go through vectors: runs of ASCII are skipped 64 bytes at a time on any machine, and
 * where there is AVX2 other scripts are checked 32 bytes at a time by the table look-up of
 * J. Keiser and D. Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte" (2020). That
 * only ever accepts a prefix that ends between two characters; anything else is left to the byte
 * by byte checker, which therefore alone decides what is refused, and when. */
#include "net/http/utf8_check.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Loaded where they lie, whatever the alignment. */
typedef uint64_t words2 __attribute__((vector_size(16), aligned(1), may_alias));

/* Below this the vectors cost more than they save. */
enum { VECTOR_BYTES_MIN = 32 };

/* How many ASCII bytes `data` begins with, rounded down to what one look can tell. */
static size_t skip_ascii(const uint8_t *data, size_t size)
{
	size_t i = 0;
	for (; size - i >= 64; i += 64) {
		const words2 *v = (const words2 *)(const void *)(data + i);
		words2 any = v[0] | v[1] | v[2] | v[3];
		if (((any[0] | any[1]) & UINT64_C(0x8080808080808080)) != 0) break;
	}
	for (; size - i >= 8; i += 8) {
		uint64_t word;
		memcpy(&word, data + i, sizeof word);
		if ((word & UINT64_C(0x8080808080808080)) != 0) break;
	}
	return i;
}

#if defined(__x86_64__)

/* Each error is one bit; a byte is wrong when its bit survives in all three tables. */
enum {
	TOO_SHORT = 1 << 0,  /* a lead byte or ASCII where a continuation is due */
	TOO_LONG = 1 << 1,   /* ASCII followed by a continuation */
	OVERLONG_3 = 1 << 2, /* E0 80..9F */
	TOO_LARGE = 1 << 3,  /* F4 90.. and F5.. */
	SURROGATE = 1 << 4,  /* ED A0..BF */
	OVERLONG_2 = 1 << 5, /* C0, C1 */
	OVERLONG_4 = 1 << 6, /* F0 80..8F, and F5.. followed by 80..8F */
	TWO_CONTS = 1 << 7,  /* continuation after continuation: right only in 3 and 4 byte forms */
	CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS,
};

#define TABLE(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))
#define ERRORS(x)  ((char)(uint8_t)(x))

__attribute__((target("avx2"))) static inline __m256i high_nibbles(__m256i v)
{
	return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(0x0F));
}

/* The bytes of `now` moved up by `n`, filled from the end of `before`. */
#define PREVIOUS(n, before, now)                                                                   \
	_mm256_alignr_epi8(now, _mm256_permute2x128_si256(before, now, 0x21), 16 - (n))

/* Wrong pairs of neighbours, by the high and low nibble of the first and the high nibble of the
 * second. TWO_CONTS comes back for every continuation that follows another. */
__attribute__((target("avx2"))) static inline __m256i pair_errors(__m256i now, __m256i previous1)
{
	const __m256i first_high = TABLE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
		TOO_LONG, TOO_LONG, ERRORS(TWO_CONTS), ERRORS(TWO_CONTS), ERRORS(TWO_CONTS),
		ERRORS(TWO_CONTS), TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
		TOO_SHORT | TOO_LARGE | OVERLONG_4);
	const __m256i first_low = TABLE(ERRORS(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4),
		ERRORS(CARRY | OVERLONG_2), ERRORS(CARRY), ERRORS(CARRY), ERRORS(CARRY | TOO_LARGE),
		ERRORS(CARRY | TOO_LARGE | OVERLONG_4), ERRORS(CARRY | TOO_LARGE | OVERLONG_4),
		ERRORS(CARRY | TOO_LARGE | OVERLONG_4), ERRORS(CARRY | TOO_LARGE | OVERLONG_4),
		ERRORS(CARRY | TOO_LARGE | OVERLONG_4), ERRORS(CARRY | TOO_LARGE | OVERLONG_4),
		ERRORS(CARRY | TOO_LARGE | OVERLONG_4), ERRORS(CARRY | TOO_LARGE | OVERLONG_4),
		ERRORS(CARRY | TOO_LARGE | OVERLONG_4 | SURROGATE), ERRORS(CARRY | TOO_LARGE | OVERLONG_4),
		ERRORS(CARRY | TOO_LARGE | OVERLONG_4));
	const __m256i second_high =
		TABLE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
			TOO_SHORT, ERRORS(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | OVERLONG_4),
			ERRORS(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE),
			ERRORS(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE),
			ERRORS(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT,
			TOO_SHORT, TOO_SHORT);
	__m256i by_low =
		_mm256_shuffle_epi8(first_low, _mm256_and_si256(previous1, _mm256_set1_epi8(0x0F)));
	__m256i by_high = _mm256_shuffle_epi8(first_high, high_nibbles(previous1));
	__m256i by_second = _mm256_shuffle_epi8(second_high, high_nibbles(now));
	return _mm256_and_si256(_mm256_and_si256(by_high, by_low), by_second);
}

/* Nonzero where `now`, seen after `before`, breaks a rule. */
__attribute__((target("avx2"))) static inline __m256i block_errors(__m256i now, __m256i before)
{
	__m256i pairs = pair_errors(now, PREVIOUS(1, before, now));
	/* The third byte of a three or four byte form, and the fourth of a four byte one, have to be
	 * continuations after continuations; where they are, TWO_CONTS cancels out. */
	__m256i third =
		_mm256_subs_epu8(PREVIOUS(2, before, now), _mm256_set1_epi8(ERRORS(0xE0 - 0x80)));
	__m256i fourth =
		_mm256_subs_epu8(PREVIOUS(3, before, now), _mm256_set1_epi8(ERRORS(0xF0 - 0x80)));
	__m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(ERRORS(0x80)));
	return _mm256_xor_si256(must, pairs);
}

/* How many bytes from the start, which must be the start of a character, are whole valid
 * characters as far as 32-byte blocks can tell: never too many, perhaps too few. */
__attribute__((target("avx2"))) static size_t skip_valid(const uint8_t *data, size_t size)
{
	__m256i before = _mm256_setzero_si256();
	size_t i = 0;
	for (; size - i >= 32; i += 32) {
		__m256i now = _mm256_loadu_si256((const __m256i *)(const void *)(data + i));
		__m256i errors = block_errors(now, before);
		if (!_mm256_testz_si256(errors, errors)) break;
		before = now;
	}
	/* The last character may reach past the blocks: step back to its lead byte. */
	for (size_t back = 1; back <= 3 && back <= i; back++) {
		uint8_t byte = data[i - back];
		if (byte < 0x80) break;
		if (byte >= 0xC0) return i - back;
	}
	return i;
}

static bool vectors_know_every_script(void)
{
	return __builtin_cpu_supports("avx2");
}

#else

static size_t skip_valid(const uint8_t *data, size_t size)
{
	return skip_ascii(data, size);
}

static bool vectors_know_every_script(void)
{
	return false;
}

#endif

/* Sets what may follow lead byte `byte`. */
static bool lead(wf_utf8 *utf8, uint8_t byte)
{
	utf8->low = 0x80;
	utf8->high = 0xBF;
	if (byte < 0xC2) return false;
	if (byte < 0xE0) {
		utf8->due = 1;
	} else if (byte < 0xF0) {
		utf8->due = 2;
		if (byte == 0xE0) utf8->low = 0xA0;
		if (byte == 0xED) utf8->high = 0x9F;
	} else if (byte < 0xF5) {
		utf8->due = 3;
		if (byte == 0xF0) utf8->low = 0x90;
		if (byte == 0xF4) utf8->high = 0x8F;
	} else {
		return false;
	}
	return true;
}

static inline bool step(wf_utf8 *utf8, uint8_t byte)
{
	if (utf8->due == 0) return byte < 0x80 || lead(utf8, byte);
	if (byte < utf8->low || byte > utf8->high) return false;
	utf8->low = 0x80;
	utf8->high = 0xBF;
	utf8->due--;
	return true;
}

/* Feeds bytes until one is refused, `size` are taken, or a character ends at or after `until`.
 * Returns how many were taken; the refused one is not. */
static size_t feed_bytes(wf_utf8 *utf8, const uint8_t *data, size_t size, size_t until)
{
	size_t i = 0;
	while (i < size && (i < until || utf8->due > 0)) {
		if (!step(utf8, data[i])) {
			utf8->refused = true;
			break;
		}
		i++;
	}
	return i;
}

/* Where there is only the ASCII skip, a text of another script would pay for a vain look at each
 * character; this many bytes pass between two looks. */
enum { BYTES_BETWEEN_LOOKS = 64 };

/* Feeds all of it; returns how many bytes were taken before a refusal. */
static size_t feed(wf_utf8 *utf8, const uint8_t *data, size_t size)
{
	size_t i = feed_bytes(utf8, data, size, 0);
	bool every_script = size >= VECTOR_BYTES_MIN && vectors_know_every_script();
	while (i < size && !utf8->refused) {
		i += skip_ascii(data + i, size - i);
		if (every_script && size - i >= VECTOR_BYTES_MIN) i += skip_valid(data + i, size - i);
		i += feed_bytes(utf8, data + i, size - i, BYTES_BETWEEN_LOOKS);
	}
	return i;
}

bool wf_utf8_feed(wf_utf8 *utf8, const void *data, size_t size)
{
	if (!utf8->refused) feed(utf8, data, size);
	return !utf8->refused;
}

bool wf_utf8_complete(const wf_utf8 *utf8)
{
	return utf8->due == 0 && !utf8->refused;
}

bool wf_utf8_valid(const void *data, size_t size)
{
	wf_utf8 utf8 = { 0 };
	return wf_utf8_feed(&utf8, data, size) && wf_utf8_complete(&utf8);
}

size_t wf_utf8_prefix(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	wf_utf8 utf8 = { 0 };
	size_t n = feed(&utf8, bytes, size);
	if (utf8.due == 0) return n;
	/* Inside a character: the lead byte is at most three back. */
	do n--;
	while ((bytes[n] & 0xC0) == 0x80);
	return n;
}

size_t wf_utf8_ill_formed(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	wf_utf8 utf8 = { 0 };
	size_t n = 0;
	while (n < size && step(&utf8, bytes[n])) n++;
	return n > 0 ? n : 1;
}

size_t wf_utf8_encode(uint32_t c, char out[4])
{
	wf_assert(c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF));
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (c & 0x3F));
		c >>= 6;
	}
	static const uint8_t leads[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	out[0] = (char)(leads[n] | c);
	return n;
}
