"""Virtual environments for contenders that want other packages than ours, made once and used again.

They lie in the user's cache folder, a folder for each set of requirements and version of Python, and are
complete when the file is there that is written last. The two that run aiohttp get the very version of aiohttp
that the running interpreter has, so that it is never what makes the difference. This package is not
installed: contenders run with the checkout as their working folder, and import it from there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).parents[2]
"""The checkout."""
_MARKER = "complete.json"
_PATIENCE = 1200.0
_UNWANTED = {
    "PYTHONASYNCIODEBUG",
    "PYTHONDEVMODE",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONHOME",
    "PYTHONOPTIMIZE",
    "PYTHONPATH",
    "PYTHONSAFEPATH",
}

Runner: TypeAlias = "Callable[[list[str]], subprocess.CompletedProcess[str]]"
"""Runs a command to its end, and keeps what it says."""


@attrs.frozen
class Environment:
    """What some contenders need.

    Args:
        name: how it is called.
        requirements: in the words of pip.
        own: whether the running interpreter can stand in for it: it has at least these packages.
    """

    name: str
    requirements: tuple[str, ...]
    own: bool = False


@attrs.frozen
class Place:
    """Where the contenders of an environment run.

    Args:
        python: the interpreter.
        versions: the packages it has, by their names.
        remark: what is special about it; empty if nothing is.
    """

    python: str
    versions: dict[str, str]
    remark: str = ""


@attrs.frozen
class Missing:
    """An environment that is not there.

    Args:
        reason: why, in a line.
    """

    reason: str


def environments() -> tuple[Environment, ...]:
    """Return all of them; what this package requires is read from ``pyproject.toml``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = [*project["dependencies"], f"aiohttp=={metadata.version('aiohttp')}"]
    speedups = project["optional-dependencies"]["speedups"]
    return (
        Environment("plain", tuple(ours), own=True),
        Environment("speedups", (*ours, *speedups, "orjson>=3.10.12"), own=True),
        Environment("httpx", ("httpx>=0.28.1",)),
        Environment("niquests", ("niquests>=3.16",)),
        Environment("requests", ("requests>=2.32.4",)),
        Environment("dlt", ("dlt>=1.21",)),
        Environment("airbyte", ("airbyte-cdk>=7.5",)),
    )


def cache_folder() -> Path:
    """Return where the environments lie if nobody says otherwise."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "hourlyclicks" / "benchmarks"


def clean_variables() -> dict[str, str]:
    """Return the environment variables for contenders and pip, without any that changes how Python runs."""
    return {name: value for name, value in os.environ.items() if name not in _UNWANTED}


def run_command(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command; it has twenty minutes."""
    return subprocess.run(  # noqa: S603 - pip and venv of this interpreter
        command, capture_output=True, text=True, check=False, env=clean_variables(), timeout=_PATIENCE
    )


class Environments:
    """The environments in a folder.

    Args:
        folder: where they lie.
        install: whether those that are missing are made; what can do with the running interpreter does so
            otherwise.
        say: is told when one is made, since that takes a while.
        run: runs the commands that make them.
    """

    def __init__(
        self, folder: Path, *, install: bool, say: Callable[[str], None], run: Runner = run_command
    ) -> None:
        self._folder = folder
        self._install = install
        self._say = say
        self._run = run

    def prepare(self, wanted: Iterable[Environment]) -> dict[str, Place | Missing]:
        """Return where each environment is, by its name, or why it is not there."""
        return {environment.name: self._place(environment) for environment in wanted}

    def _place(self, environment: Environment) -> Place | Missing:
        folder = self._folder / _key(environment)
        marker = folder / _MARKER
        if not (
            marker.exists() and _python(folder).exists()
        ):  # its interpreter links to one that may be gone
            if self._install:
                self._say(f"installing the environment {environment.name}")
                reason = self._make(environment, folder)
                if reason:
                    return Missing(f"cannot be installed: {reason}")
            elif environment.own:
                return _running(environment)
            else:
                return Missing("not installed (run without --quick once)")
        return Place(str(_python(folder)), json.loads(marker.read_text(encoding="utf-8")))

    def _make(self, environment: Environment, folder: Path) -> str:
        """Make an environment, and return an empty text, or in a line why that failed."""
        python = str(_python(folder))
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        shutil.rmtree(folder, ignore_errors=True)
        said = ""
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [*pip, "install", "--quiet", *environment.requirements],
            [*pip, "list", "--format", "json"],
        ):
            try:
                done = self._run(command)
            except (OSError, subprocess.TimeoutExpired) as error:
                return str(error)
            if done.returncode:
                return last_line(done.stderr) or last_line(done.stdout) or f"exit code {done.returncode}"
            said = done.stdout
        versions = {package["name"].lower(): package["version"] for package in json.loads(said)}
        (folder / _MARKER).write_text(json.dumps(versions), encoding="utf-8")
        return ""


def last_line(text: str) -> str:
    """Return the last line that is not empty, or nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _key(environment: Environment) -> str:
    """Name the folder: a change of the requirements, or of Python, makes a new one."""
    words = json.dumps([sys.version, sys.base_prefix, *sorted(environment.requirements)])
    version = f"{sys.implementation.name}{sys.version_info.major}.{sys.version_info.minor}"
    return f"{environment.name}-{version}-{hashlib.sha256(words.encode()).hexdigest()[:12]}"


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _running(environment: Environment) -> Place:
    found = {package.name.lower(): package.version for package in metadata.distributions()}
    remark = f"The environment {environment.name} is not installed; the running interpreter stood in for it."
    return Place(sys.executable, found, remark)
