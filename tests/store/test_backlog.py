"""What a sync of some targets would request, as a store tells without a sync."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks.jobs.gaps import FirstGaps
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Group
from hourlyclicks.model.zones import last_ended
from hourlyclicks.store.backlog import NEW, Scope, backlogs_of, summaries_of
from hourlyclicks.store.coverage import freshness_of
from hourlyclicks.store.ledger import DayState, LedgerEntry
from hourlyclicks.store.memory import MemoryStore
from hourlyclicks.store.opening import open_store
from hourlyclicks.store.stored_account import StoredAccount
from tests.model.strategies import a_day
from tests.sizes import examples
from tests.store.answers import FAILED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.model.targets import Target

NOW = dt.datetime(2025, 6, 1, 18, tzinfo=dt.UTC)
LAST = last_ended(NOW, dt.UTC)
DAYS = [LAST + dt.timedelta(days=place) for place in range(-5, 2)]  # today as well
TARGETS = (Group(1), Group(2))
KINDS = st.sampled_from(["final", "provisional", "failed", "noted"])


@attrs.frozen
class Ledger:
    """The ledger of a sync, and its clock."""

    account: StoredAccount

    async def summarize(self, targets: Any, days: Any, *, freshness: Any, now: Any) -> Any:  # noqa: ANN401 - passed on
        """See `hourlyclicks.jobs.estimate.Ledger.summarize`."""
        return await self.account.summarize(targets, days, freshness=freshness, now=now)

    async def entries(self, target: Target, days: DateRange) -> list[LedgerEntry]:
        """See `hourlyclicks.jobs.gaps.RangedLedger.entries`."""
        return await self.account.entries(target, days)

    async def known_range(self, target: Target) -> DateRange | None:
        """See `hourlyclicks.jobs.gaps.RangedLedger.known_range`."""
        entries = await self.account.entries(target)
        return DateRange(entries[0].date, entries[-1].date) if entries else None

    def wall(self) -> dt.datetime:
        """Return the time."""
        return NOW


async def filled(store: MemoryStore, known: Mapping[Group, Mapping[dt.date, str]]) -> StoredAccount:
    """Fill a store, and return its account."""
    number = await store.account("0" * 32)
    for target, days in known.items():
        for date, kind in days.items():
            if kind in {"failed", "noted"}:
                entry = LedgerEntry(date, DayState.FAILED, NOW, int(kind == "failed"), reason=FAILED)
                await store.record_failure(number, target, entry)
            else:
                begin = dt.datetime.combine(date, dt.time(1), dt.UTC)
                at = min(NOW, begin + dt.timedelta(days=2)) if kind == "final" else begin
                await store.put(number, target, a_day(date, final=kind == "final", at=at), requests=1)
    return await open_store(store, timezone="UTC").account()


async def due_in_sync(account: StoredAccount, target: Target, since: Mapping[Target, dt.date]) -> int:
    """Return how many days of a target a sync requests."""
    first = since.get(target, LAST - dt.timedelta(days=NEW - 1))
    if first > LAST:
        return 0
    ledger, freshness = Ledger(account), freshness_of(NOW, dt.UTC)
    gaps = FirstGaps(ledger, since=since, freshness=freshness, clock=ledger)  # type: ignore[arg-type]  # of its clock, only the time is used
    days = await gaps.narrow(target, DateRange(first, LAST))
    if days is None:
        return 0
    [summary] = await account.summarize([target], days, freshness=freshness, now=NOW)
    return summary.due


@given(
    st.dictionaries(st.sampled_from(TARGETS), st.dictionaries(st.sampled_from(DAYS), KINDS)),
    st.dictionaries(st.sampled_from(TARGETS), st.sampled_from(DAYS)),
)
@settings(max_examples=examples(100))
def test_what_is_to_do_is_what_a_sync_requests(
    known: dict[Group, dict[dt.date, str]], since: dict[Target, dt.date]
) -> None:
    """Also if a target begins before or after its first known day, is unknown, or has only today."""

    async def story() -> None:
        account = await filled(MemoryStore(), known)
        scope = Scope(TARGETS, None, since, dt.UTC)
        summaries = await summaries_of(account, scope, now=NOW)
        for backlog in await backlogs_of(account, summaries, scope, now=NOW):
            target = backlog.summary.target
            assert backlog.to_do == await due_in_sync(account, target, scope.since)
            if target in since and backlog.summary.range is not None:
                assert backlog.summary.range.start == since[target]

    asyncio.run(story())
