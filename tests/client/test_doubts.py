"""What a client does when the server loses figures, and what `refresh` requests."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks import Account, Client
from hourlyclicks.events import DayRevised, Event
from hourlyclicks.jobs.run_options import RunOptions
from hourlyclicks.jobs.stopping import StopCondition
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.http import Response
from hourlyclicks.simulator import VirtualClock, run_virtual
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.sqlite import SqliteStore
from tests.client.stories import KEY, UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.model.http import Request

DAYS = DateRange.of("2024-03-01", "2024-03-05")
ME = Account()
HOUR, MINUTE = 3600, 60


@attrs.define
class Forgetful:
    """A server with a limited number of hours of each day."""

    clock: VirtualClock
    hours: int = 24
    requests: int = 0

    async def send(self, request: Request) -> Response:
        """Answer."""
        self.requests += 1
        await self.clock.sleep(0.1)
        day = request.url.query["ymd"]
        rows = [
            f'{{"ymd": "{day}", "hour": {hour}, "acesCnt": 3, "pernCnt": 2}}' for hour in range(self.hours)
        ]
        return Response(200, {}, f'{{"code": 0, "result": [{", ".join(rows)}]}}'.encode())

    async def close(self) -> None:
        """Do nothing."""


@attrs.frozen
class Scene:
    """A server and a store on a virtual clock."""

    server: Forgetful
    path: Path
    clock: VirtualClock
    events: list[Event] = attrs.field(factory=list)

    def client(self, zone: dt.tzinfo | None = None) -> Client:
        """Return the client of another process."""
        return Client(
            KEY,
            transport=self.server,
            clock=self.clock,
            limits=UNLIMITED,
            store=self.path,
            on_event=self.events.append,
            timezone=zone,
        )

    async def backfill(self, *, refresh: bool = False) -> tuple[int, int]:
        """Run a backfill, and return how many requests it sent and how many of its days are not final."""
        async with self.client() as client:
            report = await client.backfill(DAYS.start, DAYS.end, [ME], refresh=refresh)
        assert report.complete
        return report.requests, report.provisional

    async def known(self) -> list[tuple[DayState, int, int]]:
        """Return state, reported hours and number of revisions of each day."""
        store = SqliteStore(self.path)
        account = next(iter((await store.accounts()).values()))
        entries, days = await store.entries(account, ME, DAYS), await store.read(account, ME, DAYS)
        dates = [revision.day.date for revision in await store.revisions(account, ME, DAYS)]
        await store.close()
        return [
            (entry.state, day.reported_hours, dates.count(day.date))
            for entry, day in zip(entries, days, strict=True)
        ]

    @property
    def revised(self) -> int:
        """How many days were reported as revised."""
        return sum(isinstance(event, DayRevised) for event in self.events)


def play(path: Path, story: Callable[[Scene], Awaitable[None]]) -> None:
    """Run a scenario."""
    run_virtual(lambda clock: _told(story(Scene(Forgetful(clock), path / "clicks.db", clock))))


async def _told(story: Awaitable[None]) -> None:
    await story


@pytest.mark.parametrize("left", [0, 7])
def test_figures_stay_until_their_loss_is_confirmed(left: int, tmp_path: Path) -> None:
    """They stay, in doubt, until a later answer confirms that they are gone, and become revisions."""

    async def story(scene: Scene) -> None:
        assert await scene.backfill() == (5, 0)
        scene.server.hours = left
        assert await scene.backfill(refresh=True) == (5, 5)
        assert await scene.known() == [(DayState.PROVISIONAL, 24, 0)] * 5
        assert await scene.backfill() == (0, 5), "not in every run"
        assert scene.revised == 0
        await scene.clock.sleep(HOUR)
        assert await scene.backfill() == (5, 0)
        assert await scene.known() == [(DayState.FINAL if left else DayState.EMPTY, left, 1)] * 5
        assert scene.revised == 5
        assert await scene.backfill() == (0, 0), "and never again"

    play(tmp_path, story)


def test_figures_that_return_end_the_doubt(tmp_path: Path) -> None:
    """The day is final again after one more request."""

    async def story(scene: Scene) -> None:
        await scene.backfill()
        scene.server.hours = 0
        await scene.backfill(refresh=True)
        scene.server.hours = 24
        await scene.clock.sleep(HOUR)
        assert await scene.backfill() == (5, 0)
        assert await scene.known() == [(DayState.FINAL, 24, 0)] * 5
        assert scene.revised == 0

    play(tmp_path, story)


def test_a_fetch_of_a_day_in_doubt_returns_the_figures(tmp_path: Path) -> None:
    """They are provisional, and another call requests again; answers within a minute confirm nothing."""

    async def story(scene: Scene) -> None:
        await scene.backfill()
        scene.server.hours = 0
        async with scene.client() as client:
            for requests in (10, 15):
                series = await client.fetch(DAYS.start, DAYS.end, refresh=True)
                assert (series.total_clicks, len(series.provisional_days)) == (5 * 24 * 3, 5)
                assert scene.server.requests == requests
            day = await client.day(DAYS.start)
            assert (day.reported_hours, day.final, scene.server.requests) == (24, False, 16)
            await scene.clock.sleep(MINUTE)
            series = await client.fetch(DAYS.start, DAYS.end)
            assert (series.total_clicks, series.provisional_days, scene.server.requests) == (0, (), 21)

    play(tmp_path, story)


def test_two_processes_that_refresh_at_once_confirm_nothing(tmp_path: Path) -> None:
    """The answer that put a day in doubt is not confirmed by the same call of another process."""

    async def story(scene: Scene) -> None:
        await scene.backfill()
        scene.server.hours = 0
        async with scene.client() as one, scene.client() as two:
            first = one._engine.backfill(
                {ME: DAYS}, RunOptions(), freshness=one._engine.freshness(refresh=True)
            )
            second = two._engine.freshness(refresh=True)
            await scene.clock.sleep(0.01)
            await first.run(StopCondition(scene.clock, None, None))
            await scene.clock.sleep(2 * HOUR)
            late = two._engine.backfill({ME: DAYS}, RunOptions(), freshness=second)
            assert (await late.run(StopCondition(scene.clock, None, None))).requests == 0
        assert await scene.known() == [(DayState.PROVISIONAL, 24, 0)] * 5

    play(tmp_path, story)


@pytest.mark.parametrize("ahead", [dt.timedelta(minutes=4), dt.timedelta(days=1000)])
def test_refresh_always_requests_and_its_answer_counts(ahead: dt.timedelta, tmp_path: Path) -> None:
    """Its answer replaces even figures that a clock ahead of ours has stamped and made final."""

    async def story(scene: Scene) -> None:
        await scene.backfill()
        store = SqliteStore(scene.path)
        account = next(iter((await store.accounts()).values()))
        for day in await store.read(account, ME, DAYS):
            wrong = (99,) * 24
            later = attrs.evolve(day, clicks=wrong, unique_users=wrong, fetched_at=scene.clock.wall() + ahead)
            await store.put(account, ME, later, requests=1)
        await store.close()
        async with scene.client() as client:
            assert (await client.day(DAYS.start, refresh=True)).total_clicks == 24 * 3
            series = await client.fetch(DAYS.start, DAYS.end, refresh=True)
            assert (series.total_clicks, scene.server.requests) == (5 * 24 * 3, 5 + 1 + 5)
        assert await scene.known() == [(DayState.FINAL, 24, 2)] * 5

    play(tmp_path, story)


def test_a_wrong_zone_is_corrected(tmp_path: Path) -> None:
    """A client with the right zone requests again the days that are not final there, and no others."""

    async def story(scene: Scene) -> None:
        yesterday, zones = DateRange.of("2025-05-31", "2025-05-31"), (9, 0, -12)
        zone = {hours: dt.timezone(dt.timedelta(hours=hours)) for hours in zones}
        async with scene.client(zone[9]) as client:
            assert (await client.day("2025-05-31")).final
        for each, final, requests in (
            (zone[9], True, 1),
            (zone[-12], False, 2),
            (zone[0], True, 2),
            (None, False, 3),
        ):
            async with scene.client(each) as client:
                day = await client.day(yesterday.start)
                assert (day.final, scene.server.requests) == (final, requests)

    play(tmp_path, story)
