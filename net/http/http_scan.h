/* Finding the first byte that ends a token, sixteen bytes at a time.
 *
 * Every scanner takes [at, end) and the `start` of the buffer it lies in, returns the first byte
 * that is not of its class or `end`, and never reads outside [start, end). The last bytes before
 * `end` are read by stepping back into what was scanned already, so only buffers under sixteen
 * bytes are walked byte by byte. Thirty-two bytes at a time (AVX2, chosen when the program starts)
 * were tried: 4 % fewer instructions on a browser's head, no less time, so there is no dispatch.
 *
 * The classes are those of RFC 9110 section 5.5 and 5.6.2 and RFC 9112 section 3.2. */
#ifndef WF_HTTP_SCAN_H
#define WF_HTTP_SCAN_H

#include "context/base.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#endif

WEFT_BEGIN

enum {
	WF_BYTE_TOKEN = 1,  /* tchar: method, field name, list items */
	WF_BYTE_TARGET = 2, /* request target; see scan_target */
	WF_BYTE_VALUE = 4,  /* field value: no control byte but HTAB */
	WF_BYTE_HOST = 8,   /* reg-name without percent-encoding: unreserved and sub-delims */
	WF_BYTE_DIGIT = 16,
	WF_BYTE_HEX = 32,
	WF_BYTE_PLAIN = 64, /* letters and '-': what nearly all field names are made of */
	WF_BYTE_PATH = 128, /* everything but '?' */
};

extern const uint8_t wf_http_bytes[256];

static inline bool wf_byte_is(char byte, int kind)
{
	return (wf_http_bytes[(unsigned char)byte] & kind) != 0;
}

static inline bool wf_byte_is_space(char byte)
{
	return byte == ' ' || byte == '\t';
}

#define WF_SCAN_INLINE static inline __attribute__((always_inline))

#if defined(__SSE2__)
#define WF_SCAN_BLOCKS 1
typedef __m128i wf_block;
typedef uint32_t wf_block_mask; /* one bit a byte */
enum { WF_MASK_BITS = 1 };

WF_SCAN_INLINE wf_block wf_block_load(const char *at)
{
	return _mm_loadu_si128((const __m128i *)(const void *)at);
}
WF_SCAN_INLINE wf_block wf_block_splat(int byte)
{
	return _mm_set1_epi8((char)byte);
}
WF_SCAN_INLINE wf_block wf_block_or(wf_block a, wf_block b)
{
	return _mm_or_si128(a, b);
}
WF_SCAN_INLINE wf_block wf_block_and(wf_block a, wf_block b)
{
	return _mm_and_si128(a, b);
}
WF_SCAN_INLINE wf_block wf_block_equal(wf_block a, int byte)
{
	return _mm_cmpeq_epi8(a, wf_block_splat(byte));
}
/* Bytes in [low, high]. Adding makes `low` the smallest signed byte, so one compare is enough. */
WF_SCAN_INLINE wf_block wf_block_within(wf_block a, int low, int high)
{
	wf_block shifted = _mm_add_epi8(a, wf_block_splat(-128 - low));
	return _mm_cmplt_epi8(shifted, wf_block_splat(-128 + (high - low) + 1));
}
WF_SCAN_INLINE wf_block_mask wf_block_bits(wf_block a)
{
	return (wf_block_mask)_mm_movemask_epi8(a);
}
WF_SCAN_INLINE wf_block_mask wf_block_bits_not(wf_block a)
{
	return wf_block_bits(a) ^ 0xffff;
}
WF_SCAN_INLINE unsigned wf_mask_first(wf_block_mask mask)
{
	return (unsigned)__builtin_ctz(mask);
}

#elif defined(__aarch64__) && defined(__ARM_NEON)
#define WF_SCAN_BLOCKS 1
typedef uint8x16_t wf_block;
typedef uint64_t wf_block_mask; /* four bits a byte: what one narrowing shift gives */
enum { WF_MASK_BITS = 4 };

WF_SCAN_INLINE wf_block wf_block_load(const char *at)
{
	return vld1q_u8((const uint8_t *)(const void *)at);
}
WF_SCAN_INLINE wf_block wf_block_splat(int byte)
{
	return vdupq_n_u8((uint8_t)byte);
}
WF_SCAN_INLINE wf_block wf_block_or(wf_block a, wf_block b)
{
	return vorrq_u8(a, b);
}
WF_SCAN_INLINE wf_block wf_block_and(wf_block a, wf_block b)
{
	return vandq_u8(a, b);
}
WF_SCAN_INLINE wf_block wf_block_equal(wf_block a, int byte)
{
	return vceqq_u8(a, wf_block_splat(byte));
}
WF_SCAN_INLINE wf_block wf_block_within(wf_block a, int low, int high)
{
	return vcleq_u8(vsubq_u8(a, wf_block_splat(low)), wf_block_splat(high - low));
}
WF_SCAN_INLINE wf_block_mask wf_block_bits(wf_block a)
{
	return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(a), 4)), 0);
}
WF_SCAN_INLINE wf_block_mask wf_block_bits_not(wf_block a)
{
	return ~wf_block_bits(a);
}
WF_SCAN_INLINE unsigned wf_mask_first(wf_block_mask mask)
{
	return (unsigned)__builtin_ctzll(mask) / WF_MASK_BITS;
}
#endif

#ifdef WF_SCAN_BLOCKS
/* The bytes that stop a scan, as a mask. */
typedef wf_block_mask wf_block_stop_fn(wf_block bytes);

/* One scan for every class: `stop` and `kind` are constants at each call and fold away. */
WF_SCAN_INLINE const char *wf_scan(
	const char *at, const char *end, const char *start, wf_block_stop_fn *stop, int kind)
{
	while (wf_likely(end - at >= 16)) {
		wf_block_mask mask = stop(wf_block_load(at));
		if (mask != 0) return at + wf_mask_first(mask);
		at += 16;
	}
	if (end - start >= 16) {
		unsigned seen = 16 - (unsigned)(end - at);
		if (seen == 16) return end;
		wf_block_mask mask = stop(wf_block_load(end - 16)) >> (seen * WF_MASK_BITS);
		return mask != 0 ? at + wf_mask_first(mask) : end;
	}
	while (at < end && wf_byte_is(*at, kind)) at++;
	return at;
}

WF_SCAN_INLINE wf_block_mask wf_stop_value(wf_block bytes)
{
	wf_block control = wf_block_within(bytes, 0, 0x1f);
	wf_block tab = wf_block_equal(bytes, '\t');
#if defined(__SSE2__)
	control = _mm_andnot_si128(tab, control);
#else
	control = vbicq_u8(control, tab);
#endif
	return wf_block_bits(wf_block_or(control, wf_block_equal(bytes, 0x7f)));
}

WF_SCAN_INLINE wf_block_mask wf_stop_target(wf_block bytes)
{
	/* '"' and '#' differ in the lowest bit only, '<' and '>' in the second. */
	wf_block quote = wf_block_equal(wf_block_and(bytes, wf_block_splat(0xfe)), '"');
	wf_block angle = wf_block_equal(wf_block_and(bytes, wf_block_splat(0xfd)), '<');
	wf_block bad = wf_block_or(quote, angle);
	return wf_block_bits_not(wf_block_within(bytes, 0x21, 0x7e)) | wf_block_bits(bad);
}

WF_SCAN_INLINE wf_block_mask wf_stop_plain(wf_block bytes)
{
	wf_block letter = wf_block_within(wf_block_or(bytes, wf_block_splat(0x20)), 'a', 'z');
	return wf_block_bits_not(wf_block_or(letter, wf_block_equal(bytes, '-')));
}

/* Letters and '-' to '9' but for '/': what nearly all hosts are made of. */
WF_SCAN_INLINE wf_block_mask wf_stop_host(wf_block bytes)
{
	wf_block letter = wf_block_within(wf_block_or(bytes, wf_block_splat(0x20)), 'a', 'z');
	wf_block other = wf_block_within(bytes, '-', '9');
	wf_block slash = wf_block_equal(bytes, '/');
	return wf_block_bits_not(wf_block_or(letter, other)) | wf_block_bits(slash);
}

WF_SCAN_INLINE wf_block_mask wf_stop_question(wf_block bytes)
{
	return wf_block_bits(wf_block_equal(bytes, '?'));
}

#define WF_SCAN(at, end, start, name, kind) wf_scan(at, end, start, wf_stop_##name, kind)
#else
WF_SCAN_INLINE const char *wf_scan_bytes(const char *at, const char *end, int kind)
{
	while (at < end && wf_byte_is(*at, kind)) at++;
	return at;
}
#define WF_SCAN(at, end, start, name, kind) ((void)(start), wf_scan_bytes(at, end, kind))
#endif

/* Up to the first control byte other than HTAB, or DEL. */
WF_SCAN_INLINE const char *wf_scan_value(const char *at, const char *end, const char *start)
{
	return WF_SCAN(at, end, start, value, WF_BYTE_VALUE);
}

/* Up to the first byte a request target cannot hold: anything but visible ASCII, and of that the
 * double quote, '#', '<' and '>'. The rest of what RFC 3986 excludes ('\', '^', '`', '{', '|', '}')
 * browsers send as it is in queries. */
WF_SCAN_INLINE const char *wf_scan_target(const char *at, const char *end, const char *start)
{
	return WF_SCAN(at, end, start, target, WF_BYTE_TARGET);
}

WF_SCAN_INLINE const char *wf_scan_token(const char *at, const char *end, const char *start)
{
	at = WF_SCAN(at, end, start, plain, WF_BYTE_PLAIN);
	while (at < end && wf_byte_is(*at, WF_BYTE_TOKEN)) at++;
	return at;
}

/* Up to the first '?' of what was a target. */
WF_SCAN_INLINE const char *wf_scan_question(const char *at, const char *end, const char *start)
{
	return WF_SCAN(at, end, start, question, WF_BYTE_PATH);
}

/* Up to the first byte a host name without percent-encoding cannot hold. */
WF_SCAN_INLINE const char *wf_scan_host(const char *at, const char *end, const char *start)
{
	at = WF_SCAN(at, end, start, host, WF_BYTE_HOST);
	while (at < end && wf_byte_is(*at, WF_BYTE_HOST)) at++;
	return at;
}

WEFT_END
#endif
