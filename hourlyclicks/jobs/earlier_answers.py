"""The earlier answers for a target that a store has, by which a rejection of one of its days is evaluated."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.fetching.account_store import ENTRIES
from hourlyclicks.store.ledger import WITH_FIGURES

if TYPE_CHECKING:
    from hourlyclicks.fetching.account_store import AccountStore
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.targets import Target


@attrs.frozen
class EarlierAnswers:
    """What the store has of the other days of a target, from earlier calls.

    Args:
        day: a day with figures, as far from where the call begins as there is one.
        answered: when a day was last answered in an earlier call.
    """

    day: dt.date | None
    answered: dt.datetime | None


NO_ANSWERS = EarlierAnswers(None, None)
"""What there is without a store."""


async def read_earlier_answers(
    store: AccountStore, target: Target, days: DateRange, *, began: dt.datetime, newest_first: bool
) -> EarlierAnswers:
    """Return what a store knows of the other days of a target, by which a rejection is evaluated.

    Args:
        store: the store.
        target: the target.
        days: the days of the call.
        began: when the call began.
        newest_first: whether it requests the last of them first.
    """
    found: dt.date | None = None
    answered: dt.datetime | None = None
    for page in days.chunks(ENTRIES, newest_first=not newest_first):
        entries = [entry for entry in await store.entries(target, page) if entry.state in WITH_FIGURES]
        if entries and found is None:
            found = (entries[0] if newest_first else entries[-1]).date
        before = [entry.asked_at for entry in entries if entry.asked_at < began]
        answered = max([*before, *([answered] if answered else [])], default=None)
    return EarlierAnswers(found, answered)
