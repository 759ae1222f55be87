"""The contest: in each round every contender once, in an order that moves on from round to round.

Whatever else the machine does meets all of them alike that way, and a figure is only ever compared with that
of another contender in the same round. Each run is a fresh process on one core, and the server has another.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.peers.contenders import CONTENDERS, command
from benchmarks.processes import ROOT, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


CALM = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 27),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
    "MALLOC_TOP_PAD_": str(1 << 26),
}
"""Lets glibc keep the memory that it has got.

For each answer on a plain socket asyncio takes 256 KiB and gives back all but the answer. Left alone, glibc
gets them from the kernel and returns them each time if the process is small; if it is large, as that of a
loop that keeps all answers, it does not. A connection with TLS, as to the real API, has one buffer for ever.
"""


class RunError(Exception):
    """A contender did not do the work."""


@attrs.frozen
class Run:
    """What one run took.

    Args:
        contender: its name.
        concurrency: how many requests were under way.
        round: counted from zero.
        days: how many were fetched.
        wall: seconds from the first request to the merged result.
        user: seconds of CPU in the program, for all days.
        sys: seconds of CPU in the kernel, for all days.
        peak: the most memory that the process had, in bytes.
        versions: those of the libraries in its environment.
    """

    contender: str
    concurrency: int
    round: int
    days: int
    wall: float
    user: float
    sys: float
    peak: int
    versions: dict[str, str]

    @property
    def speed(self) -> float:
        """Days a second."""
        return self.days / self.wall

    @property
    def cpu(self) -> float:
        """Microseconds of CPU a day."""
        return (self.user + self.sys) / self.days * 1e6


@attrs.define
class Contest:
    """All runs against a server.

    Args:
        base: the base URL of the server.
        days: how many are fetched in each run.
        core: the core that the contenders run on; ``None`` for any.
        patience: the seconds that a run may take.

    Attributes:
        runs: those that did the work.
        failures: why others did not, by contender and concurrency.
    """

    base: str
    days: int
    core: int | None
    patience: float
    runs: list[Run] = attrs.field(factory=list)
    failures: dict[tuple[str, int], str] = attrs.field(factory=dict)

    def hold(self, rounds: int, concurrencies: Sequence[int], say: Callable[[str], None]) -> None:
        """Hold all rounds; a contender without its environment takes no part."""
        names = [name for name, contender in CONTENDERS.items() if contender.python.exists()]
        for round_ in range(rounds):
            for concurrency in concurrencies:
                say(f"round {round_ + 1} of {rounds}, concurrency {concurrency}")
                for name in order(names, round_):
                    try:
                        figures = self.measure(name, concurrency)
                    except RunError as error:
                        self.failures[name, concurrency] = str(error)
                    else:
                        self.runs.append(Run(name, concurrency, round_, self.days, **figures))

    def measure(self, name: str, concurrency: int) -> dict[str, Any]:
        """Let a contender do the work in a process of its own, and return what it took.

        Raises:
            RunError: it did not do it.
        """
        words = command(name, self.base, days=self.days, concurrency=concurrency)
        if self.core is not None:
            words += ["--core", str(self.core)]
        environment = variables(**(CALM if CONTENDERS[name].calm else {}))
        try:
            done = subprocess.run(  # noqa: S603 - a module of ours
                words,
                capture_output=True,
                text=True,
                check=True,
                cwd=ROOT,
                env=environment,
                timeout=self.patience,
            )
        except subprocess.CalledProcessError as error:
            raise RunError((error.stderr.strip().splitlines() or [str(error)])[-1]) from error
        except subprocess.TimeoutExpired as error:
            raise RunError(f"took more than {self.patience:g} s") from error
        figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # some log to the output, too
        return figures

    def of(self, name: str, concurrency: int) -> dict[int, Run]:
        """Return the runs of a contender, by the number of the round."""
        return {
            run.round: run for run in self.runs if (run.contender, run.concurrency) == (name, concurrency)
        }

    def ratios(self, name: str, other: str, concurrency: int, figure: Callable[[Run], float]) -> list[float]:
        """Return a figure of one as a multiple of that of another, for each round that has both."""
        mine, theirs = self.of(name, concurrency), self.of(other, concurrency)
        return [figure(mine[round_]) / figure(theirs[round_]) for round_ in mine if round_ in theirs]

    def versions(self) -> Iterator[str]:
        """Yield the libraries with their versions, all of them where environments differ."""
        return (
            " ".join(each) for each in sorted({each for run in self.runs for each in run.versions.items()})
        )


def order(names: Sequence[str], round_: int) -> list[str]:
    """Return who runs in a round, and in which order: a place further than in the round before."""
    shift = round_ % len(names)
    return [name for name in (*names[shift:], *names[:shift]) if round_ < CONTENDERS[name].rounds]
