/* Bytes as lower-case hexadecimal digits, the only spelling W3C trace-context allows. */
#ifndef WF_CONTEXT_HEX_H
#define WF_CONTEXT_HEX_H

#include "context/base.h"

WEFT_BEGIN

/* Writes 2 * size digits, no NUL. */
static inline void wf_hex_encode(const uint8_t *bytes, size_t size, char *digits)
{
	for (size_t i = 0; i < size; i++) {
		digits[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		digits[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
}

/* -1 when it is no lower-case digit. */
static inline int wf_hex_digit(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	return -1;
}

/* Reads 2 * size digits. False when one is none; `bytes` is undefined then. */
static inline bool wf_hex_decode(const char *digits, size_t size, uint8_t *bytes)
{
	for (size_t i = 0; i < size; i++) {
		int high = wf_hex_digit(digits[2 * i]), low = wf_hex_digit(digits[2 * i + 1]);
		if ((high | low) < 0) return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

WEFT_END
#endif
