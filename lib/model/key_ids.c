#include "lib/model/key_ids.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void key_ids_release(struct key_ids *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->names[i]);
	free(k->names);
	*k = (struct key_ids){.n = 0};
}

int key_ids_add(struct key_ids *k, const char *name, size_t len, struct error *err)
{
	if (MEM_GROW(&k->names, &k->cap, k->n + 1, err) ||
	    !(k->names[k->n] = mem_strndup(name, len, err)))
		return -1;
	k->n++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void key_ids_sort(struct key_ids *k)
{
	size_t kept = 0;

	if (k->n)
		qsort(k->names, k->n, sizeof(*k->names), compare);
	for (size_t i = 0; i < k->n; i++) {
		if (kept && strcmp(k->names[kept - 1], k->names[i]) == 0)
			free(k->names[i]);
		else
			k->names[kept++] = k->names[i];
	}
	k->n = kept;
}

/* Whether name i is there; else *at is where it would be. */
static bool find(const struct key_ids *k, const char *name, size_t len, size_t *at)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		*at = (low + high) / 2;
		size_t n = strlen(k->names[*at]);
		int order = memcmp(k->names[*at], name, n < len ? n : len);
		if (!order && n == len)
			return true;
		if (order < 0 || (!order && n < len))
			low = *at + 1;
		else
			high = *at;
	}
	*at = low;
	return false;
}

uint32_t key_ids_find(const struct key_ids *k, const char *name, size_t len)
{
	size_t at;

	return find(k, name, len, &at) ? (uint32_t)at + 1 : 0;
}

void key_numbers_release(struct key_numbers *k)
{
	key_ids_release(&k->ids);
	free(k->number);
	*k = (struct key_numbers){.cap = 0};
}

int key_numbers_get(struct key_numbers *k, const char *name, size_t len, size_t most,
		    uint32_t *number, struct error *err)
{
	struct key_ids *ids = &k->ids;
	size_t at, n = ids->n;

	if (find(ids, name, len, &at)) {
		*number = k->number[at];
		return 0;
	}
	if (len && memchr(name, '\0', len))
		return error_set(err, ERROR_DATA, "it has a NUL in it");
	if (n == most)
		return error_set(err, ERROR_DATA, "it has more than %zu values", most);
	if (MEM_GROW(&k->number, &k->cap, n + 1, err) || key_ids_add(ids, name, len, err))
		return -1;
	char *added = ids->names[n];
	memmove(&ids->names[at + 1], &ids->names[at], (n - at) * sizeof(*ids->names));
	memmove(&k->number[at + 1], &k->number[at], (n - at) * sizeof(*k->number));
	ids->names[at] = added;
	*number = k->number[at] = (uint32_t)n + 1;
	return 0;
}

int key_numbers_sort(const struct key_numbers *k, uint32_t *numbers, uint64_t n, struct error *err)
{
	uint32_t *place = mem_alloc(k->ids.n + 1, sizeof(*place), err);

	if (!place)
		return -1;
	for (size_t i = 0; i < k->ids.n; i++)
		place[k->number[i]] = (uint32_t)i + 1;
	for (uint64_t i = 0; i < n; i++)
		numbers[i] = place[numbers[i]];
	free(place);
	return 0;
}

int key_text(const struct value *v, const char *path, struct buf *out, struct error *err)
{
	int ret = 0;

	switch (v->kind) {
	case VALUE_NULL:
		return 0;
	case VALUE_STRING:
		ret = value_string(v, out, err);
		break;
	case VALUE_NUMBER:
	case VALUE_TRUE:
	case VALUE_FALSE:
		return buf_add(out, v->text, v->len, err);
	case VALUE_ABSENT:
		return error_set(err, ERROR_DATA, "key '%s' is absent", path);
	default:
		ret = error_set(err, ERROR_DATA, "it is an %s",
				v->kind == VALUE_OBJECT ? "object" : "array");
	}
	return ret ? error_prefix(err, "key '%s'", path) : 0;
}
