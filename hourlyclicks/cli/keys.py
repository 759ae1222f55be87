"""Where the API key comes from: the environment or a file nobody else can read.

Never an option: the arguments of a process can be seen by everybody on the machine, and stay in the
history of the shell.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import platformdirs

from hourlyclicks.client import KEY_VARIABLE
from hourlyclicks.errors import UsageError
from hourlyclicks.wire.key import Secret

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 4096
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # not to wait for whoever may write into a pipe
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def default_file() -> Path:
    """Return the file that is looked into when nothing else is said."""
    return platformdirs.user_config_path("hourlyclicks", appauthor=False) / "key"


def find_key(key_file: Path | None = None) -> Secret:
    """Return the key: from the file that was named, else the environment, else the default file.

    Raises:
        UsageError: there is none, or others could read the file.
    """
    if key_file is not None:
        return _read(key_file)
    found = Secret(os.environ.get(KEY_VARIABLE, ""))
    if found:
        return found
    path = default_file()
    if not path.exists():
        raise UsageError(f"no API key: set {KEY_VARIABLE}, or write the key into {path} (and chmod 600 it)")
    return _read(path)


def key_if_any() -> Secret | None:
    """Return the key where `find_key` looks for it; ``None`` when there is none."""
    if not os.environ.get(KEY_VARIABLE) and not default_file().exists():
        return None
    return find_key()


def _read(path: Path) -> Secret:
    """Read a key from a file, once it is certain that it is a secret."""
    try:
        with os.fdopen(os.open(path, _READ), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"the key file {path} is not a file")
            if os.name == "posix" and status.st_mode & _OTHERS:
                raise UsageError(f"others can read the key file {path}; run: chmod 600 {path}")
            return Secret(file.read(_LONGEST).decode("ascii", "replace").strip())
    except OSError as error:
        raise UsageError(f"the key file {path} cannot be read: {error.strerror}") from None
