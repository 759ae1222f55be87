"""Where the result goes: stdout, or a file that is there as a whole or not at all."""

from __future__ import annotations

import io
import itertools
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, TypeAlias

import attrs

from hourlyclicks.cli.console.stdout import writing_to_stdout
from hourlyclicks.cli.exits import OUTPUT, USAGE, CommandError
from hourlyclicks.cli.output.formats import BINARY, format_of
from hourlyclicks.cli.output.rows import writing_rows
from hourlyclicks.files.devices import is_device
from hourlyclicks.files.replace import KeptError, check_replaceable, replacing
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.render.tables import write_columns, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hourlyclicks.cli.output.formats import Format
    from hourlyclicks.cli.output.rows import Shape

    Result: TypeAlias = HourlySeries | DailySeries | Iterable[HourlySeries | DailySeries]

_DATABASE = b"SQLite format 3\0"


def check_writable(output: Path | None) -> None:
    """Refuse a file that cannot be written, before hours are spent on what should go into it."""
    if output is None:
        with writing_to_stdout():
            return
    try:
        check_replaceable(output)
        if not is_device(output):
            partial_name(output)
            _check_content(output)
    except (OSError, ValueError) as error:  # a name with NUL in it is the latter
        why = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"cannot write {output}: {why}", OUTPUT) from None


def _check_content(output: Path) -> None:
    """Refuse to replace a database; it may be the store of another command."""
    if not output.is_file() or not os.access(output, os.R_OK):
        return
    with output.open("rb") as file:
        if file.read(len(_DATABASE)) == _DATABASE:
            raise CommandError(f"{output} is a SQLite database; choose another name for the output", USAGE)


def partial_name(output: Path) -> Path:
    """Return a name for an incomplete result that is not taken: ``FILE.partial``, or with a number.

    Raises:
        OSError: the name would be too long.
    """
    for number in itertools.count(1):
        path = output.with_name(f"{output.name}.partial{f'-{number}' if number > 1 else ''}")
        try:
            path.lstat()
        except FileNotFoundError:
            return path
    raise AssertionError  # there is always another number


def save(series: Result, shape: Shape, output: Path) -> Path | None:
    """Write an incomplete series beside its file, or else where temporary files go.

    Returns:
        Where that is; ``None`` when it can be written nowhere.
    """
    try:
        aside = partial_name(output)
        write(series, shape, aside)
    except (OSError, CommandError):
        return rescued(series, shape, output)
    return aside


def write(series: Result, shape: Shape, output: Path | None, *, last_resort: bool = False) -> None:
    """Write a series, or several one after the other, to stdout or into a file; see `writing`.

    Args:
        series: the series, or several; these are gone through twice if need be.
        shape: the format, and what a row is.
        output: the file; ``None``: stdout.
        last_resort: whether the series is nowhere else; then, if need be, it goes into a temporary file.
    """
    try:
        with writing(shape.form, output) as stream:
            _write(series, shape, stream)
    except CommandError as failure:
        if not last_resort or isinstance(failure.__cause__, KeptError):
            raise
        kept = rescued(series, shape, output)
        where = "" if kept is None else f"; the data is in {kept}"
        raise CommandError(f"{failure.message}{where}", OUTPUT) from None


def rescued(series: Result, shape: Shape, output: Path | None) -> Path | None:
    """Write a series where temporary files go, and return where that is; ``None``: it cannot be written.

    It becomes CSV if it was to be a table, which has not every figure, or needs a library.
    """
    form: Format = "csv" if shape.form == "table" or shape.form in BINARY else shape.form
    suffix = output.suffix if output is not None and format_of(output) == form else f".{form}"
    try:
        handle, name = tempfile.mkstemp(prefix="hourlyclicks-", suffix=suffix)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            _write(series, attrs.evolve(shape, form=form), stream)
    except OSError:
        return None
    return Path(name)


@contextmanager
def writing(form: Format | Literal["html"], output: Path | None) -> Iterator[IO[str]]:
    """Open stdout or a file for data of some format.

    Raises:
        CommandError: it cannot be written.
        BrokenPipeError: the reader of stdout has ended.
    """
    if output is None:
        with writing_to_stdout():
            if isinstance(sys.stdout, io.TextIOWrapper):
                _prepare(sys.stdout, form)
            yield sys.stdout
        return
    try:
        with replacing(output) as stream:
            yield stream
    except KeptError as error:
        raise CommandError(
            f"cannot write {output}: {error.strerror}; the data is in {error.kept}", OUTPUT
        ) from error
    except OSError as error:
        raise CommandError(f"cannot write {output}: {error.strerror}", OUTPUT) from None


def _prepare(stdout: io.TextIOWrapper, form: str) -> None:
    """Let data leave as UTF-8 without any translation; a table must not fail at a letter it cannot show."""
    if form == "table":
        stdout.reconfigure(errors="replace")
    else:
        stdout.reconfigure(encoding="utf-8", newline="")


def _write(series: Result, shape: Shape, stream: IO[str]) -> None:
    several = [series] if isinstance(series, HourlySeries | DailySeries) else series
    if shape.form != "table":
        with writing_rows(shape, stream) as write_rows:
            for each in several:
                write_rows(each)
        return
    for place, each in enumerate(several):
        stream.write("\n" if place else "")
        if shape.layout.is_usual or isinstance(each, DailySeries):
            write_table(each, stream)
        else:
            write_columns(each, shape.layout, stream)
