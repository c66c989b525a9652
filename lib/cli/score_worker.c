#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/number.h"
#include "lib/base/timestamp.h"
#include "lib/cli/score_impl.h"
#include "lib/record/event_time.h"

/* What is taken of a record for its rules. */
struct sight {
	uint32_t by;
	int64_t time_ns;
	struct series_place place;
	size_t key_end; /* in keys; it begins where that of the record before ends */
};

/* A thread's rows and verdicts. */
struct worker {
	const struct judge *judge;
	struct row_features features;
	double *x, *rule_x; /* [FILTER_BATCH, fields] */
	uint32_t *groups;   /* [FILTER_BATCH] */
	uint32_t *by;       /* [FILTER_BATCH] */
	struct sight *sights;
	struct verdict *verdicts, *by_rules; /* [FILTER_BATCH] */
	void *scratch;
	struct event_time time;
	struct buf keys, text;
	struct buf truth[FILTER_BATCH];
};

void score_worker_free(void *context)
{
	struct worker *w = context;

	free(w->x);
	free(w->rule_x);
	free(w->groups);
	free(w->by);
	free(w->sights);
	free(w->verdicts);
	free(w->by_rules);
	free(w->scratch);
	event_time_release(&w->time);
	buf_release(&w->keys);
	buf_release(&w->text);
	for (size_t i = 0; i < FILTER_BATCH; i++)
		buf_release(&w->truth[i]);
	free(w);
}

static int make_room(struct worker *w, struct error *err)
{
	const struct judge *j = w->judge;

	w->verdicts = mem_alloc(FILTER_BATCH, sizeof(*w->verdicts), err);
	if (!w->verdicts)
		return -1;
	if (j->forest) {
		w->x = mem_alloc(w->features.n, FILTER_BATCH * sizeof(*w->x), err);
		w->groups = mem_alloc(FILTER_BATCH, sizeof(*w->groups), err);
		w->scratch = mem_alloc_aligned(1, scorer_scratch(j->forest), err);
		if (!w->x || !w->groups || !w->scratch)
			return -1;
	}
	if (j->rules) {
		w->rule_x = mem_alloc(j->rules->n_fields, FILTER_BATCH * sizeof(*w->rule_x), err);
		w->by = mem_alloc(FILTER_BATCH, sizeof(*w->by), err);
		w->by_rules = mem_alloc(FILTER_BATCH, sizeof(*w->by_rules), err);
		w->sights = mem_alloc(FILTER_BATCH, sizeof(*w->sights), err);
		if (!w->rule_x || !w->by || !w->by_rules || !w->sights)
			return -1;
	}
	return 0;
}

void *score_worker_new(const struct filter_plan *plan, struct error *err)
{
	const struct judge *j = plan->context;
	const struct score_options *o = j->score->options;
	struct worker *w = mem_alloc(1, sizeof(*w), err);

	if (!w)
		return NULL;
	w->judge = j;
	w->time = (struct event_time){.path = o->time.field,
				      .unit = (enum time_unit)o->time.unit,
				      .offset_s = o->time.offset_s};
	if (j->forest)
		w->features = (struct row_features){.n = j->forest->model->n_features,
						    .slots = j->slots,
						    .names = j->names,
						    .absent_as_missing = o->absent_as_missing};
	if (!make_room(w, err))
		return w;
	score_worker_free(w);
	return NULL;
}

static int take_truth(struct worker *w, size_t i, const struct record *rec, struct error *err)
{
	const struct judge *j = w->judge;
	const struct score_options *o = j->score->options;
	const struct value *values = rec->values;

	if (o->truth) {
		const struct value *v = &values[j->truth_slot];
		bool truth;
		w->truth[i].len = 0;
		if (v->kind == VALUE_ABSENT)
			return error_set(err, ERROR_DATA, "truth '%s' is absent", o->truth);
		if (v->kind != VALUE_NULL && value_truth(v, &truth, err)) {
			error_at(err, NULL, 0, (uint64_t)(v->text - rec->text) + 1);
			return error_prefix(err, "truth '%s'", o->truth);
		}
		if (v->kind != VALUE_NULL && buf_add(&w->truth[i], v->text, v->len, err))
			return -1;
	} else if (!o->overwrite && !o->as && values[j->anomaly_slot].kind != VALUE_ABSENT &&
		   values[j->version_slot].kind == VALUE_ABSENT) {
		return error_set(err, ERROR_DATA,
				 "record has 'is_anomaly' but no 'model_version': if it is the "
				 "truth, --truth is_anomaly keeps it as 'label'; --overwrite "
				 "replaces it");
	}
	return 0;
}

/* The number of the value of a field that groups or limits go by. */
static int take_id(struct worker *w, const struct record *rec, size_t slot, const char *path,
		   const struct key_ids *ids, uint32_t *id, struct error *err)
{
	const struct value *v = &rec->values[slot];
	const char *text = v->text;
	size_t len = v->len;

	*id = 0;
	if (v->kind == VALUE_NULL ||
	    (v->kind == VALUE_ABSENT && w->judge->score->options->absent_as_missing))
		return 0;
	/* The usual value needs no copy: a string without escapes. */
	if (v->kind == VALUE_STRING && !v->csv && !memchr(text, '\\', len)) {
		text++;
		len -= 2;
	} else {
		w->text.len = 0;
		if (key_text(v, path, &w->text, err))
			return -1;
		text = w->text.data ? w->text.data : "";
		len = w->text.len;
	}
	*id = key_ids_find(ids, text, len);
	return 0;
}

static bool read_int(const struct value *v, int64_t least, int64_t most, int64_t *n)
{
	return v->kind == VALUE_NUMBER && !number_read_int(v->text, v->text + v->len, n) &&
	       *n >= least && *n <= most;
}

static struct series_place place_of(const struct judge *j, const struct value *values)
{
	struct series_place at = {.topic = NULL};
	const struct value *topic = &values[j->topic_slot];
	int64_t partition;

	if (topic->kind != VALUE_STRING || topic->csv ||
	    !read_int(&values[j->partition_slot], 0, INT32_MAX, &partition) ||
	    !read_int(&values[j->offset_slot], 0, INT64_MAX, &at.offset))
		return at;
	at.topic = topic->text + 1; /* Kafka's names have nothing that is escaped */
	at.topic_len = topic->len - 2;
	at.partition = (int32_t)partition;
	return at;
}

/* The values of the key's fields, each with its length before it. */
static int take_key(struct worker *w, size_t i, const struct record *rec, struct error *err)
{
	const struct judge *j = w->judge;

	w->keys.len = i ? w->sights[i - 1].key_end : 0;
	for (size_t k = 0; k < j->n_key; k++) {
		const struct value *v = &rec->values[j->key_slots[k]];
		const char *path = fields_path(j->fields, j->key_slots[k]);
		size_t at = w->keys.len;
		uint32_t len = 0;
		if (v->kind == VALUE_NULL)
			return error_set(err, ERROR_DATA, "key '%s' is null", path);
		if (buf_add(&w->keys, &len, sizeof(len), err) || key_text(v, path, &w->keys, err))
			return -1;
		len = (uint32_t)(w->keys.len - at - sizeof(len));
		memcpy(w->keys.data + at, &len, sizeof(len));
	}
	w->sights[i].key_end = w->keys.len;
	return 0;
}

static int take_for_rules(struct worker *w, size_t i, const struct record *rec, struct error *err)
{
	const struct judge *j = w->judge;
	const struct rules *r = j->rules;
	struct sight *s = &w->sights[i];

	if (rules_read_row(r, j->rule_slots, j->score->options->absent_as_missing, rec,
			   w->rule_x + i * r->n_fields, err))
		return -1;
	w->by[i] = 0;
	if (r->by && take_id(w, rec, j->by_slot, r->by, &r->by_values, &w->by[i], err))
		return -1;
	if (!j->series)
		return 0;
	if (event_time_read(&w->time, &rec->values[j->time_slot], &s->time_ns, err))
		return -1;
	s->place = place_of(j, rec->values);
	return take_key(w, i, rec, err);
}

int score_take(void *context, size_t i, const struct record *rec, struct error *err)
{
	struct worker *w = context;
	const struct judge *j = w->judge;

	if (take_truth(w, i, rec, err) || (j->rules && take_for_rules(w, i, rec, err)))
		return -1;
	if (!j->forest)
		return 0;
	if (j->forest->model->by && take_id(w, rec, j->group_slot, j->forest->model->by,
					    &j->forest->model->group_ids, &w->groups[i], err))
		return -1;
	return row_read(&w->features, rec, w->x + i * w->features.n, NULL, err);
}

/* What needs no order. */
void score_judge(void *context, size_t n)
{
	struct worker *w = context;
	const struct judge *j = w->judge;

	if (j->forest) {
		struct scorer_rows rows = {
			.n = n, .stride = w->features.n, .x = w->x, .key_id = w->groups};
		scorer_score(j->forest, &rows, j->score->options->max_missing, w->scratch,
			     w->verdicts);
	}
	if (j->rules && !j->series) {
		struct scorer_rows rows = {
			.n = n, .stride = j->rules->n_fields, .x = w->rule_x, .key_id = w->by};
		scorer_score(j->by_rules, &rows, 1, NULL, w->by_rules);
	}
}

/* By keyed rules, one record after the other. */
static int judge_in_order(struct worker *w, size_t i, struct error *err)
{
	const struct judge *j = w->judge;
	const struct sight *s = &w->sights[i];
	size_t at = i ? w->sights[i - 1].key_end : 0;
	void *key = series_key(j->series, &s->place, w->keys.data ? w->keys.data + at : "",
			       s->key_end - at, err);
	struct scorer_rows row = {.n = 1,
				  .stride = j->rules->n_fields,
				  .x = w->rule_x + i * j->rules->n_fields,
				  .key_id = &w->by[i],
				  .time_ns = &s->time_ns,
				  .state = &key};

	if (!key)
		return -1;
	scorer_score(j->by_rules, &row, 1, NULL, &w->by_rules[i]);
	return 0;
}

static int no_verdict(const struct worker *w, const struct verdict *v, struct error *err)
{
	if (!w->judge->forest)
		return error_set(err, ERROR_DATA,
				 "record has no value in any of the %u fields of the rules",
				 v->imputed);
	if (v->status == ROW_BEYOND_FLOAT32)
		return error_set(err, ERROR_DATA, "feature '%s' is beyond the range of float32",
				 w->judge->names[v->column]);
	return error_set(err, ERROR_DATA,
			 "record lacks %u of %zu features, more than --max-missing allows",
			 v->imputed, w->features.n);
}

/* The one verdict of a record, and whether the model has a part in it. Where the model cannot
 * judge, a rule that fired does. */
static void conclude(struct verdict *v, const struct verdict *by_rules, bool *by_model)
{
	*by_model = v->is_anomaly;
	if (v->status == ROW_OK) {
		verdict_merge(v, by_rules);
	} else if (by_rules->status == ROW_OK && by_rules->reasons) {
		uint32_t imputed = v->imputed;
		*v = *by_rules;
		v->imputed = imputed;
	}
}

static int add_reasons(struct worker *w, const struct verdict *v, bool by_model,
		       const struct writer *out, struct buf *b, struct error *err)
{
	const struct judge *j = w->judge;
	struct buf *text = &w->text;

	text->len = 0;
	if (buf_add_str(text, by_model ? "[\"model\"" : "[", err))
		return -1;
	for (size_t i = 0; i < j->rules->n; i++)
		if (v->reasons >> i & 1 &&
		    (buf_add_str(text, text->len > 1 ? "," : "", err) ||
		     buf_add(text, j->reasons[i].data, j->reasons[i].len, err)))
			return -1;
	return buf_add_str(text, "]", err) || writer_json(out, b, j->score->place[ADD_REASONS],
							  text->data, text->len, err)
		       ? -1
		       : 0;
}

static int add_verdict(struct worker *w, const struct verdict *v, bool by_model,
		       const struct writer *out, struct buf *b, struct error *err)
{
	const struct judge *j = w->judge;
	const size_t *place = j->score->place;
	bool decision = j->score->options->score == SCORE_DECISION;

	writer_real(out, b, place[ADD_SCORE], decision ? v->decision : v->score);
	writer_bool(out, b, place[ADD_ANOMALY], v->is_anomaly);
	writer_word(out, b, place[ADD_SEVERITY], severity_names[v->severity]);
	if (j->forest && v->quantile == v->quantile)
		writer_real(out, b, place[ADD_QUANTILE], v->quantile);
	else if (j->forest)
		writer_null(out, b, place[ADD_QUANTILE]);
	if (j->rules && add_reasons(w, v, by_model, out, b, err))
		return -1;
	if (j->forest)
		writer_count(out, b, place[ADD_IMPUTED], v->imputed);
	writer_word(out, b, place[ADD_MODEL_VERSION],
		    j->forest ? j->forest->model->version : j->rules->version);
	if (j->forest && j->rules)
		writer_word(out, b, place[ADD_RULES_VERSION], j->rules->version);
	return 0;
}

int score_add(void *context, size_t i, const struct writer *out, struct buf *b, struct error *err)
{
	struct worker *w = context;
	const struct judge *j = w->judge;
	const struct score *s = j->score;
	struct verdict *v = &w->verdicts[i];
	bool by_model = v->is_anomaly;
	char now[TIMESTAMP_MAX];

	if (j->series && judge_in_order(w, i, err))
		return -1;
	if (!j->forest)
		*v = w->by_rules[i];
	else if (j->rules)
		conclude(v, &w->by_rules[i], &by_model);
	if (v->status != ROW_OK)
		return no_verdict(w, v, err);
	if (w->time.naive)
		atomic_store(&j->score->naive, true);
	if (s->options->only_anomalies && !v->is_anomaly)
		return 0;
	if (add_verdict(w, v, j->forest && by_model, out, b, err))
		return -1;
	if (s->options->stamp) {
		timestamp_format(now, timestamp_now());
		writer_word(out, b, s->place[ADD_STAMP], now);
	}
	if (s->options->truth && w->truth[i].len)
		return writer_raw(out, b, s->place[ADD_LABEL], w->truth[i].data, w->truth[i].len,
				  err)
			       ? -1
			       : 1;
	if (s->options->truth)
		writer_null(out, b, s->place[ADD_LABEL]);
	return 1;
}

int score_control(void *context, struct control_record *c, struct error *err)
{
	const struct judge *j = ((struct worker *)context)->judge;

	return j->series ? series_control(j->series, c, err) : 0;
}

bool score_is_anomaly(void *context, size_t i)
{
	return ((struct worker *)context)->verdicts[i].is_anomaly;
}
