#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/config_node.h"
#include "lib/base/file.h"
#include "lib/base/sha256.h"
#include "lib/base/timestamp.h"
#include "lib/model/rules.h"
#include "lib/record/fields.h"

/* A copy of a string that is the path of a field. */
static char *get_path(const struct node *n, struct error *err)
{
	struct error why = ERROR_INIT;
	struct path path;
	const char *text;

	if (node_text(n, &text, err))
		return NULL;
	if (path_parse(&path, text, strlen(text), &why)) {
		if (why.kind == ERROR_USAGE)
			node_fail(n, err, "%s", why.what);
		else
			*err = why;
		return NULL;
	}
	path_release(&path);
	return mem_strndup(text, strlen(text), err);
}

static int get_records(const struct node *n, struct rule_limits *l, uint64_t least,
		       struct error *err)
{
	uint64_t records;

	if (node_count(n, least, RULE_RECORDS_MAX, &records, err))
		return -1;
	l->records = (uint32_t)records;
	l->duration_ns = 0;
	return 0;
}

static int get_duration(const struct node *n, struct rule_limits *l, struct error *err)
{
	const char *text = json_string_value(n->json);
	struct error why = ERROR_INIT;

	if (!text || duration_parse(text, strlen(text), &l->duration_ns, &why))
		return node_refuse(n, "a length of time such as '90s', '10m' or '2h'", err);
	l->records = 0;
	return 0;
}

/* The limits of each kind, as members of a rule and of its overrides. */
static const char *const limit_names[][3] = {
	[RULE_ABOVE] = {"limit"},          [RULE_BELOW] = {"limit"},
	[RULE_RANGE] = {"min", "max"},     [RULE_RATE] = {"per_second"},
	[RULE_STUCK] = {"records", "for"}, [RULE_MISSING] = {"records", "for"},
};

static int get_limit(const struct node *n, enum rule_kind kind, struct rule_limits *l,
		     struct error *err)
{
	switch (kind) {
	case RULE_ABOVE:
		return node_real(n, -INFINITY, INFINITY, &l->high, err);
	case RULE_BELOW:
		return node_real(n, -INFINITY, INFINITY, &l->low, err);
	case RULE_RANGE:
		return node_real(n, -INFINITY, INFINITY, strcmp(n->key, "min") ? &l->high : &l->low,
				 err);
	case RULE_RATE:
		l->high = json_number_value(n->json); /* 0 of what is none */
		return l->high > 0 ? 0 : node_refuse(n, "a number above 0", err);
	default:
		if (!strcmp(n->key, "for"))
			return get_duration(n, l, err);
		return get_records(n, l, kind == RULE_STUCK ? 2 : 1, err);
	}
}

/* The limits that stand in an object: all of them for the rule itself (general NULL), any for an
 * override of the general ones. */
static int get_limits(const struct node *n, enum rule_kind kind, const struct rule_limits *general,
		      struct rule_limits *l, struct error *err)
{
	const char *const *names = limit_names[kind];
	bool either = kind == RULE_STUCK || kind == RULE_MISSING;
	unsigned there = 0;

	*l = general ? *general : (struct rule_limits){.low = -INFINITY, .high = INFINITY};
	for (size_t i = 0; i < 3 && names[i]; i++) {
		struct node m;
		if (!general && !either && node_need(n, names[i], &m, err))
			return -1;
		if (!node_get(n, names[i], &m))
			continue;
		if (get_limit(&m, kind, l, err))
			return -1;
		there++;
	}
	if (either && there == 2)
		return node_fail(n, err, "has both 'records' and 'for'");
	if (kind == RULE_STUCK && !there && !general)
		return node_fail(n, err, "has neither 'records' nor 'for'");
	if (kind == RULE_MISSING && !there && !general)
		l->records = 1;
	if (kind == RULE_RANGE && !(l->low < l->high))
		return node_fail(n, err, "has a 'min' of %g that is not below its 'max' of %g",
				 l->low, l->high);
	return 0;
}

static int add_field(struct rules *r, struct rule *rule, const struct node *n, struct error *err)
{
	struct node m;
	char *path;

	if (node_need(n, "field", &m, err) || !(path = get_path(&m, err)))
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

static int get_name(const struct rules *r, struct rule *rule, const struct node *n,
		    struct error *err)
{
	const char *name;
	struct node m;

	if (node_need(n, "name", &m, err) || node_text(&m, &name, err))
		return -1;
	if (!*name)
		return node_fail(&m, err, "is empty");
	if (strlen(name) > RULE_NAME_MAX)
		return node_fail(&m, err, "is longer than %d bytes", RULE_NAME_MAX);
	if (!strcmp(name, "model"))
		return node_fail(&m, err, "'model' stands for the model among the reasons");
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->rules[i].name, name))
			return node_fail(&m, err, "'%.40s' is the name of rules[%zu], too", name,
					 i);
	return (rule->name = mem_strndup(name, strlen(name), err)) ? 0 : -1;
}

/* Takes the keys that the rule has limits for into by_values: numbers are known when all rules
 * were read. */
static int add_keys(struct rules *r, const struct node *n, struct error *err)
{
	const char *key;
	json_t *ignored;
	struct node m;

	if (!node_get(n, "per_key", &m))
		return 0;
	if (node_object(&m, NULL, err))
		return -1;
	if (!r->by)
		return node_fail(&m, err,
				 "needs 'by' at the top, the field whose values these are");
	json_object_foreach(
		(json_t *)(uintptr_t)m.json, key,
		ignored) if (key_ids_add(&r->by_values, key, strlen(key), err)) return -1;
	return 0;
}

static int read_rule(struct rules *r, const struct node *n, struct error *err)
{
	static const char *const known[] = {"name",       "severity", "field", "kind",    "limit",
					    "min",        "max",      "for",   "records", "note",
					    "per_second", "per_key",  NULL};
	struct rule *rule = &r->rules[r->n];
	unsigned choice;
	struct node m;

	if (node_object(n, known, err) || get_name(r, rule, n, err))
		return -1;
	r->n++;
	if (node_need(n, "kind", &m, err) || node_choice(&m, rule_kind_names, &choice, err))
		return -1;
	rule->kind = (enum rule_kind)choice;
	if (node_need(n, "severity", &m, err) || node_choice(&m, severity_names + 1, &choice, err))
		return -1;
	rule->severity = (enum severity)(choice + 1);
	for (size_t i = 4; i < 11; i++) {
		const char *const *names = limit_names[rule->kind];
		bool fits = !strcmp(known[i], "note");
		for (size_t k = 0; k < 3 && names[k]; k++)
			fits |= !strcmp(names[k], known[i]);
		if (node_get(n, known[i], &m) && !fits)
			return node_fail(&m, err, "is no member of a rule of kind '%s'",
					 rule_kind_names[rule->kind]);
	}
	return add_field(r, rule, n, err) || add_keys(r, n, err) ? -1 : 0;
}

/* One key's limits; null: the rule does not hold for it. */
static int read_override(const struct rules *r, const struct rule *rule, const struct node *n,
			 struct error *err)
{
	uint32_t id = key_ids_find(&r->by_values, n->key, strlen(n->key));
	const char *known[4] = {limit_names[rule->kind][0], limit_names[rule->kind][1],
				limit_names[rule->kind][2], NULL};

	if (json_is_null(n->json)) {
		rule->limits[id].off = true;
		return 0;
	}
	return node_object(n, known, err) ||
			       get_limits(n, rule->kind, &rule->limits[0], &rule->limits[id], err)
		       ? -1
		       : 0;
}

static int read_limits(struct rules *r, struct rule *rule, const struct node *n, struct error *err)
{
	struct node per_key;
	const char *key;
	json_t *value;

	if (!(rule->limits = mem_alloc(r->by_values.n + 1, sizeof(*rule->limits), err)) ||
	    get_limits(n, rule->kind, NULL, &rule->limits[0], err))
		return -1;
	for (size_t i = 1; i <= r->by_values.n; i++)
		rule->limits[i] = rule->limits[0];
	node_get(n, "per_key", &per_key);
	json_object_foreach((json_t *)(uintptr_t)per_key.json, key, value)
	{
		struct node m = {.json = value, .up = &per_key, .key = key};
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
static int read_key(struct rules *r, const struct node *top, struct error *err)
{
	struct node key;

	if (!node_get(top, "key", &key))
		return 0;
	size_t n = json_is_array(key.json) ? json_array_size(key.json) : 1;
	r->has_key = true;
	if (!(r->key = mem_alloc(n, sizeof(*r->key), err)))
		return -1;
	for (; r->n_key < n; r->n_key++) {
		struct node one = json_is_array(key.json) ? node_item(&key, r->n_key) : key;
		if (!(r->key[r->n_key] = get_path(&one, err)))
			return -1;
	}
	return 0;
}

static int read_all(struct rules *r, const json_t *json, struct error *err)
{
	static const char *const known[] = {"note", "by", "key", "rules", NULL};
	struct node top = {.json = json}, rules, by;
	size_t n;

	if (node_object(&top, known, err) || node_need(&top, "rules", &rules, err) ||
	    node_array(&rules, &n, err))
		return -1;
	if (n > RULES_MAX)
		return node_fail(&rules, err, "has %zu rules, not 1 to %d", n, RULES_MAX);
	if ((node_get(&top, "by", &by) && !(r->by = get_path(&by, err))) ||
	    read_key(r, &top, err) || !(r->rules = mem_alloc(n, sizeof(*r->rules), err)))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct node rule = node_item(&rules, i);
		if (read_rule(r, &rule, err))
			return -1;
	}
	key_ids_sort(&r->by_values);
	for (size_t i = 0; i < n; i++) {
		struct node rule = node_item(&rules, i);
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
