#include "lib/model/model.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/file.h"
#include "lib/model/model_config.h"

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_features; i++)
		free(m->features[i].name);
	for (size_t i = 0; i < m->n_left_out; i++)
		free(m->left_out[i]);
	free(m->features);
	free(m->left_out);
	free(m->points);
	free(m->scores.at);
	free(m->source);
	for (size_t i = 0; m->groups && i < m->group_ids.n; i++)
		model_free(m->groups[i]);
	free(m->groups);
	key_ids_release(&m->group_ids);
	free(m->by);
	prepare_release(&m->prepare);
	forest_free(m->forest);
	free(m);
}

void model_set_digest(struct model *m, const char digest[SHA256_HEX])
{
	memcpy(m->digest, digest, SHA256_HEX);
	memcpy(m->version, digest, MODEL_VERSION_LEN);
	m->version[MODEL_VERSION_LEN] = '\0';
}

struct model *model_load(const char *path, struct error *err)
{
	struct buf bytes = BUF_INIT;
	struct model *m = NULL;
	if (file_read(path, MODEL_FILE_MAX, &bytes, err) == 0)
		m = model_decode(bytes.data, bytes.len, path, err);
	buf_release(&bytes);
	return m;
}

int model_save(struct model *m, const char *path, struct error *err)
{
	struct buf bytes = BUF_INIT;
	int rc = model_encode(m, &bytes, err) < 0 ||
				 file_replace(path, bytes.data, bytes.len, err) < 0
			 ? -1
			 : 0;

	buf_release(&bytes);
	return rc;
}
