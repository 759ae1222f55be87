"""Targets of which the API rejects every day, on the command line."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from hourlyclicks import Link
from hourlyclicks.simulator import Envelope, Rule, Script
from tests.cli.serving import APRIL, FAST, invoke, serving

if TYPE_CHECKING:
    from pathlib import Path

DOMAIN = "https://vvd.bz"
KEYLESS: dict[str, str | None] = {"HOURLYCLICKS_API_KEY": None}


def gone(*ids: str) -> Script:
    """Reject every day of some links."""
    answer = Envelope({"code": 7, "message": "no such link"})
    return Script(*[Rule(answer, target=Link(each, DOMAIN)) for each in ids])


def test_parked_targets_end_with_their_own_exit_code(tmp_path: Path) -> None:
    """The other targets are done; the report and `status` name the parked ones, in words and as JSON."""
    store = str(tmp_path / "clicks.db")
    with serving(faults=gone("typo")) as server:
        words = ("--link", "typo", "--link", "kYdr", "--domain", DOMAIN, *APRIL, *FAST)
        result = invoke("backfill", "--store", store, *words, "--base-url", server.url)
        assert server.counters.requests <= 30 + 5 + 1 + 1 + 2  # with a probe at the end, and those in flight
    assert result.exit_code == 13
    assert "parked: https://vvd.bz/typo: every day is rejected: the API answered code 7" in result.stderr
    assert result.stderr.splitlines()[-1].startswith(
        "Error: check https://vvd.bz/typo: every day is rejected"
    )
    shown = invoke("status", "--store", store, env=KEYLESS).stdout
    assert shown.count("  parked   every day is rejected: the API answered code 7: no such link\n") == 1
    objects = json.loads(invoke("status", "--store", store, "--format", "json", env=KEYLESS).stdout)
    assert {each["target"]: each["parked"] for each in objects} == {
        f"{DOMAIN}/kYdr": None,
        f"{DOMAIN}/typo": "the API answered code 7: no such link",
    }


def test_the_hint_of_the_report_names_all_that_are_parked(tmp_path: Path) -> None:
    """If the report has no room for all targets, its command shows the others."""
    ids = [f"typo{number}" for number in range(12)]
    listed = tmp_path / "links.csv"
    listed.write_text("link,domain\n" + "".join(f"{each},{DOMAIN}\nok{each},{DOMAIN}\n" for each in ids))
    store = str(tmp_path / "clicks.db")
    with serving(faults=gone(*ids)) as server:
        words = ("--targets", str(listed), "--from", "2025-04-01", "--to", "2025-04-06", *FAST)
        result = invoke("backfill", "--store", store, *words, "--base-url", server.url)
    assert result.exit_code == 13, result.stderr
    (hint,) = [line for line in result.stderr.splitlines() if line.startswith("parked: 2 targets more")]
    command = shlex.split(hint.partition("all of them: ")[2])
    shown = invoke(*command[command.index("status") :], env=KEYLESS).stdout
    assert shown.count("  parked   every day is rejected") == 12


def test_a_fetch_of_a_wrong_link_ends_with_the_rejection() -> None:
    """It ends with the API's own error after few requests."""
    with serving(faults=gone("typo")) as server:
        result = invoke(
            "fetch", "--link", "typo", "--domain", DOMAIN, *APRIL, *FAST, "--base-url", server.url
        )
        assert server.counters.requests <= 8
    assert (result.exit_code, "code 7: no such link" in result.stderr) == (8, True)
