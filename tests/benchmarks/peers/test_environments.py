from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.peers.environments import (
    Environment,
    Environments,
    Missing,
    Place,
    cache_folder,
    clean_variables,
    environments,
)

OTHER = Environment("other", ("other>=1",))
VERSIONS = [{"name": "Other", "version": "1.2"}]


class Pip:
    """A stand-in for venv and pip.

    Args:
        fails: a word of the command that fails.
        says: what it says then.
    """

    def __init__(self, fails: str = "", says: str = "") -> None:
        self.commands: list[list[str]] = []
        self._fails = fails
        self._says = says

    def __call__(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Leave what a command would leave."""
        self.commands.append(command)
        if self._fails in command:
            return subprocess.CompletedProcess(command, 1, "", self._says)
        if "venv" in command:
            python = Path(command[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
        return subprocess.CompletedProcess(command, 0, json.dumps(VERSIONS) if "list" in command else "", "")


def prepare(
    folder: Path, pip: Pip, environment: Environment = OTHER, *, install: bool = True
) -> Place | Missing:
    """Prepare one environment."""
    made = Environments(folder, install=install, say=lambda _: None, run=pip)
    return made.prepare([environment])[environment.name]


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    """The second time it exists already."""
    pip = Pip()
    place = prepare(tmp_path, pip)
    assert isinstance(place, Place)
    assert place.versions == {"other": "1.2"}
    assert Path(place.python).is_relative_to(tmp_path)
    assert [command[3:5] for command in pip.commands[1:]] == [
        ["--disable-pip-version-check", "--no-input"]
    ] * 2
    assert "other>=1" in pip.commands[1]
    assert prepare(tmp_path, Pip("venv")) == place
    assert prepare(tmp_path, Pip("venv"), install=False) == place


@pytest.mark.parametrize(
    ("fails", "says", "reason"),
    [
        ("venv", "Error: no ensurepip", "Error: no ensurepip"),
        ("install", "WARNING: slow\nERROR: No matching distribution\n\n", "ERROR: No matching distribution"),
        ("list", "", "exit code 1"),
    ],
)
def test_a_failure_is_reported(tmp_path: Path, fails: str, says: str, reason: str) -> None:
    """The last line of output is kept, and the incomplete environment is not used."""
    assert prepare(tmp_path, Pip(fails, says)) == Missing(f"cannot be installed: {reason}")
    assert isinstance(prepare(tmp_path, Pip(), install=False), Missing)
    assert isinstance(prepare(tmp_path, Pip()), Place)


def test_an_environment_without_its_interpreter_is_made_again(tmp_path: Path) -> None:
    """The Python that it was made from may have been removed."""
    place = prepare(tmp_path, Pip())
    assert isinstance(place, Place)
    Path(place.python).unlink()
    assert isinstance(prepare(tmp_path, Pip(), install=False), Missing)
    assert prepare(tmp_path, Pip()) == place


def test_other_requirements_are_another_environment(tmp_path: Path) -> None:
    """A change makes a new one."""
    newer = Environment("other", ("other>=2",))
    assert isinstance(prepare(tmp_path, Pip()), Place)
    assert isinstance(prepare(tmp_path, Pip(), newer, install=False), Missing)


def test_nothing_is_installed_in_a_hurry(tmp_path: Path) -> None:
    """In a quick run the running interpreter is used where possible, with a remark."""
    pip = Pip()
    assert prepare(tmp_path, pip, install=False) == Missing("not installed (run without --quick once)")
    place = prepare(tmp_path, pip, Environment("plain", ("aiohttp",), own=True), install=False)
    assert isinstance(place, Place)
    assert place.python == sys.executable
    assert "aiohttp" in place.versions
    assert "plain" in place.remark
    assert pip.commands == []


def test_the_contenders_on_aiohttp_have_the_same_one() -> None:
    """Its version is pinned to the one that runs here."""
    pins = {
        environment.name: [word for word in environment.requirements if word.startswith("aiohttp==")]
        for environment in environments()
        if environment.own
    }
    assert set(pins) == {"plain", "speedups"}
    assert pins["plain"] == pins["speedups"] != []
    assert not any("msgspec" in word for word in environments()[0].requirements)


def test_the_cache_is_where_the_user_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``XDG_CACHE_HOME`` counts if it is set."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "hourlyclicks" / "benchmarks"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "hourlyclicks" / "benchmarks"


def test_contenders_run_as_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that change how Python runs are not inherited; the others are."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("SOMETHING", "else")
    assert "PYTHONDONTWRITEBYTECODE" not in clean_variables()
    assert clean_variables()["SOMETHING"] == "else"
