"""The Django project of the documentation, with its tests and with a real server."""

from __future__ import annotations

import re
import signal
import socket
import time
from typing import TYPE_CHECKING

from yarl import URL

from hourlyclicks.simulator import Simulator
from tests.examples.project import LATENCY, PATIENCE, kept, needs, of, posix, until

if TYPE_CHECKING:
    import subprocess

    from tests.examples.project import Project


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
