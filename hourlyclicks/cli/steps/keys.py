"""The API key: read from the environment, or from a file that only its owner can read.

Never an option: the arguments of a process can be seen by every user of the machine, and stay in the
history of the shell.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.options.key_file import default_file
from hourlyclicks.errors import UsageError
from hourlyclicks.wire.key import KEY_VARIABLE
from hourlyclicks.wire.key_file import read_key_file
from hourlyclicks.wire.pasted_key import unwrap_key

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.wire.key import Secret


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
    return read_key_file(path, named=named, warn=lambda text: say(f"warning: {text}"))
