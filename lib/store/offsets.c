#include "lib/store/offsets.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"

static void forget(struct store_offset *x)
{
	free(x->state);
	x->state = NULL;
	x->next = x->epoch = -1;
}

void store_offsets_clear(struct store_offsets *o)
{
	for (size_t i = 0; i < o->n; i++)
		forget(&o->items[i]);
}

void store_offsets_release(struct store_offsets *o)
{
	store_offsets_clear(o);
	for (size_t i = 0; i < o->n; i++)
		free(o->items[i].topic);
	free(o->items);
	free(o->group);
	*o = (struct store_offsets){.n = 0};
}

struct store_offset *store_offsets_add(struct store_offsets *o, const char *topic,
				       int32_t partition, struct error *err)
{
	struct store_offset x = {.partition = partition, .next = -1, .epoch = -1};

	if (MEM_GROW(&o->items, &o->cap, o->n + 1, err) ||
	    !(x.topic = mem_strndup(topic, strlen(topic), err)))
		return NULL;
	o->items[o->n] = x;
	return &o->items[o->n++];
}

static int wrong(struct error *err, const char *what)
{
	return error_set(err, ERROR_DATA, "the question is wrong: %s", what);
}

static int by_place(const void *a, const void *b)
{
	const struct store_offset *x = a, *y = b;
	int order = strcmp(x->topic, y->topic);

	return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static int read_partition(struct store_offsets *o, const json_t *x, struct error *err)
{
	const char *topic = json_string_value(json_object_get(x, "topic"));
	const json_t *number = json_object_get(x, "partition");
	json_int_t partition = json_integer_value(number);

	if (!topic || !*topic)
		return wrong(err, "a partition has no 'topic'");
	if (!json_is_integer(number) || partition < 0 || partition > INT32_MAX)
		return wrong(err, "a partition has no number from 0 as 'partition'");
	return store_offsets_add(o, topic, (int32_t)partition, err) ? 0 : -1;
}

static int read_root(struct store_offsets *o, const json_t *root, struct error *err)
{
	const char *operation = json_string_value(json_object_get(root, "operation")),
		   *group = json_string_value(json_object_get(root, "group"));
	const json_t *list = json_object_get(root, "partitions");

	if (!operation || (strcmp(operation, "claim") != 0 && strcmp(operation, "read") != 0))
		return wrong(err, "'operation' is neither \"claim\" nor \"read\"");
	if (!group || !*group)
		return wrong(err, "there is no 'group'");
	if (!json_is_array(list))
		return wrong(err, "there is no array 'partitions'");
	o->claim = *operation == 'c';
	if (!(o->group = mem_strndup(group, strlen(group), err)))
		return -1;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (read_partition(o, json_array_get(list, i), err))
			return -1;
	/* Who claims locks in this order, so that no two wait for each other. */
	if (o->n)
		qsort(o->items, o->n, sizeof(*o->items), by_place);
	for (size_t i = 1; i < o->n; i++)
		if (!by_place(&o->items[i - 1], &o->items[i]))
			return wrong(err, "a partition stands there twice");
	return 0;
}

int store_question_read(struct store_offsets *o, const char *text, size_t len, struct error *err)
{
	json_error_t why;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	int ret = root ? read_root(o, root, err) : wrong(err, why.text);

	json_decref(root);
	return ret;
}

/* ,"name":7 or null */
static int add_number(struct buf *out, const char *name, int64_t n, struct error *err)
{
	return n < 0 ? buf_printf(out, err, ",\"%s\":null", name)
		     : buf_printf(out, err, ",\"%s\":%" PRId64, name, n);
}

int store_answer_write(const struct store_offsets *o, struct buf *out, struct error *err)
{
	if (buf_add_str(out, "{\"partitions\":[", err))
		return -1;
	for (size_t i = 0; i < o->n; i++) {
		const struct store_offset *x = &o->items[i];
		if (buf_add_str(out, i ? ",{\"topic\":" : "{\"topic\":", err) ||
		    json_add_string(out, x->topic, err) ||
		    buf_printf(out, err, ",\"partition\":%d", (int)x->partition) ||
		    add_number(out, "offset", x->next, err) ||
		    add_number(out, "epoch", x->epoch, err) ||
		    buf_add_str(out, ",\"state\":", err) ||
		    buf_add_str(out, x->state ? x->state : "null", err) ||
		    buf_add_str(out, "}", err))
			return -1;
	}
	return buf_add_str(out, "]}\n", err);
}
