"""What is remembered of an endpoint for ranges counts for a time, and each change keeps what others found."""

from __future__ import annotations

import datetime as dt
import itertools

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import LADDER, MONTH, RangeCap
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.model.range_record import TRY_AGAIN_AFTER, TRY_LONGER_AFTER, RangeRecord, Witness
from hourlyclicks.model.targets import Link

NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
LATEST = dt.date(2025, 5, 31)
LINK, OTHER = Link("kYdr", "https://vvd.bz"), Link("b", "https://vvd.bz")
caps = st.sampled_from(LADDER)
proofs = st.builds(RangeProof, st.integers(0, 31), st.integers(0, 31), st.booleans(), st.booleans())


def test_nothing_is_known_at_first() -> None:
    """The plan alone says how many days to ask for, and the endpoint is used."""
    record = RangeRecord()
    assert [record.longest(cap, NOW) for cap in LADDER] == list(LADDER)
    assert record.usable(NOW)


@given(caps, caps)
def test_a_found_cap_counts_for_a_time(most: RangeCap, found: RangeCap) -> None:
    """For a day, and for thirty if it is found again; the plan never gets more than it allows."""
    shorter = max(most, found, key=LADDER.index)
    once = RangeRecord().answered_after_refusal(found, NOW)
    assert once.longest(most, NOW) == once.longest(most, NOW + TRY_AGAIN_AFTER - SECOND) == shorter
    again = NOW + TRY_AGAIN_AFTER
    assert once.longest(most, again) == most
    twice = once.answered_after_refusal(found, again)
    assert twice.longest(most, again) == twice.longest(most, again + TRY_LONGER_AFTER - SECOND) == shorter
    assert twice.longest(most, again + TRY_LONGER_AFTER) == most


def test_a_cap_that_two_processes_find_at_the_same_time_is_found_once() -> None:
    """What refuses a range of both may pass; neither is one that was found a year ago found again."""
    once = RangeRecord().answered_after_refusal(RangeCap(14), NOW)
    assert once.answered_after_refusal(RangeCap(14), NOW + SECOND) == once
    assert once.answered_after_refusal(RangeCap(7), NOW + SECOND).longest(
        MONTH, NOW + TRY_AGAIN_AFTER
    ) == RangeCap(7)
    year = NOW + dt.timedelta(365)
    assert once.answered_after_refusal(RangeCap(14), year).longest(MONTH, year + TRY_AGAIN_AFTER) == MONTH


def test_the_lower_of_two_caps_counts() -> None:
    """Whichever process finds it first; after its time, a higher one takes its place."""
    low = RangeRecord().answered_after_refusal(RangeCap(7), NOW)
    assert low.answered_after_refusal(RangeCap(14), NOW + SECOND) == low
    assert low.answered_after_refusal(RangeCap(1), NOW).longest(MONTH, NOW) == RangeCap(1)
    later = NOW + TRY_LONGER_AFTER
    assert low.answered_after_refusal(RangeCap(14), later).longest(MONTH, later) == RangeCap(14)


def test_a_missing_endpoint_is_tried_again() -> None:
    """After a day, or another one if it was tried in vain; when it is back, it has to be compared."""
    record = RangeRecord(compared_at=NOW).given_up(NOW)
    assert record.compared_at is None
    assert not record.usable(NOW + TRY_AGAIN_AFTER - SECOND)
    later = NOW + TRY_AGAIN_AFTER
    assert record.usable(later)
    assert not record.tried_again(later).usable(later + SECOND)
    assert record.tried_again(later).compared(later).usable(later)


@pytest.mark.parametrize("ahead", [dt.timedelta(hours=1), dt.timedelta(days=900)])
def test_a_date_in_the_future_does_not_count(ahead: dt.timedelta) -> None:
    """It was written by a wrong clock."""
    record = RangeRecord(cap=RangeCap(7), refused_at=NOW + ahead).given_up(NOW + ahead)
    assert record.usable(NOW)
    assert record.longest(MONTH, NOW) == MONTH


@given(proofs, proofs)
def test_proofs_add_up(one: RangeProof, other: RangeProof) -> None:
    """In any order, and twice is as good as once."""
    first, second = RangeRecord().proved(one, None, NOW), RangeRecord().proved(other, None, NOW)
    assert first.proved(other, None, NOW) == second.proved(one, None, NOW)
    assert first.proved(one, None, NOW) == first
    assert first.disproved(other, NOW) == second


def test_the_better_witness_is_kept() -> None:
    """The one that proves longer ranges, or as long ones by one request; perhaps one day of each of two."""
    february, march, january = [day_of(day) for day in ("2025-02-10", "2025-03-10", "2025-01-10")]
    short = Witness(LINK, DateRange.of("2025-02-01", "2025-02-28"))
    long = Witness(OTHER, DateRange.of("2025-01-01", "2025-01-31"))
    both = Witness(LINK, DateRange.of("2025-02-10", "2025-03-10"))
    record = RangeRecord()
    for witness, held in [
        (february, february),
        (march, both),
        (january, both),
        (short, both),
        (long, long),
        (january, long),
    ]:
        record = attrs.evolve(record, witness=record.better(witness, MONTH, LATEST))
        assert record.witness == held
    assert record.better(None, MONTH, LATEST) == long
    assert record.without_witness().better(january, MONTH, LATEST) == january


@given(st.sets(st.dates(dt.date(2024, 1, 1), LATEST), min_size=1, max_size=8), caps)
def test_no_two_days_prove_more_than_the_best(days: set[dt.date], cap: RangeCap) -> None:
    """One begins the longest range that is over, and the other ends the longest."""
    best = Witness.best(LINK, days, cap, LATEST)
    assert {best.days.start, best.days.end} <= days
    for first, last in itertools.combinations_with_replacement(sorted(days), 2):
        checks = Witness(LINK, DateRange(first, last)).checks(cap, LATEST)
        assert all(cap.allows(check) and check.end <= LATEST for check in checks)
        if len(checks) > 1:
            assert min(map(len, checks)) <= best.worth(cap, LATEST)[0]


def test_what_a_witness_proves() -> None:
    """As many days as both of its ranges have, or as it has itself, which takes one request."""
    assert day_of("2025-01-10").worth(MONTH, LATEST) == (31, False)
    assert day_of("2025-02-10").worth(MONTH, LATEST) == (28, False)
    assert day_of("2025-05-10").worth(MONTH, LATEST) == (1, True)
    assert Witness(LINK, DateRange.of("2025-01-01", "2025-01-31")).worth(MONTH, LATEST) == (31, True)
    assert Witness(LINK, DateRange.of("2025-01-01", "2025-01-07")).worth(RangeCap(7), LATEST) == (7, True)
    assert Witness(LINK, DateRange.of("2025-01-01", "2025-01-06")).worth(RangeCap(7), LATEST) == (7, False)


def day_of(day: str) -> Witness:
    """Return a witness of one day."""
    return Witness(LINK, DateRange.of(day, day))
