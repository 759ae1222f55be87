"""Ladder, cap checks, proof and plan together find each day, on servers that shorten ranges.

This is the simplest run that uses them. It asks a server that is a pure function, about one target.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks.jobs.range_plan import plan_ranges
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import LADDER, MONTH, RangeCap, cap_checks
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.simulator import RangeRules
from tests.sizes import sample

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from hourlyclicks.simulator.ranges import Excluded, TooLong
    from hourlyclicks.simulator.rules import Cap

EVER = DateRange.of("2020-01-01", "2025-12-31")
ASKED = DateRange.of("2024-01-01", "2025-06-30")
TOO_LONG: list[TooLong] = ["refuse", "cut_end", "cut_start", "whole"]
CAPS: list[Cap] = [7, 14, 31, "month"]
EXCLUDED: list[Excluded] = ["nothing", "start", "end", "both"]
SERVERS = [
    (RangeRules(cap=cap, too_long=too_long, excludes=excludes), active_days)
    for too_long, cap, excludes, active_days in itertools.product(TOO_LONG, CAPS, EXCLUDED, (100, 50, 10, 2))
]


class Run:
    """Asks a server about one target until every day is certain.

    Args:
        rules: how the server answers.
        active: the days that have clicks.

    Attributes:
        requests: how many were sent.
        proof: what is proved about the server.
        answers: the ranges that were answered, and their days with rows.
        certain: the days that were answered for, by all that is proved until now.
    """

    def __init__(self, rules: RangeRules, active: AbstractSet[dt.date]) -> None:
        self.rules = rules
        self.active = active
        self.requests = 0
        self.proof = RangeProof()
        self.answers: list[tuple[DateRange, AbstractSet[dt.date]]] = []
        self.certain: set[dt.date] = set()

    def ask(self, asked: DateRange) -> AbstractSet[dt.date] | None:
        """Return the days with rows; ``None``: the range is refused."""
        self.requests += 1
        if self.rules.refuses(asked.start, asked.end, "month"):
            return None
        answered = self.active & set(self.rules.covered(asked.start, asked.end, "month") or ())
        self.answers.append((asked, answered))
        proof = self.proof.after(asked, answered)
        for one in self.answers if proof != self.proof else self.answers[-1:]:
            self.certain.update(set(one[0]).difference(proof.uncertain(*one)))
        self.proof = proof
        return answered

    def all_days(self, known: dt.date) -> None:
        """Prove a cap by a day that is known to have clicks, then ask for all days, each in one range."""
        cap: RangeCap = MONTH
        while (proved := self.proved(cap, known)) is None:
            cap = cap.smaller() or LADDER[-1]
        while missing := set(ASKED) - self.certain:
            self.ask(proved.asked(plan_ranges(missing, proved, within=EVER)[0]))

    def proved(self, cap: RangeCap, known: dt.date) -> RangeCap | None:
        """Return a cap with the ends that the server leaves out, or ``None`` if it answers for fewer days."""
        begins, ends = self.check(cap, known)
        if not (begins and ends):
            cap = attrs.evolve(cap, before=int(not begins), after=int(not ends))
            begins, ends = self.check(cap, known)
        return cap if begins and ends else None

    def check(self, cap: RangeCap, known: dt.date) -> list[bool]:
        """Return whether ranges that begin and end on a day have that day."""
        return [known in (self.ask(asked) or ()) for asked in cap_checks(known, cap, within=EVER)]


@pytest.mark.parametrize(("rules", "active_days"), sample(SERVERS, 12), ids=str)
def test_every_day_is_found(rules: RangeRules, active_days: int) -> None:
    """No day is missed, with at most 16 requests more than the fewest, for dense and for sparse targets."""
    source = random.Random(active_days)
    active = {day for day in EVER if source.random() * 100 < active_days}
    run = Run(rules, active)
    run.all_days(sorted(active)[len(active) // 2])
    assert active & set(ASKED) <= set[dt.date]().union(*(answered for _, answered in run.answers))
    short = isinstance(rules.cap, int) and rules.cap < 31 and rules.too_long != "whole"
    before, after = int(rules.excludes in {"start", "both"}), int(rules.excludes in {"end", "both"})
    longest = RangeCap(rules.cap if short else None, before, after)  # type: ignore[arg-type]  # a number, then
    assert run.requests <= len(plan_ranges(ASKED, longest, within=EVER)) + 16


def test_cap_checks_are_not_made_shorter() -> None:
    """A check that would ask for days that cannot be asked for is left out: a shorter one proves less."""
    day, last = dt.date(2025, 6, 10), dt.date(2025, 6, 20)
    assert cap_checks(day, RangeCap(7), within=DateRange(EVER.start, last)) == [
        DateRange.of("2025-06-10", "2025-06-16"),
        DateRange.of("2025-06-04", "2025-06-10"),
    ]
    assert cap_checks(day, RangeCap(14), within=DateRange(EVER.start, last)) == [
        DateRange.of("2025-05-28", "2025-06-10")
    ]
