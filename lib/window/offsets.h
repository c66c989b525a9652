/*
 * The state of windows by offsets: what is kept with the marks of a stream, so that replaying the
 * records from some offset on makes again what was there at the mark.
 *
 * Of each source that is an object
 *
 *     {"windows":3735928559,"from":17,"watermark":1700000060000000000,"newest":1700000065000000000,
 *      "run":[3,-62041,1700000099000000000],"held":[[1700000099000000000,-62041,2],…]}
 *
 * (times in nanoseconds). `windows` is a hash of their sizes and slides, for others would need
 * other records. `from` is a checkpoint at or before the oldest record that an open window or a
 * suspect still needs; newest, run and held (suspects: time, hash of the key, records ago) are the
 * gate as it was there, so that it lets the same records pass again. `closed`, where a flush has
 * closed windows that the newest event had not, is up to where. Windows that end at or before
 * the watermark were given out, and are not again. What was late, or rejected, is so again,
 * quietly: so sessions come out as they were, too, for of one that is open all records come again,
 * and those that join parts of one that is closed would have joined it.
 *
 * With `single` records of several sources come again in another order than at first. Windows of a
 * fixed size do not depend on it, for what was in time for one that is still open is in time now;
 * sessions would, and so are not for `single`.
 */
#ifndef WINDOW_OFFSETS_H
#define WINDOW_OFFSETS_H

#include "lib/base/mem.h"
#include "lib/window/windows.h"

/* A source is assigned: records before `processed` are replays, `own` is what was kept (len 0:
 * nothing). To be called before any record of it. ERROR_CONFIG: it is no such object. */
int offsets_assign(struct windows *w, struct windows_source *s, int64_t processed, const char *own,
		   size_t len, struct error *err);

/* Whether a record is to be added at all; *replay: it was processed before. */
bool offsets_take(struct windows_source *s, int64_t offset, bool *replay);

/* Whether a record is a replay, bad or not. */
bool offsets_replays(const struct windows_source *s, int64_t offset);

/* A mark tells that what comes before `to` is behind us: appends the object, and sets *replay_from
 * to the oldest offset that is needed, -1: none before `to`. */
int offsets_mark(struct windows *w, struct windows_source *s, int64_t to, struct buf *own,
		 int64_t *replay_from, struct error *err);

/* The source that a mark must tell of besides those that it names (of which told is called), for
 * its state has changed: each once, NULL in the end. *to: up to where it was told. */
struct windows_source *offsets_untold(struct windows *w, int64_t *to);

/* Whether a source has records to come that were processed before. */
bool offsets_replaying(const struct windows *w);

bool offsets_assigned(const struct windows_source *s);

/* The first offset that the source needs. */
int64_t offsets_from(const struct windows_source *s);

/* The source is not ours any more. */
void offsets_leave(struct windows_source *s);

/* Any source that is assigned; NULL: none is. */
const struct windows_source *offsets_any(const struct windows *w);

const char *offsets_topic(const struct windows_source *s, int32_t *partition);

#endif
