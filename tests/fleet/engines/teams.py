"""The processes of a test: workers, and what gives them their work, by engine."""

from __future__ import annotations

import gzip
import json
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hourlyclicks.fleet import FleetReport
from tests.cli.serving import ENVIRONMENT, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fleet.engines.accounts import Setting

PATIENCE = 300.0
_LOOK = 0.05


class Team:
    """Processes that share the accounts of a setting.

    Args:
        setting: what they are to do.
        folder: for what they write.
        store: where the days go.
        size: how many workers there are.

    Attributes:
        workers: the processes of the workers.
        failed: the accounts that have failed, in the end, where there is no report.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    """The libraries without which the engine is not there."""
    few: ClassVar[int] = 2
    """How many workers it has as a rule."""

    def __init__(self, setting: Setting, folder: Path, store: str, size: int) -> None:
        self.setting, self.folder, self.size = setting, folder, size
        self.failed: list[str] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self._all: list[subprocess.Popen[bytes]] = []
        self._called: list[bytes] = []
        share = str(-(-setting.accounts // size))
        self._environment = {
            **ENVIRONMENT,
            **setting.environment,
            "HOURLYCLICKS_STORE": store,
            "SHARE": share,  # so that not all accounts are with the process that starts first
        }
        del self._environment["HOURLYCLICKS_API_KEY"]

    def start(self) -> None:
        """Start all processes."""
        raise NotImplementedError

    def finish(self) -> FleetReport | None:
        """Wait for the end of the work; return the report, if the engine has one."""
        raise NotImplementedError

    def launch(self, name: str, *words: object, **environment: str) -> subprocess.Popen[bytes]:
        """Start a module as a process, and write what it prints into a file of its name."""
        command = [sys.executable, "-m", *map(str, words)]
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own words
                command, cwd=ROOT, env={**self._environment, **environment}, stdout=log, stderr=log
            )
        self._all.append(process)
        return process

    def texts(self) -> dict[str, bytes]:
        """Return all that the processes have written, and how they were called."""
        written = {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}
        dumped = {path.name: gzip.decompress(path.read_bytes()) for path in self.folder.glob("*.gz")}
        return written | dumped | {f"ps {number}": words for number, words in enumerate(self._called)}

    def look(self) -> None:
        """Note how the processes were called, as `ps` shows it."""
        alive = [process.pid for process in self._all if process.poll() is None]
        self._called = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in alive]

    def end(self) -> None:
        """End all processes of the test."""
        for process in self._all:
            process.kill()
        for process in self._all:
            process.wait()


class Processes(Team):
    """Plain processes, each of which has all accounts."""

    few = 3

    def start(self) -> None:
        """Start them."""
        for number in range(self.size):
            self.workers.append(
                self.launch(f"worker{number}", "tests.fleet.engines.alone", self._file(number))
            )

    def finish(self) -> FleetReport:
        """Wait for those that live, and return their report."""
        codes = [process.wait(PATIENCE) for process in self.workers]
        assert set(codes) <= {0, -signal.SIGKILL}, codes
        found = [number for number, code in enumerate(codes) if code == 0]
        return FleetReport.merged(pickle.loads(self._file(number).read_bytes()) for number in found)  # noqa: S301 - ours

    def _file(self, number: int) -> Path:
        return self.folder / f"report{number}"


class Dask(Team):
    """A scheduler, workers, and a client."""

    needs = ("distributed",)

    def start(self) -> None:
        """Start them."""
        file = self.folder / "scheduler.json"
        words = ("--host", "127.0.0.1", "--no-dashboard", "--port", "0", "--scheduler-file", file)
        times = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "5s"}
        self.launch("scheduler", "distributed.cli.dask_scheduler", *words, **times)
        options = (
            "--no-nanny",
            "--no-dashboard",
            "--nthreads",
            2,
            "--preload",
            "tests.fleet.engines.short_leases",
        )
        for number in range(self.size):
            self.workers.append(
                self.launch(
                    f"worker{number}", "distributed.cli.dask_worker", "--scheduler-file", file, *options
                )
            )
        self._driver = self.launch("driver", "tests.fleet.engines.dask_driver", file, self.folder, self.size)

    def finish(self) -> FleetReport:
        """Wait for the client, and return the report it got."""
        assert self._driver.wait(PATIENCE) == 0, (self.folder / "driver.log").read_text("utf-8")
        report: FleetReport = pickle.loads((self.folder / "report").read_bytes())  # noqa: S301 - ours
        return report


class Procrastinate(Team):
    """Workers of a queue in the database of the store, and what defers the jobs."""

    needs = ("procrastinate",)

    def start(self) -> None:
        """Start them."""
        app = "tests.fleet.engines.queue_app"
        self._driver = self.launch("driver", app, "defer", self.folder)
        until(lambda: (self.folder / "deferred").exists() or self._driver.poll() is not None)
        for number in range(self.size):
            self.workers.append(self.launch(f"worker{number}", app, "work"))

    def finish(self) -> None:
        """Wait for the end of all jobs."""
        assert self._driver.wait(PATIENCE) == 0, (self.folder / "driver.log").read_text("utf-8")
        self.failed = json.loads((self.folder / "failed").read_text("utf-8"))


TEAMS = (Processes, Dask, Procrastinate)


def until(happened: Callable[[], bool], longest: float | None = None) -> None:
    """Wait for something; at most for some seconds, or it must happen."""
    end = time.monotonic() + (longest or PATIENCE)
    while not happened():
        if time.monotonic() > end:
            assert longest
            return
        time.sleep(_LOOK)
