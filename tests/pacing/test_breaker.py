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
    """Before the first 429 every request may be sent, and none is a probe."""
    pause = CircuitBreaker()
    assert pause.blocks(0) is None
    assert pause.opens(7) == 7
    assert not pause.sent()
    assert not pause.end()


def test_everything_is_held_until_its_end() -> None:
    """A pause names the moment at which it ends, and requests may be sent from then on."""
    pause = paused(10)
    assert pause.blocks(9) == Wait(10, "pause")
    assert pause.opens(9) == 10
    assert pause.blocks(10) is None
    assert pause.opens(11) == 11


def test_one_probe() -> None:
    """After a pause one request may be sent; the others wait for its response."""
    pause = paused(10)
    assert pause.sent()
    assert pause.blocks(11) == Wait(None, "pause")
    assert pause.blocks(10**12) == Wait(None, "pause")


def test_the_answer_ends_it() -> None:
    """After the probe is answered every request may be sent, and none is a probe."""
    pause = paused(10)
    pause.sent()
    assert pause.end()
    assert pause.blocks(11) is None
    assert not pause.sent()


def test_a_lost_probe_is_replaced() -> None:
    """A probe without a result is replaced by another one."""
    pause = paused(10)
    pause.sent()
    pause.probe_lost()
    assert pause.blocks(11) is None
    assert pause.sent()


def test_each_pause_is_an_epoch() -> None:
    """Each pause is a new epoch with a probe of its own; the end of a pause begins no epoch."""
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
    """Without Retry-After the first pause is a window; each further one is doubled, up to 15 windows."""
    backoff = OpenIntervals(60.0)
    assert [backoff.next(None, 0.0) for _ in range(MOST_PAUSES)] == DOUBLED
    assert backoff.spent


def test_the_longest_run_of_pauses_does_not_overflow() -> None:
    """However many pauses there were, the next one has a finite length."""
    backoff = OpenIntervals(60.0)
    assert {backoff.next(None, 0.0) for _ in range(5000)} == set(DOUBLED)


def test_the_server_names_the_length() -> None:
    """The length that a server asks for is kept, and counts as a pause."""
    backoff = OpenIntervals(60.0)
    assert backoff.next(7.5, 0.0) == 7.5
    assert backoff.next(None, 0.0) == 120


@pytest.mark.parametrize("asked", [None, 40.0])
def test_jitter_makes_a_pause_up_to_a_quarter_longer(asked: float | None) -> None:
    """Jitter lengthens a pause by at most a quarter and never shortens it, with Retry-After as without."""
    length = asked or 60.0
    assert OpenIntervals(60.0).next(asked, 0.5) == length * 1.125
    assert OpenIntervals(60.0).next(asked, math.nextafter(1.0, 0.0)) == pytest.approx(length * 1.25)


def test_an_answer_begins_anew() -> None:
    """An answer resets the length of the pauses and their number."""
    backoff = OpenIntervals(60.0)
    for _ in range(MOST_PAUSES):
        backoff.next(None, 0.0)
    backoff.answered()
    assert not backoff.spent
    assert backoff.next(None, 0.0) == 60


# -- the breaker for backfills


def slot(breaker: BackfillBreaker) -> Slot:
    """Return a slot that was granted to a backfill."""
    return breaker.admit(Slot(0, 0, 0))


def test_the_closed_breaker_of_backfills_holds_nothing() -> None:
    """Every backfill may send, and no request is a probe."""
    breaker = BackfillBreaker(60.0)
    assert breaker.blocks(5) is None
    assert breaker.opens(5) == 5
    assert not slot(breaker).backfill_probe
    assert not breaker.succeeded()


def test_the_open_breaker_of_backfills_lets_a_probe_go_after_the_pause() -> None:
    """After the pause one probe is sent, and its answer closes the breaker."""
    breaker = BackfillBreaker(60.0)
    assert breaker.begin(0, 0.0) == 60.0
    assert breaker.blocks(59 * S) == Wait(60 * S, "pause")
    assert breaker.opens(0) == 60 * S
    assert breaker.blocks(60 * S) is None
    assert slot(breaker).backfill_probe
    assert breaker.blocks(60 * S) == Wait(None, "pause")
    assert breaker.succeeded()
    assert breaker.blocks(60 * S) is None


def test_an_open_breaker_of_backfills_is_not_opened_again() -> None:
    """While it is open, another failure changes nothing."""
    breaker = BackfillBreaker(60.0)
    breaker.begin(0, 0.0)
    assert breaker.begin(1, 0.0) is None
    assert breaker.opens(1) == 60 * S


def test_the_pauses_grow_up_to_an_end() -> None:
    """They double up to 15 times the first, plus up to a quarter of jitter; after ten there are no more."""
    breaker, now, lengths = BackfillBreaker(60.0), 0, []
    while (seconds := breaker.begin(now, 0.999_999)) is not None:
        lengths.append(round(seconds / 1.25))
        now = breaker.opens(now)
    assert lengths == [60, 120, 240, 480, *[900] * 6]
    assert breaker.spent
    breaker.succeeded()
    assert not breaker.spent


def test_a_lost_probe_of_a_backfill_is_replaced() -> None:
    """A probe without a result is replaced; a slot of an earlier epoch is no probe."""
    breaker = BackfillBreaker(60.0)
    early = slot(breaker)
    breaker.begin(0, 0.0)
    probe = slot(breaker)
    assert breaker.outdated(early)
    assert not breaker.lost(early)
    assert breaker.blocks(60 * S) == Wait(None, "pause")
    assert breaker.lost(probe)
    assert breaker.blocks(60 * S) is None


def test_a_probe_of_an_earlier_epoch_is_none() -> None:
    """Once the next pause has begun, the result of the earlier probe does not count."""
    breaker = BackfillBreaker(60.0)
    breaker.begin(0, 0.0)
    probe = slot(breaker)
    breaker.lost(probe)
    breaker.begin(61 * S, 0.0)
    assert breaker.outdated(probe)
    assert not breaker.lost(probe)
