"""The API key: read from the environment, or from a file that only its owner can read.

Never an option: the arguments of a process can be seen by every user of the machine, and stay in the
history of the shell.

A file that others can read is refused when its owner could change that. A secret that is mounted into a
container is another matter: Docker makes it 0444 and Kubernetes 0440, and root owns it.
"""

from __future__ import annotations

import os
import shlex
import stat
from typing import TYPE_CHECKING

from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.options.key_file import default_file
from hourlyclicks.errors import UsageError
from hourlyclicks.wire.key import KEY_VARIABLE
from hourlyclicks.wire.pasted_key import text_of, unwrap_key

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.wire.key import Secret

_LONGEST = 4096
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # a pipe without a writer must not block
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def find_key(key_file: Path | None = None) -> Secret:
    """Return the key: from the file that was named, else the environment, else the default file.

    Raises:
        UsageError: there is none, it cannot be one, or others could read the file.
    """
    if key_file is not None:
        return _read(key_file, named=True)
    key = _of_environment()
    if key:
        return key
    path = default_file()
    if path is None:
        raise UsageError(f"no API key: set {KEY_VARIABLE}, or name a file that holds it with --key-file")
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where a folder may not be entered
        raise UsageError(f"no API key: set {KEY_VARIABLE}, or write the key into {path} (and chmod 600 it)")
    return _read(path, named=False)


def key_if_any() -> Secret | None:
    """Return the key where `find_key` looks for it; ``None`` when there is none that this user can read."""
    path = default_file()
    readable = path is not None and os.access(path, os.R_OK)
    return find_key() if readable or _of_environment() else None


def _of_environment() -> Secret:
    return unwrap_key(os.environ.get(KEY_VARIABLE, ""), f"the API key in {KEY_VARIABLE}")


def _read(path: Path, *, named: bool) -> Secret:
    """Read a key from a file, once it is certain that it is a secret."""
    try:
        with os.fdopen(os.open(path, _READ), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"the key file {path} is not a file")
            if os.name == "posix":
                _check_mode(path, status, read_only=_is_read_only(file.fileno()), named=named)
            key = unwrap_key(text_of(file.read(_LONGEST)), f"the key in the file {path}")
    except OSError as error:
        raise UsageError(f"the key file {path} cannot be read: {error.strerror}") from None
    if not key:
        raise UsageError(f"the key file {path} is empty")
    return key


def _check_mode(path: Path, status: os.stat_result, *, read_only: bool, named: bool) -> None:
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
        say(f"warning: every user of this machine can read the key file {path}")


def _is_read_only(descriptor: int) -> bool:
    return bool(os.fstatvfs(descriptor).f_flag & os.ST_RDONLY)
