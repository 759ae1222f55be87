"""The running backfills of a store as text for people, and as objects for JSON."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from hourlyclicks.errors import StoreError
from hourlyclicks.model.quantities import count, duration
from hourlyclicks.render.phrases import fit, on_the_clock, safe

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from hourlyclicks.coordination.fleet_runs import RunningFleet
    from hourlyclicks.coordination.runs import RunningBackfill

_WIDTH = 80
_FIRST, _KILLED, _NEXT = "  running  ", "  killed   ", "           "
_RECENT = 10.0
"""Seconds for which the figures of a report are as good as the present ones."""
_SILENT = 60.0
"""Seconds without a report that are worth mentioning."""


def process_of(run: RunningBackfill | RunningFleet) -> str:
    """Return which process a run is: ``"nightly, process 4711 on db1"``."""
    named = "" if run.name is None else f"{safe(run.name)}, "
    return f"{named}process {run.pid} on {safe(run.host)}"


def running_lines(runs: Iterable[RunningBackfill], now: dt.datetime) -> Iterator[str]:
    """Yield the lines about running backfills.

    Args:
        runs: the backfills.
        now: the present moment.
    """
    for run in runs:
        left = (run.ends_at - now).total_seconds()
        silent = (now - run.reported_at).total_seconds()
        as_of = f", as of {duration(silent)} ago" if _RECENT <= silent < _SILENT else ""
        ends = f"ends at {_at(run.ends_at, now)} (in {duration(left)})"
        figures = [f"{count(run.requests, 'request')} to go, {ends}{as_of}"]
        if run.paused_until is not None:
            figures.append(f"paused until {_at(run.paused_until, now)}: {run.paused_because}")
        yield from _lines_of(run, now, figures)


def fleet_lines(runs: Iterable[RunningFleet], now: dt.datetime) -> Iterator[str]:
    """Yield the lines about runs over many accounts.

    Args:
        runs: the runs.
        now: the present moment.
    """
    for run in runs:
        accounts = f"{count(run.active, 'account')} active, {run.waiting:,} waiting"
        to_go = f"{count(run.requests, 'request')} to go for those that are active"
        yield from _lines_of(run, now, [f"{accounts}; {to_go}"])


def _lines_of(run: RunningBackfill | RunningFleet, now: dt.datetime, figures: list[str]) -> Iterator[str]:
    """Yield the lines about a run: its process, its figures unless it is gone, and how it is."""
    silent = (now - run.reported_at).total_seconds()
    yield from _wrapped(f"{process_of(run)}, since {_at(run.began_at, now)}", _KILLED if run.gone else _FIRST)
    if run.gone:
        yield from _wrapped(f"there is no such process any more; last report {duration(silent)} ago")
        return
    for figure in figures:
        yield from _wrapped(figure)
    if run.stopping:
        yield from _wrapped("asked to stop")
    if silent >= _SILENT:
        yield from _wrapped(f"last report {duration(silent)} ago")


def brief_lines(runs: Iterable[RunningBackfill] | StoreError, now: dt.datetime) -> list[str]:
    """Return a line for each running backfill.

    Args:
        runs: the backfills, or why they are not known.
        now: the present moment.
    """
    if isinstance(runs, StoreError):
        return unknown_lines(str(runs))
    return [
        fit(
            f"{_FIRST}{process_of(run)}: {count(run.requests, 'request')} to go,"
            f" done at {_at(run.ends_at, now)}",
            _WIDTH,
        )
        for run in runs
    ]


def unknown_lines(reason: str) -> list[str]:
    """Return the lines that say why it is not known which backfills run."""
    return _wrapped(f"unknown: {safe(reason)}", _FIRST)


def as_object(run: RunningBackfill) -> dict[str, Any]:
    """Return a running backfill as JSON has it."""
    return {
        "name": run.name,
        "host": run.host,
        "pid": run.pid,
        "began_at": run.began_at.isoformat(),
        "reported_at": run.reported_at.isoformat(),
        "requests": run.requests,
        "ends_at": run.ends_at.isoformat(),
        "paused_until": None if run.paused_until is None else run.paused_until.isoformat(),
        "paused_because": run.paused_because,
        "stopping": run.stopping,
        "gone": run.gone,
    }


def fleet_as_object(run: RunningFleet) -> dict[str, Any]:
    """Return a run over many accounts as JSON has it."""
    return {
        "name": run.name,
        "host": run.host,
        "pid": run.pid,
        "began_at": run.began_at.isoformat(),
        "reported_at": run.reported_at.isoformat(),
        "active": run.active,
        "waiting": run.waiting,
        "requests": run.requests,
        "stopping": run.stopping,
        "gone": run.gone,
    }


def _at(moment: dt.datetime, now: dt.datetime) -> str:
    return on_the_clock(now, (moment - now).total_seconds())


def _wrapped(text: str, first: str = _NEXT) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=_NEXT, break_on_hyphens=False)
