"""The runs of the holder of a lease: it takes no steps in which they could report themselves."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.coordination.registry import RegisteredRun


class LeasedRuns:
    """The runs within a lease, which a run over many accounts reports with its own."""

    def __init__(self) -> None:
        self._runs: set[RegisteredRun] = set()

    @contextmanager
    def registered(self, run: RegisteredRun, *, after: int = 0) -> Iterator[None]:  # noqa: ARG002 - it costs nothing
        """See `hourlyclicks.coordination.registry.RunRegistry.registered`."""
        self._runs.add(run)
        try:
            yield
        finally:
            self._runs.discard(run)

    @property
    def requests(self) -> int:
        """How many requests they still have to send, if none has to be repeated."""
        return sum(run.requests for run in self._runs)
