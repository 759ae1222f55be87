"""Both kinds of store against the rules of days, written a second time in the plainest way."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.store.freshness import Reader
from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry, PutResult, Revision
from tests.model.strategies import FIRST, NOON, TARGETS, days
from tests.sizes import examples, sized
from tests.store.locations import DatabaseLocation, SqliteLocation

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.protocol import Store
    from tests.store.databases import PreparedDatabases
    from tests.store.locations import Location

R = TypeVar("R")

ALL = DateRange(FIRST, FIRST + dt.timedelta(days=4))
ACCOUNTS = st.sampled_from(["me", "you"])
THINGS = st.sampled_from(TARGETS)
DATES = st.sampled_from(list(ALL))
MOMENTS = st.integers(0, 2).map(lambda seconds: NOON + dt.timedelta(seconds=seconds))
BASES = st.sampled_from(
    [
        NOON,
        dt.datetime(2024, 2, 26, 12, 59, 20, tzinfo=dt.UTC),  # nearly final, wherever the account is
        dt.datetime(2024, 2, 27, 5, 59, 20, tzinfo=dt.UTC),  # the same in New York
    ]
)
ANSWERS = st.builds(
    lambda day, base: attrs.evolve(day, fetched_at=base + 40 * (day.fetched_at - NOON)), days(DATES), BASES
)
REASONS = st.sampled_from([Failure("ServerError", "busy", None, 503), Failure("ApiError", "no", 7, 200)])


@attrs.define
class Known:
    """All that is known of a day."""

    attempts: int = 0
    day: DayClicks | None = None
    revision: int = 0
    failure: LedgerEntry | None = None
    doubted_at: dt.datetime | None = None
    replaced: list[Revision] = attrs.field(factory=list)

    def answer(self, day: DayClicks, requests: int) -> PutResult:
        """Take in an answer."""
        self.attempts += requests
        held = self.day
        if held is not None:
            final = held.final and self.doubted_at is None
            if final and not day.final:
                return PutResult(self.revision, dropped=True)
            if final == day.final and day.fetched_at < held.fetched_at:
                return PutResult(self.revision, dropped=True)
            if any(new is None and old is not None for new, old in zip(day.clicks, held.clicks, strict=True)):
                since = self.doubted_at or day.fetched_at
                if self.doubted_at is None or day.fetched_at < since + dt.timedelta(minutes=1):
                    self.doubted_at, self.failure = since, None
                    return PutResult(self.revision, doubted_at=since)
        same = held is not None and (held.clicks, held.unique_users) == (day.clicks, day.unique_users)
        if held is not None and not same:
            self.replaced.append(Revision(self.revision, held))
        self.revision += not same
        self.day, self.failure, self.doubted_at = day, None, None
        return PutResult(self.revision, revised=held is not None and not same)

    def entry(self) -> LedgerEntry:
        """Sum it up."""
        reason = None if self.failure is None else self.failure.reason
        if self.day is None:
            assert self.failure is not None
            return attrs.evolve(self.failure, attempts=self.attempts)
        hours = sum(count is not None for count in self.day.clicks)
        state = DayState.PROVISIONAL
        if self.day.final and self.doubted_at is None:
            state = DayState.FINAL if hours else DayState.EMPTY
        moments = self.day.fetched_at, self.doubted_at
        return LedgerEntry(
            self.day.date, state, moments[0], self.attempts, self.revision, reason, hours, moments[1]
        )

    def figures(self) -> DayClicks | None:
        """Return the figures as they are read."""
        if self.day is None or self.doubted_at is None:
            return self.day
        return attrs.evolve(self.day, final=False)


class StoreMachine(RuleBasedStateMachine):
    """Calls a store in any order; `location` and `runner` are set by the test."""

    location: Location
    runner: asyncio.Runner
    numbers: Iterator[int]

    @initialize()
    def begin(self) -> None:
        """Begin with new accounts."""
        self.round = next(self.numbers)
        self.known: dict[tuple[str, Target], dict[dt.date, Known]] = {}
        self.accounts: dict[str, int] = {}
        self.store: Store = self.run(self.location.open())

    def run(self, call: Coroutine[Any, Any, R]) -> R:
        """Wait for a call."""
        return self.runner.run(call)

    def account(self, name: str) -> int:
        """Return the number of an account of this round; each store is asked once."""
        if name not in self.accounts:
            self.accounts[name] = self.run(self.store.account(f"{name} {self.round}"))
        return self.accounts[name]

    def line(self, name: str, target: Target, date: dt.date) -> Known:
        """Return what must be known of a day."""
        return self.known.setdefault((name, target), {}).setdefault(date, Known())

    @rule(name=ACCOUNTS, target_=THINGS, day=ANSWERS, requests=st.integers(1, 3))
    def put(self, name: str, target_: Target, day: DayClicks, requests: int) -> None:
        """Keep an answer."""
        kept = self.run(self.store.put(self.account(name), target_, day, requests=requests))
        assert kept == self.line(name, target_, day.date).answer(day, requests)

    @rule(
        name=ACCOUNTS,
        target_=THINGS,
        entry=st.builds(
            LedgerEntry,
            DATES,
            st.sampled_from([DayState.FAILED, DayState.REFUSED]),
            MOMENTS,
            st.integers(1, 3),
            reason=REASONS,
        ),
    )
    def record_failure(self, name: str, target_: Target, entry: LedgerEntry) -> None:
        """Note a failure."""
        self.run(self.store.record_failure(self.account(name), target_, entry))
        line = self.line(name, target_, entry.date)
        line.attempts += entry.attempts
        line.failure = entry

    @rule()
    def another(self) -> None:
        """Go on with another store of the same location."""
        self.run(self.store.close())
        self.accounts.clear()
        self.store = self.run(self.location.open())

    @rule(name=ACCOUNTS, target_=THINGS, ends=st.tuples(DATES, DATES).map(sorted))
    def look(self, name: str, target_: Target, ends: list[dt.date]) -> None:
        """Compare some days of a target."""
        account, span = self.account(name), DateRange(*ends)
        lines = [line for date, line in sorted(self.known.get((name, target_), {}).items()) if date in span]
        entries = [line.entry() for line in lines]
        assert self.run(self.store.entries(account, target_, span)) == entries
        figures = [line.figures() for line in lines if line.day]
        assert self.run(self.store.read(account, target_, span)) == figures
        replaced = [revision for line in lines for revision in line.replaced]
        assert self.run(self.store.revisions(account, target_, span)) == replaced
        count_by_state = self.run(self.store.count_by_state(account, target_, span))
        assert sorted(count_by_state.elements()) == sorted(entry.state for entry in entries)

    @rule(
        name=ACCOUNTS,
        target_=THINGS,
        ends=st.tuples(DATES, DATES).map(sorted),
        now=st.sampled_from([NOON + dt.timedelta(days=days) for days in (-2, 0, 30)]),
        zone=st.sampled_from([None, dt.UTC, ZoneInfo("America/New_York"), dt.timezone.min]),
        trusting=st.booleans(),
    )
    def compare_with_a_reader(
        self,
        name: str,
        target_: Target,
        ends: list[dt.date],
        now: dt.datetime,
        zone: dt.tzinfo | None,
        *,
        trusting: bool,
    ) -> None:
        """Compare the number of days in each state, by a reader, with the states of the single days."""
        account, span, reader = self.account(name), DateRange(*ends), Reader(now, zone, trusting)
        count_by_state = self.run(self.store.count_by_state(account, target_, span, reader=reader))
        entries = self.run(self.store.entries(account, target_, span))
        assert sorted(count_by_state.elements()) == sorted(reader.state(entry) for entry in entries)

    @invariant()
    def targets_are_known(self) -> None:
        """Compare the targets, in the order they came."""
        if not hasattr(self, "store"):
            return
        for name in ("me", "you"):
            account = self.account(name)
            mine = {target: lines for (owner, target), lines in self.known.items() if owner == name}
            assert self.run(self.store.targets(account)) == list(mine)
            failing = [
                target
                for target, lines in mine.items()
                if any(line.entry().state is DayState.FAILED for line in lines.values())
            ]
            assert self.run(self.store.targets(account, failing=True)) == failing

    def teardown(self) -> None:
        """Close the store."""
        if hasattr(self, "store"):
            self.run(self.store.close())


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_store_keeps_to_the_rules(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """After any calls in any order, a store has exactly what the plain rules say."""
    with asyncio.Runner() as runner:
        if kind == "sqlite":
            location: Location = SqliteLocation(tmp_path / "clicks.db")
        else:
            databases: PreparedDatabases = request.getfixturevalue("prepared_databases")
            location = DatabaseLocation(runner.run(databases.new()))

        class Machine(StoreMachine):
            pass

        Machine.location, Machine.runner, Machine.numbers = location, runner, itertools.count()
        number = examples(40) if kind == "sqlite" else sized(5, examples(10))
        run_state_machine_as_test(Machine, settings=settings(max_examples=number, stateful_step_count=25))
