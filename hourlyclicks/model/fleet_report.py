"""The result of a run over many accounts."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import attrs

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.quantities import count
from hourlyclicks.model.report import BackfillReport, StopReason, error_as_dict

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 10
"""How many accounts a report names when it is printed."""


class AccountState(StrEnum):
    """What became of an account; from the best to the worst."""

    COMPLETE = "complete"
    """Every day is in the store, except those that the API rejects."""
    INCOMPLETE = "incomplete"
    """Some days failed, or were not requested because the run ended."""
    FAILED = "failed"
    """An error ended it: a rejected key, a plan without access, a key that cannot be read."""
    HELD = "held"
    """Another process works on it, and the run ended before that process was done."""
    UNSTARTED = "unstarted"
    """The run ended before it began."""


_TOTALS = (
    *("total", "done", "reused", "failed", "refused", "remaining"),
    *("revised", "provisional", "requests", "retries", "rate_limited"),
)
_RANKS = {state: rank for rank, state in enumerate(AccountState)}


@attrs.frozen(kw_only=True)
class AccountReport:
    """The result of one account.

    Args:
        name: the name of the account.
        state: how its run ended.
        report: the report of its backfill, with at most 100 of its `failures` and `parked`; ``None``: it sent
            nothing.
        error: what ended it, when an error did.
    """

    name: str
    state: AccountState
    report: BackfillReport | None = None
    error: HourlyClicksError | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as values that JSON can hold; see `FleetReport.as_dict`."""
        return {
            "name": self.name,
            "state": self.state.value,
            "error": None if self.error is None else error_as_dict(self.error),
            "report": None if self.report is None else self.report.as_dict(),
        }

    def __str__(self) -> str:
        if self.error is not None:
            return f"{self.name}: {self.error}"
        report = self.report
        if report is None or self.state is AccountState.COMPLETE:
            return f"{self.name}: {self.state}"
        failed = f"{count(report.failed, 'day')} failed"
        return f"{self.name}: {self.state}, {failed}, {report.remaining:,} not requested"


@attrs.frozen(kw_only=True)
class FleetReport:
    """The result of a run over many accounts. Counts are of days, unless something else is named.

    Args:
        accounts: the result of each account, in the order of the jobs.
        seconds: how long the run took.
        stopped: why it ended.
        listed: whether all jobs were read; if the run ended before, those that follow are not in `accounts`.
    """

    accounts: tuple[AccountReport, ...] = attrs.field(repr=False)
    seconds: float
    stopped: StopReason = StopReason.COMPLETE
    listed: bool = True

    @property
    def total(self) -> int:
        """The days of all accounts that have begun."""
        return self._sum("total")

    @property
    def done(self) -> int:
        """The days fetched by this run."""
        return self._sum("done")

    @property
    def reused(self) -> int:
        """The days that were in the store already, or that another process has fetched meanwhile."""
        return self._sum("reused")

    @property
    def failed(self) -> int:
        """The days that failed in this run; the next one requests them again."""
        return self._sum("failed")

    @property
    def refused(self) -> int:
        """The days that the API rejected."""
        return self._sum("refused")

    @property
    def remaining(self) -> int:
        """The days of accounts that have begun that were not requested."""
        return self._sum("remaining")

    @property
    def revised(self) -> int:
        """The days whose figures differ from those that were in the store."""
        return self._sum("revised")

    @property
    def provisional(self) -> int:
        """The days whose figures can still change."""
        return self._sum("provisional")

    @property
    def requests(self) -> int:
        """The requests that this run sent."""
        return self._sum("requests")

    @property
    def retries(self) -> int:
        """Those of the requests that repeated a failed one."""
        return self._sum("retries")

    @property
    def rate_limited(self) -> int:
        """Those of the requests that the server rejected because of the rate limit."""
        return self._sum("rate_limited")

    @property
    def complete(self) -> bool:
        """Whether every job was read, and every account is complete."""
        return self.listed and all(each.state is AccountState.COMPLETE for each in self.accounts)

    @property
    def states(self) -> dict[AccountState, int]:
        """How many accounts are in each state; a state without any is left out."""
        counted = Counter(each.state for each in self.accounts)
        return {state: counted[state] for state in AccountState if counted[state]}

    @property
    def incomplete_accounts(self) -> tuple[AccountReport, ...]:
        """The accounts that are not complete, in the order of the jobs."""
        return tuple(each for each in self.accounts if each.state is not AccountState.COMPLETE)

    @classmethod
    def merged(cls, reports: Iterable[FleetReport]) -> Self:
        """Return one report of several runs, for instance of the shards of one list of jobs.

        An account that is in several of them counts once, with the best of its results, and with the last
        of these if they are equally good. The runs are taken to have been at the same time: `seconds` is that
        of the longest. Without any report, the result is empty and complete.
        """
        found: dict[str, AccountReport] = {}
        stopped, seconds, listed = StopReason.COMPLETE, 0.0, True
        for report in reports:
            seconds, listed = max(seconds, report.seconds), listed and report.listed
            if stopped is StopReason.COMPLETE or report.stopped is StopReason.ERROR:
                stopped = report.stopped
            for account in report.accounts:
                before = found.setdefault(account.name, account)
                if _RANKS[account.state] <= _RANKS[before.state]:
                    found[account.name] = account
        return cls(accounts=tuple(found.values()), seconds=seconds, stopped=stopped, listed=listed)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as values that JSON can hold, for logs and monitoring.

        Returns:
            A key for each attribute and total, ``complete``, and ``states``, the number of accounts in each
            state. ``accounts`` is a list of objects with ``name``, ``state``, ``error`` as in
            `BackfillReport.as_dict`, and ``report``, which is what that method returns.
        """
        return {
            "complete": self.complete,
            "stopped": self.stopped.value,
            "listed": self.listed,
            "seconds": self.seconds,
            "states": {state.value: number for state, number in self.states.items()},
            **{name: self._sum(name) for name in _TOTALS},
            "accounts": [each.as_dict() for each in self.accounts],
        }

    def __str__(self) -> str:
        states = ", ".join(f"{number:,} {state}" for state, number in self.states.items())
        lines = [
            f"{count(len(self.accounts), 'account')}: {states or 'none'}",
            f"{count(self.total, 'day')}: {self._days()}",
            *(f"  {each}" for each in self.incomplete_accounts[:_SHOWN]),
        ]
        if (more := len(self.incomplete_accounts) - _SHOWN) > 0:
            lines.append(f"  and {more:,} more")
        return "\n".join(lines)

    def _days(self) -> str:
        words = {
            "done": "fetched",
            "reused": "in the store",
            "refused": "rejected",
            "remaining": "not requested",
        }
        counts = {name: self._sum(name) for name in ("done", "reused", "failed", "refused", "remaining")}
        return ", ".join(f"{number:,} {words.get(name, name)}" for name, number in counts.items())

    def _sum(self, name: str) -> int:
        return sum(getattr(each.report, name) for each in self.accounts if each.report is not None)
