"""Events about many accounts: of a whole run, whatever the number of its accounts."""

from __future__ import annotations

import logging

import attrs

from hourlyclicks.events.base import BaseEvent
from hourlyclicks.model.fleet_report import AccountReport, AccountState
from hourlyclicks.model.quantities import count


@attrs.frozen(kw_only=True)
class AccountEnded(BaseEvent):
    """An account of a fleet is done, or cannot go on.

    Args:
        report: its result.
    """

    report: AccountReport

    @property
    def level(self) -> int:  # type: ignore[override]  # it depends on the state
        """The level at which it is logged."""
        failed = self.report.state in {AccountState.FAILED, AccountState.INCOMPLETE}
        return logging.WARNING if failed else logging.INFO

    @property
    def message(self) -> str:
        """What has happened, in words."""
        if self.report.state is AccountState.COMPLETE and self.report.report is not None:
            return f"the account {self.report.name} is complete: {count(self.report.report.total, 'day')}"
        return f"the account {self.report}"


@attrs.frozen(kw_only=True)
class FleetProgress(BaseEvent):
    """Where a run over many accounts stands; sent at most once a second, and after each account.

    Args:
        accounts: accounts that were read so far.
        running: those of them whose days are being requested.
        held: those that another process works on.
        complete: those that are complete.
        failed: those that have ended and are not.
        days: days of all accounts that have begun.
        done: days answered so far, those in the store included.
        failed_days: days that failed so far.
        listed: whether all accounts were read.
        seconds: how long the run has taken.
    """

    accounts: int
    running: int
    held: int
    complete: int
    failed: int
    days: int
    done: int
    failed_days: int
    listed: bool
    seconds: float

    @property
    def message(self) -> str:
        """What has happened, in words."""
        failed = f", {self.failed:,} failed" if self.failed else ""
        return (
            f"{self.complete:,} of {count(self.accounts, 'account')} complete{failed},"
            f" {self.running:,} active; {self.done:,} of {count(self.days, 'day')} done"
        )
