"""What an engine passes to its processes, and how accounts are divided."""

from __future__ import annotations

import asyncio
import random
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks import Link, UsageError
from hourlyclicks.fleet import AccountJob, JobsRef, KeyRef
from hourlyclicks.fleet.sharded_run import ShardedRun
from hourlyclicks.fleet.sources import all_jobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hourlyclicks.fleet.shards import Shard

STORE = KeyRef.env("HOURLYCLICKS_STORE")
HERE = "tests.fleet.test_shards"


def job(name: str, links: Sequence[str] = ("kYdr",)) -> AccountJob:
    """Return a job for an account."""
    targets = [Link(each, "https://vvd.bz") for each in links]
    key = KeyRef.call("shop.secrets:key_of", name)
    return AccountJob(name, key=key, targets=targets, start="2025-01-01", end="2025-01-03")


def numbered(accounts: int) -> list[AccountJob]:
    """Return the jobs of accounts with numbers."""
    return [job(f"account-{number:04}") for number in range(accounts)]


async def from_a_database(accounts: int) -> AsyncIterator[AccountJob]:
    """Yield the jobs of accounts with numbers."""
    for each in numbered(accounts):
        yield each


async def awaited(accounts: int) -> list[AccountJob]:
    """Return the same."""
    return numbered(accounts)


def shards_of(jobs: list[AccountJob] | JobsRef, number: int) -> list[Shard]:
    """Return the shards that an engine would make."""
    sharded = ShardedRun(
        jobs, store=STORE, at_once=500, rate=None, deadline=None, stop=None, on_event=None, options={}
    )
    return sharded.shards(number)


async def read(jobs: list[AccountJob] | JobsRef, number: int) -> list[list[str]]:
    """Return the names of the accounts in each shard."""
    return [[job.name async for job in all_jobs(shard.read_jobs())] for shard in shards_of(jobs, number)]


@given(accounts=st.integers(0, 30), number=st.integers(1, 9), by_reference=st.booleans())
def test_each_account_is_in_one_shard(accounts: int, number: int, *, by_reference: bool) -> None:
    """However the jobs come, and however many shards there are."""
    jobs = JobsRef(f"{HERE}:numbered", accounts) if by_reference else numbered(accounts)
    found = asyncio.run(read(jobs, number))
    assert sorted(name for names in found for name in names) == [each.name for each in numbered(accounts)]
    assert len(found) == (number if by_reference else max(1, min(number, accounts)))


@pytest.mark.parametrize("function", ["numbered", "from_a_database", "awaited"])
def test_a_reference_leads_to_any_kind_of_function(function: str) -> None:
    """One that returns jobs, one that yields them, and a coroutine function."""

    async def names() -> list[str]:
        return [each.name async for each in all_jobs(JobsRef(f"{HERE}:{function}", 3))]

    assert asyncio.run(names()) == ["account-0000", "account-0001", "account-0002"]


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (f"{HERE}:missing", "cannot be imported"),
        (f"{HERE}:STORE", "is no function"),
        (f"{HERE}:job", "jobs are several"),
    ],
)
def test_a_reference_that_leads_nowhere(function: str, match: str) -> None:
    """It is found when the jobs are read."""
    with pytest.raises(UsageError, match=match):
        asyncio.run(JobsRef(function, "x").jobs())


def test_what_is_no_reference() -> None:
    """What it takes is said at once, where it is made."""
    for wrong in ("jobs", "shop.customers", "shop customers:jobs"):
        with pytest.raises(UsageError, match="JobsRef takes 'module:function'"):
            JobsRef(wrong)
    with pytest.raises(UsageError, match="texts and whole numbers"):
        JobsRef("shop.customers:jobs", 1.5)  # type: ignore[arg-type]  # the mistake
    assert str(JobsRef("shop.customers:jobs", 1, "x")) == "shop.customers:jobs(1, 'x')"
    assert repr(JobsRef("shop.customers:jobs", 1)) == "JobsRef('shop.customers:jobs', 1)"


def test_the_arguments_of_tasks_take_4_kb_in_all() -> None:
    """For a thousand accounts: those of a list whose names are alike, or a reference, whatever they are."""
    listed = shards_of(numbered(1000), 2)
    referred = shards_of(JobsRef("shop.customers:jobs"), 2)
    assert sum(len(shard.packed()) for shard in listed) < 4096
    assert sum(len(shard.packed()) for shard in referred) < 1024


def test_random_link_ids_are_what_no_compression_saves() -> None:
    """Three of them add some 14 bytes for each account of a list; a reference to the jobs avoids that."""
    draw = random.Random(1)
    letters = string.ascii_letters + string.digits
    jobs = [
        job(f"account-{number:04}", ["".join(draw.choices(letters, k=4)) for _ in range(3)])
        for number in range(1000)
    ]
    size = sum(len(shard.packed()) for shard in shards_of(jobs, 2))
    assert 12_000 < size < 20_000
