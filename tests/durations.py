"""The durations that pytest prints, by folder: ``pytest --durations=0 | python -m tests.durations``."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_DURATION = re.compile(r"([\d.]+)s (?:call|setup|teardown) +([^: ]+)")


def folder_of(path: str) -> str:
    """Return the folder that a test counts for: the first below ``tests``, or the first of all."""
    *folders, file = path.split("/")
    if folders[:1] == ["tests"]:
        return "/".join(folders[:2]) if len(folders) > 1 else "tests/*.py"
    return folders[0] if folders else file


def sum_by_folder(lines: Iterable[str]) -> dict[str, float]:
    """Return the seconds of each folder, from what pytest prints with ``--durations=0``."""
    seconds: dict[str, float] = defaultdict(float)
    for line in lines:
        found = _DURATION.match(line)
        if found is not None:
            seconds[folder_of(found[2])] += float(found[1])
    return seconds


def main() -> None:
    """Print the sums, the largest first."""
    seconds = sum_by_folder(sys.stdin)
    for folder, spent in sorted(seconds.items(), key=lambda each: -each[1]):
        sys.stdout.write(f"{spent:8.1f}  {folder}\n")
    sys.stdout.write(f"{sum(seconds.values()):8.1f}  all\n")


if __name__ == "__main__":
    main()
