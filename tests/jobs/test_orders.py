"""The orders in which a backfill requests its days, and what they have in common."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks import Link
from hourlyclicks.events import DayDone, Progress
from hourlyclicks.jobs import planner
from hourlyclicks.jobs.run_options import Order
from hourlyclicks.model.dates import DateRange
from hourlyclicks.pacing.plans import Limits, Plan
from hourlyclicks.simulator import Simulator
from tests.coordination.clients import run_clients
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import ONE, FailingStore, good, play, status
from tests.jobs.backfilling import OTHER, FakeApi
from tests.jobs.test_parking_runs import GOOD, rejection
from tests.sizes import examples
from tests.stores import store_at

if TYPE_CHECKING:
    from tests.coordination.clients import Fleet, Member
    from tests.fetching.stage import Answers, Stage

LINKS = (LINK, OTHER, Link("3", "https://vvd.bz"))
TEN = DateRange(DAY, DAY + dt.timedelta(9))
ORDERS: tuple[Order, ...] = get_args(Order)


@pytest.fixture
def api(tmp_path: Path) -> FakeApi:
    """Return a fake API with an empty store."""
    return FakeApi(store_at(tmp_path / "clicks.db"))


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the ledger in small parts, so that ten days are several."""
    monkeypatch.setattr(planner, "WINDOW", 4)
    monkeypatch.setattr(planner, "ENTRIES", 4)


def sent(stage: Stage) -> list[tuple[str, dt.date]]:
    """Return the id of the link and the day of each request, in order."""
    return [(each.target, each.day) for each in stage.transport.asked]


def test_the_newest_day_of_each_target_comes_first(api: FakeApi) -> None:
    """Then the day before of each, in the order of the targets, also beside days that are known."""
    api.run(days=DateRange(TEN[4], TEN[6]), targets=(OTHER,))
    stage = api.run(days=TEN, targets=LINKS, order="newest-day", options={"limits": ONE})
    known = {(OTHER.id, day) for day in list(TEN)[4:7]}
    expected = [(link.id, day) for day in reversed(TEN) for link in LINKS]
    assert sent(stage) == [each for each in expected if each not in known]
    assert (api.report.done, api.report.reused) == (27, 3)


def test_it_continues_after_any_end(api: FakeApi) -> None:
    """Runs of a few requests send together what one run would, in the same order."""
    found: list[tuple[str, dt.date]] = []
    for _ in range(5):
        stage = api.run(days=TEN, targets=LINKS, order="newest-day", max_requests=7, options={"limits": ONE})
        found += sent(stage)
    assert found == [(link.id, day) for day in reversed(TEN) for link in LINKS]
    assert api.report.complete


def test_a_refresh_day_by_day_requests_all_days(api: FakeApi) -> None:
    """Days that are final are requested again, each once."""
    api.run(days=TEN, targets=LINKS)
    stage = api.run(days=TEN, targets=LINKS, order="newest-day", refresh=True, options={"limits": ONE})
    assert sent(stage) == [(link.id, day) for day in reversed(TEN) for link in LINKS]
    assert (api.report.done, api.report.reused) == (30, 0)


def test_failed_days_wait_for_their_turn(api: FakeApi) -> None:
    """In this order a day that failed in an earlier run does not go before the newest day."""
    api.run(lambda _day, _number: status(500), days=DateRange(DAY, DAY), targets=(LINK,))
    stage = api.run(days=TEN, targets=LINKS, order="newest-day", options={"limits": ONE})
    assert sent(stage)[:3] == [(link.id, TEN.end) for link in LINKS]
    assert api.report.complete


@pytest.mark.parametrize("length", [10, 90], ids=["at the end", "meanwhile"])
def test_a_released_target_catches_up(tmp_path: Path, length: int) -> None:
    """When a parked target is answered again, the days that it missed are fetched, then those before them."""
    days = DateRange(TEN.end - dt.timedelta(length - 1), TEN.end)

    async def story(stage: Stage) -> None:
        stage.transport.answers = lambda day, number: (
            rejection() if number < 12 and stage.transport.asked[number].target == LINK.id else good(day)
        )
        report = await stage.client.backfill(days.start, days.end, (LINK, GOOD), order="newest-day")
        assert (report.done, report.failed, report.parked) == (2 * length, 0, {})
        done = {
            link: [event.day for event in stage.events_of(DayDone) if event.target == link]
            for link in (LINK, GOOD)
        }
        assert done[GOOD] == list(reversed(days))
        assert set(done[LINK]) == set(days)
        assert len(done[LINK]) == length
        ahead = length > 10  # it was released before the run came to the last days
        assert (done[GOOD][-1] in {each.day for each in stage.transport.asked[-2:]}) == ahead

    play(story, store=tmp_path / "clicks.db", limits=ONE)


@pytest.mark.parametrize("order", ORDERS)
def test_the_ledger_is_read_once_in_each_part(tmp_path: Path, order: Order) -> None:
    """The entries of a target are read once for each part of the range, and not for each day."""

    async def story(stage: Stage) -> None:
        store.with_clock(stage.clock)
        report = await stage.client.backfill(DAY, TEN.end, LINKS, order=order)
        assert report.complete
        assert store.calls.count("entries") == len(LINKS) * 3

    store = FailingStore(tmp_path / "clicks.db")
    play(story, store=store)


def test_the_first_eta_and_the_progress_are_right(tmp_path: Path) -> None:
    """The first ETA is the time that the run takes, and the progress ends with nothing left."""
    upstream = Simulator(limits=(), concurrency=0, latency=(0.05, 0.05))
    limits = Limits(rates=Plan.BUSINESS.limits.rates, concurrency=2)

    async def scenario(fleet: Fleet) -> None:
        member = fleet.join()
        report = await member.client.backfill(DAY, TEN.end, LINKS, order="newest-day")
        progress = [event for event in member.events if isinstance(event, Progress)]
        assert progress[0].eta == pytest.approx(report.seconds, rel=0.02)
        assert [event.done for event in progress] == sorted(event.done for event in progress)
        assert (progress[0].done, progress[-1].done, progress[-1].eta) == (0, 30, 0.0)

    run_clients(tmp_path / "clicks.db", upstream, limits, scenario)


@pytest.mark.parametrize("other", ["newest-day", "oldest"])
def test_two_processes_share_the_days(tmp_path: Path, other: Order) -> None:
    """Each day is requested once between them, and both end with every day done."""
    upstream = Simulator(limits=(), concurrency=0, latency=(0.05, 0.3))

    async def run(member: Member, order: Order) -> None:
        member.report = await member.client.backfill(DAY, TEN.end, LINKS, order=order)

    async def scenario(fleet: Fleet) -> None:
        await asyncio.gather(run(fleet.join(), "newest-day"), run(fleet.join(), other))

    fleet = run_clients(tmp_path / "clicks.db", upstream, Limits(concurrency=2), scenario)
    assert set(upstream.counters.asked.values()) == {1}
    assert len(upstream.counters.asked) == 30
    for member in fleet.members:
        assert member.report is not None
        assert (member.report.complete, member.report.remaining) == (True, 0)
        last = [event for event in member.events if isinstance(event, Progress)][-1]
        assert (last.done, last.eta) == (30, 0.0)


@attrs.frozen
class Earlier:
    """An earlier backfill of one target.

    Args:
        link: the target.
        days: its days.
        failing: which of its requests fail, counted from 0.
    """

    link: Link
    days: DateRange
    failing: frozenset[int]

    def answers(self) -> Answers:
        """Return the answers to its requests."""
        return lambda day, number: status(500) if number in self.failing else good(day)


@st.composite
def spans(draw: st.DrawFn) -> DateRange:
    """Draw some of the ten days."""
    first = draw(st.integers(0, 9))
    return DateRange(TEN[first], TEN[draw(st.integers(first, 9))])


EARLIER = st.builds(
    Earlier, st.sampled_from(LINKS), spans(), st.frozensets(st.integers(0, 9)) | st.just(frozenset())
)
SINCE = st.dictionaries(st.sampled_from(LINKS), st.sampled_from(list(TEN)))


@given(st.lists(EARLIER, max_size=4), spans(), SINCE)
@settings(max_examples=examples(40))
def test_every_order_sends_the_same_requests(
    earlier: list[Earlier], days: DateRange, since: dict[Link, dt.date]
) -> None:
    """They are those of the days without figures from the first day of each target on, each once."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "clicks.db"
        api = FakeApi(kept)
        known: set[tuple[str, dt.date]] = set()
        for run in earlier:
            stage = api.run(run.answers(), run.days, (run.link,), options={"limits": ONE})
            known |= {(run.link.id, event.day) for event in stage.events_of(DayDone)}
        expected = {(link.id, day) for link in LINKS for day in days if day >= since.get(link, day)} - known
        for order in ORDERS:
            path = kept.with_name(order)
            if earlier:
                shutil.copy(kept, path)
            found: list[tuple[str, dt.date]] = []

            async def story(stage: Stage, order: Order = order) -> None:
                report = await stage.client.backfill(days.start, days.end, LINKS, order=order, since=since)
                assert report.complete
                assert report.total == sum(day >= since.get(link, day) for link in LINKS for day in days)
                assert report.done == len(expected)

            found += sent(play(story, store=path, start=api.start))
            assert len(found) == len(expected)
            assert set(found) == expected
