"""When a view in plain lines writes the next one: for each tenth, but not too often and not too rarely."""

from __future__ import annotations

_STEPS = 10
_SHORTEST_GAP = 2.0
_LONGEST_GAP = 30.0


class LinePace:
    """The lines that were written.

    Args:
        began: when the view began, in seconds.
    """

    def __init__(self, began: float) -> None:
        self._told_at = began
        self._step = 0

    def start(self, share: float) -> None:
        """Note how much was done when the run began."""
        self._step = int(share * _STEPS)

    def is_due(self, share: float, now: float) -> bool:
        """Return whether it is time for a line, which is taken to be written then.

        Args:
            share: how much is done, from 0 to 1; of a run that is done, the report tells.
            now: the present moment in seconds.
        """
        step, gap = int(share * _STEPS), now - self._told_at
        if share >= 1 or not ((step > self._step and gap >= _SHORTEST_GAP) or gap >= _LONGEST_GAP):
            return False
        self._step, self._told_at = step, now
        return True
