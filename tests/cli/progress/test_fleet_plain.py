"""The progress of many accounts: sums, and the names of accounts that fail."""

from __future__ import annotations

import datetime as dt
import io
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from hourlyclicks import UsageError
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.progress import fleet_plain as module
from hourlyclicks.cli.progress.fleet_live import LiveFleetView
from hourlyclicks.cli.progress.fleet_plain import PlainFleetView, open_fleet_view
from hourlyclicks.cli.progress.fleet_stats import FleetRunStats
from hourlyclicks.cli.progress.views import SafeView
from hourlyclicks.events import AccountEnded, FleetProgress
from hourlyclicks.fleet import AccountReport, AccountState

if TYPE_CHECKING:
    from hourlyclicks.events import Event

NOON = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)


def progress(*, complete: int = 0, failed: int = 0, running: int = 0, days: int = 0, done: int = 0) -> Event:
    """Return where a run of 100 accounts stands."""
    return FleetProgress(
        accounts=100,
        running=running,
        held=0,
        complete=complete,
        failed=failed,
        days=days,
        done=done,
        failed_days=0,
        listed=True,
        seconds=7.0,
    )


def ended(name: str, *, error: str | None = None) -> Event:
    """Return that an account has ended."""
    state = AccountState.COMPLETE if error is None else AccountState.FAILED
    failure = None if error is None else UsageError(error)
    return AccountEnded(report=AccountReport(name=name, state=state, error=failure))


def stats(deadline: dt.datetime | None = None) -> FleetRunStats:
    """Return the stats of a run of 100 accounts."""
    return FleetRunStats("100 accounts, 2025-04-01..2025-04-30", 100, deadline)


def test_accounts_that_have_not_begun_are_expected_to_be_like_the_others() -> None:
    """So the share is known before all have begun."""
    shown = stats()
    assert (shown.share, shown.expected_days) == (0.0, 0)
    shown.take(progress(running=20, days=600, done=300), 0.0)
    assert (shown.expected_days, shown.share) == (3000, 0.1)
    assert shown.days(0.0) == "300 of about 3,000 days"
    assert shown.counts() == "0 of 100 accounts complete, 20 active, 80 waiting"
    shown.take(progress(complete=98, failed=2, days=3000, done=2940), 60.0)
    assert shown.share == 1.0
    assert shown.days(60.0) == "2,940 of 3,000 days, 2,640 a minute"
    assert shown.counts() == "98 of 100 accounts complete, 2 failed"


def test_the_remaining_time_comes_from_the_speed() -> None:
    """Unless it is too early to tell, or a deadline comes before."""
    shown = stats()
    shown.take(progress(running=100, days=3000, done=0), 0.0)
    assert shown.remaining(0.0, NOON) == "7 s so far"
    assert shown.remaining(3.0, NOON) == "10 s so far"  # nothing is reported while all accounts wait
    shown.take(progress(running=100, days=3000, done=600), 60.0)
    assert shown.remaining(60.0, NOON).startswith("about 4 min left, until ")
    early = stats(NOON + dt.timedelta(minutes=1))
    early.take(progress(running=100, days=3000, done=0), 0.0)
    assert early.remaining(0.0, NOON).startswith("about 1 min left, until ")
    assert early.remaining(0.0, NOON).endswith(" (--deadline)")


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each tenth of the days, not too often, and one for each of the first accounts that fail."""
    now = [0.0]
    view = PlainFleetView(stats(), lambda: now[0], lambda: NOON)
    with view:
        for done in range(0, 3001, 30):
            now[0] = done / 30
            view(progress(running=100, days=3000, done=done))
        for number in range(30):
            view(ended(f"bad {number}", error="the environment variable NO_KEY is not set"))
        view(ended("good"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "100 accounts, 2025-04-01..2025-04-30"
    told = [line for line in lines if "accounts complete" in line]
    assert 9 <= len(told) <= 10
    assert told[4].startswith(
        "0 of 100 accounts complete, 100 active; 1,500 of 3,000 days, 1,800 a minute; about "
    )
    named = [line for line in lines if line.startswith("bad ")]
    assert len(named) == 20
    assert named[0] == "bad 0: the environment variable NO_KEY is not set"
    assert not [line for line in lines if "good" in line]


def test_a_view_that_begins_later_has_no_title(capsys: pytest.CaptureFixture[str]) -> None:
    """It follows a live view."""
    with PlainFleetView(stats(), begun=True):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("colour", [True, False])
def test_the_live_view(colour: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """Title, bar, states, remaining time, days and the last account that failed."""
    console = Console(file=io.StringIO(), width=90, force_terminal=True, no_color=not colour, markup=False)
    view = LiveFleetView(stats(), console, lambda: 60.0, lambda: NOON)
    view(progress(running=97, complete=2, failed=1, days=3000, done=1500))
    view(ended("bad\x1b[1m", error="no key"))
    with console.capture() as captured:
        console.print(view.render())
    text = captured.get()
    for shown in ("100 accounts, 2025-04-01", "50%", "2 of 100 accounts complete, 1 failed, 97 active"):
        assert shown in text
    assert "1,500 of 3,000 days" in text
    assert "no key" in text
    assert "bad\x1b[1m" not in text


def test_a_live_view_that_fails_is_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    """By plain lines; the run goes on."""

    class Failing(PlainFleetView):
        """A view that fails at each event."""

        def __call__(self, _: Event, /) -> None:
            """Fail."""
            raise OSError("the terminal is gone")

    class Lines(PlainFleetView):
        """Plain lines."""

    with SafeView(Failing(stats()), lines=Lines) as view:
        view(progress(running=1))
        view(ended("bad", error="no key"))
    shown = capsys.readouterr().err
    assert "the live view is off: OSError: the terminal is gone" in shown
    assert "bad: no key" in shown


def test_only_accounts_that_fail_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Not those that the end of the run kept from being complete."""
    stopped = AccountReport(name="stopped", state=AccountState.INCOMPLETE)
    with PlainFleetView(stats()) as view:
        view(AccountEnded(report=stopped))
        view(ended("bad", error="no key"))
    assert capsys.readouterr().err.splitlines()[1:] == ["bad: no key"]


def test_a_message_stands_above_the_live_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes through the console that draws; written past it, it would be erased by the next drawing."""
    drawn, past = io.StringIO(), io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(past, "utf-8", write_through=True))
    with LiveFleetView(stats(), Console(file=drawn, force_terminal=True)):
        say("stopping: no more requests are sent")
    assert "stopping: no more requests are sent" in drawn.getvalue()
    assert past.getvalue() == b""


def test_the_view_suits_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain lines for a pipe, and for a terminal that cannot be asked what it is."""
    assert isinstance(open_fleet_view(stats()).view, PlainFleetView)
    console = Console(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(module, "console_to_draw_on", lambda: console)
    assert isinstance(open_fleet_view(stats()).view, LiveFleetView)
    assert isinstance(open_fleet_view(stats(), drawn=False).view, PlainFleetView)

    def fail() -> Console:
        raise OSError("no terminal")

    monkeypatch.setattr(module, "console_to_draw_on", fail)
    assert isinstance(open_fleet_view(stats()).view, PlainFleetView)
