"""``--report`` and ``--quiet`` of the commands that fill a store."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import RetryPolicy, __version__
from hourlyclicks.cli.steps import runs as module
from hourlyclicks.simulator import Envelope, Rule, Script, Status
from tests.cli.serving import APRIL, FAST, LINK, ONE_AT_A_TIME, invoke, serving

if TYPE_CHECKING:
    from click.testing import Result

    from hourlyclicks.simulator import Simulator

BAD = dt.date(2025, 4, 10)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the report goes."""
    return tmp_path / "run.json"


def run(server: Simulator, path: Path, *words: str, **env: str | None) -> Result:
    """Run a backfill of April that writes a report."""
    store = str(path.parent / "clicks.db")
    where = ("--store", store, "--base-url", server.url, "--report", str(path))
    return invoke("backfill", *LINK, *APRIL, *where, *words, env=env)


def read(path: Path) -> dict[str, Any]:
    """Read a report."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_a_report_has_everything(server: Simulator, path: Path) -> None:
    """The counts, when the run began and ended, and how; an older report is replaced."""
    path.write_text("{}", "utf-8")
    assert run(server, path, *FAST).exit_code == 0
    found = read(path)
    counts = {"total": 30, "done": 30, "reused": 0, "failed": 0, "refused": 0, "remaining": 0}
    ends = {"command": "backfill", "version": __version__, "exit_code": 0, "message": None}
    rest = {
        "requests": 30,
        "retries": 0,
        "rate_limited": 0,
        "stopped": "complete",
        "complete": True,
        "resume_at": None,
    }
    assert {**counts, **ends, **rest}.items() <= found.items()
    assert (found["failures"], found["parked"], found["error"]) == ([], [], None)
    began, ended = (dt.datetime.fromisoformat(found[name]) for name in ("began", "ended"))
    assert began.utcoffset() == dt.timedelta(0)
    assert began <= ended


def test_what_failed_is_in_the_report(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each day with its reason, also what was rejected for good; and when to run again."""
    monkeypatch.setattr(module, "RETRY", RetryPolicy(attempts=1))
    faults = Script(
        Rule(Status(500), day=BAD), Rule(Envelope({"code": 7, "message": "too old"}), day=dt.date(2025, 4, 2))
    )
    with serving(faults=faults) as server:
        result = run(server, path, *ONE_AT_A_TIME)
    found = read(path)
    assert (result.exit_code, found["exit_code"]) == (10, 10)
    assert f"Error: {found['message']}" == result.stderr.splitlines()[-1]
    assert (found["failed"], found["refused"], found["complete"]) == (1, 1, False)
    reasons = {each["day"]: (each["error"], each["code"], each["status"]) for each in found["failures"]}
    assert reasons == {"2025-04-10": ("ServerError", None, 500), "2025-04-02": ("ApiError", 7, 200)}
    assert {each["target"] for each in found["failures"]} == {"https://vvd.bz/kYdr"}
    assert dt.datetime.fromisoformat(found["resume_at"]).tzinfo is not None


def test_a_parked_target_is_in_the_report(path: Path) -> None:
    """With the rejection of all of its days."""
    with serving(faults=Script(Rule(Envelope({"code": 7, "message": "no such link"})))) as server:
        result = run(server, path, *ONE_AT_A_TIME)
    (parked,) = read(path)["parked"]
    assert (parked["target"], parked["code"]) == ("https://vvd.bz/kYdr", 7)
    assert result.exit_code == read(path)["exit_code"] != 0


def test_an_error_that_ends_the_run_is_in_the_report(path: Path) -> None:
    """With what had been done before."""
    with serving(faults=Script(Rule(Status(401), number=range(21, 999)))) as server:
        result = run(server, path, *ONE_AT_A_TIME)
    found = read(path)
    assert (result.exit_code, found["exit_code"], found["stopped"], found["done"]) == (3, 3, "error", 20)
    assert found["error"]["error"] == "AuthenticationError"


def test_a_run_that_did_not_begin_has_a_report(server: Simulator, path: Path) -> None:
    """Its exit code and the error; the counts are null."""
    result = run(server, path, *FAST, HOURLYCLICKS_API_KEY=None)
    found = read(path)
    assert (result.exit_code, found["exit_code"], found["total"], found["complete"]) == (2, 2, None, None)
    assert f"Error: {found['message']}" in result.stderr
    assert found.keys() == (run(server, path, *FAST), read(path))[1].keys()


def test_quiet_leaves_stdout_to_the_report(server: Simulator, path: Path) -> None:
    """With ``--report -`` the JSON is on stdout; nothing is on stderr, unless the run fails."""
    store = ("--store", str(path.with_name("clicks.db")), "--base-url", server.url)
    words = (*LINK, "--last", "30d", *FAST, *store, "--quiet", "--report", "-")
    result = invoke("backfill", *words, "--max-requests", "3")
    assert json.loads(result.stdout)["remaining"] == 27
    assert result.stderr == "Error: 27 days of 30 missing\n"
    result = invoke("sync", *LINK, *FAST, *store, "--quiet", "--report", "-", "--new", "2d")
    assert (result.exit_code, result.stderr, json.loads(result.stdout)["command"]) == (0, "", "sync")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_quiet_says_that_the_report_is_lost(server: Simulator, path: Path) -> None:
    """Otherwise the old file would be taken for the new one."""
    where = ("--store", str(path.with_name("clicks.db")), "--base-url", server.url, "--report", "/dev/full")
    result = invoke("backfill", *LINK, *APRIL, *FAST, *where, "--quiet", "--max-requests", "1")
    assert (result.exit_code, "cannot write /dev/full" in result.stderr) == (10, True), result.stderr


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("clicks.db", 2, "are the same file"),
        ("links.csv", 2, "are the same file"),
        ("no/run.json", 11, "there is no folder"),
    ],
)
def test_a_report_that_cannot_be_written(
    server: Simulator, tmp_path: Path, name: str, code: int, text: str
) -> None:
    """It is an error before the first request, and no other file of the command is touched."""
    links = tmp_path / "links.csv"
    links.write_text("https://vvd.bz/kYdr\n", "utf-8")
    where = ("--store", str(tmp_path / "clicks.db"), "--base-url", server.url, "--targets", str(links))
    result = invoke("backfill", *LINK, *APRIL, *FAST, *where, "--report", str(tmp_path / name))
    assert (result.exit_code, text in result.stderr) == (code, True), result.stderr
    assert server.counters.requests == 0
    assert links.read_text("utf-8") == "https://vvd.bz/kYdr\n"
