"""The report of a backfill in words, and its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.cli.exits import INCOMPLETE, INTERRUPTED, PARKED, CommandError, sentence
from hourlyclicks.model.quantities import count, duration
from hourlyclicks.model.report import StopReason
from hourlyclicks.render.phrases import on_the_clock

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from hourlyclicks.model.fleet_report import FleetReport
    from hourlyclicks.model.report import BackfillReport

SHOWN = 10
"""How many days that failed are named; the store knows them all."""

_AT_ONCE, _MINUTE = 0.5, 60.0

WHY: dict[StopReason, str] = {
    StopReason.COMPLETE: "no other day is left to request",
    StopReason.DEADLINE: "the deadline was reached",
    StopReason.MAX_REQUESTS: "the maximum number of requests was sent",
    StopReason.STOPPED: "it was asked to stop",
    StopReason.RATE_LIMITED: "the server asks to wait too long",
    StopReason.TROUBLE: "too many requests failed",
    StopReason.ERROR: "an error affects every day",
}
"""Why a backfill ended."""


def report_lines(
    report: BackfillReport,
    now: dt.datetime,
    *,
    status: str = "hourlyclicks status --all",
    stopped_by: str | None = None,
) -> Iterator[str]:
    """Yield the lines of the report.

    Args:
        report: what came of the backfill.
        now: the present moment.
        status: the command line that names all days that are missing.
        stopped_by: what has asked it to stop, if something has.
    """
    yield end_line(report, _done(report), stopped_by)
    yield from day_lines(report, " (not retried; use --retry-refused)")
    if report.unsurveyed:
        yield f"  unknown    {count(report.unsurveyed, 'target')}: the run ended before it came to them"
    if not report.listed:
        yield "  unknown    all further targets: the run ended before it had read the list of them"
    yield request_line(report)
    yield from _parked(report, status)
    yield from _missing(report, status)
    if report.complete and report.resume_at is not None:
        yield f"run again from {when(report.resume_at, now)} on to update them"


def day_lines(report: BackfillReport | FleetReport, rejected: str = "") -> Iterator[str]:
    """Yield how many days there are of each kind.

    Args:
        report: what came of the run.
        rejected: what to add about rejected days.
    """
    revised = f", {report.revised:,} with changed figures" if report.revised else ""
    yield f"  fetched    {count(report.done, 'day')}{revised}"
    yield f"  known      {count(report.reused, 'day')}, already in the store"
    if report.provisional:
        yield f"  not final  {count(report.provisional, 'day')} of these; their figures may still change"
    if report.failed:
        yield f"  failed     {count(report.failed, 'day')}"
    if report.refused:
        yield f"  rejected   {count(report.refused, 'day')} by the API{rejected}"
    if report.remaining:
        yield f"  remaining  {count(report.remaining, 'day')}"


def request_line(report: BackfillReport | FleetReport) -> str:
    """Return how many requests were sent, and what became of some of them."""
    limited = f" and {count(report.rate_limited, 'HTTP 429')}" if report.rate_limited else ""
    return f"  requests   {report.requests:,}, {count(report.retries, 'retry')}{limited} among them"


def end_line(report: BackfillReport | FleetReport, done: str, stopped_by: str | None) -> str:
    """Return how long a run took, and why it ended.

    Args:
        report: what came of the run.
        done: what holds of a run that came to its end.
        stopped_by: what has asked it to stop, if something has.
    """
    took, why = duration(report.seconds), WHY[report.stopped]
    if report.stopped is StopReason.COMPLETE:
        return f"Done in {took}: {done}."
    by = f" by {stopped_by}" if report.stopped is StopReason.STOPPED and stopped_by is not None else ""
    return f"Stopped after {took}: {why}{by}."


def _done(report: BackfillReport) -> str:
    whole = report.complete and not report.refused
    return "every requested day is in the store" if whole else WHY[StopReason.COMPLETE]


def _parked(report: BackfillReport, status: str) -> Iterator[str]:
    """Name the first targets that are parked, and why."""
    for target, error in list(report.parked.items())[:SHOWN]:
        yield f"parked: {target}: every day is rejected: {error}"
    more = len(report.parked) - SHOWN
    if more > 0:
        yield f"parked: {count(more, 'target')} more; all of them: {status}"


def _missing(report: BackfillReport, status: str) -> Iterator[str]:
    """Name the first days that have no figures, and why."""
    for query, error in list(report.failures.items())[:SHOWN]:
        yield f"missing: {query.target} {query.day}: {error}"
    more = len(report.failures) - SHOWN
    if more > 0:
        yield f"missing: {count(more, 'day')} more; all of them: {status}"


def when(moment: dt.datetime, now: dt.datetime) -> str:
    """Return a moment on the user's clock; one that is over is now."""
    seconds = (moment - now).total_seconds()
    return "now" if seconds <= 0 else on_the_clock(now, seconds)


def go_on(report: BackfillReport, now: dt.datetime) -> str:
    """Say from when on the rest can be fetched."""
    seconds = 0.0 if report.resume_at is None else (report.resume_at - now).total_seconds()
    if seconds < _AT_ONCE:
        return "To go on:"
    if seconds < _MINUTE:  # the clock of the user may show the same time as now
        return f"To go on, in {duration(seconds)}:"
    return f"To go on, from {on_the_clock(now, seconds)} on:"


def failure(report: BackfillReport) -> CommandError | None:
    """Return how a backfill ends that came back; ``None`` when all is well.

    When nothing could be fetched, or no other day could be either, the error decides, as in ``fetch``.
    """
    missing = report.failed + report.remaining
    least = "" if report.listed else "at least "
    done = count(report.total - missing - report.refused, "day")
    fetched = f"{done} of {least}{report.total:,} in the store"
    if report.unsurveyed:
        fetched += f", {count(report.unsurveyed, 'target')} not looked at"
    if report.stopped is StopReason.STOPPED:
        return CommandError(f"interrupted; {fetched}", INTERRUPTED)
    if report.complete:
        return None
    if report.parked and report.stopped is StopReason.COMPLETE and _only_parked(report):
        return _failure_of_parked(report)
    error = report.error or next(iter(report.failures.values()), None)
    if error is not None and (error.fatal or (report.failed and not report.done)):
        return CommandError.of(error)
    if report.unsurveyed or not report.listed:
        unread = "the list of targets was not read to its end"
        return CommandError(fetched if report.listed else unread, INCOMPLETE)
    why = "" if error is None else f"; {sentence(error)}"
    return CommandError(f"{count(missing, 'day')} of {report.total:,} missing{why}", INCOMPLETE)


def _only_parked(report: BackfillReport) -> bool:
    """Return whether no other day failed than those of parked targets, as far as failures are named."""
    return all(query.target in report.parked for query in report.failures)


def _failure_of_parked(report: BackfillReport) -> CommandError:
    target, error = next(iter(report.parked.items()))
    more = len(report.parked) - 1
    others = f" and {count(more, 'target')} more" if more else ""
    return CommandError(f"check {target}{others}: every day is rejected; {error}", PARKED)
