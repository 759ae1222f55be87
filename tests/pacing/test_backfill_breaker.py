"""What holds back backfills when too much fails."""

from __future__ import annotations

from hourlyclicks.pacing.backfill_breaker import BackfillBreaker
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.window import Slot
from tests.pacing.world import S


def slot(storm: BackfillBreaker) -> Slot:
    """Let a slot of a backfill go."""
    return storm.admit(Slot(0, 0, 0))


def test_without_a_storm_everything_goes() -> None:
    """Nothing is held, and no request is a probe."""
    storm = BackfillBreaker(60.0)
    assert storm.blocks(5) is None
    assert storm.opens(5) == 5
    assert not slot(storm).storm_probe
    assert not storm.calmed()


def test_a_storm_holds_for_a_while_and_then_lets_one_try() -> None:
    """After the pause one request finds out, and its answer ends the storm."""
    storm = BackfillBreaker(60.0)
    assert storm.begin(0, 0.0) == 60.0
    assert storm.blocks(59 * S) == Wait(60 * S, "pause")
    assert storm.opens(0) == 60 * S
    assert storm.blocks(60 * S) is None
    assert slot(storm).storm_probe
    assert storm.blocks(60 * S) == Wait(None, "pause")
    assert storm.calmed()
    assert storm.blocks(60 * S) is None


def test_a_storm_begins_once() -> None:
    """While it holds, another beginning adds nothing."""
    storm = BackfillBreaker(60.0)
    storm.begin(0, 0.0)
    assert storm.begin(1, 0.0) is None
    assert storm.opens(1) == 60 * S


def test_the_pauses_grow_up_to_an_end() -> None:
    """They double up to fifteen times the first, and a quarter more by chance; after ten there are none."""
    storm, now, lengths = BackfillBreaker(60.0), 0, []
    while (seconds := storm.begin(now, 0.999_999)) is not None:
        lengths.append(round(seconds / 1.25))
        now = storm.opens(now)
    assert lengths == [60, 120, 240, 480, *[900] * 6]
    assert storm.spent
    storm.calmed()
    assert not storm.spent


def test_a_lost_probe_is_replaced() -> None:
    """When the probe came to nothing, another may go; a slot from before the storm is none."""
    storm = BackfillBreaker(60.0)
    early = slot(storm)
    storm.begin(0, 0.0)
    probe = slot(storm)
    assert storm.outdated(early)
    assert not storm.lost(early)
    assert storm.blocks(60 * S) == Wait(None, "pause")
    assert storm.lost(probe)
    assert storm.blocks(60 * S) is None


def test_a_probe_of_an_earlier_storm_is_none() -> None:
    """Once the next pause has begun, what becomes of it does not matter."""
    storm = BackfillBreaker(60.0)
    storm.begin(0, 0.0)
    probe = slot(storm)
    storm.lost(probe)
    storm.begin(61 * S, 0.0)
    assert storm.outdated(probe)
    assert not storm.lost(probe)
