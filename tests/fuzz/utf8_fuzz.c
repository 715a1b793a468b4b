/* The checker decides the same whether it sees a text at once, with vectors, or byte by byte; and
 * what it calls valid is taken apart into whole characters. The first byte says how far the text
 * is pushed off its alignment. */
#include "net/http/utf8_check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes taken one by one before a refusal, and how many of them are whole characters. */
static size_t feed_bytes(const uint8_t *text, size_t size, size_t *whole)
{
	wf_utf8 utf8 = { 0 };
	size_t n = 0;
	*whole = 0;
	while (n < size && wf_utf8_feed(&utf8, text + n, 1)) {
		n++;
		if (wf_utf8_complete(&utf8)) *whole = n;
	}
	return n;
}

/* Steps through all of it, over what is ill-formed too; ends at the end. */
static void check_pieces(const uint8_t *text, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t valid = wf_utf8_prefix(text + at, size - at);
		if (valid > size - at) abort();
		at += valid;
		if (at == size) break;
		size_t bad = wf_utf8_ill_formed(text + at, size - at);
		if (bad == 0 || bad > 3 || bad > size - at) abort();
		at += bad;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) return 0;
	size_t offset = data[0] % 64, whole;
	size--;
	uint8_t *block = malloc(offset + size + 1);
	if (block == NULL) return 0;
	uint8_t *text = block + offset;
	memcpy(text, data + 1, size);
	size_t taken = feed_bytes(text, size, &whole);
	wf_utf8 utf8 = { 0 };
	if (wf_utf8_feed(&utf8, text, size) != (taken == size)) abort();
	if (wf_utf8_complete(&utf8) != (whole == size)) abort();
	if (wf_utf8_prefix(text, size) != whole) abort();
	check_pieces(text, size);
	free(block);
	return 0;
}
