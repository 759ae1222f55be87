"""The command line that fetches what is still missing."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import RetryPolicy
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.resume import program, quoted
from hourlyclicks.cli.steps import runs
from hourlyclicks.simulator import Rule, Script, Status
from tests.cli.filled_stores import stock
from tests.cli.serving import APRIL, FAST, LINK, ONE_AT_A_TIME, invoke, serving

if TYPE_CHECKING:
    from pathlib import Path

BASH = shutil.which("bash")


@pytest.mark.parametrize("word", ["kYdr", "a b", "it's", "$HOME", "한글", "", "\\n", "a\x1b[31mb", "'\\\x07"])
def test_a_shell_reads_back_what_was_quoted(word: str) -> None:
    """A quoted word cannot control a terminal, and a shell reads it unchanged."""
    written = quoted(word)
    assert written.isprintable()
    if BASH is None:
        pytest.skip("needs bash")
    command = [BASH, "-c", f"printf %s {written}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - that is the question
    assert done.stdout == word


@pytest.mark.parametrize(
    ("argv", "found", "words"),
    [
        ("/env/bin/hourlyclicks", "/env/bin/hourlyclicks", ["hourlyclicks"]),
        ("/env/bin/hourlyclicks", None, ["/env/bin/hourlyclicks"]),
        ("env/bin/hourlyclicks", "/other/hourlyclicks", ["env/bin/hourlyclicks"]),
        ("/lib/hourlyclicks/__main__.py", "/env/bin/hourlyclicks", ["hourlyclicks"]),
        ("/lib/hourlyclicks/__main__.py", "/other/hourlyclicks", ["/env/bin/python", "-m", "hourlyclicks"]),
        ("/lib/pytest/__main__.py", None, ["hourlyclicks"]),
    ],
)
def test_a_shell_finds_the_program_again(
    monkeypatch: pytest.MonkeyPatch, argv: str, found: str | None, words: list[str]
) -> None:
    """The command begins as this shell needs it, also if the virtual environment is not active."""
    monkeypatch.setattr(sys, "argv", [argv])
    monkeypatch.setattr(sys, "executable", "/env/bin/python")
    monkeypatch.setattr(shutil, "which", lambda _: found)
    assert program() == words


def test_the_command_for_all_missing_days_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the store and the account, quoted, and shows the days."""
    monkeypatch.setattr(runs, "RETRY", RetryPolicy(attempts=1))
    store = str(tmp_path / "it's here.db")
    words = ("--store", store, "--account-name", "my news", *LINK, *APRIL, *FAST)
    with serving(faults=Script(Rule(Status(501), number=range(5, 99, 2)))) as server:
        result = invoke("backfill", *words, "--base-url", server.url)
    line = next(line for line in result.stderr.splitlines() if "; all of them: " in line)
    told = shlex.split(line.partition("; all of them: ")[2])
    assert told[:5] == ["hourlyclicks", "status", "--all", "--store", store]
    shown = invoke(*told[1:])
    assert (shown.exit_code, "failed" in shown.stdout) == (0, True)


def test_the_command_of_an_export_works(tmp_path: Path) -> None:
    """It names the store, unless that is in the environment."""
    store = str(stock(tmp_path / "a store.db"))
    result = invoke("export", "--store", store)
    told = shlex.split(result.stderr.splitlines()[0].partition("; see ")[2])
    assert told == ["hourlyclicks", "status", "--store", store]
    assert invoke(*told[1:]).exit_code == 0
    result = invoke("export", *LINK, env={"HOURLYCLICKS_STORE": store})
    told = shlex.split(result.stderr.splitlines()[0].partition("; see ")[2])
    assert told == ["hourlyclicks", "status", *LINK]
    assert invoke(*told[1:], env={"HOURLYCLICKS_STORE": store}).exit_code == 0


def test_a_command_line_for_many_targets_stays_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the targets do not fit into a line, they are left out, and all are shown."""
    monkeypatch.setattr(resume, "_LONGEST_LINE", 10)
    store = str(stock(tmp_path / "clicks.db"))
    assert f"see hourlyclicks status --store {store}\n" in invoke("export", "--store", store, *LINK).stderr


def test_what_is_fetched_for_the_rest_overwrites_nothing(tmp_path: Path) -> None:
    """The file for the rest is one that does not exist yet."""
    (tmp_path / "clicks.from-2025-04-10.csv").touch()
    with serving(faults=Script(Rule(Status(501), number=range(10, 99)))) as server:
        words = (*LINK, *APRIL, *ONE_AT_A_TIME, "--base-url", server.url)
        result = invoke("fetch", *words, "-o", str(tmp_path / "clicks.csv"))
    assert f"-o {tmp_path}/clicks.from-2025-04-10-2.csv\n" in result.stderr
