/* What the WebSocket codec costs: masking and UTF-8 in GB/s, frames in nanoseconds; the median of
 * nine rounds, the best and the worst. Rows that end in `_bytewise` are the loop of the RFC, for
 * comparison. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/clock.h"
#include "net/websocket/websocket_frame.h"
#include "net/websocket/websocket_mask.h"

enum { rounds = 9, block_bytes = 16384, frame_bytes = 64, frames = 200, repeats = 4000 };

/* Keeps the compiler from leaving the work out. */
#define KEEP(value) __asm__ volatile("" ::"r"(value) : "memory")

typedef void round_fn(void);

static const uint8_t key[4] = { 0x37, 0xFA, 0x21, 0x3D };
static uint8_t block[block_bytes + 64];
static uint8_t ascii[block_bytes], greek[block_bytes], mixed[block_bytes], emoji[block_bytes];
static uint8_t wire[frames * (6 + frame_bytes)], bare_wire[frames * (2 + frame_bytes)];

static void mask_64(void)
{
	for (int i = 0; i < repeats; i++)
		for (size_t at = 0; at < block_bytes; at += 64) wf_websocket_mask(block + at, 64, key, 0);
}

static void mask_16k(void)
{
	for (int i = 0; i < repeats; i++) wf_websocket_mask(block, block_bytes, key, 0);
}

static void mask_16k_unaligned(void)
{
	for (int i = 0; i < repeats; i++) wf_websocket_mask(block + 7, block_bytes, key, 1);
}

static void mask_16k_bytewise(void)
{
	for (int i = 0; i < repeats; i++)
		for (size_t at = 0; at < block_bytes; at++) {
			block[at] ^= key[at & 3];
			KEEP(block);
		}
}

static void check(const uint8_t *text)
{
	for (int i = 0; i < repeats; i++)
		if (!wf_utf8_valid(text, block_bytes)) exit(1);
}

static void utf8_ascii(void)
{
	check(ascii);
}

static void utf8_greek(void)
{
	check(greek);
}

static void utf8_mixed(void)
{
	check(mixed);
}

static void utf8_emoji(void)
{
	check(emoji);
}

static void utf8_mixed_bytewise(void)
{
	wf_utf8 utf8 = { 0 };
	for (int i = 0; i < repeats; i++)
		for (size_t at = 0; at < block_bytes; at++)
			if (!wf_utf8_feed(&utf8, mixed + at, 1)) exit(1);
}

/* Unmasking turns the input into something else, so a masked frame is only read once: the payload
 * is then masked again by the next round, all its bytes being the same either way. */
static void decode(uint8_t *input, size_t size, bool from_client)
{
	wf_websocket_decoder decoder;
	const wf_websocket_rules rules = { .from_client = from_client };
	wf_websocket_decoder_init(&decoder, &rules);
	size_t count = 0;
	for (size_t at = 0; at < size;) {
		wf_websocket_event event;
		size_t used;
		if (wf_websocket_decode(&decoder, input + at, size - at, &event, &used) != 1) exit(1);
		at += used;
		count += event.size;
	}
	if (count != frames * frame_bytes) exit(1);
}

static void decode_64(void)
{
	for (int i = 0; i < repeats; i++) decode(wire, sizeof wire, true);
}

static void decode_64_from_server(void)
{
	for (int i = 0; i < repeats; i++) decode(bare_wire, sizeof bare_wire, false);
}

static void header_64(void)
{
	uint8_t out[WF_WEBSOCKET_HEADER_MAX];
	for (int i = 0; i < repeats * frames; i++) {
		KEEP(wf_websocket_header(out, WF_WEBSOCKET_FIN | WF_WEBSOCKET_TEXT, frame_bytes, NULL));
		KEEP(out);
	}
}

/* `bytes` a round for GB/s; 0: `repeats * frames` calls a round, for nanoseconds. */
static const struct row {
	const char *name;
	round_fn *round;
	double bytes;
} rows[] = {
	{ "mask_64", mask_64, (double)repeats *block_bytes },
	{ "mask_16k", mask_16k, (double)repeats *block_bytes },
	{ "mask_16k_unaligned", mask_16k_unaligned, (double)repeats *block_bytes },
	{ "mask_16k_bytewise", mask_16k_bytewise, (double)repeats *block_bytes },
	{ "utf8_ascii", utf8_ascii, (double)repeats *block_bytes },
	{ "utf8_greek", utf8_greek, (double)repeats *block_bytes },
	{ "utf8_mixed", utf8_mixed, (double)repeats *block_bytes },
	{ "utf8_emoji", utf8_emoji, (double)repeats *block_bytes },
	{ "utf8_mixed_bytewise", utf8_mixed_bytewise, (double)repeats *block_bytes },
	{ "decode_64", decode_64, 0 },
	{ "decode_64_from_server", decode_64_from_server, 0 },
	{ "header_64", header_64, 0 },
};

/* Fills with `text` over and over, and spaces where it does not fit any more. */
static void fill(uint8_t *to, const char *text)
{
	size_t size = strlen(text), at = 0;
	for (; block_bytes - at >= size; at += size) memcpy(to + at, text, size);
	memset(to + at, ' ', block_bytes - at);
}

static void fill_wires(void)
{
	size_t at = 0, bare_at = 0;
	for (int i = 0; i < frames; i++) {
		unsigned first = WF_WEBSOCKET_FIN | WF_WEBSOCKET_BINARY;
		at += wf_websocket_header(wire + at, first, frame_bytes, key) + frame_bytes;
		bare_at += wf_websocket_header(bare_wire + bare_at, first, frame_bytes, NULL) + frame_bytes;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const struct row *row)
{
	double figure[rounds];
	row->round();
	for (int i = 0; i < rounds; i++) {
		int64_t start = wf_now_ns();
		row->round();
		double ns = (double)(wf_now_ns() - start);
		figure[i] = row->bytes > 0 ? row->bytes / ns : ns / (repeats * frames);
	}
	qsort(figure, rounds, sizeof(*figure), compare);
	printf("%-22s %8.2f %s (%.2f to %.2f)\n", row->name, figure[rounds / 2],
		row->bytes > 0 ? "GB/s" : "ns", figure[0], figure[rounds - 1]);
}

/* usage: websocket [FILTER] */
int main(int argc, char **argv)
{
	const char *filter = argc > 1 ? argv[1] : "";
	fill(ascii, "The quick brown fox jumps over the lazy dog. ");
	fill(greek, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5");
	fill(mixed,
		"{\"name\":\"Andr\xc3\xa9\",\"city\":\"K\xc3\xb6ln\",\"note\":\"all well, so far\"}");
	fill(emoji, "\xf0\x9f\x98\x80");
	fill_wires();
	for (size_t i = 0; i < WEFT_COUNT(rows); i++) {
		if (strstr(rows[i].name, filter) != NULL) measure(&rows[i]);
	}
	return 0;
}
