"""The formats of a result: what the name of a file says, and what else a format asks for."""

from __future__ import annotations

import os
import re
import stat
import sys
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from hourlyclicks.cli.exits import USAGE, CommandError
from hourlyclicks.files.devices import descriptor_of, is_special

if TYPE_CHECKING:
    from pathlib import Path

Format: TypeAlias = Literal["table", "csv", "jsonl", "parquet", "xlsx"]

BINARY: frozenset[Format] = frozenset({"parquet", "xlsx"})
"""Formats that no terminal can show; each needs an extra."""

_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
_TEXT = ".txt"
_JSON = ".json"
_FOREIGN = re.compile(
    r"\.(7z|arrow|avro|br|bz2|db|dta|duckdb|feather|gz|gzip|h5|html?|ipc|json|lz4|lzma|md|ods|orc|pdf|pickle|pkl"
    r"|rds|sav|sql|sqlite3?|tab|tar|tgz|toml|tsv|xls[bm]?|xml|xz|ya?ml|zip|zst)"
)
"""Suffixes that promise another format; a file would not hold what its name says."""


def format_for(
    chosen: str | None, output: Path | None, *, otherwise: Format | None = None, binary: bool = True
) -> Format:
    """Return the format: the chosen one, else what the name of the file says; a table where it has none.

    Args:
        chosen: what ``--format`` says.
        output: the file.
        otherwise: the format of a file whose name has no suffix.
        binary: whether the command can write Parquet and Excel.

    Raises:
        CommandError: the name says nothing, or what cannot be written, or contradicts the choice.
    """
    suffix, meant = (output.suffix.lower(), format_of(output)) if output is not None else ("", None)
    foreign = _FOREIGN.fullmatch(suffix) is not None or (meant in BINARY and not binary)
    meant = None if foreign else meant
    can = _can(otherwise, binary=binary, another=not foreign)
    if output is None or _has_no_name(output):
        return cast("Format", chosen or meant or otherwise or "table")
    if chosen is not None:
        if meant not in {None, chosen} or (foreign and (suffix, chosen) != (_JSON, "jsonl")):
            raise CommandError(f"{output}: --format {chosen} does not go with {suffix}; {can}", USAGE)
        return cast("Format", chosen)
    if suffix == _TEXT and otherwise is None:
        return "table"
    if not suffix and otherwise is not None:
        return otherwise
    if meant is None:
        named = f"cannot write {suffix} files" if suffix else "the name does not say which format"
        raise CommandError(f"{output}: {named}; {can}", USAGE)
    return meant


def format_of(output: Path) -> Format | None:
    """Return the format that the name of a file promises; ``None`` when we do not write it."""
    return _SUFFIXES.get(output.suffix.lower())


def check_possible(form: Format, output: Path | None, *, rows: int = 0) -> None:
    """Refuse a format that cannot be written, before anything is read or requested.

    Args:
        form: the format.
        output: the file; ``None``: stdout.
        rows: how many rows it will have, if that is known.

    Raises:
        UsageError: a library for it is not installed, or it has no room for so many rows.
        CommandError: a terminal would be sent bytes.
    """
    if form == "parquet":
        import hourlyclicks.model.frames.parquet  # noqa: PLC0415 - an extra, which includes the next one

        # isort: split
        import hourlyclicks.model.frames.arrow  # noqa: F401, PLC0415 - as above
    elif form == "xlsx":
        from hourlyclicks.model.frames.excel import check_rows  # noqa: PLC0415 - an extra

        check_rows(rows)
    if form in BINARY and _is_terminal(output):
        raise CommandError(f"a terminal cannot show {form}: use -o FILE", USAGE)


def _has_no_name(output: Path) -> bool:
    """Return whether a path is a descriptor, a device or a pipe, whose name need not have a suffix."""
    return descriptor_of(output) is not None or is_special(output)


def _is_terminal(output: Path | None) -> bool:
    if output is None:
        return sys.stdout is not None and sys.stdout.isatty()
    number = descriptor_of(output)
    if number is not None:
        return os.isatty(number)
    if not is_special(output) or not stat.S_ISCHR(output.stat().st_mode):
        return False
    with output.open("wb", buffering=0) as device:
        return device.isatty()


def _can(otherwise: Format | None, *, binary: bool, another: bool) -> str:
    """Return what can be written, in words."""
    files = ".csv, .jsonl for JSON Lines, .parquet or .xlsx" if binary else ".csv, or .jsonl for JSON Lines"
    table = ", or .txt for a table" if otherwise is None else ""
    return f"use {files}{table}{'; another suffix needs --format' if another else ''}"
