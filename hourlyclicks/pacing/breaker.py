"""Circuit breakers: when many requests fail, stop sending for a while, then probe with one.

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
        binding: what the request waits for.
    """

    until: int | None
    binding: Binding


_FOR_THE_PROBE = Wait(None, "pause")


class BreakerState(NamedTuple):
    """All that a `CircuitBreaker` knows; see there."""

    epoch: int = 0
    until: int = 0
    held: bool = False
    probing: bool = False


class CircuitBreaker:
    """Whether one stream of requests may go: closed, open, or half-open.

    Attributes:
        epoch: how often it has opened.
        until: when it is half-open, or was the last time.
        held: whether it is open or half-open, so that at most a probe may go.
        probing: whether a probe is in flight.
    """

    __slots__ = ("epoch", "held", "probing", "until")

    def __init__(self) -> None:
        self.epoch = 0
        self.until = 0
        self.held = False
        self.probing = False

    @property
    def state(self) -> BreakerState:
        """All that it knows."""
        return BreakerState(self.epoch, self.until, self.held, self.probing)

    def restore(self, state: BreakerState) -> None:
        """Go on where another breaker was."""
        self.epoch, self.until, self.held, self.probing = state

    def begin(self, until: int) -> None:
        """Open it until that moment; then it is half-open."""
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
        """Return the moment from which a request may go, as far as is known."""
        return max(now, self.until) if self.held else now

    def sent(self) -> bool:
        """Note that a request goes; return whether it is the probe."""
        self.probing = self.held
        return self.held

    def probe_lost(self) -> None:
        """Let another probe go in place of one without a result."""
        self.probing = False

    def end(self) -> bool:
        """Close it; return whether it was open or half-open."""
        held, self.held, self.probing = self.held, False, False
        return held


class OpenIntervals:
    """How long a breaker stays open: a first time, then doubling, up to 15 times the first.

    Attributes:
        pauses: how often it has opened since the last answer.
    """

    def __init__(self, first: float) -> None:
        self._first = first
        self.pauses = 0

    @property
    def spent(self) -> bool:
        """Whether it has opened `MOST_PAUSES` times without an answer."""
        return self.pauses >= MOST_PAUSES

    def next(self, asked: float | None, u: float) -> float:
        """Return for how many seconds to open; `asked` by the server, `u`: random in [0, 1)."""
        doubled = self._first * 2.0 ** min(self.pauses, _DOUBLINGS)
        self.pauses += 1
        return (asked or min(doubled, _MOST_TIMES_THE_FIRST * self._first)) * (1 + u / 4)

    def answered(self) -> None:
        """Begin anew: there is progress."""
        self.pauses = 0


class BackfillBreaker:
    """The circuit breaker for the backfills of one process.

    Args:
        first: seconds; how long it opens the first time.

    Attributes:
        opened: whether it has opened since the last answer.
    """

    def __init__(self, first: float) -> None:
        self.opened = False
        self._breaker = CircuitBreaker()
        self._intervals = OpenIntervals(first)

    @property
    def spent(self) -> bool:
        """Whether it has opened too often without an answer."""
        return self._intervals.spent

    def begin(self, now: int, u: float) -> float | None:
        """Open it unless it is open; return for how many seconds if it opened."""
        if self._breaker.blocks(now) is not None or self._intervals.spent:
            return None
        self.opened = True
        seconds = self._intervals.next(None, u)
        self._breaker.begin(now + round(seconds * SECOND))
        return seconds

    def succeeded(self) -> bool:
        """Note that a day was answered; return whether that closed the breaker."""
        self.opened = False
        self._intervals.answered()
        return self._breaker.end()

    def blocks(self, now: int) -> Wait | None:
        """Say why a backfill must wait now, or ``None`` when it may go."""
        return self._breaker.blocks(now)

    def opens(self, now: int) -> int:
        """Return the moment from which a backfill may go, as far as is known."""
        return self._breaker.opens(now)

    def admit(self, slot: Slot) -> Slot:
        """Hand out a slot of a backfill, and record its epoch in it."""
        slot.backfill_probe = self._breaker.sent()
        slot.backfill_epoch = self._breaker.epoch
        return slot

    def outdated(self, slot: Slot) -> bool:
        """Return whether the breaker has opened since a slot was handed out."""
        return slot.backfill_epoch != self._breaker.epoch

    def lost(self, slot: Slot) -> bool:
        """Note that a slot was given back; return whether its request was the probe."""
        if not slot.backfill_probe or self.outdated(slot):
            return False
        self._breaker.probe_lost()
        return True
