"""Running backfills in words."""

from __future__ import annotations

import datetime as dt

import attrs

from hourlyclicks.coordination import RunningBackfill
from hourlyclicks.render.running import as_object, running_lines

NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
RUN = RunningBackfill(
    name="nightly",
    host="db1",
    pid=4711,
    began_at=NOW - dt.timedelta(hours=1),
    reported_at=NOW - dt.timedelta(seconds=59),
    requests=1234,
    ends_at=NOW + dt.timedelta(minutes=90),
    paused_until=None,
    paused_because=None,
    stopping=False,
)


def at(minutes: float) -> str:
    """Return a time on the clock of this machine."""
    return f"{(NOW + dt.timedelta(minutes=minutes)).astimezone():%H:%M}"


def test_only_what_matters_is_said() -> None:
    """A run that works and reports takes two lines; a pause, a stop and silence one more each."""
    usual = [
        f"  running  nightly, process 4711 on db1, since {at(-60)}",
        f"           1,234 requests to go, ends at {at(90)} (in 1 h 30 min)",
    ]
    assert list(running_lines([attrs.evolve(RUN, reported_at=NOW)], NOW)) == usual
    assert list(running_lines([RUN], NOW)) == [usual[0], f"{usual[1]}, as of 59 s ago"]
    troubled = attrs.evolve(
        RUN,
        reported_at=NOW - dt.timedelta(minutes=4),
        paused_until=NOW + dt.timedelta(minutes=5),
        paused_because="the server asks to wait",
        stopping=True,
    )
    assert list(running_lines([troubled], NOW)) == [
        *usual,
        f"           paused until {at(5)}: the server asks to wait",
        "           asked to stop",
        "           last report 4 min ago",
    ]


def test_a_killed_process_has_no_end() -> None:
    """What it still had to do is not said, but when it reported last."""
    assert list(running_lines([attrs.evolve(RUN, gone=True)], NOW)) == [
        f"  killed   nightly, process 4711 on db1, since {at(-60)}",
        "           there is no such process any more; last report 59 s ago",
    ]


def test_long_and_foreign_names_fit_a_terminal() -> None:
    """No line is longer than 80 characters, and none can control the terminal."""
    lines = list(running_lines([attrs.evolve(RUN, name="x\x1b[31m" * 20, host="y" * 64)], NOW))
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)


def test_a_run_without_a_name_or_a_pause_has_null_in_json() -> None:
    """Moments are in ISO 8601, with their zone."""
    assert as_object(attrs.evolve(RUN, name=None)) == {
        "name": None,
        "host": "db1",
        "pid": 4711,
        "began_at": "2025-06-01T11:00:00+00:00",
        "reported_at": "2025-06-01T11:59:01+00:00",
        "requests": 1234,
        "ends_at": "2025-06-01T13:30:00+00:00",
        "paused_until": None,
        "paused_because": None,
        "stopping": False,
        "gone": False,
    }
