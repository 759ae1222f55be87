"""The contest: in each round every contender once, in an order that moves on from round to round.

Whatever else the machine does meets all of them alike that way, and a figure is only ever compared with that
of another contender in the same round. Each run is a fresh process on one core, and the server has another.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.peers.environments import ROOT, Missing, Place, clean_variables, last_line

if TYPE_CHECKING:
    from collections.abc import Callable


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


@attrs.frozen
class Contender:
    """Who takes part.

    Args:
        module: the module of ``benchmarks.peers``.
        label: how it is called in tables.
        environment: the name of the environment that it runs in.
        rounds: in how many rounds it takes part at most; ``None`` for all.
        calm: whether `CALM` is set for it.
    """

    module: str
    label: str
    environment: str
    rounds: int | None = None
    calm: bool = True

    @property
    def name(self) -> str:
        """Its name in the figures."""
        return self.module if self.calm else f"{self.module}_restless"


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
    """

    contender: str
    concurrency: int
    round: int
    days: int
    wall: float
    user: float
    sys: float
    peak: int

    @property
    def speed(self) -> float:
        """Days a second."""
        return self.days / self.wall

    @property
    def cpu(self) -> float:
        """Microseconds of CPU a day."""
        return (self.user + self.sys) / self.days * 1e6


@attrs.frozen
class Failure:
    """A run that did not do the work.

    Args:
        contender: its name.
        concurrency: how many requests were under way.
        round: counted from zero.
        reason: the last line of what it said.
    """

    contender: str
    concurrency: int
    round: int
    reason: str


@attrs.frozen
class Rules:
    """How the contest is held.

    Args:
        base: the server.
        days: how many are fetched in each run.
        core: the core that the contenders run on; ``None`` for any.
        patience: the seconds that a run may take.
    """

    base: str
    days: int
    core: int | None
    patience: float


@attrs.define
class Outcome:
    """Everything that was seen.

    Args:
        contenders: who was to take part, in the order of the tables.
        places: where each environment is, or why it is not there: who needs such a one took no part.
        runs: those that did the work.
        failures: those that did not.
    """

    contenders: Sequence[Contender]
    places: Mapping[str, Place | Missing]
    runs: list[Run] = attrs.field(factory=list)
    failures: list[Failure] = attrs.field(factory=list)

    def of(self, contender: str, concurrency: int) -> dict[int, Run]:
        """Return the runs of a contender, by the number of the round."""
        return {
            run.round: run
            for run in self.runs
            if run.contender == contender and run.concurrency == concurrency
        }

    def ratios(
        self, contender: str, other: str, concurrency: int, figure: Callable[[Run], float]
    ) -> list[float]:
        """Return a figure of one as a multiple of that of another, for each round that has both."""
        theirs = self.of(other, concurrency)
        return [
            figure(run) / figure(theirs[round_])
            for round_, run in self.of(contender, concurrency).items()
            if round_ in theirs
        ]

    def label(self, name: str) -> str:
        """Return how a contender is called."""
        return next(contender.label for contender in self.contenders if contender.name == name)


def cores() -> tuple[int, int] | None:
    """Return a core for the contenders and one for the server, or nothing where that cannot be had."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    return (allowed[0], allowed[1]) if len(allowed) > 1 else None


def order(contenders: Sequence[Contender], round_: int) -> list[Contender]:
    """Return who runs in a round, and in which order: a place further than in the round before."""
    shift = round_ % len(contenders)
    rotated = [*contenders[shift:], *contenders[:shift]]
    return [contender for contender in rotated if contender.rounds is None or round_ < contender.rounds]


def hold(
    contenders: Sequence[Contender],
    places: Mapping[str, Place | Missing],
    rules: Rules,
    *,
    rounds: int,
    concurrencies: Sequence[int],
    say: Callable[[str], None],
) -> Outcome:
    """Hold all rounds; who has no place to run takes no part."""
    outcome = Outcome(contenders, places)
    for round_ in range(rounds):
        for concurrency in concurrencies:
            say(f"round {round_ + 1} of {rounds}, concurrency {concurrency}")
            for contender in order(contenders, round_):
                place = places[contender.environment]
                if isinstance(place, Missing):
                    continue
                seen = run(contender, place.python, rules, concurrency=concurrency, round_=round_)
                if isinstance(seen, Run):
                    outcome.runs.append(seen)
                else:
                    outcome.failures.append(seen)
    return outcome


def run(contender: Contender, python: str, rules: Rules, *, concurrency: int, round_: int) -> Run | Failure:
    """Let a contender do the work in a process of its own."""
    name = contender.name
    command = [python, "-m", "benchmarks.peers.measured", contender.module, "--base", rules.base]
    command += ["--days", str(rules.days), "--concurrency", str(concurrency)]
    if rules.core is not None:
        command += ["--core", str(rules.core)]
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter that we have set up, and a module of ours
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=clean_variables() | (CALM if contender.calm else {}),
            timeout=rules.patience,
        )
    except subprocess.TimeoutExpired:
        return Failure(name, concurrency, round_, f"took more than {rules.patience:g} s")
    except OSError as error:  # the interpreter is gone
        return Failure(name, concurrency, round_, str(error))
    if done.returncode:
        reason = last_line(done.stderr) or f"exit code {done.returncode}"
        return Failure(name, concurrency, round_, reason)
    figures: dict[str, Any] = json.loads(last_line(done.stdout))  # some log to the output, too
    return Run(
        contender=name,
        concurrency=concurrency,
        round=round_,
        days=rules.days,
        wall=figures["wall"],
        user=figures["user"],
        sys=figures["sys"],
        peak=figures["peak"],
    )
