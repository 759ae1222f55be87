"""The walks on the design page are the order in which the functions are really called."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import pytest

from hourlyclicks import Client, Limits, Link
from hourlyclicks.fleet import AccountJob, KeyRef, run_jobs
from hourlyclicks.simulator import DEFAULT_KEY, Simulator
from tests.test_docs import section
from tests.test_house import CALLS_UPWARD, FLOORS, PACKAGE, room_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

LINK = Link("spring-sale", "https://vvd.bz")
MOST_HOPS = 12
HIGHEST = FLOORS["client"]
"""The floor up to which calls upwards are counted, as in the house."""
TITLES = (
    "From a call to the socket and back",
    "From a backfill to the disk",
    "Ranges of days",
    "From a fleet to the limiter",
)


def hops_of(title: str) -> list[str]:
    """Return the hops of a walk, in their order."""
    hops = re.findall(r"^(\d+)\. `([\w/]+\.py: [\w.]+)`[ ,]", section(title), re.MULTILINE)
    assert [int(number) for number, _ in hops] == list(range(1, len(hops) + 1))
    return [hop for _, hop in hops]


@contextmanager
def first_calls(hops: list[str]) -> Iterator[list[str]]:
    """Collect those of some functions that are called, in all threads, in the order of their first calls."""
    called: dict[str, None] = {}

    def profile(frame: FrameType, event: str, argument: Any) -> None:  # noqa: ANN401 - of the standard library
        del argument
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(f"{PACKAGE}"):
            hop = f"{code.co_filename.removeprefix(f'{PACKAGE}/')}: {code.co_qualname}"
            if hop in hops:
                called.setdefault(hop)

    found: list[str] = []
    before = sys.getprofile()
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        yield found
    finally:
        sys.setprofile(before)
        threading.setprofile(before)
        found += called


def key_of(_account: str) -> str:
    """Return the key of every account."""
    return DEFAULT_KEY


async def walk(title: str, path: Path) -> None:
    """Make the call that a walk is about, to a server that limits nothing."""
    endpoint: Literal["auto", "v2"] = "auto" if title == "Ranges of days" else "v2"
    async with Simulator(plan="enterprise", limits=(), concurrency=0) as server:
        options: dict[str, Any] = {"limits": Limits(), "base_url": server.url, "endpoint": endpoint}
        if title == "From a call to the socket and back":
            async with Client(DEFAULT_KEY, **options) as client:
                await client.fetch("2024-01-01", "2024-01-01", LINK)
        elif title == "From a fleet to the limiter":
            key = KeyRef.call("tests.test_walks:key_of", "acme")
            job = AccountJob(
                "acme", key=key, limits=Limits(), targets=[LINK], start="2024-01-01", end="2024-01-31"
            )
            assert (await run_jobs([job], store=path / "clicks.db", base_url=server.url)).complete
        else:
            async with Client(DEFAULT_KEY, store=path / "clicks.db", **options) as client:
                await client.backfill("2024-01-01", "2024-01-31", [LINK])


@pytest.mark.parametrize("title", TITLES)
def test_a_walk_is_the_order_of_the_calls(title: str, tmp_path: Path) -> None:
    """Each of at most twelve hops is a function that is called, for the first time, after those above it."""
    hops = hops_of(title)
    assert 1 < len(hops) <= MOST_HOPS
    with first_calls(hops) as called:
        asyncio.run(walk(title, tmp_path))
    assert called == hops


def home_of(value: object) -> str:
    """Return the module of a function or of a bound method, below any `partial`."""
    while isinstance(value, partial):
        value = value.func
    return str(value.__module__) if inspect.isfunction(value) or inspect.ismethod(value) else ""


@contextmanager
def functions_of_higher_rooms() -> Iterator[set[str]]:
    """Collect the parameters of constructors that are given a function of a higher room."""
    found: set[str] = set()

    def profile(frame: FrameType, event: str, argument: Any) -> None:  # noqa: ANN401 - of the standard library
        del argument
        code = frame.f_code
        if event != "call" or code.co_name != "__init__" or not code.co_filename.startswith(f"{PACKAGE}/"):
            return
        here = code.co_filename.removeprefix(f"{PACKAGE}/")
        for name in code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]:
            home = home_of(frame.f_locals[name])
            if home.startswith("hourlyclicks.") and HIGHEST >= FLOORS[room_of(home)] > FLOORS[room_of(here)]:
                found.add(f"{here}: {code.co_qualname.removesuffix('.__init__')}.{name}")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield found
    finally:
        sys.setprofile(before)


async def calls_of_every_kind(path: Path) -> None:
    """Fetch, stream and audit days, and follow the events meanwhile."""
    days = "2024-01-01", "2024-01-05"
    async with Simulator(plan="enterprise", limits=(), concurrency=0) as server:
        options: dict[str, Any] = {"limits": Limits(), "base_url": server.url, "store": path / "clicks.db"}
        async with Client(DEFAULT_KEY, **options) as client, client.events():
            async with client.stream(*days, LINK) as stream:
                assert len([day async for day in stream]) == 5
            assert (await client.audit(*days, LINK)).agrees


def test_no_other_function_of_a_higher_room_is_given(tmp_path: Path) -> None:
    """Those that the house names are all; that of `Caller` is set after it is made."""
    with functions_of_higher_rooms() as found:
        for place, title in enumerate(TITLES):
            (folder := tmp_path / str(place)).mkdir()
            asyncio.run(walk(title, folder))
        asyncio.run(calls_of_every_kind(tmp_path))
    assert found == CALLS_UPWARD - {"fetching/task.py: Caller.start_spare"}
