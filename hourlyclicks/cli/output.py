"""Where the result goes: stdout, or a file that is there as a whole or not at all."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, TypeAlias, cast

from hourlyclicks.cli.exits import OUTPUT, USAGE, Failure
from hourlyclicks.cli.streams import writing_to_stdout
from hourlyclicks.cli.tables import write_table
from hourlyclicks.model.series import HourlySeries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Format: TypeAlias = Literal["table", "csv", "jsonl"]

_SUFFIXES: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def format_for(chosen: str | None, output: Path | None) -> Format:
    """Return the format: the chosen one, else what the name of the file says, else a table."""
    if chosen is not None:
        return cast("Format", chosen)
    suffix = output.suffix.lower() if output is not None else ""
    if suffix == ".json":
        raise Failure(f"{output}: JSON Lines go into a .jsonl file; or say --format", USAGE)
    return _SUFFIXES.get(suffix, "table")


def check_writable(output: Path | None) -> None:
    """Refuse a file that cannot be written, before hours are spent on what should go into it."""
    if output is None:
        with writing_to_stdout():
            return
    if _is_special(output):
        return
    target = Path(os.path.realpath(output))
    if target.is_dir():
        raise Failure(f"cannot write {output}: it is a folder", OUTPUT)
    if not target.parent.is_dir():
        raise Failure(f"cannot write {output}: there is no folder {target.parent}", OUTPUT)
    if not os.access(target.parent, os.W_OK):
        raise Failure(f"cannot write {output}: permission denied", OUTPUT)


def write(series: HourlySeries | Iterable[HourlySeries], form: Format, output: Path | None) -> None:
    """Write a series, or several one after the other, to stdout or into a file; see `writing`."""
    with writing(form, output) as stream:
        _write(series, form, stream)


@contextmanager
def writing(form: Format, output: Path | None) -> Iterator[IO[str]]:
    """Open stdout or a file for data of some format.

    Raises:
        Failure: it cannot be written.
        BrokenPipeError: nobody reads stdout any more.
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
    except OSError as error:
        raise Failure(f"cannot write {output}: {error.strerror}", OUTPUT) from None


def _prepare(stdout: io.TextIOWrapper, form: Format) -> None:
    """Let data leave as UTF-8 without any translation; a table must not fail at a letter it cannot show."""
    if form == "table":
        stdout.reconfigure(errors="replace")
    else:
        stdout.reconfigure(encoding="utf-8", newline="")


def _write(series: HourlySeries | Iterable[HourlySeries], form: Format, stream: IO[str]) -> None:
    several = [series] if isinstance(series, HourlySeries) else series
    for place, each in enumerate(several):
        if form == "csv":
            each.write_csv(stream, header=not place)
        elif form == "jsonl":
            each.write_jsonl(stream)
        else:
            stream.write("\n" if place else "")
            write_table(each, stream)


def _is_special(path: Path) -> bool:
    """Return whether a path is a device or a pipe; its real name need not exist, as in ``/dev/fd/63``."""
    return path.exists() and not path.is_file() and not path.is_dir()


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """Open a file that takes its place only when it is complete; only its owner can read it.

    What is no plain file, such as a device or a pipe, is written to directly.
    """
    if _is_special(path):
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=".hourlyclicks-", dir=target.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
