"""Arguments that are errors before anything is sent."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, cast

import pytest

from hourlyclicks import (
    Account,
    Client,
    Group,
    Limits,
    Plan,
    PlanError,
    Rate,
    RetryPolicy,
    Timeout,
    UsageError,
)
from hourlyclicks.simulator import run_virtual
from tests.client.stories import END, KEY, LINK, START, UNLIMITED, free, simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.simulator import VirtualClock


@pytest.mark.parametrize(
    "arguments",
    [
        {"plan": Plan.PREMIUM, "limits": Limits()},
        {"base_url": "http://vivoldi.com"},
        {"base_url": "https://user:secret@vivoldi.com"},
        {"base_url": "https://vivoldi.com/?a=b"},
        {"base_url": "ftp://vivoldi.com"},
        {"user_agent": "evil\r\nX-Header: 1"},
        {"timezone": "Mars/Olympus_Mons"},
        {"plan": "premium"},
        {"limits": Plan.PREMIUM},
        {"limits": (24, 60)},
        {"retry": 3},
        {"timeout": 5},
        {"session": "mine"},
        {"on_event": 5},
        {"account": ""},
        {"account": " "},
    ],
)
def test_invalid_arguments_are_errors_at_construction(arguments: dict[str, Any]) -> None:
    """Invalid arguments are a UsageError at once."""
    with pytest.raises(UsageError):
        Client(KEY, **arguments)


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key argument, HOURLYCLICKS_API_KEY is read; without that, the error names it."""
    monkeypatch.delenv("HOURLYCLICKS_API_KEY", raising=False)
    with pytest.raises(UsageError, match="HOURLYCLICKS_API_KEY"):
        Client()
    for empty in ("", " \n", '""'):
        monkeypatch.setenv("HOURLYCLICKS_API_KEY", empty)
        with pytest.raises(UsageError, match="no API key"):
            Client()
    for text in (KEY, f'"{KEY}"', f" {KEY}\r\n", f"\ufeff{KEY}"):
        monkeypatch.setenv("HOURLYCLICKS_API_KEY", text)
        assert "open" in repr(Client())


def test_the_free_plan_has_no_access() -> None:
    """The Free plan is a PlanError before anything is sent."""
    with pytest.raises(PlanError, match="Free"):
        Client(KEY, plan=Plan.FREE)


@pytest.mark.parametrize("target", [Account(), Group(7)])
def test_personal_answers_for_links_only(target: Account | Group) -> None:
    """What the plan forbids is a PlanError and not sent; with own limits nothing is checked."""
    upstream = free()

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(PlanError):
            await client.day("2024-03-01", target)
        with pytest.raises(PlanError):
            await client.fetch(START, END, target)
        with pytest.raises(PlanError):
            client.stream(START, END, target)

    simulate(upstream, main, limits=None)
    assert upstream.counters.requests == 0
    simulate(upstream, lambda client, _clock: client.day("2024-03-01", target))
    assert upstream.counters.requests == 1


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-03-02", "2024-03-01"),
        (dt.datetime(2024, 3, 1, tzinfo=dt.UTC), "2024-03-01"),
        ("2024-3-1", "2024-03-02"),
        ("2024-03-01", "9999-12-31"),
        (20240301, 20240302),
    ],
)
def test_impossible_days_are_errors(start: Any, end: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """Reversed ranges, datetimes, odd spellings and days to come are UsageErrors; nothing is sent."""
    upstream = free()

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(UsageError):
            await client.fetch(start, end, LINK)
        with pytest.raises(UsageError):
            client.stream(start, end, LINK)

    simulate(upstream, main)
    assert upstream.counters.requests == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeout(total="30"),  # type: ignore[arg-type]  # wrong on purpose
        lambda: RetryPolicy(base="2"),  # type: ignore[arg-type]  # wrong on purpose
        lambda: RetryPolicy(budget=None),  # type: ignore[arg-type]  # wrong on purpose
        lambda: RetryPolicy(base=math.inf, cap=math.inf),
        lambda: RetryPolicy(deadline=0),
        lambda: Rate(1, 1e308),
        lambda: Rate(9, "60"),  # type: ignore[arg-type]  # wrong on purpose
        lambda: Limits(cast("Any", Rate(9))),
        lambda: Limits(guard=None),  # type: ignore[arg-type]  # wrong on purpose
        lambda: Limits(spacing=["even"]),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_errors_about_numbers_name_the_argument(make: Callable[[], object]) -> None:
    """A wrong number in limits, a timeout or a retry policy is a UsageError that names it."""
    with pytest.raises(UsageError, match=r"^(Timeout|RetryPolicy|Rate|Limits)\.\w+ "):
        make()


def test_a_lane_is_a_lane() -> None:
    """Anything but a Lane is an error before anything is sent."""
    upstream = free()

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(UsageError, match="lane"):
            await client.fetch(START, END, LINK, lane=cast("Any", "backfill"))
        with pytest.raises(UsageError, match="targets"):
            client.estimate("2024-03-01", "2024-03-02", targets=10**400)

    simulate(upstream, main)
    assert upstream.counters.requests == 0


def test_a_day_that_has_begun_anywhere_is_requested() -> None:
    """A day counts as begun from the moment at which it begins at UTC+14."""
    upstream = free(timezone="Etc/GMT-14")

    async def main(clock: VirtualClock) -> None:
        client = Client(KEY, limits=UNLIMITED, transport=upstream.transport(clock), clock=clock)
        async with client:
            with pytest.raises(UsageError, match="not begun"):
                await client.day("2024-03-02", LINK)
            await clock.sleep(2)
            await client.day("2024-03-02", LINK)

    run_virtual(main, start=dt.datetime(2024, 3, 1, 9, 59, 59, tzinfo=dt.UTC))


def test_a_target_is_a_target() -> None:
    """Anything but Account, Link and Group is a UsageError."""

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(UsageError, match="target"):
            await client.day("2024-03-01", "kYdr")  # type: ignore[arg-type]  # wrong on purpose

    simulate(free(), main)
