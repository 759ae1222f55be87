"""What the report of a run says of one account: little enough for thousands of them, and ready to travel."""

from __future__ import annotations

import copy
import logging
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import attrs

from hourlyclicks.errors import HourlyClicksError, name_of
from hourlyclicks.model.fleet_report import AccountReport, AccountState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.model.report import BackfillReport

_K = TypeVar("_K")
_V = TypeVar("_V")
_E = TypeVar("_E", bound=HourlyClicksError)

_log = logging.getLogger("hourlyclicks")
_KEPT = 100
"""How many failures, and how many parked targets, of an account are in the report of a run."""


def typed(name: str, error: Exception) -> HourlyClicksError:
    """Return what a report says of an error; one that should not occur is logged."""
    if isinstance(error, HourlyClicksError):
        return error
    _log.error("the account %r has ended with %s", name, name_of(error))
    return HourlyClicksError(f"unexpected: {name_of(error)}")


def of_report(name: str, report: BackfillReport) -> AccountReport:
    """Return what became of an account, by the report of its backfill."""
    error = None if report.error is None else _plain(report.error)
    state = AccountState.COMPLETE if report.complete else AccountState.INCOMPLETE
    if error is not None:
        state = AccountState.FAILED
    return AccountReport(name=name, state=state, report=_shortened(report), error=error)


def of_error(name: str, error: HourlyClicksError, state: AccountState = AccountState.FAILED) -> AccountReport:
    """Return what became of an account that an error has ended."""
    report = None if error.report is None else _shortened(error.report)
    return AccountReport(name=name, state=state, report=report, error=_plain(error))


def of_interrupted(error: BaseException, before: AccountReport) -> AccountReport:
    """Return the report of an account that ended with the run; what it was before, if it had not begun.

    Args:
        error: what ended the run: that it was cancelled, or an error of the store.
        before: what was to be reported of the account before.
    """
    report: BackfillReport | None = getattr(error, "report", None)
    if report is None:
        return before
    return AccountReport(name=before.name, state=AccountState.INCOMPLETE, report=_shortened(report))


def _plain(error: _E) -> _E:
    """Return an error without its traceback, which holds the client, and without its report.

    Where tblib is at work, as with Dask, a copy has the traceback as well.
    """
    plain = copy.copy(error)
    plain.__traceback__ = plain.__cause__ = plain.__context__ = None
    plain.report = None
    return plain


def _shortened(report: BackfillReport) -> BackfillReport:
    """Return a report with the first of its failures only, since there are thousands of reports."""
    return attrs.evolve(
        report,
        failures={query: _plain(error) for query, error in _first(report.failures).items()},
        parked={target: _plain(error) for target, error in _first(report.parked).items()},
        error=None if report.error is None else _plain(report.error),
    )


def _first(mapping: Mapping[_K, _V]) -> dict[_K, _V]:
    return dict(islice(mapping.items(), _KEPT))
