"""The circuit breakers of targets as a state machine, without a clock or a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.clock import SECOND
from hourlyclicks.jobs.parking import PROBE_AFTER, ROW, Parking, State
from tests.fetching.asking import LINK
from tests.jobs.rejecting import BUSY, GATEWAY, NO, OTHER, day, none_on, parked, reject

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Query, Target


def test_a_row_lets_only_the_check_go() -> None:
    """After five same rejections one worker sends a check; no other day of the target is sent meanwhile."""
    parking = Parking(keeps=True)
    for number in range(ROW):
        assert not parking.holds(day(number))
        reject(parking, day(number), none_on(number))
    assert parking.holds(day(ROW))
    assert not parking.holds(day(0, OTHER))
    assert (parking.needs_check(LINK), parking.needs_check(LINK)) == (True, False)
    parking.begin_check(day(29))
    assert [parking.holds(day(number)) for number in (ROW, 29)] == [True, False]
    parking.answered(day(29), 0)
    assert not parking.holds(day(ROW))
    for number in range(ROW, 3 * ROW):  # other days are known to be answered
        reject(parking, day(number), none_on(number))
    assert not parking.needs_check(LINK)


def test_other_answers_break_the_row() -> None:
    """A different rejection begins a new row, and so does an answer."""
    parking = Parking(keeps=True)
    for number in range(ROW - 1):
        reject(parking, day(number))
    reject(parking, day(ROW), BUSY)
    for number in range(ROW - 1):
        reject(parking, day(number))
    parking.answered(day(20), 0)
    for number in range(ROW - 1):
        reject(parking, day(number))
    assert not parking.needs_check(LINK)


def test_repetitions_count_unless_they_are_of_one_day() -> None:
    """Two days with five rejections make a row; a single day never does."""
    parking = Parking(keeps=True)
    for _ in range(3 * ROW):
        reject(parking, day(0), GATEWAY)
    assert not parking.needs_check(LINK)
    reject(parking, day(1), GATEWAY)
    assert parking.needs_check(LINK)


def test_a_check_without_a_result_is_sent_again() -> None:
    """If it fails otherwise, or is cancelled, the next rejection calls for another one."""
    parking = Parking(keeps=True)
    for number in range(ROW):
        reject(parking, day(number))
    assert parking.needs_check(LINK)
    parking.end_trial(LINK)
    assert not parking.holds(day(ROW))
    assert not parking.needs_check(LINK)
    reject(parking, day(ROW))
    assert parking.needs_check(LINK)


def test_a_parked_target_is_probed_after_a_minute_and_at_the_end() -> None:
    """A rejected probe leaves it parked for another minute; at the end it is probed only after an answer."""
    parking, minute = parked(), round(PROBE_AFTER * SECOND)
    assert parking.due_for_probe(minute - 1) == []
    assert parking.due_for_probe(minute - 1, last=True) == []
    assert parking.due_for_probe(minute) == [LINK]
    parking.begin_probe(day(29), minute)
    assert [parking.holds(day(number)) for number in (3, 29)] == [True, False]
    reject(parking, day(29), now=minute)
    parking.end_trial(LINK)
    assert parking.due_for_probe(2 * minute - 1) == []
    parking.answered(day(0, OTHER), 0)
    assert parking.due_for_probe(2 * minute - 1, last=True) == [LINK]


def test_the_first_answer_releases_a_parked_target() -> None:
    """Its days may be sent again, and those that were rejected are returned."""
    parking = parked()
    parking.begin_probe(day(29), 0)
    parking.answered(day(29), 0)
    assert (parking.parked, parking.holds(day(3))) == ({}, False)
    assert parking.released == [(LINK, [day(number) for number in range(ROW)])]
    assert parking.rejections.take_ready(LINK) == []


ERRORS = {"no": NO, "busy": BUSY, "gateway": GATEWAY}
steps = st.tuples(
    st.sampled_from(["answer", "check", "end", "probe", *ERRORS]),
    st.integers(0, 9),
    st.sampled_from([LINK, OTHER]),
)


def step(parking: Parking, what: str, query: Query, now: int) -> None:
    """Apply one random event."""
    if what in ERRORS:
        reject(parking, query, ERRORS[what], now)
        parking.recorded(query, None)
    elif what == "answer":
        parking.answered(query, now)
        assert query.target not in parking.parked
    elif what == "check" and parking.needs_check(query.target):
        parking.begin_check(query)
        assert not parking.holds(query)
    elif what == "probe" and query.target in parking.due_for_probe(now):
        parking.begin_probe(query, now)
        assert not parking.holds(query)
    elif what == "end":
        parking.end_trial(query.target)


@given(st.lists(steps, max_size=60))
def test_the_breakers_are_consistent_after_any_answers(story: list[tuple[str, int, Target]]) -> None:
    """Days are held only of targets with a check, or parked, except the check or probe itself."""
    parking = Parking(keeps=True)
    for number, (what, which, target) in enumerate(story):
        step(parking, what, day(which, target), 20 * number * SECOND)
        for each in (LINK, OTHER):
            held = sum(parking.holds(day(number, each)) for number in range(30))
            breaker = parking._breakers.get(each)
            assert held in ({0} if breaker is None or breaker.state is State.CLOSED else {29, 30})
            assert held or each not in parking.parked
        assert all(rejection.error.code is not None for rejection in parking.rejections.take_ready(target))
