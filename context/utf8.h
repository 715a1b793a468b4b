/* Text from strangers, character by character (RFC 3629). */
#ifndef WF_CONTEXT_UTF8_H
#define WF_CONTEXT_UTF8_H

#include "context/base.h"

WEFT_BEGIN

/* Reads the first character of text[0..length), length > 0. Returns its bytes, or 0 when they are
 * not UTF-8: an overlong form, a surrogate, a byte out of place, the end. */
size_t wf_utf8_decode(const char *text, size_t length, uint32_t *character);

/* Whether it may do something to the line it is shown in rather than be shown: control characters,
 * line and paragraph separators, and those that turn the direction of writing. */
bool wf_utf8_is_control(uint32_t character);

WEFT_END
#endif
