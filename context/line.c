#include "context/line.h"
#include "context/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wf_line_put(wf_line *line, const char *bytes, size_t length)
{
	if (line->length > line->limit || length > line->limit - line->length) {
		line->cut = true;
		return false;
	}
	memcpy(line->text + line->length, bytes, length);
	line->length += length;
	return true;
}

bool wf_line_puts(wf_line *line, const char *text)
{
	return wf_line_put(line, text, strlen(text));
}

bool wf_line_put_uint(wf_line *line, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return wf_line_put(line, digits + at, sizeof(digits) - at);
}

bool wf_line_put_int(wf_line *line, int64_t number)
{
	char text[21];
	wf_line whole = { text, 0, sizeof(text), false };
	if (number < 0) (void)wf_line_put(&whole, "-", 1);
	(void)wf_line_put_uint(&whole, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
	return wf_line_put(line, text, whole.length);
}

/* printf and strtod agree about the locale's decimal point, so the test for sameness comes before
 * that point is replaced, which may be several bytes long. */
bool wf_line_put_real(wf_line *line, double number)
{
	char text[48];
	size_t length = 0;
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, number);
		double again = strtod(text, NULL);
		if (memcmp(&again, &number, sizeof(number)) == 0) break;
	}
	for (const char *c = text; *c != '\0'; c++) {
		bool plain = (*c >= '0' && *c <= '9') || *c == '-' || *c == '+' || *c == 'e';
		if (plain) {
			text[length++] = *c;
		} else if (length > 0 && text[length - 1] != '.') {
			text[length++] = '.';
		}
	}
	return wf_line_put(line, text, length);
}

/* Days since 1970-01-01 to a date of the Gregorian calendar, without the C library, whose gmtime_r
 * may take a lock and read files. Years are counted from March, so that the leap day ends one; an
 * era is 400 of them. */
static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t of_era = shifted - era * 146097;
	int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int from_march = (int)((5 * of_year + 2) / 153);
	*day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = year_of_era + era * 400 + (*month <= 2);
}

static char *put_digits(char *at, int64_t number, int digits)
{
	for (int i = digits; i-- > 0; number /= 10) at[i] = (char)('0' + number % 10);
	return at + digits;
}

bool wf_line_put_time(wf_line *line, int64_t wall_ns)
{
	char text[] = "0000-00-00T00:00:00.000000Z";
	int64_t second = wall_ns / 1000000000, rest = wall_ns % 1000000000, year;
	int month, day;
	if (rest < 0) second--, rest += 1000000000;
	int64_t days = second / 86400, of_day = second % 86400;
	if (of_day < 0) days--, of_day += 86400;
	date_of(days, &year, &month, &day);
	put_digits(text, year, 4);
	put_digits(text + 5, month, 2);
	put_digits(text + 8, day, 2);
	put_digits(text + 11, of_day / 3600, 2);
	put_digits(text + 14, of_day / 60 % 60, 2);
	put_digits(text + 17, of_day % 60, 2);
	put_digits(text + 20, rest / 1000, 6);
	return wf_line_put(line, text, sizeof(text) - 1);
}

static size_t put_hex(char *at, const char *prefix, uint32_t value, int digits)
{
	size_t length = strlen(prefix);
	memcpy(at, prefix, length);
	while (digits-- > 0) at[length++] = "0123456789abcdef"[value >> digits * 4 & 15];
	return length;
}

/* The letter behind the backslash in both styles; 0 when there is none. */
static char short_escape(uint32_t c)
{
	switch (c) {
	case '"':
		return '"';
	case '\\':
		return '\\';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

/* Returns the length of the escape, 0 when the character needs none. `at` has room for 8 bytes: all
 * characters in question have at most four hexadecimal digits. */
static size_t escape(uint32_t c, enum wf_line_style style, char *at)
{
	char letter = short_escape(c);
	if (letter != 0) {
		at[0] = '\\';
		at[1] = letter;
		return 2;
	}
	if (!wf_utf8_is_control(c)) return 0;
	if (style == WF_LINE_TEXT && c < 0x100) return put_hex(at, "\\x", c, 2);
	return put_hex(at, "\\u", c, 4);
}

static size_t escape_broken(uint8_t byte, enum wf_line_style style, char *at)
{
	if (style == WF_LINE_JSON) return put_hex(at, "\\u", 0xfffd, 4);
	return put_hex(at, "\\x", byte, 2);
}

/* How many bytes from the start need no look at their meaning. */
static size_t plain_run(const char *text, size_t length)
{
	size_t n = 0;
	while (n < length && text[n] >= ' ' && text[n] <= '~' && text[n] != '"' && text[n] != '\\') n++;
	return n;
}

/* Of plain characters any part may stand alone. */
static bool put_plain(wf_line *line, const char *text, size_t length)
{
	size_t room = line->limit > line->length ? line->limit - line->length : 0;
	size_t fits = length < room ? length : room;
	(void)wf_line_put(line, text, fits);
	line->cut |= fits < length;
	return fits == length;
}

void wf_line_put_escaped(wf_line *line, const char *text, size_t length, enum wf_line_style style)
{
	while (length > 0) {
		char escaped[8];
		uint32_t c;
		size_t taken = plain_run(text, length);
		if (taken > 0) {
			if (!put_plain(line, text, taken)) return;
		} else {
			taken = wf_utf8_decode(text, length, &c);
			size_t n =
				taken ? escape(c, style, escaped) : escape_broken((uint8_t)text[0], style, escaped);
			if (taken == 0) taken = 1;
			if (!wf_line_put(line, n ? escaped : text, n ? n : taken)) return;
		}
		text += taken;
		length -= taken;
	}
}
