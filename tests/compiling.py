"""What processes that run tests together do to compile each file of tests once, not once in each of them."""

from __future__ import annotations

import importlib
import os
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def own_order(files: Sequence[Path], worker: int, workers: int) -> list[Path]:
    """Return files in an order that begins elsewhere for each process."""
    begin = len(files) * worker // workers
    return [*files[begin:], *files[:begin]]


def import_tests(root: Path) -> None:
    """Import all files of tests, in an order of this process, if it is one of several that run them.

    In a fresh checkout, pytest compiles each file when it is first imported, and keeps the result on disk.
    All processes would do so for the same files at the same time. This way each compiles a part, and finds
    the others when it comes to them. What cannot be imported fails, or is skipped, when pytest collects it.
    """
    if (name := os.environ.get("PYTEST_XDIST_WORKER")) is None:
        return
    workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    files = sorted((root / "tests").rglob("test_*.py"))
    for path in own_order(files, int(name.removeprefix("gw")), workers):
        with warnings.catch_warnings(), suppress(Exception, pytest.skip.Exception):
            warnings.simplefilter("error")
            importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))
