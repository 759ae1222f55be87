"""Clients and forks of the process."""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from hourlyclicks.simulator import Simulator
from tests.forkserver.starting import forked_python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


async def play(upstream: Simulator, store: str, when: str) -> tuple[int, str, str]:
    """Run a process that forks; return its exit code and what it wrote."""
    words = (*forked_python(), "-m", "tests.processes.forking", upstream.url, upstream.key, store, when)
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, error = await process.communicate()
    return process.returncode or 0, out.decode(), error.decode()


def test_a_client_that_was_not_used_yet_works_in_each_child(store: str) -> None:
    """Two children keep one limit together, each under a name of its own."""

    async def main() -> None:
        async with Simulator(limits=(), concurrency=0) as upstream:
            code, _, error = await play(upstream, store, "after")
            assert (code, error) == (0, "")
            assert 0 < upstream.counters.requests <= 5

    asyncio.run(main())


def test_a_client_that_was_used_is_an_error_in_a_child(store: str) -> None:
    """The error says what to do; closing it there does not affect the parent's, and there are no warnings."""

    async def main() -> None:
        async with Simulator(limits=(), concurrency=0) as upstream:
            code, out, error = await play(upstream, store, "before")
            ours = [
                line for line in error.splitlines() if "event loop" not in line and "ResourceWarning" in line
            ]
            assert (code, ours) == (0, []), error
            assert [("forked" in text, "make a new one" in text) for text in json.loads(out)] == [
                (True, True)
            ] * 2
            assert upstream.counters.requests == 2

    asyncio.run(main())
