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
    """A rejected day whose rejection may become final.

    Args:
        query: the day.
        error: the rejection.
        at: when it came, in nanoseconds.
        asked: when its request was sent.
        between: whether a day of the target had been answered before it in this run.
        recorded: whether it is in the store as failed.
        earlier: the ledger entry of the same rejection in an earlier run, if there is one.
    """

    query: Query
    error: ApiError
    at: int
    asked: dt.datetime
    between: bool
    recorded: bool = False
    earlier: LedgerEntry | None = None
