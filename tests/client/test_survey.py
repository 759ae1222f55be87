"""A backfill that surveys a long list of targets can be stopped meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Link, UsageError
from hourlyclicks.model.report import StopReason
from hourlyclicks.store.sqlite import SqliteStore
from tests.client.stories import END, START, free, simulate

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks import BackfillReport, Client
    from hourlyclicks.simulator import VirtualClock

TARGETS = [Link(f"link{number}", "https://vvd.bz") for number in range(5000)]


class SlowStore(SqliteStore):
    """A store that takes a second to count the days of some targets."""

    clock: VirtualClock
    counted = 0

    async def summarize(self, *words: Any, **options: Any) -> Any:  # noqa: ANN401 - passed through
        """See `hourlyclicks.store.protocol.Store.summarize`."""
        self.counted += 1
        await self.clock.sleep(1.0)
        return await super().summarize(*words, **options)


def survey(path: Path, end: str) -> tuple[SlowStore, BackfillReport | UsageError]:
    """Begin a backfill, and end it while it surveys the third part of the targets."""
    store = SlowStore(path / "clicks.db")

    async def main(client: Client, clock: VirtualClock) -> BackfillReport | UsageError:
        store.clock = clock
        stop = asyncio.Event()
        deadline = 2.5 if end == "deadline" else None
        run = asyncio.create_task(client.backfill(START, END, TARGETS, deadline=deadline, stop=stop))
        await clock.sleep(2.5)
        if end == "stop":
            stop.set()
        if end == "close":
            await client.close()
        try:
            return await run
        except UsageError as error:
            return error
        finally:
            await store.close()

    return store, simulate(free(), main, store=store)


@pytest.mark.parametrize(("end", "why"), [("deadline", StopReason.DEADLINE), ("stop", StopReason.STOPPED)])
def test_a_survey_is_stopped(tmp_path: Path, end: str, why: StopReason) -> None:
    """A deadline and a stop also hold during the survey; nothing is sent then."""
    store, report = survey(tmp_path, end)
    assert not isinstance(report, UsageError)
    assert (report.stopped, report.requests) == (why, 0)
    assert store.counted <= 4


def test_a_stopped_sync_counts_no_target_that_it_has_not_looked_at(tmp_path: Path) -> None:
    """It cannot know what is to do of them; the report says how many there are."""
    store = SlowStore(tmp_path / "clicks.db")

    async def main(client: Client, clock: VirtualClock) -> BackfillReport:
        store.clock = clock
        report = await client.sync(TARGETS, deadline=1.5)
        await store.close()
        return report

    report = simulate(free(), main, store=store)
    assert (report.total, report.remaining, report.unsurveyed) == (0, 0, len(TARGETS))
    assert (report.complete, report.resume_at is None) == (False, False)


def test_a_survey_ends_when_the_client_is_closed(tmp_path: Path) -> None:
    """It ends with the error that says so, and the report."""
    store, error = survey(tmp_path, "close")
    assert isinstance(error, UsageError)
    assert error.report is not None
    assert store.counted <= 4


def test_a_survey_without_queries_yields_to_other_tasks(tmp_path: Path) -> None:
    """With `refresh`, nothing is read; a stop is noticed all the same."""

    async def main(client: Client, _: VirtualClock) -> BackfillReport:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_soon(stop.set)
        return await client.backfill(START, END, TARGETS, refresh=True, stop=stop)

    report = simulate(free(), main, store=tmp_path / "clicks.db")
    assert (report.stopped, report.requests) == (StopReason.STOPPED, 0)
