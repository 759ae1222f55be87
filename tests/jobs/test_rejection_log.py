"""Which rejections are final, as a state machine without a clock or a network."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.jobs.parking import Parking
from hourlyclicks.jobs.rejection_log import RejectionLog
from hourlyclicks.model.rejections import likeness
from tests.fetching.asking import LINK
from tests.jobs.rejecting import GATEWAY, NO, day, reject


def test_a_rejection_is_ready_after_an_answer_to_a_later_request() -> None:
    """It needs an answer to a request that was sent after it, and must be recorded."""
    parking = Parking(keeps=True)
    parking.answered(day(0), 0)
    reject(parking, day(1), now=10)
    parking.recorded(day(1), None)
    parking.answered(day(2), 9)
    assert parking.rejections.take_ready(LINK) == []
    parking.answered(day(3), 10)
    (ready,) = parking.rejections.take_ready(LINK)
    assert (ready.query, ready.between) == (day(1), True)
    assert parking.rejections.take_ready(LINK) == []


def test_a_gateway_rejects_no_day() -> None:
    """Its answers park a target, but are never final for a day; nor is any rejection without a store."""
    for keeps, error in ((True, GATEWAY), (False, NO)):
        parking = Parking(keeps=keeps)
        parking.answered(day(0), 0)
        reject(parking, day(1), error)
        parking.recorded(day(1), None)
        parking.answered(day(2), 10)
        assert parking.rejections.take_ready(LINK) == []


@given(st.lists(st.booleans(), max_size=12))
def test_a_kind_of_rejection_is_trusted_until_one_is_answered(seen: list[bool]) -> None:
    """Three repetitions are enough; a single one that is answered disproves the kind for good."""
    log, like = RejectionLog(), likeness(NO)
    for again in seen:
        log.repeated(like, again=again)
    assert log.trusts(like) == (sum(seen) >= 3 and all(seen))
