#include "lib/cli/train_rows.h"

#include <stdlib.h>
#include <unistd.h>
#include "lib/cli/message.h"
#include "lib/model/model.h"

static uint64_t memory_limit(const struct train_rows_options *o)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	if (o->memory)
		return o->memory;
	return pages > 0 && size > 0 ? (uint64_t)pages / 4 * 3 * (uint64_t)size : UINT64_MAX;
}

static void choose_features(struct train_rows *rows, struct records *records, struct fields *fields,
			    struct choice *choice)
{
	const struct train_rows_options *o = rows->options;
	struct error err = ERROR_INIT;
	bool any = records_peek(records, choice_leaf, choice);
	size_t *slots;

	if (choice_finish(choice, &err))
		message_die(&err);
	if (any && !choice->n) {
		if (o->features)
			error_set(&err, ERROR_DATA,
				  "no numeric field of the first record matches --features '%s'",
				  o->features);
		else
			error_set(&err, ERROR_DATA,
				  "no field of the first record is a feature: it has no number but "
				  "times, identifiers and the like; name them with --features");
		error_at(&err, records_file(records), 0, 0);
		message_die(&err);
	}
	slots = rows->slots = mem_alloc(choice->n, sizeof(*slots), &err);
	rows->ignored = mem_alloc(choice->n, sizeof(bool), &err);
	if (!slots || !rows->ignored)
		message_die(&err);
	for (size_t i = 0; i < choice->n; i++) {
		int slot = fields_want(fields, choice->names[i], &err);
		if (slot < 0)
			message_die(&err);
		slots[i] = (size_t)slot;
	}
	rows->features = (struct row_features){.n = choice->n,
					       .slots = slots,
					       .names = choice->names,
					       .absent_as_missing = o->absent_as_missing};
	training_rows_init(&rows->kept, choice->n, o->reservoir, memory_limit(o), o->seed);
}

/* A field that --features did not name and that never was a number turns out to be something else:
 * no feature. */
static bool can_ignore(struct train_rows *rows, const struct record *rec, size_t i)
{
	const struct value *v = &rec->values[rows->features.slots[i]];

	if (rows->options->features || v->kind == VALUE_ABSENT || v->kind == VALUE_NUMBER)
		return false;
	if (training_rows_any(&rows->kept, i))
		return false;
	rows->ignored[i] = true;
	rows->features.ignored = rows->ignored;
	return true;
}

/* The number of the record's group, 0 where it names none. */
static int group_of(struct train_rows *rows, const struct record *rec, uint32_t *group,
		    struct error *err)
{
	const struct train_rows_options *o = rows->options;
	const struct value *v = &rec->values[rows->by_slot];

	*group = 0;
	if (!o->by || v->kind == VALUE_NULL || (v->kind == VALUE_ABSENT && o->absent_as_missing))
		return 0;
	rows->text.len = 0;
	if (key_text(v, o->by, &rows->text, err))
		return -1;
	return key_numbers_get(&rows->groups, rows->text.data ? rows->text.data : "",
			       rows->text.len, MODEL_GROUPS_MAX, group, err)
		       ? error_prefix(err, "key '%s'", o->by)
		       : 0;
}

static void read_rows(struct train_rows *rows, struct records *records)
{
	struct error err = ERROR_INIT;
	double *row = mem_alloc(rows->features.n, sizeof(*row), &err);
	struct record rec;

	if (!row)
		message_die(&err);
	while (records_next(records, &rec)) {
		uint32_t group;
		size_t bad;
		int ret;
		while ((ret = row_read(&rows->features, &rec, row, &bad, &err)) &&
		       can_ignore(rows, &rec, bad))
			;
		if (ret || group_of(rows, &rec, &group, &err))
			records_reject(records, &rec, &err);
		else if (training_rows_add(&rows->kept, row, group, &err))
			message_die(&err);
	}
	free(row);
}

void train_rows_read(struct train_rows *rows, const struct train_rows_options *o,
		     struct records *records, struct fields *fields, struct choice *choice)
{
	struct error err = ERROR_INIT;
	int slot = o->by ? fields_want(fields, o->by, &err) : 0;

	*rows = (struct train_rows){.options = o, .by_slot = (size_t)slot};
	if (slot < 0)
		message_die(&err);
	choose_features(rows, records, fields, choice);
	if (o->by)
		training_rows_by_group(&rows->kept);
	read_rows(rows, records);
	if (rows->kept.seen < o->min_records) {
		error_set(&err, ERROR_DATA, "%llu records came, fewer than --min-records %llu",
			  (unsigned long long)rows->kept.seen, (unsigned long long)o->min_records);
		message_die(&err);
	}
	if (o->by && key_numbers_sort(&rows->groups, rows->kept.group, rows->kept.n, &err))
		message_die(&err);
}

void train_rows_release(struct train_rows *rows)
{
	training_rows_release(&rows->kept);
	key_numbers_release(&rows->groups);
	buf_release(&rows->text);
	free(rows->ignored);
	free(rows->slots);
}
