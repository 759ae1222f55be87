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


class Pause:
    """Whether one stream of requests is held up, and by what."""

    __slots__ = ("_held", "_probing", "epoch", "until")

    def __init__(self) -> None:
        self.epoch = 0
        self.until = 0
        self._held = False
        self._probing = False

    def begin(self, until: int) -> None:
        """Hold everything until that moment, then ask for a probe."""
        self.epoch += 1
        self.until = until
        self._held = True
        self._probing = False

    def blocks(self, now: int) -> Wait | None:
        """Say why a request must wait now, or ``None`` when it may go."""
        if not self._held:
            return None
        if now < self.until:
            return Wait(self.until, "pause")
        return _FOR_THE_PROBE if self._probing else None

    def opens(self, now: int) -> int:
        """Return the moment from which a request may go, as far as can be foreseen."""
        return max(now, self.until) if self._held else now

    def sent(self) -> bool:
        """Note that a request goes; return whether it is the probe."""
        self._probing = self._held
        return self._held

    def probe_lost(self) -> None:
        """Let another probe go in place of one that came to nothing."""
        self._probing = False

    def end(self) -> bool:
        """Let everything go again; return whether anything was held."""
        held, self._held, self._probing = self._held, False, False
        return held
