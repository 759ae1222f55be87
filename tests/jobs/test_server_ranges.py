"""What a client knows of ranges: which ones it asks for, and when every day of a target is refused."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hourlyclicks.errors import ApiError, ServerError
from hourlyclicks.jobs.refusal_streak import RefusalStreak
from hourlyclicks.jobs.server_ranges import WEEK, ServerRanges
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import MONTH, RangeCap
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.pacing.queue import Job, Lane
from hourlyclicks.simulator import VirtualClock

FIRST = dt.date(2024, 1, 20)
YEAR = DateRange(FIRST, FIRST + dt.timedelta(364))
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAYS = st.sets(st.sampled_from(list(YEAR)), min_size=1).map(sorted)
CAPS = st.sampled_from([MONTH, RangeCap(14), RangeCap(7), RangeCap(1)])
REFUSED = ApiError("too old", code=7, status=200)


@given(DAYS, CAPS, CAPS, st.integers(0, 3))
def test_every_needed_day_is_asked_for_once(
    needed: list[dt.date], cap: RangeCap, later: RangeCap, turn: int
) -> None:
    """Also if the cap changes after some ranges; no range is longer than the cap of its time."""
    server, job = ServerRanges(cap, VirtualClock()), Job(Lane.BACKFILL)
    covered: list[dt.date] = []
    for number, asked in enumerate(server.plan(needed, within=YEAR, job=job)):
        assert server.cap.allows(asked)
        covered += [day for day in needed if day in asked]
        if number == turn:
            server.cap = later
    assert covered == needed


PROOFS = st.builds(RangeProof, st.integers(0, 31), st.integers(0, 31), st.booleans(), st.booleans())


@given(DAYS, CAPS, PROOFS)
@example([FIRST], MONTH, RangeProof(28, 28, first_included=True, last_included=True))
def test_uncertain_days_are_asked_for_within_a_week(
    uncertain: list[dt.date], cap: RangeCap, proof: RangeProof
) -> None:
    """Or as far apart as rows were; where the ends are not proved, with a day more at each end."""
    server = ServerRanges(cap, VirtualClock())
    server._latest.add(proof)
    asked = [days for days, _ in server.plan_again(uncertain, now=NOW, job=Job(Lane.BACKFILL))]
    proved = proof.first_included and proof.last_included
    if not asked:
        assert proved
        assert cap.days is not None
        return
    margin = dt.timedelta(0 if proved else 1)
    for day in uncertain:
        assert any(days.start + margin <= day <= days.end - margin for days in asked)
    assert all(len(days) <= max(proof.reach, WEEK) for days in asked)


def test_a_day_that_has_not_begun_is_not_asked_for() -> None:
    """The range of the newest day has no day after it."""
    today = NOW.date()
    server = ServerRanges(MONTH, VirtualClock())
    ((asked, part),) = server.plan_again([today], now=NOW, job=Job(Lane.BACKFILL))
    assert (asked, part) == (DateRange(today - dt.timedelta(1), today), DateRange(today, today))


def first(days: int) -> DateRange:
    """Return a range of so many days."""
    return DateRange(FIRST, FIRST + dt.timedelta(days - 1))


def parts(server: ServerRanges, refused: DateRange) -> list[int]:
    """Return the lengths of the parts of a refused range."""
    return [len(part) for part in server.parts(refused, list(refused))]


def test_a_refused_range_is_asked_for_in_parts() -> None:
    """In those of the next lower cap; at most a week is halved if a range as long was answered before."""
    server = ServerRanges(MONTH, VirtualClock())
    assert parts(server, first(7)) == [1] * 7
    server.answered(first(31), [])
    assert [parts(server, first(days)) for days in (31, 14, 7, 2, 1)] == [
        [14, 14, 3],
        [7, 7],
        [4, 3],
        [1, 1],
        [],
    ]


def test_a_length_is_given_up_when_all_parts_were_answered() -> None:
    """The first time if no range as long was ever answered; never because few days were needed of it."""
    server = ServerRanges(MONTH, VirtualClock())
    server.answered(first(1), [])
    server.too_long(first(31))
    assert (server.cap, server.known) == (RangeCap(14), True)
    server.too_long(first(14))
    assert server.cap == RangeCap(7)


@pytest.mark.parametrize(("before", "after"), [(31, 14), (14, 7), (7, 4)])
def test_a_server_that_answers_for_fewer_days_by_now(before: int, after: int) -> None:
    """Its lower cap is found when such a range was refused twice, without a longer answer in between."""
    server = ServerRanges(MONTH, VirtualClock())
    for days in (before, after, before, after):  # the first refusal was a passing one
        server.answered(first(days), [])
        if days == after:
            server.too_long(first(before))
            assert server.cap == MONTH
    server.too_long(first(before))
    assert server.cap == RangeCap(after)
    server.too_long(first(before))
    assert server.cap == RangeCap(after)


@pytest.mark.parametrize("known", [False, True])
def test_five_same_refusals_call_for_a_check(*, known: bool) -> None:
    """Of a day that was answered, else of the other end; another kind, or an answer, begins a new row."""
    streak = RefusalStreak(YEAR)
    if known:
        streak.answered(DateRange(YEAR[7], YEAR[9]))
    other = ServerError("busy", status=503, retryable=True)
    errors = [REFUSED, REFUSED, other, *[REFUSED] * 5, REFUSED]
    checks = [streak.refused(YEAR[number], error) for number, error in enumerate(errors)]
    assert checks == [None] * 7 + [YEAR[7] if known else YEAR.end, None]
    assert (streak.is_like(REFUSED), streak.is_like(other)) == (True, False)
    streak.answered(DateRange(FIRST, FIRST))
    assert not streak.is_like(REFUSED)
