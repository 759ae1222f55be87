"""Run the Python blocks of README.md and docs/ as tests, each page in a `docs.world.World` of its own."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import gc
import inspect
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from tests.compiling import import_tests
from tests.distribution import Distribution, spread
from tests.forkserver.starting import share_server
from tests.memory import temporary_root
from tests.reporting import reports_all, run_and_tell

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from sybil import Example
    from xdist.remote import Producer

WORLD = "world"
PRINTED = "printed"

collect_ignore_glob = ["docs/examples/*"]  # tests/examples runs them, each in a process of its own

tempfile.tempdir = temporary_root() or tempfile.gettempdir()  # pytest's own folders are below it as well

if "PYTEST_XDIST_WORKER" not in os.environ:  # else it has that of the process that started it
    _left_behind = tempfile.TemporaryDirectory(prefix="hourlyclicks-tests-", ignore_cleanup_errors=True)
    Path(_left_behind.name).chmod(0o1777)  # as /tmp is: some tests run programs as other users
    os.environ["TMPDIR"] = _left_behind.name
    """Where clients and programs that a test starts leave files, which are deleted in the end."""

os.environ.setdefault("SSL_CERT_FILE", str(Path(__file__).parent / "tests/transport/certs/no-authority.pem"))
"""A process that imports aiohttp reads the certificates of all authorities: here one, that signed nothing."""

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""With this variable, each program that a test starts would compile the whole package again."""


@pytest.fixture(scope="session", autouse=True)
def left_over_loop() -> Iterator[None]:
    """Own the event loop that pytest-asyncio asks for before its first test and never closes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()


class AwaitingEvaluator:
    """Evaluate a block as an asyncio REPL does: ``await`` and ``async with`` may stand at the top."""

    def __call__(self, example: Example) -> None:
        """Run the block; names live on in the next block of the same page, and so does what it printed."""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self._run(example)
        example.namespace[PRINTED] = printed.getvalue()

    def _run(self, example: Example) -> None:
        source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
        code = compile(source, example.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        result = eval(code, example.namespace)  # noqa: S307 - runs our own documentation
        if inspect.iscoroutine(result):
            example.namespace[WORLD].runner.run(result)


def compare_output(example: Example) -> None:
    """Hold the last block to the output that the page shows for it."""
    assert example.parsed == example.namespace[PRINTED]  # noqa: S101 - a test, in a way


def open_page(namespace: dict[str, Any]) -> None:
    """Give a page a world of its own."""
    from docs.world import World  # noqa: PLC0415 - a test of something else needs none of it

    namespace[WORLD] = World()
    namespace[WORLD].open()


def close_page(namespace: dict[str, Any]) -> None:
    """Close the page's world."""
    namespace[WORLD].close()


pytest_collect_file = Sybil(
    parsers=[
        CodeBlockParser("python", AwaitingEvaluator()),
        CodeBlockParser("output", compare_output),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=open_page,
    teardown=close_page,
).pytest()


WAITING = (
    "tests/processes/",
    "tests/examples/",
    "tests/cli/demo/",
    "tests/cli/test_processes.py",
    "tests/cli/commands/test_backfill_processes.py",
    "tests/cli/commands/test_stop.py",
    "tests/client/test_preload.py",
    "tests/fleet/test_pages.py",
    "tests/fleet/test_running.py",
    "tests/store/test_kills.py",
    "tests/store/test_migrations.py",
    "tests/store/test_sharing.py",
)
"""What the names of tests have in common that wait for other processes, some for many seconds."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Distribution:
    """Say how tests are given to processes when several run them (``pytest -n auto``)."""
    return Distribution(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """Use two processes more than there are cores, since many tests wait for sockets and processes."""
    return (os.cpu_count() or 1) + 2


def pytest_xdist_setupnodes() -> None:
    """Start what runs the commands of tests once, for all processes that run tests."""
    share_server()


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Send fewer reports, if one of several processes runs the test."""
    if reports_all(item.config):
        return None  # as pytest does it
    run_and_tell(item, nextitem)
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Share the work of compiling the tests, if all are to be run, and keep them out of garbage collections.

    Importing and collecting makes a million objects that all stay. Python would look for garbage among them
    again and again.
    """
    gc.disable()
    if session.config.args == session.config.getini("testpaths"):
        import_tests(session.config.rootpath)
    collected = yield
    gc.freeze()
    gc.enable()
    return collected


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests that wait beside others, and keep the blocks of a page together and in its order."""
    parts: tuple[list[pytest.Item], list[pytest.Item]] = [], []
    for item in items:
        parts[any(name in item.nodeid for name in WAITING)].append(item)
    others, waiting = parts
    items[:] = spread(waiting, others)
    blocks = [(place, item) for place, item in enumerate(items) if hasattr(item, "example")]
    in_order = sorted((item for _, item in blocks), key=lambda item: (str(item.path), item.example.line))
    for (place, _), item in zip(blocks, in_order, strict=True):
        items[place] = item
