"""Circuit breakers: when much fails, stop sending for a while, then try with one request.

A breaker is *closed* as long as requests may go. It *opens* after a failure, for a time that doubles from
failure to failure. When that time is up it is *half-open*: a single request, the *probe*, may go. The answer
of the probe closes the breaker. A probe that is lost (cancelled, or its connection broke) is replaced by the
next one.

Each opening begins a new *epoch*. A request that was sent in an earlier epoch says nothing about this one: a
429 for it belongs to the burst that opened the breaker, and its success does not close it.

There are two kinds. The breaker in the `SlidingWindow` holds all requests after a 429. A `BackfillBreaker`
holds the backfills of one process when too many of their requests fail, while others may still go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND

if TYPE_CHECKING:
    from hourlyclicks.events import Binding
    from hourlyclicks.pacing.window import Slot

MOST_PAUSES = 10
"""After so many openings without an answer between them, a breaker is not opened again."""

_DOUBLINGS = 10
_MOST_TIMES_THE_FIRST = 15


class Wait(NamedTuple):
    """Why nothing may go now.

    Args:
        until: the moment to ask again in nanoseconds; ``None``: when something else has come back.
        binding: what holds it up.
    """

    until: int | None
    binding: Binding


_FOR_THE_PROBE = Wait(None, "pause")


class CircuitBreaker:
    """Whether one stream of requests is held up, and by what.

    Attributes:
        epoch: counts the pauses.
        until: the end of the last one.
        held: whether nothing may go but a probe.
        probing: whether there is one under way.
    """

    __slots__ = ("epoch", "held", "probing", "until")

    def __init__(self) -> None:
        self.epoch = 0
        self.until = 0
        self.held = False
        self.probing = False

    def begin(self, until: int) -> None:
        """Hold everything until that moment, then ask for a probe."""
        self.epoch += 1
        self.until = until
        self.held = True
        self.probing = False

    def blocks(self, now: int) -> Wait | None:
        """Say why a request must wait now, or ``None`` when it may go."""
        if not self.held:
            return None
        if now < self.until:
            return Wait(self.until, "pause")
        return _FOR_THE_PROBE if self.probing else None

    def opens(self, now: int) -> int:
        """Return the moment from which a request may go, as far as can be foreseen."""
        return max(now, self.until) if self.held else now

    def sent(self) -> bool:
        """Note that a request goes; return whether it is the probe."""
        self.probing = self.held
        return self.held

    def probe_lost(self) -> None:
        """Let another probe go in place of one that came to nothing."""
        self.probing = False

    def end(self) -> bool:
        """Let everything go again; return whether anything was held."""
        held, self.held, self.probing = self.held, False, False
        return held


class OpenIntervals:
    """The lengths of successive pauses: a first one, doubling up to 15 times as much.

    Attributes:
        pauses: how many there were since the last answer.
    """

    def __init__(self, first: float) -> None:
        self._first = first
        self.pauses = 0

    @property
    def spent(self) -> bool:
        """Whether there were `MOST_PAUSES` pauses without an answer."""
        return self.pauses >= MOST_PAUSES

    def next(self, asked: float | None, u: float) -> float:
        """Return how many seconds to pause; `asked` is the server's wish, `u` a random number in [0, 1)."""
        doubled = self._first * 2.0 ** min(self.pauses, _DOUBLINGS)
        self.pauses += 1
        return (asked or min(doubled, _MOST_TIMES_THE_FIRST * self._first)) * (1 + u / 4)

    def answered(self) -> None:
        """Begin anew: there is progress."""
        self.pauses = 0


class BackfillBreaker:
    """The storm there is, if there is one.

    Args:
        first: seconds; the length of the first pause.

    Attributes:
        quiet: whether there has been none since the last answer.
    """

    def __init__(self, first: float) -> None:
        self.quiet = True
        self._pause = CircuitBreaker()
        self._backoff = OpenIntervals(first)

    @property
    def spent(self) -> bool:
        """Whether there were too many pauses without an answer."""
        return self._backoff.spent

    def begin(self, now: int, u: float) -> float | None:
        """Begin a pause unless there is one; return its seconds if it is a new one."""
        if self._pause.blocks(now) is not None or self._backoff.spent:
            return None
        self.quiet = False
        seconds = self._backoff.next(None, u)
        self._pause.begin(now + round(seconds * SECOND))
        return seconds

    def calmed(self) -> bool:
        """Note that a day was answered; return whether that ends the storm."""
        self.quiet = True
        self._backoff.answered()
        return self._pause.end()

    def blocks(self, now: int) -> Wait | None:
        """Say why a backfill must wait now, or ``None`` when it may go."""
        return self._pause.blocks(now)

    def opens(self, now: int) -> int:
        """Return the moment from which a backfill may go, as far as can be foreseen."""
        return self._pause.opens(now)

    def admit(self, slot: Slot) -> Slot:
        """Let a slot of a backfill go, and write down between which storms."""
        slot.storm_probe = self._pause.sent()
        slot.storm = self._pause.epoch
        return slot

    def outdated(self, slot: Slot) -> bool:
        """Return whether another storm has begun since a slot was let go."""
        return slot.storm != self._pause.epoch

    def lost(self, slot: Slot) -> bool:
        """Note that a slot was given up; return whether it had been sent to try whether the storm is over."""
        if not slot.storm_probe or self.outdated(slot):
            return False
        self._pause.probe_lost()
        return True
