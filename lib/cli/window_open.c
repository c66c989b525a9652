/* What window-agg needs before its first record, and gives back after its last. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/timestamp.h"
#include "lib/cli/overwrite.h"
#include "lib/cli/window_impl.h"
#include "lib/record/rejects.h"

static int usage(struct error *err, const char *what)
{
	return error_set(err, ERROR_USAGE, "%s", what);
}

static int check_options(const struct window_options *o, struct error *err)
{
	if (!o->windows.n && !o->session_ns)
		return usage(err, "no windows: give '--window SIZE' or '--session GAP'");
	if (o->windows.n && o->session_ns)
		return usage(err, "'--window' and '--session' exclude each other");
	if (o->slide_ns && !o->windows.n)
		return usage(err, "'--slide' needs '--window'");
	if (o->flush && o->hold)
		return usage(err, "'--flush' and '--hold' exclude each other");
	if (o->idle_ns && !o->single)
		return usage(err, "'--idle' needs '--single': otherwise no partition waits for "
				  "another");
	if (o->single && o->session_ns)
		return usage(err, "'--session' is not for '--single': where sessions end would "
				  "depend on how partitions mix");
	if (o->session_ns > WINDOWS_MAX_NS)
		return usage(err, "option '--session': at most 3653d");
	return 0;
}

static int check_length(const char *option, int64_t ns, struct error *err)
{
	if (ns > WINDOWS_MAX_NS || ns % NS_PER_MS)
		return error_set(err, ERROR_USAGE,
				 "option '%s': takes whole milliseconds, at most 3653d", option);
	return 0;
}

/* SIZE[/SLIDE] */
static int read_spec(const struct window_options *o, const char *text, struct windows_spec *x,
		     struct error *err)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);

	if (duration_parse(text, len, &x->size_ns, err) ||
	    (slash && duration_parse(slash + 1, strlen(slash + 1), &x->slide_ns, err)))
		return error_prefix(err, "option '--window'");
	if (!slash)
		x->slide_ns = o->slide_ns ? o->slide_ns : x->size_ns;
	if (check_length("--window", x->size_ns, err) || check_length("--slide", x->slide_ns, err))
		return -1;
	if (x->slide_ns > x->size_ns)
		return error_set(err, ERROR_USAGE,
				 "window '%s' slides by more than its size: records between two "
				 "windows would be in none",
				 text);
	return 0;
}

static int read_specs(struct window_loop *l, struct error *err)
{
	const struct window_options *o = l->options;

	l->n_specs = o->windows.n;
	if (!(l->specs = mem_alloc(l->n_specs, sizeof(*l->specs), err)) ||
	    !(l->spec_names = mem_alloc(l->n_specs, sizeof(*l->spec_names), err)))
		return -1;
	for (size_t i = 0; i < l->n_specs; i++) {
		const char *text = o->windows.items[i];
		if (read_spec(o, text, &l->specs[i], err) ||
		    !(l->spec_names[i] = mem_strndup(text, strlen(text), err)))
			return -1;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(l->spec_names[j], text))
				return error_set(err, ERROR_USAGE,
						 "option '--window': '%s' is given twice", text);
	}
	return 0;
}

static int add_key(struct window_loop *l, const char *path, size_t len, struct error *err)
{
	if (MEM_GROW(&l->keys, &l->keys_cap, l->n_keys + 1, err) ||
	    !(l->keys[l->n_keys] = mem_strndup(path, len, err)))
		return -1;
	l->n_keys++;
	return 0;
}

/* Paths with commas between them. */
static int read_keys(struct window_loop *l, struct error *err)
{
	for (const char *p = l->options->key; p;) {
		size_t len = strcspn(p, ",");
		if (add_key(l, p, len, err))
			return -1;
		p = p[len] ? p + len + 1 : NULL;
	}
	return 0;
}

static int read_aggregates(struct window_loop *l, struct error *err)
{
	const struct option_list *list = &l->options->aggregates;

	for (size_t i = 0; i < list->n; i++)
		if (aggregates_parse(&l->aggregates, list->items[i], err))
			return error_prefix(err, "option '--agg'");
	return aggregates_finish(&l->aggregates, err);
}

static int want(struct window_loop *l, const char *path, size_t *slot, struct error *err)
{
	int n = fields_want(l->fields, path, err);

	*slot = (size_t)n;
	return n < 0 ? -1 : 0;
}

static int want_fields(struct window_loop *l, struct error *err)
{
	if (!(l->fields = fields_new(err)) ||
	    !(l->key_slots = mem_alloc(l->n_keys, sizeof(*l->key_slots), err)) ||
	    !(l->value_slots = mem_alloc(l->aggregates.n_fields, sizeof(*l->value_slots), err)) ||
	    !(l->values = mem_alloc(l->aggregates.n_fields, sizeof(*l->values), err)))
		return -1;
	for (size_t i = 0; i < l->n_keys; i++)
		if (want(l, l->keys[i], &l->key_slots[i], err))
			return error_prefix(err, "option '--key'");
	for (size_t i = 0; i < l->aggregates.n_fields; i++)
		if (want(l, l->aggregates.fields[i].path, &l->value_slots[i], err))
			return error_prefix(err, "option '--agg'");
	if (want(l, l->options->time.field, &l->time_slot, err))
		return error_prefix(err, "option '--time-field'");
	return want(l, "_kafka", &l->kafka_slot, err) ||
			       want(l, "_kafka.topic", &l->topic_slot, err) ||
			       want(l, "_kafka.partition", &l->partition_slot, err) ||
			       want(l, "_kafka.offset", &l->offset_slot, err)
		       ? -1
		       : 0;
}

static int make_rows(struct window_loop *l, bool csv, struct error *err)
{
	const struct window_rows_options o = {.csv = csv,
					      .keys = l->keys,
					      .n_keys = l->n_keys,
					      .spec_names = l->n_specs > 1 ? l->spec_names : NULL,
					      .aggregates = &l->aggregates,
					      .early = l->options->early_ns};

	l->csv = csv;
	l->rows = window_rows_new(&o, err);
	return l->rows ? 0 : -1;
}

int window_begin(struct window_loop *l, struct error *err)
{
	enum record_format to = (enum record_format)l->options->to;

	if (to == FORMAT_AUTO)
		to = reader_format(l->reader);
	return make_rows(l, to == FORMAT_CSV, err) ? -1 : window_rows_header(l->rows, &l->out, err);
}

/* Whether the fields of the output can stand beside each other, before there is any. */
static int check_rows(struct window_loop *l, struct error *err)
{
	if (make_rows(l, false, err))
		return -1;
	window_rows_free(l->rows);
	l->rows = NULL;
	return 0;
}

static int read_options(struct window_loop *l, struct error *err)
{
	const struct window_options *o = l->options;

	if (check_options(o, err) || read_specs(l, err) || read_keys(l, err) ||
	    read_aggregates(l, err) || want_fields(l, err) || check_rows(l, err))
		return -1;
	l->time = (struct event_time){.path = o->time.field,
				      .unit = (enum time_unit)o->time.unit,
				      .offset_s = o->time.offset_s};
	l->windows_options.specs = l->specs;
	l->windows_options.n_specs = l->n_specs;
	l->windows_options.session_ns = o->session_ns;
	l->windows_options.lateness_ns = o->lateness_ns;
	l->windows_options.max_ahead_ns = o->max_ahead_ns;
	l->windows_options.early_ns = o->early_ns;
	l->windows_options.single = o->single;
	l->windows_options.max_keys = o->max_keys;
	l->windows_options.aggregates = &l->aggregates;
	l->windows = windows_new(&l->windows_options, err);
	return l->windows ? 0 : -1;
}

int window_open(struct window_loop *l, char *const *paths, struct error *err)
{
	const struct window_options *o = l->options;
	const struct overwrite_output outputs[] = {
		{"--late", o->late}, {"--state", o->state}, {NULL, NULL}};

	if (read_options(l, err) || overwrite_check_stream(paths, &o->stream, outputs, err) ||
	    intake_open(&l->intake, &o->stream, err))
		return -1;
	if (o->late && (l->late_fd = rejects_open(o->late, err)) < 0)
		return -1;
	return o->state ? window_load_state(l, err) : 0;
}

void window_release(struct window_loop *l)
{
	windows_free(l->windows);
	window_rows_free(l->rows);
	aggregates_release(&l->aggregates);
	for (size_t i = 0; i < l->n_keys; i++)
		free(l->keys[i]);
	for (size_t i = 0; l->spec_names && i < l->n_specs; i++)
		free(l->spec_names[i]);
	free(l->keys);
	free(l->spec_names);
	free(l->specs);
	free(l->key_slots);
	free(l->value_slots);
	free(l->values);
	scanner_free(l->scanner);
	fields_free(l->fields);
	block_release(&l->block);
	reader_close(l->reader);
	intake_release(&l->intake);
	event_time_release(&l->time);
	control_record_release(&l->control);
	buf_release(&l->key);
	buf_release(&l->source_topic);
	buf_release(&l->out);
	buf_release(&l->mark_line);
	buf_release(&l->own);
	buf_release(&l->late);
	if (l->late_fd >= 0)
		close(l->late_fd);
}
