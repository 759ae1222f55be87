"""What the timings share, which pytest-benchmark runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Keep one event loop for all rounds of a timing."""
    with asyncio.Runner() as runner:
        yield runner.get_loop()
