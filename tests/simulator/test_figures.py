"""Chosen figures, targets that do not exist, and the truth as a series."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks import Account, ApiError, Group, HourlySeries, Link, Plan
from hourlyclicks.errors import UsageError
from hourlyclicks.simulator import Catalogue, Simulator, run_virtual
from tests.simulator.raw_client import ask
from tests.sizes import examples

if TYPE_CHECKING:
    from hourlyclicks.simulator import VirtualClock
    from hourlyclicks.simulator.figures import Hour

LINK, OTHER = Link("kYdr", "https://vvd.bz"), Link("talk", "https://vvd.bz")
DAY = dt.date(2025, 4, 3)
NONE = (None, None)
COUNTS = st.integers(0, 10**9)
HOURS = st.one_of(st.none(), COUNTS, st.tuples(COUNTS, COUNTS))


def cell(hour: Hour) -> tuple[int | None, int | None]:
    """Return what an hour means, by its documentation."""
    if hour is None:
        return NONE
    return hour if isinstance(hour, tuple) else (hour, hour)


@given(st.lists(HOURS, min_size=24, max_size=24), st.booleans())
@settings(max_examples=examples(100))
def test_chosen_hours_are_the_truth(hours: list[Hour], spelled: bool) -> None:  # noqa: FBT001 - drawn
    """24 values mean what is documented, for the chosen day only; a mapping of them means the same."""
    day = DAY.isoformat() if spelled else DAY
    expected = tuple(map(cell, hours))
    figures: Any = {(LINK, day): hours}
    chosen, invented = Simulator(figures=figures), Simulator()
    assert chosen.cells(LINK, DAY, DAY) == {DAY: expected}
    some: Any = {(LINK, day): {number: hour for number, hour in enumerate(hours) if hour is not None}}
    assert Simulator(figures=some).cells(LINK, DAY, DAY) == {DAY: expected}
    for target, other in ((OTHER, DAY), (LINK, DAY + dt.timedelta(1)), (Account(), DAY)):
        assert chosen.cells(target, other, other) == invented.cells(target, other, other)


def test_a_function_chooses_hours() -> None:
    """It is asked for each day, and leaves days alone by returning nothing; a wrong value is an error."""
    simulator = Simulator(figures=lambda target, day: [day.day] * 24 if target == LINK else None)
    truth = simulator.truth(LINK, "2025-04-01", "2025-04-03")
    assert [day.clicks[0] for day in truth.days()] == [1, 2, 3]
    assert simulator.cells(OTHER, DAY, DAY) == Simulator().cells(OTHER, DAY, DAY)
    with pytest.raises(UsageError, match="24 hours"):
        Simulator(figures=lambda _target, _day: [1]).truth(LINK, DAY, DAY)


def test_a_fetched_day_is_played_again() -> None:
    """What was fetched from one simulator is chosen for another."""
    day = Simulator(seed=3).truth(LINK, DAY, DAY)[DAY]
    again = Simulator(figures={(OTHER, DAY): day}).truth(OTHER, DAY, DAY)[DAY]
    assert (again.clicks, again.unique_users) == (day.clicks, day.unique_users)


async def test_chosen_figures_are_served_by_every_endpoint() -> None:
    """A day, a range of days and a sum of a day all have them, and they can be changed meanwhile."""
    async with Simulator(plan="enterprise", figures={(LINK, DAY): {9: (5, 4), 10: 0}}, limits=()) as server:
        async with server.client() as client:
            day = await client.day(DAY, LINK)
            sums = await client.daily(DAY, DAY, LINK)
        assert (day.clicks[9], day.unique_users[9], day.clicks[10], day.clicks[11]) == (5, 4, 0, None)
        assert sums.total_clicks == 5
        server.figures = {(LINK, DAY): [7] * 24}
        async with server.client(endpoint="v3") as client:
            series = await client.fetch(DAY, DAY, LINK)
        assert series.total_clicks == 7 * 24
        server.figures = None
        assert server.truth(LINK, DAY, DAY) == Simulator().truth(LINK, DAY, DAY)


async def test_a_target_that_does_not_exist_is_a_404() -> None:
    """With the envelope of the API, so a client knows at once; known ones and the account are answered."""
    async with Simulator(plan="premium", known=[LINK, Group(3)], limits=()) as server:
        assert (await ask(server)).status == 200
        for query, status in (("grpIdx=3", 200), ("grpIdx=4", 404), ("", 200)):
            assert (await ask(server, f"ymd=2025-04-03&{query}")).status == status
        got = await ask(server, "ymd=2025-04-03&linkId=talk&domain=https://vvd.bz")
        assert (got.status, json.loads(got.body)["code"]) == (404, 2010)
        server.known = None
        assert (await ask(server, "ymd=2025-04-03&grpIdx=4")).status == 200


@pytest.mark.parametrize("endpoint", ["v2", "auto", "v3"])
def test_a_client_learns_that_a_link_does_not_exist(endpoint: Any) -> None:  # noqa: ANN401 - a literal
    """A year of it costs a few requests; with every endpoint, and without a pause."""

    async def main(clock: VirtualClock) -> tuple[int, float]:
        server = Simulator(plan="enterprise", known=[LINK])
        async with server.client(endpoint=endpoint, transport=server.transport(clock), clock=clock) as client:
            with pytest.raises(ApiError) as caught:
                await client.fetch("2024-04-01", "2025-03-31", OTHER)
            assert (caught.value.code, caught.value.status) == (2010, 404)
            series = await client.fetch("2025-04-01", "2025-04-03", LINK)
            assert series == server.truth(LINK, "2025-04-01", "2025-04-03")
        return server.counters.count(status=404), clock.monotonic() / 1e9

    requests, seconds = run_virtual(main)
    assert requests <= 20
    assert seconds < 60


def test_the_truth_is_a_series() -> None:
    """Days that are over are final, today is provisional and ends at the present hour, later days miss."""
    today = dt.date(2025, 4, 3)
    simulator = Simulator(today=today, timezone="Asia/Seoul")
    truth = simulator.truth(LINK, "2025-04-01", "2025-04-05")
    assert isinstance(truth, HourlySeries)
    assert truth.provisional_days == (today,)
    assert truth.missing_days == (dt.date(2025, 4, 4), dt.date(2025, 4, 5))
    assert truth[today].clicks[12:] == (None,) * 12
    cells = simulator.cells(LINK, "2025-04-01", "2025-04-05")
    assert {day.date: tuple(zip(day.clicks, day.unique_users, strict=True)) for day in truth.days()} == cells


LIMITS: list[tuple[dict[str, Any], tuple[tuple[tuple[int, float], ...], int, float] | Plan]] = [
    ({}, Plan.PREMIUM),
    ({"plan": "business plus"}, Plan.BUSINESS_PLUS),
    ({"limits": ()}, ((), 1, 1.0)),
    ({"limits": (), "concurrency": 0}, ((), 10, 1.0)),
    ({"limits": [(3, 5.0)], "plan": "business"}, (((3, 5.0),), 2, 1.0)),
    ({"limits": [(3, 5.0)], "base_limits": [(9, 7.0)]}, (((3, 5.0), (9, 7.0)), 1, 1.0)),
    ({"concurrency": 4, "base_limits": ()}, (((15, 60.0),), 4, 1.0)),
    ({"time_scale": 0.5}, (((15, 30.0), (300, 30.0), (15_000, 1800.0)), 1, 0.5)),
]


@pytest.mark.parametrize(("options", "expected"), LIMITS, ids=str)
def test_a_client_keeps_the_limits_of_its_server(options: dict[str, Any], expected: object) -> None:
    """It has the plan where the server keeps the plan's limits, and the server's own limits elsewhere."""
    server = Simulator(**options)
    allowance = server.client(base_url="http://127.0.0.1:1")._allowance
    limits = allowance.limits
    rates = tuple((rate.requests, rate.seconds) for rate in limits.rates)
    assert expected in (allowance.plan, (rates, limits.concurrency, limits.guard))


def test_other_arguments_of_a_client_come_first() -> None:
    """What is given to `Simulator.client` replaces what it would choose."""
    server = Simulator()
    with pytest.raises(UsageError, match="listens only inside"):
        server.client()
    client = server.client(plan=Plan.ENTERPRISE, transport=server.transport(), timezone="Asia/Seoul")
    assert client._allowance.plan is Plan.ENTERPRISE
    assert str(client._zone) == "Asia/Seoul"


def test_chosen_hours_end_with_the_present() -> None:
    """Chosen figures of today and of a link that was created later are cut like invented ones."""
    created = dt.datetime(2025, 4, 3, 6, tzinfo=dt.UTC)
    listed = Catalogue.invented(1, DAY, DAY).links[0]
    catalogue = Catalogue([type(listed)(LINK, created)])
    simulator = Simulator(today=DAY, figures={(LINK, DAY): [1] * 24}, catalogue=catalogue)
    assert simulator.cells(LINK, DAY, DAY)[DAY] == (NONE,) * 6 + ((1, 1),) * 6 + (NONE,) * 12
