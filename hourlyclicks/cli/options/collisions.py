"""Refuse a command whose output is one of its inputs, before anything is opened or sent.

A command writes its output, the files of its store, and what the shell sends stdout and stderr to. It reads
the targets file and the key file. No file that is written may be another one of these, by whatever names:
through symbolic and hard links, ``/dev/fd/N``, another spelling on a file system that takes ``a`` for ``A``,
and also when the file is not there yet. The store counts with the files that SQLite keeps beside it.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.cli.exits import USAGE, CommandError
from hourlyclicks.cli.options.key_file import default_file
from hourlyclicks.files.devices import is_device

if TYPE_CHECKING:
    from collections.abc import Iterator

_BESIDE_A_STORE = ("", "-wal", "-shm", "-journal")
_STDIN, _STDOUT, _STDERR = 0, 1, 2
_STANDARD = {_STDOUT: "stdout", _STDERR: "stderr"}


@attrs.frozen
class Named:
    """A file of a command.

    Args:
        role: what it is, in words.
        path: its path, or a descriptor.
    """

    role: str
    path: Path | int

    def same_as(self, other: Named) -> bool:
        """Return whether both are the same file, or will be when they are there."""
        mine, others = _status(self.path), _status(other.path)
        if mine is not None and others is not None:
            return _is_kept(mine) and os.path.samestat(mine, others)
        if (
            mine is not None
            or others is not None
            or isinstance(self.path, int)
            or isinstance(other.path, int)
        ):
            return False
        return _place(self.path) == _place(other.path)


def check_apart(
    *,
    store: str | None = None,
    output: Path | None = None,
    targets: Path | None = None,
    key_file: Path | None = None,
) -> None:
    """Refuse a command that would write into a file it needs, or twice into the same.

    Args:
        store: the store, if there is one.
        output: the file for the result, if it does not go to stdout.
        targets: the file that lists targets, if there is one.
        key_file: the file with the key, if it was named; else the usual one counts.

    Raises:
        CommandError: two of them are the same file.
    """
    outputs = [] if output is None else list(_outputs(output))
    stored = [] if store is None or "://" in store else list(_stored(store))
    streams = [Named(name, number) for number, name in _STANDARD.items()]
    read = list(_read(targets, key_file))
    apart = (*product(outputs, [*stored, *read]), *product(stored, read), *product(streams, [*stored, *read]))
    if output is not None and not is_device(output):  # what is said would be lost, or end up in the data
        apart = (*apart, *product(streams[1:], outputs))
    for one, other in apart:
        if one.same_as(other):
            if streams[1].same_as(other):
                _turn_stderr_away(other)
            raise CommandError(f"{one.role} and {other.role} are the same file; choose another one", USAGE)


def _outputs(output: Path) -> Iterator[Named]:
    yield Named(f"the output {output}", output)
    if not is_device(output):
        partial = Path(f"{output}.partial")
        yield Named(f"the output {partial}", partial)


def _stored(store: str) -> Iterator[Named]:
    shown = "" if "password" in store.lower() else f" {store}"
    for suffix in _BESIDE_A_STORE:
        for path in {store, str(_real(Path(store)))}:  # SQLite names its files after the one behind a link
            yield Named(f"the store{shown}{suffix}", Path(path + suffix))


def _read(targets: Path | None, key_file: Path | None) -> Iterator[Named]:
    if targets == Path("-"):
        yield Named("the list of targets on stdin", _STDIN)
    elif targets is not None:
        yield Named(f"the targets file {targets}", targets)
    key_file = key_file or default_file()
    if key_file is not None:
        yield Named(f"the key file {key_file}", key_file)


def _turn_stderr_away(other: Named) -> None:
    """Send stderr to stdout, or nowhere: not even the refusal may be written into the file it is about."""
    taken = Named(_STANDARD[_STDOUT], _STDOUT).same_as(other) or _status(_STDOUT) is None
    os.dup2(os.open(os.devnull, os.O_WRONLY) if taken else _STDOUT, _STDERR)


def _status(path: Path | int) -> os.stat_result | None:
    """Return the status of a file behind all links; ``None`` when it is not there."""
    try:
        return os.stat(path)  # noqa: PTH116 - takes descriptors, too
    except (OSError, ValueError):
        return None


def _is_kept(status: os.stat_result) -> bool:
    """Return whether something is a file that keeps what is written; a terminal may be read and written."""
    return stat.S_ISREG(status.st_mode) or stat.S_ISBLK(status.st_mode)


def _real(path: Path) -> Path:
    """Return the path behind all links, as far as it is there."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path


def _place(path: Path) -> tuple[object, str]:
    """Return where a file that is not there would be: its folder, and its name in the loosest spelling."""
    real = _real(path)
    folder = _status(real.parent)
    name = unicodedata.normalize("NFKC", real.name).casefold()
    return (str(real.parent) if folder is None else (folder.st_dev, folder.st_ino)), name
