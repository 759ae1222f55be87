"""Targets listed in a file: CSV with a header, TOML if its name ends in ``.toml``, or addresses line by line.

The file ``-`` is the standard input.

Mistakes are told with their line, or in TOML with the number of the target. What is not a mistake for
certain, and may be one, is warned of.
"""

from __future__ import annotations

import datetime as dt
import errno
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import attrs

from hourlyclicks.cli.console.reading import read_to_end
from hourlyclicks.cli.options.csv_cells import Cell, CellError, read_rows
from hourlyclicks.cli.options.target_names import check_spelling, read_link, read_target, shown
from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import as_day
from hourlyclicks.model.quantities import count
from hourlyclicks.model.spelling import BLANKS, has_blank_ends, hidden
from hourlyclicks.model.targets import Account, Group, Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedReader

    from hourlyclicks.cli.options.csv_cells import Row
    from hourlyclicks.cli.options.target_names import Warn
    from hourlyclicks.model.targets import Link

    Cells: TypeAlias = Mapping[str, Any]

_COLUMNS = ("link", "domain", "group", "target", "url", "since")
_KEYS = {*_COLUMNS, "account"}
_NAMING = ("link", "group", "target")
_STDIN = Path("-")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_SEPARATOR = re.compile(r'"?sep=(.)"?(?=[\r\n]|\Z)', re.IGNORECASE)
_HEADER = "the first line must name the columns: link, domain, group, target, url, since; or list addresses"
_ANOTHER = "a target is one of: a link with its domain, a group, the account, a url, or a target in one word"
_BETWEEN = re.compile(r"[,\s]")
_LINE_END = re.compile(r"\r\n|\r|\n")
_BREAKS = frozenset("\r\n\t")
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\0")


@attrs.frozen
class Listed:
    """A target in a file.

    Args:
        place: where it stands.
        target: the target.
        since: its first day, if it has one.
    """

    place: str
    target: Target
    since: dt.date | None


@attrs.frozen
class Entry:
    """What a file says about one target.

    Args:
        place: where.
        cells: what, by the names of the columns; a `Cell`, or a value of TOML.
        domain: the domain of a link that names none.
    """

    place: str
    cells: Cells
    domain: object

    def read(self, warn: Warn) -> Listed:
        """Make a target of it."""
        try:
            target = self._target(lambda text: warn(f"{self.place}: {text}"))
            return Listed(self.place, target, _first_day(self.cells.get("since")))
        except UsageError as error:
            raise UsageError(f"{self.place}: {error}") from None

    def _target(self, warn: Warn) -> Target:
        named = [key for key in ("link", "group", "account", "target", "url") if key in self.cells]
        if len(named) != 1 or ("domain" in self.cells and named != ["link"]):
            raise UsageError(_ANOTHER)
        value = self.cells[named[0]]
        if named == ["link"]:
            return read_link(_id(value), _domain(value, self.cells.get("domain", self.domain)), warn)
        if named == ["url"]:
            return _address(_id(value), warn)
        if named == ["group"]:
            return Group(_number(value))
        if named == ["target"] and isinstance(value, str | Cell):
            return read_target(_letters(value), warn)
        if value is not True:
            raise UsageError(_ANOTHER)
        return Account()


def read_list(path: Path, domain: str | None, warn: Warn) -> list[Listed]:
    """Read the targets in a file, in their order.

    Args:
        path: the file; ``-``: the standard input.
        domain: the domain of links that name none.
        warn: told what may be a slip.

    Raises:
        UsageError: it cannot be read, has no targets, or something in it is none.
    """
    name, text = _name(path), _text(path)
    if path.suffix.lower() == ".toml":
        entries = _read_toml(name, text, domain)
    else:
        entries = (_read_addresses if _is_plain(text) else _read_csv)(name, text, domain)
    found = [entry.read(warn) for entry in entries]
    if not found:
        raise UsageError(f"{name} names no targets")
    return found


def _name(path: Path) -> str:
    return "stdin" if path == _STDIN else str(path)


def _content(path: Path) -> bytes:
    """Return what is in a file; the end of stdin, or of a named pipe, may be long in coming."""
    if path != _STDIN:
        with path.open("rb") as stream:
            return read_to_end(stream)
    if sys.stdin is None:
        raise OSError(errno.EBADF, "it is closed")
    return read_to_end(cast("BufferedReader", sys.stdin.buffer))


def _text(path: Path) -> str:
    try:
        content = _content(path)
    except OSError as error:
        raise UsageError(f"{_name(path)} cannot be read: {error.strerror}") from None
    if content.startswith(_WIDE) or content[1:2] == b"\0":
        raise UsageError(f"{_name(path)} is not written in UTF-8, but in UTF-16: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{_name(path)} is not written in UTF-8") from None


def _read_csv(path: str, text: str, domain: str | None) -> Iterator[Entry]:
    """Yield each row that says anything; columns of other names are ignored."""
    separator = _SEPARATOR.match(text)
    if separator and separator[1] != ",":
        raise UsageError(f"{path}:1: cells are separated by {separator[1]!r}: write commas")
    try:
        rows = read_rows(text)
        if separator:
            next(rows)
        header = _header(path, next(rows, None))
        used = _used(header)
        for row in rows:
            place = f"{path}:{row.line}"
            if len(row.cells) > len(header):
                columns = count(len(header), "column")
                raise UsageError(f"{place}: {count(len(row.cells), 'cell')} under {columns}")
            named = zip(header, row.cells, strict=False)
            cells = {name: cell for name, cell in named if name in used and cell.text}
            if row:
                yield Entry(place, cells, domain)
    except CellError as error:
        raise UsageError(f"{path}:{error.line}: {error}") from None


def _header(path: str, row: Row | None) -> list[str]:
    """Return the names of the columns."""
    names = [] if row is None else [cell.text.lower() for cell in row.cells]
    for name in names:
        for separator in ";\t|":
            if set(name.split(separator)) & set(_COLUMNS) and separator in name:
                raise UsageError(f"{path}:1: cells are separated by {separator!r}: write commas")
        if hidden(name) is not None:
            raise UsageError(f"{path}:1: {name!r} holds a character that cannot be seen: remove it")
        if name in _COLUMNS and names.count(name) > 1:
            raise UsageError(f"{path}:1: {names.count(name)} columns are named {name}: keep one of them")
    if not {*_NAMING, "url"} & set(names):
        raise UsageError(f"{path}:1: {_HEADER}")
    return names


def _used(header: list[str]) -> set[str]:
    """Return the columns that count; beside another name of a target, ``url`` is where its link leads."""
    return set(_COLUMNS) - ({"url"} if set(_NAMING) & set(header) else set())


def _is_plain(text: str) -> bool:
    """Return whether a text is a plain list: its first line that is no comment begins with an address."""
    lines = (line.strip() for line in _LINE_END.split(text))
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return _ADDRESS.match(first) is not None


def _read_addresses(path: str, text: str, domain: str | None) -> Iterator[Entry]:
    """Yield the address in each line; blank lines and lines that begin with ``#`` are ignored."""
    for number, line in enumerate(_LINE_END.split(text), start=1):
        address = line.strip(BLANKS)
        if address and not address.startswith("#"):
            yield Entry(f"{path}:{number}", {"url": Cell(address)}, domain)


def _read_toml(path: str, text: str, domain: str | None) -> Iterator[Entry]:
    """Yield each ``[[target]]``."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: {error}") from None
    common: object = document.pop("domain", domain)
    tables = document.pop("target", [])
    if document:
        raise UsageError(f"{path}: {next(iter(document))!r} is no field; the fields are: domain, target")
    if not isinstance(tables, list):
        raise UsageError(f"{path}: write [[target]], with two brackets")
    for number, cells in enumerate(tables, start=1):
        place = f"{path}: target {number}"
        if not isinstance(cells, dict):
            raise UsageError(f"{place}: it is no table")
        if strange := sorted(set(cells) - _KEYS):
            raise UsageError(f"{place}: {strange[0]!r} is no field of a target")
        yield Entry(place, cells, common)


def _address(text: str, warn: Warn) -> Link:
    """Read the whole address of a link."""
    if not _ADDRESS.match(text):
        raise UsageError(f"{shown(text)} is no address: write it with its scheme, https://vvd.bz/kYdr")
    if _BETWEEN.search(text):
        raise UsageError(
            f"{shown(text)} holds a blank or a comma: in an address, they are written %20 and %2C;"
            " a CSV begins with the names of its columns"
        )
    return read_link(text, None, warn)


def _first_day(value: object) -> dt.date | None:
    """Read the first day of a target; TOML has dates of its own."""
    if isinstance(value, Cell):
        return as_day(value.text)
    return None if value is None else as_day(value)  # type: ignore[arg-type]  # whatever is in TOML


def _id(value: object) -> str:
    """Return the text in the place of a link's id or address; TOML has all text in quotes."""
    if isinstance(value, Cell) and not value.quoted:
        if value.text.startswith("#"):
            raise UsageError(
                f"{shown(value.text)} is no comment here: remove the line, or put the id in quotes"
            )
        return _letters(value)
    text = value.text if isinstance(value, Cell) else value
    if not isinstance(text, str):
        raise UsageError(f"a link's id is text in quotes, not {text!r}")
    if has_blank_ends(text):
        raise UsageError(
            f"{shown(text)} begins or ends with a blank: remove it, or write the whole address with %20"
        )
    if _BREAKS.intersection(text):
        raise UsageError(f"{shown(text)} holds the end of a line, or a TAB: name one link in a row")
    return text


def _letters(value: Cell | str) -> str:
    """Return the text of a cell; in quotes, and in TOML, it is to the letter."""
    if isinstance(value, str) or value.quoted:
        return str(value.text if isinstance(value, Cell) else value)
    if "\t" in value.text:
        raise UsageError(f"{shown(value.text)} holds a TAB: write commas between cells")
    check_spelling(value.text)
    return value.text


def _domain(name: object, domain: object) -> str | None:
    """Return the domain of a link, if one is named."""
    text = domain.text if isinstance(domain, Cell) else domain
    if text is not None and not isinstance(text, str):
        link = name.text if isinstance(name, Cell) else name
        raise UsageError(f"the link {link!r} has no domain")
    if text is not None:
        check_spelling(text)
    return None if text is None else text.strip(BLANKS)


def _number(value: object) -> int:
    """Read the number of a group; in a CSV it is text."""
    text = value.text if isinstance(value, Cell) else value
    if isinstance(text, str) and _NUMBER.fullmatch(text.strip(BLANKS)):
        return int(text)
    if not isinstance(text, int) or isinstance(text, bool):
        raise UsageError(f"a group is a number, not {text!r}")
    return text
