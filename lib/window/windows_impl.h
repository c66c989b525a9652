/* The inside of struct windows: sources and what they hold, domains of one watermark, keys, panes.
 */
#ifndef WINDOW_WINDOWS_IMPL_H
#define WINDOW_WINDOWS_IMPL_H

#include "lib/window/key.h"
#include "lib/window/windows.h"

#define TIME_NEVER INT64_MIN /* before every event */
#define TIME_END INT64_MAX   /* behind every event */

/* A pane of a key. Behind it (w->cell_at) lies its cell. */
struct pane {
	struct pane *next; /* of sessions of a key, older; of those not in use */
	int64_t start_ns;
};

struct session {
	struct pane pane; /* start_ns: the first event */
	int64_t end_ns;
	int64_t offset; /* of its oldest record */
	struct window_key *key;
	struct session *newer; /* of the key */
	size_t at;             /* in the heap */
};

/* A session's place in the heap: due when it closes, or earlier if it has grown since. */
struct due {
	int64_t ns;
	struct session *session;
};

struct window_key {
	uint64_t hash;
	struct windows_source *source;
	struct pane *sessions; /* newest first */
	struct pane **panes;   /* of fixed windows: [first, end), oldest first */
	size_t first, end, panes_cap;
	bool changed; /* since the last update */
	size_t at;    /* of sessions: among its domain's */
	size_t len;
	char bytes[];
};

/* What has one watermark: a source, or with `single` all of them. */
struct domain {
	int64_t watermark_ns; /* windows that end here or before are closed */
	int64_t restored_ns;  /* and these were given out by a run before */
	int64_t next_ns;      /* when a window closes next; TIME_END: none is open */
	int64_t tick;         /* the last multiple of early_ns */
	bool ticking;
	struct window_key **keys; /* [n_sorted) in order, then new ones */
	size_t n_keys, n_sorted, keys_cap;
	int64_t *slices; /* starts of panes that any key has: [first, end), ascending */
	size_t first_slice, end_slice, slices_cap;
	struct due *heap; /* of sessions, the first due on top */
	size_t n_heap, heap_cap;
};

/* A suspect. */
struct held {
	int64_t time_ns;
	uint64_t device;               /* whose clock it is by: hash of the key's first value */
	uint64_t seq;                  /* the source's when it came */
	struct windows_record *record; /* one allocation; NULL: of a run before, only its time
					  counts */
};

struct gate {
	bool any; /* there is a newest event */
	int64_t newest_ns;
	uint64_t seq;      /* records so far */
	struct held *held; /* as they came */
	size_t n_held, held_cap;
	/* Suspects of one device that came one right after the other. */
	unsigned run;
	uint64_t run_device;
	int64_t run_time_ns;
};

struct checkpoint;

struct windows_source {
	char *topic;
	int32_t partition;
	struct domain *domain; /* its own, or the common one */
	struct gate gate;
	bool idle;
	uint64_t heard_seq; /* the gate's when it was last asked whether this is idle */
	int64_t heard_ns;   /* when that had last changed; 0: never asked */
	int64_t reach_ns; /* the last end of a window that a record since the last checkpoint is in
			   */
	bool moved;       /* something a mark must tell has changed */
	/* window/offsets.h */
	bool assigned;
	bool replaying;    /* not all that was processed before has come again */
	int64_t from;      /* what comes before it is not needed */
	int64_t processed; /* what comes before it is a replay */
	int64_t told;      /* by marks */
	int64_t last;      /* offset that came; -1: none */
	struct checkpoint *checkpoints;
	size_t n_checkpoints, checkpoints_cap;
};

struct windows {
	struct windows_options options;
	const struct aggregates *aggregates;
	size_t cell_at, pane_size;
	int64_t pane_ns;
	uint32_t shape; /* a hash of sizes, slides and gap */
	size_t *order;  /* [n_specs] of rows with one end: the longest first */
	struct domain common;
	struct windows_source **sources;
	size_t n_sources, sources_cap;

	/* Keys: open addressing, a power of two. */
	struct key_slot {
		uint64_t hash;
		struct window_key *key;
	} * table;
	size_t table_size, n_keys, peak_keys;
	struct window_key *last_key;

	/* Panes: blocks of them, and those not in use. */
	char **blocks;
	size_t n_blocks, blocks_cap, n_panes, block_used;
	struct pane *unused;
	void *scratch; /* a cell to merge in */

	/* The pane of the last record, and when the last window that it is in ends. */
	int64_t pane_start_ns, pane_end_ns, pane_last_ns;

	struct session **closing;
	size_t closing_cap;
	bool replay; /* what happens is due to a record that was processed before */
	uint64_t n_rows, n_updates, n_late;
};

static inline void *pane_cell(const struct windows *w, const struct pane *p)
{
	return (char *)(uintptr_t)p + w->cell_at;
}

static inline int64_t time_add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? (b > 0 ? INT64_MAX : INT64_MIN) : sum;
}

/* The multiple of step at or before t. */
static inline int64_t time_floor(int64_t t, int64_t step)
{
	int64_t rest = t % step;

	return t - (rest < 0 ? rest + step : rest);
}

/* keys.c */
/* The key of a record, made if need be. */
struct window_key *keys_find(struct windows *w, struct windows_source *s,
			     const struct windows_record *r, struct error *err);
/* NULL: it is not there. */
struct window_key *keys_look_up(struct windows *w, const struct windows_record *r);
/* Puts the domain's keys in order. -1: memory. */
int keys_sort(struct domain *d, struct error *err);
/* Removes those without panes. */
void keys_sweep(struct windows *w, struct domain *d);
/* Of sessions: removes one without any. */
void keys_drop(struct windows *w, struct domain *d, struct window_key *k);
void keys_clear(struct windows *w);

/* panes.c */
struct pane *pane_new(struct windows *w, struct error *err); /* its cell is empty */
void pane_free(struct windows *w, struct pane *p);
void panes_release(struct windows *w);

/* fixed.c, sessions.c: a record that is no suspect; 1: it is late. */
int fixed_add(struct windows *w, struct windows_source *s, const struct windows_record *r,
	      struct error *err);
int sessions_add(struct windows *w, struct windows_source *s, const struct windows_record *r,
		 struct error *err);
/* Closes what ends at or before `until`. */
int fixed_close(struct windows *w, struct domain *d, int64_t until, struct error *err);
int sessions_close(struct windows *w, struct domain *d, int64_t until, struct error *err);
/* Gives updates of what is open and has changed. */
int fixed_update(struct windows *w, struct domain *d, struct error *err);
int sessions_update(struct windows *w, struct domain *d, struct error *err);
/* Puts a pane that was read back from a file into its key. */
int fixed_restored(struct windows *w, struct domain *d, struct window_key *k, struct pane *p,
		   struct error *err);
/* A session was; its key and its newer one are set. */
int sessions_restored(struct domain *d, struct session *x, struct error *err);

/* gate.c */
void gate_clear(struct gate *g);
int gate_hold(struct windows *w, struct gate *g, const struct windows_record *r, uint64_t device,
	      struct error *err);
/* No more records come: what is held is taken or rejected. */
int gate_end(struct windows *w, struct windows_source *s, struct error *err);

/* windows.c */
/* A record that is no suspect: into its windows, and on with the time. */
int windows_take(struct windows *w, struct windows_source *s, const struct windows_record *r,
		 struct error *err);
/* An event of this time has come. */
int windows_newest(struct windows *w, struct windows_source *s, int64_t time_ns, struct error *err);
int windows_give(struct windows *w, const struct domain *d, struct windows_row *row,
		 struct error *err);

#endif
