"""When the API rejects everything, as a state machine without a clock or a network."""

from __future__ import annotations

from hourlyclicks.jobs.outage import WIDE
from hourlyclicks.jobs.parking import Parking
from hourlyclicks.model.targets import Link
from tests.jobs.rejecting import BUSY, NO, OTHER, day, parked, reject


def test_a_second_parked_target_is_an_outage_unless_anything_was_answered() -> None:
    """Two targets parked alike, with no answer between, are an outage unless a witness is answered."""
    parking = parked(target=OTHER, parking=parked())
    assert parking.needs_witness()
    assert parking.witness() is None
    assert parking.end_witness() is NO
    assert parking.outage
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
    assert not parking.outage


def test_many_targets_of_few_days_need_a_witness() -> None:
    """Enough rejections of the same kind in a row call for one; if it is not answered, it is an outage."""
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
    assert parking.outage
    assert not parking.needs_witness()


def test_one_target_alone_needs_no_witness() -> None:
    """Rejections of one target concern its own breaker only."""
    parking = Parking(keeps=True)
    for number in range(3 * WIDE):
        reject(parking, day(number))
    assert not parking.needs_witness()
