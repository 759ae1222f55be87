"""The circuit breakers as a state machine, without a clock or a network."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import ApiError
from hourlyclicks.jobs.parking import PROBE_AFTER, ROW, WIDE, Parking, State
from hourlyclicks.model.rejections import likeness
from hourlyclicks.model.targets import Link, Query
from tests.fetching.asking import DAY, LINK

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Target

OTHER = Link("xyz", "https://vvd.bz")
NOON = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
NO = ApiError("no such link", code=7, status=200)
BUSY = ApiError("maintenance", code=900, status=200)
GATEWAY = ApiError("404 page not found", code=None, status=404)


def day(number: int, target: Target = LINK) -> Query:
    """Return a day of a target."""
    return Query(DAY + dt.timedelta(number), target)


def none_on(number: int) -> ApiError:
    """Return a rejection that names its day."""
    return ApiError(f"none on {DAY + dt.timedelta(number)}", code=7, status=200)


def reject(parking: Parking, query: Query, error: ApiError = NO, now: int = 0) -> None:
    """Let the API reject a day."""
    parking.rejected(query, error, now=now, asked=NOON)


def parked(*, target: Target = LINK, parking: Parking | None = None, error: ApiError = NO) -> Parking:
    """Return circuit breakers of which that of a target is open."""
    parking = parking or Parking(keeps=True)
    for number in range(ROW):
        reject(parking, day(number, target), error)
        parking.noted(day(number, target), None)
    assert parking.needs_check(target)
    parking.begin_check(day(29, target))
    reject(parking, day(29, target), error)
    parking.end_trial(target)
    assert target in parking.parked
    return parking


def test_a_row_lets_only_the_check_go() -> None:
    """After five same rejections one task checks; meanwhile no other day of the target may be sent."""
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
    """Two days that are rejected five times make a row; a single bad day never does."""
    parking = Parking(keeps=True)
    for _ in range(3 * ROW):
        reject(parking, day(0), GATEWAY)
    assert not parking.needs_check(LINK)
    reject(parking, day(1), GATEWAY)
    assert parking.needs_check(LINK)


def test_a_check_that_comes_to_nothing_is_sent_again() -> None:
    """When it failed otherwise, or was cancelled, the next rejection asks for another one."""
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
    """A probe that is rejected leaves it parked for another minute; at the end only news are worth one."""
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


def test_the_first_answer_lifts_a_parking() -> None:
    """Its days may be sent again, and those that were rejected are handed back."""
    parking = parked()
    parking.begin_probe(day(29), 0)
    parking.answered(day(29), 0)
    assert (parking.parked, parking.holds(day(3))) == ({}, False)
    assert parking.lifted == [(LINK, [day(number) for number in range(ROW)])]
    assert parking.take_ripe(LINK) == []


def test_a_second_parked_target_is_hopeless_unless_anything_was_answered() -> None:
    """By the same answer, and nothing between; a witness that is answered shows that it is not."""
    parking = parked(target=OTHER, parking=parked())
    assert parking.needs_witness()
    assert parking.witness() is None
    assert parking.end_witness() is NO
    assert parking.hopeless
    assert not parked(target=OTHER, parking=parked(), error=BUSY).needs_witness()
    third = Link("good", "https://vvd.bz")
    between = parked()
    between.answered(day(0, third), 0)
    assert not parked(target=OTHER, parking=between).needs_witness()
    before = Parking(keeps=True)
    before.answered(day(0, third), 0)
    parking = parked(target=OTHER, parking=parked(parking=before))
    assert parking.needs_witness()
    assert parking.witness() == day(0, third)
    parking.answered(day(0, third), 0)
    assert parking.end_witness() is None
    assert not parking.hopeless


def test_many_targets_of_few_days_need_a_witness() -> None:
    """One is asked when so many were rejected alike in a row; the run is hopeless if it is not answered."""
    links = [Link(f"link{number}", "https://vvd.bz") for number in range(3 * WIDE)]
    parking = Parking(keeps=True)
    parking.answered(day(1, OTHER), 0)
    for link in links[: WIDE - 1]:
        reject(parking, day(0, link))
    assert not parking.needs_witness()
    reject(parking, day(0, links[WIDE]))
    assert (parking.needs_witness(), parking.needs_witness()) == (True, False)
    assert parking.witness() == day(1, OTHER)
    parking.answered(day(1, OTHER), 0)
    assert parking.end_witness() is None
    for link in links[: 2 * WIDE]:  # twice as many from then on
        assert not parking.needs_witness()
        reject(parking, day(0, link))
    assert parking.needs_witness()
    assert parking.end_witness() is NO
    assert parking.hopeless
    assert not parking.needs_witness()


def test_one_target_alone_needs_no_witness() -> None:
    """That is what its own circuit is for."""
    parking = Parking(keeps=True)
    for number in range(3 * WIDE):
        reject(parking, day(number))
    assert not parking.needs_witness()


def test_a_rejection_is_ripe_after_an_answer_to_a_later_request() -> None:
    """An answer whose request was sent before the rejection came says nothing; nor does one not noted."""
    parking = Parking(keeps=True)
    parking.answered(day(0), 0)
    reject(parking, day(1), now=10)
    parking.noted(day(1), None)
    parking.answered(day(2), 9)
    assert parking.take_ripe(LINK) == []
    parking.answered(day(3), 10)
    (ripe,) = parking.take_ripe(LINK)
    assert (ripe.query, ripe.between) == (day(1), True)
    assert parking.take_ripe(LINK) == []


def test_a_gateway_rejects_no_day() -> None:
    """Its answers park a target, and are never believed of a day; neither are those without a store."""
    for keeps, error in ((True, GATEWAY), (False, NO)):
        parking = Parking(keeps=keeps)
        parking.answered(day(0), 0)
        reject(parking, day(1), error)
        parking.noted(day(1), None)
        parking.answered(day(2), 10)
        assert parking.take_ripe(LINK) == []


@given(st.lists(st.booleans(), max_size=12))
def test_a_rejection_is_trusted_until_it_fails_to_come_again(seen: list[bool]) -> None:
    """Three repetitions are enough; a single one that was answered instead disproves it for good."""
    parking, like = Parking(keeps=True), likeness(NO)
    for again in seen:
        parking.repeated(like, again=again)
    assert parking.trusts(like) == (sum(seen) >= 3 and all(seen))


ERRORS = {"no": NO, "busy": BUSY, "gateway": GATEWAY}
steps = st.tuples(
    st.sampled_from(["answer", "check", "end", "probe", *ERRORS]),
    st.integers(0, 9),
    st.sampled_from([LINK, OTHER]),
)


def step(parking: Parking, what: str, query: Query, now: int) -> None:
    """Let one thing happen."""
    if what in ERRORS:
        reject(parking, query, ERRORS[what], now)
        parking.noted(query, None)
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
def test_whatever_comes_the_circuits_stay_in_order(story: list[tuple[str, int, Target]]) -> None:
    """Days are held only of targets that check or are parked, all of them but one that tries."""
    parking = Parking(keeps=True)
    for number, (what, which, target) in enumerate(story):
        step(parking, what, day(which, target), 20 * number * SECOND)
        for each in (LINK, OTHER):
            held = sum(parking.holds(day(number, each)) for number in range(30))
            breaker = parking._breakers.get(each)
            assert held in ({0} if breaker is None or breaker.state is State.CLOSED else {29, 30})
            assert held or each not in parking.parked
        assert all(rejection.error.code is not None for rejection in parking.take_ripe(target))
