"""Circuit breakers: the one for all requests, the one for backfills, and how long they stay open."""

from __future__ import annotations

import math

import pytest

from hourlyclicks.pacing.breaker import MOST_PAUSES, BackfillBreaker, CircuitBreaker, OpenIntervals, Wait
from hourlyclicks.pacing.window import Slot
from tests.pacing.world import S

DOUBLED = [60, 120, 240, 480, 900, 900, 900, 900, 900, 900]


def paused(until: int) -> CircuitBreaker:
    """Begin a pause."""
    pause = CircuitBreaker()
    pause.begin(until)
    return pause


def test_nothing_is_held_at_first() -> None:
    """Before the first refusal everything may go, and nothing of it is a probe."""
    pause = CircuitBreaker()
    assert pause.blocks(0) is None
    assert pause.opens(7) == 7
    assert not pause.sent()
    assert not pause.end()


def test_everything_is_held_until_its_end() -> None:
    """A pause names the moment it is over, and at that moment it is."""
    pause = paused(10)
    assert pause.blocks(9) == Wait(10, "pause")
    assert pause.opens(9) == 10
    assert pause.blocks(10) is None
    assert pause.opens(11) == 11


def test_one_probe() -> None:
    """After a pause one request may go; the others wait for its answer, whose moment nobody knows."""
    pause = paused(10)
    assert pause.sent()
    assert pause.blocks(11) == Wait(None, "pause")
    assert pause.blocks(10**12) == Wait(None, "pause")


def test_the_answer_ends_it() -> None:
    """When the probe was answered everything goes, and no request is a probe any more."""
    pause = paused(10)
    pause.sent()
    assert pause.end()
    assert pause.blocks(11) is None
    assert not pause.sent()


def test_a_lost_probe_is_replaced() -> None:
    """A probe that came to nothing makes room for another."""
    pause = paused(10)
    pause.sent()
    pause.probe_lost()
    assert pause.blocks(11) is None
    assert pause.sent()


def test_each_pause_is_an_epoch() -> None:
    """A pause after a pause is a new epoch and waits for a new probe; the end of one is no epoch."""
    pause = paused(10)
    pause.sent()
    first = pause.epoch
    pause.begin(20)
    assert pause.epoch == first + 1
    assert pause.blocks(19) == Wait(20, "pause")
    assert pause.blocks(20) is None
    pause.end()
    assert pause.epoch == first + 1


# -- how long they stay open


def test_pauses_double() -> None:
    """Without a wish of the server the first pause is a window, the next twice that, up to fifteen."""
    backoff = OpenIntervals(60.0)
    assert [backoff.next(None, 0.0) for _ in range(MOST_PAUSES)] == DOUBLED
    assert backoff.spent


def test_the_longest_run_of_pauses_does_not_overflow() -> None:
    """However many pauses there are, each has a length."""
    backoff = OpenIntervals(60.0)
    assert {backoff.next(None, 0.0) for _ in range(5000)} == set(DOUBLED)


def test_the_server_names_the_length() -> None:
    """A wish of the server is granted, and counts as a pause."""
    backoff = OpenIntervals(60.0)
    assert backoff.next(7.5, 0.0) == 7.5
    assert backoff.next(None, 0.0) == 120


@pytest.mark.parametrize("asked", [None, 40.0])
def test_chance_makes_it_up_to_a_quarter_longer(asked: float | None) -> None:
    """Chance lengthens a pause by at most a quarter, and never shortens it, whoever named its length."""
    length = asked or 60.0
    assert OpenIntervals(60.0).next(asked, 0.5) == length * 1.125
    assert OpenIntervals(60.0).next(asked, math.nextafter(1.0, 0.0)) == pytest.approx(length * 1.25)


def test_an_answer_begins_anew() -> None:
    """An answer between two pauses makes the next one short again, and the count of pauses zero."""
    backoff = OpenIntervals(60.0)
    for _ in range(MOST_PAUSES):
        backoff.next(None, 0.0)
    backoff.answered()
    assert not backoff.spent
    assert backoff.next(None, 0.0) == 60


# -- the breaker for backfills


def slot(breaker: BackfillBreaker) -> Slot:
    """Let a slot of a backfill go."""
    return breaker.admit(Slot(0, 0, 0))


def test_without_a_storm_everything_goes() -> None:
    """Nothing is held, and no request is a probe."""
    breaker = BackfillBreaker(60.0)
    assert breaker.blocks(5) is None
    assert breaker.opens(5) == 5
    assert not slot(breaker).backfill_probe
    assert not breaker.succeeded()


def test_a_storm_holds_for_a_while_and_then_lets_one_try() -> None:
    """After the pause one request finds out, and its answer ends the breaker."""
    breaker = BackfillBreaker(60.0)
    assert breaker.begin(0, 0.0) == 60.0
    assert breaker.blocks(59 * S) == Wait(60 * S, "pause")
    assert breaker.opens(0) == 60 * S
    assert breaker.blocks(60 * S) is None
    assert slot(breaker).backfill_probe
    assert breaker.blocks(60 * S) == Wait(None, "pause")
    assert breaker.succeeded()
    assert breaker.blocks(60 * S) is None


def test_a_storm_begins_once() -> None:
    """While it holds, another beginning adds nothing."""
    breaker = BackfillBreaker(60.0)
    breaker.begin(0, 0.0)
    assert breaker.begin(1, 0.0) is None
    assert breaker.opens(1) == 60 * S


def test_the_pauses_grow_up_to_an_end() -> None:
    """They double up to fifteen times the first, and a quarter more by chance; after ten there are none."""
    breaker, now, lengths = BackfillBreaker(60.0), 0, []
    while (seconds := breaker.begin(now, 0.999_999)) is not None:
        lengths.append(round(seconds / 1.25))
        now = breaker.opens(now)
    assert lengths == [60, 120, 240, 480, *[900] * 6]
    assert breaker.spent
    breaker.succeeded()
    assert not breaker.spent


def test_a_lost_probe_of_a_backfill_is_replaced() -> None:
    """When the probe came to nothing, another may go; a slot from before the storm is none."""
    breaker = BackfillBreaker(60.0)
    early = slot(breaker)
    breaker.begin(0, 0.0)
    probe = slot(breaker)
    assert breaker.outdated(early)
    assert not breaker.lost(early)
    assert breaker.blocks(60 * S) == Wait(None, "pause")
    assert breaker.lost(probe)
    assert breaker.blocks(60 * S) is None


def test_a_probe_of_an_earlier_storm_is_none() -> None:
    """Once the next pause has begun, what becomes of it does not matter."""
    breaker = BackfillBreaker(60.0)
    breaker.begin(0, 0.0)
    probe = slot(breaker)
    breaker.lost(probe)
    breaker.begin(61 * S, 0.0)
    assert breaker.outdated(probe)
    assert not breaker.lost(probe)
