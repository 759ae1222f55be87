"""An nginx server for the tests of contenders."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmarks.peers.upstream import find_nginx, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def nginx() -> Iterator[str]:
    """Run nginx for all tests that need it, or skip them if it is not installed."""
    if find_nginx() is None:
        unwelcome = pytest.fail if os.environ.get("HOURLYCLICKS_TESTS_NEED_NGINX") else pytest.skip
        unwelcome("there is no nginx on this machine")
    with upstream() as base:
        yield base
