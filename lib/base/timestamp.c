#include "lib/base/timestamp.h"

#include <string.h>
#include <time.h>
#include "lib/base/number.h"

#define SECONDS_PER_DAY 86400
#define MS_PER_DAY (SECONDS_PER_DAY * INT64_C(1000))
#define FIRST_DAY (-719528) /* 0000-01-01 */
#define LAST_DAY 2932896    /* 9999-12-31 */
#define POW10_18 INT64_C(1000000000000000000)
#define SHOWN_BYTES 64
#define OUT_OF_RANGE "it lies outside the years 1677 to 2262"

static int fail(struct error *err, const char *s, size_t len, const char *why)
{
	return error_set(err, ERROR_DATA, "'%.*s' is not a timestamp: %s",
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

/* From FIRST_DAY on. C. Neri, L. Schneider, "Euclidean affine functions and their application to
 * calendar algorithms" (2022), figure 12, with years that begin in March and a day 0 in -400. */
static void civil_from_days(int32_t days, uint32_t *year, uint32_t *month, uint32_t *day)
{
	uint32_t n = 4 * (uint32_t)(days + 719468 + 146097) + 3;
	uint32_t century = n / 146097, day_of_century = n % 146097 / 4;
	uint64_t product = UINT64_C(2939745) * (4 * day_of_century + 3);
	uint32_t year_of_century = (uint32_t)(product >> 32);
	uint32_t day_of_year = (uint32_t)product / 2939745 / 4;
	uint32_t months = 2141 * day_of_year + 197913;
	bool next_year = day_of_year >= 306;

	*day = (months & 0xffff) / 2141 + 1;
	*month = (months >> 16) - (next_year ? 12 : 0);
	*year = 100 * century + year_of_century + next_year - 400;
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
		return fail(err, s, len, OUT_OF_RANGE);
	*naive = !has_offset;
	return 0;
}

int timestamp_parse_offset(const char *s, size_t len, int32_t *offset_s, struct error *err)
{
	const char *p = s, *end = s + len;
	int32_t offset;

	if (!read_offset(&p, end, &offset) || p != end)
		return error_set(err, ERROR_USAGE, "'%.*s' is not an offset such as +01:00",
				 (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES), s);
	*offset_s = offset;
	return 0;
}

static const int64_t ns_of_unit[] = {[TIME_UNIT_S] = NS_PER_SECOND,
				     [TIME_UNIT_MS] = 1000000,
				     [TIME_UNIT_US] = 1000,
				     [TIME_UNIT_NS] = 1};

/* The unit that `whole` of them are, if none is named. */
static enum time_unit unit_of(enum time_unit unit, uint64_t whole)
{
	if (unit != TIME_UNIT_AUTO)
		return unit;
	if (whole < UINT64_C(100000000000))
		return TIME_UNIT_S;
	if (whole < UINT64_C(100000000000000))
		return TIME_UNIT_MS;
	return whole < UINT64_C(100000000000000000) ? TIME_UNIT_US : TIME_UNIT_NS;
}

static int64_t unit_ns(enum time_unit unit, uint64_t whole)
{
	return ns_of_unit[unit_of(unit, whole)];
}

/* The nanoseconds in x >= 0 units, any fraction of one cut; false if there are far too many. */
static bool real_to_ns(double x, enum time_unit unit, __int128 *total)
{
	if (!(x < 0x1p63))
		return false;
	uint64_t whole = (uint64_t)x;
	int64_t scale = unit_ns(unit, whole);

	*total = (__int128)whole * scale + (int64_t)((x - (double)whole) * (double)scale);
	return true;
}

/* As real_to_ns for digits with a point among them or none. */
static bool digits_to_ns(const char *p, const char *end, enum time_unit unit, __int128 *total)
{
	uint64_t whole = 0;

	for (; p < end && is_digit(*p); p++) {
		if (whole > UINT64_MAX / 10 - 1)
			return false;
		whole = whole * 10 + (uint64_t)(*p - '0');
	}
	int64_t scale = unit_ns(unit, whole);
	*total = (__int128)whole * scale;
	if (read_char(&p, end, '.'))
		*total += read_fraction(&p, end, 9) / (NS_PER_SECOND / scale);
	return true;
}

int timestamp_from_number(const char *s, size_t len, enum time_unit unit, int64_t *ns,
			  struct error *err)
{
	const char *end = s + len;
	double x;
	unsigned flags;
	__int128 total;

	if (len == 0 || number_read(s, end, &x, &flags) != end)
		return fail(err, s, len, "it is no number");
	bool negative = *s == '-';
	bool exponent = memchr(s, 'e', len) || memchr(s, 'E', len);
	bool right = exponent ? real_to_ns(negative ? -x : x, unit, &total)
			      : digits_to_ns(s + negative, end, unit, &total);
	if (!right || !to_ns(negative ? -total : total, ns))
		return fail(err, s, len, OUT_OF_RANGE);
	return 0;
}

static int fail_duration(struct error *err, const char *s, size_t len, const char *why)
{
	return error_set(err, ERROR_USAGE, "'%.*s' is %s",
			 (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES), s, why);
}

int duration_parse_or_0(const char *s, size_t len, int64_t *ns, struct error *err)
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
	int64_t whole = 0, fraction = 0, scale = 0, total_ns;
	bool right = p < end && is_digit(*p), overflow = false;

	for (; p < end && is_digit(*p); p++) {
		overflow |= __builtin_mul_overflow(whole, 10, &whole);
		overflow |= __builtin_add_overflow(whole, *p - '0', &whole);
	}
	if (read_char(&p, end, '.')) {
		right = right && p < end && is_digit(*p);
		fraction = read_fraction(&p, end, 18);
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == (size_t)(end - p) &&
		    memcmp(p, units[i].name, (size_t)(end - p)) == 0)
			scale = units[i].ns;
	}
	right &= scale || (p == end && !whole && !fraction);
	if (!right)
		return fail_duration(err, s, len, "not a duration such as 10s, 500ms or 1.5h");
	__int128 total = (__int128)whole * scale + (__int128)fraction * scale / POW10_18;
	if (overflow || !to_ns(total, &total_ns))
		return fail_duration(err, s, len, "longer than 292 years");
	if (total_ns == 0 && (whole || fraction))
		return fail_duration(err, s, len, "shorter than a nanosecond");
	*ns = total_ns;
	return 0;
}

int duration_parse(const char *s, size_t len, int64_t *ns, struct error *err)
{
	int64_t any;

	if (duration_parse_or_0(s, len, &any, err))
		return -1;
	if (!any)
		return fail_duration(err, s, len, "no duration above 0");
	*ns = any;
	return 0;
}

/* Two digits and what follows them. */
static char *put(char *p, uint32_t value, char behind)
{
	p[0] = (char)('0' + value / 10);
	p[1] = (char)('0' + value % 10);
	p[2] = behind;
	return p + 3;
}

static char *put_3(char *p, uint32_t value, char behind)
{
	*p = (char)('0' + value / 100);
	return put(p + 1, value % 100, behind);
}

size_t timestamp_format_ms(char out[TIMESTAMP_MAX], int64_t ms)
{
	int64_t days = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
	uint32_t year, month, day;
	char *p = out;

	if (days < FIRST_DAY || days > LAST_DAY)
		return 0;
	uint32_t ms_of_day = (uint32_t)(ms - days * MS_PER_DAY), second = ms_of_day / 1000;
	civil_from_days((int32_t)days, &year, &month, &day);
	p = put(p, year / 100, '0');
	p = put(p - 1, year % 100, '-');
	p = put(p, month, '-');
	p = put(p, day, 'T');
	p = put(p, second / 3600, ':');
	p = put(p, second / 60 % 60, ':');
	p = put(p, second % 60, '.');
	p = put_3(p, ms_of_day % 1000, 'Z');
	*p = '\0';
	return (size_t)(p - out);
}

size_t timestamp_format(char out[TIMESTAMP_MAX], int64_t ns)
{
	return timestamp_format_ms(out, ns / 1000000 - (ns % 1000000 < 0));
}

enum time_unit timestamp_unit(double x, enum time_unit unit)
{
	double whole = x < 0 ? -x : x;

	return unit_of(unit, whole < 0x1p63 ? (uint64_t)whole : UINT64_MAX);
}

size_t timestamp_format_number(char out[TIMESTAMP_MAX], int64_t ns, enum time_unit unit,
			       bool decimals)
{
	uint64_t magnitude = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	uint64_t scale = (uint64_t)ns_of_unit[unit];
	char digits[NUMBER_MAX];
	size_t n_digits = number_write_uint(digits, magnitude / scale), n = 0;

	if (ns < 0)
		out[n++] = '-';
	memcpy(out + n, digits, n_digits);
	n += n_digits;
	if (decimals) {
		out[n++] = '.';
		put_3(out + n, (uint32_t)(magnitude % scale * 1000 / scale), '\0');
		n += 3;
	}
	out[n] = '\0';
	return n;
}

int64_t timestamp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}
