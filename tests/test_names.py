"""Names: private nouns that were replaced by the terms of ``docs/glossary.md`` do not come back.

The lists hold names of classes, functions and modules, compared without case and leading underscores. Public
names (`Lane`, `Store.pace`) and ordinary words with their ordinary meaning are not in them.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sources import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(text.split())


pytestmark = pytest.mark.usefixtures("parsed_sources")

ROOMS = ("hourlyclicks", "tests", "benchmarks", "docs")
"""The folders that are held to the lists."""

CLASSES = words(
    """
    gate pause storm backoff brake regulator step memory pace ownpace sharedpace turnstile book
    applicant line held lanes call errand flight flights crew shelf watch term terms archive pages
    mark kept reason foresight score announcer constable police beat desk visit
    refusal taken takenerror tally carrier outlook holdings putaside silence
    leasekeeper memorymark place
    """
)
FUNCTIONS = words(
    """
    hire labour retire stand_in spared want fly lead land adopt note keep tally foresight constable
    police desk beat calmed came_back
    """
)
MODULES = words(
    """
    gate pause storm brake regulator pace turnstile book lanes errand flights fanout crew shelf
    watch term terms archive agenda foresight schedule score announcer judge quick text policing
    police desk visit weighing looking inside words keeper harm stocks places tally outlook visible foreign
    stock road forgetting naming cells held queued lost_memory sink
    """
)
VARIABLES = words("storm storm_probe errand crew brake turnstile shelf constable foresight")
"""Names of variables, parameters and attributes."""

SUSPECT = re.compile(
    rf"(class|def)[ \t]+_*({'|'.join(sorted(CLASSES | FUNCTIONS))})_*\b"
    rf"|\b_*({'|'.join(sorted(VARIABLES))})_*\b",
    re.IGNORECASE,
)
"""What is somewhere in the source of a module that defines a name of the lists; the others are not parsed."""

PEOPLE = re.compile(r"\b(whoever|nobody|somebody)\b", re.IGNORECASE)
MOST_PEOPLE = 4
"""Lines about people in place of things, in the package and its documentation."""

EXCEPTIONS: dict[str, str] = {}
"""Names that stay, as ``path:name``, with the reason."""


def plain(name: str) -> str:
    """Return a name as it stands in the lists."""
    return name.strip("_").lower()


def private_nouns(path: Path) -> Iterator[str]:
    """Yield the names of a module, and those it defines, that are in the lists."""
    if plain(path.stem.removeprefix("test_")) in MODULES:
        yield path.stem
    source = path.read_text("utf-8")
    for node in nodes(source) if SUSPECT.search(source) else ():
        if isinstance(node, ast.ClassDef) and plain(node.name) in CLASSES:
            yield node.name
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_private_noun(node.name):
            yield node.name
        if (name := variable(node)) is not None and plain(name) in VARIABLES:
            yield name


def variable(node: ast.AST) -> str | None:
    """Return the name of a variable or attribute that is set, or of a parameter."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            return name
        case ast.arg(arg=name):
            return name
    return None


def is_private_noun(name: str) -> bool:
    """Return whether a function has a name of the list; ``__call__`` and the like have not."""
    return not (name.startswith("__") and name.endswith("__")) and plain(name) in FUNCTIONS


@cache
def named(folder: str) -> set[str]:
    """Return the private nouns of a folder, as ``path:name``."""
    return {
        f"{path.relative_to(ROOT).as_posix()}:{name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in private_nouns(path)
    }


@pytest.mark.parametrize("folder", ROOMS)
def test_no_private_noun_is_left(folder: str) -> None:
    """Every class, function and module has a name of the field, or an exception."""
    assert sorted(named(folder) - set(EXCEPTIONS)) == []


def test_every_exception_is_needed() -> None:
    """Each exception is used."""
    assert sorted(set(EXCEPTIONS) - {name for folder in ROOMS for name in named(folder)}) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class Gate: ...", ["Gate"]),
        ("class _Lanes:\n    def fly(self): ...", ["_Lanes", "fly"]),
        ("async def _keep(): ...", ["_keep"]),
        ("def send(slot, storm_probe): slot.storm = _crew = storm_probe", ["storm_probe", "storm", "_crew"]),
        ("class Lane:\n    def __call__(self): ...\ndef keeper(): ...", []),
        ("print(brake.storm)", []),
    ],
)
def test_private_nouns_are_found(tmp_path: Path, source: str, found: list[str]) -> None:
    """Names count wherever they are defined, not where they are used; parts of words do not count."""
    path = tmp_path / "module.py"
    path.write_text(source, "utf-8")
    assert sorted(private_nouns(path)) == sorted(found)


def prose(path: Path) -> Iterator[str]:
    """Yield the comments of a module, and the lines of its docstrings."""
    source = path.read_text("utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in nodes(source):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield from str(node.value.value).splitlines()


def test_things_have_no_people_in_their_place() -> None:
    """Fewer than five lines of the package and its documentation are about people."""
    files = [*(ROOT / "hourlyclicks").rglob("*.py"), *(ROOT / "docs").rglob("*.md")]
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    assert len([line for line in lines if PEOPLE.search(line)]) <= MOST_PEOPLE


def test_tests_are_not_about_people() -> None:
    """No comment and no docstring of a test is about people in place of things."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    suspects = [path for path in files if PEOPLE.search(path.read_text("utf-8"))]
    assert [line for path in suspects for line in prose(path) if PEOPLE.search(line)] == []
