/*
 * The container of a model: a safetensors file (https://github.com/huggingface/safetensors) whose
 * metadata carry our format's name and version, a configuration as JSON text and a digest.
 *
 * Tensors are named, typed, shaped, little-endian and stand in order of name without holes. Reading
 * takes nothing on trust; what is wrong is ERROR_CONFIG. sensor-model(5) is the specification.
 */
#ifndef MODEL_TENSORFILE_H
#define MODEL_TENSORFILE_H

#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"

#define TENSOR_DIMS_MAX 4
#define TENSOR_HEADER_MAX (UINT64_C(64) << 20)

enum tensor_type { TENSOR_U8, TENSOR_I32, TENSOR_U32, TENSOR_F32, TENSOR_U64, TENSOR_F64 };

struct tensor {
	const char *name;
	enum tensor_type type;
	unsigned n_dims;
	uint64_t shape[TENSOR_DIMS_MAX];
	const void *data; /* of any alignment when read from a file */
};

/* Bytes of one element; elements of a tensor. */
size_t tensor_type_size(enum tensor_type type);
uint64_t tensor_elements(const struct tensor *t);

/*
 * Appends the file to out, which is empty. Tensors must be sorted by name (bytewise); config is
 * JSON text. digest gets the 64 digits that the file carries. The same input gives the same bytes.
 */
int tensorfile_write(struct buf *out, const struct tensor *tensors, size_t n, const char *config,
		     char digest[SHA256_HEX], struct error *err);

/* A file that was read. Tensors point into the caller's bytes, names and config into the header. */
struct tensorfile {
	struct tensor *tensors; /* [n_tensors], by name */
	size_t n_tensors;
	const char *config;
	char digest[SHA256_HEX];
	void *header; /* what names and config live in */
};

/*
 * Reads and verifies n bytes, which must outlive f. Refused: anything that is not one whole file of
 * format "sensorutils-model" and version 1 with the digest it names; tensors that overlap, leave
 * holes, or are not of the size their shape gives. On failure nothing is held.
 */
int tensorfile_read(struct tensorfile *f, const void *bytes, size_t n, struct error *err);
void tensorfile_release(struct tensorfile *f);

/* The tensor of this name and type with n_dims dimensions; ERROR_CONFIG when there is none. */
const struct tensor *tensorfile_find(const struct tensorfile *f, const char *name,
				     enum tensor_type type, unsigned n_dims, struct error *err);

#endif
