"""How many requests a backfill would send."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks.errors import StoreError, UsageError
from hourlyclicks.jobs.estimate import count_due
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Group, Target
from hourlyclicks.store import open_store
from hourlyclicks.store.freshness import SKEW, Freshness
from hourlyclicks.store.ledger import STALE_AFTER, DayState, LedgerEntry
from hourlyclicks.store.target_summary import SummaryBuilder
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import REJECTED, FailingStore, good, play
from tests.jobs.backfilling import NOW, ONCE, OTHER, FakeApi
from tests.sizes import examples

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from hourlyclicks.model.http import Response
    from hourlyclicks.pacing.eta import Estimate
    from hourlyclicks.store import MemoryStore
    from hourlyclicks.store.target_summary import TargetSummary
    from tests.fetching.stage import Stage

LATEST = DateRange(dt.date(2025, 5, 22), dt.date(2025, 6, 1))


@attrs.define
class FakeLedger:
    """A ledger in memory."""

    known: dict[Target, list[LedgerEntry]]

    async def summarize(
        self, targets: Sequence[Target], days: DateRange | None, *, freshness: Freshness, now: dt.datetime
    ) -> list[TargetSummary]:
        """See `hourlyclicks.jobs.estimate.Ledger`."""
        builder = SummaryBuilder(freshness, now)
        for number, target in enumerate(targets):
            for entry in self.known.get(target, ()):
                builder.add_entry(number, entry)
        return [builder.build(target, number, days) for number, target in enumerate(targets)]

    async def entries(self, target: Target, days: DateRange) -> list[LedgerEntry]:
        """See `hourlyclicks.jobs.estimate.Ledger`."""
        return [entry for entry in self.known.get(target, ()) if entry.date in days]


def moments() -> st.SearchStrategy[dt.datetime]:
    """Return moments around which the rule changes its result."""
    edges = (-dt.timedelta(days=40), -STALE_AFTER, dt.timedelta(0), SKEW, 2 * SKEW)
    nudges = (-dt.timedelta(microseconds=1), dt.timedelta(0), dt.timedelta(microseconds=1))
    return st.builds(lambda edge, nudge: NOW + edge + nudge, st.sampled_from(edges), st.sampled_from(nudges))


def entries() -> st.SearchStrategy[list[LedgerEntry]]:
    """Return possible entries of some of the days."""
    entry = st.builds(
        LedgerEntry,
        st.sampled_from(list(LATEST)),
        st.sampled_from(DayState),
        moments(),
        st.just(1),
        hours=st.sampled_from([0, 24]),
        doubted_at=st.none() | moments(),
    )
    return st.lists(entry, unique_by=lambda entry: entry.date)


@given(
    st.dictionaries(st.sampled_from([LINK, OTHER]), entries()),
    st.booleans(),
    st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=9))]),
)
@settings(max_examples=examples(200))
def test_the_count_is_the_rule_day_by_day(
    known: dict[Target, list[LedgerEntry]],
    retry_refused: bool,  # noqa: FBT001 - drawn
    zone: dt.tzinfo | None,
) -> None:
    """The bulk count equals the sum of the rule for single days."""
    freshness = Freshness(NOW, zone, refused=retry_refused, patient=True)
    marks = {target: {entry.date: entry for entry in known.get(target, ())} for target in (LINK, OTHER)}
    expected = sum(freshness.is_stale(marks[target].get(day), NOW) for target in marks for day in LATEST)
    counted = count_due(FakeLedger(known), dict.fromkeys((LINK, OTHER), LATEST), freshness=freshness, now=NOW)
    assert asyncio.run(counted) == expected


def some_fail(day: dt.date, _number: int) -> Response:
    """Reject every third day."""
    return REJECTED if day.toordinal() % 3 == 0 else good(day)


@pytest.mark.parametrize(
    ("minutes", "retry_refused"), [(1, False), (61, False), (61, True), (60 * 80, False)]
)
def test_an_estimate_is_what_the_next_backfill_sends(
    any_store: Path | MemoryStore, minutes: int, *, retry_refused: bool
) -> None:
    """It is, after runs that left final, provisional, failed and rejected days, and with unknown targets."""
    api = FakeApi(any_store)
    targets = (LINK, OTHER)
    api.run(some_fail, LATEST)
    api.run(some_fail, DateRange(LATEST.start, LATEST[4]), options={"timezone": "UTC"})
    foreseen: list[Estimate] = []

    async def story(stage: Stage) -> None:
        days = (LATEST.start, LATEST.end, targets)
        foreseen.append(await stage.client.estimate(*days, retry_refused=retry_refused))
        assert stage.transport.asked == []
        api.reports.append(await stage.client.backfill(*days, retry_refused=retry_refused))

    start = api.start + dt.timedelta(minutes=minutes)
    stage = play(story, lambda day, _: good(day), start=start, store=any_store, retry=ONCE)
    assert foreseen[0].requests == api.report.requests == len(stage.transport.asked)
    assert 0 < len(LATEST) <= foreseen[0].requests < 2 * len(LATEST)


def test_a_reader_of_the_store_estimates_the_same(path: Path) -> None:
    """Without a key, the number is the same as with a client."""
    FakeApi(path).run(some_fail, LATEST)
    foreseen: list[int] = []

    async def story(stage: Stage) -> None:
        estimate = await stage.client.estimate(LATEST.start, LATEST.end, [LINK, Group(7)])
        foreseen.append(estimate.requests)

    play(story, start=NOW, store=path)

    async def read() -> int:
        async with open_store(path) as store:
            freshness = Freshness(NOW, None, patient=True)
            account = await store.account()
            return await count_due(
                account, dict.fromkeys((LINK, Group(7)), LATEST), freshness=freshness, now=NOW
            )

    assert foreseen == [asyncio.run(read())]


def test_every_day_counts_without_a_store_and_to_refresh() -> None:
    """Without a store, or with `refresh`, the estimate is days times targets."""

    async def story(stage: Stage) -> None:
        client = stage.client
        bare = await client.estimate(DAY, DAY, [LINK, OTHER, LINK])
        assert bare == client.estimate(DAY, DAY, 2)
        assert (await client.estimate(DAY, DAY, [])).requests == 0

    play(story)


def test_to_refresh_every_day_counts(any_store: Path | MemoryStore) -> None:
    """With `refresh`, what the store has makes no difference."""
    FakeApi(any_store).run(days=LATEST)

    async def story(stage: Stage) -> None:
        again = await stage.client.estimate(LATEST.start, LATEST.end, [LINK], refresh=True)
        assert again.requests == len(LATEST)

    play(story, start=NOW, store=any_store)


def test_an_invalid_argument_is_an_error_at_once(path: Path) -> None:
    """It is raised before anything is awaited; errors of the store are raised by awaiting."""

    async def story(stage: Stage) -> None:
        for wrong in ("account", LINK, [7]):
            with pytest.raises(UsageError, match="target"):
                _ = stage.client.estimate(DAY, DAY, cast("Iterable[Target]", wrong))
        store.fails = lambda _name, _call: True
        awaited = stage.client.estimate(DAY, DAY, [LINK])
        with pytest.raises(StoreError):
            await awaited
        await stage.client.close()
        closed = stage.client.estimate(DAY, DAY, [LINK])
        with pytest.raises(UsageError, match="closed"):
            await closed

    store = FailingStore(path)
    play(story, store=store)
