"""What importing the package costs, as a multiple of importing aiohttp, which its client cannot do without.

Run with ``python benchmarks/import_time.py``. CPU time (user and system) of fresh interpreters, taken in
turns, so that whatever else the machine does meets all of them alike.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys

ROUNDS = 25
STATEMENTS = ("pass", "import aiohttp", "import hourlyclicks", "from hourlyclicks import Client")


def cpu_seconds(statement: str) -> float:
    """Return the CPU time of a fresh interpreter that runs a statement."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", statement], check=True, env=environment)  # noqa: S603 - those above
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    for statement in STATEMENTS:
        cpu_seconds(statement)  # writes the bytecode
    rounds = [[cpu_seconds(statement) for statement in STATEMENTS] for _ in range(ROUNDS)]
    for statement, times in zip(STATEMENTS, zip(*rounds, strict=True), strict=True):
        middle, least = statistics.median(times) * 1000, min(times) * 1000
        print(f"{statement:32} median {middle:6.1f} ms, least {least:6.1f} ms")
    for place, statement in enumerate(STATEMENTS[2:], 2):
        ratios = sorted(times[place] / times[1] for times in rounds)
        middle = statistics.median(ratios)
        print(f"{statement!r} / 'import aiohttp': median {middle:.3f}, {ratios[0]:.3f} to {ratios[-1]:.3f}")


if __name__ == "__main__":
    main()
