"""A pause, and the careful way out of it.

A pause begins with a refusal and ends with a *probe*: when its time is up one single request may go, and
the rest follow only when that one was answered. A probe that is lost (cancelled, or its connection broke)
is simply replaced by the next.

Each pause opens a new *epoch*. A request that left in an earlier epoch knows nothing of the pause: its
refusal belongs to the burst that caused the pause, and its success does not end it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hourlyclicks.events import Binding


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
