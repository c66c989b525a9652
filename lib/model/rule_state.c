#include "lib/model/rule_state.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"

struct partition {
	char *topic; /* NULL: of records from elsewhere */
	size_t topic_len;
	int32_t partition;
	int64_t newest;                     /* offset of the newest record */
	struct rule_key *oldest, *youngest; /* by their last records */
};

struct rule_states {
	struct rule_state_options options;
	struct partition *partitions;
	size_t n_partitions, partitions_cap, last; /* the one asked for last */
	struct rule_key **buckets;                 /* [n_buckets], a power of two */
	size_t n_buckets;
	uint64_t n_keys;
};

#define BUCKETS_MIN 64

struct rule_states *rule_states_new(const struct rule_state_options *o, struct error *err)
{
	struct rule_states *s = mem_alloc(1, sizeof(*s), err);

	if (!s)
		return NULL;
	s->options = *o;
	s->n_buckets = BUCKETS_MIN;
	if (!(s->buckets = mem_alloc(s->n_buckets, sizeof(struct rule_key *), err))) {
		free(s);
		return NULL;
	}
	return s;
}

void rule_states_free(struct rule_states *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_partitions; i++) {
		rule_states_drop(s, i);
		free(s->partitions[i].topic);
	}
	free(s->partitions);
	free(s->buckets);
	free(s);
}

uint64_t rule_states_keys(const struct rule_states *s)
{
	return s->n_keys;
}

static bool is_partition(const struct partition *p, const char *topic, size_t len,
			 int32_t partition)
{
	if (!p->topic || !topic)
		return !p->topic && !topic;
	return p->partition == partition && p->topic_len == len &&
	       memcmp(p->topic, topic, len) == 0;
}

int rule_states_partition(struct rule_states *s, const char *topic, size_t len, int32_t partition,
			  size_t *number, struct error *err)
{
	struct partition p = {.topic_len = len, .partition = partition, .newest = -1};

	if (s->last < s->n_partitions &&
	    is_partition(&s->partitions[s->last], topic, len, partition)) {
		*number = s->last;
		return 0;
	}
	for (*number = 0; *number < s->n_partitions; ++*number)
		if (is_partition(&s->partitions[*number], topic, len, partition))
			break;
	if (*number == s->n_partitions) {
		if (MEM_GROW(&s->partitions, &s->partitions_cap, s->n_partitions + 1, err) ||
		    (topic && !(p.topic = mem_strndup(topic, len, err))))
			return -1;
		s->partitions[s->n_partitions++] = p;
	}
	s->last = *number;
	return 0;
}

static char *key_bytes(struct rule_key *k)
{
	return (char *)(k->memory + k->options->n_memories);
}

/* FNV-1a, its bits mixed once more: buckets are chosen by the low ones. */
static uint64_t hash_of(size_t partition, const char *key, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ partition;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)key[i]) * UINT64_C(0x100000001b3);
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 32);
}

static struct rule_key **bucket(struct rule_states *s, uint64_t hash)
{
	return &s->buckets[hash & (s->n_buckets - 1)];
}

static void list_remove(struct partition *p, struct rule_key *k)
{
	if (k->older)
		k->older->newer = k->newer;
	else
		p->oldest = k->newer;
	if (k->newer)
		k->newer->older = k->older;
	else
		p->youngest = k->older;
}

static void list_append(struct partition *p, struct rule_key *k)
{
	k->older = p->youngest;
	k->newer = NULL;
	*(p->youngest ? &p->youngest->newer : &p->oldest) = k;
	p->youngest = k;
}

static void drop_oldest(struct rule_states *s, struct partition *p)
{
	struct rule_key *k = p->oldest, **at = bucket(s, k->hash);

	while (*at != k)
		at = &(*at)->chain;
	*at = k->chain;
	p->oldest = k->newer;
	if (p->oldest)
		p->oldest->older = NULL;
	else
		p->youngest = NULL;
	s->n_keys--;
	free(k);
}

void rule_states_drop(struct rule_states *s, size_t partition)
{
	struct partition *p = &s->partitions[partition];

	while (p->oldest)
		drop_oldest(s, p);
	p->newest = -1;
}

/* Those without a record among the last `forget` offsets. */
static void drop_forgotten(struct rule_states *s, struct partition *p)
{
	while (p->oldest && p->newest - p->oldest->offset > s->options.forget)
		drop_oldest(s, p);
}

static int grow(struct rule_states *s, struct error *err)
{
	size_t n = s->n_buckets, old = n;
	struct rule_key **buckets = mem_alloc(n * 2, sizeof(struct rule_key *), err), **before;

	if (!buckets)
		return -1;
	before = s->buckets;
	s->buckets = buckets;
	s->n_buckets = n * 2;
	for (size_t i = 0; i < old; i++) {
		for (struct rule_key *k = before[i], *next; k; k = next) {
			struct rule_key **at = bucket(s, k->hash);
			next = k->chain;
			k->chain = *at;
			*at = k;
		}
	}
	free(before);
	return 0;
}

static struct rule_key *add(struct rule_states *s, size_t partition, uint64_t hash, const char *key,
			    size_t len, struct error *err)
{
	size_t n = s->options.n_memories;
	struct rule_key *k;

	for (size_t i = 0; i < s->n_partitions && s->n_keys >= s->options.max_keys; i++)
		drop_forgotten(s, &s->partitions[i]);
	if (s->n_keys >= s->options.max_keys) {
		error_set(err, ERROR_UNAVAILABLE,
			  "there are more than %llu keys at a time (--max-keys)",
			  (unsigned long long)s->options.max_keys);
		return NULL;
	}
	if ((s->n_keys >= s->n_buckets && grow(s, err)) ||
	    !(k = mem_alloc(1, sizeof(*k) + n * sizeof(struct rule_memory) + len, err)))
		return NULL;
	k->options = &s->options;
	k->partition = partition;
	k->hash = hash;
	k->len = len;
	if (len)
		memcpy(key_bytes(k), key, len);
	k->chain = *bucket(s, hash);
	*bucket(s, hash) = k;
	list_append(&s->partitions[partition], k);
	s->n_keys++;
	return k;
}

struct rule_key *rule_states_at(struct rule_states *s, size_t partition, const char *key,
				size_t len, int64_t offset, struct error *err)
{
	uint64_t hash = hash_of(partition, key, len);
	struct partition *p = &s->partitions[partition];
	struct rule_key *k = *bucket(s, hash);

	while (k && !(k->hash == hash && k->partition == partition && k->len == len &&
		      (!len || memcmp(key_bytes(k), key, len) == 0)))
		k = k->chain;
	if (!k && !(k = add(s, partition, hash, key, len, err)))
		return NULL;
	if (p->youngest != k) {
		list_remove(p, k);
		list_append(p, k);
	}
	if (offset > p->newest)
		p->newest = offset;
	k->offset = offset;
	return k;
}

int64_t rule_states_need(struct rule_states *s, size_t partition, int64_t to)
{
	struct partition *p = &s->partitions[partition];
	int64_t need = to;

	drop_forgotten(s, p);
	for (const struct rule_key *k = p->oldest; k; k = k->newer)
		for (size_t i = 0; i < s->options.n_memories; i++) {
			const struct rule_memory *m = &k->memory[i];
			if (m->any && p->newest - m->offset <= s->options.forget && m->need < need)
				need = m->need;
		}
	return need;
}
