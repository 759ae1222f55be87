"""The page about the command line is complete."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from hourlyclicks.cli.app import app
from hourlyclicks.cli.exits import ENDINGS
from tests.cli.every_command import WITH_OPTIONS

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
PAGE = (PAGES / "command-line.md").read_text("utf-8")


def section(name: str) -> str:
    """Return the part of the page about a command, or about something else with a heading."""
    _, _, rest = PAGE.partition(f"\n## {name}\n")
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_every_option_is_documented_where_it_belongs(name: str) -> None:
    """The table of each command has exactly its options."""
    parameters = [parameter for parameter in WITH_OPTIONS[name].params if isinstance(parameter, click.Option)]
    options = {option for parameter in parameters for option in parameter.opts} | {"-h", "--help"}
    documented = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", "\n".join(rows(section(f"`{name}`")))))
    assert documented == options


def test_the_commands_for_containers_are_valid() -> None:
    """Each command on the page about containers is valid, and each exit code is documented."""
    page = (PAGES / "containers.md").read_text("utf-8")
    lines = [line.partition(" clicks ")[2] for line in page.splitlines() if line.startswith("$ docker run ")]
    assert len(lines) >= 3
    for line in lines:
        name, *words = shlex.split(line)
        command = app.get_command(click.Context(app), name)
        assert command is not None
        assert command.make_context(name, words).params
    told = re.findall(r"^\| (\d[\d, ]*) \|", page, re.MULTILINE)
    codes = {int(code) for cell in told for code in cell.split(",")}
    assert codes == {ending.code for ending in ENDINGS} - {1}


def rows(text: str) -> list[str]:
    """Return the first cells of the rows of a table."""
    return [line.split("|")[1] for line in text.splitlines() if line.startswith("| `-")]


def test_every_exit_code_is_documented() -> None:
    """Each exit code is in the table with its meaning, and each error in the sentence below, in order."""
    text = section("Exit codes")
    assert [f"| {ending.code} | {ending.meaning} |" for ending in ENDINGS] == re.findall(
        r"^\| \d.*$", text, re.MULTILINE
    )
    named = [ending.error.__name__ for ending in ENDINGS if ending.error is not None]
    assert re.findall(r"`~hourlyclicks\.(?:errors\.)?(\w+)`", text) == named
