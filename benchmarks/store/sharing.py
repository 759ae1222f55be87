"""How long four processes with one key and one store take, beside one process that does the same days alone.

The processes are those of the tests: each runs a backfill
against one simulator, which counts in a sliding log. They take turns with the one that is alone: first each
has a link of its own, then all work on the same days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmarks.results import Claim, Section, Table
from hourlyclicks import Link
from tests.processes.fleet import fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.processes.fleet import Fleet, Worker

PROCESSES, REQUESTS, CONCURRENCY = 4, 40, 3
LINKS = tuple(Link(f"link{number}", "https://vvd.bz") for number in range(PROCESSES))
SLOWER = 1.25
"""So much longer may four take than one, with windows of a second or two."""
UNFAIR = 0.5
"""So much may the shares differ there, of their mean."""
_ALONE, _OWN, _SAME = "one process", "four, a link each", "four, the same days"


class Race(NamedTuple):
    """What came of processes that began together.

    Args:
        seconds: from the first day that was done to the last.
        shares: how many days each had done when the first of them had none of its own left.
    """

    seconds: float
    shares: tuple[int, ...]

    @property
    def unfairness(self) -> float:
        """The greatest difference of two shares, relative to their mean."""
        return (max(self.shares) - min(self.shares)) * len(self.shares) / sum(self.shares)


def race(workers: Sequence[Worker]) -> Race:
    """Let processes begin together, and wait for all of them."""
    for worker in workers:
        worker.get_ready()
    for worker in workers:
        worker.go()
    assert [worker.wait() for worker in workers] == [0] * len(workers)
    moments = [[line[1] for line in worker.lines("day")] for worker in workers]
    first_end = min(max(times) for times in moments)
    seconds = (max(map(max, moments)) - min(map(min, moments))) / 1e9
    return Race(seconds, tuple(sum(moment <= first_end for moment in times) for times in moments))


def _together(here: Fleet, kind: str) -> Race:
    if kind == _ALONE:
        return race([here.start(*LINKS)])
    if kind == _OWN:
        return race([here.start(link) for link in LINKS])
    workers = [here.start(*LINKS) for _ in range(PROCESSES)]
    return race(workers)._replace(shares=tuple(worker.report["done"] for worker in workers))


def found(folder: Path, *, windows: int, seconds: float) -> dict[str, Race]:
    """Run each kind once, and return what came of it.

    Args:
        folder: where the stores are made.
        windows: for how many windows each goes on.
        seconds: how long a window is.
    """
    races = {}
    for number, kind in enumerate((_ALONE, _OWN, _SAME)):
        place = folder / str(number)
        place.mkdir()
        days = REQUESTS * windows // PROCESSES
        with fleet(
            place,
            str(place / "clicks.db"),
            days=days,
            requests=REQUESTS,
            window=seconds,
            concurrency=CONCURRENCY,
        ) as here:
            races[kind] = _together(here, kind)
            here.check_limits()
            assert here.upstream.counters.asked.total() == days * PROCESSES
    return races


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Run the processes with stores in a folder."""
    windows = 2 if quick else 8
    say(f"four processes with one store, {windows} windows")
    races = found(folder, windows=windows, seconds=1.4)
    alone = races[_ALONE].seconds
    rows = tuple(
        (kind, f"{each.seconds:.2f}", f"{each.seconds / alone:.3f}", " / ".join(map(str, each.shares)))
        for kind, each in races.items()
    )
    together = [races[_OWN], races[_SAME]]
    return Section(
        tables=(
            Table("Seconds for the same requests under one limit", ("", "s", "times one", "days"), rows),
        ),
        claims=(
            Claim("times of four processes to one", max(each.seconds for each in together) / alone, SLOWER),
            Claim("unfairness of their shares", max(each.unfairness for each in together), UNFAIR),
        ),
        figures={
            kind: {"seconds": each.seconds, "shares": list(each.shares)} for kind, each in races.items()
        },
    )
