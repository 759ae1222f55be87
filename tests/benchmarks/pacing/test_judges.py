"""The judges, on arrivals that are counted by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.pacing.judges import JUDGES, TITLES, Verdict, judge
from hourlyclicks.clock import SECOND

if TYPE_CHECKING:
    from hourlyclicks.simulator.algorithms import Policing


def _at(*seconds: float) -> list[int]:
    return [round(moment * SECOND) for moment in seconds]


# Two requests in ten seconds. What each judge thinks of the moments 0, 1, 9.9, 10 and 10.5:
EXPECTED: dict[Policing, Verdict] = {
    # 9.9 comes too soon after 0 and 1; 10 does not, if 9.9 is forgotten; 10.5 does, after 1 and 10.
    "sliding_log": Verdict(refused=2, over=3),
    # 0, 1 and 9.9 lie in the first window, the others in the second.
    "fixed_window": Verdict(refused=1, over=1),
    # The stamps 0 and 1 are in everybody's way until 11.
    "whole_seconds": Verdict(refused=3, over=3),
    # The tokens before each arrival: 2, 1.2, 1.98, 1 and 0.1.
    "token_bucket": Verdict(refused=1, over=1),
    # 5 s have to lie between two arrivals: 0 and 9.9 are let in.
    "leaky_bucket": Verdict(refused=3, over=3),
    # 9.9 is the third of its window; the two of the first window count all but fully at 10 and at 10.5.
    "two_buckets": Verdict(refused=3, over=3),
}


@pytest.mark.parametrize("name", JUDGES)
def test_by_hand(name: Policing) -> None:
    """Every judge counts as a person does."""
    assert judge(_at(0, 1, 9.9, 10, 10.5), 2, 10.0)[name] == EXPECTED[name]


def test_slow_sending_is_never_over_a_limit() -> None:
    """One request a window is within every reading of two."""
    assert set(judge(_at(*range(0, 200, 20)), 2, 10.0).values()) == {Verdict(0, 0)}


def test_everybody_objects_to_haste() -> None:
    """Everything at once is over the limit for everybody."""
    assert all(verdict.refused > 0 for verdict in judge(_at(*[3.0] * 10), 2, 10.0).values())


def test_every_judge_has_a_title() -> None:
    """A new algorithm of the simulator is not forgotten in the tables."""
    assert tuple(TITLES) == JUDGES
