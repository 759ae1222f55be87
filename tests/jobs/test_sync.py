"""Syncs: each target from its first gap to yesterday."""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks import StopReason, UsageError
from hourlyclicks.events import DayDone
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Link
from tests.fetching.asking import LINK
from tests.fetching.stage import ONE, FailingStore, good, play, status
from tests.jobs.backfilling import NOW, OTHER, TODAY, YESTERDAY, FakeApi, asked
from tests.jobs.test_orders import LINKS, ORDERS, TEN, sent
from tests.sizes import examples
from tests.stores import store_at

if TYPE_CHECKING:
    from hourlyclicks import BackfillReport
    from hourlyclicks.jobs.run_options import Order
    from tests.fetching.stage import Stage

UTC: dict[str, Any] = {"timezone": "UTC"}


@pytest.fixture
def api(tmp_path: Path) -> FakeApi:
    """Return a fake API with an empty store."""
    return FakeApi(store_at(tmp_path / "clicks.db"))


def sync(api: FakeApi, *targets: Link, options: dict[str, Any] | None = None, **asks: Any) -> Stage:  # noqa: ANN401 - arguments of a sync
    """Run a sync; its report is the last one."""

    async def story(stage: Stage) -> None:
        api.reports.append(await stage.client.sync(targets or (LINK,), **asks))

    stage = play(story, start=api.start, store=api.store, **{"limits": ONE, **UTC, **(options or {})})
    api.start = stage.clock.wall() + dt.timedelta(minutes=2)
    return stage


def counts(report: BackfillReport) -> tuple[int, int, int]:
    """Return how many days there were, how many were fetched, and how many were known."""
    return report.total, report.done, report.reused


def ago(days: int) -> dt.date:
    """Return a day before yesterday."""
    return YESTERDAY - dt.timedelta(days)


def test_a_new_target_begins_some_days_ago(api: FakeApi) -> None:
    """It has so many days up to yesterday; a second sync has nothing to request, not even to count."""
    assert asked(sync(api, new=5)) == [ago(4), ago(3), ago(2), ago(1), YESTERDAY]
    assert (counts(api.report), api.report.complete) == ((5, 5, 0), True)
    assert asked(sync(api, new=9)) == []
    assert (counts(api.report), api.report.complete, api.report.resume_at) == ((0, 0, 0), True, None)


@pytest.mark.parametrize(
    ("timezone", "hour", "last"),
    [("Asia/Seoul", 16, TODAY), ("Asia/Seoul", 14, YESTERDAY), (None, 13, YESTERDAY), (None, 11, ago(1))],
)
def test_yesterday_is_that_of_the_account(
    api: FakeApi, timezone: str | None, hour: int, last: dt.date
) -> None:
    """It is the last day that has ended in the time zone, or without one everywhere on Earth."""
    api.start = NOW.replace(hour=hour)
    assert asked(sync(api, new=1, options={"timezone": timezone})) == [last]


def test_a_known_target_begins_with_its_first_gap(api: FakeApi) -> None:
    """Days before it are neither read nor counted, whether it is at the end or in the middle."""
    api.run(days=DateRange(ago(9), ago(2)), options=UTC)
    api.run(days=DateRange(ago(9), ago(6)), targets=(OTHER,), options=UTC)
    api.run(days=DateRange(ago(4), ago(1)), targets=(OTHER,), options=UTC)
    assert sent(sync(api, LINK, OTHER, new=1)) == [
        (LINK.id, ago(1)),
        (LINK.id, YESTERDAY),
        (OTHER.id, ago(5)),
        (OTHER.id, YESTERDAY),
    ]
    assert counts(api.report) == (2 + 6, 4, 4)


def test_a_failed_and_a_stale_day_are_gaps(api: FakeApi) -> None:
    """A day that failed is requested again, and so is one whose figures were provisional."""
    api.start = NOW.replace(hour=0, minute=10)  # yesterday ended ten minutes ago
    days = DateRange(ago(3), YESTERDAY)
    api.run(lambda day, _: status(500) if day == ago(2) else good(day), days=days, options=UTC)
    assert api.report.provisional == 1
    assert asked(sync(api)) == [ago(2)]
    assert (counts(api.report), api.report.provisional) == ((3, 1, 2), 1)
    api.start += dt.timedelta(hours=1)
    assert asked(sync(api)) == [YESTERDAY]


def test_nothing_is_requested_before_the_first_day(api: FakeApi) -> None:
    """`since` may be later or earlier than `new` and the days in the store, or lie in the future."""
    api.run(days=DateRange(ago(3), ago(2)), options=UTC)
    late, new = Link("late", "https://vvd.bz"), Link("new", "https://vvd.bz")
    since = {LINK: ago(5), OTHER: ago(1), late: TODAY, new: str(ago(3))}
    stage = sync(api, LINK, OTHER, late, new, since=since, new=3)
    assert sent(stage) == [
        *((LINK.id, ago(days)) for days in (5, 4, 1, 0)),
        *((OTHER.id, ago(days)) for days in (1, 0)),
        *((new.id, ago(days)) for days in (3, 2, 1, 0)),
    ]
    assert counts(api.report) == (6 + 2 + 4, 10, 2)


def test_today_alone_does_not_make_a_target_known(api: FakeApi) -> None:
    """A target of which only today was requested begins like a new one."""
    api.run(days=DateRange(TODAY, TODAY), options=UTC)
    assert asked(sync(api, new=2)) == [ago(1), YESTERDAY]


@pytest.mark.parametrize("order", ORDERS)
def test_a_sync_that_was_stopped_is_continued(api: FakeApi, order: Order) -> None:
    """Whatever the order, syncs of a few requests send together what one would, each day once."""
    found: list[tuple[str, dt.date]] = []
    for _ in range(4):
        found += sent(sync(api, LINK, OTHER, new=6, order=order, max_requests=4))
    assert len(found) == 12
    assert set(found) == {(link.id, ago(days)) for link in (LINK, OTHER) for days in range(6)}
    assert (api.report.complete, api.report.failed) == (True, 0)


@pytest.mark.parametrize("order", ["newest", "newest-day"])
def test_it_continues_a_backfill_that_was_stopped(api: FakeApi, order: Order) -> None:
    """The oldest days, which the backfill had not reached, are not taken for days before the link began."""
    api.run(days=DateRange(ago(5), YESTERDAY), order=order, max_requests=2, options=UTC)
    assert asked(sync(api)) == [ago(5), ago(4), ago(3), ago(2)]
    assert (api.report.complete, api.report.failed) == (True, 0)


def test_a_first_day_without_an_answer_is_not_forgotten(api: FakeApi) -> None:
    """A sync that is cancelled while it repeats the first day of a new target leaves it to the next one."""

    async def story(stage: Stage) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.5):
                await stage.client.sync([LINK], new=20)
        assert len(stage.events_of(DayDone)) > 3

    stage = play(
        story, lambda day, _: status(500) if day == ago(19) else good(day), start=NOW, store=api.store, **UTC
    )
    api.start = stage.clock.wall() + dt.timedelta(minutes=2)
    assert asked(sync(api, new=20))[0] == ago(19)
    assert (api.report.total, api.report.complete) == (20, True)


def test_a_witness_is_not_the_first_day_of_its_target(api: FakeApi) -> None:
    """A run that an outage ends has requested a late day of a target that it had not reached."""
    names = [Link(f"l{number}", "https://vvd.bz") for number in range(4)]
    sync(api, *names, new=12, options={"answers": lambda *_: status(405)})
    assert api.report.stopped is StopReason.TROUBLE
    sync(api, *names, new=12)
    assert counts(api.report) == (48, 48, 0)


def test_targets_that_are_up_to_date_cost_one_query(tmp_path: Path) -> None:
    """Their days are counted together, and not read."""

    async def story(stage: Stage) -> None:
        store.with_clock(stage.clock)
        await stage.client.sync(LINKS, new=40)
        store.calls.clear()
        report = await stage.client.sync(LINKS, new=40)
        assert (report.total, report.requests) == (0, 0)
        assert store.calls.count("summarize") == 1
        assert not {"entries", "known_range"} & set(store.calls)

    store = FailingStore(tmp_path / "clicks.db")
    play(story, store=store, **UTC)


def test_a_deadline_during_the_survey(tmp_path: Path) -> None:
    """Days of targets that were not looked at are not counted, and nothing is sent."""

    async def story(stage: Stage) -> None:
        report = await stage.client.sync(LINKS, new=4, deadline=0)
        assert (report.stopped, report.total, report.remaining) == (StopReason.DEADLINE, 0, 0)
        assert (report.complete, report.unsurveyed) == (False, len(LINKS))
        assert stage.transport.asked == []

    play(story, store=tmp_path / "clicks.db", **UTC)


@pytest.mark.parametrize(
    "more",
    [{"new": 0}, {"new": "365d"}, {"order": "random"}, {"since": 5}, {"max_requests": -1}, {"deadline": -1}],
)
def test_wrong_arguments(tmp_path: Path, more: dict[str, Any]) -> None:
    """They are usage errors before anything is sent or stored."""

    async def story(stage: Stage) -> None:
        with pytest.raises(UsageError):
            await stage.client.sync([LINK], **more)

    play(story, store=tmp_path / "clicks.db")
    assert not (tmp_path / "clicks.db").exists()


def test_without_a_store() -> None:
    """It is a usage error."""

    async def story(stage: Stage) -> None:
        with pytest.raises(UsageError, match="needs a store"):
            await stage.client.sync([LINK])

    play(story)


def test_the_calendar_begins_with_the_year_one() -> None:
    """More days than there are begin with the first."""

    async def story(stage: Stage) -> None:
        report = await stage.client.sync([LINK], new=10**9, deadline=0)
        assert (report.total, report.unsurveyed) == (0, 1)

    with tempfile.TemporaryDirectory() as folder:
        play(story, store=Path(folder) / "clicks.db", **UTC)


HELD = st.frozensets(st.sampled_from(list(TEN)))
FAILED = st.frozensets(st.sampled_from(list(TEN)), max_size=3)
SINCE = st.dictionaries(st.sampled_from(LINKS), st.sampled_from(list(TEN)))


@given(HELD, HELD, FAILED, SINCE, st.sampled_from(ORDERS))
@settings(max_examples=examples(40))
def test_a_second_sync_sends_nothing(
    held: frozenset[dt.date],
    others: frozenset[dt.date],
    failed: frozenset[dt.date],
    since: dict[Link, dt.date],
    order: Any,  # noqa: ANN401 - drawn
) -> None:
    """The first sends what is missing from the first known or first day on, each once; the second nothing."""
    days = {LINKS[0]: held, LINKS[1]: others}
    with tempfile.TemporaryDirectory() as folder:
        api = FakeApi(
            Path(folder) / "clicks.db", dt.datetime.combine(TEN.end, dt.time(12), dt.UTC) + dt.timedelta(1)
        )
        known: dict[Link, set[dt.date]] = {link: set() for link in LINKS}
        tried: dict[Link, set[dt.date]] = {link: set() for link in LINKS}

        async def fill(stage: Stage) -> None:
            for link, some in days.items():
                for day in sorted(some):
                    await stage.client.backfill(day, day, [link])
                    tried[link].add(day)

        stage = play(
            fill,
            lambda day, _: status(500) if day in failed else good(day),
            start=api.start,
            store=api.store,
            **UTC,
        )
        for event in stage.events_of(DayDone):
            known[event.target].add(event.day)  # type: ignore[index]  # there are only links
        api.start = stage.clock.wall() + dt.timedelta(hours=1)
        first = {link: since.get(link, min(tried[link], default=TEN.end - dt.timedelta(2))) for link in LINKS}
        expected = {
            (link.id, day) for link in LINKS for day in TEN if day >= first[link] and day not in known[link]
        }
        found = sent(sync(api, *LINKS, new=3, since=since, order=order))
        assert len(found) == len(expected)
        assert set(found) == expected
        assert api.report.done == len(expected)
        assert sent(sync(api, *LINKS, new=3, since=since)) == []
        assert (api.report.total, api.report.complete) == (0, True)
