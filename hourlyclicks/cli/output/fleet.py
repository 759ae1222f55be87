"""The report of a run over many accounts in words, and its exit code."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from hourlyclicks.cli.exits import INCOMPLETE, INTERRUPTED, CommandError
from hourlyclicks.cli.output.report import day_lines, end_line, request_line
from hourlyclicks.model.fleet_report import AccountState
from hourlyclicks.model.quantities import count
from hourlyclicks.model.report import StopReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.model.fleet_report import AccountReport, FleetReport

SHOWN = 10
"""How many accounts are named that are not complete, and how many days and targets of each; JSON has all."""
_NAMED = 3


def report_lines(report: FleetReport, *, stopped_by: str | None = None) -> Iterator[str]:
    """Yield the lines of the report.

    Args:
        report: what came of the run.
        stopped_by: what has asked it to stop, if something has.
    """
    yield end_line(report, _done(report), stopped_by)
    states = ", ".join(f"{number:,} {state}" for state, number in report.states.items())
    yield f"  accounts   {len(report.accounts):,}: {states}"
    yield from day_lines(report)
    yield request_line(report)
    troubled = [each for each in report.incomplete_accounts if _is_in_trouble(each)]
    for account in troubled[:SHOWN]:
        yield from _account_lines(account)
    if (more := len(troubled) - SHOWN) > 0:
        yield f"{count(more, 'account')} more; --json names all of them"


def _is_in_trouble(account: AccountReport) -> bool:
    """Return whether more than the end of the run kept an account from being complete."""
    failed = account.report is not None and account.report.failed > 0
    return account.error is not None or failed or account.state is AccountState.HELD


def _account_lines(account: AccountReport) -> Iterator[str]:
    """Yield what kept an account from being complete."""
    yield str(account)
    report = account.report
    if report is None:
        return
    for target, rejection in islice(report.parked.items(), _NAMED):
        yield f"  parked: {target}: every day is rejected: {rejection}"
    if (more := len(report.parked) - _NAMED) > 0:
        yield f"  parked: {count(more, 'target')} more"
    failures = [
        (query, error) for query, error in report.failures.items() if query.target not in report.parked
    ]
    for query, error in failures[:_NAMED]:
        yield f"  missing: {query.target} {query.day}: {error}"
    # A report that came from another process has the first of its failures only, but counts them all.
    number = len(failures) if report.parked else max(len(failures), report.failed)
    if (more := number - _NAMED) > 0:
        yield f"  missing: {count(more, 'day')} more"


def _done(report: FleetReport) -> str:
    left = len(report.incomplete_accounts)
    incomplete = f"{left:,} of {count(len(report.accounts), 'account')} not complete"
    return incomplete if left else "every account is complete"


def failure(report: FleetReport) -> CommandError | None:
    """Return how a run ends that came back; ``None`` when all is well."""
    number = len(report.accounts)
    complete = f"{report.states.get(AccountState.COMPLETE, 0):,} of {count(number, 'account')} complete"
    if report.stopped is StopReason.STOPPED:
        return CommandError(f"interrupted; {complete}", INTERRUPTED)
    if report.complete:
        return None
    names = [each.name for each in report.incomplete_accounts]
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")
    return CommandError(f"{complete}; not complete: {shown}", INCOMPLETE)
