/* What becomes of text from data in pages and pictures, how figures read, and SVG made harmless. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/timestamp.h"
#include "lib/report/axis.h"
#include "lib/report/svg.h"
#include "lib/report/text.h"
#include "tests/unit/alloc_fail.h"

static struct error err;
static struct text t;

static int begin(void **state)
{
	(void)state;
	err = (struct error)ERROR_INIT;
	t = (struct text){.err = &err};
	return 0;
}

static int end(void **state)
{
	(void)state;
	buf_release(&t.buf);
	return 0;
}

/* What was written since the last look. */
static const char *written(void)
{
	assert_int_equal(text_status(&t), 0);
	assert_int_equal(buf_terminate(&t.buf, &err), 0);
	t.buf.len = 0;
	return t.buf.data;
}

static void markup_is_escaped(void **state)
{
	(void)state;
	text_html(&t, "<a href=\"x\" title='y'>&amp;</a>");
	assert_string_equal(written(), "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;"
				       "&lt;/a&gt;");
	text_html(&t, "é日𝄞");
	assert_string_equal(written(), "é日𝄞");
}

static void what_is_not_for_the_eye_is_replaced(void **state)
{
	static const char *const bad[] = {
		"\n",       "\t",           "\x1b", "\x7f", "\xc2\x85",     "\u2028",
		"\u202e",   "\u2066",       "\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xc0\xaf", "\xef\xbf\xbf", "\x80"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char around[16] = "a";

		strncat(around, bad[i], 8);
		strncat(around, "b", 2);
		text_html(&t, around);
		const char *out = written();
		assert_memory_equal(out, "a\uFFFD", 4);
		assert_int_equal(out[strlen(out) - 1], 'b');
	}
}

static void labels_mean_nothing_to_gnuplot(void **state)
{
	const char *hostile = "\"; system('x') `y` \\n @a $b\n#\t";

	(void)state;
	text_label(&t, hostile, 100);
	const char *out = written();
	assert_null(strpbrk(out, "\"'`\\\n\t\r"));
	assert_non_null(strstr(out, "system"));
	text_label(&t, "", 10);
	assert_string_equal(written(), "–");
}

static void long_text_loses_its_middle(void **state)
{
	(void)state;
	text_label(&t, "0123456789", 10);
	assert_string_equal(written(), "0123456789");
	text_label(&t, "0123456789x", 10);
	assert_string_equal(written(), "0123…6789x");
	text_html_cut(&t, "<é日𝄞é日𝄞>", 3);
	assert_string_equal(written(), "&lt;…&gt;");
}

static void figures_read_well(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} counts[] = {{0, "0"}, {999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"}},
	  times[] = {{0, "0\u00a0s"},
		     {15660000000000, "4\u00a0h 21\u00a0min"},
		     {172800000000000, "2\u00a0d"},
		     {172801000000000, "2\u00a0d"},
		     {1500000, "1\u00a0ms 500\u00a0µs"},
		     {7, "7\u00a0ns"}};
	static const struct {
		uint64_t part, whole;
		const char *text;
	} shares[] = {{0, 5, "0\u00a0%"},
		      {5, 5, "100\u00a0%"},
		      {157, 1567, "10.0\u00a0%"},
		      {9, 1000, "0.90\u00a0%"},
		      {9, 10000, "0.090\u00a0%"},
		      {1, 1000000, "&lt;\u00a00.001\u00a0%"},
		      {0, 0, "–"}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		text_count(&t, counts[i].n);
		assert_string_equal(written(), counts[i].text);
	}
	for (size_t i = 0; i < 6; i++) {
		text_duration(&t, times[i].n);
		assert_string_equal(written(), times[i].text);
	}
	for (size_t i = 0; i < 7; i++) {
		text_share(&t, shares[i].part, shares[i].whole);
		assert_string_equal(written(), shares[i].text);
	}
	text_real(&t, -0.123456);
	assert_string_equal(written(), "−0.1235");
	text_real(&t, NAN);
	assert_string_equal(written(), "–");
	text_time(&t, INT64_C(1704067200) * NS_PER_SECOND);
	assert_string_equal(written(), "2024-01-01 00:00:00");
	text_time(&t, INT64_C(1704067200) * NS_PER_SECOND + 5000000);
	assert_string_equal(written(), "2024-01-01 00:00:00.005");
}

/* An axis of time between two moments, as its ticks. */
static const char *ticks(const char *from, const char *to)
{
	int64_t a, b;
	bool naive;

	assert_int_equal(timestamp_parse(from, strlen(from), 0, &a, &naive, &err), 0);
	assert_int_equal(timestamp_parse(to, strlen(to), 0, &b, &naive, &err), 0);
	axis_time(&t, a, b);
	return strstr(written(), "set xtics ");
}

static void ticks_lie_at_round_times(void **state)
{
	(void)state;
	assert_string_equal(ticks("2024-01-01T22:30:00Z", "2024-01-02T02:50:00Z"),
			    "set xtics (\"23:00\\n2024-01-01\" 1800, \"00:00\\n2024-01-02\" 5400, "
			    "\"01:00\" 9000, \"02:00\" 12600)\n");
	assert_string_equal(ticks("2024-01-03T00:00:00Z", "2024-02-05T00:00:00Z"),
			    "set xtics (\"2024-01-08\" 432000, \"2024-01-15\" 1036800, "
			    "\"2024-01-22\" 1641600, \"2024-01-29\" 2246400, \"2024-02-05\" "
			    "2851200)\n");
	assert_string_equal(ticks("2023-11-20T00:00:00Z", "2024-04-20T00:00:00Z"),
			    "set xtics (\"2023-12\" 950400, \"2024-01\" 3628800, \"2024-02\" "
			    "6307200, \"2024-03\" 8812800, \"2024-04\" 11491200)\n");
	assert_string_equal(ticks("2024-01-01T00:00:00.001Z", "2024-01-01T00:00:00.001003Z"),
			    "set xtics (\"+0 µs\" 0, \"+0.5 µs\" 4.9999999999999998e-07, \"+1 µs\" "
			    "9.9999999999999995e-07, \"+1.5 µs\" 1.5e-06, \"+2 µs\" "
			    "1.9999999999999999e-06, \"+2.5 µs\" 2.5000000000000002e-06, \"+3 µs\" "
			    "3.0000000000000001e-06)\n");
	assert_string_equal(ticks("2024-01-01T00:00:00.250Z", "2024-01-01T00:00:00.250Z"),
			    "set xtics (\"00:00:00.250\\n2024-01-01\" 0)\n");
	assert_string_equal(
		ticks("1680-01-01T00:00:00Z", "2260-01-01T00:00:00Z"),
		"set xtics (\"1700\" 631152000, \"1800\" 3786825600, \"1900\" 6942499200, "
		"\"2000\" 10098172800, \"2100\" 13253932800, \"2200\" 16409606400)\n");
}

static void counts_get_whole_ticks(void **state)
{
	(void)state;
	axis_counts(&t, 1, 5);
	assert_string_equal(written(), "set yrange [0:1.05]\nset ytics (\"0\" 0, \"1\" 1)\n");
	axis_counts(&t, 4000, 4);
	assert_string_equal(written(), "set yrange [0:4200]\nset ytics (\"0\" 0, \"2,000\" 2000, "
				       "\"4,000\" 4000)\n");
}

static const char *inlined(const char *svg)
{
	assert_int_equal(svg_inline(svg, strlen(svg), "fa", &t, &err), 0);
	return written();
}

static void drawing_passes(void **state)
{
	(void)state;
	assert_string_equal(
		inlined("<?xml version=\"1.0\"?>\n<!DOCTYPE svg>\n<svg width=\"4\">\n"
			"<g id=\"gnuplot_canvas\" fill='none'><text x = '1'>a &lt; b</text>\n"
			"<path d='M0,0 L1,1' stroke=\"black\"/></g>\n</svg>\n"),
		"<g fill=\"none\"><text x=\"1\">a &lt; b</text><path d=\"M0,0 L1,1\" "
		"stroke=\"black\"/></g>");
}

static void ids_get_their_prefix(void **state)
{
	(void)state;
	assert_string_equal(inlined("<svg><defs><circle id='gpDot' r='0.5'/></defs>"
				    "<use xlink:href='#gpDot' color='red'/></svg>"),
			    "<defs><circle id=\"fagpDot\" r=\"0.5\"/></defs>"
			    "<use href=\"#fagpDot\" color=\"red\"/>");
}

static void what_is_no_drawing_is_dropped(void **state)
{
	(void)state;
	assert_string_equal(
		inlined("<svg onload='x()'><script>alert('<g>')</g></script><g/></svg>"), "<g/>");
	assert_string_equal(inlined("<svg><title>a</title><desc><g>b</g></desc><g>c</g></svg>"),
			    "<g></g>");
	assert_string_equal(inlined("<svg><a xlink:href='http://x/'><g/></a><use "
				    "xlink:href='http://x/#y'/></svg>"),
			    "<use/>");
	assert_string_equal(inlined("<svg><g onclick='x()' style='y' fill='url(#z)' "
				    "stroke='\"red'/></svg>"),
			    "<g/>");
	assert_string_equal(inlined("<svg><foreignObject><body/></foreignObject><image "
				    "xlink:href='data:x'/><rect width='1'/></svg>"),
			    "<rect width=\"1\"/>");
}

/* Every piece of a picture cut short, and what is no picture. */
static void damaged_pictures_are_refused(void **state)
{
	static const char svg[] = "<?xml?><svg a='b'><g c=\"d\"><text>x</text></g></svg>";
	static const char *const bad[] = {"",       "hello",         "<html></html>",
					  "<svg",   "<svg a></svg>", "<svg a=b></svg>",
					  "</svg>", "<svg><g></svg"};

	(void)state;
	for (size_t n = 0; n + 1 < sizeof(svg); n++) {
		err = (struct error)ERROR_INIT;
		assert_int_equal(svg_inline(svg, n, "fa", &t, &err), -1);
		assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(svg_inline(bad[i], strlen(bad[i]), "fa", &t, &err), -1);
	assert_int_equal(svg_inline("<svg>\0</svg>", 12, "fa", &t, &err), -1);
}

static int compose(void *arg, struct error *e)
{
	struct text own = {.err = e};
	static char long_name[3000];

	(void)arg;
	memset(long_name, 'x', sizeof(long_name) - 1);
	text_html(&own, long_name);
	text_count(&own, 1234567);
	text_printf(&own, "%d", 5);
	int status = text_status(&own);
	buf_release(&own.buf);
	return status;
}

static void want_of_memory_is_seen_at_the_end(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(compose, NULL) > 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(markup_is_escaped),
		TEST(what_is_not_for_the_eye_is_replaced),
		TEST(labels_mean_nothing_to_gnuplot),
		TEST(long_text_loses_its_middle),
		TEST(figures_read_well),
		TEST(ticks_lie_at_round_times),
		TEST(counts_get_whole_ticks),
		TEST(drawing_passes),
		TEST(ids_get_their_prefix),
		TEST(what_is_no_drawing_is_dropped),
		TEST(damaged_pictures_are_refused),
		TEST(want_of_memory_is_seen_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
