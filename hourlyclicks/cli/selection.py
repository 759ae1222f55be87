"""Which targets a command is about: named by options, listed in a file, or both.

A file is CSV with a header, or TOML if its name ends in ``.toml``. Mistakes in it are told with their line,
or in TOML with the number of the target.
"""

from __future__ import annotations

import csv
import functools
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import click

from hourlyclicks.cli.options import path_type
from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Account, Group, Link, Target, as_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hourlyclicks.cli.options import Command

    Cells: TypeAlias = Mapping[str, Any]

_COLUMNS = ("link", "domain", "group", "target")
_KEYS = {*_COLUMNS, "account"}
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_ANOTHER = "a target is one of: a link with its domain, a group, the account, or a target in one word"


@attrs.frozen
class Selection:
    """The targets that were named.

    Args:
        named: those that were named by options, in their order, each once.
        file: a file that lists more.
        domain: the domain of links in that file that name none.
    """

    named: tuple[Target, ...]
    file: Path | None
    domain: str | None

    def __bool__(self) -> bool:
        """Whether anything was said."""
        return bool(self.named) or self.file is not None

    def read(self) -> tuple[Target, ...]:
        """Return all targets, each once.

        Raises:
            UsageError: the file cannot be read, or something in it is no target.
        """
        listed = [] if self.file is None else read_targets(self.file, self.domain)
        return tuple(dict.fromkeys([*self.named, *listed]))


def with_targets(command: Command) -> Command:
    """Add options that name targets; the command takes ``selection``."""

    @click.option("--link", metavar="ID", multiple=True, help="A link of --domain, by its id; repeatable.")
    @click.option("--domain", metavar="URL", help="The domain of the links with its scheme: https://vvd.bz")
    @click.option(
        "--group",
        metavar="N",
        type=click.IntRange(0),
        multiple=True,
        help="The number of a group; repeatable.",
    )
    @click.option("--account", is_flag=True, help="The whole account.")
    @click.option("--targets", metavar="FILE", type=path_type(), help="Those listed in a CSV or TOML file.")
    @functools.wraps(command)
    def folded(
        *args: Any,  # noqa: ANN401 - whatever the command takes
        link: tuple[str, ...],
        domain: str | None,
        group: tuple[int, ...],
        account: bool,
        targets: Path | None,
        **rest: Any,  # noqa: ANN401 - likewise
    ) -> Any:  # noqa: ANN401 - likewise
        if link and domain is None:
            raise click.UsageError("--link needs --domain")
        if domain is not None and not link and targets is None:
            raise click.UsageError("--domain belongs to --link or --targets")
        links = [Link(each, domain) for each in link if domain is not None]
        named: list[Target] = [*links, *map(Group, group), *([Account()] if account else [])]
        selection = Selection(tuple(dict.fromkeys(named)), targets, domain)
        return command(*args, selection=selection, **rest)

    return folded


def read_targets(path: Path, domain: str | None = None) -> list[Target]:
    """Read the targets in a file, in their order.

    Args:
        path: the file.
        domain: the domain of links that name none.

    Raises:
        UsageError: it cannot be read, has no targets, or something in it is none.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not written in UTF-8") from None
    read = _read_toml if path.suffix.lower() == ".toml" else _read_csv
    found: list[Target] = []
    for place, cells, default in read(path, text, domain):
        try:
            found.append(_target(cells, default))
        except UsageError as error:
            raise UsageError(f"{place}: {error}") from None
    if not found:
        raise UsageError(f"{path} names no targets")
    return found


def _read_csv(path: Path, text: str, domain: str | None) -> Iterator[tuple[str, Cells, str | None]]:
    """Yield place, cells and domain of each line that says anything; columns of other names are ignored."""
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if not {"link", "group", "target"} & set(header):
            raise UsageError(f"{path}:1: the first line must name the columns: link, domain, group, target")
        for row in reader:
            place = f"{path}:{reader.line_num}"
            if len(row) > len(header):
                raise UsageError(f"{place}: {len(row)} cells under {len(header)} columns")
            cells = {name: cell for name, cell in zip(header, row, strict=False) if name in _COLUMNS and cell}
            if any(row):
                yield place, cells, domain
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: {error}") from None


def _read_toml(path: Path, text: str, domain: str | None) -> Iterator[tuple[str, Cells, str | None]]:
    """Yield place, cells and domain of each ``[[target]]``."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: {error}") from None
    domain = document.pop("domain", domain)
    tables = document.pop("target", [])
    if document:
        raise UsageError(f"{path}: {next(iter(document))!r} means nothing; only domain and target do")
    if not isinstance(tables, list):
        raise UsageError(f"{path}: write [[target]], with two brackets")
    for number, cells in enumerate(tables, start=1):
        place = f"{path}: target {number}"
        if not isinstance(cells, dict):
            raise UsageError(f"{place}: it is no table")
        if strange := sorted(set(cells) - _KEYS):
            raise UsageError(f"{place}: {strange[0]!r} means nothing")
        yield place, cells, domain


def _target(cells: Cells, domain: object) -> Target:
    """Make a target of what a line says about it."""
    named = [key for key in ("link", "group", "account", "target") if key in cells]
    if len(named) != 1 or ("domain" in cells and named != ["link"]):
        raise UsageError(_ANOTHER)
    value = cells[named[0]]
    if named == ["link"]:
        return _link(value, cells.get("domain", domain))
    if named == ["group"]:
        return Group(_number(value))
    if named == ["target"] and isinstance(value, str):
        return as_target(value)
    if value is not True:
        raise UsageError(_ANOTHER)
    return Account()


def _link(name: object, domain: object) -> Link:
    if not isinstance(name, str):
        raise UsageError(f"a link's id is text in quotes, not {name!r}")
    if not isinstance(domain, str):
        raise UsageError(f"the link {name!r} has no domain")
    return Link(name, domain.strip())


def _number(value: object) -> int:
    """Read the number of a group; in a CSV it is text."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UsageError(f"a group is a number, not {value!r}")
    return value
