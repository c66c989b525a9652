/* Profiles: what they are read as, and every kind of mistake with its place. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "lib/sim/profile.h"
#include "tests/unit/alloc_fail.h"

/* A profile with a part to go wrong. Quotes are written as ' in all texts here. */
#define SENSORS                                                                               \
	"'sensors':{'rows':[{'a':1,'s':'x'},{'a':-2,'s':'y'}],'draw':{'u':{'uniform':[1,2]}," \
	"'n':{'normal':[0,1]},'c':{'choice':['p','q']}}}"
#define SIGNALS                                                              \
	"'signals':{'t':{'process':'gaussian','mean':'a','sd':1,'round':2}," \
	"'v':{'process':'walk','mean':3,'sd':'u','window':4}}"
#define RECORD "'record':{'id':'%{s}-%{turn}','t':'%{t}','v':'%{v}'}"
#define PROFILE(more) "{" SENSORS "," SIGNALS "," RECORD more "}"

static struct profile *parse(const char *text, struct error *err)
{
	static char quoted[20000];
	size_t n = strlen(text);

	assert_true(n < sizeof(quoted));
	for (size_t i = 0; i < n; i++)
		quoted[i] = text[i] == '\'' ? '"' : text[i];
	return profile_parse(quoted, n, "p.json", err);
}

static void test_whole(void **state)
{
	struct error err = ERROR_INIT;
	struct profile *p = parse(
		"{'description':'d','step':'250ms','utc_offset':'-05:30'," SENSORS
		",'daily':{'day':[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23]}"
		",'signals':{'t':{'process':'gaussian','mean':'a','sd':1,'round':2,'daily':'day'},"
		"'v':{'process':'walk','mean':3,'sd':'u','window':4,'newest_weight':2,'absolute':"
		"true,"
		"'clamp':[null,9],'pull':{'probability':0.5,'factor':[2,3]}},"
		"'w':{'process':'gaussian','mean':0,'sd':2}},"
		"'correlation':[['t','w',0.6]],'anomalies':["
		"{'kind':'spike','rate':0.1,'signals':{'t':{'by':[1,2],'sign':'either'}}},"
		"{'kind':'stuck','rate':0.2,'length':[3,5],'label_type':'ice','severity':'LOW',"
		"'signals':{'v':{},'t':{'about':-1}}}]," RECORD "}",
		&err);

	(void)state;
	if (!p)
		fail_msg("%s", err.what);
	assert_int_equal(p->step_ns, 250000000);
	assert_int_equal(p->utc_offset_s, -19800);
	assert_int_equal(p->n_sensors, 2);
	assert_int_equal(p->n_attributes, 5);
	assert_int_equal(p->n_signals, 3);
	const struct signal_spec *t = &p->signals[profile_signal(p, "t")];
	assert_int_equal(t->mean.attribute, profile_attribute(p, "a"));
	assert_true(t->sd.attribute < 0 && t->sd.value == 1 && t->daily[23] == 23);
	assert_true(t->rounded && t->decimals == 2 && t->low == -HUGE_VAL && !t->absolute);
	/* Of a correlation of 0.6: 0.6 and the square root of 1 - 0.36. */
	const struct signal_spec *w = &p->signals[profile_signal(p, "w")];
	assert_true(t->n_loadings == 1 && t->loadings[0] == 1 && t->own == 0);
	assert_true(w->n_loadings == 2 && w->loadings[0] == 0.6 && w->own == 0);
	assert_true(fabs(w->loadings[1] - 0.8) < 1e-15);
	const struct signal_spec *v = &p->signals[profile_signal(p, "v")];
	assert_true(v->process == PROCESS_WALK && v->walk.window == 4 &&
		    v->walk.newest_weight == 2);
	assert_true(v->walk.pull_probability == 0.5 && v->walk.pull_factor[1] == 3);
	assert_true(v->absolute && v->low == -HUGE_VAL && v->high == 9 && !v->rounded);
	assert_int_equal(p->n_anomalies, 2);
	const struct anomaly *a = p->anomalies;
	assert_string_equal(a[0].label_type, "spike");
	assert_null(a[0].severity);
	assert_true(a[0].effects[0].either_sign && a[0].effects[0].mode == EFFECT_BY);
	assert_string_equal(a[1].label_type, "ice");
	assert_string_equal(a[1].severity, "LOW");
	assert_true(a[1].effects[0].mode == EFFECT_NONE && a[1].effects[1].mode == EFFECT_ABOUT);
	assert_true(a[1].effects[1].range[0] == -1 && a[1].effects[1].range[1] == -1);
	/* Starts that make these shares of mean lengths 1 and 4. */
	double spike = a[0].start, stuck = a[1].start - a[0].start, healthy = 1 - a[1].start;
	double all = healthy + spike * 1 + stuck * 4;
	assert_true(fabs(spike * 1 / all - 0.1) < 1e-12);
	assert_true(fabs(stuck * 4 / all - 0.2) < 1e-12);
	profile_free(p);
}

static void test_bank(void **state)
{
	struct error err = ERROR_INIT;
	struct profile *p = parse(
		"{'sensors':{},'signals':{'x':{'process':'gaussian','mean':0,'sd':1},"
		"'f':{'process':'gaussian','round':4,'bank':{'count':50,'seed':3,'constant':10,"
		"'log10_mean':[-1,3],'log10_spread':[-2],'factors':[3,1],'communality':[0.1,0.9],"
		"'missing':[[0.5,20],[0,5]]}}},'record':{'x':'%{x}','all':'%{f}','one':'%{f.49}'}}",
		&err);
	size_t constant = 0;

	(void)state;
	if (!p)
		fail_msg("%s", err.what);
	assert_int_equal(p->n_signals, 51);
	assert_int_equal(p->n_factors, 2);
	for (size_t i = 1; i < 51; i++) {
		const struct signal_spec *s = &p->signals[i];
		double share = 1 - s->own * s->own;

		assert_true(s->mean.value >= 0.1 && s->mean.value <= 1000.001);
		assert_true(s->sd.value == 0 || fabs(s->sd.value / s->mean.value - 0.01) < 1e-12);
		constant += s->sd.value == 0;
		assert_true(share > 0.099 && share < 0.901);
		assert_true(fabs(s->loadings[0] * s->loadings[0] + s->loadings[1] * s->loadings[1] -
				 share) < 1e-12);
		assert_int_equal(s->missing, i <= 20 ? 0 : i <= 25 ? 1 : -1);
	}
	assert_int_equal(constant, 10);
	assert_string_equal(p->signals[50].name, "f.49");
	profile_free(p);
}

#define SPIKE(rest) \
	PROFILE(",'anomalies':[{'kind':'spike','rate':0.1,'signals':{'t':{'by':1}}}," rest "]")
#define ONE_SIGNAL(text) "{" SENSORS ",'signals':{'t':" text "},'record':{'t':'%{t}'}}"
#define BANK(text)                                                             \
	ONE_SIGNAL("{'process':'gaussian','bank':{'count':9,'log10_mean':[0]," \
		   "'log10_spread':[0]" text "}}")
#define LAID_OUT(text) "{" SENSORS "," SIGNALS ",'record':" text "}"

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{"[]", "must be an object, not an array of 0"},
		{"{}", "lacks 'sensors'"},
		{"{" SENSORS "," SIGNALS "}", "lacks 'record'"},
		{PROFILE(",'sed':1"), "sed: is unknown; what may stand here is 'description', "
				      "'step', 'utc_offset', 'sensors', "
				      "'daily', 'signals', 'correlation', 'anomalies', 'record'"},
		{PROFILE(",'description':1"), "description: must be a string, not 1"},
		{PROFILE(",'step':'soon'"),
		 "step: must be a length of time up to 366d, such as 1s, not 'soon'"},
		{PROFILE(",'step':'367d'"), "step: must be a length of time"},
		{PROFILE(",'step':1"), "step: must be a string, not 1"},
		{PROFILE(",'utc_offset':'EST'"),
		 "utc_offset: must be an offset such as '-05:00', not 'EST'"},
		/* sensors */
		{"{'sensors':[]," SIGNALS "," RECORD "}", "sensors: must be an object"},
		{"{'sensors':{'count':0}," SIGNALS "," RECORD "}",
		 "sensors.count: must be a whole number from 1 to 10000000, not 0"},
		{"{'sensors':{'count':1.5}," SIGNALS "," RECORD "}",
		 "sensors.count: must be a whole"},
		{"{'sensors':{'seed':-1}," SIGNALS "," RECORD "}",
		 "sensors.seed: must be a whole number from 0 to 9007199254740992, not -1"},
		{"{'sensors':{'rows':[]}," SIGNALS "," RECORD "}",
		 "sensors.rows: must be an array that is not empty, not an array of 0"},
		{"{'sensors':{'rows':[{'a':1},{'b':1}]}}", "sensors.rows[1]: lacks 'a'"},
		{"{'sensors':{'rows':[{'a':1},{'a':1,'b':1}]}}",
		 "sensors.rows[1].b: the first row lacks 'b'"},
		{"{'sensors':{'rows':[{'a':1},{'a':'x'}]}}",
		 "sensors.rows[1].a: must be a number from -1e+15 to 1e+15, not 'x'"},
		{"{'sensors':{'rows':[{'a':'x'},{'a':1}]}}",
		 "sensors.rows[1].a: must be a string, not 1"},
		{"{'sensors':{'rows':[{'a b':1}]}}",
		 "sensors.rows[0].a b: a name has letters, digits and '_', not 'a b'"},
		{"{'sensors':{'rows':[{'time':1}]}}",
		 "sensors.rows[0].time: the name 'time' is taken"},
		{"{'sensors':{'rows':[{'a':1}],'draw':{'a':{'uniform':1}}}}",
		 "sensors.draw.a: the name 'a' is taken"},
		{"{'sensors':{'draw':{'a':{}}}}",
		 "sensors.draw.a: takes one of 'uniform', 'normal' and 'choice'"},
		{"{'sensors':{'draw':{'a':{'gauss':1}}}}", "sensors.draw.a.gauss: is unknown"},
		{"{'sensors':{'draw':{'a':{'uniform':[2,1]}}}}",
		 "sensors.draw.a.uniform: 2 is above 1"},
		{"{'sensors':{'draw':{'a':{'uniform':[1,2,3]}}}}",
		 "sensors.draw.a.uniform: must be a number or [lowest, highest], not an array of "
		 "3"},
		{"{'sensors':{'draw':{'a':{'normal':[1]}}}}",
		 "sensors.draw.a.normal: must be [mean, standard deviation]"},
		{"{'sensors':{'draw':{'a':{'normal':[1,-1]}}}}",
		 "sensors.draw.a.normal[1]: must be a number from 0"},
		{"{'sensors':{'draw':{'a':{'choice':[]}}}}",
		 "sensors.draw.a.choice: must be an array"},
		{"{'sensors':{'draw':{'a':{'choice':['x',null]}}}}",
		 "sensors.draw.a.choice[1]: must be a string, not null"},
		/* daily */
		{"{'sensors':{},'daily':{'d':[1,2]}}", "daily.d: must be an array of 24 factors, "
						       "for the hours 0 to 23, not an array of 2"},
		{"{'sensors':{},'daily':{'d':[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,'x']}}",
		 "daily.d[23]: must be a number"},
		/* signals */
		{"{'sensors':{},'signals':{}}", "signals: there is none"},
		{"{'sensors':{},'signals':{'label':{'process':'gaussian'}}}",
		 "signals.label: the name 'label' is taken"},
		{"{" SENSORS ",'signals':{'a':{'process':'gaussian'}}}",
		 "signals.a: 'sensors' has a 'a', too"},
		{ONE_SIGNAL("{}"), "signals.t: lacks 'process'"},
		{ONE_SIGNAL("{'process':'brown'}"),
		 "signals.t.process: must be one of 'gaussian', 'walk', not 'brown'"},
		{ONE_SIGNAL("{'process':'gaussian','men':1}"), "signals.t.men: is unknown"},
		{ONE_SIGNAL("{'process':'gaussian','sd':1}"), "signals.t: lacks 'mean'"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1}"), "signals.t: lacks 'sd'"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1,'sd':-1}"),
		 "signals.t.sd: must be a number from 0 to 1e+15, not -1"},
		{ONE_SIGNAL("{'process':'gaussian','mean':'zz','sd':1}"),
		 "signals.t.mean: 'sensors' has no 'zz'"},
		{ONE_SIGNAL("{'process':'gaussian','mean':'s','sd':1}"),
		 "signals.t.mean: 's' of 'sensors' is text, not a number"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1,'sd':'a'}"),
		 "signals.t.sd: 'a' of 'sensors' is -2 in row 1, below 0"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1,'sd':'n'}"),
		 "signals.t.sd: 'n' of 'sensors' may be drawn below 0"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1,'sd':1,'window':3}"),
		 "signals.t.window: only a walk has one"},
		{ONE_SIGNAL("{'process':'walk','mean':1,'sd':1}"), "signals.t: lacks 'window'"},
		{ONE_SIGNAL("{'process':'walk','mean':1,'sd':1,'window':1}"),
		 "signals.t.window: must be a whole number from 2"},
		{ONE_SIGNAL("{'process':'walk','mean':1,'sd':1,'window':3,'daily':'d'}"),
		 "signals.t.daily: a walk has none"},
		{ONE_SIGNAL("{'process':'walk','mean':1,'sd':1,'window':3,'pull':{'factor':1}}"),
		 "signals.t.pull: lacks 'probability'"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1,'sd':1,'daily':'d'}"),
		 "signals.t.daily: 'daily' of the profile has no 'd'"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1,'sd':1,'clamp':[2,1]}"),
		 "signals.t.clamp: 2 is above 1"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1,'sd':1,'clamp':3}"),
		 "signals.t.clamp: must be [lowest, highest], null for none, not 3"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1,'sd':1,'clamp':['a',1]}"),
		 "signals.t.clamp[0]: must be a number"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1,'sd':1,'round':10}"),
		 "signals.t.round: must be a whole number from 0 to 9, not 10"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1,'sd':1,'absolute':'yes'}"),
		 "signals.t.absolute: must be true or false, not 'yes'"},
		/* banks */
		{ONE_SIGNAL("{'process':'walk','window':3,'bank':{}}"),
		 "signals.t.bank: a walk has none"},
		{ONE_SIGNAL("{'process':'gaussian','mean':1,'bank':{}}"),
		 "signals.t.mean: 'bank' draws it"},
		{ONE_SIGNAL("{'process':'gaussian','bank':{}}"), "signals.t.bank: lacks 'count'"},
		{ONE_SIGNAL("{'process':'gaussian','bank':{'count':10001}}"),
		 "signals.t.bank.count: must be a whole number from 1 to 10000"},
		{ONE_SIGNAL("{'process':'gaussian','bank':{'count':1}}"),
		 "signals.t.bank: lacks 'log10_mean'"},
		{ONE_SIGNAL("{'process':'gaussian','bank':{'count':1,'log10_mean':[2,1]}}"),
		 "signals.t.bank.log10_mean: quantiles do not fall: 1 follows 2"},
		{BANK(",'constant':10"),
		 "signals.t.bank.constant: must be a whole number from 0 to 9"},
		{BANK(",'communality':[1]"), "signals.t.bank.communality: there are no 'factors'"},
		{BANK(",'factors':[1]"), "signals.t.bank: lacks 'communality'"},
		{BANK(",'factors':[1],'communality':[2]"),
		 "signals.t.bank.communality[0]: must be a number from 0 to 1, not 2"},
		{BANK(",'missing':[1]"),
		 "signals.t.bank.missing[0]: must be [share, signals], not 1"},
		{BANK(",'missing':[[2,1]]"),
		 "signals.t.bank.missing[0][0]: must be a number from 0 to 1"},
		{BANK(",'missing':[[0,6],[0,6]]"),
		 "signals.t.bank.missing: names more than the bank's 9 signals"},
		/* correlation */
		{PROFILE(",'correlation':[['t','v']]"),
		 "correlation[0]: must be [signal, signal, correlation], not an array of 2"},
		{PROFILE(",'correlation':[['t','z',0]]"),
		 "correlation[0][1]: 'signals' has no 'z'"},
		{PROFILE(",'correlation':[['t','t',0]]"), "correlation[0]: both are one signal"},
		{PROFILE(",'correlation':[['t','v',0.5],['v','t',0.5]]"),
		 "correlation[1]: the two are named before"},
		{PROFILE(",'correlation':[['t','v',1.5]]"),
		 "correlation[0][2]: must be a number from -1 to 1, not 1.5"},
		{PROFILE(",'correlation':[['t','v',1]]"),
		 "correlation: no signals can be correlated like this: the matrix is not positive "
		 "definite"},
		/* anomalies */
		{PROFILE(",'anomalies':{}"), "anomalies: must be an array"},
		{SPIKE("{}"), "anomalies[1]: lacks 'kind'"},
		{SPIKE("{'kind':'glitch'}"), "anomalies[1].kind: must be one of 'spike', "
					     "'level_shift', 'drift', 'stuck', 'noise', 'dropout', "
					     "not 'glitch'"},
		{SPIKE("{'kind':'spike'}"), "anomalies[1]: lacks 'rate'"},
		{SPIKE("{'kind':'spike','rate':2}"),
		 "anomalies[1].rate: must be a number from 0 to 0.999, not 2"},
		{SPIKE("{'kind':'spike','rate':0.95,'signals':{'v':{'to':1}}}"),
		 "anomalies: the rates add up to 1.05, more than 0.999"},
		{SPIKE("{'kind':'spike','rate':0.1}"), "anomalies[1]: lacks 'signals'"},
		{SPIKE("{'kind':'spike','rate':0.1,'signals':{}}"),
		 "anomalies[1].signals: names no signal"},
		{SPIKE("{'kind':'spike','rate':0.1,'signals':{'w':{'by':1}}}"),
		 "anomalies[1].signals.w: there is no such signal"},
		{SPIKE("{'kind':'spike','rate':0.1,'signals':{'t':{'by':1},'*':{'by':1}}}"),
		 "anomalies[1].signals.*: 't' is named before"},
		{SPIKE("{'kind':'spike','rate':0.1,'signals':{'t':{}}}"),
		 "anomalies[1].signals.t: lacks 'by'"},
		{SPIKE("{'kind':'noise','rate':0.1,'signals':{'t':{}}}"),
		 "anomalies[1].signals.t: lacks 'sd'"},
		{SPIKE("{'kind':'spike','rate':0.1,'signals':{'t':{'by':1,'to':1}}}"),
		 "anomalies[1].signals.t.to: another size stands beside it"},
		{SPIKE("{'kind':'spike','rate':0.1,'signals':{'t':{'to':1,'sign':'either'}}}"),
		 "anomalies[1].signals.t.sign: goes with 'by' and 'by_sd' only"},
		{SPIKE("{'kind':'spike','rate':0.1,'signals':{'t':{'by':1,'sign':'minus'}}}"),
		 "anomalies[1].signals.t.sign: must be one of 'as_given', 'either', not 'minus'"},
		{SPIKE("{'kind':'drift','rate':0.1,'signals':{'t':{'to':1}}}"),
		 "anomalies[1].signals.t.to: is unknown; what may stand here is 'by', 'by_sd', "
		 "'sign'"},
		{SPIKE("{'kind':'dropout','rate':0.1,'signals':{'t':{'to':1}}}"),
		 "anomalies[1].signals.t.to: is unknown; what may stand here is nothing"},
		{SPIKE("{'kind':'noise','rate':0.1,'signals':{'t':{'sd':-1}}}"),
		 "anomalies[1].signals.t.sd: must be a number from 0"},
		{SPIKE("{'kind':'spike','rate':0.1,'length':[3,2],'signals':{'t':{'by':1}}}"),
		 "anomalies[1].length: its ends are the wrong way round"},
		{SPIKE("{'kind':'spike','rate':0.1,'length':0,'signals':{'t':{'by':1}}}"),
		 "anomalies[1].length: must be a whole number from 1"},
		{SPIKE("{'kind':'spike','rate':0.1,'length':[1,2.5],'signals':{'t':{'by':1}}}"),
		 "anomalies[1].length[1]: must be a whole number from 1"},
		{SPIKE("{'kind':'spike','rate':0.1,'length':'3','signals':{'t':{'by':1}}}"),
		 "anomalies[1].length: must be a number of readings or [lowest, highest], not '3'"},
		{SPIKE("{'kind':'spike','rate':0.1,'severity':1,'signals':{'t':{'by':1}}}"),
		 "anomalies[1].severity: must be a string, not 1"},
		/* record */
		{LAID_OUT("[1]"), "record: must be an object, not an array of 1"},
		{LAID_OUT("{}"), "record: has no members"},
		{LAID_OUT("{'a':{}}"), "record.a: has no members"},
		{LAID_OUT("{'':1}"), "record: a member without a name has no path"},
		{LAID_OUT("{'a':[1]}"), "record.a: must be an object, a string, a number, true, "
					"false or null, not an array of 1"},
		{LAID_OUT("{'a':{'b':'%{temp}'}}"),
		 "record.a.b: '%{temp}' stands for no signal and for nothing of 'sensors'"},
		{LAID_OUT("{'a':'%{t'}"), "record.a: '%{' is not closed by '}'"},
		{LAID_OUT("{'a':'100%'}"),
		 "record.a: a '%' that stands for itself is written '%%'"},
		{LAID_OUT("{'a':'%{sensor:x}'}"),
		 "record.a: behind ':' stands a number of digits, 1 to 20"},
		{LAID_OUT("{'a':'at %{time}'}"),
		 "record.a: '%{time}' changes from record to record and has to stand alone"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = ERROR_INIT;
		struct profile *p = parse(cases[i].text, &err);

		if (p || err.kind != ERROR_CONFIG || strcmp(err.file, "p.json") != 0 ||
		    strncmp(err.what, cases[i].what, strlen(cases[i].what)) != 0)
			fail_msg("%s\nsays:     %s\nexpected: %s", cases[i].text, err.what,
				 cases[i].what);
	}
}

static void test_no_json(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(parse("{'step':'1s',\n  'step':'2s'}", &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(err.line, 2);
	assert_true(strstr(err.what, "profile is not JSON: duplicate object key") != NULL);
	assert_null(profile_parse(NULL, 0, "p.json", &err));
	assert_true(strstr(err.what, "profile is not JSON") != NULL);
	assert_null(parse("{'a':1e999}", &err));
	assert_true(strstr(err.what, "profile is not JSON") != NULL);
}

static int parse_all(void *arg, struct error *err)
{
	struct profile *p = parse(arg, err);

	profile_free(p);
	return p ? 0 : -1;
}

static void test_memory(void **state)
{
	char text[] = PROFILE(",'daily':{'d':[0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3]},"
			      "'correlation':[['t','v',0.5]],"
			      "'anomalies':[{'kind':'spike','rate':0.1,'signals':{'*':{'by':1}}}]");

	(void)state;
	assert_true(alloc_fail_each(parse_all, text) > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),    cmocka_unit_test(test_bank),
		cmocka_unit_test(test_mistakes), cmocka_unit_test(test_no_json),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
