"""The recipes for nightly runs do what their page says: each command, script and unit is run as it is."""

from __future__ import annotations

import configparser
import datetime as dt
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from hourlyclicks.simulator import DEFAULT_KEY, Rule, Script, Simulator, Status
from tests.cli.serving import ENVIRONMENT, ROOT, serving
from tests.forkserver.starting import forked_python

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.skipif(os.name != "posix", reason="the recipes are for Unix")

PAGE = (ROOT / "docs" / "how-to" / "nightly.md").read_text("utf-8")
STATE, CONFIGURATION, PROGRAMS = "/var/lib/clicks", "/etc/clicks", "/usr/local/bin"
TRANSIENT = {5, 6, 7, 10, 130}
"""The exit codes after which the next run continues by itself."""


def blocks(language: str, heading: str) -> list[str]:
    """Return the blocks of a language below a heading."""
    _, _, rest = PAGE.partition(f"\n## {heading}\n")
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", rest.partition("\n## ")[0], re.DOTALL)
    return found


@attrs.frozen
class Machine:
    """A folder with the files and programs that the recipes name, and a server.

    Args:
        folder: the folder.
        server: the server.
    """

    folder: Path
    server: Simulator

    def here(self, text: str) -> str:
        """Return a recipe with the folders of this machine."""
        for name in (STATE, CONFIGURATION, PROGRAMS):
            text = text.replace(name, str(self.folder))
        return text

    def install(self, name: str, script: str) -> None:
        """Make a program."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        path.chmod(0o700)

    def run(self, *words: str, key: str = DEFAULT_KEY) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder."""
        path = os.pathsep.join([str(self.folder), ENVIRONMENT["PATH"]])
        env = {**ENVIRONMENT, "PATH": path, "HOURLYCLICKS_API_KEY": key}
        return subprocess.run(  # noqa: S603 - from our own page
            words, cwd=self.folder, env=env, capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def report(self) -> dict[str, Any]:
        """The report of the last run."""
        found: dict[str, Any] = json.loads((self.folder / "run.json").read_text("utf-8"))
        return found

    @property
    def alarms(self) -> str:
        """What was mailed."""
        path = self.folder / "mailed"
        return path.read_text("utf-8") if path.exists() else ""


def machine_of(folder: Path, server: Simulator) -> Machine:
    """Return a machine with one link that began yesterday."""
    machine = Machine(folder, server)
    began = dt.datetime.now(dt.UTC).date() - dt.timedelta(2)
    (folder / "links.csv").write_text(f"url,since\nhttps://vvd.bz/kYdr,{began}\n", "utf-8")
    python = shlex.join([*forked_python(), "-m", "hourlyclicks"])
    machine.install("hourlyclicks", f'exec {python} "$@" --base-url {server.url}')
    machine.install("mail", f'{{ echo "$@"; cat; }} >> {shlex.quote(str(folder))}/mailed')
    return machine


@pytest.fixture
def machine(server: Simulator, tmp_path: Path) -> Machine:
    """A machine whose server answers."""
    return machine_of(tmp_path, server)


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Machine]:
    """A machine whose server fails."""
    with serving(faults=Script(Rule(Status(401)))) as server:
        yield machine_of(tmp_path, server)


def test_cron_mails_only_errors(machine: Machine) -> None:
    """A run that succeeds prints nothing, one that fails a single line; the report has both."""
    mailto, line = blocks("text", "cron")[0].splitlines()
    *times, command = machine.here(line).split(maxsplit=5)
    assert mailto.startswith("MAILTO=")
    assert len(times) == 5
    done = machine.run("sh", "-c", command)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.report["done"] == machine.server.counters.requests > 0
    failed = machine.run("sh", "-c", command, key="")
    assert (failed.returncode, machine.report["exit_code"]) == (2, 2)
    assert failed.stderr.splitlines() == [f"Error: {machine.report['message']}"]


def test_the_script_alarms_when_a_person_is_needed(broken: Machine) -> None:
    """A rejected key is mailed with its exit code."""
    (script,) = blocks("sh", "cron")
    broken.install("nightly", broken.here(script))
    done = broken.run("sh", str(broken.folder / "nightly"))
    assert (done.returncode, done.stdout) == (3, "")
    assert broken.alarms.startswith("-s clicks: exit code 3 ops@example.com\n")
    assert broken.report["message"] in broken.alarms


def test_the_script_does_not_alarm_when_all_is_well(machine: Machine) -> None:
    """Neither after a run that is done, nor after one that the next run continues."""
    (script,) = blocks("sh", "cron")
    for text, code in ((script.replace("5h", "0s"), 10), (script, 0)):
        machine.install("nightly", machine.here(text))
        assert machine.run("sh", str(machine.folder / "nightly")).returncode == code
        assert machine.report["exit_code"] == code
    assert machine.alarms == ""


class Unit(configparser.ConfigParser):
    """A unit of systemd, whose names have capitals."""

    def optionxform(self, name: str) -> str:
        """Return a name as it is."""
        return name


def unit(text: str) -> Unit:
    """Read a unit of systemd."""
    parser = Unit(interpolation=None)
    parser.read_string(text)
    return parser


def test_the_service_runs(machine: Machine) -> None:
    """Its command reads the key from a credential; the alarm follows the same exit codes as the script."""
    service, alarm, timer = map(unit, blocks("ini", "systemd"))
    key = machine.folder / "key"
    key.write_text(DEFAULT_KEY, "utf-8")
    key.chmod(0o400)
    command = machine.here(service["Service"]["ExecStart"])
    command = command.replace("${CREDENTIALS_DIRECTORY}", str(machine.folder))
    done = machine.run(*shlex.split(command), key="")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.report["complete"] is True
    assert set(map(int, service["Service"]["SuccessExitStatus"].split())) == TRANSIENT
    assert service["Unit"]["OnFailure"] == "clicks-alarm.service"
    assert shlex.split(alarm["Service"]["ExecStart"])[0] == "/usr/bin/logger"
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_accepts_the_units(machine: Machine) -> None:
    """Each of them is valid."""
    names = ("clicks.service", "clicks-alarm.service", "clicks.timer")
    for name, text in zip(names, blocks("ini", "systemd"), strict=True):
        (machine.folder / name).write_text(machine.here(text).replace("/usr/bin/logger", "/bin/sh"), "utf-8")
    files = [str(machine.folder / name) for name in names]
    done = machine.run("systemd-analyze", "verify", "--man=no", *files)
    ours = [line for line in done.stderr.splitlines() if "clicks" in line]
    assert ours == []
    (calendar,) = re.findall(r"OnCalendar=(.*)", PAGE)
    assert machine.run("systemd-analyze", "calendar", calendar).returncode == 0


def test_airflow_runs_the_command(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task of the DAG is a command of bash."""
    tasks: list[dict[str, Any]] = []

    class Dag:
        def __init__(self, **_: object) -> None: ...
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    sdk, bash, pendulum = (types.ModuleType(name) for name in ("sdk", "bash", "pendulum"))
    sdk.DAG = Dag  # type: ignore[attr-defined]  # a stand-in
    bash.BashOperator = lambda **task: tasks.append(task)  # type: ignore[attr-defined]  # a stand-in
    pendulum.datetime = lambda *day, tz: (day, tz)  # type: ignore[attr-defined]  # a stand-in
    for name in (
        "airflow",
        "airflow.providers",
        "airflow.providers.standard",
        "airflow.providers.standard.operators",
    ):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "airflow.sdk", sdk)
    monkeypatch.setitem(sys.modules, "airflow.providers.standard.operators.bash", bash)
    monkeypatch.setitem(sys.modules, "pendulum", pendulum)
    (code,) = blocks("python", "Airflow")
    exec(compile(code, "nightly.md", "exec"), {})  # noqa: S102 - our own page
    (task,) = tasks
    assert task["cwd"] == STATE
    assert list(task["env"]) == ["HOURLYCLICKS_API_KEY"]
    assert machine.run("bash", "-c", task["bash_command"]).returncode == 0
    assert machine.report["complete"] is True


def test_dagster_runs_the_command(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The asset has the counts of the report, and a failure says whether a retry helps."""

    class FailureError(Exception):
        def __init__(self, message: str, *, allow_retries: bool) -> None:
            super().__init__(message)
            self.allow_retries = allow_retries

    dagster = types.ModuleType("dagster")
    stand_ins = {
        "asset": lambda **_: lambda function: function,
        "MaterializeResult": lambda *, metadata: metadata,
        "Failure": FailureError,
        **dict.fromkeys(("RetryPolicy", "ScheduleDefinition", "Definitions"), lambda **_: None),
    }
    vars(dagster).update(stand_ins)
    monkeypatch.setitem(sys.modules, "dagster", dagster)
    monkeypatch.setenv("PATH", f"{machine.folder}{os.pathsep}{ENVIRONMENT['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HOURLYCLICKS_API_KEY", DEFAULT_KEY)
    namespace: dict[str, Any] = {}
    (code,) = blocks("python", "Dagster")
    exec(compile(machine.here(code), "nightly.md", "exec"), namespace)  # noqa: S102 - our own page
    metadata = namespace["hourly_clicks"]()
    assert metadata["done"] == metadata["requests"] == machine.server.counters.requests > 0
    assert namespace["AGAIN"] == TRANSIENT
    monkeypatch.setenv("HOURLYCLICKS_API_KEY", "")
    with pytest.raises(FailureError) as caught:
        namespace["hourly_clicks"]()
    assert caught.value.allow_retries is False
