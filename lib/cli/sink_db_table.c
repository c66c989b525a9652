#include <stdlib.h>
#include <string.h>
#include "lib/base/file.h"
#include "lib/cli/message.h"
#include "lib/cli/sink_db_impl.h"

#define LEARN_RECORDS 1000
#define SCRIPT_MAX (16 << 20)

static int read_script(const struct db_sink *s, struct buf *sql, struct error *err)
{
	if (file_read(s->options->schema, SCRIPT_MAX, sql, err) || buf_terminate(sql, err))
		return error_prefix(err, "option '--schema'");
	return strlen(sql->data) == sql->len
		       ? 0
		       : error_set(err, ERROR_CONFIG, "'%s' has a NUL in it", s->options->schema);
}

/* As db_sink_find_table, for a table that was not there. */
static int make_by_script(struct db_sink *s, const char *sql, struct error *err)
{
	struct error why = ERROR_INIT;
	int failed = store_run(s->store, sql, &why), there = 0;

	/* It fails, too, where another was quicker, or an attempt whose outcome got lost. */
	if (!failed || why.kind == ERROR_CONFIG)
		there = store_describe(s->store, &s->table, err);
	if (failed && !there) {
		*err = why;
		return error_prefix(err, "'%s'", s->options->schema);
	}
	return there ? there
		     : error_set(err, ERROR_CONFIG, "'%s' makes no table '%s'", s->options->schema,
				 s->options->table);
}

int db_sink_no_table(const struct db_sink *s, struct error *err)
{
	return error_set(err, ERROR_CONFIG,
			 "there is no table '%s': '--schema FILE' makes it by a file of SQL, "
			 "'--create' of the first records",
			 s->options->table);
}

int db_sink_find_table(struct db_sink *s, struct error *err)
{
	const struct db_sink_options *o = s->options;
	struct buf sql = BUF_INIT;
	int there = -1;

	/* A file that is not there is told of when it is not needed, too. */
	if (o->schema && read_script(s, &sql, err))
		goto out;
	there = store_describe(s->store, &s->table, err);
	if (!there && o->schema)
		there = make_by_script(s, sql.data, err);
	if (!there && !o->create)
		there = db_sink_no_table(s, err);
out:
	buf_release(&sql);
	return there;
}

int db_sink_learn(struct db_sink *s, struct error *err)
{
	struct record rec;
	int got;

	if (MEM_GROW(&s->held, &s->held_cap, s->n_held + 1, err) ||
	    (!s->learner && !(s->learner = scanner_new(NULL, err))))
		return -1;
	if (!s->n_held)
		s->held_ns = db_sink_clock_ns();
	struct block *b = &s->held[s->n_held++];
	*b = s->block;
	s->block = (struct block){.len = 0};
	if (scanner_start(s->learner, b, err))
		return -1;
	while (s->n_learned < LEARN_RECORDS && (got = scanner_next(s->learner, &rec, err)) != 0) {
		/* What is bad is told when its turn comes. */
		if (got < 0 && err->kind != ERROR_DATA && err->kind != ERROR_CONFIG)
			return -1;
		if (got < 0 || rec.control != CONTROL_NONE)
			continue;
		if (scanner_walk(s->learner, &rec, store_table_learn, &s->table, err))
			return -1;
		s->n_learned++;
	}
	*err = (struct error)ERROR_INIT;
	return s->n_learned == LEARN_RECORDS;
}

bool db_sink_learned(struct db_sink *s)
{
	s->hurried =
		s->n_learned && db_sink_clock_ns() - s->held_ns >= s->options->commit_interval_ns;
	return s->hurried;
}

int db_sink_make_table(struct db_sink *s, struct error *err)
{
	const char *rest = s->options->unknown;

	for (size_t i = 0; i < s->table.n; i++)
		if (s->table.columns[i].type == STORE_OTHER)
			s->table.columns[i].type = STORE_TEXT;
	if (!s->table.n)
		return error_set(
			err, ERROR_DATA,
			"records without fields: '--create' cannot make table '%s' of them",
			s->options->table);
	if (rest) {
		struct store_column *c = store_table_find(&s->table, rest, strlen(rest));
		if (!c && !(c = store_table_add(&s->table, rest, STORE_JSON, err)))
			return -1;
		c->type = STORE_JSON;
	}
	if (s->options->upsert && store_table_keys(&s->table, s->options->upsert, err))
		return -1;
	if (s->hurried || s->stopped)
		store_table_widen(&s->table);
	if (store_create(s->store, &s->table, err))
		return -1;
	/* As it is there, perhaps by another's hand. */
	if (store_describe(s->store, &s->table, err) <= 0)
		return err->kind ? -1
				 : error_set(err, ERROR_CONFIG, "table '%s' is gone",
					     s->options->table);
	return db_sink_use_table(s, err);
}

/* The slot of a field, which need not be a column. */
static int want(struct db_sink *s, const char *path, size_t *slot, struct error *err)
{
	int n = fields_want(s->fields, path, err);

	*slot = (size_t)n;
	return n < 0 ? -1 : 0;
}

static int want_columns(struct db_sink *s, struct error *err)
{
	for (size_t i = 0; i < s->table.n; i++) {
		struct store_column *c = &s->table.columns[i];
		int slot = -1;
		if (c != s->rest && (slot = fields_column(s->fields, c->name, err)) < 0) {
			if (err->kind != ERROR_USAGE)
				return -1;
			/* No field can have that name: the column stays empty. */
			*err = (struct error)ERROR_INIT;
		}
		s->slots[i] = slot < 0 ? SIZE_MAX : (size_t)slot;
	}
	return 0;
}

int db_sink_use_table(struct db_sink *s, struct error *err)
{
	const struct db_sink_options *o = s->options;

	if (o->upsert && store_table_keys(&s->table, o->upsert, err))
		return -1;
	if (o->unknown) {
		s->rest = store_table_find(&s->table, o->unknown, strlen(o->unknown));
		if (!s->rest || (s->rest->type != STORE_JSON && s->rest->type != STORE_TEXT))
			return error_set(
				err, ERROR_CONFIG,
				"option '--unknown': table '%s' has no column '%s' for JSON",
				o->table, o->unknown);
		s->rest->filled = false;
	}
	s->fields = fields_new(err);
	s->slots = mem_alloc(s->table.n, sizeof(*s->slots), err);
	s->cells = mem_alloc(s->table.n, sizeof(*s->cells), err);
	if (!s->fields || !s->slots || !s->cells || fields_own(s->fields, "_kafka", err) ||
	    want_columns(s, err) || want(s, "_kafka", &s->kafka_slot, err) ||
	    want(s, "_kafka.replay", &s->replay_slot, err) ||
	    want(s, "_kafka.topic", &s->topic_slot, err) ||
	    want(s, "_kafka.partition", &s->partition_slot, err))
		return -1;
	s->scanner = scanner_new(s->fields, err);
	if (!s->scanner)
		return -1;
	scanner_note_unknown(s->scanner);
	return 0;
}
