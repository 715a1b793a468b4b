/* UTF-8 checked as it arrives (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * The checker is exact about time: it refuses at the first byte after which no continuation could
 * be valid, as RFC 6455 section 8.1 wants from text that comes in fragments.
 * Thread: any, for all of it. */
#ifndef WF_HTTP_UTF8_CHECK_H
#define WF_HTTP_UTF8_CHECK_H

#include "context/base.h"

WEFT_BEGIN

/* All-zero is the beginning of a text. After a refusal it stays refused until it is zeroed. */
typedef struct wf_utf8 {
	uint8_t due;       /* continuation bytes the current character still wants */
	uint8_t low, high; /* what the next of them may be, while any is due */
	bool refused;
} wf_utf8;

/* Takes the next `size` bytes. False as soon as the text can no longer become valid. */
bool wf_utf8_feed(wf_utf8 *utf8, const void *data, size_t size);

/* True when the bytes fed so far are valid and no character is left half done. */
bool wf_utf8_complete(const wf_utf8 *utf8);

/* True when all of it is valid. */
bool wf_utf8_valid(const void *data, size_t size);

/* How many bytes from the start are whole valid characters; `size` when all is valid. */
size_t wf_utf8_prefix(const void *data, size_t size);

/* The length of the ill-formed piece at `data`, which must not begin with a valid character and
 * must not be empty: the longest start of a character that went wrong, at least one byte. One
 * U+FFFD stands for it (Unicode 15, section 3.9, "maximal subparts"). */
size_t wf_utf8_ill_formed(const void *data, size_t size);

/* The bytes that code point `c` (at most U+10FFFF and no surrogate) takes, written to `out`. */
size_t wf_utf8_encode(uint32_t c, char out[4]);

WEFT_END
#endif
