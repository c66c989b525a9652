#include "lib/base/timestamp.h"

#include <string.h>
#include <time.h>
#include "lib/base/number.h"

#define SECONDS_PER_DAY 86400
#define SHOWN_BYTES 64

static int fail(struct error *err, const char *s, size_t len, const char *why)
{
	return error_set(err, ERROR_DATA, "'%.*s' is no time stamp: %s",
			 (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES), s, why);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads exactly `width` digits at *p and passes them. */
static bool read_digits(const char **p, const char *end, int width, int *value)
{
	if (end - *p < width)
		return false;
	*value = 0;
	for (int i = 0; i < width; i++, (*p)++) {
		if (!is_digit(**p))
			return false;
		*value = *value * 10 + (**p - '0');
	}
	return true;
}

static bool read_char(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return false;
	(*p)++;
	return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. Years are taken to begin in March, so
 * that the leap day is the last: 153 days are five months from there, 146097 days 400 years. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted_month = (5 * day_of_year + 2) / 153;

	*day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
	*month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
	*year = year_of_era + era * 400 + (*month <= 2);
}

static int days_in_month(int year, int month)
{
	static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

/* At *p: "Z", "+HH", "+HHMM" or "+HH:MM". */
static bool read_offset(const char **p, const char *end, int32_t *offset_s)
{
	int hours, minutes = 0;

	if (read_char(p, end, 'Z') || read_char(p, end, 'z')) {
		*offset_s = 0;
		return true;
	}
	bool west = read_char(p, end, '-');
	if (!west && !read_char(p, end, '+'))
		return false;
	if (!read_digits(p, end, 2, &hours))
		return false;
	if (*p < end) {
		read_char(p, end, ':');
		if (!read_digits(p, end, 2, &minutes))
			return false;
	}
	if (hours > 23 || minutes > 59)
		return false;
	*offset_s = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
	return true;
}

/* Digits behind a point, as a whole number of 10^-digits; what goes beyond is cut. */
static int64_t read_fraction(const char **p, const char *end, int digits)
{
	int64_t x = 0;

	for (; *p < end && is_digit(**p); (*p)++) {
		if (digits > 0) {
			x = x * 10 + (**p - '0');
			digits--;
		}
	}
	for (; digits > 0; digits--)
		x *= 10;
	return x;
}

static bool to_ns(__int128 x, int64_t *ns)
{
	*ns = (int64_t)x;
	return *ns == x;
}

int timestamp_parse(const char *s, size_t len, int32_t offset_s, int64_t *ns, bool *naive,
		    struct error *err)
{
	const char *p = s, *end = s + len;
	int year, month, day, hour, minute, second;
	int64_t fraction_ns = 0;

	if (!read_digits(&p, end, 4, &year) || !read_char(&p, end, '-') ||
	    !read_digits(&p, end, 2, &month) || !read_char(&p, end, '-') ||
	    !read_digits(&p, end, 2, &day))
		return fail(err, s, len, "it does not begin with a date such as 2024-01-31");
	if (!read_char(&p, end, 'T') && !read_char(&p, end, 't') && !read_char(&p, end, ' '))
		return fail(err, s, len, "no 'T' follows the date");
	if (!read_digits(&p, end, 2, &hour) || !read_char(&p, end, ':') ||
	    !read_digits(&p, end, 2, &minute) || !read_char(&p, end, ':') ||
	    !read_digits(&p, end, 2, &second))
		return fail(err, s, len, "it lacks a time of day such as 23:59:00");
	if (read_char(&p, end, '.')) {
		if (p == end || !is_digit(*p))
			return fail(err, s, len, "no digit follows the point");
		fraction_ns = read_fraction(&p, end, 9);
	}
	bool has_offset = p < end;
	if (has_offset && (!read_offset(&p, end, &offset_s) || p != end))
		return fail(err, s, len, "it ends in no offset such as Z or +01:00");
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return fail(err, s, len, "there is no such day");
	if (hour > 23 || minute > 59 || second > 60)
		return fail(err, s, len, "there is no such time of day");

	int64_t seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 +
			  minute * 60 + second - offset_s;
	if (!to_ns((__int128)seconds * NS_PER_SECOND + fraction_ns, ns))
		return fail(err, s, len, "it lies beyond the years 1677 to 2262");
	*naive = !has_offset;
	return 0;
}

int timestamp_parse_offset(const char *s, size_t len, int32_t *offset_s, struct error *err)
{
	const char *p = s, *end = s + len;
	int32_t offset;

	if (!read_offset(&p, end, &offset) || p != end)
		return error_set(err, ERROR_USAGE, "'%.*s' is no offset such as +01:00",
				 (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES), s);
	*offset_s = offset;
	return 0;
}

#define UNIT_LIMIT 1e11 /* of seconds; a thousand times that of milliseconds, and so on */

/* Decimal places between a unit and nanoseconds. */
static int unit_digits(enum time_unit unit, double magnitude)
{
	switch (unit) {
	case TIME_UNIT_S:
		return 9;
	case TIME_UNIT_MS:
		return 6;
	case TIME_UNIT_US:
		return 3;
	case TIME_UNIT_NS:
		return 0;
	case TIME_UNIT_AUTO:
		break;
	}
	return magnitude < 1e11 ? 9 : magnitude < 1e14 ? 6 : magnitude < 1e17 ? 3 : 0;
}

static int64_t power_of_ten(int n)
{
	int64_t x = 1;

	while (n-- > 0)
		x *= 10;
	return x;
}

int timestamp_from_number(const char *s, size_t len, enum time_unit unit, int64_t *ns,
			  struct error *err)
{
	const char *p = s, *end = s + len;
	double x;
	unsigned flags;
	__int128 total;

	if (number_read(s, end, &x, &flags) != end)
		return fail(err, s, len, "it is no number");
	double magnitude = x < 0 ? -x : x;
	if (!(magnitude < 0x1p63))
		return fail(err, s, len, "it lies beyond the years 1677 to 2262");
	int digits;
	if (memchr(s, 'e', len) || memchr(s, 'E', len)) {
		digits = unit_digits(unit, magnitude);
		int64_t whole = (int64_t)magnitude, scale = power_of_ten(digits);
		double fraction = magnitude - (double)whole;

		total = (__int128)whole * scale + (int64_t)(fraction * (double)scale);
	} else {
		uint64_t whole = 0;

		p += *p == '-';
		for (; p < end && is_digit(*p); p++)
			whole = whole * 10 + (uint64_t)(*p - '0');
		digits = unit_digits(unit, (double)whole);
		total = (__int128)whole * power_of_ten(digits);
		if (p < end) {
			p++;
			total += read_fraction(&p, end, digits);
		}
	}
	if (!to_ns(*s == '-' ? -total : total, ns))
		return fail(err, s, len, "it lies beyond the years 1677 to 2262");
	return 0;
}

int duration_parse(const char *s, size_t len, int64_t *ns, struct error *err)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{"ns", 1},
		{"us", 1000},
		{"ms", 1000000},
		{"s", NS_PER_SECOND},
		{"m", 60 * NS_PER_SECOND},
		{"h", 3600 * NS_PER_SECOND},
		{"d", SECONDS_PER_DAY * NS_PER_SECOND},
	};
	const char *p = s, *end = s + len;
	int shown = (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES);
	int64_t whole = 0, fraction = 0, unit_ns = 0;
	bool right = p < end && is_digit(*p);

	for (; p < end && is_digit(*p); p++) {
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, *p - '0', &whole))
			return error_set(err, ERROR_USAGE, "'%.*s' is too long a time", shown, s);
	}
	if (read_char(&p, end, '.')) {
		right = right && p < end && is_digit(*p);
		fraction = read_fraction(&p, end, 18);
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == (size_t)(end - p) &&
		    memcmp(p, units[i].name, (size_t)(end - p)) == 0)
			unit_ns = units[i].ns;
	}
	if (!right || unit_ns == 0)
		return error_set(err, ERROR_USAGE,
				 "'%.*s' is no length of time such as 10s, "
				 "500ms or 1.5h",
				 shown, s);
	__int128 total = (__int128)whole * unit_ns +
			 (__int128)fraction * unit_ns / INT64_C(1000000000000000000);
	int64_t result;
	if (!to_ns(total, &result))
		return error_set(err, ERROR_USAGE, "'%.*s' is too long a time", shown, s);
	if (result == 0)
		return error_set(err, ERROR_USAGE, "'%.*s' is no time at all", shown, s);
	*ns = result;
	return 0;
}

static char *put(char *p, int64_t value, int width, char behind)
{
	for (int i = width - 1; i >= 0; i--, value /= 10)
		p[i] = (char)('0' + value % 10);
	p[width] = behind;
	return p + width + 1;
}

size_t timestamp_format(char out[TIMESTAMP_MAX], int64_t ns)
{
	int64_t ms = ns / 1000000 - (ns % 1000000 < 0);
	int64_t seconds = ms / 1000 - (ms % 1000 < 0);
	int64_t days = seconds / SECONDS_PER_DAY - (seconds % SECONDS_PER_DAY < 0);
	int64_t second = seconds - days * SECONDS_PER_DAY;
	int64_t year;
	int month, day;
	char *p = out;

	civil_from_days(days, &year, &month, &day);
	p = put(p, year, 4, '-');
	p = put(p, month, 2, '-');
	p = put(p, day, 2, 'T');
	p = put(p, second / 3600, 2, ':');
	p = put(p, second / 60 % 60, 2, ':');
	p = put(p, second % 60, 2, '.');
	p = put(p, ms - seconds * 1000, 3, 'Z');
	*p = '\0';
	return (size_t)(p - out);
}

int64_t timestamp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}
