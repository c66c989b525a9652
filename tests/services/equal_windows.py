#!/usr/bin/env python3
"""equal_windows.py FILE FILE: two sets of windows are equal: the same keys, once each, counts,
minima and maxima equal, means to 1e-9. Prints how many there are, and how far means are apart."""

import json
import sys


def read(path):
    windows = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            w = json.loads(line)
            key = w.pop("zone"), w.pop("window_start"), w.pop("window_end")
            assert key not in windows, f"{path}: {key} is there twice"
            windows[key] = w
    return windows


def main():
    a, b = (read(path) for path in sys.argv[1:])
    assert a.keys() == b.keys(), f"in one of them only: {sorted(a.keys() ^ b.keys())[:5]}"
    apart = 0.0
    for key, w in a.items():
        assert w.keys() == b[key].keys(), f"{key}: {sorted(w.keys() ^ b[key].keys())}"
        for name, x in w.items():
            y = b[key][name]
            if name.endswith("_mean") and None not in (x, y):
                apart = max(apart, abs(x - y) / max(abs(x), abs(y), 1.0))
                assert apart <= 1e-9, f"{key}: {name} {x} {y}"
            else:
                assert x == y, f"{key}: {name} {x} {y}"
    print(len(a), apart)


main()
