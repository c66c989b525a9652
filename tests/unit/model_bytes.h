/* Files of models that are wrong in one way and right in all others. */
#ifndef TESTS_MODEL_BYTES_H
#define TESTS_MODEL_BYTES_H

#include "lib/base/mem.h"
#include "lib/model/model.h"

/* Writes the right length of the header, which ends at header_end, and then the right digest. */
void model_bytes_seal(struct buf *b, size_t header_end);

/* Puts `new` where `old` stands, once, in the header; adjusts padding, length and digest. */
void model_bytes_replace(struct buf *b, const char *old, const char *new);

/* Where the header ends and the data begin. */
size_t model_bytes_data(const struct buf *b);

/* The bytes of tensor `name`, found in the header's text. */
char *model_bytes_tensor(const struct buf *b, const char *name);

/* A model of 3 features learned from 200 rows with missing values, a constant column and an empty
 * one; and its bytes. */
struct model *small_model(void);
struct buf small_model_bytes(void);

#endif
