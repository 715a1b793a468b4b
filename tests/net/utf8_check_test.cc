#include "net/http/utf8_check.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace
{

/* RFC 3629 section 4, as its table says it: for each lead byte the ranges of what follows. */
struct Form {
	int lead_low, lead_high;
	std::vector<std::pair<int, int>> rest;
};

const std::vector<Form> forms = {
	{ 0x00, 0x7F, {} },
	{ 0xC2, 0xDF, { { 0x80, 0xBF } } },
	{ 0xE0, 0xE0, { { 0xA0, 0xBF }, { 0x80, 0xBF } } },
	{ 0xE1, 0xEC, { { 0x80, 0xBF }, { 0x80, 0xBF } } },
	{ 0xED, 0xED, { { 0x80, 0x9F }, { 0x80, 0xBF } } },
	{ 0xEE, 0xEF, { { 0x80, 0xBF }, { 0x80, 0xBF } } },
	{ 0xF0, 0xF0, { { 0x90, 0xBF }, { 0x80, 0xBF }, { 0x80, 0xBF } } },
	{ 0xF1, 0xF3, { { 0x80, 0xBF }, { 0x80, 0xBF }, { 0x80, 0xBF } } },
	{ 0xF4, 0xF4, { { 0x80, 0x8F }, { 0x80, 0xBF }, { 0x80, 0xBF } } },
};

struct Verdict {
	size_t viable = 0; /* bytes taken before the one that spoils it */
	size_t whole = 0;  /* bytes of whole characters */
	bool operator==(const Verdict &) const = default;
};

const Form *form_of(int lead)
{
	for (const Form &form : forms)
		if (lead >= form.lead_low && lead <= form.lead_high) return &form;
	return nullptr;
}

Verdict judge(const std::string &text)
{
	Verdict v;
	while (v.whole < text.size()) {
		const Form *form = form_of((uint8_t)text[v.whole]);
		v.viable = v.whole;
		if (form == nullptr) return v;
		v.viable++;
		for (auto [low, high] : form->rest) {
			if (v.viable == text.size()) return v;
			int byte = (uint8_t)text[v.viable];
			if (byte < low || byte > high) return v;
			v.viable++;
		}
		v.whole = v.viable;
	}
	return v;
}

/* Byte by byte, so that no vector is ever used, and it is seen which byte is refused. */
Verdict feed_bytes(const std::string &text)
{
	Verdict v;
	wf_utf8 utf8{};
	while (v.viable < text.size() && wf_utf8_feed(&utf8, &text[v.viable], 1)) {
		v.viable++;
		if (wf_utf8_complete(&utf8)) v.whole = v.viable;
	}
	return v;
}

void expect_as_reference(const std::string &text)
{
	Verdict wanted = judge(text);
	ASSERT_EQ(wanted, feed_bytes(text)) << testing::PrintToString(text);
	wf_utf8 utf8{};
	ASSERT_EQ(wanted.viable == text.size(), wf_utf8_feed(&utf8, text.data(), text.size()));
	ASSERT_EQ(wanted.whole == text.size(), wf_utf8_complete(&utf8));
	ASSERT_EQ(wanted.whole == text.size(), wf_utf8_valid(text.data(), text.size()));
	ASSERT_EQ(wanted.whole, wf_utf8_prefix(text.data(), text.size()))
		<< testing::PrintToString(text);
}

/* Both sides of every boundary that a byte of UTF-8 can have. */
const std::vector<int> edges = { 0x00, 0x61, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1,
	0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF };

std::string bytes(std::initializer_list<int> values)
{
	std::string text;
	for (int value : values) text += (char)value;
	return text;
}

TEST(Utf8Check, AgreesWithTheTableOfRfc3629OnEveryOneAndTwoBytes)
{
	for (int a = 0; a < 256; a++) {
		expect_as_reference(bytes({ a }));
		for (int b = 0; b < 256; b++) expect_as_reference(bytes({ a, b }));
	}
}

TEST(Utf8Check, AgreesWithTheTableOnEveryThreeByteForm)
{
	for (int a = 0xE0; a < 0xF0; a++)
		for (int b = 0; b < 256; b++)
			for (int c : edges) expect_as_reference(bytes({ a, b, c }));
}

TEST(Utf8Check, AgreesWithTheTableOnEveryFourBytesThatTouchABoundary)
{
	for (int a : edges)
		for (int b : edges)
			for (int c : edges)
				for (int d : edges) expect_as_reference(bytes({ a, b, c, d }));
}

TEST(Utf8Check, TakesEveryCodePointAndNoSurrogate)
{
	std::string all;
	for (uint32_t c = 0; c <= 0x10FFFF; c++) {
		if (c >= 0xD800 && c <= 0xDFFF) continue;
		char out[4];
		all.append(out, wf_utf8_encode(c, out));
	}
	EXPECT_TRUE(wf_utf8_valid(all.data(), all.size()));
	EXPECT_EQ(all.size(), wf_utf8_prefix(all.data(), all.size()));
	EXPECT_EQ(128u + 2 * 1920 + 3 * (63488 - 2048) + 4 * 1048576, all.size());
}

/* The same sequence at each place of a block, among neighbours of each length. */
TEST(Utf8Check, DecidesTheSameInsideVectorsAsByteByByte)
{
	const std::string fillers[] = { "a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80" };
	for (int a : edges)
		for (int b : edges)
			for (int c : { 0x61, 0x80, 0xBF, 0xE0 }) {
				std::string middle = bytes({ a, b, c, 0x80 });
				for (const std::string &filler : fillers) {
					for (size_t n = 25; n < 36; n++) {
						std::string text;
						while (text.size() < n) text += filler;
						text += middle;
						for (int i = 0; i < 20; i++) text += filler;
						Verdict wanted = judge(text);
						ASSERT_EQ(wanted.whole, wf_utf8_prefix(text.data(), text.size()))
							<< testing::PrintToString(text);
						ASSERT_EQ(
							wanted.whole == text.size(), wf_utf8_valid(text.data(), text.size()));
					}
				}
			}
}

std::string random_text(std::mt19937 &random, size_t size)
{
	std::string text;
	uint32_t most[] = { 0x7F, 0x7FF, 0xFFFF, 0x10FFFF };
	uint32_t limit = most[random() % 4];
	while (text.size() < size) {
		uint32_t c = random() % (limit + 1);
		char out[4];
		if (c >= 0xD800 && c <= 0xDFFF) continue;
		text.append(out, wf_utf8_encode(c, out));
	}
	text.resize(size);
	return text;
}

TEST(Utf8Check, DecidesTheSameAtEveryLengthAndAlignment)
{
	std::mt19937 random(1);
	alignas(64) char block[64 + 300];
	for (size_t size = 0; size <= 300; size++)
		for (size_t offset = 0; offset < 33; offset++) {
			std::string text = random_text(random, size);
			if (size > 0 && random() % 2) text[random() % size] = (char)random();
			memcpy(block + offset, text.data(), size);
			Verdict wanted = judge(text);
			ASSERT_EQ(wanted.whole, wf_utf8_prefix(block + offset, size));
			ASSERT_EQ(wanted.whole == size, wf_utf8_valid(block + offset, size));
			wf_utf8 utf8{};
			ASSERT_EQ(wanted.viable == size, wf_utf8_feed(&utf8, block + offset, size));
		}
}

TEST(Utf8Check, DecidesTheSameWhereverTheTextIsCut)
{
	std::mt19937 random(2);
	for (int round = 0; round < 60; round++) {
		std::string text = random_text(random, 150);
		if (round % 3 == 0) text[random() % text.size()] = (char)random();
		Verdict wanted = judge(text);
		for (size_t cut = 0; cut <= text.size(); cut++) {
			wf_utf8 utf8{};
			bool first = wf_utf8_feed(&utf8, text.data(), cut);
			ASSERT_EQ(wanted.viable >= cut, first);
			bool both = wf_utf8_feed(&utf8, text.data() + cut, text.size() - cut);
			ASSERT_EQ(wanted.viable == text.size(), both);
			ASSERT_EQ(wanted.whole == text.size(), wf_utf8_complete(&utf8));
		}
	}
}

TEST(Utf8Check, StaysRefused)
{
	wf_utf8 utf8{};
	EXPECT_FALSE(wf_utf8_feed(&utf8, "\xFF", 1));
	EXPECT_FALSE(wf_utf8_feed(&utf8, "a", 1));
	EXPECT_FALSE(wf_utf8_complete(&utf8));
}

TEST(Utf8Check, AnEmptyTextIsValid)
{
	wf_utf8 utf8{};
	EXPECT_TRUE(wf_utf8_complete(&utf8));
	EXPECT_TRUE(wf_utf8_feed(&utf8, "", 0));
	EXPECT_TRUE(wf_utf8_valid("", 0));
	EXPECT_EQ(0u, wf_utf8_prefix("", 0));
}

/* The examples of Unicode 15, tables 3-8 to 3-11. */
TEST(Utf8Check, MeasuresTheMaximalSubpartsThatUnicodeNames)
{
	auto pieces = [](std::string text) {
		std::string lengths;
		for (size_t at = 0; at < text.size();) {
			size_t valid = wf_utf8_prefix(text.data() + at, text.size() - at);
			lengths += std::string(valid, '.');
			at += valid;
			if (at == text.size()) break;
			size_t bad = wf_utf8_ill_formed(text.data() + at, text.size() - at);
			lengths += std::to_string(bad);
			at += bad;
		}
		return lengths;
	};
	EXPECT_EQ("11111111.", pieces(bytes({ 0xC0, 0xAF, 0xE0, 0x80, 0xBF, 0xF0, 0x81, 0x82, 0x41 })));
	EXPECT_EQ("11111111.", pieces(bytes({ 0xED, 0xA0, 0x80, 0xED, 0xBF, 0xBF, 0xED, 0xAF, 0x41 })));
	EXPECT_EQ("11111.11.", pieces(bytes({ 0xF4, 0x91, 0x92, 0x93, 0xFF, 0x41, 0x80, 0xBF, 0x42 })));
	EXPECT_EQ(
		"2132.1", pieces(bytes({ 0xE1, 0x80, 0xE2, 0xF0, 0x91, 0x92, 0xF1, 0xBF, 0x41, 0xC3 })));
}

} // namespace
