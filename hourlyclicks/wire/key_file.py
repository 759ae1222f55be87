"""Read a secret from a file that only its owner can read.

A file that others can read is refused when its owner could change that. A secret that is mounted into a
container is another matter: Docker makes it 0444 and Kubernetes 0440, and root owns it.
"""

from __future__ import annotations

import os
import shlex
import stat
from typing import TYPE_CHECKING

from hourlyclicks.errors import UsageError
from hourlyclicks.wire.pasted_key import text_of, unwrap_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hourlyclicks.wire.key import Secret

_LONGEST = 4096
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # a pipe without a writer must not block
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def read_key_file(path: Path, *, named: bool, warn: Callable[[str], object]) -> Secret:
    """Return the API key in a file, once it is certain that it is a secret.

    Args:
        path: the file.
        named: whether it was named; the default file must be one that only its owner can read.
        warn: told that every user of the machine can read it, where that is nevertheless accepted.

    Raises:
        UsageError: it cannot be read, holds no key, or others could read it.
    """
    key = unwrap_key(read_secret(path, named=named, warn=warn), f"the key in the file {path}")
    if not key:
        raise UsageError(f"the key file {path} is empty")
    return key


def read_secret(path: Path, *, named: bool, warn: Callable[[str], object]) -> Secret:
    """Return the text of a file that holds a secret; see `read_key_file`."""
    try:
        with os.fdopen(os.open(path, _READ), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"the key file {path} is not a file")
            if os.name == "posix":
                _check_mode(path, status, read_only=_is_read_only(file.fileno()), named=named, warn=warn)
            return text_of(file.read(_LONGEST))
    except OSError as error:
        raise UsageError(f"the key file {path} cannot be read: {error.strerror}") from None


def _check_mode(
    path: Path, status: os.stat_result, *, read_only: bool, named: bool, warn: Callable[[str], object]
) -> None:
    """Refuse a file that others can read, unless it is a mounted secret.

    That is one on a read-only mount; or, if it was named, one that may not be written at all, as no editor
    makes it, or one of root that is not ours to change.
    """
    others = status.st_mode & _OTHERS
    if not others:
        return
    not_ours = status.st_uid == 0 and os.geteuid() != 0
    mounted = read_only or (named and (not status.st_mode & _ANY_WRITE or not_ours))
    if others & ~_OTHERS_READ or not mounted:
        raise UsageError(f"others can read the key file {path}; run: chmod 600 {shlex.quote(str(path))}")
    if status.st_mode & stat.S_IROTH and not read_only:
        warn(f"every user of this machine can read the key file {path}")


def _is_read_only(descriptor: int) -> bool:
    return bool(os.fstatvfs(descriptor).f_flag & os.ST_RDONLY)
