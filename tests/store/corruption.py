"""What can happen to the file of a store while it is in use."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

from tests.store.files import put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Files:
    """The files of a store that is in use, and copies to put in their location.

    Args:
        path: where the store is.
    """

    def __init__(self, path: Path) -> None:
        self.store = path
        self.log = path.with_name(path.name + "-wal")
        self.shm = path.with_name(path.name + "-shm")
        self.moved = path.with_name("moved.db")
        self.copy = path.with_name("copy.db")

    def remove(self, *paths: Path) -> None:
        """Delete files."""
        for path in paths:
            path.unlink()

    def cut(self, path: Path, part: float) -> None:
        """Cut a file off."""
        os.truncate(path, int(path.stat().st_size * part))

    def overwrite(self) -> None:
        """Put a copy over the file, in location."""
        shutil.copyfile(self.copy, self.store)

    def replace(self) -> None:
        """Rename a copy over the file."""
        shutil.copyfile(self.copy, self.moved)
        self.moved.replace(self.store)


CORRUPTIONS: dict[str, Callable[[Files], Any]] = {
    "removed": lambda files: files.remove(files.store),
    "all removed": lambda files: files.remove(files.store, files.log, files.shm),
    "renamed": lambda files: files.store.rename(files.moved),
    "folder renamed": lambda files: files.store.parent.rename(files.store.parent.with_name("elsewhere")),
    "replaced": Files.replace,
    "overwritten": Files.overwrite,
    "garbage": lambda files: put(files.store, b"no database " * 3000),
    "emptied": lambda files: files.cut(files.store, 0),
    "cut off": lambda files: files.cut(files.store, 0.6),
    "log removed": lambda files: files.remove(files.log),
    "log renamed": lambda files: files.log.rename(files.moved),
    "log emptied": lambda files: files.cut(files.log, 0),
    "log cut off": lambda files: files.cut(files.log, 0.5),
    "shm removed": lambda files: files.remove(files.shm),
    "shm renamed": lambda files: files.shm.rename(files.moved),
    "shm cut off": lambda files: files.cut(files.shm, 0.5),
}
