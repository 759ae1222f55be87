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
    from collections.abc import Callable, Sequence


class RunError(Exception):
    """A contender did not do the work."""


@attrs.frozen
class Run:
    """What one run took.

    Args:
        scene: the name of the scene.
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

    scene: str
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


@attrs.frozen
class Scene:
    """One of the circumstances in which the work is done.

    Args:
        title: what it is called in tables.
        base: the base URL of the server.
        contenders: the names of those that take part.
        concurrencies: how many requests are under way.
        variables: what is set in the environment of the processes.
    """

    title: str
    base: str
    contenders: tuple[str, ...]
    concurrencies: tuple[int, ...]
    variables: dict[str, str] = attrs.field(factory=dict)


@attrs.define
class Contest:
    """All runs.

    Args:
        scenes: all circumstances, by name.
        days: how many are fetched in each run.
        core: the core that the contenders run on; ``None`` for any.
        patience: the seconds that a run may take.

    Attributes:
        runs: those that did the work.
        failures: why others did not, by scene, contender and concurrency.
    """

    scenes: dict[str, Scene]
    days: int
    core: int | None
    patience: float = 300.0
    runs: list[Run] = attrs.field(factory=list)
    failures: dict[tuple[str, str, int], str] = attrs.field(factory=dict)

    def hold(self, rounds: int, say: Callable[[str], None]) -> None:
        """Hold all rounds; a contender without its environment takes no part."""
        for round_ in range(rounds):
            for scene, each in self.scenes.items():
                names = [name for name in each.contenders if CONTENDERS[name].python.exists()]
                for concurrency in each.concurrencies:
                    say(f"round {round_ + 1} of {rounds}, {each.title}, concurrency {concurrency}")
                    for name in order(names, round_):
                        try:
                            figures = self.measure(each, name, concurrency)
                        except RunError as error:
                            self.failures[scene, name, concurrency] = str(error)
                        else:
                            self.runs.append(Run(scene, name, concurrency, round_, self.days, **figures))

    def measure(self, scene: Scene, name: str, concurrency: int) -> dict[str, Any]:
        """Let a contender do the work in a process of its own, and return what it took.

        Raises:
            RunError: it did not do it.
        """
        words = command(name, scene.base, days=self.days, concurrency=concurrency)
        if self.core is not None:
            words += ["--core", str(self.core)]
        try:
            done = subprocess.run(  # noqa: S603 - a module of ours
                words,
                capture_output=True,
                text=True,
                check=True,
                cwd=ROOT,
                env=variables(**scene.variables),
                timeout=self.patience,
            )
        except subprocess.CalledProcessError as error:
            raise RunError((error.stderr.strip().splitlines() or [str(error)])[-1]) from error
        except subprocess.TimeoutExpired as error:
            raise RunError(f"took more than {self.patience:g} s") from error
        figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # some log to the output, too
        return figures

    def of(self, name: str, scene: str, concurrency: int) -> dict[int, Run]:
        """Return the runs of a contender, by the number of the round."""
        wanted = (name, scene, concurrency)
        return {run.round: run for run in self.runs if (run.contender, run.scene, run.concurrency) == wanted}

    def ratios(
        self, name: str, other: str, figure: Callable[[Run], float], scene: str, concurrency: int
    ) -> list[float]:
        """Return a figure of one as a multiple of that of another, for each round that has both."""
        mine, theirs = (self.of(each, scene, concurrency) for each in (name, other))
        return [figure(mine[round_]) / figure(theirs[round_]) for round_ in mine if round_ in theirs]


def order(names: Sequence[str], round_: int) -> list[str]:
    """Return who runs in a round, and in which order: a place further than in the round before."""
    shift = round_ % len(names)
    return [name for name in (*names[shift:], *names[:shift]) if round_ < CONTENDERS[name].rounds]
