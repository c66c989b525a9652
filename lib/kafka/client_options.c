#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/file.h"
#include "lib/kafka/client.h"

#define FILE_MAX (1 << 20)
#define VALUE_MAX 512 /* of a property that a program insists on */
#define INSISTED_MAX 32

void kafka_options_release(struct kafka_options *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->properties[i].name);
		free(o->properties[i].value);
		free(o->properties[i].place);
	}
	free(o->properties);
	*o = (struct kafka_options)KAFKA_OPTIONS_INIT;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void trim(const char **text, size_t *len)
{
	while (*len && is_space(**text)) {
		(*text)++;
		(*len)--;
	}
	while (*len && is_space((*text)[*len - 1]))
		(*len)--;
}

/* Some properties are called "topic.…" themselves. */
static bool is_property(const char *name, size_t len)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[128];
	size_t size = 0;
	bool known;

	snprintf(text, sizeof(text), "%.*s", (int)len, name);
	known = rd_kafka_conf_get(conf, text, NULL, &size) == RD_KAFKA_CONF_OK;
	rd_kafka_conf_destroy(conf);
	return known;
}

/* Shows what looks like a name: behind it may be a password. */
static int no_pair(const char *text, size_t len, struct error *err)
{
	static const char in_names[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = 0;

	while (n < len && text[n] && strchr(in_names, text[n]))
		n++;
	return error_set(err, ERROR_USAGE, "'%.*s%s' is not NAME=VALUE", (int)n, text,
			 n < len ? "..." : "");
}

static int add(struct kafka_options *o, const char *text, size_t len, const char *place,
	       struct error *err)
{
	const char *equals = memchr(text, '=', len), *name = text, *value;
	size_t name_len = equals ? (size_t)(equals - text) : 0, value_len;

	trim(&name, &name_len);
	if (!name_len)
		return no_pair(text, len, err);
	if (memchr(text, '\0', len))
		return error_set(err, ERROR_USAGE, "a NUL byte");
	value = equals + 1;
	value_len = len - (size_t)(value - text);
	trim(&value, &value_len);
	if (name_len > 6 && !memcmp(name, "topic.", 6) && !is_property(name, name_len)) {
		name += 6;
		name_len -= 6;
	}
	if (MEM_GROW(&o->properties, &o->cap, o->n + 1, err))
		return -1;
	struct kafka_property p = {.name = mem_strndup(name, name_len, err)};
	if (p.name)
		p.value = mem_strndup(value, value_len, err);
	if (p.value)
		p.place = mem_strndup(place, strlen(place), err);
	if (!p.place) {
		free(p.name);
		free(p.value);
		return -1;
	}
	o->properties[o->n++] = p;
	return 0;
}

int kafka_add_property(struct kafka_options *o, const char *text, const char *place,
		       struct error *err)
{
	return add(o, text, strlen(text), place, err);
}

static int add_line(struct kafka_options *o, const char *text, size_t len, const char *path,
		    unsigned line, struct error *err)
{
	struct buf place = BUF_INIT;
	int ret = -1;

	trim(&text, &len);
	if (!len || *text == '#')
		return 0;
	if (!buf_printf(&place, err, "%s:%u", path, line) && !buf_terminate(&place, err)) {
		ret = add(o, text, len, place.data, err);
		if (ret && err->kind == ERROR_USAGE)
			error_prefix(err, "%s", place.data);
	}
	buf_release(&place);
	return ret;
}

int kafka_add_file(struct kafka_options *o, const char *path, struct error *err)
{
	struct buf text = BUF_INIT;
	unsigned line = 1;
	int ret = file_read(path, FILE_MAX, &text, err);

	for (size_t at = 0; !ret && at < text.len; line++) {
		const char *end = memchr(text.data + at, '\n', text.len - at);
		size_t len = end ? (size_t)(end - text.data) - at : text.len - at;
		ret = add_line(o, text.data + at, len, path, line, err);
		at += len + 1;
	}
	buf_release(&text);
	return ret;
}

const char *kafka_option(const struct kafka_options *o, const char *name)
{
	for (size_t i = o->n; i-- > 0;)
		if (!strcmp(o->properties[i].name, name))
			return o->properties[i].value;
	return NULL;
}

static int set(rd_kafka_conf_t *conf, const char *name, const char *value, const char *place,
	       enum error_kind kind, struct error *err)
{
	char why[300];

	switch (rd_kafka_conf_set(conf, name, value, why, sizeof(why))) {
	case RD_KAFKA_CONF_OK:
		return 0;
	case RD_KAFKA_CONF_UNKNOWN:
		return error_set(err, kind, "%s: librdkafka has no property '%s'", place, name);
	default:
		return error_set(err, kind, "%s: %s", place, why);
	}
}

/* The value of a property as librdkafka has it, so that 'true' is '1' is 'true'. */
static void get(const rd_kafka_conf_t *conf, const char *name, char value[VALUE_MAX])
{
	size_t size = VALUE_MAX;

	if (rd_kafka_conf_get(conf, name, value, &size) != RD_KAFKA_CONF_OK)
		*value = '\0';
	value[VALUE_MAX - 1] = '\0';
}

/* Sets a user's property, which may be an alias of one that the program insists on. */
static int set_user(rd_kafka_conf_t *conf, const struct kafka_property *p,
		    const struct kafka_setting *settings, char insisted[][VALUE_MAX],
		    struct error *err)
{
	char now[VALUE_MAX];
	size_t n = 0;

	if (set(conf, p->name, p->value, p->place, ERROR_USAGE, err))
		return -1;
	for (const struct kafka_setting *s = settings; s->name; s++) {
		if (!s->why)
			continue;
		get(conf, s->name, now);
		if (strcmp(now, insisted[n++]))
			return error_set(err, ERROR_USAGE, "%s: '%s' must be %s here: %s", p->place,
					 p->name, s->value, s->why);
	}
	return 0;
}

rd_kafka_conf_t *kafka_conf_new(const struct kafka_options *o, const struct kafka_setting *settings,
				struct error *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char insisted[INSISTED_MAX][VALUE_MAX];
	size_t n = 0;

	for (const struct kafka_setting *s = settings; s->name; s++) {
		if (set(conf, s->name, s->value, "set-up", ERROR_INTERNAL, err))
			goto fail;
		if (s->why && n == INSISTED_MAX) {
			error_set(err, ERROR_INTERNAL, "more than %d settings", INSISTED_MAX);
			goto fail;
		}
		if (s->why)
			get(conf, s->name, insisted[n++]);
	}
	for (size_t i = 0; i < o->n; i++)
		if (set_user(conf, &o->properties[i], settings, insisted, err))
			goto fail;
	if (o->brokers && set(conf, "bootstrap.servers", o->brokers, "brokers", ERROR_USAGE, err))
		goto fail;
	return conf;
fail:
	rd_kafka_conf_destroy(conf);
	return NULL;
}
