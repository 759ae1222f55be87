"""The result of a backfill, in words and as an exit code."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Account, ApiError, BackfillReport, RateLimitedError, ServerError, StopReason
from hourlyclicks.cli.output.report import WHY, failure, go_on, report_lines, request_line, when
from hourlyclicks.model.targets import Query

if TYPE_CHECKING:
    from hourlyclicks import HourlyClicksError

NOON = dt.datetime(2025, 6, 1, 12).astimezone()
OOPS = ServerError("HTTP 500: \x1b[31mno", status=500, retryable=True)


def report(stopped: StopReason = StopReason.COMPLETE, **counts: Any) -> BackfillReport:  # noqa: ANN401 - passed on
    """Return a report of a hundred days; those without another state were fetched."""
    known = {name: counts.pop(name, 0) for name in ("reused", "failed", "refused", "remaining")}
    done = counts.pop("done", 100 - sum(known.values()))
    rest = {"revised": 0, "provisional": 0, "requests": 100, "retries": 0, "seconds": 61.0, "resume_at": None}
    return BackfillReport(total=100, done=done, stopped=stopped, **known, **{**rest, **counts})


def failures(number: int, error: HourlyClicksError = OOPS) -> dict[Query, HourlyClicksError]:
    """Return so many failed days."""
    return {Query(dt.date(2025, 4, 1) + dt.timedelta(days=day), Account()): error for day in range(number)}


def test_a_complete_run_is_reported_in_a_few_lines() -> None:
    """What was fetched, what was known, and what it cost."""
    assert list(report_lines(report(reused=40, requests=61, retries=1), NOON)) == [
        "Done in 1 min 1 s: every requested day is in the store.",
        "  fetched    60 days",
        "  known      40 days, already in the store",
        "  requests   61, 1 retry among them",
    ]


def test_requests_over_the_rate_limit_are_reported() -> None:
    """If there were any; they are no retries."""
    assert request_line(report(rate_limited=2)) == "  requests   100, 0 retries and 2 HTTP 429s among them"
    assert request_line(report()) == "  requests   100, 0 retries among them"


def test_all_problems_are_reported() -> None:
    """A line for each kind of day, the first ten failures, and the number of the others."""
    told = report(
        StopReason.TROUBLE,
        failed=12,
        refused=1,
        remaining=7,
        revised=2,
        provisional=3,
        failures=failures(13),
    )
    lines = list(report_lines(told, NOON))
    assert lines[0] == "Stopped after 1 min 1 s: too many requests failed."
    assert lines[1:7] == [
        "  fetched    80 days, 2 with changed figures",
        "  known      0 days, already in the store",
        "  not final  3 days of these; their figures may still change",
        "  failed     12 days",
        "  rejected   1 day by the API (not retried; use --retry-refused)",
        "  remaining  7 days",
    ]
    assert lines[8] == "missing: account 2025-04-01: HTTP 500: \x1b[31mno"  # `say` makes it harmless
    assert lines[-1] == "missing: 3 days more; all of them: hourlyclicks status --all"
    assert len(lines) == 8 + 10 + 1


def test_an_error_is_a_reason_too() -> None:
    """The sentence stays one."""
    assert next(report_lines(report(StopReason.ERROR), NOON)) == (
        "Stopped after 1 min 1 s: an error affects every day."
    )
    assert set(WHY) == set(StopReason)


def test_a_run_with_rejected_or_failed_days_is_not_reported_as_complete() -> None:
    """The first line does not say that every day is there."""
    for told in (report(refused=1), report(failed=1)):
        first = next(report_lines(told, NOON))
        assert first == "Done in 1 min 1 s: no other day is left to request."


def test_when_to_resume_is_reported() -> None:
    """On the user's clock; a moment that is over is now. Days that will change are named, too."""
    later = NOON + dt.timedelta(hours=20)
    assert when(NOON, NOON) == "now"
    assert go_on(report(remaining=1, resume_at=NOON), NOON) == "To go on:"
    for seconds, begins in ((0.4, "To go on:"), (3, "To go on, in 3 s:"), (59, "To go on, in 59 s:")):
        soon = NOON + dt.timedelta(seconds=seconds)
        assert go_on(report(remaining=1, resume_at=soon), NOON) == begins
    assert go_on(report(remaining=1, resume_at=later), NOON) == "To go on, from 2025-06-02 08:00 on:"
    lines = list(report_lines(report(provisional=1, resume_at=later), NOON))
    assert lines[-1] == "run again from 2025-06-02 08:00 on to update them"


LIMITED = RateLimitedError("the server asks for 9000 s", retry_after=9000.0)


@pytest.mark.parametrize(
    ("told", "code", "text"),
    [
        (report(StopReason.DEADLINE, remaining=40), 10, "40 days of 100 missing"),
        (report(StopReason.MAX_REQUESTS, remaining=100), 10, "100 days of 100 missing"),
        (report(failed=2, failures=failures(2)), 10, "2 days of 100 missing; HTTP 500"),
        (report(failed=2, reused=98, failures=failures(2)), 7, "HTTP 500"),
        (report(StopReason.TROUBLE, failed=2, remaining=8, error=OOPS, failures=failures(2)), 10, "10 days"),
        (report(StopReason.TROUBLE, failed=2, remaining=98, error=OOPS, failures=failures(2)), 7, "HTTP 500"),
        (report(StopReason.RATE_LIMITED, remaining=8, error=LIMITED), 5, "9000 s"),
        (report(StopReason.STOPPED, remaining=8, refused=2), 130, "interrupted; 90 days of 100 in the store"),
        (
            report(StopReason.STOPPED, remaining=8, refused=2, listed=False),
            130,
            "interrupted; 90 days of at least 100 in the store",
        ),
    ],
)
def test_each_end_has_its_exit_code(told: BackfillReport, code: int, text: str) -> None:
    """Some missing days are another exit code than no days, and a fatal error ends as in a fetch."""
    ended = failure(told)
    assert ended is not None
    assert ended.exit_code == code
    assert ended.message.startswith(text) or text in ended.message


def test_rejected_days_are_no_failure() -> None:
    """Another run could not change them."""
    no = ApiError("no such link", code=7, status=200)
    assert failure(report(refused=3, failures=failures(3, no))) is None
    assert failure(report(StopReason.DEADLINE, reused=100)) is None
