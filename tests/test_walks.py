"""The walks on the design page are the order in which the functions are really called."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import pytest

from hourlyclicks import Client, Limits, Link
from hourlyclicks.simulator import DEFAULT_KEY, Simulator
from tests.test_docs import section
from tests.test_house import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

LINK = Link("spring-sale", "https://vvd.bz")
MOST_HOPS = 12
TITLES = ("From a call to the socket and back", "From a backfill to the disk", "Ranges of days")


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


async def walk(title: str, path: Path) -> None:
    """Make the call that a walk is about, to a server that limits nothing."""
    endpoint: Literal["auto", "v2"] = "auto" if title == "Ranges of days" else "v2"
    async with Simulator(plan="enterprise", limits=(), concurrency=0) as server:
        options: dict[str, Any] = {"limits": Limits(), "base_url": server.url, "endpoint": endpoint}
        if title == "From a call to the socket and back":
            async with Client(DEFAULT_KEY, **options) as client:
                await client.fetch("2024-01-01", "2024-01-01", LINK)
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
