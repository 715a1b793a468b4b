/* Up to 2^53 times or over a power of ten up to 10^22 both operands are exact doubles, so that one
 * operation rounds once, and correctly (W. Clinger, 1990): nearly all numbers of real life. The
 * rest is left to the C library, which is correct but asks the locale for its decimal point; so
 * reading names the "C" locale and writing replaces whatever the point turned out to be. */
#include "net/http/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MANTISSA_DIGITS = 19, /* any so long fits 64 bits */
	EXACT_POWER = 22,
};

static const uint64_t exact_mantissa = UINT64_C(1) << 53;

static const double powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
	1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

typedef struct decimal {
	uint64_t mantissa;
	int digits; /* of the mantissa, leading zeros aside */
	int exponent;
	bool negative;
} decimal;

static const char *take_digits(decimal *d, const char *at, const char *end)
{
	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		if (d->digits == 0 && *at == '0') continue;
		if (++d->digits <= MANTISSA_DIGITS) d->mantissa = d->mantissa * 10 + (uint64_t)(*at - '0');
	}
	return at;
}

/* The exponent is kept small enough for adding to it: beyond that only its sign matters. */
static int take_exponent(const char *at, const char *end)
{
	bool negative = *at == '-';
	int value = 0;
	if (*at == '-' || *at == '+') at++;
	for (; at < end; at++)
		if (value < 100000) value = value * 10 + (*at - '0');
	return negative ? -value : value;
}

static decimal take_apart(const char *at, const char *end)
{
	decimal d = { .negative = at < end && *at == '-' };
	at = take_digits(&d, at + d.negative, end);
	if (at < end && *at == '.') {
		const char *fraction = at + 1;
		at = take_digits(&d, fraction, end);
		d.exponent = -(int)(at - fraction);
	}
	if (at < end) d.exponent += take_exponent(at + 1, end);
	return d;
}

static int read_slowly(const char *text, size_t size, double *out)
{
	char copy[WF_NUMBER_BYTES_MAX + 1];
	memcpy(copy, text, size);
	copy[size] = '\0';
	/* The "C" locale is a constant of the C library; this neither allocates nor can it fail. */
	locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	double value = strtod_l(copy, NULL, locale);
	freelocale(locale);
	if (isinf(value)) return -ERANGE;
	*out = value;
	return 0;
}

int wf_number_read(const char *text, size_t size, double *out)
{
	if (size > WF_NUMBER_BYTES_MAX) return -ERANGE;
	decimal d = take_apart(text, text + size);
	bool exact = d.digits <= MANTISSA_DIGITS && d.mantissa <= exact_mantissa &&
				 d.exponent >= -EXACT_POWER && d.exponent <= EXACT_POWER;
	if (!exact) return read_slowly(text, size, out);
	double value = (double)d.mantissa;
	value = d.exponent < 0 ? value / powers[-d.exponent] : value * powers[d.exponent];
	*out = d.negative ? -value : value;
	return 0;
}

/* Makes one '.' of the locale's decimal point, which may be several bytes. */
static size_t fix_point(char *text)
{
	char *to = text;
	bool in_point = false;
	for (const char *from = text; *from != '\0'; from++) {
		bool plain = (*from >= '0' && *from <= '9') || *from == '-' || *from == '+' || *from == 'e';
		if (plain)
			*to++ = *from;
		else if (!in_point)
			*to++ = '.';
		in_point = !plain;
	}
	*to = '\0';
	return (size_t)(to - text);
}

size_t wf_number_write(double value, char out[WF_NUMBER_ROOM])
{
	wf_assert(isfinite(value));
	for (int digits = 15;; digits++) {
		/* 17 digits, sign, exponent of five and a point of up to eight bytes. */
		int wanted = snprintf(out, WF_NUMBER_ROOM, "%.*g", digits, value);
		wf_assert(wanted > 0 && wanted < WF_NUMBER_ROOM);
		size_t size = fix_point(out);
		double back;
		if (digits == 17 || (wf_number_read(out, size, &back) == 0 && back == value)) return size;
	}
}
