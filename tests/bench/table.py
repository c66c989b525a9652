"""The table of `make bench`: a row a figure, beside a peer's where there is one, and goals that it was to reach."""

MB = 1 << 20

_missed = []


def say(text=""):
    print(text, flush=True)


def heading():
    say("| what | ours | peer | times | goal |\n|---|---|---|---|---|")


def line(what, ours, peer, peer_name, ratio=None, goal=None, unit=""):
    """One row of the table; goal is (">=" or "<=", number), of the ratio, or without a peer of the figure."""
    text = f"| {what} | {ours:,.4g} {unit} | "
    if peer is not None:
        text += f"{peer:,.4g} {unit} ({peer_name}) | {ratio:.{1 if ratio >= 10 else 2}f} | "
    else:
        text += "| | "
    if goal is not None:
        figure = ratio if peer is not None else ours
        good = figure >= goal[1] if goal[0] == ">=" else figure <= goal[1]
        text += f"{goal[0]} {goal[1]:,.4g}{'' if good else ' MISSED'}"
        if not good:
            _missed.append(what)
    say(text + " |")


def verdict():
    say()
    say("all goals reached" if not _missed else "missed: " + "; ".join(_missed))
