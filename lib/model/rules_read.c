#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/file.h"
#include "lib/base/sha256.h"
#include "lib/base/timestamp.h"
#include "lib/model/rules.h"
#include "lib/model/rules_entry.h"

static int get_records(const struct entry *n, struct rule_limits *l, int64_t least,
		       struct error *err)
{
	json_int_t records = json_integer_value(n->json);

	if (!json_is_integer(n->json) || records < least || records > RULE_RECORDS_MAX)
		return entry_bad(n, err, "is no whole number of %" PRId64 " to %d", least,
				 RULE_RECORDS_MAX);
	l->records = (uint32_t)records;
	l->duration_ns = 0;
	return 0;
}

static int get_duration(const struct entry *n, struct rule_limits *l, struct error *err)
{
	const char *text = entry_string(n, err);
	struct error why = ERROR_INIT;

	if (!text)
		return -1;
	if (duration_parse(text, strlen(text), &l->duration_ns, &why))
		return entry_bad(
			n, err, "is '%s', which is no length of time such as 90s, 10m or 2h", text);
	l->records = 0;
	return 0;
}

/* The limits of each kind, as members of a rule and of its overrides. */
static const char *const limit_names[][3] = {
	[RULE_ABOVE] = {"limit"},          [RULE_BELOW] = {"limit"},
	[RULE_RANGE] = {"min", "max"},     [RULE_RATE] = {"per_second"},
	[RULE_STUCK] = {"records", "for"}, [RULE_MISSING] = {"records", "for"},
};

static int get_limit(const struct entry *n, enum rule_kind kind, struct rule_limits *l,
		     struct error *err)
{
	switch (kind) {
	case RULE_ABOVE:
		return entry_real(n, &l->high, err);
	case RULE_BELOW:
		return entry_real(n, &l->low, err);
	case RULE_RANGE:
		return entry_real(n, strcmp(n->name, "min") ? &l->high : &l->low, err);
	case RULE_RATE:
		if (entry_real(n, &l->high, err))
			return -1;
		return l->high > 0 ? 0 : entry_bad(n, err, "is not above 0");
	default:
		if (!strcmp(n->name, "for"))
			return get_duration(n, l, err);
		return get_records(n, l, kind == RULE_STUCK ? 2 : 1, err);
	}
}

/* The limits that stand in an object: all of them for the rule itself (general NULL), any for an
 * override of the general ones. */
static int get_limits(const struct entry *n, enum rule_kind kind, const struct rule_limits *general,
		      struct rule_limits *l, struct error *err)
{
	const char *const *names = limit_names[kind];
	bool either = kind == RULE_STUCK || kind == RULE_MISSING;
	unsigned there = 0;

	*l = general ? *general : (struct rule_limits){.low = -INFINITY, .high = INFINITY};
	for (size_t i = 0; i < 3 && names[i]; i++) {
		struct entry m = entry_member(n, names[i]);
		if (m.json && get_limit(&m, kind, l, err))
			return -1;
		if (!m.json && !general && !either)
			return entry_bad(&m, err, "is absent");
		there += m.json != NULL;
	}
	if (either && there == 2)
		return entry_bad(n, err, "has both 'records' and 'for'");
	if (kind == RULE_STUCK && !there && !general)
		return entry_bad(n, err, "has neither 'records' nor 'for'");
	if (kind == RULE_MISSING && !there && !general)
		l->records = 1;
	if (kind == RULE_RANGE && !(l->low < l->high))
		return entry_bad(n, err, "has a 'min' of %g that is not below its 'max' of %g",
				 l->low, l->high);
	return 0;
}

static int add_field(struct rules *r, struct rule *rule, const struct entry *n, struct error *err)
{
	struct entry m = entry_member(n, "field");
	char *path = entry_path(&m, err);

	if (!path)
		return -1;
	for (rule->field = 0; rule->field < r->n_fields; rule->field++)
		if (!strcmp(r->fields[rule->field].path, path))
			break;
	if (rule->field < r->n_fields) {
		free(path);
	} else {
		if (MEM_GROW(&r->fields, &r->fields_cap, r->n_fields + 1, err)) {
			free(path);
			return -1;
		}
		r->fields[r->n_fields++] = (struct rule_field){.path = path};
	}
	if (rule->kind == RULE_MISSING)
		r->fields[rule->field].may_be_absent = true;
	else
		r->fields[rule->field].number = true;
	return 0;
}

static int get_name(const struct rules *r, struct rule *rule, const struct entry *n,
		    struct error *err)
{
	struct entry m = entry_member(n, "name");
	const char *name = entry_string(&m, err);

	if (!name)
		return -1;
	if (strlen(name) > RULE_NAME_MAX)
		return entry_bad(&m, err, "is longer than %d bytes", RULE_NAME_MAX);
	if (!strcmp(name, "model"))
		return entry_bad(&m, err,
				 "is 'model', which stands for the model among the reasons");
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->rules[i].name, name))
			return entry_bad(&m, err, "is '%s', as that of 'rules[%zu]' is", name, i);
	return (rule->name = mem_strndup(name, strlen(name), err)) ? 0 : -1;
}

/* Takes the keys that the rule has limits for into by_values: numbers are known when all rules
 * were read. */
static int add_keys(struct rules *r, const struct entry *n, struct error *err)
{
	struct entry m = entry_member(n, "per_key");
	const char *key;
	json_t *ignored;

	if (!m.json)
		return 0;
	if (!json_is_object(m.json))
		return entry_bad(&m, err, "is %s, not an object", entry_type(m.json));
	if (!r->by)
		return entry_bad(&m, err,
				 "needs 'by' at the top, the field whose values these are");
	json_object_foreach(
		(json_t *)(uintptr_t)m.json, key,
		ignored) if (key_ids_add(&r->by_values, key, strlen(key), err)) return -1;
	return 0;
}

static int read_rule(struct rules *r, const struct entry *n, struct error *err)
{
	static const char *const known[] = {"name",       "severity", "field", "kind",    "limit",
					    "min",        "max",      "for",   "records", "note",
					    "per_second", "per_key",  NULL};
	struct rule *rule = &r->rules[r->n];
	struct entry kind = entry_member(n, "kind"), severity = entry_member(n, "severity");
	unsigned choice;

	if (entry_object(n, known, err) || get_name(r, rule, n, err))
		return -1;
	r->n++;
	if (entry_choice(&kind, rule_kind_names, &choice, err))
		return -1;
	rule->kind = (enum rule_kind)choice;
	if (entry_choice(&severity, severity_names + 1, &choice, err))
		return -1;
	rule->severity = (enum severity)(choice + 1);
	for (size_t i = 4; i < 11; i++) {
		struct entry m = entry_member(n, known[i]);
		const char *const *names = limit_names[rule->kind];
		bool fits = !strcmp(known[i], "note");
		for (size_t k = 0; k < 3 && names[k]; k++)
			fits |= !strcmp(names[k], known[i]);
		if (m.json && !fits)
			return entry_bad(&m, err, "is no member of a rule of kind '%s'",
					 rule_kind_names[rule->kind]);
	}
	return add_field(r, rule, n, err) || add_keys(r, n, err) ? -1 : 0;
}

/* One key's limits; null: the rule does not hold for it. */
static int read_override(const struct rules *r, const struct rule *rule, const struct entry *n,
			 struct error *err)
{
	uint32_t id = key_ids_find(&r->by_values, n->name, strlen(n->name));
	const char *known[4] = {limit_names[rule->kind][0], limit_names[rule->kind][1],
				limit_names[rule->kind][2], NULL};

	if (json_is_null(n->json)) {
		rule->limits[id].off = true;
		return 0;
	}
	return entry_object(n, known, err) ||
			       get_limits(n, rule->kind, &rule->limits[0], &rule->limits[id], err)
		       ? -1
		       : 0;
}

static int read_limits(struct rules *r, struct rule *rule, const struct entry *n, struct error *err)
{
	struct entry per_key = entry_member(n, "per_key");
	const char *key;
	json_t *value;

	if (!(rule->limits = mem_alloc(r->by_values.n + 1, sizeof(*rule->limits), err)) ||
	    get_limits(n, rule->kind, NULL, &rule->limits[0], err))
		return -1;
	for (size_t i = 1; i <= r->by_values.n; i++)
		rule->limits[i] = rule->limits[0];
	json_object_foreach((json_t *)(uintptr_t)per_key.json, key, value)
	{
		struct entry m = {.json = value, .in = &per_key, .name = key};
		if (read_override(r, rule, &m, err))
			return -1;
	}
	rule->keyed = rule->kind == RULE_RATE || rule->kind == RULE_STUCK;
	for (size_t i = 0; i <= r->by_values.n && rule->kind == RULE_MISSING; i++)
		rule->keyed |= rule->limits[i].records != 1;
	if (rule->keyed)
		rule->memory = r->n_keyed++;
	return 0;
}

/* "key": a field, or a list of them, which may be empty: all records are one series. */
static int read_key(struct rules *r, const struct entry *top, struct error *err)
{
	struct entry key = entry_member(top, "key");
	size_t n = json_is_array(key.json) ? json_array_size(key.json) : 1;

	if (!key.json)
		return 0;
	r->has_key = true;
	if (!(r->key = mem_alloc(n, sizeof(*r->key), err)))
		return -1;
	for (; r->n_key < n; r->n_key++) {
		struct entry one = json_is_array(key.json) ? entry_element(&key, r->n_key) : key;
		if (!(r->key[r->n_key] = entry_path(&one, err)))
			return -1;
	}
	return 0;
}

static int read_all(struct rules *r, const json_t *json, struct error *err)
{
	static const char *const known[] = {"note", "by", "key", "rules", NULL};
	struct entry top = {.json = json}, rules, by;

	if (entry_object(&top, known, err))
		return -1;
	rules = entry_member(&top, "rules");
	by = entry_member(&top, "by");
	size_t n = json_array_size(rules.json);
	if (!rules.json)
		return entry_bad(&rules, err, "is absent");
	if (!json_is_array(rules.json))
		return entry_bad(&rules, err, "is %s, not an array", entry_type(rules.json));
	if (!n || n > RULES_MAX)
		return entry_bad(&rules, err, "has %zu rules, not 1 to %d", n, RULES_MAX);
	if ((by.json && !(r->by = entry_path(&by, err))) || read_key(r, &top, err) ||
	    !(r->rules = mem_alloc(n, sizeof(*r->rules), err)))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct entry rule = entry_element(&rules, i);
		if (read_rule(r, &rule, err))
			return -1;
	}
	key_ids_sort(&r->by_values);
	for (size_t i = 0; i < n; i++) {
		struct entry rule = entry_element(&rules, i);
		if (read_limits(r, &r->rules[i], &rule, err))
			return -1;
	}
	return 0;
}

static void set_version(struct rules *r, const char *text, size_t len)
{
	uint8_t raw[SHA256_SIZE];
	char hex[SHA256_HEX];
	struct sha256 sha;

	sha256_init(&sha);
	sha256_update(&sha, text, len);
	sha256_final(&sha, raw);
	sha256_hex(raw, hex);
	memcpy(r->version, hex, MODEL_VERSION_LEN);
}

struct rules *rules_parse(const char *text, size_t len, const char *name, struct error *err)
{
	json_error_t why;
	struct rules *r = NULL;
	json_t *json = json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES, &why);

	if (!json && json_error_code(&why) == json_error_out_of_memory) {
		error_memory(err, len);
		return NULL;
	}
	if (!json) {
		error_set(err, ERROR_CONFIG, "no valid JSON: %s", why.text);
		error_at(err, name, why.line > 0 ? (uint64_t)why.line : 0,
			 why.column > 0 ? (uint64_t)why.column : 0);
		return NULL;
	}
	if ((r = mem_alloc(1, sizeof(*r), err)) && read_all(r, json, err)) {
		error_at(err, name, 0, 0);
		rules_free(r);
		r = NULL;
	}
	if (r)
		set_version(r, text, len);
	json_decref(json);
	return r;
}

struct rules *rules_load(const char *path, struct error *err)
{
	struct buf text = BUF_INIT;
	struct rules *r = NULL;

	if (file_read(path, RULES_FILE_MAX, &text, err) == 0)
		r = rules_parse(text.data, text.len, path, err);
	buf_release(&text);
	return r;
}
