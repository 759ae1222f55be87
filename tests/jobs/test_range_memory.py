"""What is known of ranges is remembered in the store, and never trusted further than is seen."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Client, Limits, Link, Rate
from hourlyclicks.clock import SECOND
from hourlyclicks.events import EndpointChanged, Progress
from hourlyclicks.fetching.range_state import URGENT_SHIFT
from hourlyclicks.model.range_caps import MONTH, RangeCap
from hourlyclicks.model.range_record import RangeRecord
from hourlyclicks.simulator import Envelope, RangeRules, Rule, Script, Status, run_virtual
from hourlyclicks.store import MemoryStore
from tests.client.stories import LINK, UNLIMITED
from tests.jobs.test_range_work import (
    DAYS,
    FORTNIGHTS,
    HALF_YEAR,
    MONTHS,
    OTHER,
    V2,
    V3,
    WEEKS,
    by_single_days,
    server,
)
from tests.sizes import sample, sized

if TYPE_CHECKING:
    from hourlyclicks.events import Event
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.simulator import VirtualClock
    from hourlyclicks.store.protocol import Store

pytestmark = pytest.mark.no_cover  # tracing would triple its time; other tests run the same lines

YEAR = ("2024-01-01", "2024-12-31")
FIVE_YEARS = ("2020-01-01", "2024-12-31")
THIRD = Link("c", "https://vvd.bz")
SPARSE = sized(["s7"], [f"s{number}" for number in range(12)])
"""Ids of links, some of which have no clicks for the first months."""
HONEST = RangeRules()
CUTS = [
    RangeRules(cap=7, too_long="cut_end"),
    RangeRules(cap=14, too_long="cut_end"),
    RangeRules(cap=7, too_long="cut_start"),
    RangeRules(cap=14, too_long="cut_start"),
    RangeRules(cap=7),
    RangeRules(excludes="end"),
    RangeRules(excludes="both"),
]
REFUSALS = (Rule(Status(400), number=range(1, 5)), Rule(Envelope({"code": 1, "message": "busy"}), number={1}))
"""They pass."""
ACTIVE = (100, 40, 3, 0)
"""How many percent of the days have clicks."""


class Runs:
    """Runs of programs, one after the other or at once, each with a client of its own on one store.

    Args:
        rules: how the server answers for ranges.
        active_days: the percentage of days with clicks.
    """

    def __init__(self, rules: RangeRules = HONEST, *, active_days: int = 100) -> None:
        self.events: list[Event] = []
        self.active_days = active_days
        self.upstream = server(rules, active_days=active_days)

    def change(self, rules: RangeRules) -> None:
        """Let the server answer otherwise from now on."""
        self.upstream.ranges = rules

    def client(self, clock: VirtualClock, store: Store | None, endpoint: str = "auto") -> Client:
        """Return the client of another program."""
        return Client(
            self.upstream.key,
            transport=self.upstream.transport(clock),
            clock=clock,
            store=store,
            limits=UNLIMITED,
            endpoint=endpoint,  # type: ignore[arg-type]  # one of its values
            on_event=self.events.append,
        )

    async def backfill(
        self, clock: VirtualClock, store: Store, target: Link, days: tuple[str, str] = HALF_YEAR
    ) -> BackfillReport:
        """Run a program that brings a target into the store."""
        async with self.client(clock, store) as client:
            return await client.backfill(*days, [target])

    @property
    def changes(self) -> int:
        """How many events have said that version 2 is used."""
        return sum(isinstance(event, EndpointChanged) for event in self.events)


def told(runs: Runs, main: Any) -> Any:  # noqa: ANN401 - whatever the story returns
    """Tell a story of several runs, on one clock and one store."""

    async def tell(clock: VirtualClock) -> Any:  # noqa: ANN401 - as above
        return await main(runs, clock, MemoryStore(clock=clock))

    return run_virtual(tell)


def test_the_proof_is_made_once_for_an_account() -> None:
    """A second program, with another target, sends the fewest requests there can be."""

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        first = await runs.backfill(clock, store, LINK)
        second = await runs.backfill(clock, store, OTHER)
        assert (first.requests, second.requests) == (MONTHS + 1, MONTHS)
        assert runs.upstream.counters.count(endpoint=V2) == 1

    told(Runs(), story)


def test_another_account_has_its_own_proof() -> None:
    """What one key has shown says nothing of another."""

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        await runs.backfill(clock, store, LINK)
        async with Client(
            runs.upstream.key,
            transport=runs.upstream.transport(clock),
            clock=clock,
            store=store,
            limits=UNLIMITED,
            account="another",
            endpoint="auto",
        ) as client:
            assert (await client.backfill(*HALF_YEAR, [LINK])).requests == MONTHS + 1

    told(Runs(), story)


def test_a_cap_is_found_once_in_thirty_days() -> None:
    """When it was found again after a day, later programs ask for no longer range until that time is over."""
    cap = RangeRules(cap=14)

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        first = await runs.backfill(clock, store, LINK, YEAR)
        second = await runs.backfill(clock, store, OTHER, YEAR)
        assert second.requests == 27
        assert 27 + 1 < first.requests <= 27 + 2 + 4
        await clock.sleep(86_401)
        again = await runs.backfill(clock, store, THIRD, YEAR)
        assert again.requests == 27 + 1
        await clock.sleep(29 * 86_400)
        runs.change(RangeRules())
        assert (await runs.backfill(clock, store, Link("d", "https://vvd.bz"), YEAR)).requests == 27
        await clock.sleep(86_401)
        assert (await runs.backfill(clock, store, Link("e", "https://vvd.bz"), YEAR)).requests <= 12 + 3
        assert (await runs.backfill(clock, store, Link("f", "https://vvd.bz"), YEAR)).requests == 12

    told(Runs(cap), story)


@pytest.mark.parametrize(("rule", "daily"), sample([*product(REFUSALS, [False, True])], 2))
def test_a_refusal_that_passes_is_soon_forgotten(rule: Rule, *, daily: bool) -> None:
    """If it met the very first range, ranges are shorter for a day, and not for a month."""
    endpoint = "clicks-by-date/v2" if daily else V3

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        runs.upstream.faults = Script(rule)
        sent = []
        for target in (LINK, OTHER, THIRD):
            before = runs.upstream.counters.count(endpoint=endpoint)
            async with runs.client(clock, store) as client:
                if daily:
                    await client.daily(*YEAR, target)
                else:
                    assert (await client.backfill(*YEAR, [target])).complete
            sent.append(runs.upstream.counters.count(endpoint=endpoint) - before)
            await clock.sleep(86_401)
        assert sent[0] > 20
        assert sent[1] <= 12 + 3, "only one longer range is tried at a time"
        assert sent[2] == 12

    told(Runs(), story)


def test_a_lower_cap_of_the_server_is_found_once() -> None:
    """Although a longer range was proved before."""

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        await runs.backfill(clock, store, LINK)
        runs.change(RangeRules(cap=7, refusal=400))
        second = await runs.backfill(clock, store, OTHER)
        third = await runs.backfill(clock, store, THIRD)
        assert second.failed == third.failed == 0
        assert second.requests <= WEEKS + 3 * 5
        assert third.requests == WEEKS

    told(Runs(), story)


@pytest.mark.parametrize("missing", [404, 410, 501])
def test_a_missing_endpoint_is_tried_once_a_day(missing: int) -> None:
    """By one of all programs, and reported once each time; when it is there again, it is compared again."""
    days = ("2024-01-01", "2024-01-10")

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        for number in range(3):
            await runs.backfill(clock, store, Link(f"a{number}", "https://vvd.bz"), days)
            await clock.sleep(3_600)
        assert (runs.upstream.counters.count(endpoint=V3), runs.changes) == (1, 1)
        await clock.sleep(86_400)
        for number in range(3):
            await runs.backfill(clock, store, Link(f"b{number}", "https://vvd.bz"), days)
        assert (runs.upstream.counters.count(endpoint=V3), runs.changes) == (2, 2)
        runs.change(RangeRules())
        assert (await runs.backfill(clock, store, LINK, days)).requests == 10
        await clock.sleep(86_400)
        assert (await runs.backfill(clock, store, OTHER, days)).requests == 1 + 1
        assert (await runs.backfill(clock, store, THIRD, days)).requests == 1
        assert runs.changes == 2

    told(Runs(RangeRules(missing=missing)), story)


def test_an_endpoint_that_is_there_no_more() -> None:
    """After it was used for months, one request finds out, and version 2 answers for all days."""

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        await runs.backfill(clock, store, LINK)
        runs.change(RangeRules(missing=410))
        reports = [await runs.backfill(clock, store, target) for target in (OTHER, THIRD)]
        assert [report.requests for report in reports] == [DAYS + 3, DAYS]
        assert [report.failed for report in reports] == [0, 0]
        assert runs.changes == 1

    told(Runs(), story)


@pytest.mark.parametrize(
    ("rules", "active"),
    sample(list(product(CUTS, ACTIVE)), 3),
    ids=str,
)
def test_a_server_that_suddenly_cuts(rules: RangeRules, active: int) -> None:
    """No day is taken for empty by what another program had seen before, of dense or sparse targets."""
    expected = by_single_days(active)

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        for target in (OTHER, THIRD):
            await runs.backfill(clock, store, target)
        runs.change(rules)
        await runs.backfill(clock, store, LINK)
        async with runs.client(clock, store, "v2") as client:
            sent = runs.upstream.counters.requests
            assert await client.fetch(*HALF_YEAR, LINK) == expected
            assert runs.upstream.counters.requests == sent

    told(Runs(active_days=active), story)


@pytest.mark.parametrize("active", sample([50, 10, 2], 2))
def test_sparse_targets_cost_a_check_for_each_run(active: int) -> None:
    """Where no answer proves enough, the days with clicks of another target do: at most two requests."""

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        await runs.backfill(clock, store, OTHER, YEAR)
        assert (await runs.backfill(clock, store, LINK, YEAR)).requests <= 12 + 2

    told(Runs(active_days=active), story)


@pytest.mark.parametrize(
    ("rules", "active"),
    sample([*((rules, 100) for rules in CUTS[:5]), *((rules, 70) for rules in CUTS[:5])], 2),
    ids=str,
)
def test_a_server_that_cuts_while_a_client_runs(rules: RangeRules, active: int) -> None:
    """Rows at one side of a range, and none at the other, are a reason to check, once a minute."""
    expected = by_single_days(active, YEAR)

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        async with runs.client(clock, store) as client:
            await client.backfill(*YEAR, [OTHER])
            await clock.sleep(URGENT_SHIFT / SECOND)  # it has asked for a witness itself
            runs.change(rules)
            await client.backfill(*YEAR, [LINK])
        async with runs.client(clock, store, "v2") as client:
            assert await client.fetch(*YEAR, LINK) == expected

    told(Runs(active_days=active), story)


@pytest.mark.parametrize("end", sample(["05-31", "06-30", "07-31", "08-31", "09-30"], 2))
@pytest.mark.parametrize("cap", [7, 14])
def test_a_proof_of_shorter_months_is_checked_too(cap: int, end: str) -> None:
    """A check of 31 days that lacks its witness says nothing of a proof of 30: these are asked for, too."""
    days = ("2024-01-01", f"2024-{end}")
    expected = by_single_days(70, days)

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        async with runs.client(clock, store) as client:
            await client.backfill(*days, [OTHER])
            await clock.sleep(URGENT_SHIFT / SECOND)  # it has asked for a witness itself
            runs.change(RangeRules(cap=cap, too_long="cut_start"))
            await client.backfill(*days, [LINK])
        async with runs.client(clock, store, "v2") as client:
            assert await client.fetch(*days, LINK) == expected

    told(Runs(active_days=70), story)


@pytest.mark.parametrize("active", sized([5], [5, 2]))
def test_a_server_that_cuts_within_a_run_is_found_out(active: int) -> None:
    """Of sparse targets, what was found empty since ranges were seen to be answered is requested again."""
    expected = by_single_days(active)

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        async with runs.client(clock, store) as client:
            await client.backfill(*HALF_YEAR, [OTHER])
            runs.change(RangeRules(cap=7, too_long="cut_end"))
            await client.backfill(*HALF_YEAR, [LINK])
            await clock.sleep(900)
            await client.backfill(*HALF_YEAR, [THIRD])
            await client.backfill(*HALF_YEAR, [LINK])
            assert await client.fetch(*HALF_YEAR, LINK) == expected

    told(Runs(active_days=active), story)


def test_a_witness_that_is_gone() -> None:
    """It is asked for once, and another one is found."""
    gone = Script(Rule(Envelope({"code": 9, "message": "no such link", "result": []}), target=OTHER))

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        await runs.backfill(clock, store, OTHER, YEAR)
        assert (await store.range_record(1, V3)).witness is not None
        runs.upstream.faults = gone
        await runs.backfill(clock, store, LINK, YEAR)
        await runs.backfill(clock, store, THIRD, YEAR)
        witness = (await store.range_record(1, V3)).witness
        assert witness is not None
        assert witness.target != OTHER
        report = await runs.backfill(clock, store, Link("d", "https://vvd.bz"), YEAR)
        assert (report.failed, report.requests <= 12 + 2) == (0, True)

    told(Runs(active_days=10), story)


@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize("active", sized([1], [1, 2, 5]))
def test_the_first_target_of_an_account_may_have_few_clicks(active: int, name: str) -> None:
    """Its first months are silent, and so is most of each other one; then the next target costs a check."""

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        first = await runs.backfill(clock, store, Link(name, "https://vvd.bz"), FIVE_YEARS)
        assert (first.failed, first.requests <= 60 + 14) == (0, True)
        second = await runs.backfill(clock, store, Link(f"{name}b", "https://vvd.bz"), FIVE_YEARS)
        assert (second.failed, second.requests <= 60 + 2) == (0, True)

    told(Runs(active_days=active), story)


@pytest.mark.parametrize("name", SPARSE)
def test_another_witness_is_looked_for(name: str) -> None:
    """Where the only one is gone, and the first months of the next target are silent."""

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        await runs.backfill(clock, store, OTHER, FIVE_YEARS)
        await store.change_range_record(1, V3, RangeRecord.without_witness)
        report = await runs.backfill(clock, store, Link(name, "https://vvd.bz"), FIVE_YEARS)
        assert (report.failed, report.requests <= 60 + 14) == (0, True)

    told(Runs(active_days=1), story)


def test_a_call_for_a_few_days_does_not_look_for_clicks() -> None:
    """Days of silence are then cheaper to ask for one by one."""

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        report = await runs.backfill(clock, store, LINK, ("2024-01-01", "2024-01-07"))
        assert report.requests == 1 + 7

    told(Runs(active_days=0), story)


@pytest.mark.parametrize("name", SPARSE)
def test_a_long_call_looks_for_clicks_right_after_a_short_one(name: str) -> None:
    """A call for a few days, which does not look for them, takes nothing from it."""
    link = Link(name, "https://vvd.bz")

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        async with runs.client(clock, store) as client:
            short = await client.backfill("2020-01-01", "2020-01-07", [link])
            long = await client.backfill(*FIVE_YEARS, [link])
        assert (short.failed, long.failed) == (0, 0)
        assert long.requests <= 60 + 12 + 1 + 4  # months, the search, the comparison, checks

    told(Runs(active_days=1), story)


def test_the_cap_for_sums_is_found_once() -> None:
    """By each endpoint for itself."""

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        sent = []
        for target in (LINK, OTHER):
            async with runs.client(clock, store) as client:
                before = runs.upstream.counters.requests
                await client.daily(*HALF_YEAR, target)
                sent.append(runs.upstream.counters.requests - before)
        assert sent[0] > sent[1] == WEEKS
        assert (await store.range_record(1, "clicks-by-date/v2")).cap == RangeCap(7)
        assert (await store.range_record(1, V3)).refused_at is None

    told(Runs(RangeRules(cap=7)), story)


def test_an_estimate_counts_on_what_is_known() -> None:
    """On the cap that was found, and on single days while the endpoint is missing."""

    async def estimates(runs: Runs, clock: VirtualClock, store: Store) -> tuple[int, int]:
        async with runs.client(clock, store) as client:
            known = await client.estimate(*HALF_YEAR, [THIRD])
            return known.requests, client.estimate(*HALF_YEAR).requests

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        assert await estimates(runs, clock, store) == (MONTHS, MONTHS)
        await runs.backfill(clock, store, LINK)
        assert await estimates(runs, clock, store) == (FORTNIGHTS, MONTHS)
        runs.change(RangeRules(missing=404))
        await runs.backfill(clock, store, OTHER)
        assert await estimates(runs, clock, store) == (DAYS, MONTHS)

    told(Runs(RangeRules(cap=14)), story)


def test_the_store_says_what_is_known() -> None:
    """With the date of each."""

    async def story(runs: Runs, clock: VirtualClock, store: Store) -> None:
        await runs.backfill(clock, store, LINK)
        record = await store.range_record(1, V3)
        assert (record.cap, record.refused_at, record.unusable_at) == (MONTH, None, None)
        assert record.compared_at is not None
        assert record.proof.reach == 31
        assert record.witness is not None
        assert (record.witness.target, len(record.witness.days)) == (LINK, 31)
        runs.change(RangeRules(cap=7))
        await runs.backfill(clock, store, OTHER)
        record = await store.range_record(1, V3)
        assert (record.cap, record.refused_at is None) == (RangeCap(7), False)

    told(Runs(), story)


def test_the_remaining_time_knows_that_a_request_is_about_one_target() -> None:
    """Two days of each of thirty targets are thirty requests."""
    targets = [Link(f"t{number}", "https://vvd.bz") for number in range(30)]
    seen: list[Progress] = []
    upstream = server(HONEST)

    async def story(clock: VirtualClock) -> tuple[float, int, int]:
        client = Client(
            upstream.key,
            transport=upstream.transport(clock),
            clock=clock,
            store=MemoryStore(clock=clock),
            limits=Limits(rates=(Rate(1, seconds=10.0),), concurrency=1, guard=0.0),
            endpoint="v3",
            on_event=lambda event: seen.append(event) if isinstance(event, Progress) else None,
        )
        async with client:
            began = clock.wall()
            report = await client.backfill("2024-03-01", "2024-03-02", targets)
        return (clock.wall() - began).total_seconds(), report.requests, report.done

    seconds, requests, done = run_virtual(story)
    assert done == 60
    first = next(event for event in seen if event.total == 60)
    assert first.eta == pytest.approx(seconds, abs=10.0 * (requests - 30 + 2))
