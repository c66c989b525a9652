#!/usr/bin/env python3
"""hold_back.py LATENESS DIVISOR OUT MINUTE...: makes late records of some that are not.

Reads city records in which none is more than LATENESS seconds behind the newest before it, and
writes them as the parts OUT.1, OUT.2, and so on, one more than there are MINUTEs. A part ends when
the newest event stands between the watermark's passing its MINUTE and its passing the next one:
who has read it all has closed the windows up to MINUTE and no later one. Each DIVISOR-th record of
a part is held back and begins the next one, so that for each window it is known, whatever the
moment a watermark was taken, whether it comes too late. Prints how many come too late for all
windows of 1 minute that they belong to, and for all of 5 minutes (one each minute).
"""

import json
import sys
from datetime import datetime


def seconds(record):
    return datetime.fromisoformat(record["timestamp"].replace("Z", "+00:00")).timestamp()


def main():
    lateness, divisor = float(sys.argv[1]), int(sys.argv[2])
    out, minutes = sys.argv[3], [int(m) for m in sys.argv[4:]]
    lines = sys.stdin.readlines()
    times = [seconds(json.loads(line)) for line in lines]
    start = min(times) // 60 * 60
    newest, behind = times[0], 0.0
    for time in times:
        behind = max(behind, newest - time)
        newest = max(newest, time)
    assert behind < lateness, f"disorder of {behind} s"

    late = {60: 0, 300: 0}
    held, n = [], 0
    for part, minute in enumerate([*minutes, None], 1):
        closed = None if minute is None else start + 60 * minute
        keep, hold = [], []
        while n < len(lines) and (closed is None or times[n] < closed + lateness + 30):
            (hold if closed and n % divisor == 0 else keep).append(n)
            n += 1
        with open(f"{out}.{part}", "w", encoding="utf-8") as f:
            f.writelines(lines[i] for i in held + keep)
        for i in hold:
            for size in late:
                late[size] += times[i] // 60 * 60 + size <= closed
        held = hold
    print(late[60], late[300])


main()
