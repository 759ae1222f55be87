"""Which view a run gets, and that it cannot hurt the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import pytest

from hourlyclicks import Limits
from hourlyclicks.cli.live import LiveView
from hourlyclicks.cli.progress import PlainView, start_tally
from hourlyclicks.cli.views import open_view, shown

if TYPE_CHECKING:
    from types import TracebackType

    from hourlyclicks.cli.progress import Tally
    from hourlyclicks.events import Event


def tally() -> Tally:
    """Return the tally of a run of a month."""
    return start_tally("a month", 30, Limits())


def test_a_pipe_gets_plain_lines() -> None:
    """Where stderr is no terminal, nothing is drawn."""
    assert isinstance(open_view(tally()).view, PlainView)


@pytest.mark.parametrize(("term", "kind"), [("xterm", LiveView), ("dumb", PlainView)])
def test_a_terminal_gets_the_live_view(monkeypatch: pytest.MonkeyPatch, term: str, kind: type) -> None:
    """A terminal that can draw is drawn on."""
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert isinstance(open_view(tally()).view, kind)


class Unwritable:
    """A view on a terminal that has gone."""

    tally = tally()

    def __call__(self, _event: Event, /) -> None:
        """Fail."""
        raise BrokenPipeError

    def __enter__(self) -> Self:
        raise BrokenPipeError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise BrokenPipeError


def test_a_terminal_that_has_gone_ends_no_run() -> None:
    """Neither the beginning nor the end of a view can fail a run, and an error of the run comes through."""
    with shown(Unwritable()):
        done = True
    assert done
    with pytest.raises(ZeroDivisionError), shown(Unwritable()):
        raise ZeroDivisionError
