/* The proleptic Gregorian calendar in eras of 400 years, counted from 1 March of year 0 so that the
 * leap day is the last of its year. */
#include "net/http/http_date.h"

#include <string.h>
#include <weft/error.h>

enum {
	SECONDS_A_DAY = 86400,
	DAYS_AN_ERA = 146097,      /* 400 years */
	DAYS_BEFORE_1970 = 719468, /* since 1 March of year 0 */
};

/* Midnight of 1 January of year 1, and of year 10000. */
#define FIRST_SECOND (-62135596800)
#define END_SECOND   253402300800

static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char day_long_names[7][10] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
	"Friday", "Saturday" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	"Sep", "Oct", "Nov", "Dec" };

typedef struct civil {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second;
} civil;

static civil date_of_day(int64_t days_since_1970)
{
	int64_t days = days_since_1970 + DAYS_BEFORE_1970;
	int era = (int)(days / DAYS_AN_ERA), day_of_era = (int)(days % DAYS_AN_ERA);
	int year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int march_month = (5 * day_of_year + 2) / 153;
	civil result = { .day = day_of_year - (153 * march_month + 2) / 5 + 1 };
	result.month = march_month < 10 ? march_month + 3 : march_month - 9;
	result.year = era * 400 + year_of_era + (result.month <= 2);
	return result;
}

static int64_t day_of_date(const civil *date)
{
	int year = date->month <= 2 ? date->year - 1 : date->year;
	int march_month = date->month > 2 ? date->month - 3 : date->month + 9;
	int era = year / 400, year_of_era = year % 400;
	int day_of_year = (153 * march_month + 2) / 5 + date->day - 1;
	int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return (int64_t)era * DAYS_AN_ERA + day_of_era - DAYS_BEFORE_1970;
}

static char *put_two(char *out, int value)
{
	out[0] = (char)('0' + value / 10);
	out[1] = (char)('0' + value % 10);
	return out + 2;
}

int wf_http_date_format(int64_t unix_s, char out[WF_HTTP_DATE_BYTES])
{
	if (unix_s < FIRST_SECOND || unix_s >= END_SECOND) return WEFT_EINVAL;
	int64_t day = unix_s / SECONDS_A_DAY;
	int second = (int)(unix_s % SECONDS_A_DAY);
	if (second < 0) {
		second += SECONDS_A_DAY;
		day--;
	}
	civil date = date_of_day(day);
	/* 1 January 1970 was a Thursday, day 4. So many weeks more keep the sum above zero. */
	memcpy(out, day_names[(day + 7 * 200000 + 4) % 7], 3);
	memcpy(out + 3, ", ", 2);
	put_two(out + 5, date.day);
	out[7] = ' ';
	memcpy(out + 8, month_names[date.month - 1], 3);
	out[11] = ' ';
	put_two(put_two(out + 12, date.year / 100), date.year % 100);
	out[16] = ' ';
	put_two(out + 17, second / 3600);
	out[19] = ':';
	put_two(out + 20, second / 60 % 60);
	out[22] = ':';
	put_two(out + 23, second % 60);
	memcpy(out + 25, " GMT", 4);
	return 0;
}

/* `digits` digits at `at`, or -1. */
static int read_number(const char *at, const char *end, int digits)
{
	int value = 0;
	if (end - at < digits) return -1;
	for (int i = 0; i < digits; i++) {
		if (at[i] < '0' || at[i] > '9') return -1;
		value = value * 10 + (at[i] - '0');
	}
	return value;
}

/* Which of `count` names of `stride` bytes stands at *at; steps over it. -1 if none. */
static int read_name(const char **at, const char *end, const char *names, size_t stride, int count)
{
	for (int i = 0; i < count; i++) {
		const char *name = names + (size_t)i * stride;
		size_t size = strlen(name);
		if ((size_t)(end - *at) < size || memcmp(*at, name, size) != 0) continue;
		*at += size;
		return i;
	}
	return -1;
}

static int read_day_padded(const char *at, const char *end)
{
	if (end - at >= 2 && *at == ' ') return read_number(at + 1, end, 1);
	return read_number(at, end, 2);
}

/* One letter of a pattern: a part of the date, read at *at. The part, or -1. */
static int read_part(char part, const char **at, const char *end, civil *date)
{
	int value = 0;
	switch (part) {
	case 'W':
		return read_name(at, end, *day_names, sizeof *day_names, 7);
	case 'L':
		return read_name(at, end, *day_long_names, sizeof *day_long_names, 7);
	case 'M':
		value = read_name(at, end, *month_names, sizeof *month_names, 12);
		date->month = value + 1;
		return value;
	case 'Y':
		date->year = value = read_number(*at, end, 4);
		*at += 4;
		return value;
	case 'd':
	case 'e':
		date->day = value = part == 'd' ? read_number(*at, end, 2) : read_day_padded(*at, end);
		break;
	default:
		value = read_number(*at, end, 2);
		if (part == 'y') date->year = value;
		if (part == 'h') date->hour = value;
		if (part == 'm') date->minute = value;
		if (part == 's') date->second = value;
		break;
	}
	*at += 2;
	return value;
}

/* `%` and a letter is a part of the date, anything else stands for itself. */
static bool read_date(const char *pattern, const char *at, const char *end, civil *date)
{
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '%') {
			if (read_part(*++pattern, &at, end, date) < 0) return false;
		} else if (at == end || *at++ != *pattern) {
			return false;
		}
	}
	return at == end;
}

static bool date_valid(const civil *date)
{
	static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = date->year;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	int days = month_days[date->month - 1] + (leap && date->month == 2);
	return year >= 1 && date->day >= 1 && date->day <= days && date->hour < 24 &&
		   date->minute < 60 && date->second <= 60;
}

/* A year of two digits: the latest one that is at most 50 years ahead. */
static int full_year(int year, int64_t now_s)
{
	if (now_s < FIRST_SECOND || now_s >= END_SECOND) now_s = 0;
	int now = date_of_day(now_s / SECONDS_A_DAY).year;
	year += now / 100 * 100 + 100;
	while (year > now + 50) year -= 100;
	return year;
}

int wf_http_date_parse(const char *text, size_t size, int64_t now_s, int64_t *unix_s)
{
	const char *end = text + size;
	civil date = { 0 };
	if (!read_date("%W, %d %M %Y %h:%m:%s GMT", text, end, &date) &&
		!read_date("%W %M %e %h:%m:%s %Y", text, end, &date)) {
		if (!read_date("%L, %d-%M-%y %h:%m:%s GMT", text, end, &date)) return WEFT_EINVAL;
		date.year = full_year(date.year, now_s);
	}
	if (!date_valid(&date)) return WEFT_EINVAL;
	*unix_s =
		day_of_date(&date) * SECONDS_A_DAY + date.hour * 3600 + date.minute * 60 + date.second;
	return 0;
}
