"""The example applications of the documentation work as they are shown, with real servers and processes."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
from yarl import URL

from hourlyclicks.simulator import Hang, Rule, Script, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
PATIENCE = 60.0
LATENCY = (0.02, 0.05)

posix = pytest.mark.skipif(os.name != "posix", reason="there is no SIGTERM elsewhere")


def needs(*libraries: str) -> None:
    """Skip the test if a library is missing."""
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@attrs.frozen
class Project:
    """A copy of an example, in a folder of its own, as a user has it."""

    folder: Path

    def run(self, *command: str) -> str:
        """Run a Python command in the folder, and return what it printed; it must succeed."""
        done = subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, *command],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def pytest(self, *files: str) -> str:
        """Run pytest, with the settings that the documentation asks for, and return its last line."""
        settings = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
        return self.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *settings, *files).splitlines()[-1]

    @contextmanager
    def process(self, server: Simulator, *command: str) -> Iterator[subprocess.Popen[str]]:
        """Run a Python command that asks a simulator, and kill it in the end if it is still there."""
        own = {
            "CLICKS_URL": server.url,
            "CLICKS_STORE": str(self.folder / "clicks.db"),
            "HOURLYCLICKS_API_KEY": server.key,
        }
        with subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-u", *command],
            cwd=self.folder,
            env={**os.environ, **own},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A copy of the example that the test names."""
    name = request.param
    return Project(
        shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    )


def of(name: str) -> pytest.MarkDecorator:
    """Give a test a copy of an example."""
    return pytest.mark.parametrize("project", [name], indirect=True)


def until(condition: Callable[[], bool]) -> None:
    """Wait for another process."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing has happened"
        time.sleep(0.01)


@of("testing")
def test_a_synchronous_test_client(project: Project) -> None:
    """Tests of an application, asynchronous ones and those with a `TestClient`, pass against the fixture."""
    needs("fastapi", "httpx")
    assert "4 passed" in project.pytest("test_week.py", "test_shop.py")


@of("testing")
def test_a_browser_under_control_of_the_test(project: Project) -> None:
    """A test with Chromium passes against the fixture for the whole run."""
    needs("fastapi", "uvicorn", "playwright")
    if shutil.which("chromium") is None:
        pytest.skip("there is no Chromium on this machine")
    assert "1 passed" in project.pytest("test_browser.py")


@of("django")
def test_django_views(project: Project) -> None:
    """The tests of the view pass with pytest and with Django's own runner."""
    needs("django")
    assert "3 passed" in project.pytest()
    command = ("-m", "django", "test", "--settings", "settings", "--pythonpath", ".")
    assert "Ran 1 test" in project.run(*command)


@posix
@of("django")
def test_django_under_asgi(project: Project) -> None:
    """One client serves all views; a browser that leaves ends its requests; SIGTERM closes the client."""
    needs("django", "uvicorn")
    command = ("-m", "uvicorn", "asgi:application", "--lifespan", "on", "--port", "0")
    with Simulator.in_thread(latency=LATENCY) as server, project.process(server, *command) as process:
        site = address(process)
        first, second = ask(site, "2025-04-01", "2025-04-04"), ask(site, "2025-04-01", "2025-04-04")
        assert answer(first) == answer(second) == 200
        assert server.counters.statuses == {200: 4}

        leaving = ask(site, "2024-04-01", "2025-03-31")
        until(lambda: server.counters.requests >= 6)
        leaving.close()
        before = server.counters.requests
        time.sleep(5 * sum(LATENCY))
        assert server.counters.requests <= before + 1

        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) in {0, -signal.SIGTERM}
    assert server.counters.statuses[200] - kept(project) in {0, 1}  # one was under way when the browser left


@posix
@of("worker")
def test_a_worker_ends_when_it_is_told_to(project: Project) -> None:
    """After SIGTERM it exits with 0 and has stored every answer; the next start requests no day again."""
    with Simulator.in_thread(latency=LATENCY) as server:
        with project.process(server, "worker.py") as process:
            until(lambda: server.counters.requests >= 5)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        before = server.counters.statuses[200]
        assert kept(project) == before >= 5
        with project.process(server, "worker.py") as process:
            until(lambda: server.counters.requests >= before + 5)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
        assert kept(project) == server.counters.statuses[200]
        assert set(server.counters.asked.values()) == {1}


@posix
@of("worker")
def test_a_second_signal_ends_a_worker_at_once(project: Project) -> None:
    """While the first one waits for a request that is not answered."""
    with Simulator.in_thread(faults=Script(Rule(Hang()))) as server:
        with project.process(server, "worker.py") as process:
            until(lambda: server.counters.requests == 1)
            process.send_signal(signal.SIGTERM)
            assert process.stderr is not None
            assert "SIGTERM: finishing" in process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == -signal.SIGTERM
        assert server.counters.requests == 1


def address(process: subprocess.Popen[str]) -> URL:
    """Return the address that a server says it listens on."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"http://[\d.]+:\d+", line):
            return URL(found[0])
    raise AssertionError("the server did not start")


def ask(site: URL, first: str, last: str) -> socket.socket:
    """Send a request for days, and return the connection."""
    connection = socket.create_connection((site.host or "", site.port or 0), PATIENCE)
    head = f"GET /kYdr/{first}/{last}/ HTTP/1.1\r\nHost: {site.authority}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def answer(connection: socket.socket) -> int:
    """Return the status of the answer on a connection."""
    with connection, connection.makefile("rb") as file:
        return int(file.readline().split()[1])


def kept(project: Project) -> int:
    """Return how many days are in the store of an example."""
    with sqlite3.connect(project.folder / "clicks.db") as store:
        [[days]] = store.execute("SELECT count(*) FROM days WHERE clicks IS NOT NULL")
    store.close()
    return int(days)
