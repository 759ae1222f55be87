"""The lines that the reports of one account and of many have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.model.quantities import count, duration
from hourlyclicks.model.report import StopReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.model.fleet_report import FleetReport
    from hourlyclicks.model.report import BackfillReport

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


def first_line(report: BackfillReport | FleetReport, *, done: str, stopped_by: str | None) -> str:
    """Return how a run has ended, and how long it took.

    Args:
        report: what came of it.
        done: what to say of a run that was not stopped.
        stopped_by: what has asked it to stop, if something has.
    """
    took = duration(report.seconds)
    if report.stopped is StopReason.COMPLETE:
        return f"Done in {took}: {done}."
    by = f" by {stopped_by}" if report.stopped is StopReason.STOPPED and stopped_by is not None else ""
    return f"Stopped after {took}: {WHY[report.stopped]}{by}."


def day_lines(report: BackfillReport | FleetReport, *, rejected: str = "") -> Iterator[str]:
    """Yield what became of the days.

    Args:
        report: what came of the run.
        rejected: what to add to the days that the API rejected.
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
    """Return how many requests were sent."""
    return f"  requests   {report.requests:,}, {count(report.retries, 'retry')} among them"
