"""Servers that are not ours, for the tests of contenders."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmarks.peers.upstream import certify, find_nginx, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def need_nginx() -> None:
    """Skip a test where nginx is not installed, or fail where it should be."""
    if find_nginx() is None:
        unwelcome = pytest.fail if os.environ.get("HOURLYCLICKS_TESTS_NEED_NGINX") else pytest.skip
        unwelcome("there is no nginx on this machine")


@pytest.fixture(scope="session")
def nginx() -> Iterator[str]:
    """Run nginx for all tests that want it."""
    need_nginx()
    with upstream() as base:
        yield base


@pytest.fixture(scope="session")
def nginx_with_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Run it with TLS; the second value is the certificate of its authority."""
    need_nginx()
    folder = tmp_path_factory.mktemp("tls")
    authority = certify(folder)
    with upstream(tls=folder) as base:
        yield base, authority
