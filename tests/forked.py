"""Processes that are copies of one which has imported what they need, and has done nothing else.

A new interpreter would take 0.3 seconds of the processor to import it.
"""

from __future__ import annotations

import multiprocessing
import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

_IMPORTED = (
    "__main__",
    "asyncpg",
    "hourlyclicks.store.postgres",
    "hourlyclicks.store.sqlite",
    "tests.processes.child",
    "tests.store.migrating_process",
    "tests.store.writing_process",
)


@cache
def _processes() -> BaseContext:
    if os.name != "posix":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTED))
    return context


def forked(function: Callable[..., object], *args: Any) -> BaseProcess:  # noqa: ANN401 - whatever the function takes
    """Start a process that calls a function.

    Args:
        function: the function, of a module without ``pytest``, which would take long to import.
        args: its arguments.
    """
    process: BaseProcess = _processes().Process(target=function, args=args)  # type: ignore[attr-defined]  # of each context
    process.start()
    return process


def run_forked(function: Callable[..., object], *args: Any) -> int:  # noqa: ANN401 - as above
    """Let a process call a function, and return its exit code."""
    process = forked(function, *args)
    process.join()
    assert process.exitcode is not None
    return process.exitcode
