"""The commands of the page about watching a job, in a shell, on the store that the page shows."""

from __future__ import annotations

import datetime as dt
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Link
from hourlyclicks.cli.actions import status_summary
from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry
from tests.cli.filled_stores import LATER, LINK, answer, days, fill, trouble
from tests.cli.serving import ENVIRONMENT, invoke
from tests.forkserver.starting import forked_python

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "watch.md").read_text("utf-8")
BLOCKS = {
    language: re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for language in ("console", "text", "sh")
}
APRIL = days("2025-04-01", 30)
TALK, NEWS, TYPO, FRESH = (Link(name, "https://vvd.bz") for name in ("talk", "news", "typo", "fresh"))
REJECTED = Failure("ApiError", "no such link", 7, 200)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the job: a store with gaps, and the list of its targets."""
    store = tmp_path / "clicks.db"
    fill(store, LINK, map(answer, APRIL))
    fill(store, TALK, [*map(answer, APRIL[:10]), *map(answer, APRIL[12:27]), answer(APRIL[27], final=False)])
    fill(store, NEWS, [*map(answer, APRIL[:28]), *map(trouble, APRIL[28:])])
    fill(store, TYPO, [LedgerEntry(day, DayState.FAILED, LATER, 1, reason=REJECTED) for day in APRIL[:6]])
    listed(tmp_path, LINK, TALK, NEWS, TYPO)
    return tmp_path


def listed(folder: Path, *targets: Link) -> None:
    """Write the list of targets."""
    (folder / "links.csv").write_text("".join(f"{target}\n" for target in ("target", *targets)))


@pytest.fixture
def run(folder: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run a text of the page in a shell, in the folder of the job."""
    command = folder / "bin" / "hourlyclicks"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.join(forked_python())} -m hourlyclicks "$@"\n')
    command.chmod(0o700)
    environment = {**ENVIRONMENT, "PATH": f"{command.parent}:/usr/bin:/bin"}

    def in_shell(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the page is ours
            ["/bin/sh", "-c", text], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    return in_shell


def test_the_screen_of_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 1 June 2025, the command prints what the page shows, but for the fingerprint."""
    monkeypatch.setattr(status_summary, "present", lambda: LATER + dt.timedelta(hours=12))
    monkeypatch.chdir(folder)
    done = invoke(*BLOCKS["console"][0].split()[2:], env={"HOURLYCLICKS_API_KEY": None})
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.sub(r"account \w{8}", "account 2b9d1f0c", done.stdout) == BLOCKS["text"][0]


def test_the_check_and_the_script_of_the_page(
    folder: Path, run: Callable[[str], subprocess.CompletedProcess[str]]
) -> None:
    """Both raise an alarm about gaps, and none about a target that is up to date."""
    done = run(BLOCKS["console"][1].removeprefix("$ "))
    assert (done.returncode, done.stdout) == (10, "")
    (from_cron,) = [line for line in BLOCKS["text"][1].splitlines() if "--check" in line]
    mailed = run(from_cron.partition("* * * ")[2])
    assert mailed.stderr.startswith("Error: 4 of 4 targets incomplete: 8 days failed, 2 days missing")
    assert (mailed.returncode, mailed.stdout) == (10, "")
    done = run(BLOCKS["sh"][0])
    alarm = (folder / "alarms.txt").read_text()
    assert (done.returncode, done.stdout) == (10, alarm)
    assert alarm.startswith("hourlyclicks ended with 10: Error: 4 of 4 targets incomplete")
    (folder / "alarms.txt").unlink()
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    fill(folder / "clicks.db", FRESH, map(answer, [yesterday - dt.timedelta(days=1), yesterday]))
    listed(folder, FRESH)
    done = run(BLOCKS["sh"][0])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (folder / "alarms.txt").exists()
