#include <stdlib.h>
#include "lib/window/windows_impl.h"

#define BLOCK_BYTES 65536

static size_t block_panes(const struct windows *w)
{
	return w->pane_size * 4 < BLOCK_BYTES ? BLOCK_BYTES / w->pane_size : 4;
}

struct pane *pane_new(struct windows *w, struct error *err)
{
	struct pane *p = w->unused;

	if (p) {
		w->unused = p->next;
		aggregates_clear(w->aggregates, pane_cell(w, p));
	} else {
		if (!w->n_blocks || w->block_used == block_panes(w)) {
			char *block;
			if (MEM_GROW(&w->blocks, &w->blocks_cap, w->n_blocks + 1, err) ||
			    !(block = mem_alloc(block_panes(w), w->pane_size, err)))
				return NULL;
			w->blocks[w->n_blocks++] = block;
			w->block_used = 0;
		}
		p = (struct pane *)(void *)(w->blocks[w->n_blocks - 1] +
					    w->block_used++ * w->pane_size);
	}
	p->next = NULL;
	w->n_panes++;
	return p;
}

void pane_free(struct windows *w, struct pane *p)
{
	p->next = w->unused;
	w->unused = p;
	w->n_panes--;
}

void panes_release(struct windows *w)
{
	for (size_t i = 0; i < w->n_blocks; i++) {
		size_t used = i + 1 < w->n_blocks ? block_panes(w) : w->block_used;
		for (size_t j = 0; j < used; j++)
			aggregates_drop(w->aggregates,
					w->blocks[i] + j * w->pane_size + w->cell_at);
		free(w->blocks[i]);
	}
	free(w->blocks);
}
