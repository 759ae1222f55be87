"""``hourlyclicks audit``, end to end over a socket."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.cli.actions import audit as module
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.targets import Link
from hourlyclicks.simulator import Envelope, Rule, Script, Status
from tests.cli.serving import APRIL, FAST, LINK, invoke, serving
from tests.client.test_audit import change_a_cell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hourlyclicks.simulator import Simulator

CHANGED = dt.date(2025, 4, 10)


@pytest.fixture
def server() -> Iterator[Simulator]:
    """Serve the largest plan."""
    with serving(plan="enterprise") as simulator:
        yield simulator


@pytest.fixture
def store(server: Simulator, tmp_path: Path) -> Path:
    """Fill a store with April."""
    path = tmp_path / "clicks.db"
    words = (*LINK, *APRIL, *FAST, "--base-url", server.url, "--store", str(path))
    assert invoke("backfill", *words, "--quiet").exit_code == 0
    return path


def test_a_changed_cell_is_named(server: Simulator, store: Path) -> None:
    """Once the hours agree with the sums; after a change, that day is named, and fetched again."""
    common = (*LINK, *APRIL, *FAST, "--base-url", server.url, "--store", str(store))
    good = invoke("audit", *common)
    assert (good.exit_code, good.stdout.splitlines()) == (
        0,
        ["https://vvd.bz/kYdr, 2025-04-01..2025-04-30", "  30 days equal, 0 different, 0 not compared"],
    )
    assert server.counters.requests == 31
    change_a_cell(store, CHANGED, by=5)
    bad = invoke("audit", *common)
    assert bad.exit_code == 10
    lines = bad.stdout.splitlines()
    assert lines[1:3] == [
        "  29 days equal, 1 different, 0 not compared",
        "  day               by hour        by date     difference",
    ]
    assert lines[3].startswith("  2025-04-10 ")
    assert lines[3].endswith(" +5")
    assert max(map(len, lines)) < 80
    assert bad.stderr.endswith("Error: 1 day differs: the next backfill or sync requests it again\n")
    assert server.counters.requests == 31
    assert invoke("backfill", *common, "--quiet").exit_code == 0
    assert server.counters.requests == 32
    report = json.loads(invoke("audit", *common, "--format", "jsonl").stdout)
    assert (report["target"], report["matching"]) == ("https://vvd.bz/kYdr", 30)
    assert (report["differences"], report["unchecked"], report["failures"]) == ([], [], [])


def test_sums_that_cannot_be_fetched(server: Simulator, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their days are not compared, with the reason."""
    monkeypatch.setattr(module, "RETRY", RetryPolicy(attempts=1))
    server.faults = Script(Rule(Status(503)))
    words = ("audit", *LINK, *APRIL, *FAST, "--base-url", server.url, "--store", str(store))
    result = invoke(*words)
    assert result.exit_code == 10
    assert "  not compared: 2025-04-01..2025-04-30: " in result.stdout
    assert "30 days without a sum, since the request failed" in result.stderr


def test_what_was_compared_before_an_error_is_written(server: Simulator, store: Path) -> None:
    """A key that is rejected for the second target does not hide what differs in the first."""
    other = Link("other", "https://vvd.bz")
    common = (*LINK, "--link", "other", *APRIL, *FAST, "--base-url", server.url, "--store", str(store))
    assert invoke("backfill", *common, "--quiet").exit_code == 0
    change_a_cell(store, CHANGED, by=5)
    server.faults = Script(Rule(Status(401), target=other))
    result = invoke("audit", *common)
    assert result.exit_code == 3
    assert "  29 days equal, 1 different, 0 not compared" in result.stdout.splitlines()


@pytest.mark.parametrize(("wrong", "code"), [(["a"], 13), (["kYdr"], 13), (["kYdr", "a"], 8)])
def test_a_target_that_the_api_rejects_ends_alone(
    server: Simulator, store: Path, wrong: list[str], code: int
) -> None:
    """It is named, and the others are compared; two before anything was answered end the command."""
    links = [Link(name, "https://vvd.bz") for name in wrong]
    where = ("--base-url", server.url, "--store", str(store))
    common = (*LINK, "--link", "a", "--link", "b", *APRIL, *FAST, *where)
    assert invoke("backfill", *common, "--quiet").exit_code == 0
    envelope = Envelope({"code": 7, "message": "no such link"})
    server.faults = Script(*(Rule(envelope, target=link) for link in links))
    result = invoke("audit", *common)
    assert result.exit_code == code
    compared = result.stdout.count("30 days equal, 0 different, 0 not compared")
    assert compared == (2 if code == 13 else 0)
    if code == 13:
        assert f"{links[0]}: the API answered code 7: no such link" in result.stderr.splitlines()


def test_a_target_that_is_not_in_the_store_agrees_with_nothing(server: Simulator, store: Path) -> None:
    """A mistyped link ends with an exit code, and what was compared of the others is printed."""
    words = (*LINK, "--link", "https://vvd.bz/mistyped", *APRIL, *FAST, "--base-url", server.url)
    found = invoke("audit", *words, "--store", str(store))
    assert found.exit_code == 10
    assert "  30 days equal, 0 different, 0 not compared" in found.stdout.splitlines()
    assert "nothing of 1 target was compared: no day is final in the store" in found.stderr


def test_there_must_be_a_store(server: Simulator, tmp_path: Path) -> None:
    """None is made."""
    path = tmp_path / "none.db"
    result = invoke("audit", *LINK, *APRIL, "--base-url", server.url, "--store", str(path))
    assert (result.exit_code, path.exists()) == (12, False)
    assert "there is no store" in result.stderr
