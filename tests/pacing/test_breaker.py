from __future__ import annotations

from hourlyclicks.pacing.breaker import CircuitBreaker, Wait


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
