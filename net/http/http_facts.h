/* What fields and targets mean for the message itself: its host, its framing, what becomes of the
 * connection. The parser hands each field over as it completes and the head at its end, so the
 * first thing wrong in order of the bytes is the one reported.
 * Only http_parse.c and http_facts.c include this. */
#ifndef WF_HTTP_FACTS_H
#define WF_HTTP_FACTS_H

#include "net/http/http_parse.h"

#include <string.h>

WEFT_BEGIN

/* Sizes of the names that mean something: host, expect, upgrade, connection, content-length,
 * transfer-encoding. Others need not be looked at. */
#define WF_FACT_SIZES ((1u << 4) | (1u << 6) | (1u << 7) | (1u << 10) | (1u << 14) | (1u << 17))

/* 0 or a refusal. */
int wf_http_fact_field(wf_http_head *head, const char *data, const wf_http_field *field);
int wf_http_fact_trailer(const char *name, size_t size);
/* For targets that do not begin with '/', and for all of CONNECT. */
int wf_http_fact_target(wf_http_head *head, const char *data);
/* DONE or a refusal. */
int wf_http_fact_end(wf_http_head *head);

/* Whether `size` bytes equal `lower` but for case. Setting bit 5 maps nothing but its capital to a
 * letter, and to a digit or '-' only control bytes, which neither names nor values hold. */
static inline __attribute__((always_inline)) bool wf_http_is(
	const char *text, const char *lower, size_t size)
{
	const uint64_t case_bits = 0x2020202020202020u;
	uint64_t a, b;
	size_t i = 0;
	for (; i + 8 <= size; i += 8) {
		memcpy(&a, text + i, 8);
		memcpy(&b, lower + i, 8);
		if ((a | case_bits) != b) return false;
	}
	for (; i + 4 <= size; i += 4) {
		uint32_t c, d;
		memcpy(&c, text + i, 4);
		memcpy(&d, lower + i, 4);
		if ((c | (uint32_t)case_bits) != d) return false;
	}
	for (; i < size; i++)
		if ((text[i] | 0x20) != lower[i]) return false;
	return true;
}

WEFT_END
#endif
