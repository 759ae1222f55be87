from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Account, Group
from hourlyclicks.simulator import Asked, Chances, FirstOf, Reset, Rule, Script, Status

if TYPE_CHECKING:
    from hourlyclicks.simulator import Fault

DAY = dt.date(2025, 4, 3)


def _asked(number: int = 1, attempt: int = 1, day: dt.date = DAY, group: int | None = None) -> Asked:
    return Asked(number=number, attempt=attempt, day=day, target=Account() if group is None else Group(group))


def test_the_first_rule_that_matches_holds() -> None:
    """The rules of a script are tried in order."""
    script = Script(Rule(Reset(), day=DAY, times=2), Rule(Status(503), number={7}), Rule(Status(500)))
    assert script.pick(_asked()) == Reset()
    assert script.pick(_asked(number=7, attempt=3)) == Status(503)
    assert script.pick(_asked(number=8, attempt=3)) == Status(500)


@pytest.mark.parametrize(
    ("rule", "matching", "other"),
    [
        (Rule(Reset(), day=DAY), _asked(), _asked(day=dt.date(2025, 4, 4))),
        (Rule(Reset(), target=Group(1)), _asked(group=1), _asked()),
        (Rule(Reset(), number=range(1, 4)), _asked(number=3), _asked(number=4)),
        (Rule(Reset(), times=2), _asked(attempt=2), _asked(attempt=3)),
    ],
)
def test_a_rule_looks_at_what_it_names(rule: Rule, matching: Asked, other: Asked) -> None:
    """Each condition applies by itself."""
    assert Script(rule).pick(matching) == Reset()
    assert Script(rule).pick(other) is None


@given(st.integers(0, 3), st.permutations([(n, a) for n in range(8) for a in (1, 2)]))
def test_chance_does_not_depend_on_order(seed: int, order: list[tuple[int, int]]) -> None:
    """The same request has the same fault, whenever it comes."""
    chances = Chances({Reset(): 0.3, Status(500): 0.3}, seed=seed)
    picked = {(n, a): chances.pick(_asked(number=i, attempt=a, group=n)) for i, (n, a) in enumerate(order)}
    assert picked == {(n, a): chances.pick(_asked(attempt=a, group=n)) for n, a in order}


def test_chances_are_kept() -> None:
    """Over many requests each fault occurs about as often as its probability says."""
    chances = Chances({Reset(): 0.05, Status(500): 0.25})
    given_ = Counter(chances.pick(_asked(group=number)) for number in range(20_000))
    assert given_[Reset()] == pytest.approx(1000, rel=0.15)
    assert given_[Status(500)] == pytest.approx(5000, rel=0.1)


@pytest.mark.parametrize("chances", [{Reset(): -0.1}, {Reset(): 0.6, Status(500): 0.6}])
def test_impossible_chances_are_refused(chances: dict[Fault, float]) -> None:
    """Probabilities are between 0 and 1, also their sum."""
    with pytest.raises(UsageError, match="at most 1"):
        Chances(chances)


def test_the_first_source_with_a_fault_gives_it() -> None:
    """A script may come before random faults."""
    source = FirstOf(Script(Rule(Reset(), number={1})), Chances({Status(500): 1.0}))
    assert source.pick(_asked()) == Reset()
    assert source.pick(_asked(number=2)) == Status(500)
    assert FirstOf().pick(_asked()) is None
