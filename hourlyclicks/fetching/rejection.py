"""What the API's own rejection of a day is."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypeGuard

import attrs

from hourlyclicks.errors import ApiError
from hourlyclicks.model.targets import Query
from hourlyclicks.store.ledger import LedgerEntry

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError


def rejects(error: HourlyClicksError) -> TypeGuard[ApiError]:
    """Return whether an error is the API's own rejection of a day."""
    return isinstance(error, ApiError) and error.code is not None and not error.retryable


@attrs.define(eq=False)
class Rejection:
    """A day that was rejected, and may turn out to be so for good.

    Args:
        query: the day.
        error: the rejection.
        at: when it came, in nanoseconds.
        asked: when its request was sent.
        between: whether the target had been answered before it in this run.
        noted: whether the store has it as failed by now.
        earlier: what the store knew of the day, if it was the same rejection in an earlier run.
    """

    query: Query
    error: ApiError
    at: int
    asked: dt.datetime
    between: bool
    noted: bool = False
    earlier: LedgerEntry | None = None
