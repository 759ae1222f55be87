"""The pages about Dask, queues, Kubernetes and Airflow: their code and their commands are run as they are."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import re
import shlex
import signal
import subprocess
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.fleet import run_jobs
from tests.cli.serving import ENVIRONMENT, ROOT, serving
from tests.fleet.engines.holders import held
from tests.fleet.engines.teams import until
from tests.forkserver.starting import forked_python

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from hourlyclicks.simulator import Simulator

NAMES = ["acme", "umbrella"]


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a language on a page."""
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text("utf-8")
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return found


def run_block(code: str, namespace: dict[str, Any]) -> None:
    """Run a block of Python."""
    exec(compile(code, "page.md", "exec"), namespace)  # noqa: S102 - our own page


@pytest.fixture
def upstream() -> Iterator[Simulator]:
    """Run a server that knows the keys of the accounts on the pages."""
    with serving(keys={f"key-of-{name}": "enterprise" for name in NAMES}) as upstream:
        yield upstream


@pytest.fixture
def _world(upstream: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the examples reach that server, a function for the keys, and a new store."""
    secrets = types.ModuleType("shop.secrets")
    secrets.key_of = lambda name: f"key-of-{name}"  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "shop", types.ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.secrets", secrets)
    monkeypatch.setitem(run_jobs.__kwdefaults__ or {}, "base_url", upstream.url)
    monkeypatch.setenv("HOURLYCLICKS_STORE", str(tmp_path / "clicks.db"))


@pytest.mark.usefixtures("_world")
def test_the_example_with_dask(
    upstream: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints the report of both accounts, here of two days, since its plan has 24 requests a minute.

    With a reference to the same jobs, nothing is left to be requested.
    """
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as local:
        connected, client = distributed.Client, distributed.Client(local)
        monkeypatch.setattr(distributed, "Client", lambda address: client if ":8786" in address else None)
        code, by_reference = blocks("dask", "python")
        names: dict[str, Any] = {}
        run_block(code.replace("2025-12-31", "2025-01-02"), names)
        assert "2 accounts: 2 complete\n6 days: 6 fetched" in capsys.readouterr().out
        customers = types.ModuleType("shop.customers")
        customers.jobs = lambda year: names["jobs"] if year == "2025" else []  # type: ignore[attr-defined]  # a stand-in
        monkeypatch.setitem(sys.modules, "shop.customers", customers)
        with connected(local) as names["cluster"]:
            run_block(by_reference, names)
        assert "2 accounts: 2 complete" in str(names["report"])
    assert upstream.counters.requests == 6


@pytest.mark.usefixtures("_world")
async def test_the_examples_with_procrastinate(upstream: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new customer is fetched, and all are brought up to date at night."""
    procrastinate = pytest.importorskip("procrastinate")
    connector = importlib.import_module("procrastinate.testing").InMemoryConnector()
    monkeypatch.setattr(procrastinate, "PsycopgConnector", lambda conninfo: connector if conninfo else None)
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(2)

    async def customers() -> AsyncIterator[tuple[str, str]]:
        for name in NAMES:
            yield name, "kYdr"

    namespace: dict[str, Any] = {"customers": customers}
    for code in blocks("procrastinate", "python"):
        run_block(code.replace("2025-01-01", str(yesterday)), namespace)
    app = namespace["app"]
    async with app.open_async():
        await namespace["add_customer"]("acme", "kYdr")
        await app.run_worker_async(wait=False, listen_notify=False)
        assert 0 < upstream.counters.count(key="key-of-acme") <= 3
        assert await namespace["clicks"].defer_async(namespace["accounts"]()) == len(NAMES)
        assert await namespace["refresh"].defer_async(timestamp=0)
    found = {row["task_name"] for row in connector.jobs.values() if row["status"] == "todo"}
    assert {"hourlyclicks.backfill", namespace["refresh"].name} <= found


def test_the_commands_of_procrastinate_are_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command and option exists."""
    main = pytest.importorskip("procrastinate.cli").main
    lines = [
        line.removeprefix("$ ") for block in blocks("procrastinate", "console") for line in block.splitlines()
    ]
    assert len(lines) == 2
    for line in lines:
        program, app, command, *options = shlex.split(line)
        assert (program, app) == ("procrastinate", "--app=shop.queue.app")
        monkeypatch.setattr(sys, "argv", ["procrastinate", command, "--help"])
        with pytest.raises(SystemExit, match="0"):
            main()
        shown = capsys.readouterr().out
        for option in options:
            assert option.partition("=")[0] in shown


def test_the_pods_share_the_accounts(upstream: Simulator, tmp_path: Path) -> None:
    """The command of the pods, as plain processes, one of which is evicted, so that others do its work."""
    (page,) = blocks("orchestration", "yaml")
    (words,) = re.findall(r"args: \[(.*)\]", page)
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(
        'domain = "https://vvd.bz"\nlimits = ["20/1"]\nconcurrency = 1\nstart = 2025-01-01\n'
        "end = 2025-02-09\n"
        + "".join(f'[[account]]\nname = "{name}"\nkey-file = "{name}"\nlinks = ["kYdr"]\n' for name in NAMES)
    )
    for name in NAMES:
        (tmp_path / name).write_text(f"key-of-{name}")
        (tmp_path / name).chmod(0o400)
    command = words.replace("/etc/clicks/accounts.toml", str(accounts)).split(", ")
    command = [sys.executable, "-m", "hourlyclicks", *command, "--base-url", upstream.url]
    environment = {**ENVIRONMENT, "HOURLYCLICKS_STORE": str(tmp_path / "clicks.db")}
    pods = [subprocess.Popen(command, cwd=tmp_path, env=environment) for _ in range(2)]  # noqa: S603 - ours
    try:
        until(lambda: upstream.counters.requests > 10 or any(pod.poll() is not None for pod in pods))
        holders = held(environment["HOURLYCLICKS_STORE"])
        evicted = next(pod for pod in pods if pod.pid in holders)
        evicted.send_signal(signal.SIGTERM)
        assert {pod.wait(60) for pod in pods if pod is not evicted} == {0}
        assert evicted.wait(60) == 130
    finally:
        for pod in pods:
            pod.kill()
            pod.wait()
    counters = upstream.counters
    assert len(counters.asked) == 40
    assert counters.over_limit == 0
    assert counters.requests == 80


def test_airflow_runs_a_task_for_each_account(
    upstream: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each task is a command of bash."""
    tasks: list[dict[str, Any]] = []
    sdk, bash, pendulum = (types.ModuleType(name) for name in ("sdk", "bash", "pendulum"))
    sdk.DAG = lambda **_: contextlib.nullcontext()  # type: ignore[attr-defined]  # a stand-in
    bash.BashOperator = lambda **task: tasks.append(task)  # type: ignore[attr-defined]  # a stand-in
    pendulum.datetime = lambda *day, tz: (day, tz)  # type: ignore[attr-defined]  # a stand-in
    stand_ins = {"airflow.sdk": sdk, "airflow.providers.standard.operators.bash": bash, "pendulum": pendulum}
    for name in (
        "airflow",
        "airflow.providers",
        "airflow.providers.standard",
        "airflow.providers.standard.operators",
    ):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    for name, module in stand_ins.items():
        monkeypatch.setitem(sys.modules, name, module)
    (code,) = blocks("orchestration", "python")
    run_block(code, {})
    assert [task["task_id"] for task in tasks] == NAMES
    began = dt.datetime.now(dt.UTC).date() - dt.timedelta(2)
    for task in tasks:
        name = task["task_id"]
        assert list(task["env"]) == ["HOURLYCLICKS_STORE"]
        (tmp_path / f"{name}.csv").write_text(f"url,since\nhttps://vvd.bz/kYdr,{began}\n")
        (tmp_path / name).write_text(f"key-of-{name}")
        (tmp_path / name).chmod(0o400)
        command = task["bash_command"].replace("/run/secrets", str(tmp_path)) + f" --base-url {upstream.url}"
        command = command.replace("hourlyclicks", f"{shlex.join(forked_python())} -m hourlyclicks", 1)
        environment = {**ENVIRONMENT, "HOURLYCLICKS_STORE": str(tmp_path / "clicks.db")}
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, timeout=60, check=False)  # noqa: S603, S607 - from our own page
        assert done.returncode == 0
        assert upstream.counters.count(key=f"key-of-{name}") > 0
