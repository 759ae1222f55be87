"""What came of the accounts of a run, in the order of its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from hourlyclicks.fleet.account_reports import of_interrupted
from hourlyclicks.model.fleet_report import AccountReport, AccountState, FleetReport
from hourlyclicks.model.report import StopReason

if TYPE_CHECKING:
    from hourlyclicks.fleet.accounts import AccountJob
    from hourlyclicks.fleet.stats import FleetStats


class AccountOutcomes:
    """The reports of the accounts, by the numbers of their jobs.

    Args:
        stats: counts the accounts.

    Attributes:
        stopped: why the run has ended, or is to.
        error: what has ended it, if an error has.
    """

    def __init__(self, stats: FleetStats) -> None:
        self.stopped = StopReason.COMPLETE
        self.error: Exception | None = None
        self._stats = stats
        self._reports: dict[int, AccountReport] = {}

    def add(self, job: AccountJob, number: int) -> None:
        """Note that there is an account, unless that is known."""
        if number not in self._reports:
            self._stats.accounts += 1
            self._reports[number] = AccountReport(name=job.name, state=AccountState.UNSTARTED)

    def end(self, reason: StopReason, error: Exception | None = None) -> None:
        """Note why the run is to end; the first reason counts."""
        if self.stopped is StopReason.COMPLETE:
            self.stopped, self.error = reason, error

    def aside(self, number: int, report: AccountReport) -> None:
        """Note what is to be reported of an account that was put aside, if it is not tried again."""
        self._reports[number] = report

    def interrupted(self, number: int, error: BaseException) -> None:
        """Note that an account ended with the run.

        Args:
            number: the number of its job.
            error: what ended the run: that it was cancelled, or an error of the store.
        """
        self._reports[number] = of_interrupted(error, self._reports[number])

    def ended(self, number: int, found: AccountReport) -> None:
        """Note what came of an account; one that the run has stopped says why."""
        report, told = found.report, found
        ending = self.stopped is not StopReason.COMPLETE
        if ending and report is not None and report.stopped is StopReason.STOPPED:
            told = attrs.evolve(found, report=attrs.evolve(report, stopped=self.stopped))
        self._reports[number] = told
        self._stats.ended(found)

    def report(self) -> FleetReport:
        """Return the report of all of them."""
        return FleetReport(
            accounts=tuple(self._reports.values()),
            seconds=self._stats.seconds,
            stopped=self.stopped,
            listed=self._stats.listed,
        )
