"""Which view a run gets, and that a view cannot harm the run."""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING, Self

import pytest

from hourlyclicks import Limits
from hourlyclicks.cli.progress.drawing import terminal
from hourlyclicks.cli.progress.live import LiveView
from hourlyclicks.cli.progress.plain import PlainView
from hourlyclicks.cli.progress.stats import start_stats
from hourlyclicks.cli.progress.views import SafeView, open_view, shown
from hourlyclicks.events import LOGGER, ClockSkew, Dispatcher, Paused
from hourlyclicks.pacing.eta import forecast

if TYPE_CHECKING:
    from types import TracebackType

    from hourlyclicks.cli.progress.stats import RunStats
    from hourlyclicks.events import Event


def some_stats() -> RunStats:
    """Return the stats of a run of a month."""
    return start_stats("a month", Limits(), forecast(30, Limits()))


def test_a_pipe_gets_plain_lines() -> None:
    """If stderr is not a terminal, nothing is drawn."""
    assert isinstance(open_view(some_stats()).view, PlainView)


@pytest.mark.parametrize("size", ["0", "abc", "1", "8", "9", "-1", "\u00b2", "0" * 30])
def test_no_size_of_a_terminal_breaks_the_view(monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    """With any COLUMNS and LINES the view can be made and drawn."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", size)
    monkeypatch.setenv("LINES", size)
    out = io.StringIO()
    console = terminal()
    monkeypatch.setattr(console, "_force_terminal", True)
    console.file = out
    view = LiveView(some_stats(), console)
    with shown(view):
        view(Paused(seconds=60.0, why="so"))
    assert view._live.error is None
    assert out.getvalue()


class Breaking:
    """A view that fails at a given place.

    Args:
        where: "start", "event" or "end".
        error: how.
    """

    def __init__(self, where: str, error: Exception) -> None:
        self.stats = some_stats()
        self.where = where
        self.error = error
        self.calls: list[str] = []

    def _reach(self, place: str) -> None:
        self.calls.append(place)
        if place == self.where:
            raise self.error

    def __call__(self, event: Event, /) -> None:
        """Take note of an event."""
        self.stats.take(event, 1.0)
        self._reach("event")

    def __enter__(self) -> Self:
        self._reach("start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reach("end")


@pytest.mark.parametrize("where", ["start", "event", "end"])
@pytest.mark.parametrize(
    "error", [ValueError("width"), OSError(5, "EIO"), BrokenPipeError(), RecursionError()]
)
def test_a_view_that_fails_is_replaced(
    where: str, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    """After any exception a view is stopped once, plain lines follow, and every event is counted once."""
    inner = Breaking(where, error)
    view = SafeView(inner)
    with shown(view):
        for _ in range(3):
            view(Paused(seconds=60.0, why="so"))
    assert inner.stats.pauses == 3
    assert inner.calls.count("end") == 1
    said = capsys.readouterr().err
    assert said.count("the live view is off") == (where != "end")
    assert said.count("paused for") == {"start": 3, "event": 2, "end": 0}[where]


def test_plain_lines_that_fail_end_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """If even plain lines fail, events are only counted."""
    view = open_view(some_stats())
    assert isinstance(view.view, PlainView)
    monkeypatch.setattr(PlainView, "__call__", Breaking("event", ValueError("no")))
    with shown(view):
        for _ in range(3):
            view(Paused(seconds=60.0, why="so"))
    assert view.stats.pauses == 2  # the first one was lost with the view


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), BrokenPipeError(), ValueError("closed")])
def test_a_drawing_that_fails_spares_the_streams(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the terminal goes away, also during a refresh, stdout and stderr are untouched."""
    monkeypatch.setenv("TERM", "xterm")
    console = terminal()
    monkeypatch.setattr(console, "_force_terminal", True)
    console.file = Gone(error)
    before = sys.stdout, sys.stderr
    view = SafeView(LiveView(some_stats(), console))
    with shown(view):
        view(Paused(seconds=60.0, why="so"))
        print("data")  # noqa: T201 - that is what must arrive
    assert (sys.stdout, sys.stderr) == before
    assert isinstance(view.view, PlainView)
    assert capsys.readouterr().out == "data\n"


class Gone(io.StringIO):
    """A terminal that is gone."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        """Fail."""
        raise self.error


@pytest.mark.parametrize(("term", "kind"), [("xterm", LiveView), ("dumb", PlainView)])
def test_a_terminal_gets_the_live_view(monkeypatch: pytest.MonkeyPatch, term: str, kind: type) -> None:
    """A terminal that can draw gets the live view."""
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert isinstance(open_view(some_stats()).view, kind)


class Unwritable:
    """A view on a terminal that has gone."""

    stats = some_stats()

    def __call__(self, _event: Event, /) -> None:
        """Fail."""
        raise BrokenPipeError

    def __enter__(self) -> Self:
        raise BrokenPipeError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise BrokenPipeError


def test_what_a_view_shows_is_not_logged_to_the_same_place(caplog: pytest.LogCaptureFixture) -> None:
    """While a view shows events, the log, which may write to stderr, does not; it has everything else."""
    dispatch = Dispatcher()
    with shown(PlainView(some_stats())):
        dispatch(ClockSkew(seconds=600.0))
        dispatch(Paused(seconds=1.0, why="shown"))
        logging.getLogger(LOGGER).warning("not about an event")
    dispatch(Paused(seconds=1.0, why="not shown"))
    assert caplog.messages == ["not about an event", "paused for 1 s: not shown"]


def test_a_terminal_that_has_gone_ends_no_run() -> None:
    """Neither the start nor the end of a view can fail a run, and an error of the run is raised."""
    with shown(Unwritable()):
        done = True
    assert done
    with pytest.raises(ZeroDivisionError), shown(Unwritable()):
        raise ZeroDivisionError
