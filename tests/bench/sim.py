"""Speed of sensor-sim, on one processor.

    sim.py BUILD
"""

import os
import subprocess
import sys
import time

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

from table import MB, heading, line, verdict

BUILD = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = 3
os.environ["SENSORUTILS_DATA"] = os.path.join(HERE, "..", "..", "data")


def run(*arguments):
    """Seconds, the best of RUNS, and peak memory in bytes."""
    results = []
    for _ in range(RUNS):
        done = subprocess.run([os.path.join(BUILD, "tests", "bench", "measure"), os.devnull,
                               os.path.join(BUILD, "bin", "sensor-sim"), *arguments],
                              check=True, capture_output=True, text=True)
        results.append([float(figure) for figure in done.stdout.split()])
    return min(results)


def as_fast_as_possible(profile, count, goal=None, *more):
    seconds, peak = run("--step", "1s", "--count", str(count), *more, profile)
    name = f"sensor-sim {' '.join([*more, profile])}, {count:,} records"
    line(name, count / seconds, None, None, None, goal, "records/s")
    line(f"{name}: peak memory", peak / MB, None, None, unit="MB")


def in_real_time(sensors, seconds):
    """Share of a processor that the fleet takes while a pipe is read."""
    reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    begin = time.monotonic()
    writer = subprocess.Popen([os.path.join(BUILD, "bin", "sensor-sim"), "--sensors", str(sensors),
                               "--count", str(sensors * seconds), "fleet"], stdout=reader.stdin)
    reader.stdin.close()
    _, status, usage = os.wait4(writer.pid, 0)
    took = time.monotonic() - begin
    reader.wait()
    if status:
        sys.exit(f"bench: sensor-sim ended with {status}")
    name = f"sensor-sim fleet, {sensors:,} sensors at 1 Hz for {seconds} s"
    line(f"{name}: share of a processor", (usage.ru_utime + usage.ru_stime) / took, None, None,
         None, ("<=", 0.05))
    line(f"{name}: drift at the end", 1e3 * (took - (seconds - 1 / sensors)), None, None, unit="ms")


def main():
    heading()
    as_fast_as_possible("city", 2_000_000, (">=", 1_000_000))
    as_fast_as_possible("city", 2_000_000, None, "--to", "csv")
    as_fast_as_possible("city", 2_000_000, None, "--late", "0.02:60s", "--shuffle", "20",
                        "--duplicate", "0.01", "--corrupt", "0.001")
    as_fast_as_possible("fleet", 2_000_000)
    as_fast_as_possible("factory", 1_000_000)
    as_fast_as_possible("secom", 20_000)
    in_real_time(10_000, 20)
    verdict()


main()
