"""What each kind of server makes of the same arrivals.

The algorithms are those of the simulator, which the tests hold against oracles. They look at a run after it
is over, so that all of them see the same one. Two figures are kept of each judge, since they say different
things:

* *rejected*: what it would have answered with 429 if it forgets what it refuses, as nginx does. The milder
  figure.
* *over*: what was over its limit when every arrival counts, since all of them did come.

Where the one is 0 the other is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.simulator.algorithms import ALGORITHMS, algorithm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourlyclicks.simulator.algorithms import Policing

JUDGES: tuple[Policing, ...] = ALGORITHMS

TITLES: dict[Policing, str] = {
    "sliding_log": "sliding log",
    "fixed_window": "fixed window",
    "whole_seconds": "whole seconds",
    "token_bucket": "token bucket",
    "leaky_bucket": "leaky bucket",
    "two_buckets": "two buckets",
}
"""The judges as people call them."""


class Verdict(NamedTuple):
    """How many arrivals a judge objects to.

    Args:
        refused: if it does not count what it refuses.
        over: if it counts everything.
    """

    refused: int
    over: int


def judge(arrivals: Sequence[int], requests: int, seconds: float) -> dict[Policing, Verdict]:
    """Ask every judge.

    Args:
        arrivals: the moments of the arrivals in nanoseconds, in order; windows begin at multiples of theirs.
        requests: how many are allowed in a window.
        seconds: the length of the window.
    """
    return {
        name: Verdict(
            _refused(name, arrivals, requests, seconds, charge_refused=False),
            _refused(name, arrivals, requests, seconds, charge_refused=True),
        )
        for name in JUDGES
    }


def _refused(
    name: Policing, arrivals: Sequence[int], requests: int, seconds: float, *, charge_refused: bool
) -> int:
    officer = algorithm(name, requests, seconds, charge_refused=charge_refused)
    for moment in arrivals:
        officer.arrive(moment)
    return officer.refused
