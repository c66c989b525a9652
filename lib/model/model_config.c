#include "lib/base/json.h"
#include "lib/model/model_config.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"

#define KIND "isolation-forest"

static int add_key(struct buf *out, const char *key, struct error *err)
{
	return buf_printf(out, err, ",\"%s\":", key);
}

static int add_string(struct buf *out, const char *key, const char *value, struct error *err)
{
	return add_key(out, key, err) < 0 ? -1 : json_add_string(out, value, err);
}

static int add_real(struct buf *out, const char *key, double value, struct error *err)
{
	return add_key(out, key, err) < 0 ? -1 : json_add_real(out, value, err);
}

static int add_uint(struct buf *out, const char *key, uint64_t value, struct error *err)
{
	return add_key(out, key, err) < 0 ? -1 : json_add_uint(out, value, err);
}

static int add_item(struct buf *out, size_t i, const char *value, struct error *err)
{
	return buf_add(out, ",", i > 0, err) < 0 ? -1 : json_add_string(out, value, err);
}

static int add_features(struct buf *out, const struct model *m, struct error *err)
{
	if (add_key(out, "features", err) < 0 || buf_add(out, "[", 1, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_features; i++)
		if (add_item(out, i, m->features[i].name, err) < 0)
			return -1;
	return buf_add(out, "]", 1, err);
}

static int add_left_out(struct buf *out, const struct model *m, struct error *err)
{
	if (add_key(out, "left_out", err) < 0 || buf_add(out, "[", 1, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_left_out; i++)
		if (add_item(out, i, m->left_out[i], err) < 0)
			return -1;
	return buf_add(out, "]", 1, err);
}

/* The members that a model and a group have, without a brace. */
static int add_members(struct buf *out, const struct model *m, struct error *err)
{
	const struct prepare *p = &m->prepare;

	if (buf_add_str(out, "\"kind\":\"" KIND "\"", err) < 0 || add_features(out, m, err) < 0 ||
	    add_string(out, "impute", impute_names[p->impute], err) < 0 ||
	    add_string(out, "scale", scaling_names[p->scaling], err) < 0 ||
	    add_real(out, "offset", m->offset, err) < 0 ||
	    (m->contamination_auto ? add_string(out, "contamination", "auto", err)
				   : add_real(out, "contamination", m->contamination, err)) < 0 ||
	    add_real(out, "medium", m->medium, err) < 0 ||
	    add_real(out, "high", m->high, err) < 0 ||
	    add_uint(out, "n_scores", m->scores.n, err) < 0 ||
	    add_uint(out, "max_samples", m->forest->max_samples, err) < 0 ||
	    add_uint(out, "max_features", m->max_features, err) < 0 ||
	    add_real(out, "max_missing", m->max_missing, err) < 0 ||
	    add_uint(out, "n_rows", m->n_rows, err) < 0 ||
	    add_uint(out, "n_rows_seen", m->n_rows_seen, err) < 0 ||
	    buf_printf(out, err, ",\"seed\":\"%" PRIu64 "\"", m->seed) < 0 ||
	    add_string(out, "source", m->source, err) < 0 || add_left_out(out, m, err) < 0)
		return -1;
	return 0;
}

static int add_groups(struct buf *out, const struct model *m, struct error *err)
{
	if (add_string(out, "by", m->by, err) < 0 || add_key(out, "groups", err) < 0)
		return -1;
	for (size_t i = 0; i < m->group_ids.n; i++)
		if (buf_add_str(out, i ? ",{\"key\":" : "[{\"key\":", err) < 0 ||
		    json_add_string(out, m->group_ids.names[i], err) < 0 ||
		    buf_add(out, ",", 1, err) < 0 || add_members(out, m->groups[i], err) < 0 ||
		    buf_add(out, "}", 1, err) < 0)
			return -1;
	return buf_add_str(out, m->group_ids.n ? "]" : "[]", err);
}

int model_config_write(const struct model *m, struct buf *out, struct error *err)
{
	if (buf_add(out, "{", 1, err) < 0 || add_members(out, m, err) < 0 ||
	    (m->by && add_groups(out, m, err) < 0))
		return -1;
	return buf_add(out, "}", 1, err);
}

void model_group_prefix(char prefix[MODEL_PREFIX_MAX], size_t i)
{
	snprintf(prefix, MODEL_PREFIX_MAX, "g/%zu/", i);
}

static int bad_key(const char *key, const char *what, struct error *err)
{
	return error_set(err, ERROR_CONFIG, "config key '%s' is not %s", key, what);
}

static const char *get_string(const json_t *config, const char *key, struct error *err)
{
	const char *text = json_string_value(json_object_get(config, key));
	if (!text)
		bad_key(key, "a string", err);
	return text;
}

static int get_real(const json_t *config, const char *key, double *value, struct error *err)
{
	const json_t *number = json_object_get(config, key);
	if (!json_is_number(number))
		return bad_key(key, "a number", err);
	*value = json_number_value(number);
	return 0;
}

static int get_uint(const json_t *config, const char *key, uint64_t max, uint64_t *value,
		    struct error *err)
{
	const json_t *number = json_object_get(config, key);
	if (!json_is_integer(number) || json_integer_value(number) < 0 ||
	    (uint64_t)json_integer_value(number) > max)
		return error_set(err, ERROR_CONFIG,
				 "config key '%s' is not an integer of 0 to %" PRIu64, key, max);
	*value = (uint64_t)json_integer_value(number);
	return 0;
}

/* Which of the names a string is. */
static int get_choice(const json_t *config, const char *key, const char *const *names,
		      unsigned *choice, struct error *err)
{
	const char *text = get_string(config, key, err);
	if (!text)
		return -1;
	for (*choice = 0; names[*choice]; ++*choice)
		if (strcmp(names[*choice], text) == 0)
			return 0;
	return error_set(err, ERROR_CONFIG, "config key '%s' is '%s', which is not known", key,
			 text);
}

static int get_seed(const json_t *config, uint64_t *seed, struct error *err)
{
	const char *text = get_string(config, "seed", err);
	if (!text)
		return -1;
	*seed = 0;
	const char *p = text;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(*seed, UINT64_C(10), seed) ||
		    __builtin_add_overflow(*seed, (uint64_t)(*p - '0'), seed))
			break;
	if (p == text || *p)
		return bad_key("seed", "a string of digits below 2^64", err);
	return 0;
}

static int get_contamination(struct model *m, const json_t *config, struct error *err)
{
	const char *text = json_string_value(json_object_get(config, "contamination"));
	m->contamination_auto = text && strcmp(text, "auto") == 0;
	m->contamination = NAN;
	if (m->contamination_auto)
		return 0;
	if (!text && get_real(config, "contamination", &m->contamination, err) < 0)
		return -1;
	if (!(m->contamination > 0 && m->contamination <= 0.5))
		return bad_key("contamination", "\"auto\" or in (0, 0.5]", err);
	return 0;
}

static char *copy_item(const json_t *list, size_t i, const char *key, struct error *err)
{
	const json_t *item = json_array_get(list, i);
	if (!json_is_string(item) || json_string_length(item) == 0) {
		error_set(err, ERROR_CONFIG, "config key '%s' holds something that is no name",
			  key);
		return NULL;
	}
	return mem_strndup(json_string_value(item), json_string_length(item), err);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_unique(const struct model *m, struct error *err)
{
	const char **names = mem_alloc(m->n_features, sizeof(*names), err);
	if (!names)
		return -1;
	int rc = 0;
	for (size_t i = 0; i < m->n_features; i++)
		names[i] = m->features[i].name;
	qsort(names, m->n_features, sizeof(*names), compare_strings);
	for (size_t i = 1; i < m->n_features && rc == 0; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			rc = error_set(err, ERROR_CONFIG, "feature '%s' is named twice", names[i]);
	free(names);
	return rc;
}

static int get_features(struct model *m, const json_t *config, struct error *err)
{
	const json_t *list = json_object_get(config, "features");
	size_t n = json_array_size(list);
	if (n < 1 || n > INT32_MAX)
		return bad_key("features", "a list of at least one name", err);
	if (!(m->features = mem_alloc(n, sizeof(*m->features), err)))
		return -1;
	for (; m->n_features < n; m->n_features++)
		if (!(m->features[m->n_features].name =
			      copy_item(list, m->n_features, "features", err)))
			return -1;
	return check_unique(m, err);
}

static int get_left_out(struct model *m, const json_t *config, struct error *err)
{
	const json_t *list = json_object_get(config, "left_out");
	size_t n = json_array_size(list);
	if (!json_is_array(list))
		return bad_key("left_out", "a list", err);
	if (!(m->left_out = mem_alloc(n, sizeof(*m->left_out), err)))
		return -1;
	for (; m->n_left_out < n; m->n_left_out++)
		if (!(m->left_out[m->n_left_out] = copy_item(list, m->n_left_out, "left_out", err)))
			return -1;
	return 0;
}

/* scikit-learn's convention in the paper's terms: an alarm is a score above -offset. */
static int get_thresholds(struct model *m, const json_t *config, struct error *err)
{
	if (get_real(config, "offset", &m->offset, err) < 0 ||
	    get_real(config, "medium", &m->medium, err) < 0 ||
	    get_real(config, "high", &m->high, err) < 0 || get_contamination(m, config, err) < 0)
		return -1;
	if (!(isfinite(m->offset) && isfinite(m->high) && -m->offset <= m->medium &&
	      m->medium <= m->high))
		return error_set(err, ERROR_CONFIG,
				 "config keys 'offset', 'medium' and 'high' are out of order");
	return 0;
}

static int get_all(struct model *m, const json_t *config, struct model_sizes *sizes,
		   struct error *err)
{
	unsigned impute, scaling;
	uint64_t max_samples, max_features;
	const char *text = get_string(config, "kind", err);
	if (!text)
		return -1;
	if (strcmp(text, KIND) != 0)
		return error_set(err, ERROR_CONFIG,
				 "model is of kind '%s', which is not supported by this program",
				 text);
	if (get_features(m, config, err) < 0 ||
	    get_choice(config, "impute", impute_names, &impute, err) < 0 ||
	    get_choice(config, "scale", scaling_names, &scaling, err) < 0 ||
	    get_thresholds(m, config, err) < 0 ||
	    get_uint(config, "n_scores", INT64_MAX, &sizes->n_scores, err) < 0 ||
	    get_uint(config, "max_samples", UINT32_MAX, &max_samples, err) < 0 ||
	    get_uint(config, "max_features", m->n_features, &max_features, err) < 0 ||
	    get_real(config, "max_missing", &m->max_missing, err) < 0 ||
	    get_uint(config, "n_rows", INT64_MAX, &m->n_rows, err) < 0 ||
	    get_uint(config, "n_rows_seen", INT64_MAX, &m->n_rows_seen, err) < 0 ||
	    get_seed(config, &m->seed, err) < 0 || get_left_out(m, config, err) < 0 ||
	    !(text = get_string(config, "source", err)) ||
	    !(m->source = mem_strndup(text, strlen(text), err)))
		return -1;
	if (!(m->max_missing >= 0 && m->max_missing <= 1))
		return bad_key("max_missing", "a share", err);
	m->max_features = (uint32_t)max_features;
	sizes->max_samples = (uint32_t)max_samples;
	return prepare_init(&m->prepare, (enum impute)impute, (enum scaling)scaling, m->n_features,
			    err);
}

/* Whether a group's features are some of the common ones, in their order. */
static int check_subset(const struct model *common, const struct model *group, struct error *err)
{
	size_t j = 0;

	for (size_t i = 0; i < group->n_features; i++, j++) {
		while (j < common->n_features &&
		       strcmp(common->features[j].name, group->features[i].name) != 0)
			j++;
		if (j == common->n_features)
			return error_set(err, ERROR_CONFIG,
					 "feature '%s' is not among those of the model, or not in "
					 "their order",
					 group->features[i].name);
	}
	return 0;
}

static int get_group(struct model *m, const json_t *group, struct model_sizes *sizes,
		     struct error *err)
{
	size_t n = m->group_ids.n;
	const char *key = json_string_value(json_object_get(group, "key"));

	if (!key)
		return bad_key("key", "a string", err);
	if (n && strcmp(m->group_ids.names[n - 1], key) >= 0)
		return error_set(err, ERROR_CONFIG, "group '%s' is out of order", key);
	if (!(m->groups[n] = mem_alloc(1, sizeof(*m->groups[n]), err)))
		return -1;
	if (key_ids_add(&m->group_ids, key, strlen(key), err) < 0) {
		free(m->groups[n]);
		return -1;
	}
	return get_all(m->groups[n], group, sizes, err) < 0 ||
			       check_subset(m, m->groups[n], err) < 0
		       ? error_prefix(err, "group '%s'", key)
		       : 0;
}

static int get_groups(struct model *m, const json_t *config, struct model_sizes **sizes,
		      struct error *err)
{
	const json_t *groups = json_object_get(config, "groups");
	size_t n = json_array_size(groups);
	const char *by;

	if (!(*sizes = mem_alloc(n + 1, sizeof(**sizes), err)) ||
	    get_all(m, config, *sizes, err) < 0)
		return -1;
	if (!groups)
		return 0;
	if (!json_is_array(groups) || n > MODEL_GROUPS_MAX)
		return bad_key("groups", "a list that is not too long", err);
	if (!(by = get_string(config, "by", err)) || !(m->by = mem_strndup(by, strlen(by), err)) ||
	    !(m->groups = mem_alloc(n, sizeof(struct model *), err)))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (get_group(m, json_array_get(groups, i), *sizes + i + 1, err) < 0)
			return -1;
	return 0;
}

int model_config_read(struct model *m, const char *text, struct model_sizes **sizes,
		      struct error *err)
{
	json_error_t json_err;
	json_t *config = json_loads(text, JSON_REJECT_DUPLICATES, &json_err);

	*sizes = NULL;
	if (!config && json_error_code(&json_err) == json_error_out_of_memory)
		return error_memory(err, strlen(text));
	if (!config)
		return error_set(err, ERROR_CONFIG, "config is not valid JSON: %s", json_err.text);
	int rc = get_groups(m, config, sizes, err);
	json_decref(config);
	return rc;
}
