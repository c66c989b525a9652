#include "lib/base/json.h"
#include "lib/model/tensorfile.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are copied as they are");

#define FORMAT "sensorutils-model"
#define FORMAT_VERSION "1"
#define METADATA "__metadata__"
#define DIGEST_KEY "\"digest\":\""
#define DIGEST_LEN (SHA256_HEX - 1)
#define LENGTH_SIZE 8
#define ALIGNMENT 64

static const struct {
	const char *name;
	size_t size;
} types[] = {
	[TENSOR_U8] = {"U8", 1},   [TENSOR_I32] = {"I32", 4}, [TENSOR_U32] = {"U32", 4},
	[TENSOR_F32] = {"F32", 4}, [TENSOR_U64] = {"U64", 8}, [TENSOR_F64] = {"F64", 8},
};

size_t tensor_type_size(enum tensor_type type)
{
	return types[type].size;
}

uint64_t tensor_elements(const struct tensor *t)
{
	uint64_t n = 1;
	for (unsigned i = 0; i < t->n_dims; i++)
		n *= t->shape[i];
	return n;
}

/* The digest of a file whose own digits, at `at`, count as zeros. */
static void digest_of(const char *bytes, size_t n, size_t at, char digest[SHA256_HEX])
{
	char zeros[DIGEST_LEN];
	uint8_t raw[SHA256_SIZE];
	struct sha256 sha;

	memset(zeros, '0', sizeof(zeros));
	sha256_init(&sha);
	sha256_update(&sha, bytes, at);
	sha256_update(&sha, zeros, sizeof(zeros));
	sha256_update(&sha, bytes + at + DIGEST_LEN, n - at - DIGEST_LEN);
	sha256_final(&sha, raw);
	sha256_hex(raw, digest);
}

/* Where the digits of the digest stand, 0 when there are none. Quotes inside JSON strings are
 * escaped, so what is found is a member's name and value. */
static size_t find_digest(const char *bytes, size_t header_end)
{
	const char *at = memmem(bytes + LENGTH_SIZE, header_end - LENGTH_SIZE, DIGEST_KEY,
				strlen(DIGEST_KEY));
	size_t digits = at ? (size_t)(at - bytes) + strlen(DIGEST_KEY) : 0;
	return at && header_end - digits >= DIGEST_LEN ? digits : 0;
}

static int add_tensor_entry(struct buf *out, const struct tensor *t, uint64_t *offset,
			    struct error *err)
{
	uint64_t end = *offset + tensor_elements(t) * tensor_type_size(t->type);
	if (buf_add(out, ",", 1, err) < 0 || json_add_string(out, t->name, err) < 0 ||
	    buf_printf(out, err, ":{\"dtype\":\"%s\",\"shape\":[", types[t->type].name) < 0)
		return -1;
	for (unsigned i = 0; i < t->n_dims; i++)
		if (buf_printf(out, err, "%s%" PRIu64, i ? "," : "", t->shape[i]) < 0)
			return -1;
	if (buf_printf(out, err, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", *offset, end) < 0)
		return -1;
	*offset = end;
	return 0;
}

int tensorfile_write(struct buf *out, const struct tensor *tensors, size_t n, const char *config,
		     char digest[SHA256_HEX], struct error *err)
{
	static const char spaces[ALIGNMENT] =
		"                                                                ";
	char length[LENGTH_SIZE] = {0};
	uint64_t data = 0;

	if (buf_add(out, length, sizeof(length), err) < 0 ||
	    buf_printf(out, err,
		       "{\"" METADATA "\":{\"format\":\"" FORMAT "\",\"format_version\":"
		       "\"" FORMAT_VERSION "\"," DIGEST_KEY "%0*d\",\"config\":",
		       DIGEST_LEN, 0) < 0 ||
	    json_add_string(out, config, err) < 0 || buf_add(out, "}", 1, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_tensor_entry(out, &tensors[i], &data, err) < 0)
			return -1;
	if (buf_add(out, "}", 1, err) < 0 ||
	    buf_add(out, spaces, (ALIGNMENT - out->len % ALIGNMENT) % ALIGNMENT, err) < 0)
		return -1;
	uint64_t header = out->len - LENGTH_SIZE;
	memcpy(out->data, &header, sizeof(header));

	if (buf_reserve(out, data, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct tensor *t = &tensors[i];
		size_t size = tensor_elements(t) * tensor_type_size(t->type);
		if (buf_add(out, t->data, size, err) < 0)
			return -1;
	}
	size_t at = find_digest(out->data, LENGTH_SIZE + header);
	digest_of(out->data, out->len, at, digest);
	memcpy(out->data + at, digest, DIGEST_LEN);
	return 0;
}

static const char *metadata_string(const json_t *metadata, const char *key, struct error *err)
{
	const char *text = json_string_value(json_object_get(metadata, key));
	if (!text)
		error_set(err, ERROR_CONFIG, "metadata have no string '%s'", key);
	return text;
}

static int check_metadata(struct tensorfile *f, json_t *metadata, struct error *err)
{
	const char *key, *text;
	json_t *value;
	json_object_foreach(metadata, key, value)
	{
		if (!json_is_string(value))
			return error_set(err, ERROR_CONFIG, "metadata '%s' is no string", key);
	}
	if (!(text = metadata_string(metadata, "format", err)))
		return -1;
	if (strcmp(text, FORMAT) != 0)
		return error_set(err, ERROR_CONFIG, "format is '%s', not '%s'", text, FORMAT);
	if (!(text = metadata_string(metadata, "format_version", err)))
		return -1;
	if (strcmp(text, FORMAT_VERSION) != 0)
		return error_set(err, ERROR_CONFIG,
				 "format version '%s' is not supported by this program, which "
				 "reads version " FORMAT_VERSION,
				 text);
	if (!(text = metadata_string(metadata, "digest", err)))
		return -1;
	if (strlen(text) != DIGEST_LEN)
		return error_set(err, ERROR_CONFIG, "digest has not %d digits", DIGEST_LEN);
	memcpy(f->digest, text, SHA256_HEX);
	f->config = metadata_string(metadata, "config", err);
	return f->config ? 0 : -1;
}

/* A count from JSON: 0, or -1 when it is no integer or negative. */
static int get_count(const json_t *value, uint64_t *count)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return -1;
	*count = (uint64_t)json_integer_value(value);
	return 0;
}

static int read_type(struct tensor *t, const json_t *entry, struct error *err)
{
	const char *name = json_string_value(json_object_get(entry, "dtype"));
	for (size_t i = 0; name && i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(types[i].name, name) == 0) {
			t->type = (enum tensor_type)i;
			return 0;
		}
	}
	return error_set(err, ERROR_CONFIG, "tensor '%s' has dtype '%s', which is not supported",
			 t->name, name ? name : "");
}

/* Fills t from its entry and sets *begin and *end to its place in the data. */
static int read_entry(struct tensor *t, const json_t *entry, uint64_t *begin, uint64_t *end,
		      struct error *err)
{
	const json_t *shape = json_object_get(entry, "shape");
	const json_t *offsets = json_object_get(entry, "data_offsets");
	if (read_type(t, entry, err) < 0)
		return -1;
	if (!json_is_array(shape) || json_array_size(shape) > TENSOR_DIMS_MAX)
		return error_set(err, ERROR_CONFIG,
				 "tensor '%s' has no shape of at most %d dimensions", t->name,
				 TENSOR_DIMS_MAX);
	t->n_dims = (unsigned)json_array_size(shape);
	uint64_t size = tensor_type_size(t->type);
	for (unsigned i = 0; i < t->n_dims; i++)
		if (get_count(json_array_get(shape, i), &t->shape[i]) < 0 ||
		    __builtin_mul_overflow(size, t->shape[i], &size))
			return error_set(err, ERROR_CONFIG, "tensor '%s' has an impossible shape",
					 t->name);
	if (json_array_size(offsets) != 2 || get_count(json_array_get(offsets, 0), begin) < 0 ||
	    get_count(json_array_get(offsets, 1), end) < 0 || *begin > *end)
		return error_set(err, ERROR_CONFIG, "tensor '%s' has no valid data_offsets",
				 t->name);
	if (*end - *begin != size)
		return error_set(err, ERROR_CONFIG,
				 "tensor '%s' takes %" PRIu64 " bytes, but its shape %" PRIu64,
				 t->name, *end - *begin, size);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct tensor *)a)->name, ((const struct tensor *)b)->name);
}

/* Reads all entries and gives them their data, which must follow each other by name from first to
 * last byte. */
static int read_tensors(struct tensorfile *f, json_t *header, const char *data, uint64_t n_data,
			struct error *err)
{
	const char *name;
	json_t *entry;
	uint64_t begin = 0, end = 0, at = 0;

	f->tensors = mem_alloc(json_object_size(header), sizeof(*f->tensors), err);
	if (!f->tensors)
		return -1;
	json_object_foreach(header, name, entry)
	{
		if (strcmp(name, METADATA) != 0)
			f->tensors[f->n_tensors++].name = name;
	}
	qsort(f->tensors, f->n_tensors, sizeof(*f->tensors), compare_names);
	for (size_t i = 0; i < f->n_tensors; i++) {
		struct tensor *t = &f->tensors[i];
		if (read_entry(t, json_object_get(header, t->name), &begin, &end, err) < 0)
			return -1;
		if (begin != at || end > n_data)
			return error_set(err, ERROR_CONFIG,
					 "tensor '%s' is not where the tensors before it end",
					 t->name);
		t->data = data + begin;
		at = end;
	}
	if (at != n_data)
		return error_set(err, ERROR_CONFIG,
				 "tensors take %" PRIu64 " bytes, but there are %" PRIu64, at,
				 n_data);
	return 0;
}

static json_t *parse_header(const char *text, size_t n, struct error *err)
{
	json_error_t json_err;
	json_t *header = json_loadb(text, n, JSON_REJECT_DUPLICATES, &json_err);
	if (!header && json_error_code(&json_err) == json_error_out_of_memory)
		error_memory(err, n);
	else if (!header)
		error_set(err, ERROR_CONFIG, "header is not valid JSON: %s", json_err.text);
	return header;
}

int tensorfile_read(struct tensorfile *f, const void *bytes, size_t n, struct error *err)
{
	const char *text = bytes;
	uint64_t length = 0;
	char digest[SHA256_HEX];

	*f = (struct tensorfile){.tensors = NULL};
	if (n >= LENGTH_SIZE)
		memcpy(&length, text, sizeof(length));
	if (n < LENGTH_SIZE || length < 2 || length > TENSOR_HEADER_MAX)
		return error_set(err, ERROR_CONFIG, "is not a model file");
	if (length > n - LENGTH_SIZE)
		return error_set(err, ERROR_CONFIG, "is not a model file, or is cut short");
	size_t data = LENGTH_SIZE + (size_t)length;

	json_t *header = parse_header(text + LENGTH_SIZE, (size_t)length, err);
	if (!header)
		return -1;
	f->header = header;
	json_t *metadata = json_object_get(header, METADATA);
	size_t at = find_digest(text, data);
	if (!json_is_object(metadata)) {
		error_set(err, ERROR_CONFIG, "header has no object '" METADATA "'");
		goto fail;
	}
	if (check_metadata(f, metadata, err) < 0)
		goto fail;
	if (at)
		digest_of(text, n, at, digest);
	if (!at || memcmp(text + at, f->digest, DIGEST_LEN) != 0 ||
	    strcmp(digest, f->digest) != 0) {
		error_set(err, ERROR_CONFIG, "is damaged: its digest is not that of its bytes");
		goto fail;
	}
	if (read_tensors(f, header, text + data, n - data, err) < 0)
		goto fail;
	return 0;
fail:
	tensorfile_release(f);
	return -1;
}

void tensorfile_release(struct tensorfile *f)
{
	free(f->tensors);
	json_decref(f->header);
	*f = (struct tensorfile){.tensors = NULL};
}

const struct tensor *tensorfile_find(const struct tensorfile *f, const char *name,
				     enum tensor_type type, unsigned n_dims, struct error *err)
{
	for (size_t i = 0; i < f->n_tensors; i++) {
		const struct tensor *t = &f->tensors[i];
		if (strcmp(t->name, name) != 0)
			continue;
		if (t->type == type && t->n_dims == n_dims)
			return t;
		error_set(err, ERROR_CONFIG, "tensor '%s' is not of dtype %s with %u dimension%s",
			  name, types[type].name, n_dims, n_dims == 1 ? "" : "s");
		return NULL;
	}
	error_set(err, ERROR_CONFIG, "tensor '%s' is missing", name);
	return NULL;
}
