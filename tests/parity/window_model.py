"""window-agg(1) by brute force: every record is kept, and what ends when is looked for anew each time.

Its own reading of the page, for what SQL cannot say well: suspects (--max-ahead), updates (--early), and windows of
several sizes that close one by one. Records are {"t": ms, "k": key, "device": …}; rows are (spec, key, start, end,
records, early) in the order they are written.
"""

import math

PATIENCE = 50  # records that a suspect waits for
IN_A_ROW = 10  # suspects of one device that are believed


class Model:
    def __init__(self, specs, gap, lateness, max_ahead, early):
        self.specs, self.gap, self.lateness, self.max_ahead, self.early = specs, gap, lateness, max_ahead, early
        self.newest, self.closed, self.tick = None, -math.inf, None
        self.open = []  # records in windows that are not closed
        self.sessions = []
        self.changed = set()
        self.held, self.run, self.seq = [], [], 0
        self.rows, self.late, self.bad = [], [], []

    def add(self, record):
        self.seq += 1
        if self.newest is not None:
            self.let_in(lambda _, r: r["t"] <= self.newest)
        while self.held and self.seq - self.held[0][0] > PATIENCE:
            self.bad.append(self.held.pop(0)[1])
        if self.newest is not None and record["t"] <= self.newest + self.max_ahead:
            self.run = []
            self.take(record)
        elif self.is_believed(record):
            run = {seq for seq, _ in self.run} if len(self.run) >= IN_A_ROW else set()
            self.let_in(lambda seq, r: seq in run or self.agree(r, record))
            self.take(record)
            self.run = []
            while self.let_in(lambda _, r: r["t"] <= self.newest + self.max_ahead):
                pass
        else:
            self.held.append((self.seq, record))

    def end(self):
        if self.newest is None:
            self.held.sort(key=lambda h: (h[1]["t"], h[0]))
            self.let_in(lambda _, r: True)
        else:
            self.let_in(lambda _, r: r["t"] <= self.newest)
        self.bad += [r for _, r in self.held]
        self.held = []
        self.close(math.inf)

    def agree(self, a, b):
        return abs(a["t"] - b["t"]) <= self.max_ahead

    def is_believed(self, record):
        if self.run and not (self.run[-1][1]["device"] == record["device"] and self.agree(self.run[-1][1], record)):
            self.run = []
        self.run.append((self.seq, record))
        return len(self.run) >= IN_A_ROW or any(
            r["device"] != record["device"] and self.agree(r, record) for _, r in self.held)

    def let_in(self, which):
        """Those held that `which` takes, as it stands before the first of them moves the time."""
        some = [h for h in self.held if which(*h)]
        self.held = [h for h in self.held if h not in some]
        for _, record in some:
            self.take(record)
        return some

    def take(self, record):
        is_late = self.add_to_session(record) if self.gap else self.add_to_windows(record)
        if is_late:
            self.late.append(record)
        if self.newest is None or record["t"] > self.newest:
            self.newest = record["t"]
            self.close(self.newest - self.lateness)
            if self.early:
                self.update()

    def ends(self, record):
        """Of all windows that it is in."""
        for size, slide in self.specs:
            start = record["t"] // slide * slide
            while start + size > record["t"]:
                yield start + size
                start -= slide

    def add_to_windows(self, record):
        if max(self.ends(record)) <= self.closed:
            return True
        self.open.append(record)
        self.changed.add(record["k"])
        return False

    def add_to_session(self, record):
        end = record["t"] + self.gap
        touched = [s for s in self.sessions
                   if s["k"] == record["k"] and s["start"] - self.gap < record["t"] < s["end"]]
        if end <= self.closed and not touched:
            return True
        self.sessions = [s for s in self.sessions if s not in touched]
        self.sessions.append({"k": record["k"], "start": min([record["t"]] + [s["start"] for s in touched]),
                              "end": max([end] + [s["end"] for s in touched]),
                              "records": [record] + [r for s in touched for r in s["records"]]})
        self.changed.add(record["k"])
        return False

    def close(self, until):
        for end in sorted({e for r in self.open for e in self.ends(r) if self.closed < e <= until}):
            self.give(end, False)
        self.give_sessions([s for s in self.sessions if s["end"] <= until], False)
        self.sessions = [s for s in self.sessions if s["end"] > until]
        self.closed = max(self.closed, until)
        self.open = [r for r in self.open if max(self.ends(r)) > self.closed]

    def update(self):
        tick = self.newest // self.early
        if self.tick is not None and tick > self.tick:
            for end in sorted({e for r in self.open for e in self.ends(r) if e > self.closed}):
                self.give(end, True)
            self.give_sessions([s for s in self.sessions if s["k"] in self.changed], True)
            self.changed = set()
        self.tick = tick

    def give(self, end, early):
        for spec in sorted(range(len(self.specs)), key=lambda n: (-self.specs[n][0], n)):
            size, slide = self.specs[spec]
            inside = [r for r in self.open if end - size <= r["t"] < end]
            for key in sorted({r["k"] for r in inside}):
                if (end - size) % slide == 0 and (not early or key in self.changed):
                    self.rows.append((spec, key, end - size, end, [r for r in inside if r["k"] == key], early))

    def give_sessions(self, some, early):
        for s in sorted(some, key=lambda s: (s["end"], s["start"], s["k"])):
            self.rows.append((0, s["k"], s["start"], s["end"], s["records"], early))
